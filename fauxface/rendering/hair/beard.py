"""Hair on men's faces: stubble, moustaches, goatees, sideburns and beards of all lengths.

Numbers here are by eye, on renders.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from fauxface.rendering.hair.growth import Locks, Manner, curled, follow
from fauxface.rendering.hair.mesh import HairMesh, ribbons, sheet
from fauxface.rendering.hair.scalp import CENTRE, Patch, Skull, patch, wave
from fauxface.rendering.head.identity import Identity
from fauxface.rendering.head.makehuman import EAR_MASK, LIP_MASK, MOUTH_MASK, SKIN_PART
from fauxface.rendering.head.model import Posed, head_model
from fauxface.rendering.head.surface import vertex_normals
from fauxface.rendering.photo.camera import View
from fauxface.rendering.recipe import Recipe
from fauxface.segmentation import Segment

KINDS = {
    "stubble": (0.30, (1.0, 1.0, 0.9, 0.7, 0.4)),
    "full": (0.28, (1.0, 1.0, 1.0, 1.0, 0.3)),
    "moustache": (0.14, (1.0, 0.0, 0.0, 0.0, 0.0)),
    "goatee": (0.15, (0.9, 1.0, 0.0, 0.0, 0.0)),
    "chin": (0.05, (0.0, 1.0, 0.0, 0.0, 0.0)),
    "jaw": (0.04, (0.0, 0.9, 0.9, 1.0, 0.2)),
    "sideburns": (0.04, (0.0, 0.0, 0.0, 1.0, 0.0)),
}
"""Kinds: share among the bearded; density on lip, chin, cheeks and jaw, before the ears, on the throat."""


@dataclass(frozen=True)
class Beard:
    """A beard.

    Attributes:
        kind: one of ``KINDS``.
        shares: (5,) density on each of `regions`.
        length: of its hair, metres.
        line: height of its edge on the cheeks, 0–1.
        patchy: unevenness, 0–1.
        curl: curliness, 0–1.
        shadow: stubble on the rest of the beard's area, 0–1.
        tint: (3,) factor from the colour of the head's hair.
        grey: share of grey beyond the head's.
    """

    kind: str
    shares: np.ndarray
    length: float
    line: float
    patchy: float
    curl: float
    shadow: float
    tint: np.ndarray
    grey: float


def sample_beard(rng: np.random.Generator, recipe: Recipe, identity: Identity) -> Beard | None:
    """Sample a beard, or None for women, the young and the shaven."""
    if identity.gender < 0.5 or identity.age < 17 or rng.random() >= recipe.beard or recipe.hair == 0:
        return None
    names = list(KINDS)
    kind = str(rng.choice(names, p=[KINDS[name][0] for name in names]))
    spans = {
        "stubble": (0.0004, 0.002),
        "full": (0.0015, 0.016) if rng.random() < 0.88 else (0.016, 0.07),
        "moustache": (0.003, 0.012),
        "sideburns": (0.002, 0.008),
    }
    low, high = spans.get(kind, (0.001, 0.02))
    young = np.clip((identity.age - 16) / 8, 0.3, 1)
    return Beard(
        kind=kind,
        shares=np.array(KINDS[kind][1]) * rng.uniform(0.75, 1.0, 5) * young,
        length=float(np.exp(rng.uniform(np.log(low), np.log(high)))),
        line=float(rng.random()),
        patchy=float(rng.uniform(0, 0.8) ** 2),
        curl=float(np.clip(rng.normal(0.3 + 0.6 * identity.ancestry[0], 0.2), 0, 1)),
        shadow=float(rng.uniform(0.0, 0.45)) if rng.random() < 0.5 else 0.0,
        tint=np.exp(rng.normal(0, 0.12, 3) + np.array([0.15, 0.0, -0.1]) * rng.random()),
        grey=float(rng.uniform(-0.05, 0.35)),
    )


def regions(line: float) -> np.ndarray:
    """Masks (V, 5) in 0–1 of moustache, chin beard, cheek beard, sideburns and throat hair; V vertices of `_area`."""
    model = head_model()
    vertices = _area().vertices
    rest, masks = model.rest[vertices].astype(np.float64), model.masks[vertices]
    x, y, z = np.abs(rest[:, 0]), rest[:, 1] - model.mouth_height, rest[:, 2]
    lip = (
        _step(0.037, 0.028, x)
        * _step(0.0, 0.004, y + 0.25 * np.maximum(0, x - 0.018))
        * _step(0.024, 0.016, y + 0.3 * x)
    )
    under = _step(0.034, 0.022, x) * _step(-0.006, -0.014, y)
    beside = _step(0.038, 0.031, x) * _step(0.019, 0.026, x) * _step(0.012, 0.0, y)
    edge = -0.02 + 0.032 * line + 1.1 * np.maximum(0, x - 0.028)
    cheek = _step(0.006, -0.012, y - edge) * _step(0.016, 0.03, x + np.maximum(0, -y - 0.02)) * _step(-0.062, -0.045, z)
    before_ear = (
        _step(0.052, 0.058, x)
        * _step(0.062, 0.05, y)
        * _step(-0.02, 0.0, y)
        * _step(-0.058, -0.05, z)
        * _step(-0.02, -0.034, z)
    )
    throat = _step(-0.034, -0.044, y) * _step(-0.1, -0.07, y)
    low = _step(-0.075, -0.055, y)
    bare = (1 - masks[:, LIP_MASK]) * (1 - masks[:, EAR_MASK]) * (1 - masks[:, MOUTH_MASK])
    fields = np.stack([lip, np.maximum(under, beside) * low, cheek * low, before_ear, throat * (z > -0.075)], axis=1)
    return fields * bare[:, None]


def _step(low: float, high: float, value: np.ndarray) -> np.ndarray:
    """GLSL's smoothstep, also for ``low`` > ``high``."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


@cache
def _area() -> Patch:
    """The skin that may bear a beard."""
    model = head_model()
    rest, height = model.rest, model.mouth_height
    near = (
        (rest[:, 1] < height + 0.07)
        & (rest[:, 1] > height - 0.11)
        & (rest[:, 2] > -0.078)
        & (model.masks[:, MOUTH_MASK] < 0.5)
    )
    return patch((model.part == SKIN_PART) & near & (model.masks[:, EAR_MASK] < 0.5), 1200)


def beard_meshes(
    beard: Beard, posed: Posed, view: View, rng: np.random.Generator, masked: bool = False
) -> list[HairMesh]:
    """The beard's sheets and locks on a posed head.

    Args:
        beard: the beard.
        posed: the head.
        view: the camera, which is held level.
        rng: the beard's stream.
        masked: a mask over mouth and chin presses it flat.
    """
    area, model = _area(), head_model()
    places = model.rest[area.vertices].astype(np.float64)
    fields = regions(beard.line)
    uneven = np.clip(1 - beard.patchy * (0.5 + wave(rng, places, 90.0)), 0, 1)
    grown = (fields * beard.shares).max(1) * uneven
    skin = posed.vertices[area.vertices].astype(np.float64)
    normals = vertex_normals(posed.vertices[area.vertices], area.triangles).astype(np.float64)
    if masked:
        beard = replace(beard, length=min(beard.length, 0.001))
    thick = min(beard.length, 0.006)
    layers = [(0.0004, 0.16 + 0.6 * min(beard.length / 0.005, 1.0))]
    if thick > 0.002:
        layers += [(0.5 * thick, 0.75), (thick, 0.5)]
    meshes = []
    label = Segment.BEARD if beard.length > 0.004 else Segment.BACKGROUND
    for away, cover in layers[::-1]:
        height = 0.0003 + away * np.clip(grown * 1.5, 0, 1)
        covered = cover * grown
        if away == layers[0][0]:
            covered = np.maximum(covered, beard.shadow * fields.max(1) * 0.6)
        covered = np.where(covered > 0.03, covered, 0.0)
        points = skin + height[:, None] * normals
        opening = 0.55 + 0.45 * (away / thick if thick > 0.002 else 1.0)
        softness = 0.5 if away > 0.0007 else 0.8
        meshes.append(sheet(points, normals, places, covered, area.triangles, label, opening, softness))
    if beard.length > 0.006:
        locks = _locks(beard, area, skin, fields, grown, Skull(posed), view, rng)
        if len(locks.points):
            meshes.insert(0, ribbons(locks, -view.rotation.T @ view.translation, Segment.BEARD, rng))
    return meshes


def _locks(
    beard: Beard,
    area: Patch,
    skin: np.ndarray,
    fields: np.ndarray,
    grown: np.ndarray,
    skull: Skull,
    view: View,
    rng: np.random.Generator,
) -> Locks:
    density = area.at(grown[:, None])[:, 0]
    kinds = area.at(fields)
    # throats have stubble only: single locks would hang there like icicles
    chosen = np.flatnonzero((density > rng.uniform(0.3, 0.8, len(density))) & (kinds.argmax(1) < 4))[:600]
    roots, kinds = area.at(skin)[chosen], kinds[chosen]
    count = len(chosen)
    down = view.rotation.T @ np.array([0.0, 1.0, 0.0])
    outward = roots - CENTRE
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    lip = kinds.argmax(1) == 0
    sideways = np.stack([np.sign(roots[:, 0]), np.full(count, -0.55), np.full(count, 0.1)], axis=1)
    comb = np.where(lip[:, None], sideways, np.array([0.0, -1.0, 0.15])) + rng.normal(
        0, 0.15 + 0.4 * beard.curl, (count, 3)
    )
    # longest on the chin
    middle = np.exp(-((roots[:, 0] / 0.04) ** 2))
    length = (
        beard.length
        * rng.uniform(0.7, 1.1, count)
        * np.where(lip, np.clip(0.016 / beard.length, 0, 0.8), 0.55 + 0.45 * middle)
    )
    loose = Manner(stiff=0.02, rise=2.0, curl=0.004 * beard.curl, turns=1.5)
    off = np.minimum(0.3 * length, 0.01) * rng.random(count)
    curves = follow(roots, comb + 0.5 * outward, comb, length, off, loose, skull, down)
    curves = curled(curves[:, ::2], loose, skull, rng)
    tiles = ["curly", "clumped"] if beard.curl > 0.5 else ["clumped", "wavy", "dense"]
    width = rng.uniform(0.5, 1.0, count) * np.clip(0.25 * beard.length, 0.0035, 0.006)
    return Locks(curves, width, rng.choice(tiles, count), rng.uniform(0.3, 1, count), rng.normal(0, 0.5, count))


def beard_colours(beard: Beard, colours: dict) -> dict:
    """Uniforms of ``hair.frag`` for the beard of a head with those ``colours``."""
    grey = float(np.clip(colours["grey"] + beard.grey * (colours["grey"] > 0), 0, 1))
    changed = {"hair_colour": colours["natural_colour"] * beard.tint, "grey": grey, "roots": 0.0, "streaks": 0.0}
    return {**colours, **changed, "hair_shine": 0.15 * colours["hair_shine"]}
