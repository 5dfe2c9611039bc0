"""Teeth one by one, in their gums: rows of small meshes along MakeHuman's arches, which move with these.

Widths and heights of the crowns are average ones (Wheeler's Dental Anatomy, 11th ed.), from the middle outwards:
incisors, canine, premolars, first molar.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from fauxface.rendering.head.makehuman import PARTS
from fauxface.rendering.head.model import HeadModel, Posed
from fauxface.rendering.head.surface import vertex_normals

_MM = 0.001
_WIDTHS = {"upper": (8.5, 6.6, 7.6, 7.0, 6.8, 10.0), "lower": (5.4, 5.9, 6.8, 7.0, 7.1, 11.0)}
_HEIGHTS = {"upper": (10.5, 9.0, 10.0, 8.5, 8.0, 7.5), "lower": (8.8, 9.2, 10.2, 8.8, 8.2, 7.5)}
"""Of the crowns, mm (Wheeler's Dental Anatomy)."""
_EDGES = {"upper": (0.0, 0.7, 0.0, 0.6, 0.9, 1.2), "lower": (0.0, 0.0, -0.4, 0.2, 0.4, 0.6)}
"""Distance of each tooth's edge from the level of the middle ones', mm, by eye."""
_EDGE_HEIGHT = {"upper": -63.3, "lower": -70.5}
"""Height of the middle teeth's edges on the template, mm: that of MakeHuman's own teeth."""
_ARCHES = {
    "upper": ((0, 20.2), (8, 19.3), (15.6, 15.2), (20.6, 8.7), (24, 1.2), (26.6, -6.5), (28, -14)),
    "lower": ((0, 18.0), (8, 17.0), (14.8, 13), (19.6, 6.8), (23, -0.6), (25.6, -8), (27, -15)),
}
"""Outer faces seen from above: x and z on the template, mm, as MakeHuman's; the lower arch bites inside the upper."""
_ROWS = np.array(
    # b (0 gum line … 1 edge), share of the width, how far in (mm), lift of the middle (mm)
    [
        (-0.95, 1.0, 0.6, 0.0),
        (-0.3, 1.0, -0.1, 0.3),
        (0.0, 1.0, 0.0, 0.6),
        (0.12, 0.9, 0.0, 1.1),
        (0.45, 0.95, -0.25, 1.3),
        (0.8, 0.985, 0.0, 1.2),
        (0.97, 0.95, 0.25, 0.9),
        (1.0, 0.88, 0.8, 0.7),
        (1.0, 0.86, 2.0, 0.3),
        (0.2, 0.8, 4.2, 0.0),
    ]
)
"""Outline of a crown and its gum, row by row, by eye."""
_COLUMNS = np.array([-1.0, -0.86, -0.45, 0.0, 0.45, 0.86, 1.0])


@dataclass(frozen=True)
class Jaw:
    """One jaw's teeth on the template.

    Attributes:
        part: index into ``PARTS`` of the helper mesh that they follow.
        vertices: (V, 3) head frame, metres.
        quads: (Q, 4).
        local: (V, 4): across the tooth −1…1, from gum line 0 to edge 1, the tooth's number / 12, 1.
    """

    part: int
    vertices: np.ndarray
    quads: np.ndarray
    local: np.ndarray


@cache
def jaws() -> tuple[Jaw, Jaw]:
    """The upper and the lower row."""
    return _row("upper"), _row("lower")


def posed_teeth(model: HeadModel, posed: Posed) -> list[tuple[Jaw, np.ndarray, np.ndarray]]:
    """Each jaw with its vertices and unit normals (V, 3) in the head frame, as that head holds them."""
    result = []
    count = len(model.bust.vertices)
    for jaw in jaws():
        helper = model.part[:count] == jaw.part
        before, after = model.rest[:count][helper], posed.vertices[:count][helper]
        ones = np.ones((len(before), 1))
        affine, *_ = np.linalg.lstsq(np.hstack([before, ones]).astype(np.float64), after.astype(np.float64), rcond=None)
        vertices = np.hstack([jaw.vertices, np.ones((len(jaw.vertices), 1))]) @ affine
        result.append((jaw, vertices, vertex_normals(vertices, jaw.quads)))
    return result


def _row(name: str) -> Jaw:
    up = -1.0 if name == "upper" else 1.0  # from the gum to the edge
    arch = np.array(_ARCHES[name], float)
    arch = np.concatenate([arch[:0:-1] * [-1, 1], arch])  # from the right to the left
    fine = np.stack([np.interp(np.linspace(0, len(arch) - 1, 400), np.arange(len(arch)), c) for c in arch.T], axis=1)
    for _ in range(30):  # rounds the corners off
        fine[1:-1] = (fine[:-2] + 2 * fine[1:-1] + fine[2:]) / 4
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(fine, axis=0), axis=1))])
    length -= np.interp(0.0, fine[:, 0], length)
    ends = np.concatenate([[0], np.cumsum(_WIDTHS[name])])
    rng = np.random.default_rng(5)  # everybody's teeth are as uneven as these, by eye
    vertices, quads, local = [], [], []
    for side in (-1, 1):
        for k, (width, height, behind) in enumerate(zip(_WIDTHS[name], _HEIGHTS[name], _EDGES[name], strict=True)):
            middle = side * (ends[k] + ends[k + 1]) / 2
            edge = _EDGE_HEIGHT[name] - up * behind + rng.normal(0, 0.12)
            lean = rng.normal(0, 0.02)
            a, (b, share, inward, lift) = _COLUMNS[None], _ROWS.T[:, :, None]
            place = middle + a * share * width / 2
            x, z = (np.interp(place, length, c) for c in fine.T)
            ahead = [np.interp(middle + d, length, c) for d in (-1, 1) for c in fine.T]
            along = np.array([ahead[2] - ahead[0], ahead[3] - ahead[1]])
            outward = np.array([-along[1], along[0]]) / np.linalg.norm(along)
            out = lift * (1 - a**2) - 0.9 * (b >= 0.1) * np.abs(a) ** 4 - inward * (1.6 if k > 2 else 1.0)
            y = edge - up * height * (1 - b) - up * (0.7 * (b > 0.9) * np.abs(a) ** 6) + lean * a * width * (b > 0)
            points = np.stack(np.broadcast_arrays(x + outward[0] * out, y, z + outward[1] * out), axis=-1)
            start = sum(len(v) for v in vertices)
            vertices.append(points.reshape(-1, 3))
            number = np.full(points.shape[:2], (k + 6 * (side > 0) + 0.5) / 12)
            flat = np.broadcast_arrays(a, b, number, 1.0)
            local.append(np.stack(flat, axis=-1).reshape(-1, 4))
            rows, columns = points.shape[:2]
            i = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)[None]).ravel() + start
            quad = np.stack([i, i + 1, i + columns + 1, i + columns], axis=1)
            quads.append(quad[:, ::-1] if name == "upper" else quad)
    part = PARTS.index(f"{name}_teeth")
    return Jaw(part, np.concatenate(vertices) * _MM, np.concatenate(quads), np.concatenate(local).astype(np.float32))
