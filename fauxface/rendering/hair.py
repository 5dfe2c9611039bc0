"""Hair as curtains of strands that hug the skull and then hang: from crops to bobs, fringes, long hair and afros.

A strand starts at the crown, runs over the skull away from it and, where its style lets it fall, hangs straight down.
The skull's surface under it is a linear map of the scalp's vertices (a spherical-harmonics fit made once), so hair
follows every person's head.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import sph_harm_y

from fauxface.rendering.head import HeadModel, Posed, head_model

SKULL = np.array([0.0, 0.035, -0.062])
"""Centre that strand directions start from, on the template in the head frame, metres."""
AROUND, ALONG = 72, 19
DEGREE = 9
_ANGLES = np.radians([0, 25, 50, 72, 88, 105, 130, 180])
_HAIRLINE = np.array([0.070, 0.068, 0.050, 0.008, 0.012, 0.0, -0.035, -0.055])
"""Height of the natural hairline by the angle from the face's front, metres above the eyes."""


@dataclass(frozen=True)
class Hair:
    """One hairstyle; lengths in metres.

    Attributes:
        style: its name.
        thickness: how far the outer layer stands off the skull.
        back, side, front: heights (in the head frame) at which strands end behind, beside and before the face.
        recede: how far the hairline has gone up in front.
        part: angle (radians) of the parting, from the front to the subject's left.
        curl: how far strands wander from their way.
        ragged: last share of each strand that thins out.
        strands: strands around the head that are told apart.
    """

    style: str
    thickness: float
    back: float
    side: float
    front: float
    recede: float
    part: float
    curl: float
    ragged: float
    strands: float


STYLES = {
    "crop": (0.04, 0.27),
    "short": (0.10, 0.30),
    "fringe": (0.17, 0.12),
    "bob": (0.18, 0.03),
    "long": (0.20, 0.05),
    "swept": (0.12, 0.12),
    "afro": (0.07, 0.08),
    "tied": (0.12, 0.03),
}
"""Hairstyles and how often women and men wear them."""


def draw_hair(rng: np.random.Generator, female: bool, age: float, bald: float) -> Hair | None:
    """A random hairstyle, or None for a bald head (``bald``: the share among men over 30; its square among others)."""
    if rng.random() < bald ** (1 if age > 30 and not female else 2):
        return None
    style = str(rng.choice(list(STYLES), p=[share[0 if female else 1] for share in STYLES.values()]))
    recede = 0.0 if female else float(max(0.0, rng.normal(0.012 * (age - 25) / 30, 0.008)))
    low = {"long": (-0.3, -0.14), "bob": (-0.13, -0.06)}.get(style, (-0.065, -0.045))
    back = rng.uniform(*low)
    side = rng.uniform(*low) if style in ("long", "bob") else rng.uniform(-0.02, 0.015)
    fringe = style == "fringe" or (style in ("bob", "long", "swept") and rng.random() < 0.35)
    front = rng.uniform(0.008, 0.045) if fringe else 0.2
    thickness = {"crop": (0.004, 0.01), "afro": (0.03, 0.07), "tied": (0.006, 0.012), "long": (0.008, 0.022)}
    return Hair(
        style=style,
        thickness=float(rng.uniform(*thickness.get(style, (0.01, 0.028)))),
        back=float(back),
        side=float(side),
        front=float(front),
        recede=recede,
        part=float(rng.normal(0, 0.7)),
        curl=float(rng.uniform(0.0, 0.9) ** 2 if style != "afro" else rng.uniform(0.8, 1.0)),
        ragged=float(rng.uniform(0.08, 0.4)),
        strands=float(rng.uniform(120, 420)),
    )


@dataclass(frozen=True)
class HairMesh:
    """Vertices (V, 3) and tangents (V, 3) in the head frame, places (V, 3: around, along, layer), triangles (T, 3)."""

    vertices: np.ndarray
    tangents: np.ndarray
    places: np.ndarray
    triangles: np.ndarray


def hair_mesh(hair: Hair, posed: Posed, rng: np.random.Generator) -> HairMesh:
    """The hair's layers on a person's posed head."""
    layers = 3 if hair.thickness > 0.012 else 2
    skull = _skull_points(posed)
    parts = [_layer(hair, skull, (i + 1) / layers, rng) for i in range(layers)]
    count = AROUND * ALONG
    quads = np.concatenate([_grid() + i * count for i in range(layers)])
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    vertices, tangents, places = (np.concatenate([p[k] for p in parts]) for k in range(3))
    return HairMesh(vertices, tangents, places, triangles)


def _layer(hair: Hair, skull: np.ndarray, layer: float, rng: np.random.Generator):
    turns = np.arange(AROUND) / AROUND
    azimuth = 2 * np.pi * turns - np.pi
    front = np.abs(azimuth)
    hairline = np.interp(front, _ANGLES, _HAIRLINE) + hair.recede * np.interp(front, [0, 1.2, 1.6], [1, 0.6, 0])
    around = [hair.front, hair.front, hair.side, hair.side, hair.back, hair.back]
    ends = np.interp(front, [0.0, 0.85, 1.15, 1.9, 2.4, np.pi], around)
    ends = ends + 0.008 * hair.curl * rng.normal(size=AROUND)
    # over the face hair ends at the hairline unless it is a fringe or falls beside it
    ends = np.where((hair.front > 0.1) & (front < 1.15), hairline, np.minimum(ends, hairline))
    away = np.abs(np.angle(np.exp(1j * (azimuth - hair.part))))
    along = np.linspace(0, 1, ALONG)[:, None]

    # a strand leaves the skull where its tangent points down, or at the hairline in front
    release = np.interp(front, [0, 1.0, 1.5, np.pi], [1.15, 1.3, 1.62, 1.75])
    base = _sample(skull, release * np.minimum(along * 1.6, 1.0))  # polar angle from the crown
    out = base - skull.mean((0, 1))
    out /= np.linalg.norm(out, axis=-1, keepdims=True)
    thickness = hair.thickness * (0.35 + 0.65 * layer) * (0.85 + 0.3 * np.cos(3 * azimuth + hair.part))[None, :, None]
    rise = np.sqrt(np.minimum(1.0, along * 4.0 + 0.15))[..., None]
    # hair lies flatter at its parting
    points = base + out * (thickness * rise * (0.55 + 0.45 * np.clip(away / 1.2, 0, 1))[None, :, None])
    last = points[int(np.ceil((ALONG - 1) / 1.6))]
    drop = np.clip((along - 1 / 1.6) / (1 - 1 / 1.6), 0, 1)[..., None]
    end = last.copy()
    end[:, 1] = np.minimum(ends, last[:, 1] - 0.002)
    hanging = last[None] + drop * (end - last)[None]
    points = np.where(along[..., None] > 1 / 1.6, hanging, points)
    # strands that end above where they would fall stop there: pull everything below back up along the way
    floor = np.minimum(ends, 0.2)[None]
    points = _stop_at(points, floor)
    wobble = rng.normal(size=(ALONG // 3 + 2, AROUND // 2, 3)) * hair.curl * (0.004 + 0.12 * hair.thickness)
    grown = np.repeat(np.repeat(wobble, 3, 0)[:ALONG], 2, 1)
    points = points + _smooth(grown) * rise
    tangents = np.gradient(points, axis=0)
    tangents /= np.linalg.norm(tangents, axis=-1, keepdims=True) + 1e-9
    places = np.stack(np.broadcast_arrays(turns[None], along, np.float64(layer)), axis=-1)
    return points.reshape(-1, 3), tangents.reshape(-1, 3), places.reshape(-1, 3)


def _stop_at(points: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """Resample each strand (ALONG, AROUND, 3) so that it ends where it first comes below its floor (1, AROUND)."""
    below = points[..., 1] < floor
    first = np.where(below.any(0), below.argmax(0), ALONG - 1)
    before = np.maximum(first - 1, 0)
    columns = np.arange(AROUND)
    high, low = points[before, columns, 1], points[first, columns, 1]
    part = np.clip((high - floor[0]) / np.maximum(high - low, 1e-6), 0, 1)
    length = np.where(below.any(0), before + part, ALONG - 1)
    position = np.linspace(0, 1, ALONG)[:, None] * length[None]
    lower = np.minimum(position.astype(int), ALONG - 2)
    share = (position - lower)[..., None]
    return points[lower, columns[None]] * (1 - share) + points[lower + 1, columns[None]] * share


def _smooth(field: np.ndarray) -> np.ndarray:
    for _ in range(2):
        field = (field + np.roll(field, 1, 1) + np.roll(field, -1, 1)) / 3
        field[1:-1] = (field[:-2] + field[1:-1] + field[2:]) / 3
    return field


@cache
def _grid() -> np.ndarray:
    row, column = np.meshgrid(np.arange(ALONG - 1), np.arange(AROUND), indexing="ij")
    right = (column + 1) % AROUND
    corners = [row * AROUND + column, row * AROUND + right, (row + 1) * AROUND + right, (row + 1) * AROUND + column]
    return np.stack(corners, -1).reshape(-1, 4)


_POLAR = np.linspace(0, 1.9, 24)


def _skull_points(posed: Posed) -> np.ndarray:
    """The skull under the hair: (polar angles, azimuths, 3) in the head frame."""
    fit, vertices = _skull_fit()
    return (fit @ posed.vertices[vertices]).reshape(len(_POLAR), AROUND, 3)


def _sample(skull: np.ndarray, polar: np.ndarray) -> np.ndarray:
    """Interpolate the skull (polar angles, AROUND, 3) at polar angles (ALONG, AROUND)."""
    position = np.clip(polar / _POLAR[-1] * (len(_POLAR) - 1), 0, len(_POLAR) - 1.001)
    lower = position.astype(int)
    share = (position - lower)[..., None]
    columns = np.arange(AROUND)[None]
    return skull[lower, columns] * (1 - share) + skull[lower + 1, columns] * share


@cache
def _skull_fit() -> tuple[np.ndarray, np.ndarray]:
    """The linear map from scalp vertices to points on the skull at `_POLAR` × azimuths, and these vertices' indices."""
    model: HeadModel = head_model()
    rest = model.rest
    height = np.where(rest[:, 2] > -0.03, 0.012, -0.055)
    chosen = np.flatnonzero((model.part == 0) & (model.masks[:, 1] < 0.1) & (rest[:, 1] > height))
    polar, azimuth = _directions(rest[chosen] - SKULL)
    grid_polar, grid_azimuth = np.meshgrid(_POLAR, 2 * np.pi * np.arange(AROUND) / AROUND - np.pi, indexing="ij")
    basis = _harmonics(polar, azimuth)
    roughness = [1 + d * (d + 1) for d in range(DEGREE + 1) for _ in range(2 * d + 1)]
    solve = np.linalg.solve(basis.T @ basis + 1e-6 * len(chosen) * np.diag(roughness), basis.T)
    fit = _harmonics(grid_polar.ravel(), grid_azimuth.ravel()) @ solve
    return fit.astype(np.float32), chosen


def _directions(offset: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Polar angle from the crown and azimuth from the front to the subject's left."""
    polar = np.arccos(np.clip(offset[:, 1] / np.linalg.norm(offset, axis=1), -1, 1))
    return polar, np.arctan2(offset[:, 0], offset[:, 2])


def _harmonics(polar: np.ndarray, azimuth: np.ndarray) -> np.ndarray:
    columns = []
    for degree in range(DEGREE + 1):
        for order in range(-degree, degree + 1):
            value = sph_harm_y(degree, abs(order), polar, azimuth)
            columns.append(value.real if order >= 0 else value.imag)
    return np.stack(columns, axis=1)
