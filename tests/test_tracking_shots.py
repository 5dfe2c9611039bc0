"""Tracking through edited footage: cuts, flashes, people who pass, leave and come back, crowds."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fake_data import canonical_face

from fauxface.faces import landmark_box
from fauxface.inference import Detection, Landmarker, Landmarks, Tracker, TrackerSettings
from fauxface.inference.shots import Change, Shots

SCHEME = "face_synthetics70"
WIDTH, HEIGHT = 480, 360
Person = tuple[int, float, float, float]
"""A person's number, which is also their appearance; the centre and half width of the face."""


def texture(number: int, height: int, width: int) -> np.ndarray:
    """A smooth random pattern, the same for the same number."""
    import cv2

    cells = (6, 6 * width // height, 3)
    coarse = np.random.default_rng(number).integers(0, 256, cells).astype(np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


class Stage:
    """A set with people, each with a pattern for a face; nearer ones come last and hide the others.

    It is the detector and the model, too: both see who is in front.
    """

    name, licence, input_size, scheme = "stage", "none", 64, SCHEME

    def __init__(self) -> None:
        self.people: list[Person] = []
        self.looks, self.place = 0, 1000

    def frame(self) -> np.ndarray:
        image = texture(self.place, HEIGHT, WIDTH)
        for number, x, y, r in self.people:
            box = landmark_box(canonical_face() * r + [x, y], SCHEME).round().astype(int)
            x0, y0, x1, y1 = np.clip(box, 0, [WIDTH, HEIGHT, WIDTH, HEIGHT])
            if x1 > x0 and y1 > y0:
                skin = texture(number, box[3] - box[1], box[2] - box[0])
                image[y0:y1, x0:x1] = skin[y0 - box[1] : y1 - box[1], x0 - box[0] : x1 - box[0]]
        return image

    def seen(self) -> list[Person]:
        """The people of whom no one nearer hides the middle."""
        return [
            person
            for i, person in enumerate(self.people)
            if all(np.hypot(person[1] - x, person[2] - y) > 0.8 * r for _, x, y, r in self.people[i + 1 :])
        ]

    def __call__(self, image: np.ndarray) -> list[Detection]:
        self.looks += 1
        return [Detection(landmark_box(canonical_face() * r + [x, y], SCHEME), 0.9) for _, x, y, r in self.seen()]

    def find(self, image: np.ndarray, boxes: np.ndarray) -> Landmarks:
        """The nearest face in front within reach of each box; without one, the mean face, with a low score."""
        points, scores = [], []
        for box in boxes:
            centre, side = (box[:2] + box[2:4]) / 2, (box[2:4] - box[:2]).max()
            near = [(np.hypot(x - centre[0], y - centre[1]), x, y, r) for _, x, y, r in self.seen()]
            near = [face for face in near if face[0] < 0.5 * side]
            _, x, y, r = min(near) if near else (0, *centre, side / 2.3)
            points.append(canonical_face() * r + [x, y])
            scores.append(np.full(70, 0.7 if near else 0.2))
        return Landmarks(np.stack(points), np.stack(scores), None)


def tracker(stage: Stage, **settings: Any) -> Tracker:
    model: Any = stage
    card: Any = SimpleNamespace(crop="box", crop_margin=1.3)
    landmarker = Landmarker(model, card, stage)
    landmarker.landmarks = stage.find  # type: ignore[method-assign]
    return Tracker(landmarker, smooth=False, settings=TrackerSettings(**settings))


def who(stage: Stage, faces: list[Any]) -> dict[int, int]:
    """Person → id, by where the faces are."""
    found = {}
    for face in faces:
        x, y = face.landmarks[30]
        near = min(stage.seen(), key=lambda person: np.hypot(person[1] - x, person[2] - y))
        found[near[0]] = face.id
    return found


@pytest.mark.parametrize("same_place", [True, False], ids=["a jump cut on the same set", "another set"])
def test_no_id_goes_over_a_cut(same_place: bool):
    stage = Stage()
    follow, ids = tracker(stage), []
    for i in range(60):
        stage.people = [(i // 20, 240, 180, 60)]
        stage.place = 1000 if same_place else 1000 + i // 20
        faces = follow.update(stage.frame(), i / 30)
        assert len(faces) == 1
        ids.append(faces[0].id)
    assert ids == [0] * 20 + [1] * 20 + [2] * 20
    assert follow.shots == (1 if same_place else 3)


def test_a_cut_resets_the_filter():
    stage = Stage()
    follow = tracker(stage)
    follow.smooth = True
    for i in range(20):
        stage.people, stage.place = [(i // 10, 240 + 8 * (i // 10), 180, 60)], 1000 + i // 10
        [face] = follow.update(stage.frame(), i / 30)
        assert face.landmarks[30, 0] == pytest.approx(stage.people[0][1], abs=1e-6)


def test_people_who_pass_keep_their_ids():
    """Person 0 walks to the right behind person 1, who walks to the left."""
    stage = Stage()
    follow, last = tracker(stage), {}
    for i in range(90):
        stage.people = [(0, 90 + 3.4 * i, 180, 40), (1, 390 - 3.4 * i, 177, 40)]
        faces = follow.update(stage.frame(), i / 30)
        found = who(stage, faces)
        assert found[1] == 1
        last.update(found)
        assert len(faces) == len({face.id for face in faces}) <= 2
    assert last == {0: 0, 1: 1}


def test_whoever_takes_the_place_of_one_who_left_is_somebody_else():
    stage = Stage()
    follow, ids = tracker(stage), []
    for i in range(60):
        stage.people = [(0, 240, 180, 60)] if i < 30 else [] if i < 34 else [(1, 240, 180, 60)]
        ids.append([face.id for face in follow.update(stage.frame(), i / 30)])
    assert ids[29] == [0]
    assert ids[32] == []
    assert ids[-1] == [1]


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_any_of_several_may_leave(gone: int):
    stage = Stage()
    follow = tracker(stage)
    everybody = [(i, 80 + 150 * i, 180, 50) for i in range(3)]
    for i in range(12):
        stage.people = [person for person in everybody if i < 6 or person[0] != gone]
        faces = follow.update(stage.frame(), i / 30)
    assert sorted(face.id for face in faces) == [i for i in range(3) if i != gone]


def test_a_flash_costs_no_id():
    stage = Stage()
    follow, ids = tracker(stage), []
    for i in range(40):
        stage.people = [(0, 240, 180, 60), (1, 390, 180, 60)]
        frame = stage.frame()
        if i == 20:
            frame = np.full_like(frame, 255)
        if i == 30:  # a frame of something else
            frame = texture(77, HEIGHT, WIDTH)
        ids.append({face.id for face in follow.update(frame, i / 30)})
    assert ids[19] == ids[29] == ids[-1] == {0, 1}


def test_sixty_faces_are_followed_and_a_limit_is_told():
    stage = Stage()
    stage.people = [(i, 30 + 46 * (i % 10), 30 + 58 * (i // 10), 14) for i in range(60)]
    follow = tracker(stage)
    for i in range(4):
        stage.people = [(n, x + np.sin(i / 5), y, r) for n, x, y, r in stage.people]
        faces = follow.update(stage.frame(), i / 5)
        assert sorted(who(stage, faces).items()) == [(n, n) for n in range(60)]
    assert follow.note == ""
    few = tracker(stage, max_faces=16)
    assert len(few.update(stage.frame(), 0.0)) == 16
    assert "44 more faces than 16" in few.note


# --- cuts


def pan(number: int, step: float, count: int) -> list[np.ndarray]:
    """Frames of a camera that pans over a picture, ``step`` of its width a frame."""
    wide = texture(number, HEIGHT, 3 * WIDTH)
    return [wide[:, int(step * WIDTH * i) :][:, :WIDTH] for i in range(count)]


def test_other_pictures_are_cuts_and_motion_light_and_noise_are_not():
    random = np.random.default_rng(0)
    for seed in range(3):
        shots, told = Shots(), []
        frames = pan(seed, 0.04, 8) + pan(100 + seed, 0.02, 8)
        for i, frame in enumerate(frames):
            light = frame * (1 + 0.3 * np.sin(i)) + random.normal(0, 5, frame.shape)
            told.append(shots.update(np.clip(light, 0, 255).astype(np.uint8), i / 25))
        assert [i for i, change in enumerate(told) if change is not Change.NONE] == [8]
        assert shots.count == 2


def test_a_fast_pan_is_not_a_cut_in_every_frame():
    shots = Shots()
    told = [shots.update(frame, i / 25) for i, frame in enumerate(pan(3, 0.15, 13))]
    assert told.count(Change.CUT) <= 1


def test_a_fade_through_black_is_a_cut_and_a_black_frame_is_not():
    for after, wanted in ((0, Change.NONE), (1, Change.CUT)):
        shots = Shots()
        for i in range(3):
            assert shots.update(texture(0, HEIGHT, WIDTH), i / 25) is Change.NONE
        for i in range(3, 6):
            assert shots.update(np.zeros((HEIGHT, WIDTH, 3), np.uint8), i / 25) is Change.NONE
        assert shots.update(texture(after, HEIGHT, WIDTH), 6 / 25) is wanted
