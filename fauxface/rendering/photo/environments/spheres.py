"""Directions: of an equirectangular map's pixels and of a camera's; and how directions turn.

Frame of maps: as a camera's (OpenCV) that looks level at the map's middle: x right, y down, z forward. Column 0 is
behind on the left, row 0 straight up.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from scipy.spatial.transform import Rotation


@cache
def map_directions(height: int) -> np.ndarray:
    """Unit directions (height, 2·height, 3) float32 of a map's pixel centres."""
    polar = np.pi * (np.arange(height) + 0.5) / height
    around = np.pi * (np.arange(2 * height) + 0.5) / height - np.pi
    x, z = np.sin(around), np.cos(around)
    flat = np.stack([x, np.zeros_like(x), z], -1) * np.sin(polar)[:, None, None]
    flat[..., 1] = -np.cos(polar)[:, None]
    return flat.astype(np.float32)


@cache
def solid_angles(height: int) -> np.ndarray:
    """Steradians (height, 2·height) of a map's pixels; they sum to 4π."""
    edges = np.cos(np.pi * np.arange(height + 1) / height)
    return np.repeat((edges[:-1] - edges[1:])[:, None] * np.pi / height, 2 * height, axis=1)


def look_along(azimuth: float, height: float, roll: float) -> np.ndarray:
    """Rotation (3, 3) map frame → camera frame of a camera turned right and up, then rolled; radians."""
    return Rotation.from_euler("YXZ", [azimuth, height, roll]).as_matrix().T


def view_directions(rotation: np.ndarray, size: int, field: float) -> np.ndarray:
    """Unit directions (size, size, 3) in the map frame of a camera's pixels; ``field`` radians from edge to edge."""
    grid = (2 * (np.arange(size) + 0.5) / size - 1) * np.tan(field / 2)
    x, y = np.meshgrid(grid, grid)
    seen = np.stack([x, y, np.ones_like(x)], -1)
    seen /= np.linalg.norm(seen, axis=-1, keepdims=True)
    return (seen @ rotation).astype(np.float32)


def resampled(image: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """A map (H, 2H, 3) float32 as seen along unit directions (h, w, 3; map frame): (h, w, 3)."""
    height, width = image.shape[:2]
    column = (np.arctan2(directions[..., 0], directions[..., 2]) / (2 * np.pi) + 0.5) * width - 0.5
    row = np.arccos(np.clip(-directions[..., 1], -1, 1)) / np.pi * height - 0.5
    wide = np.concatenate([image[:, -1:], image, image[:, :1]], 1)
    return cv2.remap(
        wide,
        (column + 1).astype(np.float32),
        row.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
