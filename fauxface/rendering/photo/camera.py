"""The head's pose, and the camera that sees it.

The recipe has most of the distributions; the limits here are by eye.

Camera frame as OpenCV's: metres, x right, y down, z forward; pixel (0, 0) is the centre of the image's first pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from fauxface.rendering.recipe import Recipe

FACING = np.diag([1.0, -1.0, -1.0])
"""Head frame → camera frame of a head that looks straight into the camera."""


@dataclass(frozen=True)
class View:
    """A head's place before a camera.

    Attributes:
        rotation: (3, 3), head frame → camera frame.
        translation: (3,) metres, the head's origin in the camera frame.
        matrix: (3, 3) camera matrix; its principal point may be off centre, as in a photograph that was cropped.
        yaw, pitch, roll: degrees; yaw > 0 turns the face to the image's right, pitch > 0 up, roll > 0 clockwise.
    """

    rotation: np.ndarray
    translation: np.ndarray
    matrix: np.ndarray
    yaw: float
    pitch: float
    roll: float

    def to_camera(self, points: np.ndarray) -> np.ndarray:
        """Head-frame points (..., 3) in the camera frame."""
        return points @ self.rotation.T + self.translation

    def project(self, points: np.ndarray) -> np.ndarray:
        """Head-frame points (..., 3) in image pixels (..., 2)."""
        seen = self.to_camera(points) @ self.matrix.T
        return seen[..., :2] / seen[..., 2:]


@dataclass(frozen=True)
class Lens:
    """A lens: aperture, plane in focus and focal length.

    Attributes:
        aperture: diameter of the entrance pupil, metres: 2 mm in a phone, up to 40 mm on a portrait lens; 0 blurs
            nothing.
        focus: distance of the plane in focus, metres.
        focal: focal length, pixels.
    """

    aperture: float
    focus: float
    focal: float


@dataclass(frozen=True)
class Pose:
    """Yaw, pitch and roll in degrees, and the share of the turn that the shoulders make, too."""

    yaw: float
    pitch: float
    roll: float
    shoulders: float

    @property
    def rotation(self) -> Rotation:
        """In the camera frame, relative to a head that looks into the camera: yaw, then pitch, then roll."""
        return Rotation.from_euler("YXZ", [-self.yaw, -self.pitch, self.roll], degrees=True)

    @property
    def neck(self) -> Rotation:
        """The shoulders' rotation relative to the head, in the head frame."""
        facing = Rotation.from_matrix(FACING)
        back = (facing.inv() * self.rotation * facing).inv().as_rotvec()
        angle = np.linalg.norm(back)
        return Rotation.from_rotvec(back * min(1 - self.shoulders, np.radians(50) / max(angle, 1e-6)))


def sample_pose(rng: np.random.Generator, recipe: Recipe) -> Pose:
    """Sample a head pose: half of all heads turn less than 17° by default, two in a hundred more than 70°."""
    wide = 2.0 if rng.random() < 0.2 else 1.0
    yaw = float(np.clip(rng.normal(0, recipe.yaw * wide), -recipe.yaw_limit, recipe.yaw_limit))
    pitch = float(np.clip(rng.normal(0, recipe.pitch), -45, 45))
    roll = float(np.clip(rng.normal(0, recipe.roll), -50, 50))
    return Pose(yaw, pitch, roll, float(rng.uniform(0, 1)))


def sample_view(rng: np.random.Generator, recipe: Recipe, pose: Pose, landmarks: np.ndarray, size: int) -> View:
    """Sample a camera that frames the landmarks (68, 3; head frame) in ``size``×``size`` pixels by the recipe."""
    near, far = recipe.distance
    distance = float(np.exp(rng.uniform(np.log(near), np.log(far))))
    share = rng.uniform(*recipe.face_share)
    centre = (size - 1) / 2 + size * rng.normal(0, recipe.off_centre, 2)
    rotation = pose.rotation.as_matrix() @ FACING
    translation = np.array([0.0, 0.0, distance])
    seen = landmarks @ rotation.T + translation
    flat = seen[:, :2] / seen[:, 2:]
    low, high = flat.min(0), flat.max(0)
    focal = share * size / (high - low).max()
    cx, cy = centre - focal * (low + high) / 2
    matrix = np.array([[focal, 0, cx], [0, focal, cy], [0, 0, 1]])
    return View(rotation, translation, matrix, pose.yaw, pose.pitch, pose.roll)


def sample_lens(rng: np.random.Generator, recipe: Recipe, camera: np.ndarray, focus: float) -> Lens:
    """Sample a phone's, a compact's or a large camera's lens for a camera matrix (3, 3), focused ``focus`` metres off.

    Apertures are about those of such lenses, and shares by eye. Frames that the recipe leaves without depth of field
    have an aperture of 0.
    """
    low, high = ((0.0012, 0.004), (0.003, 0.009), (0.008, 0.045))[int(rng.choice(3, p=[0.4, 0.3, 0.3]))]
    aperture = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    return Lens(aperture if rng.random() < recipe.depth_of_field else 0.0, focus, float(camera[0, 0]))
