"""Smooth normals of a mesh, and points of the template's skin at places seen from the front."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from fauxface.rendering.head.makehuman import SKIN_PART
from fauxface.rendering.head.model import HeadModel


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Unit normals (V, 3) float32, outward for faces (F, 3 or 4) that turn counter-clockwise seen from outside."""
    corners = vertices[faces]
    last = corners[:, -1]
    across = np.cross(corners[:, 2] - corners[:, 0], (last if faces.shape[1] == 4 else corners[:, 2]) - corners[:, 1])
    normals = np.empty((len(vertices), 3), np.float32)
    flat = faces.ravel()
    for axis in range(3):
        normals[:, axis] = np.bincount(flat, np.repeat(across[:, axis], faces.shape[1]), len(vertices))
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return normals / np.where(length > 0, length, 1)


def front_points(model: HeadModel, targets: np.ndarray) -> sparse.csr_matrix:
    """Weights (T, M) of the front-most points of the template's skin at frontal positions (T, 2), metres.

    They stay the same points of the skin on every person and with every expression.
    """
    skin = model.fine[(model.part[model.fine] == SKIN_PART).all(1)]
    corners = model.rest[skin].astype(np.float64)  # (T, 3, 3)
    low, high = corners[..., :2].min(1) - 1e-6, corners[..., :2].max(1) + 1e-6
    vertices, weights = [], []
    for target in targets:
        x, y = target
        near = np.flatnonzero((low[:, 0] <= x) & (x <= high[:, 0]) & (low[:, 1] <= y) & (y <= high[:, 1]))
        a, b, c = corners[near].transpose(1, 2, 0)
        area = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])
        with np.errstate(divide="ignore", invalid="ignore"):
            v = ((x - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (y - a[1])) / area
            w = ((b[0] - a[0]) * (y - a[1]) - (x - a[0]) * (b[1] - a[1])) / area
        inside = (v >= -1e-6) & (w >= -1e-6) & (v + w <= 1 + 1e-6)
        assert inside.any(), f"no skin at ({x:.3f}, {y:.3f})"
        depth = np.where(inside, a[2] + v * (b[2] - a[2]) + w * (c[2] - a[2]), -np.inf)
        best = int(depth.argmax())
        vertices.append(skin[near[best]])
        weights.append((1 - v[best] - w[best], v[best], w[best]))
    rows = np.repeat(np.arange(len(targets)), 3)
    entries = np.array(weights, np.float32).ravel(), (rows, np.array(vertices).ravel())
    return sparse.csr_matrix(entries, shape=(len(targets), len(model.rest)))
