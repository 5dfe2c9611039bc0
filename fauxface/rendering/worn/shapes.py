"""Triangles of simple shapes: tubes, sheets, turned bodies; all in metres, all with texture coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Shape:
    """Vertices (V, 3), triangles (T, 3) counter-clockwise seen from outside, texture coordinates (V, 2)."""

    vertices: np.ndarray
    triangles: np.ndarray
    uv: np.ndarray

    def moved(self, rotation: np.ndarray, translation: np.ndarray) -> Shape:
        """The shape turned by ``rotation`` (3, 3), then shifted."""
        return Shape(self.vertices @ rotation.T + translation, self.triangles, self.uv)


def merged(shapes: Sequence[Shape]) -> Shape:
    """All shapes as one."""
    starts = np.cumsum([0, *(len(shape.vertices) for shape in shapes[:-1])])
    return Shape(
        np.concatenate([shape.vertices for shape in shapes]),
        np.concatenate([shape.triangles + start for shape, start in zip(shapes, starts, strict=True)]),
        np.concatenate([shape.uv for shape in shapes]),
    )


def sheet(points: np.ndarray, closed: bool = False) -> Shape:
    """A grid of points (R, C, 3); its outside has the rows running up and the columns to the right.

    ``closed`` joins the last column to the first.
    """
    rows, columns = points.shape[:2]
    if closed:
        points = np.concatenate([points, points[:, :1]], axis=1)
        columns += 1
    v, u = np.meshgrid(np.linspace(0, 1, rows), np.linspace(0, 1, columns), indexing="ij")
    first = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    below = np.stack([first, first + 1, first + columns + 1], axis=1)
    above = np.stack([first, first + columns + 1, first + columns], axis=1)
    return Shape(points.reshape(-1, 3), np.concatenate([below, above]), np.stack([u, v], -1).reshape(-1, 2))


def tube(
    path: np.ndarray,
    radius: float | np.ndarray,
    sides: int = 6,
    closed: bool = False,
    up: np.ndarray | None = None,
    flat: float = 1.0,
) -> Shape:
    """A tube around a path (N, 3).

    Args:
        path: the middle line.
        radius: one, or one a point.
        sides: of the cross-section.
        closed: the path ends where it begins.
        up: (3,) or (N, 3), a direction that the cross-section's first axis keeps to; any by default.
        flat: the cross-section's second axis as a share of the first.
    """
    along = np.roll(path, -1, 0) - np.roll(path, 1, 0) if closed else np.gradient(path, axis=0)
    along = _unit(along)
    if up is None:
        up = np.eye(3)[np.abs(along).mean(0).argmin()]
    across = _unit(np.cross(along, np.broadcast_to(up, path.shape)))
    first = np.cross(across, along)
    angle = 2 * np.pi * np.arange(sides) / sides + np.pi / sides
    radii = np.broadcast_to(radius, len(path))[:, None, None]
    ring = first[:, None] * np.cos(angle)[:, None] - flat * across[:, None] * np.sin(angle)[:, None]
    points = path[:, None] + radii * ring
    if closed:
        points = np.concatenate([points, points[:1]])
    return sheet(points[:, ::-1], closed=True)


def lathe(profile: np.ndarray, turns: int = 18) -> Shape:
    """A body turned about the y axis from a profile (N, 2) of radius and height, from its bottom to its top."""
    angle = 2 * np.pi * np.arange(turns) / turns
    around = np.stack([np.sin(angle), np.zeros(turns), np.cos(angle)], axis=1)
    points = profile[:, :1, None] * around + profile[:, 1:, None] * np.array([0.0, 1.0, 0.0])
    return sheet(points, closed=True)


def ball(centre: np.ndarray, radii: np.ndarray | float, turns: int = 16) -> Shape:
    """An ellipsoid."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, turns // 2 + 1)
    shape = lathe(np.stack([np.cos(angle), np.sin(angle)], axis=1), turns)
    return Shape(shape.vertices * radii + centre, shape.triangles, shape.uv)


def disc(outline: np.ndarray, bulge: np.ndarray, rings: int = 2) -> Shape:
    """A lens: an outline (N, 3), counter-clockwise seen from outside, filled towards a middle raised by ``bulge``.

    Seam and middle are welded: its texture coordinates carry no picture.
    """
    middle = outline.mean(0)
    shares = np.linspace(1, 0, rings + 1)[:, None, None]
    points = middle + (outline - middle) * shares + bulge * (1 - shares**2)
    shape = sheet(points, closed=True)
    # seam and middle are one vertex each, or their normals would show as wedges in a mirror
    columns, place = len(outline) + 1, np.arange(len(shape.vertices))
    place[columns - 1 :: columns] -= columns - 1
    place[place >= rings * columns] = rings * columns
    triangles = place[shape.triangles]
    flat = (triangles == np.roll(triangles, 1, axis=1)).any(1)
    return Shape(shape.vertices, triangles[~flat], shape.uv)


def box(size: Sequence[float], bevel: float = 0.1) -> Shape:
    """A block with rounded edges about the origin; ``bevel`` is the share of the smallest side that is rounded."""
    half = np.asarray(size, float) / 2
    edge = bevel * half.min()
    corners = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    turn = np.linspace(0, np.pi / 2, 3)
    arc = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    spin = [np.array([[0, -1], [1, 0]]) if k % 2 else np.eye(2) for k in range(4)]
    sign = np.array([1, 1, -1, -1])
    outline = np.concatenate(
        [c * (half[:2] - edge) + edge * s * (arc @ r.T) for c, r, s in zip(corners, spin, sign, strict=True)]
    )
    shrink = np.array([0.0, 1 - edge / half[:2].max(), 1.0, 1.0, 1 - edge / half[:2].max(), 0.0])
    height = np.array([-half[2], -half[2], edge - half[2], half[2] - edge, half[2], half[2]])
    points = np.concatenate(
        [outline[None] * shrink[:, None, None], np.broadcast_to(height[:, None, None], (6, len(outline), 1))], axis=2
    )
    shape = sheet(points, closed=True)
    uv = shape.vertices[:, :2] / (2 * half[:2]) + 0.5
    return Shape(shape.vertices, shape.triangles, uv)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
