"""Skin tones on the Monk scale (Monk 2019, "The Monk Skin Tone Scale"), measured from pixels."""

from __future__ import annotations

import cv2
import numpy as np

from fauxface.audit.records import FaceRecord
from fauxface.segmentation import Segment

MONK = "f6ede4 f3e7db f7ead0 eadaba d7bd96 a07e56 825c43 604134 3a312a 292420"
"""The scale's ten tones, sRGB."""
_LEAST = 30  # fewest pixels of skin to measure a tone
_SKIN = (Segment.SKIN, Segment.NOSE)


def swatches() -> np.ndarray:
    """The ten tones (10, 3), RGB uint8."""
    return np.array([[int(tone[i : i + 2], 16) for i in (0, 2, 4)] for tone in MONK.split()], np.uint8)


def monk_tone(colour: np.ndarray) -> int:
    """The tone, 1–10, nearest to an sRGB colour (3,) in CIELAB.

    The colour includes the light: a fair face in the dark counts as dark.
    """
    both = np.concatenate([np.asarray(colour, np.float32)[None] / 255, swatches().astype(np.float32) / 255])
    lab = cv2.cvtColor(both[None], cv2.COLOR_RGB2LAB)[0]
    return int(np.linalg.norm(lab[1:] - lab[0], axis=1).argmin()) + 1


def skin_colour(face: FaceRecord, image: np.ndarray, labels: np.ndarray) -> np.ndarray | None:
    """Median colour (3,) of a face's pixels of classes skin and nose, sRGB 0–255; None for too few pixels."""
    (x0, y0), (x1, y1) = np.floor(face.points.min(0)).astype(int), np.ceil(face.points.max(0)).astype(int) + 1
    rows, columns = slice(max(y0, 0), max(y1, 0)), slice(max(x0, 0), max(x1, 0))
    pixels = image[rows, columns][np.isin(labels[rows, columns], _SKIN)]
    return np.median(pixels, axis=0) if len(pixels) >= _LEAST else None
