"""Detections, and the steps that all detectors share: several sizes of an image, overlapping boxes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import cv2
import numpy as np

from fauxface.faces import box_iou


@dataclass(frozen=True)
class Detection:
    """A detected face.

    Attributes:
        box: (4,) image pixels, as a landmark box.
        score: in [0, 1].
        points: (5, 2) image pixels as `fauxface.landmarks.five_points` orders them; None without points.
    """

    box: np.ndarray
    score: float
    points: np.ndarray | None = None


class Detector(Protocol):
    """A callable that finds faces."""

    name: str
    licence: str

    def __call__(self, image: np.ndarray) -> list[Detection]:
        """Faces in an image H×W×3 uint8 RGB, best score first; an empty list for no face."""
        ...


class RawFaces(NamedTuple):
    """A network's output, image pixels: boxes (M, 4) as it was trained to lay them, scores (M,), points (M, N, 2)."""

    boxes: np.ndarray
    scores: np.ndarray
    points: np.ndarray

    def taken(self, which: np.ndarray) -> RawFaces:
        """The faces with these indices, or where ``which`` (M,) is true."""
        return RawFaces(self.boxes[which], self.scores[which], self.points[which])


def suppress(boxes: np.ndarray, scores: np.ndarray, overlap: float) -> list[int]:
    """Indices of the boxes that no better one covers, best first (greedy non-maximum suppression)."""
    order = list(np.argsort(-scores, kind="stable"))
    keep: list[int] = []
    while order:
        best = order.pop(0)
        keep.append(int(best))
        if order:
            covered = box_iou(boxes[[best]], boxes[order])[0] > overlap
            order = [i for i, hidden in zip(order, covered, strict=True) if not hidden]
    return keep


def at_sizes(
    image: np.ndarray, sides: tuple[int, ...], overlap: float, look: Callable[[np.ndarray], RawFaces], points: int
) -> RawFaces:
    """Faces that ``look`` finds in an image H×W×3 uint8, reduced to each of ``sides``: image pixels, best score first.

    A larger side is used only if the image is larger than the side before, and only for new faces that are small in the
    image. ``points`` is the number of points of each face.
    """
    longer = max(image.shape[:2])
    found = RawFaces(np.zeros((0, 4)), np.zeros(0), np.zeros((0, points, 2)))
    for level, side in enumerate(sides):
        if level and longer <= sides[level - 1]:
            break
        small, ratio = _shrunk(image, min(1.0, side / longer))
        more = look(small)
        boxes, places = ((part + 0.5) * ratio - 0.5 for part in (more.boxes.reshape(-1, 2, 2), more.points))
        more = RawFaces(boxes.reshape(-1, 4), more.scores, places)
        if level:  # only faces that are too small for the size before
            tiny = (more.boxes[:, 2:] - more.boxes[:, :2]).max(axis=1, initial=0) < longer / 8
            new = box_iou(more.boxes, found.boxes).max(axis=1, initial=0.0) < overlap
            more = more.taken(tiny & new)
        found = RawFaces(*(np.concatenate(pair) for pair in zip(found, more, strict=True)))
    return found.taken(np.argsort(-found.scores, kind="stable"))


def _shrunk(image: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """The image reduced by ``scale``, and the pixels (2,), in x and in y, that each of its new pixels covers."""
    if scale >= 1:
        return image, np.ones(2)
    height, width = image.shape[:2]
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.array([width / size[0], height / size[1]])
