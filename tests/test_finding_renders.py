"""Rendered people found by the shipped weights: small, turned, cut by the frame."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from clips import CAST, person

from fauxface.faces import landmark_box
from fauxface.inference import Face, Landmarker


@pytest.fixture(scope="module")
def landmarker() -> Landmarker:
    return Landmarker.load(threads=1)


def points_of(index: int) -> np.ndarray:
    return np.array(person(CAST[index]).meta["landmarks_2d"])[:68]


def error(face: Face, truth: np.ndarray) -> float:
    """Mean distance in shares of the outer-eye distance."""
    apart = np.linalg.norm(face.landmarks[:68] - truth, axis=1).mean()
    return float(apart / np.linalg.norm(truth[45] - truth[36]))


def test_faces_of_24_px_are_found(landmarker: Landmarker):
    picture, truths = np.full((480, 640, 3), 128, np.uint8), []
    for i in range(3):
        box = landmark_box(points_of(i), "ibug68")
        scale = 24 / (box[2:] - box[:2]).max()
        small = cv2.resize(person(CAST[i]).image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        ratio, corner = small.shape[0] / 256, np.array([100 + 180 * i, 200])
        picture[200 : 200 + small.shape[0], corner[0] : corner[0] + small.shape[1]] = small
        truths.append((points_of(i) + 0.5) * ratio - 0.5 + corner)
    faces = landmarker(picture)
    assert len(faces) == 3
    assert all(min(error(face, truth) for face in faces) < 0.15 for truth in truths)


@pytest.mark.parametrize("quarters", [1, 2])
def test_faces_turned_by_quarters_are_found_and_reliable(landmarker: Landmarker, quarters: int):
    image, truth = np.ascontiguousarray(np.rot90(person(CAST[0]).image, quarters)), points_of(0)
    x, y = truth.T
    wanted = np.stack([y, 255 - x], 1) if quarters == 1 else 255 - truth
    [face] = landmarker(image)
    assert error(face, wanted) < 0.1
    assert face.reliable


def test_a_face_cut_by_the_frame_is_found_and_says_what_is_outside(landmarker: Landmarker):
    truth = points_of(1)
    box = landmark_box(truth, "ibug68")
    line = round(float(box[0] + 0.25 * (box[2] - box[0])))
    [face] = landmarker(np.ascontiguousarray(person(CAST[1]).image[:, line:]))
    inside = truth[:, 0] - line > 0
    apart = np.linalg.norm(face.landmarks[:68] - (truth - [line, 0]), axis=1)
    assert apart[inside].mean() < 0.1 * np.linalg.norm(truth[45] - truth[36])
    assert face.visibility is not None
    assert (face.visibility[:68][face.landmarks[:68, 0] < -0.5] == 0).all()
    assert (face.landmarks[:68, 0] < -0.5).sum() > 3


def test_no_id_is_kept_over_a_cut_between_pictures_that_are_alike(landmarker: Landmarker):
    """Two people at the same place before bright skies: only their looks tell that another shot began."""
    frames = [np.ascontiguousarray(np.roll(person(CAST[i // 6]).image, i % 3, axis=1)) for i in range(12)]
    ids = [[face.id for face in faces] for faces in landmarker.track(frames)]
    assert ids == [[0]] * 6 + [[1]] * 6
