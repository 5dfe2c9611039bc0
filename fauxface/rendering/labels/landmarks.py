"""Landmarks of a posed head: FaceSynthetics' 70 points in space, and their places as annotators click them.

Annotators mark the jaw along the visible edge of the face, and points hidden by the nose or the brow at its edge. Once
the head turns, the far side's points leave their places on the skin and lie on the outline; `annotated` slides them
there along the face's level, over skin that is fixed on the mesh (after Zhu et al. 2015, "High-fidelity pose and
expression normalization", where the idea is called landmark marching). Along that outline the jaw's points are spaced
evenly, each side of the chin for itself. Hair, hats and glasses change nothing: the outline is the bare face's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import sparse
from scipy.interpolate import PchipInterpolator

from fauxface.landmarks import BROWS, EYES, IBUG68, JAW, MOUTH, NOSE, Point
from fauxface.rendering.head.brows import Brows, brow_points
from fauxface.rendering.head.model import HeadModel, Posed, head_model
from fauxface.rendering.head.surface import front_points
from fauxface.rendering.photo.camera import View

CORNERS = {
    Point.RIGHT_EYE_OUTER: (Point.RIGHT_EYE_UPPER_OUTER, Point.RIGHT_EYE_LOWER_OUTER, 0.245),
    Point.RIGHT_EYE_INNER: (Point.RIGHT_EYE_UPPER_INNER, Point.RIGHT_EYE_LOWER_INNER, 0.272),
    Point.LEFT_EYE_INNER: (Point.LEFT_EYE_UPPER_INNER, Point.LEFT_EYE_LOWER_INNER, 0.272),
    Point.LEFT_EYE_OUTER: (Point.LEFT_EYE_UPPER_OUTER, Point.LEFT_EYE_LOWER_OUTER, 0.245),
}
"""The eye's corners: the lids' points beside each, and the share of the way to their middle at which it is annotated.

An eye is seen to end 8.5 % of its width before the outer canthus, where touching lids part visibly (75 wide eyes of
renders, 768 px). At the inner one annotators stop where the caruncle begins (HELEN's largest faces, looked at), which
is 3 mm before the canthus: 10 %."""
STEPS = 16
"""Points along each of the jaw's curves."""
REACH = 0.9
"""Largest slide of a jaw point towards the mouth, as a share of its distance from there; by eye."""
CHEEK = 0.019
"""Least |x| of the jaw's outline on the template, metres: just beyond the nose's wings, over which it never runs."""
BRIDGE = 0.013
"""Largest |x| of skin that can hide an eye, on the template, metres: between the eyelids' inner corners."""


def landmarks_3d(model: HeadModel, posed: Posed, brows: Brows) -> np.ndarray:
    """The 70 points (70, 3) in the head frame; 68 is the right pupil (image left in a facing head), 69 the left."""
    points = model.landmarks @ posed.vertices
    points[JAW] = _evenly(points[JAW])
    for corner, (upper, lower, share) in CORNERS.items():
        points[corner] += share * ((points[upper] + points[lower]) / 2 - points[corner])
    points[NOSE] = _nose_points(posed, points[[Point.NOSE_RIGHT_WING, Point.NOSE_LEFT_WING]])
    points[BROWS] = brow_points(brows, posed)
    pupils = [eye.centre + eye.radius * eye.gaze for eye in posed.eyes]
    return np.concatenate([points, np.stack(pupils)]).astype(np.float64)


def _evenly(jaw: np.ndarray) -> np.ndarray:
    """The jaw's points (17, 2 or 3) moved along the smooth curve through them until they are evenly spaced.

    Spacing is measured in x and y. The first, the chin's and the last point stay, so each side has its own spacing, as
    in iBUG's figure and on photographs of turned heads.
    """
    result = jaw.copy()
    for side in (slice(0, Point.CHIN + 1), slice(Point.CHIN, JAW.stop)):
        points = _unfolded(jaw[side])
        chord = np.linalg.norm(np.diff(points[:, :2], axis=0), axis=1)
        along = np.r_[0, np.cumsum(chord + 1e-6 * chord.sum())]
        fine = np.linspace(0, along[-1], 10 * len(points))
        curve = PchipInterpolator(along, points)(fine)
        length = np.r_[0, np.cumsum(np.linalg.norm(np.diff(curve[:, :2], axis=0), axis=1))]
        shares = np.linspace(0, length[-1], Point.CHIN + 1)[1:-1]
        result[side][1:-1] = np.stack([np.interp(shares, length, axis) for axis in curve.T], axis=-1)
    return result


def _unfolded(points: np.ndarray) -> np.ndarray:
    """Remove points (N, 2 or 3) at which their line turns back: the two ways of sliding may swap neighbours."""
    while True:
        steps = np.diff(points[:, :2], axis=0)
        onwards = (steps[:-1] * steps[1:]).sum(1)
        if (onwards >= 0).all():
            return points
        points = np.delete(points, onwards.argmin() + 1, axis=0)


def _nose_points(posed: Posed, wings: np.ndarray) -> np.ndarray:
    """(9, 3) points 27–35 of the nose, head frame; ``wings`` are 31 and 35.

    The base (33) is the subnasale: where the profile between the tip and the upper lip lies deepest (Farkas 1994). What
    lowers a mouth drags the skin there along, so no fixed place on the mesh will do. In iBUG's figure 27–30 and 33 are
    evenly spaced down the ridge, 31–35 along the base.
    """
    profile = _profile() @ posed.vertices
    tip = int(profile[: len(profile) * 3 // 4, 2].argmax())
    (y0, z0), (y1, z1) = profile[tip, 1:], profile[-1, 1:]
    deep = (y1 - y0) * (profile[tip:, 2] - z0) - (z1 - z0) * (profile[tip:, 1] - y0)
    base = tip + int(deep.argmax())
    levels = np.linspace(0, 0.75 * (profile[0, 1] - profile[base, 1]), 4)
    depth = np.maximum.accumulate(profile[0, 1] - profile[: base + 1, 1]) + 1e-9 * np.arange(base + 1)
    ridge = np.stack([np.interp(levels, depth, axis) for axis in profile[: base + 1].T], axis=-1)
    right, left = ((wing + profile[base]) / 2 for wing in wings)
    return np.array([*ridge, wings[0], right, profile[base], left, wings[1]])


@cache
def _profile() -> sparse.csr_matrix:
    """Weights (N, M) of the skin along the midline from the sellion (27) down to the upper lip's edge (51)."""
    model = head_model()
    top, edge = (model.landmarks @ model.rest)[[Point.NOSE_ROOT, Point.UPPER_LIP], 1].astype(np.float64)
    heights = np.linspace(top, edge, 120)
    middle = front_points(model, np.stack([np.zeros(118), heights[1:-1]], axis=-1))
    return sparse.csr_matrix(
        sparse.vstack([model.landmarks[Point.NOSE_ROOT], middle, model.landmarks[Point.UPPER_LIP]])
    )


def annotated(posed: Posed, view: View, projected: np.ndarray) -> np.ndarray:
    """Move the projected points (70, 2), image pixels, to where annotators would mark them.

    Jaw points slide to the visible outline, those above the mouth sideways, those below away from the mouth, and are
    spaced evenly along it.
    Points of brows, eyes, nose and mouth that the head itself hides slide sideways to the edge of the part before them.
    """
    across, down = _face_axes(view)
    frame = np.stack([across, down], axis=1)  # image → the face's own image axes, both unit
    result = projected @ frame
    skin = _skin_grid()
    grid = (view.project(skin.weights @ posed.vertices) @ frame).reshape(skin.rows, skin.columns, 2)
    whole, lower = grid.copy(), grid[skin.below_nose :].copy()
    for part in (whole, lower):
        part[..., 1] = np.maximum.accumulate(part[..., 1], axis=0)  # from the forehead (or the nose) down
    towards = np.sin(np.radians(view.yaw))  # > 0 when the subject's left is the far side
    for point, (sign, columns) in skin.hidden_by.items():
        if point >= JAW.stop and sign * towards < -0.1:
            continue  # nothing hides the near side
        level = result[point, 1]
        # a corner of the mouth is hidden by the other lip or the cheek; the nose of a head that looks down is above it
        rows = lower if point >= MOUTH.start else whole
        outline = sign * np.array([np.interp(level, rows[:, c, 1], rows[:, c, 0]) for c in columns])
        result[point, 0] = sign * max(sign * result[point, 0], outline.max())
    curves, directions = jaw_curves()
    candidates = (view.project((curves @ posed.vertices).reshape(len(_LOW), STEPS, 3))) @ frame
    best = np.einsum("jsd,jd->js", candidates, directions * [1, -1]).argmax(1)
    result[_LOW] = candidates[np.arange(len(_LOW)), best]
    result[JAW] = _evenly(result[JAW])
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
    mouth = np.array([0.0, points[[Point.INNER_UPPER_LIP, Point.INNER_LOWER_LIP], 1].mean()])
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

    Its extent and steps are by eye.

    Attributes:
        weights: (rows · columns, M) of the mesh's vertices, from the forehead down, from the right edge to the left.
        below_nose: the first row below the nose.
        hidden_by: landmark → its side (−1 right, 1 left) and the columns that may hide it.
    """

    weights: sparse.csr_matrix
    rows: int
    columns: int
    below_nose: int
    hidden_by: dict[int, tuple[int, np.ndarray]]


@cache
def _skin_grid() -> _SkinGrid:
    model = head_model()
    points = (model.landmarks @ model.rest).astype(np.float64)
    jaw = points[: Point.CHIN + 1]
    heights = np.arange(0.036, jaw[-1, 1] + 0.001, -0.004)
    edge = 0.95 * np.interp(-heights, -jaw[:, 1], -jaw[:, 0])  # farther out it is no longer seen from the front
    shares = np.concatenate([np.linspace(0, 0.3, 9), np.linspace(0.3, 1, 13)[1:]])
    shares = np.concatenate([-shares[:0:-1], shares])
    x = shares * edge[:, None]
    targets = np.stack(np.broadcast_arrays(x, heights[:, None]), axis=-1).reshape(-1, 2)
    # an open eye has no skin: a straight line from lid to lid stands for it
    weights = sparse.csr_matrix(front_points(model, targets))
    usual = shares * edge[0]
    hidden_by = {}
    for point in (*range(_LOW[0]), *range(_LOW[-1] + 1, IBUG68.count)):
        place = points[point, 0]
        sign = 1 if place > 0 else -1
        if abs(place) < 0.001:
            continue
        width = edge[np.abs(heights - points[point, 1]).argmin()]
        inward = sign * shares < abs(place) / width - 0.02
        if point < JAW.stop:
            inward = sign * usual > CHEEK
        elif EYES.start <= point < EYES.stop:
            inward &= sign * usual < BRIDGE
        hidden_by[point] = (sign, np.flatnonzero(inward & (sign * usual > -0.02)))
    below_nose = int((heights > points[Point.NOSE_BASE, 1]).sum())
    return _SkinGrid(weights, len(heights), len(shares), below_nose, hidden_by)
