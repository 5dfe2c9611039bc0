"""Faces, their boxes, and the one crop transform that training, evaluation and inference share.

Coordinates: image pixels, 0-based, pixel centres at whole numbers. A box is (x0, y0, x1, y1) in them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from fauxface.landmarks import scheme_of

CROP_MARGIN = 1.3
"""Side of the crop in units of the box's longer side."""


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
    """

    image: np.ndarray
    landmarks: np.ndarray
    scheme: str
    box: np.ndarray
    visibility: np.ndarray | None
    source: str
    labels: str


def landmark_box(landmarks: np.ndarray, scheme: str) -> np.ndarray:
    """Tight box (4,) of landmarks (N, 2), pupils left out."""
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


@dataclass(frozen=True)
class Crop:
    """A square of the image, resampled to ``size``×``size`` pixels.

    Crop pixel u is image pixel ``x0 + (u + 0.5)·scale − 0.5``; likewise v with ``y0``. So (x0, y0) is the square's
    corner measured from the *corner* of the image's first pixel, and ``scale`` is image pixels a crop pixel.
    """

    x0: float
    y0: float
    scale: float
    size: int

    @classmethod
    def around(cls, box: np.ndarray, size: int, margin: float = CROP_MARGIN) -> Crop:
        """The square about the centre of ``box`` (4,), ``margin`` × its longer side; ValueError if that is nothing."""
        x0, y0, x1, y1 = (float(v) for v in box)
        side = margin * max(x1 - x0, y1 - y0)
        if not (math.isfinite(side) and side > 0 and math.isfinite(x0 + y0)):
            raise ValueError(f"a face needs a box of some extent, not {[round(float(v), 2) for v in box]}")
        return cls((x0 + x1 - side + 1) / 2, (y0 + y1 - side + 1) / 2, side / size, size)

    def padded(self, pixels: int) -> Crop:
        """The same crop with ``pixels`` more crop pixels on every side: its pixel u + pixels is this one's u."""
        shift = pixels * self.scale
        return Crop(self.x0 - shift, self.y0 - shift, self.scale, self.size + 2 * pixels)

    def to_crop(self, points: np.ndarray) -> np.ndarray:
        """Image points (..., 2) in crop pixels."""
        return (points + 0.5 - np.array([self.x0, self.y0])) / self.scale - 0.5

    def to_image(self, points: np.ndarray) -> np.ndarray:
        """Crop points (..., 2) in image pixels."""
        return (points + 0.5) * self.scale + np.array([self.x0, self.y0]) - 0.5

    def extract(self, image: np.ndarray) -> np.ndarray:
        """The crop's pixels, size×size×3 uint8, of an image H×W×3 uint8; what lies outside repeats the border.

        When shrinking, areas are averaged first and the rest is warped: OpenCV's warps have no area filter.
        """
        image, x0, y0, scale_x, scale_y = self._shrink(image)
        matrix = np.array([[scale_x, 0, x0 + scale_x / 2 - 0.5], [0, scale_y, y0 + scale_y / 2 - 0.5]])
        return cv2.warpAffine(
            image,
            matrix,
            (self.size, self.size),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )

    def _shrink(self, image: np.ndarray) -> tuple[np.ndarray, float, float, float, float]:
        """Cut out what the crop needs and average areas down to about its resolution: pixels, corner, scales left."""
        height, width = image.shape[:2]
        side = self.scale * self.size
        # two crop pixels of border, so that the bilinear taps at the edge see averaged pixels too
        pad = 2 * self.scale + 1
        left, top = (int(np.clip(math.floor(v - pad), 0, n - 1)) for v, n in ((self.x0, width), (self.y0, height)))
        right = int(np.clip(math.ceil(self.x0 + side + pad), left + 1, width))
        bottom = int(np.clip(math.ceil(self.y0 + side + pad), top + 1, height))
        part = np.ascontiguousarray(image[top:bottom, left:right])
        if self.scale <= 1:
            return part, self.x0 - left, self.y0 - top, self.scale, self.scale
        columns = max(1, round(part.shape[1] / self.scale))
        rows = max(1, round(part.shape[0] / self.scale))
        small = cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA)
        ratio_x, ratio_y = columns / part.shape[1], rows / part.shape[0]
        return small, (self.x0 - left) * ratio_x, (self.y0 - top) * ratio_y, self.scale * ratio_x, self.scale * ratio_y
