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
"""Side of the crop in units of the box's longer side."""
FRONTAL_POINTS = ((-0.208, -0.275), (0.208, -0.275), (0.0, -0.037), (-0.184, 0.172), (0.184, 0.172))
"""Where the five points of a frontal face lie about its box's centre, in units of the box's longer side.

The mean of 923 of our renders (generator 9, |yaw| < 15°, 2-D labels), made symmetric: right eye, left eye, nose tip,
right and left corner of the mouth."""
REACH = 1.25
"""How much larger than the box's the five points' crop is: they tell nothing of how far a turned head reaches back."""
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
        visibility: N booleans (True = seen), or None where the data set does not say.
        source: the file that the image came from.
        labels: the labels' convention: ``projected`` (3-D points, also where hidden) or ``2d`` (as annotators click).
        extra: what else the data set says of the face, by the names of `fauxface.targets`, in the image's frame.
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
        """All that is said of the face, by the names of `fauxface.targets`."""
        return named(self.landmarks, self.visibility, self.extra)


def named(landmarks: Value, visibility: Value | None, extra: Mapping[str, Value]) -> dict[str, Value]:
    """Landmarks, visibility (unless None) and further targets as one mapping, in that order."""
    seen = {} if visibility is None else {"visibility": visibility}
    return {"landmarks": landmarks, **seen, **extra}


def landmark_box(landmarks: np.ndarray, scheme: str) -> np.ndarray:
    """Tight box (4,) of landmarks (N, 2), pupils left out; of five points, which span none, a frontal face's."""
    if scheme == FIVE.name:
        face = Crop.on_points(landmarks, 1, 1.0)
        centre, side = face.to_image(np.zeros(2)), face.scale
        return np.concatenate([centre - side / 2, centre + side / 2])
    points = landmarks[list(scheme_of(scheme).outline)]
    return np.concatenate([points.min(0), points.max(0)]).astype(np.float64)


def box_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes (A, 4) and (B, 4): (A, B), 0 for empty boxes."""
    corner0 = np.maximum(a[:, None, :2], b[None, :, :2])
    corner1 = np.minimum(a[:, None, 2:], b[None, :, 2:])
    overlap = np.prod(np.clip(corner1 - corner0, 0, None), axis=-1)
    area_a = np.prod(a[:, 2:] - a[:, :2], axis=-1)
    area_b = np.prod(b[:, 2:] - b[:, :2], axis=-1)
    union = area_a[:, None] + area_b[None] - overlap
    return np.where(union > 0, overlap / np.where(union > 0, union, 1), 0.0)


def roll_of(five: np.ndarray) -> float:
    """How far a face with these five points (5, 2) is turned in the image, radians, clockwise as seen.

    By all five, as a similarity takes `FRONTAL_POINTS` to them, since in profile the line of the eyes alone is short. 0
    for points that show no face.
    """
    unit, _ = _similarity(five)
    return math.atan2(unit.imag, unit.real) if _shows_a_face(unit) else 0.0


def _similarity(five: np.ndarray) -> tuple[complex, complex]:
    """The similarity of least squares from `FRONTAL_POINTS` to five points (5, 2): its factor, where 0 goes.

    Umeyama 1991. Points of the plane are complex numbers: a similarity is one factor, and its least squares a quotient.
    """
    there, here = (np.asarray(points, np.float64) @ np.array([1, 1j]) for points in (FRONTAL_POINTS, five))
    away = there - there.mean()
    unit = complex(np.vdot(away, here - here.mean()) / np.vdot(away, away))
    return unit, complex(here.mean() - unit * there.mean())


def _shows_a_face(unit: complex) -> bool:
    return bool(np.isfinite(unit)) and abs(unit) > 1e-6


@dataclass(frozen=True)
class Framing:
    """How faces are cut out of images; a checkpoint is asked about faces cut out as those were that it learned from.

    A *place* is what a crop is laid by: a box (4,); a box and the face's roll in radians (5,); or five points (5, 2) as
    `fauxface.landmarks.five_points` gives.

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
        """What the crop of a face is laid by, of its box and its five points; without those, the box has to do."""
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
    """A square of the image, perhaps turned, resampled to ``size``×``size`` pixels.

    Crop pixel (u, v) is image pixel (x0, y0) + scale · R · (u + 0.5, v + 0.5) − 0.5, with R the turn by ``angle``. So
    (x0, y0) is the square's first corner measured from the *corner* of the image's first pixel, and ``scale`` is image
    pixels a crop pixel. ``angle`` is in radians, from the image's x axis towards its y axis (clockwise as seen).
    """

    x0: float
    y0: float
    scale: float
    size: int
    angle: float = 0.0

    @classmethod
    def around(cls, box: np.ndarray, size: int, margin: float = CROP_MARGIN, angle: float = 0.0) -> Crop:
        """The square about the centre of ``box`` (4,), ``margin`` × its longer side, turned about it by ``angle``.

        ValueError if the box is nothing.
        """
        x0, y0, x1, y1 = (float(v) for v in box)
        side = margin * max(x1 - x0, y1 - y0)
        if not (math.isfinite(side) and side > 0 and math.isfinite(x0 + y0)):
            raise ValueError(f"a face needs a box of some extent, not {[round(float(v), 2) for v in box]}")
        cosine, sine = math.cos(angle), math.sin(angle)
        corner = (x0 + x1 - side * (cosine - sine) + 1) / 2, (y0 + y1 - side * (cosine + sine) + 1) / 2
        return cls(*corner, side / size, size, angle)

    @classmethod
    def on_points(cls, five: np.ndarray, size: int, margin: float = CROP_MARGIN) -> Crop:
        """The square about a face by its five points (5, 2), turned so that they come nearest to `FRONTAL_POINTS`.

        ``margin`` is the square's side in units of the longer side of
        the box that a frontal face with these points would have. ValueError if they all lie at one place.
        """
        unit, origin = _similarity(five)
        if not _shows_a_face(unit):
            raise ValueError(f"five points that lie at one place show no face: {np.round(five, 2).tolist()}")
        centre = origin + 0.5 * (1 + 1j)
        corner = centre - unit * margin * (0.5 + 0.5j)
        return cls(corner.real, corner.imag, margin * abs(unit) / size, size, math.atan2(unit.imag, unit.real))

    @property
    def axes(self) -> np.ndarray:
        """2×2: image pixels that a crop pixel's step in u (first column) and in v (second) moves."""
        cosine, sine = self.scale * math.cos(self.angle), self.scale * math.sin(self.angle)
        return np.array([[cosine, -sine], [sine, cosine]])

    def padded(self, pixels: int) -> Crop:
        """The same crop with ``pixels`` more crop pixels on every side: its pixel u + pixels is this one's u."""
        x0, y0 = np.array([self.x0, self.y0]) - self.axes.sum(1) * pixels
        return Crop(float(x0), float(y0), self.scale, self.size + 2 * pixels, self.angle)

    def to_crop(self, points: np.ndarray) -> np.ndarray:
        """Image points (..., 2) in crop pixels."""
        return (points + 0.5 - np.array([self.x0, self.y0])) @ (self.axes / self.scale**2) - 0.5

    def to_image(self, points: np.ndarray) -> np.ndarray:
        """Crop points (..., 2) in image pixels."""
        return (points + 0.5) @ self.axes.T + np.array([self.x0, self.y0]) - 0.5

    def extract(self, image: np.ndarray) -> np.ndarray:
        """The crop's pixels, size×size×3 uint8, of an image H×W×3 uint8; what lies outside repeats the border.

        When shrinking, areas are averaged first and the rest is warped: OpenCV's warps have no area filter.
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
        """Cut out what the crop needs and average areas down to about its resolution.

        Returns the pixels, the crop's corner (2,) in them, and how many of them (2,) an image pixel is in x and in y.
        """
        height, width = image.shape[:2]
        corner = np.array([self.x0, self.y0])
        ends = corner + np.array([[0, 0], [0, 1], [1, 0], [1, 1]]) * self.size @ self.axes.T
        # two crop pixels of border, so that the bilinear taps at the edge see averaged pixels too
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
