"""Eyebrows: one curve on the template that the shader paints under and the landmarks lie on.

iBUG's ten brow points lie along the brow's upper edge. That edge is a cubic in the distance from the midline; where it
lies usually is what anatomy gives (its top 22–25 mm above the pupil, its two ends level; McKinney et al. 1991, "The
position of the eyebrow and the forehead lift"), not what a data set of photographs would.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import sparse

from fauxface.rendering.head import HeadModel, Posed, head_model
from fauxface.rendering.mesh import front_points

BROW = slice(17, 27)
_HEIGHTS = np.arange(-0.006, 0.0221, 0.002)
"""Heights above the mesh's own brow line at which points on the skin are known, metres."""


@dataclass(frozen=True)
class Brows:
    """Both brows of a person; metres on the template.

    Attributes:
        raised: height of the edge above the mesh's own brow line.
        tilt: how much higher the outer end is than the inner.
        arch: how much higher the middle is than the ends.
        thickness: height of the brow where it is thickest.
        softness: width of its edge.
    """

    raised: float
    tilt: float
    arch: float
    thickness: float
    softness: float

    def offset(self, share: np.ndarray) -> np.ndarray:
        """Height above the mesh's brow line at a share of the way from the inner to the outer end."""
        return self.raised + self.tilt * (share - 0.5) + self.arch * 4 * share * (1 - share)

    def uniforms(self) -> dict[str, np.ndarray]:
        """What ``regions.glsl`` needs: the edge's cubic in |x|, its ends in |x|, thickness and softness."""
        cubic, (inner, outer) = _mesh_line()
        slope = 1 / (outer - inner)
        start = -inner * slope  # share = start + slope·|x|
        curve = cubic.copy()
        curve[0] += self.raised + self.tilt * (start - 0.5) + self.arch * 4 * (start - start**2)
        curve[1] += self.tilt * slope + self.arch * 4 * (slope - 2 * start * slope)
        curve[2] -= self.arch * 4 * slope**2
        return {"brow_curve": curve, "brow_extent": np.array([inner, outer, self.thickness, self.softness])}


def draw_brows(rng: np.random.Generator, female: bool) -> Brows:
    """Random brows: men's lie lower, flatter and thicker."""
    return Brows(
        raised=float(np.clip(rng.normal(0.0075 if female else 0.006, 0.0022), 0.001, 0.015)),
        tilt=float(np.clip(rng.normal(-0.0015, 0.0018), -0.006, 0.004)),
        arch=float(np.clip(rng.normal(0.001 if female else 0.0, 0.001), -0.002, 0.004)),
        thickness=float(np.clip(rng.normal(0.0062 if female else 0.0085, 0.0018), 0.003, 0.014)),
        softness=float(rng.uniform(0.0005, 0.0013)),
    )


def brow_points(brows: Brows, posed: Posed) -> np.ndarray:
    """The ten brow landmarks (10, 3) on the skin of a posed head, head frame."""
    ladder = (_ladder() @ posed.vertices).reshape(10, len(_HEIGHTS), 3)
    _, (inner, outer) = _mesh_line()
    across = np.abs((head_model().landmarks @ head_model().rest)[BROW, 0])
    offset = brows.offset((across - inner) / (outer - inner))
    return np.stack(
        [[np.interp(o, _HEIGHTS, rung[:, axis]) for axis in range(3)] for o, rung in zip(offset, ladder, strict=True)]
    )


@cache
def _mesh_line() -> tuple[np.ndarray, tuple[float, float]]:
    """The mesh's brow line, y as a cubic of |x| through the brow landmarks on the template, and its ends in |x|."""
    model = head_model()
    points = np.asarray(model.landmarks @ model.rest, np.float64)[BROW]
    x, y = np.abs(points[:, 0]), points[:, 1]
    cubic = np.polynomial.polynomial.polyfit(x, y, 3)
    return cubic, (float(x[[4, 5]].mean()), float(x[[0, 9]].mean()))


@cache
def _ladder() -> sparse.csr_matrix:
    """Weights (10·heights, M) of the points on the skin at each brow landmark's |x| and each of `_HEIGHTS`."""
    model: HeadModel = head_model()
    cubic, _ = _mesh_line()
    across = np.asarray(model.landmarks @ model.rest, np.float64)[BROW, 0]
    level = np.polynomial.polynomial.polyval(np.abs(across), cubic)
    targets = np.stack(np.broadcast_arrays(across[:, None], level[:, None] + _HEIGHTS), axis=-1).reshape(-1, 2)
    return front_points(model, targets)
