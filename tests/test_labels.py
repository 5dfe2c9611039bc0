"""Labels over many random people and expressions, and the label files on request."""

from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from fauxface.rendering import Recipe, render_dataset
from fauxface.rendering.head.brows import sample_brows
from fauxface.rendering.head.expression import MOODS, Expression, sample_expression
from fauxface.rendering.head.identity import sample_identity
from fauxface.rendering.head.model import head_model
from fauxface.rendering.labels.dense import normals_of, parse_kinds
from fauxface.rendering.labels.landmarks import annotated, landmarks_3d
from fauxface.rendering.labels.visibility import HIDDEN_BY, visible
from fauxface.rendering.opengl.rasteriser import Raster
from fauxface.rendering.photo.camera import sample_pose, sample_view

RECIPE = Recipe()
SIZE = 256


def draw(seed: int):
    """A random person: identity, expression, pose; the 70 points in space, projected, and as annotators mark them."""
    rng = [np.random.default_rng([seed, k]) for k in range(5)]
    model = head_model()
    identity = sample_identity(rng[0], RECIPE, model.bust.names)
    pose = sample_pose(rng[1], RECIPE)
    expression = sample_expression(rng[2], RECIPE, pose)
    posed = model.pose(identity, expression, pose.neck)
    points = landmarks_3d(model, posed, sample_brows(rng[3], identity))
    view = sample_view(rng[4], RECIPE, pose, points[:68], SIZE)
    projected = view.project(points)
    return identity, expression, pose, points, projected, annotated(posed, view, projected)


def check_plausible(seed: int) -> None:
    """No landmark of that person is missing or where no face has one; lengths in eye distances of 6–11 cm."""
    _, expression, pose, points, projected, marked = draw(seed)
    assert np.isfinite(points).all()
    assert np.isfinite(marked).all()
    assert (np.abs(marked - (SIZE - 1) / 2) < 0.75 * SIZE).all()  # about the frame
    eyes = np.linalg.norm(points[36] - points[45])
    assert 0.057 < eyes < 0.115  # the least of 10,000 is a toddler's
    x, y, z = (points / eyes).T
    gap = 0.02
    assert (np.abs(x) < 1.15).all()
    assert (y[:68] > -2.2).all()
    assert (y < 0.65).all()
    assert (z[27:68] > -0.35).all()
    assert (np.diff(x[[0, 4, 8, 12, 16]]) > -0.05).all()  # a toddler's jaw is as wide as its temples
    assert (np.diff(x[17:27]) > 0).all()
    assert (y[17:22] > y[36:42].max() - 0.06).all()
    assert (y[22:27] > y[42:48].max() - 0.06).all()
    assert y[27] > y[28] > y[29] > y[33] > y[51] - gap
    assert (y[[37, 38, 43, 44]] > y[[41, 40, 47, 46]] - gap).all()
    assert (y[[61, 62, 63]] > y[[67, 66, 65]] - gap).all()  # lips do not sink into each other
    assert (y[[50, 51, 52]] > y[[61, 62, 63]] - gap).all()
    assert (y[[58, 57, 56]] < y[[67, 66, 65]] + gap).all()
    assert x[48] < x[51] < x[54]
    assert y[8] < y[57]
    # what slides, slides outwards and no farther than the face is wide
    moved = np.linalg.norm(marked - projected, axis=1)
    assert (moved < 0.9 * np.ptp(marked[:68], axis=0).max()).all()
    if abs(pose.yaw) < 10:
        assert (moved[17:] < 0.025 * SIZE).all()
    assert set(expression.units) <= {n.removeprefix("unit:") for n in head_model().bust.names}


@pytest.mark.parametrize("first", [0, 100])
def test_landmarks_of_anyone_lie_where_a_face_has_them(first: int):
    for seed in range(first, first + 50):
        check_plausible(seed)


@pytest.mark.slow
def test_landmarks_of_ten_thousand_people_lie_where_a_face_has_them():
    for seed in range(10_000):
        check_plausible(seed)


@pytest.mark.parametrize("seed", range(12))
def test_outline_and_nose_are_evenly_spaced_as_in_ibugs_figure(seed: int):
    _, _, _, points, _, marked = draw(seed)
    for jaw in (points[:17, :2], marked[:17]):
        steps = np.linalg.norm(np.diff(jaw, axis=0), axis=1)
        for side in (steps[:8], steps[8:]):  # a chord is a little shorter than its piece of a curve
            np.testing.assert_allclose(side, side.mean(), rtol=0.08)
    ridge = -np.diff(points[[27, 28, 29, 30, 33], 1])
    np.testing.assert_allclose(ridge, ridge.mean(), rtol=1e-3)
    np.testing.assert_allclose(points[[32, 34]], (points[[31, 33]] + points[[33, 35]]) / 2, atol=1e-9)


def test_near_side_of_a_turned_face_ends_at_the_ear():
    """Of a template seen from its right, the uppermost jaw points lie where the ear grows out of the cheek."""
    rest, landmarks = head_model().rest, head_model().landmarks @ head_model().rest
    skin = head_model().part == 0
    for point in (0, 1):
        height, depth = landmarks[point, 1:]
        level = skin & (rest[:, 0] < 0) & (np.abs(rest[:, 1] - height) < 0.004)
        outside = np.abs(rest[level, 0]) > np.abs(landmarks[point, 0]) + 0.004  # what stands off the head is the ear
        assert 0 < depth - rest[level][outside, 2].max() < 0.016


def test_eye_corners_lie_where_the_eye_is_seen_to_end_and_where_the_caruncle_begins():
    model = head_model()
    identity = sample_identity(np.random.default_rng(4), RECIPE, model.bust.names)
    posed = model.pose(identity, Expression({}, (0.0, 0.0)), Rotation.identity())
    points = landmarks_3d(model, posed, sample_brows(np.random.default_rng(4), identity))
    canthi = model.landmarks @ posed.vertices
    for outer, inner in ((36, 39), (45, 42)):
        width = np.linalg.norm(canthi[outer] - canthi[inner])
        assert 0.06 < np.linalg.norm(points[outer] - canthi[outer]) / width < 0.12
        assert 0.08 < np.linalg.norm(points[inner] - canthi[inner]) / width < 0.12


def test_two_of_five_smile_and_few_scowl():
    drawn = [
        sample_expression(np.random.default_rng([1, k]), RECIPE, sample_pose(np.random.default_rng(k), RECIPE)).units
        for k in range(1500)
    ]

    def share(test) -> float:
        return float(np.mean([test(units) for units in drawn]))

    shares = asdict(RECIPE.moods)
    assert list(MOODS) == list(shares)
    assert sum(shares.values()) == pytest.approx(100 * (1 - RECIPE.neutral), abs=0.1)
    assert 0.35 < share(lambda u: u.get("mouthSmileLeft", 0) > 0.2) < 0.6
    assert share(lambda u: u.get("browDownLeft", 0) > 0.4) < 0.06
    assert share(lambda u: u.get("noseSneerLeft", 0) > 0.3) < 0.03
    closed = share(lambda u: min(u.get("eyeBlinkLeft", 0), u.get("eyeBlinkRight", 0)) > 0.6)
    wink = share(lambda u: abs(u.get("eyeBlinkLeft", 0) - u.get("eyeBlinkRight", 0)) > 0.5)
    assert closed == pytest.approx(RECIPE.closed_eyes, abs=0.025)
    assert wink == pytest.approx(RECIPE.winks, abs=0.015)


def test_grown_people_have_published_proportions():
    lengths = {(36, 45): (91, 88), (39, 42): (33, 32), (27, 8): (121, 112), (48, 54): (53, 50), (27, 33): (53, 49)}
    measured: dict[bool, list[list[float]]] = {True: [], False: []}
    model = head_model()
    for k in range(80):
        identity = sample_identity(np.random.default_rng([3, k]), Recipe(children=0.0), model.bust.names)
        if identity.age < 60:
            posed = model.pose(identity, Expression({}, (0.0, 0.0)), Rotation.identity())
            points = 1000 * landmarks_3d(model, posed, sample_brows(np.random.default_rng(0), identity))
            measured[identity.gender > 0.5].append([np.linalg.norm(points[a] - points[b]) for a, b in lengths])
    for column, rows in enumerate((measured[True], measured[False])):
        wanted = np.array([pair[column] for pair in lengths.values()])
        assert len(rows) > 15
        np.testing.assert_allclose(np.mean(rows, 0), wanted, rtol=0.1)  # all ancestries; the published are Caucasian
        assert (np.std(rows, 0) < 0.11 * wanted).all()


def test_normals_of_a_slanted_plane():
    camera = np.array([[100.0, 0, 15.5], [0, 100, 15.5], [0, 0, 1]])
    row, column = np.indices((32, 32))
    normal = np.array([0.3, 0.2, -1]) / np.linalg.norm([0.3, 0.2, -1])
    rays = np.stack([(column - 15.5) / 100, (row - 15.5) / 100, np.ones((32, 32))], axis=-1)
    depth = -1.0 / (rays @ normal) * 0.5
    depth[:, 20:] = np.inf
    normals = normals_of(depth, camera)
    np.testing.assert_allclose(normals[:, :20], np.broadcast_to(normal, (32, 20, 3)), atol=1e-6)
    assert (normals[:, 20:] == 0).all()


def test_labels_on_request_are_written_and_fit_each_other(tmp_path: Path):
    render_dataset(tmp_path / "out", 1, seed=3, size=96, workers=1, labels="depth,dense,normals")
    assert {p.name for p in (tmp_path / "out").glob("000000_*")} == {
        "000000_dense.npz", "000000_depth.png", "000000_normals.png", "000000_seg.png", "000000_ldmks.txt"
    }  # fmt: skip
    vertices = np.load(tmp_path / "out/000000_dense.npz")["vertices"]
    assert vertices.shape == head_model().rest.shape
    depth = cv2.imread(str(tmp_path / "out/000000_depth.png"), cv2.IMREAD_UNCHANGED)
    assert depth.dtype == np.uint16
    seen = depth[depth > 0] / 1000
    assert abs(np.median(seen) - np.median(vertices[:, 2])) < 0.3
    normals = cv2.imread(str(tmp_path / "out/000000_normals.png"))[..., ::-1]
    facing = normals[depth > 0]
    assert (facing[:, 2] <= 128).mean() > 0.95
    assert (normals[depth == 0] == 0).all()
    with pytest.raises(ValueError, match="labels"):
        render_dataset(tmp_path / "out", 2, seed=3, size=96, workers=1)


def test_unknown_label_kinds_are_refused(tmp_path: Path):
    assert parse_kinds("normals, dense") == ("dense", "normals")
    with pytest.raises(ValueError, match="no 'flow'"):
        render_dataset(tmp_path / "out", 1, labels="flow")
    with pytest.raises(ValueError, match="--faces"):
        render_dataset(tmp_path / "out", 1, labels="depth", faces="2")
    assert not (tmp_path / "out").exists()


def seen(depth: float, label: int, nearer: float = 0.0, beside: float | None = None) -> np.ndarray:
    """Which of 70 points are seen on a surface of one class so much nearer to the camera; left of it another depth."""
    size = 9
    raster = Raster(
        np.zeros((size, size, 4)), np.full((size, size), label, np.uint8), np.full((size, size), depth - nearer)
    )
    if beside is not None:
        raster.depth[:, :4] = beside
    return visible(raster, np.tile([0.0, 0.0, depth], (70, 1)), np.full((70, 2), 4.0))


def test_points_are_hidden_by_what_is_nearer_and_pupils_by_lids_however_thin():
    assert seen(1.0, label=1)[:68].all()
    assert not seen(1.0, label=1, nearer=2 * HIDDEN_BY).any()
    assert not seen(1.0, label=13).any()  # hair that lies on the skin
    assert not seen(1.0, label=1)[68:].any()  # a lid
    assert seen(1.0, label=3)[68:].all()
    assert not seen(1.0, label=16)[68:].any()  # behind a frame


def test_an_outlines_points_are_seen_beside_nothing_and_others_not_through_it():
    # the cheek of a profile is nearer than the lips' corner behind it, and beside it there is nothing
    behind_an_edge = seen(1.0, label=1, nearer=0.02, beside=np.inf)
    assert behind_an_edge[:17].all()
    assert not behind_an_edge[17:].any()


def test_smiles_with_an_open_jaw_leave_red_of_the_upper_lip():
    model = head_model()
    identity = sample_identity(np.random.default_rng(7), RECIPE, model.bust.names)
    smile = dict.fromkeys(("mouthSmileLeft", "mouthSmileRight", "mouthUpperUpLeft", "mouthUpperUpRight"), 1.0)

    def red(units: dict[str, float]) -> float:
        heights = (model.landmarks @ model.pose(identity, Expression(units, (0, 0)), Rotation.identity()).vertices)[
            :, 1
        ]
        return float((heights[50:53] - heights[61:64]).mean())

    calm = red({})
    assert red({**smile, "jawOpen": 0.4}) > 0.64 * calm
    assert red({"mouthRollUpper": 1.0}) < 0.6 * calm  # what is rolled in on purpose stays so
