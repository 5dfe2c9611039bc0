"""Tiles of the audit's contact sheets: faces or pictures, with or without points and captions."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from fauxface.audit.records import FaceRecord, PictureRecord
from fauxface.faces import Crop, landmark_box
from fauxface.landmarks import scheme_of

COLOURS = {
    "jaw": (120, 200, 255),
    "right_brow": (255, 196, 77),
    "left_brow": (255, 150, 40),
    "nose": (150, 240, 150),
    "right_eye": (255, 255, 255),
    "left_eye": (200, 220, 255),
    "mouth": (255, 120, 140),
    "pupils": (255, 80, 255),
}
"""RGB of each part's points; hidden points are darker."""
_SHIFT = 4  # OpenCV draws at 1/16 px


def tile(picture: PictureRecord, face: FaceRecord | None, side: int, points: bool, caption: str = "") -> np.ndarray:
    """A face with some of its surroundings, or a whole picture without ``face``, as (side, side, 3) uint8."""
    image = picture.pixels()
    height, width = image.shape[:2]
    if face is None:
        crop = Crop.around(np.array([0.0, 0, width - 1, height - 1]), side, 1.0)
    else:
        crop = Crop.around(landmark_box(face.points, face.scheme), side, 1.7)
    shown = crop.extract(image)
    for other in picture.faces if face is None else [face]:
        if points:
            _draw(shown, crop.to_crop(other.points), other, max(1.2, side / 130) if face else 1.0)
    if caption:
        cv2.rectangle(shown, (0, side - 16), (side, side), (0, 0, 0), -1)
        cv2.putText(shown, caption, (3, side - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (255, 255, 255), 1, cv2.LINE_AA)
    return shown


@lru_cache
def _groups(scheme: str) -> dict[int, str]:
    return {i: name for name, indices in scheme_of(scheme).groups.items() for i in indices}


def _draw(picture: np.ndarray, points: np.ndarray, face: FaceRecord, radius: float) -> None:
    visibility, groups = face.visibility, _groups(face.scheme)
    for i, (x, y) in enumerate(np.clip(points, -1e4, 1e4)):
        bright = 1.0 if visibility is None or visibility[i] else 0.45
        centre = (round(float(x) * 16), round(float(y) * 16))
        colour = tuple(bright * c for c in COLOURS[groups[i]])
        cv2.circle(picture, centre, round((radius + 0.7) * 16), (0, 0, 0), -1, cv2.LINE_AA, _SHIFT)
        cv2.circle(picture, centre, round(radius * 16), colour, -1, cv2.LINE_AA, _SHIFT)
