"""The body below the bust, in its clothes: in a wide frame one would see where the bust ends."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.spatial import ConvexHull

from fauxface.rendering.head.makehuman import SKIN_PART
from fauxface.rendering.head.model import head_model
from fauxface.rendering.opengl.rasteriser import Mesh
from fauxface.rendering.person.face_mesh import CLOTH
from fauxface.rendering.person.person import Person

_DROPS = (0.015, 0.10, 0.22, 0.38, 0.55, 0.75, 1.2, 2.2)
_WIDTHS = (1.0, 1.0, 0.95, 0.88, 0.9, 0.92, 0.8, 0.7)
"""Rings below the bust's edge, metres, and their widths as shares of the shoulders': waist, hips, legs; by eye."""
_PLAIN = np.array([0.12, 0.12, 0.14])
"""Albedo of cloth where a person has none of their own, linear RGB, by eye."""


def torso_mesh(person: Person) -> Mesh:
    """The bust's edge extended outwards to its hull and straight down towards the ground; camera frame."""
    model, view = head_model(), person.view
    edges, ring = _edge()
    top = view.to_camera(person.posed.vertices[ring]).astype(float)
    middle = top.mean(0)
    flat = top[:, [0, 2]] - middle[[0, 2]]
    radius = np.linalg.norm(flat, axis=1)
    outward = flat / np.maximum(radius, 1e-9)[:, None]
    reach = _to_hull(flat, outward)
    # shoulders' outline above, an oval below; its exponent by eye
    wide, deep = np.abs(flat).max(0) * [1.0, 0.9]
    oval = (np.abs(outward[:, 0] / wide) ** 2.6 + np.abs(outward[:, 1] / deep) ** 2.6) ** (-1 / 2.6)
    # a little outside and above the bust's edge, so that no gap shows
    top[:, [0, 2]] += 2 * CLOTH * outward
    top[:, 1] -= 2 * CLOTH
    slope = np.sign(outward) * np.abs(outward / [wide, deep]) ** 1.6 / [wide, deep]
    normal = np.stack([slope[:, 0], np.zeros(len(ring)), slope[:, 1]], 1) / np.linalg.norm(slope, axis=1)[:, None]
    rings, rest = [top], [model.rest[ring]]
    for drop, width in zip(_DROPS, _WIDTHS, strict=True):
        share = min(drop / 0.3, 1.0)
        out = (reach * (1 - share) + oval * share) * width
        height = top[:, 1] * (1 - share) + middle[1] * share + drop
        rings.append(np.stack([middle[0] + outward[:, 0] * out, height, middle[2] + outward[:, 1] * out], 1))
        rest.append(model.rest[ring] - [0, drop, 0])
    count = len(ring)
    sides = []
    for level in range(len(rings) - 1):
        a, b = (edges + level * count).T
        c, d = a + count, b + count
        sides += [np.stack([b, a, c], 1), np.stack([b, c, d], 1)]
    position, triangles = np.concatenate(rings).astype(np.float32), np.concatenate(sides)
    attributes = {
        "position": position,
        "normal": np.tile(normal, (len(rings), 1)).astype(np.float32),
        "rest": np.concatenate(rest).astype(np.float32),
        "masks": np.zeros((len(position), 4), np.float32),
        "kind": np.zeros((len(position), 2), np.float32),
        "cover": np.full((len(position), 1), 0.05, np.float32),
    }
    uniforms = {"cloth_colour": np.stack([_PLAIN, _PLAIN]), **person.meshes[0].uniforms}
    return Mesh("face_cloth", attributes, triangles, uniforms)


@cache
def _edge() -> tuple[np.ndarray, np.ndarray]:
    """Lower edge of the bust's mesh: edges (E, 2) of its vertices there, and their indices (V,) in the mesh."""
    model = head_model()
    quads = model.quads[(model.part[model.quads] == SKIN_PART).all(1)]
    edges = np.concatenate([quads[:, [i, (i + 1) % 4]] for i in range(4)])
    _, first, count = np.unique(np.sort(edges, 1), axis=0, return_index=True, return_counts=True)
    alone = edges[first[count == 1]]
    ring, corners = np.unique(alone[(model.rest[alone, 1] < -0.15).all(1)], return_inverse=True)
    return corners.reshape(-1, 2), ring


def _to_hull(points: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Distances (V,) to the convex hull of points (V, 2) from the origin along unit directions (V, 2)."""
    equations = ConvexHull(points).equations  # n · p + c ≤ 0 within
    facing = directions @ equations[:, :2].T
    reach = np.where(facing > 1e-9, -equations[:, 2] / np.maximum(facing, 1e-9), np.inf)
    return reach.min(1)
