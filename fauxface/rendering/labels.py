"""Landmarks of a posed head: FaceSynthetics' 70 points in space, and where annotators of photographs would click them.

Annotators mark the jaw where they see the face end, and what the nose or the brow hides where it disappears. Once the
head turns, the far side's points leave their places on the skin and lie on the outline; `annotated` slides them there
along the face's level, over skin that is fixed on the mesh (after Zhu et al. 2015, "High-fidelity pose and expression
normalization", where the idea is called landmark marching). Hair, hats and glasses change nothing: the outline is the
bare face's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import sparse

from fauxface.rendering.brows import BROW, Brows, brow_points
from fauxface.rendering.camera import View
from fauxface.rendering.head import HeadModel, Posed, head_model
from fauxface.rendering.mesh import front_points

JAW = 17
RIDGE = slice(27, 31)
STEPS = 16
REACH = 0.9
"""How far towards the mouth a jaw point below it may slide, as a share of its distance from there."""
CHEEK = 0.019
"""The jaw's outline runs over cheeks and temples, never over the nose: |x| on the template beyond its wings, metres."""
BRIDGE = 0.013
"""|x| on the template within which skin can hide an eye, metres: between the eyelids' inner corners."""


def landmarks_3d(model: HeadModel, posed: Posed, brows: Brows) -> np.ndarray:
    """The 70 points (70, 3) in the head frame; 68 is the right pupil (image left in a facing head), 69 the left."""
    points = model.landmarks @ posed.vertices
    points[RIDGE] = _ridge_points(posed)
    points[BROW] = brow_points(brows, posed)
    pupils = [eye.centre + eye.radius * eye.gaze for eye in posed.eyes]
    return np.concatenate([points, np.stack(pupils)]).astype(np.float64)


def _ridge_points(posed: Posed) -> np.ndarray:
    """(4, 3) points on the nose's ridge, head frame: from the sellion on evenly down to the tip.

    In iBUG's figure they and the nose's base (33) are evenly spaced: the tip's point lies at three quarters of the
    height between, whatever the nose.
    """
    ridge = _ridge() @ posed.vertices
    depth = np.maximum.accumulate(ridge[0, 1] - ridge[:, 1])
    depth += 1e-9 * np.arange(len(depth))
    levels = np.linspace(0, 0.75 * depth[-1], 4)
    return np.stack([np.interp(levels, depth, ridge[:, axis]) for axis in range(3)], axis=-1)


@cache
def _ridge() -> sparse.csr_matrix:
    """Weights (N, M) of the skin along the midline from the sellion (27) down to the nose's base (33)."""
    model = head_model()
    top, base = (model.landmarks @ model.rest)[[27, 33], 1].astype(np.float64)
    heights = np.linspace(top, base, 40)
    middle = front_points(model, np.stack([np.zeros(38), heights[1:-1]], axis=-1))
    return sparse.csr_matrix(sparse.vstack([model.landmarks[27], middle, model.landmarks[33]]))


def annotated(posed: Posed, view: View, projected: np.ndarray) -> np.ndarray:
    """The projected points (70, 2), image pixels, as annotators would mark them.

    Jaw points slide to the visible outline: those above the mouth sideways, those below away from the mouth.
    Points of brows, eyes, nose and mouth that the head itself hides slide sideways to the edge of what hides them.
    """
    across, down = _face_axes(view)
    frame = np.stack([across, down], axis=1)  # image → the face's own image axes, both unit
    result = projected @ frame
    skin = _skin_grid()
    grid = (view.project(skin.weights @ posed.vertices) @ frame).reshape(skin.rows, skin.columns, 2)
    grid[..., 1] = np.maximum.accumulate(grid[..., 1], axis=0)  # from the forehead down
    towards = np.sin(np.radians(view.yaw))  # > 0 when the subject's left is the far side
    for point, (sign, columns) in skin.hidden_by.items():
        if point >= JAW and sign * towards < -0.1:
            continue  # nothing hides the near side
        level = result[point, 1]
        outline = sign * np.array([np.interp(level, grid[:, c, 1], grid[:, c, 0]) for c in columns])
        result[point, 0] = sign * max(sign * result[point, 0], outline.max())
    curves, directions = jaw_curves()
    candidates = (view.project((curves @ posed.vertices).reshape(len(_LOW), STEPS, 3))) @ frame
    best = np.einsum("jsd,jd->js", candidates, directions * [1, -1]).argmax(1)
    result[_LOW] = candidates[np.arange(len(_LOW)), best]
    return result @ frame.T


def _face_axes(view: View) -> tuple[np.ndarray, np.ndarray]:
    """The image directions (unit, orthogonal) of a facing subject's left side, and down the face."""
    upright = view.rotation @ np.array([0.0, 1.0, 0.0])
    across = np.array([-upright[1], upright[0]])
    norm = np.linalg.norm(across)
    across = across / norm if norm > 1e-6 else np.array([1.0, 0.0])
    return across, np.array([-across[1], across[0]])


_LOW = np.arange(4, 13)
"""Jaw points that slide along curves through the mouth; those above slide sideways."""


@cache
def jaw_curves() -> tuple[sparse.csr_matrix, np.ndarray]:
    """For each of the jaw points 4–12 the curve on the mesh that it may slide along.

    Returns:
        Weights (9·STEPS, M) of the mesh's vertices, the first step of each curve being the jaw point itself; and the
        outward unit directions (9, 2) in the head's frontal plane (x to the subject's left, y up).
    """
    model = head_model()
    points = (model.landmarks @ model.rest).astype(np.float64)
    mouth = np.array([0.0, points[[62, 66], 1].mean()])
    low = points[_LOW, :2]
    rows = [model.landmarks[_LOW]]
    for share in np.linspace(1, 1 - REACH, STEPS)[1:]:
        rows.append(front_points(model, mouth + (low - mouth) * share))
    stacked = sparse.csr_matrix(sparse.vstack(rows))
    order = np.arange(STEPS * len(_LOW)).reshape(STEPS, -1).T.ravel()
    away = low - mouth
    return stacked[order], away / np.linalg.norm(away, axis=1, keepdims=True)


@dataclass(frozen=True)
class _SkinGrid:
    """Skin of the face's front at rows of equal height and columns of equal share of the way to the face's edge.

    Attributes:
        weights: (rows · columns, M) of the mesh's vertices, from the forehead down, from the right edge to the left.
        hidden_by: landmark → its side (−1 right, 1 left) and the columns that may hide it.
    """

    weights: sparse.csr_matrix
    rows: int
    columns: int
    hidden_by: dict[int, tuple[int, np.ndarray]]


@cache
def _skin_grid() -> _SkinGrid:
    model = head_model()
    points = (model.landmarks @ model.rest).astype(np.float64)
    jaw = points[:9]
    heights = np.arange(0.036, jaw[8, 1] + 0.001, -0.004)
    edge = np.interp(-heights, -jaw[:, 1], -jaw[:, 0])
    shares = np.concatenate([np.linspace(0, 0.3, 9), np.linspace(0.3, 1, 13)[1:]])
    shares = np.concatenate([-shares[:0:-1], shares])
    x = shares * edge[:, None]
    targets = np.stack(np.broadcast_arrays(x, heights[:, None]), axis=-1).reshape(-1, 2)
    # an open eye has no skin: a straight line from lid to lid stands for it
    weights = sparse.csr_matrix(front_points(model, targets))
    usual = shares * edge[0]
    hidden_by = {}
    for point in (*range(4), *range(13, JAW), *range(17, 68)):
        place = points[point, 0]
        sign = 1 if place > 0 else -1
        if abs(place) < 0.001:
            continue
        width = edge[np.abs(heights - points[point, 1]).argmin()]
        inward = sign * shares < abs(place) / width - 0.02
        if point < JAW:
            inward = sign * usual > CHEEK
        elif 36 <= point < 48:
            inward &= sign * usual < BRIDGE
        hidden_by[point] = (sign, np.flatnonzero(inward & (sign * usual > -0.02)))
    return _SkinGrid(weights, len(heights), len(shares), hidden_by)
