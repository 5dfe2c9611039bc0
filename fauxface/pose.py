"""Head poses from landmarks and the mean head: `head_pose` with a camera, `rough_angles` without one.

Camera frame as OpenCV's: metres, x right, y down, z forward. Head frame: metres, origin midway between the eyeballs'
centres, x to the subject's left, y up, z forward. Angles are in degrees: yaw > 0 turns the face to the image's right,
pitch > 0 up, roll > 0 clockwise.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import cv2
import numpy as np

from fauxface.landmarks import FACE_SYNTHETICS70, conversion, scheme_of

HEAD_SCHEMES = ("face_synthetics70", "ibug68")
"""Schemes whose points the mean head has."""
_RIGID = (8, *range(27, 48))
"""Points that expressions move little and that stay in place on a turned head: chin, nose, eyes.

The other jaw points slide along the outline: with them, a head turned by 36° was measured at 20°.
"""
_ROUGH = (8, 27, 30, 31, 33, 35, 36, 39, 42, 45, 48, 54)
"""Points that `rough_angles` uses, where the scheme has them: chin, nose, corners of eyes and mouth."""
_EYE_CENTRES = {"right_eye": 68, "left_eye": 69}
"""Names that schemes of five points have for the eyes' centres."""


@dataclass(frozen=True)
class Camera:
    """A pinhole camera: focal length and principal point (x, y), in image pixels."""

    focal: float
    centre: tuple[float, float]

    @classmethod
    def guess(cls, width: int, height: int) -> Camera:
        """A typical webcam for images of this size, px: the longer side spans 53°, centred principal point."""
        return cls(float(max(width, height)), ((width - 1) / 2, (height - 1) / 2))

    @classmethod
    def of_a_crop(cls, width: int, height: int) -> Camera:
        """A camera for a face cut out of a larger picture, taken from afar: the longer side spans 14°."""
        whole = cls.guess(width, height)
        return cls(4 * whole.focal, whole.centre)

    @property
    def matrix(self) -> np.ndarray:
        """The camera matrix (3, 3)."""
        return np.array([[self.focal, 0, self.centre[0]], [0, self.focal, self.centre[1]], [0, 0, 1]], np.float64)


@dataclass(frozen=True, eq=False)
class Pose:
    """A head's pose. Poses are equal if rotation and translation are.

    Attributes:
        rotation: (3, 3), head frame → camera frame.
        translation: (3,) metres, the head's origin in the camera frame, for a head of the mean head's size.
        yaw, pitch, roll: degrees.
    """

    rotation: np.ndarray
    translation: np.ndarray
    yaw: float
    pitch: float
    roll: float

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pose) and np.array_equal(self.matrix, other.matrix, equal_nan=True)

    @property
    def matrix(self) -> np.ndarray:
        """(4, 4), head frame → camera frame: rotation and translation, for columns (x, y, z, 1) in metres."""
        whole = np.eye(4)
        whole[:3, :3], whole[:3, 3] = self.rotation, self.translation
        return whole

    def to_dict(self) -> dict[str, Any]:
        """The pose as ``fauxface predict --json`` writes it."""
        return {
            "rotation": self.rotation.round(6).tolist(),
            "translation": self.translation.round(5).tolist(),
            "matrix": self.matrix.round(6).tolist(),
            "yaw": round(self.yaw, 3),
            "pitch": round(self.pitch, 3),
            "roll": round(self.roll, 3),
        }


@cache
def mean_head() -> np.ndarray:
    """The mean head's 70 landmarks (70, 3), head frame, without expression; ``tools/mean_head.py`` makes the file."""
    text = resources.files("fauxface").joinpath("mean_head.json").read_text()
    return np.array(json.loads(text)["points"], np.float64)


def head_pose(landmarks: np.ndarray, scheme: str, camera: Camera) -> Pose | None:
    """The pose of a head with these landmarks (N, 2), image pixels, by perspective-n-point.

    An error in the focal length scales distances by the same factor, and angles of faces that fill the picture by up
    to a fifth: on 297 renders of generator 4 the mean error of yaw is 4.9° with `Camera.guess`, and 3.1° with
    `Camera.of_a_crop` and with the true camera; that of pitch is 5–6°, because heads differ.
    None for a scheme that the mean head does not cover, and for points that fit no head.
    """
    if scheme not in HEAD_SCHEMES or not np.isfinite(landmarks).all():
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
    """Yaw, pitch and roll in degrees of a rotation (3, 3), head frame → camera frame, as the generator defines them."""
    turned = rotation @ np.diag([1.0, -1.0, -1.0])  # relative to a head that looks into the camera: Y(−yaw)·X(−pitch)·Z
    yaw = np.arctan2(-turned[0, 2], turned[2, 2])
    pitch = np.arcsin(np.clip(turned[1, 2], -1, 1))
    roll = np.arctan2(turned[1, 0], turned[1, 1])
    return float(np.degrees(yaw)), float(np.degrees(pitch)), float(np.degrees(roll))


def yaw_in_photo(landmarks: np.ndarray, scheme: str, image: np.ndarray) -> float:
    """Yaw in degrees of a head with these landmarks (N, 2) in a photograph H×W×3 of it; NaN for points of no head."""
    pose = head_pose(landmarks, scheme, Camera.of_a_crop(image.shape[1], image.shape[0]))
    return math.nan if pose is None else pose.yaw


def rough_angles(landmarks: np.ndarray, scheme: str = FACE_SYNTHETICS70.name) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees of a head with these landmarks (N, 2), without a camera.

    For every scheme that names some of the mean head's points: an orthographic fit by least squares. On 600 renders of
    generator 11 the mean errors are 3°, 6° and 1.5° with all points, 4°, 7.5° and 2° with five. Zeros for points that
    all lie in one place.
    """
    names = {FACE_SYNTHETICS70.names[i]: i for i in _ROUGH} | _EYE_CENTRES
    known = {i: point for name, point in names.items() if (i := scheme_of(scheme).index(name)) is not None}
    head = mean_head()[list(known.values())] * [1, -1, -1]
    seen = landmarks[list(known)].astype(float)
    projection = np.linalg.lstsq(head - head.mean(0), seen - seen.mean(0), rcond=None)[0].T
    scale = np.linalg.norm(projection, axis=1).mean()
    if not np.isfinite(scale) or scale < 1e-9:
        return 0.0, 0.0, 0.0
    first, second = projection / np.linalg.norm(projection, axis=1, keepdims=True)
    u, _, v = np.linalg.svd(np.stack([first, second, np.cross(first, second)]))  # the nearest rotation
    return angles(u @ np.diag([1, 1, np.linalg.det(u @ v)]) @ v @ np.diag([1.0, -1.0, -1.0]))
