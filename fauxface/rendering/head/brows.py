"""Eyebrows: two edges on each person's skin; the brow is painted between them and the landmarks follow them.

Brows lie where anatomy has them on the person's own head, rather than on the template's: the lower edge of its head
and the tip of its tail lie on one level, the arch is highest about two thirds out, above the stretch between the
lateral limbus and the outer canthus (Westmore 1975, "Facial cosmetics in conjunction with surgery"; Yalçınkaya et al.
2016, "Aesthetic analysis of the ideal eyebrow shape and position"). Over the pupil's middle the lowest hairs grow 14 mm
above it, men's as women's (19.4 and 19.7 mm above the cornea's lower rim: "Measurement of eyebrow position from
inferior corneal limbus to brow", 213 people; the surgeons' ideal, a top at 22–25 mm, is the upper end of the
range); men's are flatter and thicker. So much for the young: tails sink with the years (Dagi Glass et al. 2014, "The
lateral brow: position in relation to age, gender, and ethnicity"), heads do not (Son et al. 2017, "Changes in eyebrow
position and movement with aging").
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import sparse

from fauxface.landmarks import Point
from fauxface.rendering.head.identity import Identity, grown
from fauxface.rendering.head.model import HeadModel, Posed, head_model
from fauxface.rendering.head.surface import front_points

STATIONS = np.arange(0.004, 0.0641, 0.006)
"""|x| on the template of the points that define the edges, metres; the shader's arrays have as many entries."""
_HEIGHTS = np.arange(-0.002, 0.0381, 0.002)
"""Heights on the template of the points of the skin, metres."""
_SHARES = np.array([0.02, 0.25, 0.48, 0.71, 0.94])
"""The landmarks' places on the way from the inner to the outer end, even as in iBUG's figure …"""
_LEVELS = np.array([0.6, 0.85, 0.9, 0.85, 0.5])
"""… and between the lower edge (0) and the upper (1): along the upper part of the hair, as in iBUG's figure, out to
the end of the tail, as far as close-ups show it."""
_YOUNG, _SUNKEN, _SINKING = 25.0, 65.0, 0.0025 / 20
"""Years between which a tail sinks, and how many metres a year (Dagi Glass et al.)."""
_ADULT = 0.0895
"""Distance of a grown person's outer eye corners, metres (Farkas 1994): brows grow with it."""


@dataclass(frozen=True)
class Brows:
    """Both brows of a person, on the template's skin (metres).

    Attributes:
        extent: |x| of the inner and of the outer end.
        lower, upper: (11,) heights of the edges at ``STATIONS``; beyond the ends they go on smoothly.
        softness: width of the edges.
    """

    extent: tuple[float, float]
    lower: np.ndarray
    upper: np.ndarray
    softness: float

    def uniforms(self) -> dict[str, np.ndarray]:
        """Uniforms of ``regions.glsl``."""
        return {
            "brow_lower": self.lower,
            "brow_upper": self.upper,
            "brow_extent": np.array([*self.extent, self.softness]),
        }

    def line(self, share: np.ndarray, level: np.ndarray) -> np.ndarray:
        """(N, 2) places |x|, y on the template at shares of the way from the inner end to the outer one and at levels
        from the lower edge (0) to the upper (1)."""
        x = self.extent[0] + np.asarray(share) * (self.extent[1] - self.extent[0])
        low, high = (np.interp(x, STATIONS, edge) for edge in (self.lower, self.upper))
        return np.stack([x, low + np.asarray(level) * (high - low)], axis=-1)


def sample_brows(rng: np.random.Generator, identity: Identity) -> Brows:
    """Sample brows on that person's own forehead: means after the papers above, spreads by eye on renders."""
    male = identity.gender
    shape = Shape(
        # the eyes are large in a small child's face, and the brows keep clear of them
        head=rng.normal(0.0110 + 0.0025 * (1 - grown(identity.age)), 0.0020),
        tail=rng.normal(0.0002 - 0.0010 * male, 0.0020),
        droop=float(np.clip(identity.age, _YOUNG, _SUNKEN) - _YOUNG) * _SINKING,
        arch=max(0.0005, rng.normal(0.0046 - 0.0016 * male, 0.0014)),
        apex=float(np.clip(rng.normal(0.66, 0.05), 0.5, 0.8)),
        thickness=float(np.clip(rng.normal(0.0073 + 0.0015 * male, 0.0017), 0.003, 0.014)),
    )
    extent = (
        float(np.clip(rng.normal(0.0112, 0.0022), 0.005, 0.017)),
        float(np.clip(rng.normal(0.0595, 0.0018), 0.054, 0.0635)),
    )
    return brows_of(identity, shape, extent, softness=float(rng.uniform(0.0005, 0.0013)))


@dataclass(frozen=True)
class Shape:
    """A brow in its owner's head frame, metres on a grown person.

    Attributes:
        head: height of the lower edge's inner end above the pupil.
        tail: height of a young person's tail above the head of the brow.
        droop: how far the tail has sunk with age.
        arch: rise of the lower edge between them.
        apex: the arch's highest place, as a share of the way out.
        thickness: of the hair, where it is thickest.
    """

    head: float
    tail: float
    droop: float
    arch: float
    apex: float
    thickness: float

    def edges(self, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Heights of the lower and of the upper edge at shares of the way out; beyond 0–1 they go on."""
        t = np.clip(share, 0, 1)
        turn = np.where(t < self.apex, t / self.apex, (1 - t) / (1 - self.apex))
        rise = np.sin(np.pi / 2 * turn) ** 2
        lower = self.head + self.tail * t - self.droop * t**3 + self.arch * rise
        # thickness along the brow, by eye: full from the first fifth on, thin towards the tail
        full = np.interp(t, [0, 0.06, 0.2, 0.45, 0.75, 1], [0.6, 0.85, 1, 0.95, 0.62, 0.14])
        # past its tip the tail's two edges fall on, side by side
        return lower - 0.1 * np.maximum(0, share - 1), lower + self.thickness * full - 0.1 * np.maximum(0, share - 1)


def brows_of(identity: Identity, shape: Shape, extent: tuple[float, float], softness: float = 0.001) -> Brows:
    """The brows of a shape on the skin of a person with a calm face; ``extent`` is |x| of the ends on the template."""
    model = head_model()
    person = model.person(identity)
    eyes = model.between_eyes(person)
    size = (
        np.linalg.norm(np.subtract(*(model.landmarks_of_cage[[Point.RIGHT_EYE_OUTER, Point.LEFT_EYE_OUTER]] @ person)))
        / _ADULT
    )
    rungs = (_ladder_of_cage() @ person).reshape(2, len(STATIONS), len(_HEIGHTS), 3)[..., 1] - eyes[1]
    share = (STATIONS - extent[0]) / (extent[1] - extent[0])
    edges = [
        [
            np.mean([_inverse(rung, size * y) for rung in pair])
            for pair, y in zip(rungs.transpose(1, 0, 2), edge, strict=True)
        ]
        for edge in shape.edges(share)
    ]
    return Brows(extent, np.array(edges[0]), np.array(edges[1]), softness)


def _inverse(rung: np.ndarray, height: float) -> float:
    """The height on the template whose place on the person is ``height``."""
    return float(np.interp(height, np.maximum.accumulate(rung), _HEIGHTS))


def brow_points(brows: Brows, posed: Posed) -> np.ndarray:
    """The ten brow landmarks (10, 3) on the skin of a posed head, head frame."""
    places = brows.line(_SHARES, _LEVELS)
    right, left = skin_points(posed, places)
    return np.concatenate([right[::-1], left])


def skin_points(posed: Posed, places: np.ndarray) -> np.ndarray:
    """Points (2, N, 3) on the skin of a posed head, right side then left, at places (N, 2) |x|, y about the brows."""
    rungs = (_ladder() @ posed.vertices).reshape(2, len(STATIONS), len(_HEIGHTS), 3)
    column, across = _between(places[:, 0], STATIONS)
    row, up = _between(places[:, 1], _HEIGHTS)
    across, up = across[:, None], up[:, None]
    low = rungs[:, column, row] * (1 - across) + rungs[:, column + 1, row] * across
    high = rungs[:, column, row + 1] * (1 - across) + rungs[:, column + 1, row + 1] * across
    return low * (1 - up) + high * up


def _between(values: np.ndarray, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    place = np.clip((values - steps[0]) / (steps[1] - steps[0]), 0, len(steps) - 1.001)
    return place.astype(int), place % 1


@cache
def _ladder() -> sparse.csr_matrix:
    """Weights (2·stations·heights, M) of points on the skin: right side then left, at each station and height."""
    model: HeadModel = head_model()
    across = np.stack([-STATIONS, STATIONS])
    targets = np.stack(np.broadcast_arrays(across[..., None], _HEIGHTS), axis=-1).reshape(-1, 2)
    return front_points(model, targets)


@cache
def _ladder_of_cage() -> sparse.csr_matrix:
    return sparse.csr_matrix(_ladder() @ head_model().smooth)
