"""The generator: geometry with known answers, labels that fit the pictures, the same bytes however they are made."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from fauxface.rendering import Recipe, load_recipe, render_dataset, render_frame
from fauxface.rendering.head.brows import STATIONS, Shape, brow_points, brows_of, sample_brows
from fauxface.rendering.head.expression import MOODS, Expression, sample_expression
from fauxface.rendering.head.identity import Identity, macro_coefficients, sample_identity, shape_coefficients
from fauxface.rendering.head.model import head_model
from fauxface.rendering.head.subdivision import limit_positions, subdivide
from fauxface.rendering.head.surface import vertex_normals
from fauxface.rendering.labels.landmarks import STEPS, annotated, jaw_curves, landmarks_3d
from fauxface.rendering.opengl.rasteriser import NoDisplayError, projection_matrix
from fauxface.rendering.photo.camera import FACING, Pose, View, sample_lens, sample_view
from fauxface.rendering.recipe import Moods

SIZE = 96
SOMEONE = Identity(30, 0.5, (0.2, 0.3, 0.5), 0, 0, {})
BROW_SHAPE = Shape(head=0.013, tail=0.0, droop=0.0, arch=0.004, apex=0.66, thickness=0.0075)
CALM = Expression({}, (0.0, 0.0))
CUBE = np.array([[x, y, z] for z in (-1, 1) for y in (-1, 1) for x in (-1, 1)], float)
CUBE_QUADS = np.array([[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]])


def pose_head(identity=SOMEONE, expression=CALM, neck=None):
    return head_model().pose(identity, expression, neck or Rotation.identity())


def usual_brows(identity=SOMEONE):
    return brows_of(identity, BROW_SHAPE, (0.011, 0.0555))


def view_of(points: np.ndarray, yaw=0.0, pitch=0.0, roll=0.0, size=256) -> View:
    return sample_view(np.random.default_rng(0), Recipe(off_centre=0.0), Pose(yaw, pitch, roll, 1.0), points[:68], size)


def project(yaw=0.0, pitch=0.0, roll=0.0):
    posed = pose_head()
    points = landmarks_3d(head_model(), posed, usual_brows())
    view = view_of(points, yaw, pitch, roll)
    projected = view.project(points)
    return projected, annotated(posed, view, projected)


def test_a_subdivided_cube_has_the_published_points():
    matrix, quads = subdivide(CUBE_QUADS, 8)
    points = matrix @ CUBE
    assert matrix.shape == (8 + 12 + 6, 8)
    assert quads.shape == (24, 4)
    np.testing.assert_allclose(points[0], [-5 / 9] * 3)  # (F + 2R + 0·P) / 3 of Catmull & Clark
    np.testing.assert_allclose(np.abs(points[8:20]).max(1), 0.75)
    np.testing.assert_allclose(np.linalg.norm(points[20:], axis=1), 1.0)


def test_limit_positions_do_not_change_by_subdividing():
    matrix, quads = subdivide(CUBE_QUADS, 8)
    again = limit_positions(quads, matrix.shape[0]) @ matrix @ CUBE
    np.testing.assert_allclose(again[:8], limit_positions(CUBE_QUADS, 8) @ CUBE, atol=1e-12)


def test_an_open_mesh_keeps_its_straight_boundary():
    grid = np.array([[x, y, 0.0] for y in range(4) for x in range(4)])
    quads = np.array([[y * 4 + x, y * 4 + x + 1, y * 4 + x + 5, y * 4 + x + 4] for y in range(3) for x in range(3)])
    matrix, _ = subdivide(quads, 16)
    points = matrix @ grid
    assert np.isclose(points[:, 1].min(), 0)
    assert (points[:, 2] == 0).all()


def test_normals_of_a_cube_point_outwards():
    normals = vertex_normals(CUBE.astype(np.float32), CUBE_QUADS)
    np.testing.assert_allclose(normals, CUBE / np.sqrt(3), atol=1e-6)


def test_projection_puts_pixel_centres_at_whole_numbers():
    camera = np.array([[50.0, 0, 31.5], [0, 50, 31.5], [0, 0, 1]])
    clip = projection_matrix(camera, 64) @ [0, 0, 2.0, 1]  # straight ahead: the middle of pixels 31 and 32
    np.testing.assert_allclose(clip[:2] / clip[3], 0, atol=1e-12)
    left = projection_matrix(camera, 64) @ [(0 - 31.5) * 2 / 50, 0, 2.0, 1]
    assert np.isclose(left[0] / left[3], -1 + 1 / 64)  # half a pixel from the frame's edge


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_identity_targets_are_a_partition_of_unity(seed: int):
    identity = sample_identity(np.random.default_rng(seed), Recipe(), head_model().bust.names)
    coefficients = macro_coefficients(identity)
    for kind in ("universal:", "ancestry:"):
        assert np.isclose(sum(v for k, v in coefficients.items() if k.startswith(kind)), 1)
    assert set(coefficients) | set(identity.local) <= set(head_model().bust.names)
    assert all(0 < v <= 1.6 for v in identity.local.values())


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_a_blink_closes_every_eye_and_lids_stay_off_the_eyeball(seed: int):
    model = head_model()
    rng = np.random.default_rng(seed)
    identity = sample_identity(rng, Recipe(), model.bust.names)
    gaze = tuple(rng.uniform(-0.3, 0.3, 2))
    shut = model.pose(identity, Expression({"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}, gaze), Rotation.identity())
    opened = model.pose(identity, Expression({}, gaze), Rotation.identity())

    def gaps(posed):
        height = (model.landmarks @ posed.vertices)[:, 1]
        return height[[37, 38, 43, 44]] - height[[41, 40, 47, 46]]

    assert (np.abs(gaps(shut)) < 0.2 * gaps(opened)).all()
    skin = (model.part == 0)[: len(model.bust.vertices)]
    for eye in shut.eyes:
        offset = shut.vertices[: len(skin)][skin] - eye.centre
        front = (offset[:, 2] > 0.5 * eye.radius) & (np.linalg.norm(offset[:, :2], axis=1) < 0.6 * eye.radius)
        assert np.linalg.norm(offset[front], axis=1).min() > 1.0 * eye.radius


def test_the_neck_bends_below_a_head_that_stays():
    model = head_model()
    straight, bent = pose_head(), pose_head(neck=Rotation.from_euler("y", 40, degrees=True))
    head = model.kind[:, 1] > 0.999
    shoulders = model.rest[:, 1] < -0.22
    np.testing.assert_allclose(bent.vertices[head], straight.vertices[head], atol=1e-4)
    assert np.linalg.norm(bent.vertices[shoulders] - straight.vertices[shoulders], axis=1).mean() > 0.02


@pytest.mark.parametrize("age", [2, 8, 30, 80])
@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_a_neck_bends_where_that_person_has_it(age, axis):
    """Joints of the template stretched the skin of a child's neck thirteenfold: it hung beside its shoulders."""
    model, somebody = head_model(), Identity(age, 0.5, (1 / 3, 1 / 3, 1 / 3), 0, 0, {})
    straight, bent = pose_head(somebody), pose_head(somebody, neck=Rotation.from_euler(axis, 25, degrees=True))
    quads = model.bust.quads[(model.bust.part[model.bust.quads] == 0).all(1)]
    edges = np.concatenate([quads[:, :2], quads[:, 1:3]])
    before, after = (np.linalg.norm(np.diff(posed.cage[edges], axis=1), axis=-1) for posed in (straight, bent))
    long = before > 0.003  # metres
    assert (after / before)[long].min() > 0.4
    assert (after / before)[long].max() < 1.7


def test_landmarks_of_a_facing_head_lie_as_ibug_orders_them():
    points, _ = project()
    assert points[68, 0] < points[69, 0]  # the right pupil is on the image's left
    assert (np.diff(points[:17, 0]) > 0).all()
    assert points[8, 1] == points[:, 1].max()
    assert points[36, 0] < points[68, 0] < points[39, 0]
    assert points[42, 0] < points[69, 0] < points[45, 0]
    assert (points[37:39, 1] < points[40:42, 1]).all()
    assert (points[17:27, 1] < points[36:48, 1].min()).all()
    assert points[27, 1] < points[30, 1] < points[33, 1] < points[51, 1] < points[57, 1] < points[8, 1]
    mirrored = 255 - points[:, 0]
    np.testing.assert_allclose(points[8, 0], mirrored[8], atol=1.0)


@pytest.mark.parametrize(("turn", "axis", "sign"), [({"yaw": 30}, 0, 1), ({"pitch": 20}, 1, -1)])
def test_positive_yaw_turns_to_the_image_right_and_positive_pitch_up(turn, axis, sign):
    straight, _ = project()
    turned, _ = project(**turn)

    def nose(points):
        return (points[30] - points[36:48].mean(0))[axis]

    assert sign * (nose(turned) - nose(straight)) > 3


def test_positive_roll_turns_clockwise():
    points, _ = project(roll=20)
    assert points[45, 1] > points[36, 1] + 5


def test_annotated_jaw_slides_out_to_the_silhouette_of_a_turned_head():
    facing, facing_2d = project()
    np.testing.assert_allclose(facing_2d[17:], facing[17:], atol=0.5)
    assert np.abs(facing_2d - facing).max() < 8
    points, slid = project(yaw=45)  # the subject's left is the far side: image right
    np.testing.assert_allclose(slid[27:48], points[27:48], atol=1.5)
    assert (slid[11:16, 0] > points[11:16, 0] + 2).all()
    near = np.concatenate([np.linspace(a, b, 20) for a, b in pairwise(points[:9])])  # along the same line, evenly
    assert np.linalg.norm(slid[1:8, None] - near, axis=2).min(1).max() < 2


def test_what_a_profile_hides_lies_on_its_outline():
    points, slid = project(yaw=80)
    bridge, tip = slid[[27, 30], 0]
    assert (slid[[42, 43, 46, 47], 0] > points[[42, 43, 46, 47], 0] + 2).all()
    assert np.abs(slid[[22, 23, 24, 25, 26, 42, 43, 46, 47], 0] - bridge).max() < 0.25 * (tip - bridge) + 6
    assert (slid[13:17, 0] < tip - 5).all()  # the jaw's outline is the cheek's, not the nose's


def test_a_nodding_head_keeps_its_chin_on_the_outline():
    model = head_model()
    posed = pose_head()
    points = landmarks_3d(model, posed, usual_brows())
    view = view_of(points, pitch=-30)
    chin = annotated(posed, view, view.project(points))[8]
    front = posed.vertices[(model.part == 0) & (np.abs(posed.vertices[:, 0]) < 0.02) & (posed.vertices[:, 2] > 0)]
    assert abs(chin[1] - view.project(front)[:, 1].max()) < 1.5


def test_jaw_curves_begin_at_the_jaw_points():
    curves, directions = jaw_curves()
    start = (curves @ head_model().rest).reshape(-1, STEPS, 3)[:, 0]
    np.testing.assert_allclose(start, (head_model().landmarks @ head_model().rest)[4:13], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(np.asarray(curves.sum(1)).ravel(), 1, atol=1e-5)


def test_brow_points_lie_in_the_hair_that_is_painted():
    brows = usual_brows()
    template = replace(pose_head(), vertices=head_model().rest)
    x, y, _ = brow_points(brows, template).T
    lower, upper = (np.interp(np.abs(x), STATIONS, edge) for edge in (brows.lower, brows.upper))
    assert ((lower < y) & (y < upper)).all()
    np.testing.assert_allclose(np.diff(x[5:]), np.diff(x[5:]).mean(), rtol=0.01)
    # from the head to where the tail, thin and sparse at its tip, is still seen
    np.testing.assert_allclose((np.abs(x[[4, 0]]) - brows.extent[0]) / np.ptp(brows.extent), [0.02, 0.94], atol=0.005)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_brows_lie_where_anatomy_puts_them_on_everyone(seed: int):
    identity = sample_identity(np.random.default_rng(seed), Recipe(), head_model().bust.names)
    posed = pose_head(identity)
    brows = usual_brows(identity)
    eyes = head_model().landmarks[[36, 45]] @ posed.vertices
    unit = np.linalg.norm(eyes[0] - eyes[1]) / 0.0895
    y = brow_points(brows, posed)[:, 1] / unit
    y = (y[:5][::-1] + y[5:]) / 2  # the sides of a face differ; inner end first
    np.testing.assert_allclose(y, BROW_SHAPE.head + np.array([0.0033, 0.0080, 0.0100, 0.0085, 0.0008]), atol=0.002)


def test_heavy_faces_are_wide_below_and_have_a_double_chin():
    lean, usual, heavy = (replace(SOMEONE, weight=w) for w in (-1.0, 0.0, 1.0))
    widths = [
        float(np.ptp((head_model().landmarks_of_cage @ head_model().person(one))[[4, 12], 0]))
        for one in (lean, usual, heavy)
    ]
    assert widths[0] < widths[1] - 0.002
    assert widths[2] > widths[1] + 0.006
    assert shape_coefficients(lean).get("local:neck-double-incr", 0) == 0
    assert shape_coefficients(heavy)["local:neck-double-incr"] > 0.3


def test_tails_of_brows_sink_with_the_years_and_heads_do_not():
    def ends(age: float) -> np.ndarray:
        brows = [sample_brows(np.random.default_rng(seed), replace(SOMEONE, age=age)) for seed in range(20)]
        points = np.mean([brow_points(one, pose_head(replace(SOMEONE, age=age))) for one in brows], axis=0)
        return (points[[4, 0], 1] + points[[5, 9], 1]) / 2  # inner ends, outer ends

    young, old = ends(25.0), ends(65.0)
    heads, tails = old - young
    # 2.5 mm in 20 years at the tip, beside which the last point lies
    assert -0.0060 < tails < -0.0035
    assert abs(heads) < 0.001


def test_a_view_frames_the_face_as_the_recipe_says():
    points = landmarks_3d(head_model(), pose_head(), usual_brows())
    view = sample_view(
        np.random.default_rng(3), Recipe(face_share=(0.4, 0.4), off_centre=0.0), Pose(20, 5, 9, 0), points[:68], 200
    )
    seen = view.project(points[:68])
    extent = seen.max(0) - seen.min(0)
    assert np.isclose(extent.max(), 0.4 * 200)
    np.testing.assert_allclose((seen.max(0) + seen.min(0)) / 2, 99.5)
    np.testing.assert_allclose(view.rotation @ view.rotation.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(Pose(0, 0, 0, 0).rotation.as_matrix() @ FACING, FACING, atol=1e-12)


@pytest.fixture(scope="module")
def frames():
    recipe = Recipe(yaw=0, pitch=0, roll=0, bald=1.0, beard=0.0, closed_eyes=0.0, neutral=1.0, low_quality=0.0)
    return [render_frame(5, i, 256, recipe) for i in range(4)]


def test_labels_lie_in_their_segmentation_class(frames):
    wanted = {68: {4}, 69: {3}, 30: {2}, 51: {10, 1}, 57: {11, 1}, 19: {6, 1}, 24: {5, 1}, 0: {1, 8, 13, 0}}
    for frame in frames:
        for point, classes in wanted.items():
            x, y = np.round(frame.landmarks[point]).astype(int)
            around = set(np.unique(frame.labels[y - 2 : y + 3, x - 2 : x + 3]).tolist())
            assert around & classes, (point, around)


def test_the_neck_begins_at_the_jaw(frames):
    for frame in frames:
        away = cv2.distanceTransform((frame.labels != 12).astype(np.uint8), cv2.DIST_L2, 5)
        x, y = np.round(frame.landmarks[7:10]).astype(int).T
        assert away[y, x].max() < 0.1 * np.ptp(frame.landmarks[:68], axis=0).max()
        assert (frame.labels[y - 4, x] != 12).all()


def test_every_class_that_a_bald_shaven_head_has_is_drawn(frames):
    classes = set(np.unique(np.stack([frame.labels for frame in frames])).tolist())
    assert {0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 15} <= classes
    assert 13 not in classes


def test_facing_points_are_visible_and_far_ones_of_a_turned_head_are_not(frames):
    for frame in frames:
        assert np.mean(frame.meta["visibility"][17:60]) > 0.9
    turned = render_frame(5, 3, 256, Recipe(yaw=180, yaw_limit=70, bald=1.0, low_quality=0))
    yaw = turned.meta["head_pose"]["yaw"]
    assert abs(yaw) == 70
    far = [16, 15, 14, 42] if yaw > 0 else [0, 1, 2, 39]
    assert sum(turned.meta["visibility"][i] for i in far) == 0


def test_the_label_file_says_how_the_points_came_about(frames):
    meta = frames[0].meta
    points = np.array(meta["landmarks_3d"])
    seen = points @ np.array(meta["camera"]["matrix"]).T
    np.testing.assert_allclose(seen[:, :2] / seen[:, 2:], frames[0].landmarks, atol=1e-6)
    assert np.shape(meta["landmarks_2d"]) == (70, 2)
    assert np.isclose(np.linalg.det(np.array(meta["head_pose"]["rotation"])), 1)
    assert meta["index"] == 0
    assert meta["seed"] == 5


def test_a_recipe_of_neutral_faces_moves_nothing_but_the_gaze(frames):
    assert {tuple(frame.meta["expression"]) for frame in frames} == {("gaze",)}
    pose = Pose(0, 0, 0, 1.0)
    neutral, usual = (
        [sample_expression(np.random.default_rng(k), Recipe(neutral=share), pose) for k in range(20)]
        for share in (1.0, 0.99999)
    )
    assert [drawn.gaze for drawn in neutral] == [drawn.gaze for drawn in usual]
    assert not any(drawn.units for drawn in neutral)


def test_pictures_differ_and_are_neither_black_nor_white(frames):
    for frame in frames:
        face = frame.image[(frame.labels > 0) & (frame.labels < 12)]
        assert 15 < face.mean() < 245
        assert face.std() > 5
    assert np.abs(frames[0].image.astype(int) - frames[1].image).mean() > 5


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def six(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("renders") / "six"
    render_dataset(out, 6, seed=3, size=SIZE, workers=1)
    return out


def test_a_folder_has_the_layout_of_face_synthetics(six: Path):
    assert len(list(six.iterdir())) == 6 * 4 + 1
    image = cv2.imread(str(six / "000002.png"))
    labels = cv2.imread(str(six / "000002_seg.png"), cv2.IMREAD_UNCHANGED)
    assert image is not None
    assert labels is not None
    assert image.shape == (SIZE, SIZE, 3)
    assert labels.shape == (SIZE, SIZE)
    points = np.loadtxt(six / "000002_ldmks.txt")
    assert points.shape == (70, 2)
    keys = (
        "generator recipe seed index size assets place camera head_pose landmarks_3d landmarks_2d visibility "
        "expression identity"
    )
    assert set(json.loads((six / "000002.json").read_text())) == set(keys.split())


def test_bytes_do_not_depend_on_workers_count_or_order(six: Path, tmp_path: Path):
    render_dataset(tmp_path / "two", 4, seed=3, size=SIZE, workers=2)
    for name, data in files(tmp_path / "two").items():
        assert data == (six / name).read_bytes(), name


def test_a_larger_count_extends_and_a_removed_face_comes_back(six: Path, tmp_path: Path):
    out = tmp_path / "grown"
    render_dataset(out, 2, seed=3, size=SIZE, workers=1)
    (out / "000000.json").unlink()
    render_dataset(out, 3, seed=3, size=SIZE, workers=1)
    expected = {name: data for name, data in files(six).items() if name[:6] in ("000000", "000001", "000002", "render")}
    assert files(out) == expected


def test_a_killed_render_goes_on_where_it_stopped(six: Path, tmp_path: Path):
    out = tmp_path / "killed"
    command = [sys.executable, "-m", "fauxface", "render", str(out), "--count", "6", "--seed", "3"]
    command += ["--size", str(SIZE), "--workers", "1"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    end = time.monotonic() + 120
    while not (out / "000001.json").exists() and time.monotonic() < end:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (out / "000005.json").exists()
    render_dataset(out, 6, seed=3, size=SIZE, workers=1)
    assert {n: d for n, d in files(out).items() if not n.startswith(".")} == files(six)


@pytest.mark.parametrize("change", [{"seed": 4}, {"size": 64}])
def test_other_settings_in_a_folder_are_refused(six: Path, change: dict):
    with pytest.raises(ValueError, match="was begun with"):
        render_dataset(six, 8, **{"seed": 3, "size": SIZE, **change})


def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(FileExistsError, match="already holds something else"):
        render_dataset(tmp_path, 1)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("yaws: 3", "there is no 'yaws'"),
        ("yaw: far", "'yaw' is a number"),
        ("face_share: [0.5, 0.2]", "two rising"),
        ("bald: 2", "share from 0 to 1"),
        ("[1, 2]", "a mapping"),
        ("yaw: [", "not readable as YAML"),
        ("moods: 3", "'moods' is a mapping"),
        ("moods: {grin: 3}", "'moods' knows slight_smile"),
        ("moods: {laugh: much}", "'laugh' is a number"),
        ("moods: {laugh: -1}", "'laugh' of 'moods' is a weight"),
        ("moods: {" + ", ".join(f"{name}: 0" for name in MOODS) + "}", "one of 'moods' must be more than 0"),
    ],
)
def test_a_bad_recipe_is_one_line(tmp_path: Path, text: str, reason: str):
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=reason) as error:
        load_recipe(path)
    assert "\n" not in str(error.value)


def test_a_recipe_file_changes_what_it_names(tmp_path: Path):
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump({"yaw": 5, "face_share": [0.3, 0.4], "moods": {"laugh": 0}}))
    assert load_recipe(path) == Recipe(yaw=5.0, face_share=(0.3, 0.4), moods=Moods(laugh=0.0))
    assert load_recipe(None) == Recipe()


def test_the_documented_recipe_is_the_default_one(tmp_path: Path):
    text = (Path(__file__).parents[1] / "docs/generator.md").read_text()
    path = tmp_path / "recipe.yaml"
    path.write_text(text.split("```yaml\n")[1].split("```")[0])
    assert load_recipe(path) == Recipe()
    written = yaml.safe_load(path.read_text())
    assert set(written) == set(Recipe().to_dict())
    assert set(written["moods"]) == set(MOODS)


def test_the_mix_of_expressions_is_the_recipes():
    pose = Pose(0.0, 0.0, 0.0, 1.0)

    def drawn(**changes) -> list[Expression]:
        calm = Recipe(neutral=0.0, crooked=0.0, squint=0.0, closed_eyes=0.0, winks=0.0)
        return [sample_expression(np.random.default_rng(k), replace(calm, **changes), pose) for k in range(30)]

    angry = Moods(**{name: float(name == "anger") for name in MOODS})
    for expression in drawn(moods=angry):
        assert expression.units["browDownLeft"] > 0.2
    assert min(e.units.get("eyeSquintLeft", 0) for e in drawn(squint=1.0)) > 0.15
    assert sum(len(e.units) for e in drawn(crooked=1.0)) > sum(len(e.units) for e in drawn()) + 15
    looks = {share: np.abs([e.gaze for e in drawn(gaze_at_camera=share)]).max() for share in (0.0, 1.0)}
    assert looks[1.0] < 0.16 < looks[0.0]


def test_without_depth_of_field_nothing_is_out_of_focus():
    camera = np.diag([300.0, 300.0, 1.0])
    lenses = [sample_lens(np.random.default_rng(k), Recipe(depth_of_field=0.5), camera, 1.0) for k in range(200)]
    assert 0.35 < np.mean([lens.aperture == 0 for lens in lenses]) < 0.65
    assert sample_lens(np.random.default_rng(0), Recipe(depth_of_field=0.0), camera, 1.0).aperture == 0
    assert sample_lens(np.random.default_rng(0), Recipe(), camera, 1.0).aperture > 0


def test_without_opengl_one_line_says_what_to_install(monkeypatch):
    from fauxface.rendering.opengl import rasteriser

    def nothing(**_):
        raise Exception("libEGL.so: cannot open shared object file")

    monkeypatch.setattr(rasteriser.moderngl, "create_context", nothing)
    monkeypatch.setattr(rasteriser, "_OWN", rasteriser._Own())  # none is open yet
    with pytest.raises(NoDisplayError, match="apt-get install libegl1 libgl1-mesa-dri libgl1"):
        rasteriser.renderer()


@pytest.mark.parametrize("size", [64, 96])
def test_what_else_asks_for_opengl_and_other_threads_spoil_no_picture(size: int, capsys):
    from threading import Thread

    from fauxface.info import show_machine

    pictures = [render_frame(3, 1, size, Recipe()).image]
    show_machine()
    pictures.append(render_frame(3, 1, size, Recipe()).image)
    other = Thread(target=lambda: pictures.append(render_frame(3, 1, size, Recipe()).image))
    other.start()
    other.join()
    pictures.append(render_frame(3, 1, size, Recipe()).image)
    assert len(pictures) == 4
    for picture in pictures[1:]:
        np.testing.assert_array_equal(picture, pictures[0])
