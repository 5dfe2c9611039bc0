"""Found faces in other programs' formats, each opened again and compared with the JSON."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from followers import ORIGIN
from scipy.spatial.transform import Rotation

from fauxface.cli import main
from fauxface.inference.face import Face
from fauxface.inference.result import open_result
from fauxface.interchange.osc import OscFollower
from fauxface.interchange.shot import euler, quaternion, read_predictions, shot_of
from fauxface.landmarks import scheme_of
from fauxface.pose import Camera, Pose, angles, mean_head

WIDTH, HEIGHT, FPS = 320, 200, 25.0
CAMERA = Camera.guess(WIDTH, HEIGHT)
NUMBERS = [1001, 1002, 1003, 1005, 1006]
UPRIGHT = np.diag([1.0, -1.0, -1.0])


def posed(number: int, which: int) -> tuple[np.ndarray, Pose]:
    """Landmarks of a head that turns, and that do not fit the mean head exactly; and its pose."""
    turn = Rotation.from_euler("yxz", [6 * (number - 1003) + 20 * which, -5, 4 + which], degrees=True).as_matrix()
    rotation = UPRIGHT @ turn
    translation = np.array([0.02 * (number - 1003) - 0.08 * which, 0.01, 0.7 + 0.1 * which])
    seen = mean_head() @ rotation.T + translation
    points = CAMERA.focal * seen[:, :2] / seen[:, 2:] + CAMERA.centre
    points += np.random.default_rng(number + 7 * which).normal(0, 1, points.shape)
    return points, Pose(rotation, translation, *angles(rotation))


def found_face(number: int, which: int) -> Face:
    points, pose = posed(number, which)
    visible = (np.arange(70) % 3 > 0).astype(float)
    return Face(points, np.full(70, 0.8), visible, 0.9, "face_synthetics70", pose, which)


@pytest.fixture(scope="module")
def predictions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shot of five frames without frame 1004: face 0 in all, face 2 in the last two."""
    path = tmp_path_factory.mktemp("shot") / "shot.json"
    with open_result(path, ORIGIN) as write:
        for number in NUMBERS:
            faces = [found_face(number, 0), *([found_face(number, 2)] if number > 1004 else [])]
            place = {"frame": number, "seconds": (number - 1001) / FPS}
            write(ORIGIN.item(Path("shot.####.exr"), (WIDTH, HEIGHT), faces, **place))
    return path


def in_json(predictions: Path, which: int) -> dict[int, dict[str, Any]]:
    """Frame → the face's item in the JSON."""
    items = json.loads(predictions.read_text())["images"]
    return {item["frame"]: face for item in items for face in item["faces"] if face["id"] == which}


def projected(space: np.ndarray) -> np.ndarray:
    """Image pixels of points (N, 3) in the shared frame: y up, the camera looks along −z."""
    seen = space @ UPRIGHT
    return CAMERA.focal * seen[:, :2] / seen[:, 2:] + CAMERA.centre


def convert(predictions: Path, to: str, out: Path, *more: str) -> Path:
    assert main(["convert", str(predictions), "--to", to, "--out", str(out), *more]) == 0
    return out


def test_the_shot_is_the_json(predictions: Path):
    shot = shot_of(read_predictions(predictions))
    assert (shot.width, shot.height, shot.fps, shot.first, shot.last) == (WIDTH, HEIGHT, FPS, 1001, 1006)
    assert [(track.id, track.frames) for track in shot.tracks] == [(0, NUMBERS), (2, [1005, 1006])]
    assert shot.tracks[1].seen(1001, 1006) == {1001: False, 1005: True}
    assert shot.tracks[0].seen(1001, 1006) == {1001: True, 1004: False, 1005: True}
    for track in shot.tracks:
        for points, space in zip(track.points, shot.points_in_space(track), strict=True):
            assert np.abs(projected(space) - points).max() < 1e-9
        assert np.abs(shot.points_in_space(track)[..., 2] + 0.7 + 0.1 * track.id).max() < 0.16  # as far as the head


def test_rotations():
    for seed in range(20):
        turn = Rotation.random(random_state=seed)
        assert np.abs(Rotation.from_quat(quaternion(turn.as_matrix())).as_matrix() - turn.as_matrix()).max() < 1e-9
        for order in ("yxz", "zxy"):
            x, y, z = euler(turn.as_matrix(), order)
            again = Rotation.from_euler(order.upper(), [{"x": x, "y": y, "z": z}[a] for a in order], degrees=True)
            assert np.abs(again.as_matrix() - turn.as_matrix()).max() < 1e-6


# --- USD


@pytest.mark.parametrize("suffix", [".usda", ".usdc", ".usd"])
def test_usd(predictions: Path, tmp_path: Path, suffix: str):
    from pxr import Gf, Usd, UsdGeom

    stage = Usd.Stage.Open(str(convert(predictions, "usd", tmp_path / f"a{suffix}")))
    assert UsdGeom.GetStageUpAxis(stage) == "Y"
    assert UsdGeom.GetStageMetersPerUnit(stage) == 1
    assert (stage.GetStartTimeCode(), stage.GetEndTimeCode(), stage.GetTimeCodesPerSecond()) == (1001, 1006, FPS)
    assert stage.GetDefaultPrim().GetPath() == "/shot"
    camera = UsdGeom.Camera(stage.GetPrimAtPath("/shot/camera"))
    for which, there in ((0, NUMBERS), (2, [1005, 1006])):
        face = UsdGeom.Imageable(stage.GetPrimAtPath(f"/shot/face{which}"))
        points = UsdGeom.Points(stage.GetPrimAtPath(f"/shot/face{which}/landmarks"))
        names = points.GetPrim().GetAttribute("fauxface:names").Get()
        assert tuple(names) == scheme_of("face_synthetics70").names
        assert points.GetPointsAttr().GetTimeSamples() == there
        visible = [n for n in range(1001, 1007) if face.ComputeVisibility(n) != UsdGeom.Tokens.invisible]
        assert visible == there
        for number, item in in_json(predictions, which).items():
            # by USD's own camera: from −1 to 1 across the window
            frustum = camera.GetCamera(Usd.TimeCode(number)).frustum
            matrix = frustum.ComputeViewMatrix() * frustum.ComputeProjectionMatrix()
            seen = [matrix.Transform(Gf.Vec3d(p)) for p in points.GetPointsAttr().Get(number)]
            pixels = [((p[0] + 1) / 2 * WIDTH - 0.5, (1 - p[1]) / 2 * HEIGHT - 0.5) for p in seen]
            assert np.abs(np.array(pixels) - item["landmarks"]).max() < 0.01
            flat = points.GetPrim().GetAttribute("fauxface:pixels").Get(number)
            np.testing.assert_allclose(np.array(flat), item["landmarks"])
            head = UsdGeom.Xformable(stage.GetPrimAtPath(f"/shot/face{which}/head"))
            matrix = np.array(head.ComputeLocalToWorldTransform(number)).T
            np.testing.assert_allclose(matrix, np.diag([1, -1, -1, 1]) @ item["pose"]["matrix"], atol=1e-6)


# --- glTF


def values_of(file: Any, accessor: int) -> np.ndarray:
    """Numbers of an accessor, by the offsets in the file."""
    found = file.accessors[accessor]
    view = file.bufferViews[found.bufferView]
    width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}[found.type]
    data = file.get_data_from_buffer_uri(file.buffers[0].uri) if file.buffers[0].uri else file.binary_blob()
    return np.frombuffer(data, "<f4", found.count * width, view.byteOffset).reshape(-1, width)


@pytest.mark.parametrize("suffix", [".glb", ".gltf"])
def test_gltf(predictions: Path, tmp_path: Path, suffix: str):
    from pygltflib import GLTF2

    file = GLTF2().load(str(convert(predictions, "gltf", tmp_path / f"a{suffix}")))
    assert file is not None
    lens = file.cameras[0].perspective
    assert lens is not None
    assert np.tan(lens.yfov / 2) == pytest.approx(HEIGHT / 2 / CAMERA.focal)
    assert lens.aspectRatio == pytest.approx(WIDTH / HEIGHT)
    assert file.scenes[0].extras == {"fps": FPS, "first_frame": 1001}
    [animation] = file.animations
    curves: dict[tuple[str, str], tuple[np.ndarray, np.ndarray]] = {}
    for channel in animation.channels:
        sampler = animation.samplers[channel.sampler]
        name = str(file.nodes[channel.target.node].name)
        curves[name, channel.target.path] = values_of(file, sampler.input)[:, 0], values_of(file, sampler.output)
        limits = file.accessors[sampler.input]
        assert (limits.min, limits.max) == (
            [values_of(file, sampler.input).min()],
            [values_of(file, sampler.input).max()],
        )
    np.testing.assert_allclose(curves["face2", "scale"][0], [0, 4 / FPS], atol=1e-6)
    np.testing.assert_array_equal(curves["face2", "scale"][1], [[0] * 3, [1] * 3])
    for which in (0, 2):
        items = in_json(predictions, which)
        times = [(number - 1001) / FPS for number in items]
        names = [f"face{which}_{name}" for name in scheme_of("face_synthetics70").names]
        assert [str(file.nodes[i].name) for i in file.nodes[_index(file, f"face{which}")].children or []] == [
            f"face{which}_head",
            *names,
        ]
        for i, item in enumerate(items.values()):
            space = np.stack([curves[name, "translation"][1][i] for name in names]).astype(float)
            assert np.abs(projected(space) - item["landmarks"]).max() < 0.01
            matrix = np.diag([1, -1, -1, 1]) @ item["pose"]["matrix"]
            seconds, turns = curves[f"face{which}_head", "rotation"]
            np.testing.assert_allclose(seconds, times, atol=1e-6)
            np.testing.assert_allclose(Rotation.from_quat(turns[i]).as_matrix(), matrix[:3, :3], atol=1e-5)
            np.testing.assert_allclose(curves[f"face{which}_head", "translation"][1][i], matrix[:3, 3], atol=1e-5)


def _index(file: Any, name: str) -> int:
    return [node.name for node in file.nodes].index(name)


# --- BVH


def test_bvh(predictions: Path, tmp_path: Path):
    import bvhio

    def check(path: Path, which: int, lines: dict[int, int]) -> None:
        root = bvhio.readAsHierarchy(str(path))
        items = in_json(predictions, which)
        for line, number in lines.items():
            root.loadPose(line)
            expected = UPRIGHT @ np.array(items[number]["pose"]["matrix"])[:3]
            x, y, z, w = (getattr(root.RotationWorld, axis) for axis in "xyzw")
            np.testing.assert_allclose(list(root.PositionWorld), expected[:, 3], atol=1e-5)
            np.testing.assert_allclose(Rotation.from_quat([x, y, z, w]).as_matrix(), expected[:, :3], atol=1e-4)

    path = convert(predictions, "bvh", tmp_path / "a.bvh")  # face 0 is seen longest
    file = bvhio.readAsBvh(str(path))
    assert (file.FrameCount, file.FrameTime) == (6, pytest.approx(1 / FPS))
    check(path, 0, {0: 1001, 1: 1002, 2: 1003, 3: 1003, 4: 1005, 5: 1006})  # 1004 is missing: the pose stays
    check(convert(predictions, "bvh", tmp_path / "b.bvh", "--face", "2"), 2, {0: 1005, 3: 1005, 4: 1005, 5: 1006})


# --- Nuke


def tcl(text: str) -> list[Any]:
    """A Tcl list: words, quoted words, and lists in braces."""
    whole: list[Any] = []
    stack = [whole]
    for word in re.findall(r'"[^"]*"|[{}]|[^\s{}]+', text):
        if word == "{":
            stack[-1].append([])
            stack.append(stack[-1][-1])
        elif word == "}":
            stack.pop()
        else:
            stack[-1].append(word.strip('"'))
    assert len(stack) == 1, "braces do not match"
    return whole


def nodes_of(path: Path) -> dict[str, dict[str, Any]]:
    """Node name → its class and knobs."""
    words = tcl(re.sub(r"(?m)^#.*$", "", path.read_text()))
    found: dict[str, dict[str, Any]] = {}
    for kind, body in zip(words[::2], words[1::2], strict=True):
        knobs = dict(zip(body[::2], body[1::2], strict=True))
        found[knobs.get("name", kind)] = {"class": kind, **knobs}
    return found


def keys(curve: list[str]) -> dict[int, float]:
    assert curve[0] == "curve"
    rest = [word for word in curve[1:] if word != "K"]
    return {int(frame[1:]): float(value) for frame, value in zip(rest[::2], rest[1::2], strict=True)}


def test_nuke(predictions: Path, tmp_path: Path):
    nodes = nodes_of(convert(predictions, "nuke", tmp_path / "a.nk"))
    classes = {name: node["class"] for name, node in nodes.items()}
    assert classes == {
        **{"Root": "Root", "camera": "Camera2", "face0_tracks": "Tracker4", "face0_head": "Axis2"},
        **{"face2_tracks": "Tracker4", "face2_head": "Axis2"},
    }
    assert (nodes["Root"]["fps"], nodes["Root"]["first_frame"], nodes["Root"]["last_frame"]) == ("25", "1001", "1006")
    assert nodes["Root"]["format"] == f"{WIDTH} {HEIGHT} 0 0 {WIDTH} {HEIGHT} 1 fauxface"
    camera = nodes["camera"]
    assert float(camera["focal"]) / float(camera["haperture"]) == pytest.approx(CAMERA.focal / WIDTH)
    assert float(camera["vaperture"]) / float(camera["haperture"]) == pytest.approx(HEIGHT / WIDTH)
    assert (camera["translate"], camera["rotate"]) == (["0"] * 3, ["0"] * 3)
    names = scheme_of("face_synthetics70").names
    for which in (0, 2):
        items = in_json(predictions, which)
        size, columns, rows = nodes[f"face{which}_tracks"]["tracks"]
        assert size == ["1", str(len(columns)), str(len(rows))] == ["1", "31", "70"]
        assert [column[3] for column in columns][:4] == ["enable", "name", "track_x", "track_y"]
        assert tuple(row[1] for row in rows) == names
        assert {len(row) for row in rows} == {31}
        for i, row in enumerate(rows):
            x, y, enabled = keys(row[2]), keys(row[3]), keys(row[0])
            assert list(x) == list(y) == list(items)
            for number, item in items.items():
                # from Nuke's pixels, the middle of the bottom left one at (0.5, 0.5), to ours
                point = x[number] - 0.5, HEIGHT - 0.5 - y[number]
                assert point == pytest.approx(item["landmarks"][i], abs=1e-3)
            assert enabled == ({1001: 1, 1004: 0, 1005: 1} if which == 0 else {1001: 0, 1005: 1})
        axis = nodes[f"face{which}_head"]
        assert axis["rot_order"] == "ZXY"
        moved, turned = ([keys(curve) for curve in axis[knob]] for knob in ("translate", "rotate"))
        for number, item in items.items():
            matrix = UPRIGHT @ np.array(item["pose"]["matrix"])[:3]
            np.testing.assert_allclose([curve[number] for curve in moved], matrix[:, 3], atol=1e-5)
            x, y, z = (curve[number] for curve in turned)
            turn = Rotation.from_euler("zxy", [z, x, y], degrees=True)  # z first
            np.testing.assert_allclose(turn.as_matrix(), matrix[:, :3], atol=1e-5)


# --- Blender

LOOK = """
import json, sys
import bpy
from bpy_extras.object_utils import world_to_camera_view
scene = bpy.context.scene
found = {"fps": scene.render.fps / scene.render.fps_base, "range": [scene.frame_start, scene.frame_end], "frames": {}}
for frame in range(scene.frame_start, scene.frame_end + 1):
    scene.frame_set(frame)
    things = {}
    for thing in bpy.data.objects:
        if thing.type == "EMPTY":
            place = world_to_camera_view(scene, scene.camera, thing.matrix_world.translation)
            things[thing.name] = [list(place), [list(row) for row in thing.matrix_world], thing.hide_viewport]
    found["frames"][frame] = things
print("FOUND " + json.dumps(found))
"""


@pytest.mark.skipif(shutil.which("blender") is None, reason="Blender is not installed")
def test_blender(predictions: Path, tmp_path: Path):
    script = convert(predictions, "blender", tmp_path / "a.py")
    (tmp_path / "look.py").write_text(LOOK)
    words = ["blender", "--background", "--factory-startup", "--python-exit-code", "1"]
    words += ["--python", str(script), "--python", str(tmp_path / "look.py")]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(next(line[6:] for line in done.stdout.splitlines() if line.startswith("FOUND ")))
    assert (found["fps"], found["range"]) == (pytest.approx(FPS), [1001, 1006])
    z_up = np.array([[1, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
    for which in (0, 2):
        items = in_json(predictions, which)
        for frame, things in found["frames"].items():
            assert things[f"face{which}"][2] == (int(frame) not in items)
        for number, item in items.items():
            things = found["frames"][str(number)]
            for i, name in enumerate(scheme_of("face_synthetics70").names):
                x, y, _ = things[f"face{which}_{name}"][0]
                assert [x * WIDTH - 0.5, (1 - y) * HEIGHT - 0.5] == pytest.approx(item["landmarks"][i], abs=0.01)
            matrix = z_up @ np.diag([1, -1, -1, 1]) @ item["pose"]["matrix"]
            np.testing.assert_allclose(things[f"face{which}_head"][1], matrix, atol=1e-5)


def test_the_blender_script_holds_the_shot(predictions: Path, tmp_path: Path):
    """What can be seen without Blender: it is Python, and its numbers are the JSON's."""
    text = convert(predictions, "blender", tmp_path / "a.py").read_text()
    compile(text, "a.py", "exec")
    shot = json.loads(text.partition('r"""')[2].partition('"""')[0])
    assert [face["frames"] for face in shot["faces"]] == [NUMBERS, [1005, 1006]]
    places = np.array(list(shot["faces"][0]["points"].values()))[:, 2]  # of frame 1003: x right, y away, z up
    pixels = CAMERA.focal * places[:, [0, 2]] * [1, -1] / places[:, 1:2] + CAMERA.centre
    np.testing.assert_allclose(pixels, in_json(predictions, 0)[1003]["landmarks"], atol=0.01)


# --- COCO


def test_coco(predictions: Path, tmp_path: Path):
    from pycocotools.coco import COCO

    path = convert(predictions, "coco", tmp_path / "a.json")
    with contextlib.redirect_stdout(None):
        coco = COCO(str(path))
    [category] = coco.loadCats(coco.getCatIds())
    assert tuple(category["keypoints"]) == scheme_of("face_synthetics70").names
    assert {i for edge in category["skeleton"] for i in edge} <= set(range(1, 71))
    images = coco.loadImgs(coco.getImgIds())
    assert [(image["file_name"], image["frame"]) for image in images] == [("shot.####.exr", n) for n in NUMBERS]
    for image in images:
        found = {a["track_id"]: a for a in coco.loadAnns(coco.getAnnIds(imgIds=[image["id"]]))}
        there = {which for which in (0, 2) if image["frame"] in in_json(predictions, which)}
        assert found.keys() == there
        for which, annotation in found.items():
            item = in_json(predictions, which)[image["frame"]]
            keypoints = np.array(annotation["keypoints"]).reshape(-1, 3)
            np.testing.assert_allclose(keypoints[:, :2], item["landmarks"])
            assert keypoints[:, 2].tolist() == [1 if i % 3 == 0 else 2 for i in range(70)]
            x, y, width, height = annotation["bbox"]
            np.testing.assert_allclose([x, y, x + width, y + height], item["box"])
            mask = coco.annToMask(annotation)
            assert mask.shape == (HEIGHT, WIDTH)
            assert mask.sum() == pytest.approx(annotation["area"], rel=0.03)
            inside = keypoints[:, :2].mean(0).round().astype(int)
            assert mask[inside[1], inside[0]] == 1


# --- the command


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--to", "usd", "--out", "a.nk"], "the name of a usd file ends in .usd or .usda or .usdc"),
        (["--to", "nuke", "--out", "a.nk", "--face", "9"], "has no face 9; there are 0, 2"),
        (["--to", "nuke", "--out", "a.nk", "--image", "x.mp4"], "it holds no image x.mp4; there are shot.####.exr"),
        (["--to", "coco", "--out", "a.json", "--image", "x.mp4"], "it holds no image x.mp4"),
        (["--to", "coco", "--out", "shot.json"], "is one of the inputs"),
        (["--to", "gltf", "--out", "a.glb", "--fps", "0"], "fps"),
    ],
)
def test_what_cannot_be_converted_is_one_line(
    predictions: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch, words: list[str], says: str
):
    monkeypatch.chdir(predictions.parent)
    before = sorted(path.name for path in predictions.parent.iterdir())
    assert main(["convert", "shot.json", *words]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert len(error.splitlines()) == 1
    assert sorted(path.name for path in predictions.parent.iterdir()) == before


KINDS = [("usd", ".usda"), ("usd", ".usdc"), ("gltf", ".glb"), ("gltf", ".gltf"), ("bvh", ".bvh"), ("nuke", ".nk")]
KINDS += [("blender", ".py"), ("coco", ".json")]


@pytest.mark.parametrize(("to", "suffix"), KINDS)
def test_its_own_file_is_replaced_and_no_other(predictions: Path, tmp_path: Path, capsys: Any, to: str, suffix: str):
    shutil.copy(predictions, tmp_path / "shot.json")
    out = convert(tmp_path / "shot.json", to, tmp_path / f"a{suffix}", *(["--face", "2"] if to == "bvh" else []))
    before = out.read_bytes()
    out = convert(tmp_path / "shot.json", to, out, "--face", "0")
    assert out.read_bytes() != before
    out.write_bytes(b"my own work, also in Nuke")
    assert main(["convert", str(tmp_path / "shot.json"), "--to", to, "--out", str(out)]) == 2
    assert "holds something else" in capsys.readouterr().err
    assert out.read_bytes() == b"my own work, also in Nuke"


def test_a_damaged_or_other_json_is_one_line(predictions: Path, tmp_path: Path, capsys: Any):
    good = json.loads(predictions.read_text())

    def broken(**changes: Any) -> dict[str, Any]:
        item = json.loads(json.dumps(good["images"][0]))
        for name, value in changes.items():
            where = item if name in item else item["faces"][0]
            where[name] = value
        return {**good, "images": [item]}

    kinds = {
        "list": [],
        "version": {**good, "schema": "fauxface-predictions/0"},
        "empty": {**good, "images": []},
        "no faces": broken(faces=None),
        "few points": broken(landmarks=[[1, 2]]),
        "words": broken(landmarks=[["a", "b"]] * 70),
        "pose": broken(pose={"matrix": [[1]]}),
        "sizes": {**good, "images": [good["images"][0], {**good["images"][1], "width": 7}]},
        "twice": {**good, "images": [good["images"][0]] * 2},
        "two": {**good, "images": [good["images"][0], {**good["images"][1], "image": "b"}]},
    }
    for kind, content in kinds.items():
        (tmp_path / "f.json").write_text(json.dumps(content))
        assert main(["convert", str(tmp_path / "f.json"), "--to", "bvh", "--out", str(tmp_path / "a.bvh")]) == 2, kind
        error = capsys.readouterr().err
        assert len(error.splitlines()) == 1, kind
        assert "Traceback" not in error
    assert not (tmp_path / "a.bvh").exists()


def test_a_photograph_is_a_shot_of_one_frame(tmp_path: Path):
    face = found_face(1003, 0)
    nameless = Face(face.landmarks, face.scores, None, 0.9, face.scheme, face.pose, None)
    with open_result(tmp_path / "f.json", ORIGIN) as write:
        write(ORIGIN.item(Path("a.jpg"), (WIDTH, HEIGHT), [nameless, nameless]))
        write(ORIGIN.item(Path("b.jpg"), (WIDTH, HEIGHT), []))
    items = read_predictions(tmp_path / "f.json")
    shot = shot_of(items, "a.jpg")
    assert (shot.frames, shot.fps, [track.id for track in shot.tracks]) == ([0], 24, [0, 1])
    for kind, name in (("usd", "a.usda"), ("gltf", "a.glb"), ("nuke", "a.nk"), ("blender", "a.py")):
        for image in ("a.jpg", "b.jpg"):  # b.jpg has no face
            convert(tmp_path / "f.json", kind, tmp_path / name, "--image", image)
    convert(tmp_path / "f.json", "coco", tmp_path / "c.json")
    assert len(json.loads((tmp_path / "c.json").read_text())["annotations"]) == 2
    with pytest.raises(ValueError, match=r"it holds 2 images, a\.jpg, b\.jpg, …: choose one with --image"):
        shot_of(items)


@pytest.mark.parametrize(("to", "name", "module"), [("usd", "a.usda", "pxr"), ("gltf", "a.glb", "pygltflib")])
def test_a_missing_package_is_named(
    predictions: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch, to: str, name: str, module: str
):
    monkeypatch.setattr("fauxface.extras.installed", lambda _: False)
    assert main(["convert", str(predictions), "--to", to, "--out", str(tmp_path / name)]) == 2
    assert f"{to} needs {module}: pip install 'fauxface[interchange]'" in capsys.readouterr().err


def test_formats_of_text_need_no_package(predictions: Path, tmp_path: Path):
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['pxr', 'pygltflib', 'pythonosc', 'scipy'])); "
        "from fauxface.cli import main; "
        f"sys.exit(max(main(['convert', {str(predictions)!r}, '--to', to, '--out', {str(tmp_path)!r} + '/a' + s]) "
        "for to, s in (('nuke', '.nk'), ('bvh', '.bvh'), ('blender', '.py'), ('coco', '.json'))))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=100).returncode == 0


# --- OSC


class Still:
    """A follower that finds two faces, the second without a pose."""

    smooth = True

    def update(self, frame: np.ndarray, seconds: float) -> list[Face]:
        first, second = found_face(1003, 0), found_face(1003, 2)
        return [first, Face(second.landmarks, second.scores, None, 0.9, second.scheme, None, 2)]


def test_osc_and_vmc_arrive():
    from pythonosc.osc_bundle import OscBundle

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(10)
        follower = OscFollower(Still(), f"127.0.0.1:{listener.getsockname()[1]}")
        assert follower.smooth
        assert len(follower.update(np.zeros((4, 4, 3), np.uint8), 1.5)) == 2
        messages = [(m.address, list(m)) for m in OscBundle(listener.recv(65536))]  # pyright: ignore
    face = found_face(1003, 0)
    assert face.pose is not None
    got = dict(messages[::-1])  # the first of each address
    assert got["/fauxface/frame"] == [1.5, 2]
    assert (got["/VMC/Ext/OK"], got["/VMC/Ext/T"]) == ([1], [1.5])
    assert [values[0] for address, values in messages if address == "/fauxface/face"] == [0, 2]
    np.testing.assert_allclose(np.reshape(got["/fauxface/face"][1:], (70, 2)), face.landmarks, atol=1e-3)
    number, *rest = got["/fauxface/head"]
    world = UPRIGHT @ face.pose.matrix[:3]
    assert number == 0
    np.testing.assert_allclose(rest[:3], world[:, 3], atol=1e-6)
    np.testing.assert_allclose(Rotation.from_quat(rest[3:]).as_matrix(), world[:, :3], atol=1e-6)
    name, *device = got["/VMC/Ext/Tra/Pos"]
    mirror = np.diag([-1.0, 1, 1])  # Unity's frame has x reversed
    assert name == "face0"
    np.testing.assert_allclose(device[:3], mirror @ world[:, 3], atol=1e-6)
    np.testing.assert_allclose(Rotation.from_quat(device[3:]).as_matrix(), mirror @ world[:, :3] @ mirror, atol=1e-6)
    assert got["/VMC/Ext/Bone/Pos"][:4] == ["Head", 0, 0, 0]
    assert [address for address, _ in messages].count("/VMC/Ext/Tra/Pos") == 1  # the other has no pose
    follower.smooth = False
    follower.update(np.zeros((4, 4, 3), np.uint8), 2.0)
    assert follower._follower.smooth is False


@pytest.mark.parametrize("address", ["127.0.0.1", ":9000", "host:", "host:0", "host:70000", "host:x"])
def test_a_wrong_address_is_one_line(address: str, capsys: Any):
    assert main(["live", "--browser", "--osc", address]) == 2
    assert f"--osc {address} is not HOST:PORT" in capsys.readouterr().err


def test_live_sends_what_it_finds(monkeypatch: pytest.MonkeyPatch):
    from fauxface.live.run import followers

    monkeypatch.setattr("fauxface.live.run.Tracker", lambda _: Still())
    assert isinstance(followers(None)(), Still)  # pyright: ignore[reportArgumentType]
    assert isinstance(followers(None, "127.0.0.1:9")(), OscFollower)  # pyright: ignore[reportArgumentType]
