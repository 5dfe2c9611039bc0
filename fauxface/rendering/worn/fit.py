"""Surfaces of a posed person that things sit on: the scalp, the neck, the face's depth and the head's width.

The scalp and the neck are maps from a grid of directions to points of the skin, linear in the mesh's vertices: made
once on the template and true for every person. Depth and width are tables filled from points all over the posed skin,
so close together that no cell between two vertices shows the surface behind. Places on the template are by eye.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import cv2
import numpy as np
from scipy import ndimage, sparse
from scipy.spatial import Delaunay

from fauxface.landmarks import Point
from fauxface.rendering.head.makehuman import EAR_MASK, MOUTH_MASK, SKIN_PART
from fauxface.rendering.head.model import head_model
from fauxface.rendering.worn.base import Wearer

CENTRE = np.array([0.0, 0.035, -0.062])
"""Origin of directions over the scalp, on the template, metres."""
AROUND = 48
POLAR = np.linspace(0.0, 2.6, 31)
"""Angles from the crown at which the scalp is measured, radians; the face, smoothed over, is among them."""
NECK_AXIS = np.array([[0.0, -0.10, -0.070], [0.0, -0.30, -0.085]])
NECK_HEIGHTS = np.linspace(-0.105, -0.27, 16)
"""Heights on the template at which the neck and the shoulders are measured, metres."""
CELL = 0.0025
"""Side of a cell of the tables of depth and width, metres."""
_STRETCH = 1.4
"""Largest stretch of a person's skin, relative to the template's, at which no cell between its points stays empty; by
eye."""
LOW, HIGH = np.array([-0.1, -0.17, -0.22]), np.array([0.1, 0.13, 0.06])
"""Corners of the tables of depth and width, head frame, metres."""


@dataclass(frozen=True)
class Fit:
    """A person measured for things; head frame, metres.

    Attributes:
        scalp: (polar angles, AROUND, 3) points of the head without its ears, from the crown down.
        neck: (heights, AROUND, 3) points of the neck, shoulders and chest, from the jaw down.
        ears: (2, 2, 3) right and left: the place at which an ear's top meets the head, and the ear's middle.
        lobes: (2, 3) the ears' lowest points.
        size: breadth of the face as a share of the template's.
        vertices: (M, 3), the posed head.
    """

    scalp: np.ndarray
    neck: np.ndarray
    ears: np.ndarray
    lobes: np.ndarray
    size: float
    vertices: np.ndarray

    @cached_property
    def depth(self) -> np.ndarray:
        """Table of the greatest z by (y, x) in cells of `CELL`."""
        x, y, z = (_seen((0, 0, 1), ears=True) @ self.vertices).T
        return _table(y, x, z, 1, 0)

    @cached_property
    def width(self) -> np.ndarray:
        """Tables (2, …) of the smallest and of the greatest x by (y, z), without the ears."""
        sides = []
        for sign in (-1, 1):
            x, y, z = (_seen((sign, 0, 0), ears=False) @ self.vertices).T
            sides.append(sign * _table(y, z, sign * x, 1, 2))
        return np.stack(sides)

    def z(self, points: np.ndarray) -> np.ndarray:
        """Greatest z of the face at each (x, y) of points (..., 2 or 3), metres."""
        return _looked_up(self.depth, points[..., 1] - LOW[1], points[..., 0] - LOW[0])

    def x(self, points: np.ndarray, side: int) -> np.ndarray:
        """The head's edge on the right (``side`` 0) or the left (1) at each (y, z) of points (..., 3)."""
        return _looked_up(self.width[side], points[..., 1] - LOW[1], points[..., 2] - LOW[2])

    def on_scalp(self, polar: np.ndarray, azimuth: np.ndarray) -> np.ndarray:
        """Points (..., 3) of the scalp at angles from the crown and from the front towards the left, radians."""
        row = np.clip(polar / POLAR[-1] * (len(POLAR) - 1), 0, len(POLAR) - 1)
        column = (azimuth / (2 * np.pi) + 0.5) * AROUND
        return _bilinear(self.scalp, row, column)

    def on_neck(self, level: np.ndarray, azimuth: np.ndarray) -> np.ndarray:
        """Points (..., 3) of the neck at levels (0 under the jaw … 1 on the chest) and angles from the front."""
        row = np.clip(level, 0, 1) * (len(NECK_HEIGHTS) - 1)
        return _bilinear(self.neck, row, (azimuth / (2 * np.pi) + 0.5) * AROUND)


def measure(wearer: Wearer) -> Fit:
    """Take a person's measures."""
    vertices = wearer.posed.vertices
    scalp, neck, tops = _maps()
    points = np.asarray(scalp @ vertices).reshape(len(POLAR), AROUND, 3)
    about = np.asarray(neck @ vertices).reshape(len(NECK_HEIGHTS), AROUND, 3)
    breadth = wearer.landmarks[Point.JAW_LEFT, 0] - wearer.landmarks[Point.JAW_RIGHT, 0]
    ears = np.asarray(tops @ vertices).reshape(2, 3, 3)
    return Fit(points, about, ears[:, :2], ears[:, 2], breadth / _breadth(), vertices)


@cache
def _breadth() -> float:
    """Breadth of the template's face, metres."""
    model = head_model()
    right, left = (model.landmarks[[Point.JAW_RIGHT, Point.JAW_LEFT]] @ model.rest)[:, 0]
    return left - right


def _table(down: np.ndarray, across: np.ndarray, value: np.ndarray, *axes: int) -> np.ndarray:
    """The greatest value that falls into each cell of two axes; empty cells filled from their neighbours, else −1."""
    low, shape = LOW[list(axes)], np.round((HIGH - LOW) / CELL).astype(int)[list(axes)]
    table = np.full(shape, -1.0, np.float32)
    row, column = (np.round((v - at) / CELL).astype(int) for v, at in zip((down, across), low, strict=True))
    inside = (row >= 0) & (row < shape[0]) & (column >= 0) & (column < shape[1])
    np.maximum.at(table.reshape(-1), row[inside] * shape[1] + column[inside], value[inside])
    for _ in range(3):
        grown = cv2.dilate(table, np.ones((3, 3), np.uint8))
        table = np.where(table < -0.9, grown, table)
    return table


def _looked_up(table: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    where = np.stack([row, column]) / CELL
    return ndimage.map_coordinates(table, where.reshape(2, -1), order=1, mode="nearest").reshape(row.shape)


def _bilinear(grid: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    row, column = np.broadcast_arrays(row, column)
    top = np.minimum(row.astype(int), len(grid) - 2)
    left = np.floor(column).astype(int)
    down, right = (row - top)[..., None], (column - left)[..., None]
    left, after = left % AROUND, (left + 1) % AROUND
    upper = grid[top, left] * (1 - right) + grid[top, after] * right
    lower = grid[top + 1, left] * (1 - right) + grid[top + 1, after] * right
    return upper * (1 - down) + lower * down


@cache
def _seen(way: tuple[int, int, int], ears: bool) -> sparse.csr_matrix:
    """Weights of points on the skin that faces a way: seen from there, less than a cell lies between them.

    Without the skin that faces elsewhere a cell that is missed stays empty, to be filled from its neighbours: a vertex
    of the head's other side would pass for a hole.
    """
    model = head_model()
    skin = (model.part == SKIN_PART) & (model.masks[:, MOUTH_MASK] < 0.3) & (ears | (model.masks[:, EAR_MASK] <= 0.1))
    quads = model.quads[skin[model.quads].all(1)]
    corners = model.rest[quads].astype(np.float64)
    normals = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    facing = normals @ way > -0.3 * np.linalg.norm(normals, axis=1)  # people's shapes and faces turn it a little
    quads, corners = quads[facing], corners[facing] * (1 - np.abs(way))
    edges = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(1)
    parts = np.ceil(_STRETCH * edges / CELL).astype(int)
    rows = []
    for count in np.unique(parts):
        across = (np.arange(count) + 0.5) / count
        u, v = (axis.ravel() for axis in np.meshgrid(across, across))
        weights = np.stack([(1 - u) * (1 - v), u * (1 - v), u * v, (1 - u) * v], axis=1)
        ends = np.repeat(quads[parts == count], len(u), axis=0)
        at = np.repeat(np.arange(len(ends)), 4)
        values = np.tile(weights.astype(np.float32), (len(ends) // len(u), 1))
        rows.append(sparse.csr_matrix((values.ravel(), (at, ends.ravel())), (len(ends), len(model.rest))))
    return sparse.csr_matrix(sparse.vstack(rows))


@cache
def _maps() -> tuple[sparse.csr_matrix, sparse.csr_matrix, sparse.csr_matrix]:
    """Weights of the scalp's, the neck's and the ears' points."""
    model = head_model()
    rest = model.rest.astype(np.float64)
    skin = (model.part == SKIN_PART) & (model.masks[:, MOUTH_MASK] < 0.3)
    azimuth = 2 * np.pi * np.arange(AROUND) / AROUND - np.pi

    head = np.flatnonzero(skin & (model.masks[:, EAR_MASK] < 0.1) & (rest[:, 1] > -0.14))
    towards = rest[head] - CENTRE
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    flat = towards[:, [0, 2]] / (1 + towards[:, 1:2])  # seen from below the chin: the crown is the middle
    polar, around = np.meshgrid(POLAR, azimuth, indexing="ij")
    reach = np.tan(polar / 2)
    targets = np.stack([reach * np.sin(around), reach * np.cos(around)], axis=-1).reshape(-1, 2)
    scalp = _barycentric(flat, targets, head, len(rest))

    body = np.flatnonzero(skin & (model.masks[:, EAR_MASK] < 0.1) & (rest[:, 1] < -0.085) & (model.kind[:, 1] < 0.97))
    axis = NECK_AXIS[0, 2] + (rest[body, 1] - NECK_AXIS[0, 1]) * (
        (NECK_AXIS[1, 2] - NECK_AXIS[0, 2]) / (NECK_AXIS[1, 1] - NECK_AXIS[0, 1])
    )
    angle = np.arctan2(rest[body, 0], rest[body, 2] - axis)
    unrolled = np.concatenate(
        [np.stack([0.06 * (angle + turn), rest[body, 1]], 1) for turn in (-2 * np.pi, 0, 2 * np.pi)]
    )
    height, around = np.meshgrid(NECK_HEIGHTS, azimuth, indexing="ij")
    targets = np.stack([0.06 * around, height], axis=-1).reshape(-1, 2)
    neck = _barycentric(unrolled, targets, np.tile(body, 3), len(rest))

    rows = sparse.lil_matrix((6, len(rest)), dtype=np.float32)
    for side, sign in enumerate((-1, 1)):
        ear = np.flatnonzero((model.masks[:, EAR_MASK] > 0.5) & (model.part == SKIN_PART) & (sign * rest[:, 0] > 0))
        # the groove behind an ear's upper root
        groove = np.array([sign * 0.0665, 0.0, -0.073])
        root = ear[np.linalg.norm(rest[ear] - groove, axis=1).argsort()[:6]]
        lobe = ear[rest[ear, 1].argsort()[:8]]
        for row, chosen in enumerate((root, ear, lobe)):
            rows[3 * side + row, chosen] = 1 / len(chosen)
    return scalp, neck, sparse.csr_matrix(rows)


def _barycentric(points: np.ndarray, targets: np.ndarray, vertices: np.ndarray, count: int) -> sparse.csr_matrix:
    """Weights (targets, count) that interpolate between flattened points (P, 2) of the vertices (P,)."""
    net = Delaunay(points)
    found = net.find_simplex(targets)
    nearest = np.linalg.norm(points[None, ::7] - targets[found < 0][:, None], axis=2).argmin(1) * 7
    frame = net.transform[found]
    local = np.einsum("nij,nj->ni", frame[:, :2], targets - frame[:, 2])
    weights = np.concatenate([local, 1 - local.sum(1, keepdims=True)], axis=1)
    corners = vertices[net.simplices[found]]
    weights[found < 0] = [1, 0, 0]
    corners[found < 0] = vertices[nearest][:, None]
    row = np.repeat(np.arange(len(targets)), 3)
    return sparse.csr_matrix((weights.ravel().astype(np.float32), (row, corners.ravel())), (len(targets), count))
