"""Faces, their boxes, and the one crop transform that training, evaluation and inference share.

Coordinates: image pixels, 0-based, pixel centres at whole numbers. A box is (x0, y0, x1, y1) in them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import cv2
import numpy as np

from fauxface.landmarks import FIVE, scheme_of

CROP_MARGIN = 1.3
"""Default side of the crop, in units of the box's longer side."""
FRONTAL_POINTS = ((-0.208, -0.275), (0.208, -0.275), (0.0, -0.037), (-0.184, 0.172), (0.184, 0.172))
"""The five points of a frontal face, from the centre of its box, in units of the box's longer side.

Right eye, left eye, nose tip, right and left corner of the mouth: the mean of 923 renders (generator 9, |yaw| < 15°,
2-D labels), made symmetric."""
REACH = 1.25
"""Factor of the margin of five-point crops: the five points do not show how far a turned head reaches back."""
CropKind = Literal["box", "five-points", "level"]
Value = TypeVar("Value")


@dataclass(frozen=True)
class FaceSample:
    """One labelled face in one image.

    Attributes:
        image: H×W×3 uint8, RGB.
        landmarks: N×2 float64, image pixels; may lie outside the image.
        scheme: name of the landmark scheme.
        box: (4,) float64, the face's box.
        visibility: N booleans (True = visible), or None if the data set has none.
        source: the image's file.
        labels: the label convention: ``projected`` (3-D points, also where hidden) or ``2d`` (as annotators click).
        extra: the face's other targets, by their names in `fauxface.targets`, in the image's frame.
    """

    image: np.ndarray
    landmarks: np.ndarray
    scheme: str
    box: np.ndarray
    visibility: np.ndarray | None
    source: str
    labels: str
    extra: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def targets(self) -> dict[str, np.ndarray]:
        """All labels of the face, by their names in `fauxface.targets`."""
        return named(self.landmarks, self.visibility, self.extra)


def named(landmarks: Value, visibility: Value | None, extra: Mapping[str, Value]) -> dict[str, Value]:
    """Landmarks, visibility (unless None) and further targets as one mapping, in that order."""
    seen = {} if visibility is None else {"visibility": visibility}
    return {"landmarks": landmarks, **seen, **extra}


def longer_side(box: np.ndarray) -> float:
    """Length of the longer side of a box (4,), pixels."""
    return float(max(box[2] - box[0], box[3] - box[1]))


def landmark_box(landmarks: np.ndarray, scheme: str) -> np.ndarray:
    """Tight box (4,) of landmarks (N, 2) without the pupils; for five points, the box of a frontal face around them."""
    if scheme == FIVE.name:
        face = Crop.on_points(landmarks, 1, 1.0)
        centre, side = face.to_image(np.zeros(2)), face.scale
        return np.concatenate([centre - side / 2, centre + side / 2])
    points = landmarks[list(scheme_of(scheme).outline)]
    return np.concatenate([points.min(0), points.max(0)]).astype(np.float64)


def box_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union (A, B) of boxes (A, 4) with boxes (B, 4); 0 for empty boxes."""
    corner0 = np.maximum(a[:, None, :2], b[None, :, :2])
    corner1 = np.minimum(a[:, None, 2:], b[None, :, 2:])
    overlap = np.prod(np.clip(corner1 - corner0, 0, None), axis=-1)
    area_a = np.prod(a[:, 2:] - a[:, :2], axis=-1)
    area_b = np.prod(b[:, 2:] - b[:, :2], axis=-1)
    union = area_a[:, None] + area_b[None] - overlap
    return np.where(union > 0, overlap / np.where(union > 0, union, 1), 0.0)


def roll_of(five: np.ndarray) -> float:
    """Roll of a face in the image, radians, clockwise as seen, from its five points (5, 2); 0 for points that coincide.

    It is the angle of the similarity that brings `FRONTAL_POINTS` nearest to the five points. The line between the eyes
    alone would be too short in profile.
    """
    factor, _ = _similarity(five)
    return math.atan2(factor.imag, factor.real) if _has_extent(factor) else 0.0


def _similarity(five: np.ndarray) -> tuple[complex, complex]:
    """Least-squares similarity from `FRONTAL_POINTS` to five points (5, 2): its factor, and the image of 0.

    Umeyama 1991, "Least-squares estimation of transformation parameters". With points as complex numbers the rotation
    and scale are one complex factor, and the least-squares solution is a quotient.
    """
    frontal, found = (np.asarray(points, np.float64) @ np.array([1, 1j]) for points in (FRONTAL_POINTS, five))
    centred = frontal - frontal.mean()
    factor = complex(np.vdot(centred, found - found.mean()) / np.vdot(centred, centred))
    return factor, complex(found.mean() - factor * frontal.mean())


def _has_extent(factor: complex) -> bool:
    """True unless the five points with this similarity coincide."""
    return bool(np.isfinite(factor)) and abs(factor) > 1e-6


@dataclass(frozen=True)
class Framing:
    """The way faces are cropped; a checkpoint needs the framing that it was trained with.

    A *place* determines one crop. It is a box (4,), or a box and the face's roll in radians (5,), or five points (5, 2)
    as from `fauxface.landmarks.five_points`.

    Attributes:
        kind: ``box``, an upright square about the face's box; ``level``, the same square turned about its centre by the
            face's roll; ``five-points`` (Earp et al. 2021), the square in which a similarity brings eyes, nose and
            mouth to where `FRONTAL_POINTS` has them.
        margin: side of the crop in units of the longer side of the face's box, a frontal face's × `REACH` with
            five points.
    """

    kind: CropKind = "box"
    margin: float = CROP_MARGIN

    def place(self, box: np.ndarray, five: np.ndarray | None) -> np.ndarray:
        """The place of a face: from its five points if the kind needs them and they are known, otherwise its box."""
        if five is None or self.kind == "box":
            return box
        return five if self.kind == "five-points" else np.append(box, roll_of(five))

    def crop(self, place: np.ndarray, size: int) -> Crop:
        """The crop, ``size`` pixels a side, of the face at ``place``; ValueError for a place without extent."""
        margin = self.margin * (REACH if self.kind == "five-points" else 1)
        if place.ndim == 2:
            return Crop.on_points(place, size, margin)
        return Crop.around(place[:4], size, margin, float(place[4]) if len(place) == 5 else 0.0)


@dataclass(frozen=True)
class Crop:
    """A square of the image, possibly rotated, resampled to ``size``×``size`` pixels.

    Crop pixel (u, v) is image pixel (x0, y0) + scale · R · (u + 0.5, v + 0.5) − 0.5, where R rotates by ``angle``. So
    (x0, y0) is the square's first corner, measured from the *corner* of the image's first pixel, and ``scale`` is in
    image pixels per crop pixel. ``angle`` is in radians, from the image's x axis to its y axis (clockwise as seen).
    """

    x0: float
    y0: float
    scale: float
    size: int
    angle: float = 0.0

    @classmethod
    def around(cls, box: np.ndarray, size: int, margin: float = CROP_MARGIN, angle: float = 0.0) -> Crop:
        """The square around the centre of ``box`` (4,), ``margin`` × its longer side, rotated about it by ``angle``.

        ValueError for a box without extent, or with a number that is not finite.
        """
        x0, y0, x1, y1 = (float(v) for v in box)
        side = margin * max(x1 - x0, y1 - y0)
        if not (math.isfinite(side) and side > 0 and math.isfinite(x0 + y0)):
            raise ValueError(f"a face's box must have a positive, finite size, not {[round(float(v), 2) for v in box]}")
        cosine, sine = math.cos(angle), math.sin(angle)
        corner = (x0 + x1 - side * (cosine - sine) + 1) / 2, (y0 + y1 - side * (cosine + sine) + 1) / 2
        return cls(*corner, side / size, size, angle)

    @classmethod
    def on_points(cls, five: np.ndarray, size: int, margin: float = CROP_MARGIN) -> Crop:
        """The square around a face with these five points (5, 2), rotated to bring them nearest to `FRONTAL_POINTS`.

        ``margin`` is the square's side in units of the longer side of the box that a frontal face with these points
        has. ValueError if the points all lie at one place.
        """
        factor, origin = _similarity(five)
        if not _has_extent(factor):
            raise ValueError(f"five points that lie at one place show no face: {np.round(five, 2).tolist()}")
        centre = origin + 0.5 * (1 + 1j)
        corner = centre - factor * margin * (0.5 + 0.5j)
        return cls(corner.real, corner.imag, margin * abs(factor) / size, size, math.atan2(factor.imag, factor.real))

    @property
    def axes(self) -> np.ndarray:
        """2×2: the steps in image pixels for one crop pixel along u (first column) and along v (second)."""
        cosine, sine = self.scale * math.cos(self.angle), self.scale * math.sin(self.angle)
        return np.array([[cosine, -sine], [sine, cosine]])

    def padded(self, pixels: int) -> Crop:
        """The crop with ``pixels`` more crop pixels on every side: its pixel u + pixels is this one's pixel u."""
        x0, y0 = np.array([self.x0, self.y0]) - self.axes.sum(1) * pixels
        return Crop(float(x0), float(y0), self.scale, self.size + 2 * pixels, self.angle)

    def to_crop(self, points: np.ndarray) -> np.ndarray:
        """Image points (..., 2) in crop pixels."""
        return (points + 0.5 - np.array([self.x0, self.y0])) @ (self.axes / self.scale**2) - 0.5

    def to_image(self, points: np.ndarray) -> np.ndarray:
        """Crop points (..., 2) in image pixels."""
        return (points + 0.5) @ self.axes.T + np.array([self.x0, self.y0]) - 0.5

    def extract(self, image: np.ndarray) -> np.ndarray:
        """The crop's pixels, size×size×3 uint8, of an image H×W×3 uint8; outside the image its border is repeated.

        To shrink, areas are averaged first and the result is warped, because OpenCV's warps have no area filter.
        """
        image, corner, ratio = self._shrink(image)
        axes = self.axes * ratio[:, None]
        matrix = np.column_stack([axes, corner + axes.sum(1) / 2 - 0.5])
        return cv2.warpAffine(
            image,
            matrix,
            (self.size, self.size),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )

    def _shrink(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Cut out the part that the crop needs and average areas down to about its resolution.

        Returns the pixels, the crop's corner (2,) in them, and their number (2,) per image pixel in x and in y.
        """
        height, width = image.shape[:2]
        corner = np.array([self.x0, self.y0])
        ends = corner + np.array([[0, 0], [0, 1], [1, 0], [1, 1]]) * self.size @ self.axes.T
        # two crop pixels of border, so that bilinear sampling at the edge sees averaged pixels too
        pad = 2 * self.scale + 1
        left, top = (
            int(np.clip(math.floor(v), 0, n - 1)) for v, n in zip(ends.min(0) - pad, (width, height), strict=True)
        )
        right, bottom = (
            int(np.clip(math.ceil(v), first + 1, n))
            for v, first, n in zip(ends.max(0) + pad, (left, top), (width, height), strict=True)
        )
        part = np.ascontiguousarray(image[top:bottom, left:right])
        corner = corner - [left, top]
        if self.scale <= 1:
            return part, corner, np.ones(2)
        columns = max(1, round(part.shape[1] / self.scale))
        rows = max(1, round(part.shape[0] / self.scale))
        small = cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA)
        ratio = np.array([columns / part.shape[1], rows / part.shape[0]])
        return small, corner * ratio, ratio
