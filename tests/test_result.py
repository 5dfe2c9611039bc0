"""The JSON of found faces: as its schema says, with poses that bring points back to where they are seen."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from clips import moving_faces, write_clip
from followers import ORIGIN, SCHEME, Brightest, made_face
from jsonschema import Draft202012Validator, ValidationError
from PIL import Image

from fauxface.faces import landmark_box
from fauxface.images import write_image
from fauxface.inference import Face, Landmarker
from fauxface.inference.predict import predict_files
from fauxface.inference.predict_video import predict_video
from fauxface.inference.result import SCHEMA, open_result, read_schema
from fauxface.pose import Camera, head_pose, mean_head

VALIDATOR = Draft202012Validator(read_schema())


class Finds:
    """Stands for a ``Landmarker``: the same faces, moved into each picture's own size."""

    origin = ORIGIN

    def __init__(self, *faces: Face) -> None:
        self.faces = list(faces)

    def __call__(self, images: list[np.ndarray]) -> list[list[Face]]:
        return [self.faces for _ in images]


def posed(size: tuple[int, int] = (640, 480), **more: Any) -> Face:
    """The mean head in front of the guessed camera of a picture, turned a little."""
    camera, turn = Camera.guess(*size), np.radians(20)
    rotation = np.array([[np.cos(turn), 0, np.sin(turn)], [0, -1, 0], [np.sin(turn), 0, -np.cos(turn)]])
    seen = (mean_head() @ rotation.T + [0.02, -0.01, 0.6]) @ camera.matrix.T
    points = seen[:, :2] / seen[:, 2:]
    return Face(points, np.full(70, 0.5), None, 0.9, SCHEME, head_pose(points, SCHEME, camera), **more)


def checked(path: Path) -> dict[str, Any]:
    found = json.loads(path.read_text())
    VALIDATOR.validate(found)
    return found


def predicted(folder: Path, *faces: Face, size: tuple[int, int] = (640, 480)) -> dict[str, Any]:
    write_image(folder / "a.png", np.zeros((size[1], size[0], 3), np.uint8))
    finder: Any = Finds(*faces)
    predict_files(folder / "a.png", finder, json_file=folder / "faces.json")
    return checked(folder / "faces.json")


def test_the_schema_is_a_schema():
    Draft202012Validator.check_schema(read_schema())
    assert read_schema()["properties"]["schema"] == {"const": SCHEMA}


def test_photographs_are_as_the_schema_says(tmp_path: Path):
    told: Any = {
        "visibility": np.linspace(0, 1, 70),
        "sigma": np.full(70, 1.25),
        "detector_box": np.array([200.0, 150, 400, 380]),
        "extra": {"gaze": np.array([0.0, 0.6, 0.8])},
    }
    found = predicted(tmp_path, replace(posed(), **told), made_face(300, 200))
    assert (found["schema"], found["weights"]["licence"], found["detector"]["name"]) == (
        SCHEMA,
        "Apache-2.0",
        "brightest",
    )
    [item] = found["images"]
    assert (item["width"], item["height"]) == (640, 480)
    first, second = item["faces"]
    assert first["detector_box"] == [200, 150, 400, 380]
    assert (first["detection_score"], first["id"], first["targets"]) == (0.9, None, {"gaze": [0, 0.6, 0.8]})
    assert (first["sigma"][0], first["visibility"][-1]) == (1.25, 1)
    assert (second["pose"], second["id"], second["sigma"], second["detector_box"]) == (None, 0, None, None)


def test_the_box_is_the_landmarks(tmp_path: Path):
    face = posed(detector_box=np.array([0.0, 0, 9, 9]))
    np.testing.assert_array_equal(face.box, landmark_box(face.landmarks, SCHEME))
    [item] = predicted(tmp_path, face)["images"]
    outline = np.array(item["faces"][0]["landmarks"])[:68]
    assert item["faces"][0]["box"] == [*outline.min(0), *outline.max(0)]
    half = face.scaled(0.5)
    np.testing.assert_allclose(half.box, (face.box + 0.5) / 2 - 0.5)
    np.testing.assert_allclose(half.detector_box, [-0.25, -0.25, 4.25, 4.25])


def test_pose_and_camera_of_the_json_show_the_head_where_its_points_are(tmp_path: Path):
    """By the formula of docs/json.md, with nothing but the file."""
    [item] = predicted(tmp_path, posed())["images"]
    [face], camera = item["faces"], item["camera"]
    matrix = np.array(face["pose"]["matrix"])
    x, y, z, one = matrix @ np.vstack([mean_head().T, np.ones(70)])
    np.testing.assert_allclose(one, 1)
    seen = np.stack([camera["focal"] * x / z + camera["centre"][0], camera["focal"] * y / z + camera["centre"][1]], 1)
    np.testing.assert_allclose(seen, face["landmarks"], atol=0.02)
    np.testing.assert_allclose(matrix[:3, :3], face["pose"]["rotation"])
    np.testing.assert_allclose(matrix[:3, 3], face["pose"]["translation"], atol=1e-5)
    np.testing.assert_allclose(face["pose"]["translation"], [0.02, -0.01, 0.6], atol=1e-3)
    assert (abs(face["pose"]["yaw"]), face["pose"]["pitch"]) == pytest.approx((20, 0), abs=0.1)


def test_a_videos_items_have_frame_and_seconds(tmp_path: Path):
    clip = write_clip(tmp_path / "clip.mp4", moving_faces(4, 1, 320, 240))
    predict_video(clip, Brightest(), ORIGIN, tmp_path / "out", tmp_path / "faces.json")
    found = checked(tmp_path / "faces.json")
    assert [item["frame"] for item in found["images"]] == [0, 1, 2, 3]
    assert found["images"][0]["seconds"] == 0
    assert all(a["seconds"] < b["seconds"] for a, b in zip(found["images"], found["images"][1:], strict=False))
    assert {(item["width"], item["height"]) for item in found["images"]} == {(320, 240)}
    assert {face["id"] for item in found["images"] for face in item["faces"]} == {7}


def test_the_size_is_that_of_the_upright_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Of a file that is lying on its side and so large that it is examined at a third of its size."""
    monkeypatch.setattr("fauxface.inference.predict.WHOLE_PIXELS", 10_000)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (301, 200)).save(tmp_path / "a.jpg", exif=exif)
    finder: Any = Finds()
    predict_files(tmp_path / "a.jpg", finder, json_file=tmp_path / "f.json")
    [item] = checked(tmp_path / "f.json")["images"]
    assert (item["width"], item["height"], item["faces"]) == (200, 301, [])
    assert item["camera"] == {"focal": 301, "centre": [99.5, 150]}


def test_no_item_is_a_whole_result_too(tmp_path: Path):
    with open_result(tmp_path / "f.json", ORIGIN):
        pass
    assert checked(tmp_path / "f.json")["images"] == []


@pytest.mark.parametrize(
    "change",
    [
        lambda found: found.update(schema="fauxface-predictions/2"),
        lambda found: found["images"][0].pop("camera"),
        lambda found: found["images"][0].update(frame=3),  # without seconds
        lambda found: found["images"][0]["faces"][0].update(landmarks=[[1, 2, 3]]),
        lambda found: found["images"][0]["faces"][0].update(colour="red"),
        lambda found: found["images"][0]["faces"][0]["pose"].update(matrix=[[1, 0], [0, 1]]),
        lambda found: found.pop("weights"),
    ],
)
def test_what_is_not_the_schemas_is_refused(tmp_path: Path, change: Any):
    found = predicted(tmp_path, posed())
    change(found)
    with pytest.raises(ValidationError):
        VALIDATOR.validate(found)


def test_a_landmarker_names_its_weights_and_detector():
    card: Any = SimpleNamespace(licence="Apache-2.0", lane="clean", crop="box", crop_margin=1.3)
    model: Any = SimpleNamespace(scheme=SCHEME)
    detector: Any = SimpleNamespace(name="own", licence="none")
    found = Landmarker(model, card, detector, camera=Camera(900, (10, 20)), checkpoint=Path("runs/a")).origin
    assert found.as_json()["weights"] == {"name": "runs/a", "licence": "Apache-2.0", "lane": "clean"}
    assert found.as_json()["detector"] == {"name": "own", "licence": "none"}
    assert found.item(Path("a.png"), (64, 48), [])["camera"] == {"focal": 900, "centre": [10, 20]}


def test_every_key_is_explained():
    page = (Path(__file__).parents[1] / "docs" / "json.md").read_text()
    parts = read_schema()["$defs"]
    keys = {key for part in parts.values() for key in part["properties"]} | read_schema()["properties"].keys()
    assert [key for key in sorted(keys - {"reliable"}) if f"`{key}`" not in page and f'"{key}"' not in page] == []
