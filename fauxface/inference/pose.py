"""Where a head is and how it is turned: perspective-n-point with the mean head's 70 points.

Camera frame as OpenCV's: metres, x right, y down, z forward. Head frame: metres, origin midway between the eyeballs'
centres, x to the subject's left, y up, z forward.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

import cv2
import numpy as np

from fauxface.landmarks import conversion

_SCHEMES = ("face_synthetics70", "ibug68")
_RIGID = (8, *range(27, 48))
"""Points that an expression moves little and that stay at their places on a turned head: chin, nose, eyes.

The jaw's other points slide to the outline, so that with them a head turned by 36° seemed turned by 20°.
"""


@dataclass(frozen=True)
class Camera:
    """A pinhole camera: focal length and principal point (x, y), image pixels."""

    focal: float
    centre: tuple[float, float]

    @classmethod
    def guess(cls, width: int, height: int) -> Camera:
        """A usual webcam's for images of that size: the longer side spans 53°, the principal point is the centre."""
        return cls(float(max(width, height)), ((width - 1) / 2, (height - 1) / 2))

    @classmethod
    def of_a_crop(cls, width: int, height: int) -> Camera:
        """Of a picture of a face cut out of a larger one, from afar: the longer side spans 14°."""
        whole = cls.guess(width, height)
        return cls(4 * whole.focal, whole.centre)

    @property
    def matrix(self) -> np.ndarray:
        """The camera matrix (3, 3)."""
        return np.array([[self.focal, 0, self.centre[0]], [0, self.focal, self.centre[1]], [0, 0, 1]], np.float64)


@dataclass(frozen=True)
class Pose:
    """A head's pose.

    Attributes:
        rotation: (3, 3), head frame → camera frame.
        translation: (3,) metres, the head's origin in the camera frame, if the head is as large as the mean head.
        yaw, pitch, roll: degrees; yaw > 0 turns the face to the image's right, pitch > 0 up, roll > 0 clockwise.
    """

    rotation: np.ndarray
    translation: np.ndarray
    yaw: float
    pitch: float
    roll: float


@cache
def mean_head() -> np.ndarray:
    """The mean head's landmarks (70, 3), head frame, without expression; made by ``tools/mean_head.py``."""
    text = resources.files("fauxface.inference").joinpath("mean_head.json").read_text()
    return np.array(json.loads(text)["points"], np.float64)


def head_pose(landmarks: np.ndarray, scheme: str, camera: Camera) -> Pose | None:
    """The pose of the head with these landmarks (N, 2), image pixels.

    A guessed focal length makes distances wrong by as much as it is, and angles of faces that fill the picture by up to
    a fifth: on 297 renders of generator 4 yaw is off by 4.9° with `Camera.guess`, by 3.1° with `Camera.of_a_crop` and
    with the true camera, pitch by 5–6°, which is how much heads differ.
    None for a scheme without a mean head, and for points that no head can have.
    """
    if scheme not in _SCHEMES or not np.isfinite(landmarks).all():
        return None
    rows = list(_RIGID)
    head = mean_head()[conversion("face_synthetics70", scheme)][rows]
    points = np.ascontiguousarray(landmarks[rows], np.float64)
    try:
        found, rotation, translation = cv2.solvePnP(head, points, camera.matrix, None, flags=cv2.SOLVEPNP_SQPNP)
    except cv2.error:
        return None
    if not found or not np.isfinite(translation).all() or translation[2] <= 0:
        return None
    matrix = cv2.Rodrigues(rotation)[0]
    return Pose(matrix, translation[:, 0], *angles(matrix))


def angles(rotation: np.ndarray) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees of a rotation (3, 3), head frame → camera frame; the generator's convention."""
    turned = rotation @ np.diag([1.0, -1.0, -1.0])  # relative to a head that looks into the camera: Y(−yaw)·X(−pitch)·Z
    yaw = np.arctan2(-turned[0, 2], turned[2, 2])
    pitch = np.arcsin(np.clip(turned[1, 2], -1, 1))
    roll = np.arctan2(turned[1, 0], turned[1, 1])
    return float(np.degrees(yaw)), float(np.degrees(pitch)), float(np.degrees(roll))
