"""Colours and materials of a person, as uniforms of the shaders.

Colours and distributions are by eye, on renders beside FaceSynthetics' and AFW's faces (`benchmarks/side_by_side.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fauxface.landmarks import Point
from fauxface.rendering.hair.tiles import brow_hairs
from fauxface.rendering.head.brows import Brows, sample_brows
from fauxface.rendering.head.identity import Identity
from fauxface.rendering.head.makehuman import SKIN_PART
from fauxface.rendering.head.model import HeadModel, Posed
from fauxface.rendering.photo.environments.lamps import GREY
from fauxface.rendering.recipe import Recipe
from fauxface.rendering.skin.complexion import BARE, Complexion, sample_complexion, skin_uniforms
from fauxface.rendering.skin.textures import iris_map

_HAIRS = {
    "black": (0.017, 0.014, 0.012),
    "dark brown": (0.035, 0.020, 0.012),
    "brown": (0.09, 0.05, 0.026),
    "blond": (0.38, 0.28, 0.155),
    "light blond": (0.57, 0.47, 0.32),
    "red": (0.23, 0.09, 0.04),
}
_IRISES = {
    "dark brown": ((0.035, 0.017, 0.009), (0.045, 0.02, 0.009)),
    "brown": ((0.10, 0.048, 0.02), (0.13, 0.06, 0.02)),
    "hazel": ((0.15, 0.11, 0.05), (0.16, 0.075, 0.02)),
    "green": ((0.09, 0.115, 0.065), (0.13, 0.095, 0.035)),
    "blue": ((0.085, 0.135, 0.195), (0.15, 0.165, 0.16)),
    "grey": ((0.13, 0.15, 0.165), (0.15, 0.14, 0.105)),
}
"""Colour of the iris and of the ring about its pupil, linear RGB; those of hair above."""


@dataclass(frozen=True)
class Look:
    """A person's colours: uniforms of the shaders ``face`` and ``hair``, brows, entries of the label file, skin."""

    face: dict[str, Any]
    hair: dict[str, Any]
    brows: Brows
    summary: dict[str, Any]
    skin: Complexion


def sample_look(rng: np.random.Generator, recipe: Recipe, identity: Identity, model: HeadModel) -> Look:
    """Sample colours that go with the person's ancestry, age and gender."""
    african, asian, _ = identity.ancestry
    skin = sample_complexion(rng, identity)
    # melanin of hair and iris goes with the skin's
    dark_share = np.clip(max(african + asian + rng.normal(0, 0.15), (skin.tone - 4.5) / 2.5), 0, 1)
    hair_name = _pick(rng, _HAIRS, [0.7, 0.27, 0.03, 0, 0, 0], [0.1, 0.25, 0.3, 0.18, 0.1, 0.07], dark_share)
    iris_name = _pick(rng, _IRISES, [0.75, 0.23, 0.02, 0, 0, 0], [0.1, 0.25, 0.15, 0.12, 0.28, 0.1], dark_share)
    light, warm = rng.normal(0, [0.25, 0.1])
    hair = np.array(_HAIRS[hair_name]) * np.exp(light + warm * np.array([1, 0, -1]))
    worn = _sample_dye(rng, recipe, identity, hair)
    grey = float(np.clip((identity.age - 35 - rng.uniform(0, 35)) / 25, 0, 1)) if rng.random() < 0.8 else 0.0
    if worn["dyed"]:
        grey *= float(rng.random() < 0.3)
    made_up = skin.makeup is not BARE
    brows = sample_brows(rng, identity)
    brow = _brow_colour(rng, skin, hair, grey)
    face = {
        **skin_uniforms(skin),
        "freckles": float(rng.uniform(0.25, 1.1) if skin.tone < 4.5 and rng.random() < 0.14 else 0),
        "moles": _sample_moles(rng, model),
        "pore_depth": float(rng.uniform(0.25, 0.7) * np.clip(identity.age / 25, 0.3, 1.2)),
        "roughness": float(rng.uniform(0.48, 0.62)),
        "brow_colour": brow,
        "brow_density": _sample_brow_density(rng, identity),
        "brow_hairs": brow_hairs(),
        **brows.uniforms(),
        "lip_finish": np.array([rng.uniform(0.6, 2.6) if made_up else rng.uniform(0.5, 1.4), rng.uniform(0.3, 0.8)]),
        "iris": np.array(_IRISES[iris_name]) * rng.uniform(0.6, 1.2),
        "iris_map": iris_map(),
        "iris_size": np.array([rng.uniform(0.43, 0.48), rng.uniform(0.28, 0.55)]),
        "sclera": np.array([rng.uniform(0.8, 1.05), rng.uniform(0.05, 0.5)]),
        "teeth": np.array([0.62, 0.575, 0.49]) * rng.uniform(0.75, 1.05) * [1, 1, rng.uniform(0.8, 1.1)],
        "gums": skin.lips * [1.0, 0.75, 0.8],
        "lash": float(rng.uniform(0.5, 0.9) if made_up else rng.uniform(0.15, 0.55)),
        "seed": float(rng.uniform(0, 50)),
        "mouth_height": model.mouth_height,
        "nose_heights": (model.landmarks @ model.rest)[[Point.NOSE_ROOT, Point.NOSE_BASE], 1],
    }
    strands = {
        "hair_colour": worn["colour"],
        "natural_colour": hair,
        "streak_colour": worn["streak"],
        "streaks": worn["streaks"],
        "roots": worn["roots"],
        "grey": grey,
        "hair_shine": float(rng.uniform(0.1, 1.0)),
    }
    summary = {"skin_tone": skin.tone, "hair": hair_name, "grey": grey, "iris": iris_name}
    return Look(face, strands, brows, summary, skin)


def _sample_dye(rng: np.random.Generator, recipe: Recipe, identity: Identity, hair: np.ndarray) -> dict[str, Any]:
    """Sample dyed, bleached or streaked hair for someone with the natural colour ``hair`` (3,)."""
    kept = {"colour": hair, "streak": hair, "streaks": 0.0, "roots": 0.0, "dyed": False}
    bright, bleached, streaked = rng.random(3)
    light = np.array(_HAIRS["light blond"]) * rng.uniform(0.6, 1.1)
    if identity.age < 14:
        return kept
    if bright < recipe.dyed:
        vivid = rng.random(3) ** 2 * 0.6
        return {**kept, "colour": vivid, "streak": vivid, "roots": float(rng.choice([0.0, 0.8])), "dyed": True}
    women = 1.0 if identity.gender < 0.5 else 0.15
    if bleached < 0.10 * women:
        return {**kept, "colour": light, "streak": light, "roots": float(rng.uniform(0, 1)), "dyed": True}
    if streaked < 0.12 * women:
        return {**kept, "streak": 0.5 * light + 0.5 * hair, "streaks": float(rng.uniform(0.1, 0.45))}
    return kept


def _brow_colour(rng: np.random.Generator, skin: Complexion, hair: np.ndarray, grey: float) -> np.ndarray:
    """Colour (3,) of the brows: darker than the hair of the head, later grey, and never paler than the skin."""
    dark = hair * rng.uniform(0.45, 0.85) * (0.5 if hair.mean() > 0.1 else 1.0)
    share = np.clip(1.6 * grey - 0.9, 0, 0.5) * rng.random()
    colour = dark * (1 - share) + share * np.array([0.34, 0.32, 0.29])
    most = (0.4 + 0.6 * share) * float(skin.albedo @ GREY)
    return colour * min(1.0, most / max(float(colour @ GREY), 1e-6))


def _sample_brow_density(rng: np.random.Generator, identity: Identity) -> float:
    """Sample the share of the skin that brows hide: from bushy to plucked, sometimes nearly none."""
    density = rng.uniform(0.3, 0.5) if rng.random() < 0.1 else rng.normal(0.74, 0.13)
    return float(np.clip(density - (0.3 if identity.age < 6 else 0), 0.2, 1.0))


def eye_uniforms(posed: Posed, lids: np.ndarray, rotation: np.ndarray, translation: np.ndarray) -> dict[str, Any]:
    """Uniforms of the eyes in the camera frame; ``lids`` (12, 3) are the landmarks 36–47, head frame."""
    curves, ends = [], []
    for eye, points, inner in zip(posed.eyes, (lids[:6], lids[6:]), (3, 0), strict=True):
        around = points - eye.centre
        around[[0, 3]] = eye.corners  # the landmarks there lie before them
        x, y = (around / np.linalg.norm(around, axis=1, keepdims=True))[:, :2].T
        for row in ((0, 1, 2, 3), (0, 5, 4, 3)):  # along the upper lid, along the lower
            curves.append(np.polynomial.polynomial.polyfit(x[list(row)], y[list(row)], 3))
        ends.append([x[inner], x[3 - inner]])
    return {
        "eye_centre": np.stack([rotation @ eye.centre + translation for eye in posed.eyes]),
        "eye_gaze": np.stack([rotation @ eye.gaze for eye in posed.eyes]),
        "eye_up": rotation @ np.array([0.0, 1.0, 0.0]),
        "eye_right": rotation @ np.array([1.0, 0.0, 0.0]),
        "lids": np.concatenate(curves),
        "eye_ends": np.array(ends),
    }


def _pick(rng: np.random.Generator, names: dict, dark: list[float], fair: list[float], share: float) -> str:
    """Sample one of the names, by frequencies among dark and among fair people, mixed by ``share``."""
    return str(rng.choice(list(names), p=np.array(dark) * share + np.array(fair) * (1 - share)))


def _sample_moles(rng: np.random.Generator, model: HeadModel) -> np.ndarray:
    """Sample moles (3, 4): places on the template's skin and radii, metres; most are too small to be visible."""
    front = np.flatnonzero((model.part == SKIN_PART) & (model.rest[:, 2] > -0.03) & (np.abs(model.rest[:, 1]) < 0.11))
    radius = np.where(rng.random(3) < 0.25, rng.uniform(0.0008, 0.0022, 3), 1e-6)
    return np.column_stack([model.rest[rng.choice(front, 3)], radius])
