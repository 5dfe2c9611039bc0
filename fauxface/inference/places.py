"""Places of faces for the next crop: turned, where a face is turned, so that every network sees it upright.

Networks that crop by the box alone learned faces that are turned by some 15°. A face turned further is cropped by a
square that is turned with it. Between `STRAIGHT` and `TURNED` the square turns gradually, so that a followed face does
not jump; below, crops are as they always were.
"""

from __future__ import annotations

import math

import numpy as np

from fauxface.faces import Framing, landmark_box, roll_of
from fauxface.landmarks import five_points, scheme_of

STRAIGHT, TURNED = math.radians(15), math.radians(30)
"""Rolls up to which crops stay upright, and from which they turn with the face, radians; see docs/finding."""


def turn_of(roll: float) -> float:
    """Angle by which to turn the crop of a face with this roll, radians."""
    share = min(1.0, max(0.0, (abs(roll) - STRAIGHT) / (TURNED - STRAIGHT)))
    return roll * share * share * (3 - 2 * share)


def place_of(framing: Framing, box: np.ndarray, five: np.ndarray | None) -> np.ndarray:
    """The place of a detected face, from its box (4,) and five points (5, 2) or None, image pixels."""
    place = framing.place(box, five)
    if framing.kind != "box" or five is None:
        return place
    angle = turn_of(roll_of(five))
    return np.append(box, angle) if angle else place


def place_of_points(framing: Framing, points: np.ndarray, scheme: str) -> np.ndarray:
    """The place of a face with these landmarks (N, 2), image pixels."""
    five = five_points(points, scheme_of(scheme))
    angle = turn_of(roll_of(five)) if framing.kind == "box" else 0.0
    if not angle:
        return framing.place(landmark_box(points, scheme), five)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    box = landmark_box(points @ turn, scheme)  # as the turned square sees the face
    centre, half = turn @ (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2
    return np.concatenate([centre - half, centre + half, [angle]])


def is_turned(framing: Framing, place: np.ndarray) -> bool:
    """True for a place whose square is turned for a network that crops by the box alone."""
    return framing.kind == "box" and place.shape == (5,)


def has_extent(points: np.ndarray) -> bool:
    """True for landmarks (N, 2) that are finite and do not all lie at one place."""
    return bool(np.isfinite(points).all() and np.ptp(points, axis=0).max() > 1e-6)
