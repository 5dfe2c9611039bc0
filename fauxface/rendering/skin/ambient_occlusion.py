"""Ambient occlusion of the resting head, baked once: the share of the sky that each point of the skin sees.

It comes from depth maps of the template from many directions, made on the CPU, so that it is the same everywhere, and
is kept in the cache.
"""

from __future__ import annotations

import importlib.metadata
from functools import cache

import numpy as np
from scipy.ndimage import minimum_filter

from fauxface.files import atomic_path, cache_folder, tell_damaged
from fauxface.rendering.head.makehuman import FORMAT, PARTS, SKIN_PART
from fauxface.rendering.head.model import HeadModel
from fauxface.rendering.head.surface import vertex_normals

_VERSION = 2
_DIRECTIONS = 200
"""Depth maps. This and the numbers below are by eye, on renders."""
_CELL = 0.0016
"""Side of a depth map's cell, metres."""
_SLACK = 0.0035
"""Depth behind the nearest surface at which a point still counts as lit, metres."""
_SOFTENED = 12
"""Steps of diffusion over the mesh: light scatters under the skin, and depth maps of few directions leave blotches."""


@cache
def openness(model: HeadModel) -> np.ndarray:
    """Cosine-weighted share (M,) float32 of the directions above each vertex in which nothing hides it."""
    name = f"openness-{_VERSION}-{FORMAT}-{len(model.rest)}-anny-{importlib.metadata.version('anny')}.npy"
    path = cache_folder() / name
    if path.exists():
        try:
            found = np.load(path)
            if (found.shape, found.dtype) == ((len(model.rest),), np.float32):
                return found
        except Exception:  # torn files make numpy raise nearly anything
            pass
        tell_damaged(path)
    baked = _bake(model)
    with atomic_path(path) as target, target.open("wb") as file:
        np.save(file, baked)
    return baked


def _bake(model: HeadModel) -> np.ndarray:
    opaque = model.quads[(model.part[model.quads] != PARTS.index("lashes")).all(1)]
    corners = model.rest[opaque]  # each quad is a grid of points, close enough to leave no hole in a map
    share = np.linspace(0, 1, 4)
    u, v = (axis.ravel() for axis in np.meshgrid(share, share))
    grid = np.stack([(1 - u) * (1 - v), u * (1 - v), u * v, (1 - u) * v], axis=1)
    surface = np.einsum("gk,qkc->qgc", grid, corners).reshape(-1, 3)
    normals = vertex_normals(model.rest, model.quads)
    seen, possible = np.zeros(len(normals)), np.full(len(normals), 1e-6)
    for direction in _sphere(_DIRECTIONS):
        side = np.cross(direction, [0.0, 1.0, 0.0])
        side /= np.linalg.norm(side)
        frame = np.stack([side, np.cross(side, direction), -direction], axis=1)
        points, vertices = surface @ frame, model.rest @ frame
        low = points[:, :2].min(0)
        cells = ((points[:, :2] - low) / _CELL).astype(int)
        shape = cells.max(0) + 1
        nearest = np.full(shape, np.inf)
        np.minimum.at(nearest, tuple(cells.T), points[:, 2])
        nearest = minimum_filter(nearest, 2)
        place = ((vertices[:, :2] - low) / _CELL).astype(int).clip(0, shape - 1)
        facing = np.maximum(normals @ direction, 0)
        possible += facing
        seen += facing * (vertices[:, 2] < nearest[tuple(place.T)] + _SLACK)
    return _diffused(seen / possible, model).astype(np.float32)


def _diffused(values: np.ndarray, model: HeadModel) -> np.ndarray:
    """Values (M,) evened out over the skin's mesh; teeth, tongue and eyes keep theirs."""
    quads = model.quads[(model.part[model.quads] == SKIN_PART).all(1)]
    ends = np.concatenate([quads[:, [i, (i + 1) % 4]] for i in range(4)])
    count = np.bincount(ends[:, 0], minlength=len(values))
    for _ in range(_SOFTENED):
        around = np.bincount(ends[:, 0], values[ends[:, 1]], len(values)) / np.maximum(count, 1)
        values = np.where(count > 0, 0.5 * values + 0.5 * around, values)
    return values


def _sphere(count: int) -> np.ndarray:
    """Directions (count, 3) spread evenly (Fibonacci's lattice)."""
    i = np.arange(count) + 0.5
    height, turn = 1 - 2 * i / count, np.pi * (1 + 5**0.5) * i
    ring = np.sqrt(1 - height**2)
    return np.stack([ring * np.cos(turn), height, ring * np.sin(turn)], axis=1)
