"""Smooth normals of a quad mesh."""

from __future__ import annotations

import numpy as np


def vertex_normals(vertices: np.ndarray, quads: np.ndarray) -> np.ndarray:
    """Unit normals (V, 3) float32, outward for quads that turn counter-clockwise seen from outside."""
    corners = vertices[quads]
    faces = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    normals = np.empty((len(vertices), 3), np.float32)
    flat = quads.ravel()
    for axis in range(3):
        normals[:, axis] = np.bincount(flat, np.repeat(faces[:, axis], 4), len(vertices))
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return normals / np.where(length > 0, length, 1)
