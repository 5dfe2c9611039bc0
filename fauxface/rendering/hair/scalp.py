"""The scalp on which hair grows, and the surface that hair stays outside of.

Places are given on the template in the head frame, so they are the same places of the skin on every person.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from fauxface.rendering.head.makehuman import EAR_MASK, MOUTH_MASK, SKIN_PART
from fauxface.rendering.head.model import Posed, head_model

CENTRE = np.array([0.0, 0.035, -0.062])
"""Centre of the skull, from which directions are measured; head frame, metres."""
_AROUND = np.radians([0, 22, 40, 52, 62, 70, 76, 82, 90, 100, 112, 125, 150, 180])
_HEIGHTS = np.array([72, 71, 62, 46, 22, 4, -14, 0, 9, 10, -16, -44, -58, -60]) / 1000
"""The natural hairline by azimuth, metres on the template: over the forehead, down the temples and sideburns, over the
ears, down to the nape. It and its variation below are by eye, on renders."""
_POLAR, _AZIMUTH = 36, 72


@dataclass(frozen=True)
class Hairline:
    """Differences of a person's hairline from the usual one; metres on the template, angles in radians.

    Attributes:
        raised: rise over the forehead.
        temples: further rise at the temples.
        peak: descent of a widow's peak in the middle.
        sideburns: descent of the hair before the ears.
        nape: descent of the hair at the back.
        waves: (2, 5) amplitudes and phases of its irregularity.
        bald: radius of the bald patch about the crown, an angle seen from the skull's centre; 0 without one.
    """

    raised: float
    temples: float
    peak: float
    sideburns: float
    nape: float
    waves: np.ndarray
    bald: float

    def inside(self, places: np.ndarray) -> np.ndarray:
        """Distance (N,) of places (N, 3) on the template from the hairline, metres; negative outside."""
        _, azimuth = directions(places - CENTRE)
        front = np.abs(azimuth)
        line = np.interp(front, _AROUND, _HEIGHTS)
        line = line + self.raised * np.interp(front, [0.9, 1.3], [1, 0])
        line = line + self.temples * np.exp(-(((front - 0.72) / 0.3) ** 2))
        line = line - self.peak * np.exp(-((front / 0.16) ** 2))
        line = line - self.sideburns * np.exp(-(((front - 1.32) / 0.07) ** 2))
        line = line - self.nape * np.interp(front, [1.9, 2.4], [0, 1])
        for order, (amplitude, phase) in enumerate(self.waves.T, start=3):
            line = line + amplitude * np.cos(2 * order * azimuth + phase)
        result = places[:, 1] - line
        if self.bald > 0:
            axis = np.array([0.0, 0.93, -0.36]) if self.bald < 0.6 else np.array([0.0, 0.96, 0.28])
            away = (places - CENTRE) / np.linalg.norm(places - CENTRE, axis=1, keepdims=True)
            result = np.minimum(result, 0.09 * (np.arccos(np.clip(away @ axis, -1, 1)) - self.bald))
        return result


def sample_hairline(rng: np.random.Generator, female: bool, age: float) -> Hairline:
    """Sample a hairline; men's recede with the years, by eye."""
    recede = 0.0 if female or age < 20 else float(np.clip(rng.normal((age - 25) / 70, 0.25), 0, 1.2))
    bald = float(rng.uniform(0.15, 0.8)) if recede > 0.5 and rng.random() < 0.45 else 0.0
    return Hairline(
        raised=float(rng.normal(-0.003 if female else 0.0, 0.005) + 0.01 * recede + (0.004 if age < 8 else 0.0)),
        temples=float(abs(rng.normal(0, 0.004)) + 0.016 * recede - (0.004 if female else 0.0)),
        peak=float(max(0.0, rng.normal(0.0, 0.006))),
        sideburns=float(rng.uniform(-0.012, 0.004) if female else rng.uniform(-0.012, 0.022) * (age > 15)),
        nape=float(rng.normal(0, 0.008)),
        waves=np.stack([rng.normal(0, 0.0013, 5), rng.uniform(0, 2 * np.pi, 5)]),
        bald=bald,
    )


def directions(offset: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Polar angle from straight up and azimuth from the front towards the subject's left, of vectors (N, 3)."""
    length = np.linalg.norm(offset, axis=-1)
    return np.arccos(np.clip(offset[..., 1] / length, -1, 1)), np.arctan2(offset[..., 0], offset[..., 2])


def wave(rng: np.random.Generator, places: np.ndarray, frequency: float) -> np.ndarray:
    """A smooth random field at places (N, 3): mostly between −1 and 1, ``frequency`` radians a metre."""
    fields = [np.cos(places @ rng.normal(0, frequency, 3) + rng.uniform(0, 6.3)) for _ in range(5)]
    return np.sum(fields, axis=0) / 2.5


@dataclass(frozen=True)
class Patch:
    """A part of the skin: indices of its vertices (V,), its triangles (T, 3) in them, and spread places on it.

    Attributes:
        vertices: indices into the head's vertices.
        triangles: into ``vertices``.
        corners: (R, 3) into ``vertices``, the triangles on which the places lie; any first few are spread evenly.
        weights: (R, 3) the places' weights of these corners.
    """

    vertices: np.ndarray
    triangles: np.ndarray
    corners: np.ndarray
    weights: np.ndarray

    def at(self, values: np.ndarray) -> np.ndarray:
        """Values (V, k) of the patch's vertices at its places (R, k)."""
        return np.einsum("rc,rck->rk", self.weights, values[self.corners])


def patch(chosen: np.ndarray, places: int) -> Patch:
    """The patch of the cage's triangles whose corners are all ``chosen`` (M,) bool, with a number of places on it."""
    model = head_model()
    faces = model.coarse[chosen[model.coarse].all(1)]
    vertices, flat = np.unique(faces, return_inverse=True)
    triangles = flat.reshape(-1, 3)
    rng = np.random.default_rng(3)
    corners = model.rest[vertices][triangles]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    face = rng.choice(len(triangles), 3 * places, p=area / area.sum())
    a, b = np.sqrt(rng.random(len(face))), rng.random(len(face))
    weights = np.stack([1 - a, a * (1 - b), a * b], axis=1).astype(np.float32)
    points = np.einsum("rc,rck->rk", weights, corners[face])
    order = _spread(points, places)
    return Patch(vertices, triangles, triangles[face[order]], weights[order])


def _spread(points: np.ndarray, count: int) -> np.ndarray:
    """Choose ``count`` of the points (N, 3), each the farthest from those before it."""
    chosen = [0]
    distance = np.linalg.norm(points - points[0], axis=1)
    while len(chosen) < count:
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, np.linalg.norm(points - points[chosen[-1]], axis=1))
    return np.array(chosen)


@cache
def scalp() -> Patch:
    """All skin that may bear head hair."""
    model = head_model()
    widest = Hairline(-0.02, 0, 0.03, 0.03, 0.03, np.zeros((2, 5)), 0)
    return patch(
        (model.part == SKIN_PART) & (model.masks[:, EAR_MASK] < 0.3) & (widest.inside(model.rest) > -0.004), 1600
    )


class Skull:
    """Distance of the skin from `CENTRE` in every direction; hair is kept outside of it.

    Attributes:
        reach: (36, 73) metres, polar angle × azimuth from −π to π.
    """

    def __init__(self, posed: Posed) -> None:
        skin = posed.vertices[_skin()] - CENTRE
        length = np.linalg.norm(skin, axis=1)
        polar = np.arccos(np.clip(skin[:, 1] / length, -1, 1))
        row = np.minimum((polar / np.pi * _POLAR).astype(int), _POLAR - 1)
        column = ((np.arctan2(skin[:, 0], skin[:, 2]) / (2 * np.pi) + 0.5) * _AZIMUTH).astype(int) % _AZIMUTH
        reach = np.zeros(_POLAR * _AZIMUTH)
        np.maximum.at(reach, row * _AZIMUTH + column, length)
        reach = reach.reshape(_POLAR, _AZIMUTH)
        for _ in range(6):
            if reach.all():
                break
            around = [np.roll(reach, 1, 1), np.roll(reach, -1, 1), reach[[0, *range(_POLAR - 1)]]]
            around.append(reach[[*range(1, _POLAR), _POLAR - 1]])
            reach = np.where(reach > 0, reach, np.max(around, axis=0))
        self.reach = np.concatenate([reach, reach[:, :1]], axis=1)

    def __call__(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distance of points (…, 3) from `CENTRE`, and the skin's in their direction."""
        offset = points - CENTRE
        length = np.sqrt((offset**2).sum(-1)) + 1e-9
        row = np.arccos(np.clip(offset[..., 1] / length, -1, 1)) * (_POLAR / np.pi) - 0.5
        column = (np.arctan2(offset[..., 0], offset[..., 2]) / (2 * np.pi) + 0.5) * _AZIMUTH - 0.5
        row, column = row.clip(0, _POLAR - 1.001), column % _AZIMUTH
        i, j = row.astype(int), np.minimum(column.astype(int), _AZIMUTH - 1)
        a, b = row - i, column - j
        r = self.reach
        low = r[i, j] * (1 - b) + r[i, j + 1] * b
        high = r[i + 1, j] * (1 - b) + r[i + 1, j + 1] * b
        return length, low * (1 - a) + high * a


@cache
def _skin() -> np.ndarray:
    model = head_model()
    return np.flatnonzero((model.part == SKIN_PART) & (model.masks[:, MOUTH_MASK] < 0.3))
