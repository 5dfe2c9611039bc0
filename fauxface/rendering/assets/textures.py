"""The pack's pictures as textures for the shaders."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from fauxface.rendering.opengl.rasteriser import Texture

_FRINGE = 6.0
"""Width, texels, over which colours are continued into transparent parts, by eye."""
BRIGHTEST = 3.0
"""Largest brightness of a recoloured texture in units of its mean, by eye."""


def read_picture(path: Path) -> np.ndarray:
    """Read a picture (H, W, 4) uint8 RGBA; ValueError for anything else."""
    data = np.frombuffer(path.read_bytes(), np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    if image is None or image.ndim != 3:
        raise ValueError(f"{path} is no colour picture; run `fauxface assets install` again")
    code = cv2.COLOR_BGRA2RGBA if image.shape[2] == 4 else cv2.COLOR_BGR2RGBA
    return cv2.cvtColor(image, code)


@lru_cache(maxsize=64)
def plain(path: Path) -> Texture:
    """A picture in its own colours."""
    return Texture(f"assets/{path.name}", read_picture(path))


def covered(uv: np.ndarray, triangles: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Mask (H, W) of the texels that some triangle shows."""
    mask = np.zeros(shape[:2], np.uint8)
    corners = np.round(uv[triangles] * [shape[1], shape[0]]).astype(np.int32)
    for triangle in corners:
        cv2.fillConvexPoly(mask, triangle, 1)
    return mask > 0


def grey(path: Path, uv: np.ndarray, triangles: np.ndarray, contrast: float) -> Texture:
    """A picture's brightness relative to the mean of the part that the mesh shows, to be multiplied by a colour.

    Args:
        path: the picture.
        uv: (N, 2) and
        triangles: (T, 3) of the mesh that wears it.
        contrast: exponent of the relative brightness.

    Returns:
        sRGB-coded texture of linear brightness / (``BRIGHTEST`` × mean), with the picture's alpha.
    """
    image = read_picture(path)
    linear = (image[..., :3] / 255.0) ** 2.2 @ [0.2126, 0.7152, 0.0722]
    shown = covered(uv, triangles, image.shape) & (image[..., 3] > 127)
    if not shown.any():
        shown[:] = True
    floor = 0.1 * linear[shown].mean()  # black texels have few levels: they would become steps
    relative = ((linear + floor) / (linear[shown].mean() + floor)) ** contrast
    relative /= relative[shown].mean()
    # transparent parts continue the colours beside them, so that coarser mip levels have no dark or bright fringe
    kept = (image[..., 3] > 127).astype(np.float32)
    around = cv2.GaussianBlur(relative * kept, (0, 0), _FRINGE) / np.maximum(
        cv2.GaussianBlur(kept, (0, 0), _FRINGE), 1e-6
    )
    relative = np.where(kept > 0, relative, np.where(around > 0, around, 1.0))
    coded = np.round(255 * np.clip(relative / BRIGHTEST, 0, 1) ** (1 / 2.2)).astype(np.uint8)
    pixels = np.dstack([coded, coded, coded, image[..., 3]])
    return Texture(f"assets/grey/{path.name}/{contrast:.2f}", pixels)
