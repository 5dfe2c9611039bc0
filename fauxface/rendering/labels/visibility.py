"""Visibility of landmarks, from the depth and the segmentation that the rasteriser drew."""

from __future__ import annotations

import numpy as np

from fauxface.landmarks import JAW, PUPILS
from fauxface.rendering.opengl.rasteriser import Raster
from fauxface.segmentation import COVERS, EYES

HIDDEN_BY = 0.003
"""Distance before a point at which something hides it, metres; by eye, on renders."""


def visible(raster: Raster, points: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Mask (70,) of the points that nothing hides, judged by depth and classes of 3×3 pixels.

    Args:
        raster: the drawn frame.
        points: (70, 3) camera frame, metres.
        pixels: (70, 2) the same points in the image.
    """
    size = raster.depth.shape[0]
    column, row = np.round(pixels).astype(int).T
    inside = (column >= 1) & (column < size - 1) & (row >= 1) & (row < size - 1)
    column, row = column.clip(1, size - 2), row.clip(1, size - 2)
    near = [(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    depth, labels = (np.stack([image[pixel] for pixel in near]) for image in (raster.depth, raster.labels))
    # the jaw is an outline, beside which there may be nothing; points farther in may lie behind that outline
    inner = np.arange(len(points)) >= JAW.stop
    surface = np.isfinite(depth) | ~(np.isfinite(depth).any(0) & inner)
    before = points[:, 2] < np.where(surface, depth, -np.inf).max(0) + HIDDEN_BY
    # something close on the skin hides it as well
    covered = np.isin(labels, COVERS).all(0)
    # lids are thinner than depth can tell
    lidded = (np.arange(len(points)) >= PUPILS.start) & ~np.isin(labels, EYES).any(0)
    return inside & before & ~covered & ~lidded
