"""Faces followed: ids, when the detector looks, faces that leave, come, and come back; poses."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fake_data import canonical_face

from fauxface.faces import landmark_box
from fauxface.inference import Camera, Detection, Landmarker, Landmarks, Tracker, head_pose
from fauxface.pose import angles, mean_head

SCHEME = "face_synthetics70"


class World:
    """Faces as discs (x, y, radius, brightness) on black. Detector and model both see the brightness that is there."""

    name, licence = "world", "none"
    input_size, scheme = 64, SCHEME

    def __init__(self, blind: bool = False) -> None:
        self.faces: list[tuple[float, float, float]] = []
        self.looks, self.blind = 0, blind

    def frame(self) -> np.ndarray:
        return np.full((240, 320, 3), 40, np.uint8)

    def __call__(self, image: np.ndarray) -> list[Detection]:
        self.looks += 1
        if self.blind:
            return []
        return [Detection(landmark_box(canonical_face() * r + [x, y], SCHEME), 0.9) for x, y, r in self.faces]

    def find(self, image: np.ndarray, boxes: np.ndarray) -> Landmarks:
        """The nearest face within reach of each box; without one, the mean face there, with a low score."""
        points, scores = [], []
        for box in boxes:
            centre, side = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]).max()
            near = [(np.hypot(x - centre[0], y - centre[1]), x, y, r) for x, y, r in self.faces]
            near = [face for face in near if face[0] < 0.4 * side]
            _, x, y, r = min(near) if near else (0, *centre, side / 2.3)
            points.append(canonical_face() * r + [x, y])
            scores.append(np.full(70, 0.7 if near else 0.2))
        return Landmarks(np.stack(points), np.stack(scores), None)


def tracker(world: World, **options: Any) -> Tracker:
    model: Any = world
    card: Any = SimpleNamespace(crop="box", crop_margin=1.3)
    landmarker = Landmarker(model, card, world)
    landmarker.landmarks = world.find  # type: ignore[method-assign]
    return Tracker(landmarker, **{"smooth": False, **options})


def test_the_detector_looks_seldom_and_ids_stay():
    world = World()
    world.faces = [(80, 120, 30), (220, 120, 30)]
    follow = tracker(world)
    for i in range(90):
        world.faces = [(80 + i / 2, 120, 30), (220 + i / 2, 120, 30)]
        faces = follow.update(world.frame(), i / 30)
        assert [face.id for face in faces] == [0, 1]
        assert faces[0].landmarks[30, 0] == pytest.approx(80 + i / 2)
    assert world.looks == follow.looks == 3


def test_newcomers_are_found_within_a_second_and_leavers_go():
    world = World()
    world.faces = [(80, 120, 30)]
    follow = tracker(world)
    counts = []
    for i in range(120):
        if i == 10:
            world.faces.append((230, 120, 30))
        if i == 60:
            world.faces.pop(0)
        counts.append([face.id for face in follow.update(world.frame(), i / 30)])
    assert counts[9] == [0]
    assert counts[30] == [0, 1]
    assert counts[60] == [1]


def test_a_face_that_comes_back_gets_its_number_again():
    world = World()
    follow = tracker(world)
    ids = []
    for i in range(150):
        there = not (30 <= i < 45 or 60 <= i < 120)
        world.faces = [(150, 120, 30)] if there else []
        ids.append([face.id for face in follow.update(world.frame(), i / 30)])
    assert ids[29] == ids[50] == [0]
    assert ids[35] == []
    assert ids[-1] == [1]  # after two seconds it is a new one


def test_a_jump_is_caught_by_the_detector():
    world = World()
    world.faces = [(80, 120, 30)]
    follow = tracker(world)
    follow.update(world.frame(), 0)
    world.faces = [(200, 120, 30)]
    [face] = follow.update(world.frame(), 0.03)
    assert face.landmarks[30, 0] == pytest.approx(200)


def test_a_turned_face_that_the_detector_misses_is_followed_on():
    world = World()
    world.faces = [(80, 120, 30)]
    follow = tracker(world)
    follow.update(world.frame(), 0)
    world.blind = True
    assert all(len(follow.update(world.frame(), (i + 1) / 30)) == 1 for i in range(60))


def test_one_face_is_followed_once():
    world = World()
    world.faces = [(80, 120, 30), (200, 120, 30)]
    follow = tracker(world)
    follow.update(world.frame(), 0)
    for i in range(1, 60):
        world.faces = [(80 + 2 * i, 120, 30), (200, 120, 30)] if i < 30 else [(200, 120, 30)]
        faces = follow.update(world.frame(), i / 30)
    assert len(faces) == 1


def test_smoothing_steadies_what_is_told_and_not_where_the_crop_goes():
    world = World()
    random = np.random.default_rng(0)
    follow, told = tracker(world, smooth=True), []
    for i in range(120):
        world.faces = [(150 + random.normal(0, 0.2), 120, 30)]
        told.append(follow.update(world.frame(), i / 30)[0].landmarks[30, 0])
    assert np.std(told[30:]) < 0.3 * 0.2
    follow.smooth = False
    world.faces = [(153, 120, 30)]
    assert follow.update(world.frame(), 9)[0].landmarks[30, 0] == pytest.approx(153)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan")])
def test_time_goes_forward(seconds: float):
    follow = tracker(World())
    follow.update(World().frame(), 0.0)
    with pytest.raises(ValueError, match="later than the last"):
        follow.update(World().frame(), seconds)


def test_track_takes_frames_with_times_and_without():
    world = World()
    world.faces = [(80, 120, 30)]
    landmarker = tracker(world).landmarker
    frames = [world.frame()] * 4
    assert [len(faces) for faces in landmarker.track(frames)] == [1] * 4
    assert [faces[0].id for faces in landmarker.track((i / 10, f) for i, f in enumerate(frames))] == [0] * 4
    assert list(landmarker.track([])) == []


# --- poses


def turned(yaw: float, pitch: float, roll: float) -> np.ndarray:
    from scipy.spatial.transform import Rotation

    around = Rotation.from_euler("YXZ", [-yaw, -pitch, roll], degrees=True)  # the generator's convention
    return around.as_matrix() @ np.diag([1.0, -1.0, -1.0])


@pytest.mark.parametrize("wanted", [(0, 0, 0), (30, 0, 0), (-50, 10, 5), (0, 20, 0), (10, -15, 25), (60, 20, -30)])
@pytest.mark.parametrize("scheme", ["face_synthetics70", "ibug68"])
def test_the_pose_of_the_mean_head_is_found(wanted: tuple[float, float, float], scheme: str):
    camera = Camera.guess(640, 480)
    rotation, translation = turned(*wanted), np.array([0.05, -0.02, 0.6])
    seen = (mean_head() @ rotation.T + translation) @ camera.matrix.T
    points = (seen[:, :2] / seen[:, 2:])[: 70 if scheme == "face_synthetics70" else 68]
    pose = head_pose(points, scheme, camera)
    assert pose is not None
    assert [pose.yaw, pose.pitch, pose.roll] == pytest.approx(wanted, abs=0.05)
    np.testing.assert_allclose(pose.translation, translation, atol=1e-3)
    np.testing.assert_allclose(pose.rotation, rotation, atol=1e-3)
    assert angles(rotation) == pytest.approx(wanted, abs=1e-6)


def test_points_that_no_head_has_get_no_pose():
    camera = Camera.guess(640, 480)
    assert head_pose(np.full((70, 2), np.nan), SCHEME, camera) is None
    assert head_pose(np.zeros((98, 2)), "wflw98", camera) is None
