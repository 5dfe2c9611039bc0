"""Colours and materials of a person, and the light on them: everything that the shaders need to be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fauxface.rendering.brows import Brows, draw_brows
from fauxface.rendering.head import HeadModel, Posed
from fauxface.rendering.identity import Identity
from fauxface.rendering.recipe import Recipe

_MELANIN = np.array([0.95, 1.25, 1.55])
_BLOOD = np.array([0.10, 0.70, 0.55])
_FAIR = np.array([0.78, 0.60, 0.50])
"""Albedo of skin with hardly any pigment, and absorption of melanin and blood, linear RGB (fitted by eye)."""
_HAIRS = {
    "black": (0.012, 0.010, 0.009),
    "dark brown": (0.035, 0.020, 0.012),
    "brown": (0.09, 0.05, 0.026),
    "blond": (0.42, 0.29, 0.14),
    "light blond": (0.62, 0.50, 0.32),
    "red": (0.30, 0.09, 0.03),
}
_IRISES = {
    "dark brown": (0.035, 0.017, 0.008),
    "brown": (0.11, 0.05, 0.02),
    "hazel": (0.17, 0.12, 0.05),
    "green": (0.12, 0.17, 0.09),
    "blue": (0.12, 0.22, 0.36),
    "grey": (0.20, 0.23, 0.26),
}


@dataclass(frozen=True)
class Look:
    """A person's colours, as uniforms of the shaders ``face`` and ``hair``, the brows, and what the label file says."""

    face: dict[str, Any]
    hair: dict[str, Any]
    brows: Brows
    summary: dict[str, Any]


def draw_look(rng: np.random.Generator, recipe: Recipe, identity: Identity, model: HeadModel) -> Look:
    """Random colours that go with the person's ancestry, age and gender."""
    african, asian, _ = identity.ancestry
    tone = float(np.clip(0.25 + 1.35 * african + 0.3 * asian + rng.normal(0, 0.25), 0.0, 2.2))
    blood = float(np.clip(rng.normal(0.15, 0.1), 0, 0.5))
    skin = _FAIR * np.exp(-tone * _MELANIN - blood * _BLOOD) * rng.uniform(0.88, 1.1)
    dark_share = np.clip(african + asian + rng.normal(0, 0.15), 0, 1)
    hair_name = _pick(rng, _HAIRS, [0.7, 0.27, 0.03, 0, 0, 0], [0.1, 0.25, 0.3, 0.18, 0.1, 0.07], dark_share)
    iris_name = _pick(rng, _IRISES, [0.75, 0.23, 0.02, 0, 0, 0], [0.1, 0.25, 0.15, 0.12, 0.28, 0.1], dark_share)
    hair = np.array(_HAIRS[hair_name]) * np.exp(rng.normal(0, 0.25, 3) * [1, 0.6, 0.6])
    if rng.random() < 0.03:
        hair = rng.random(3) ** 2 * 0.6  # dyed
    female, adult = identity.gender < 0.5, identity.age > 17
    grey = float(np.clip((identity.age - 35 - rng.uniform(0, 35)) / 25, 0, 1)) if rng.random() < 0.8 else 0.0
    greyed = hair * (1 - grey) + grey * np.array([0.5, 0.49, 0.48]) * rng.uniform(0.6, 1)
    made_up = female and adult and rng.random() < 0.5
    lips = np.exp(-np.array([0.15, 0.75, 0.55]) * rng.uniform(0.4, 1.1))
    if made_up and rng.random() < 0.7:
        lips = np.array([1.0, rng.uniform(0.15, 0.5), rng.uniform(0.2, 0.6)]) * rng.uniform(0.5, 1.0)
    bearded = not female and adult and rng.random() < recipe.beard
    beard_shape = _draw_beard(rng) if bearded else np.zeros(4)
    beard_length = float(rng.random()) if bearded else 0.0
    brows = draw_brows(rng, female)
    brow = greyed * rng.uniform(0.5, 1.0) * (0.7 if hair.mean() > 0.1 else 1.0)
    face = {
        "skin": skin,
        "melanin": np.exp(-_MELANIN),
        "blood": np.exp(-_BLOOD),
        "freckles": float(rng.uniform(0, 1.2) if tone < 0.5 and rng.random() < 0.15 else 0),
        "redness": float(rng.uniform(0.1, 0.9)),
        "skin_detail": float(rng.uniform(0.1, 0.3) + identity.age / 500),
        "oil": float(rng.uniform(0, 1)),
        "age": float(np.clip((identity.age - 30) / 50, 0, 1)),
        "hair_colour": greyed * rng.uniform(0.6, 1),
        "brow_colour": brow,
        "brow_density": float(np.clip(rng.normal(0.85, 0.2) - (0.35 if identity.age < 6 else 0), 0.2, 1.1)),
        **brows.uniforms(),
        "beard_density": float(0.35 + 0.75 * beard_length) if bearded else 0.0,
        "beard_length": beard_length,
        "beard_shape": beard_shape,
        "lips": lips,
        "lip_gloss": float(rng.uniform(0, 2.5) if made_up else rng.uniform(0, 0.8)),
        "eye_makeup": np.array([*(rng.random(3) ** 2 * 0.5), rng.uniform(0.1, 0.6) if made_up else 0.0]),
        "iris": np.array(_IRISES[iris_name]) * rng.uniform(0.7, 1.4),
        "iris_size": np.array([rng.uniform(0.40, 0.47), rng.uniform(0.3, 0.6)]),
        "sclera": float(rng.uniform(0.75, 1.0)),
        "teeth": np.array([0.75, 0.70, 0.60]) * rng.uniform(0.7, 1.1) * [1, 1, rng.uniform(0.8, 1.1)],
        "lash": float(rng.uniform(0.6, 1.0) if made_up else rng.uniform(0.1, 0.6)),
        "seed": float(rng.uniform(0, 50)),
        **_draw_clothes(rng),
        **_places(model),
    }
    strands = {"hair_colour": hair, "grey": grey, "hair_shine": float(rng.uniform(0.1, 1.0)), "seed": face["seed"]}
    summary = {"skin_tone": tone, "hair": hair_name, "grey": grey, "iris": iris_name, "beard": bool(bearded)}
    return Look(face, strands, brows, summary)


def eye_uniforms(posed: Posed, rotation: np.ndarray, translation: np.ndarray) -> dict[str, Any]:
    """Uniforms of the eyes in the camera frame."""
    return {
        "eye_centre": np.stack([rotation @ eye.centre + translation for eye in posed.eyes]),
        "eye_gaze": np.stack([rotation @ eye.gaze for eye in posed.eyes]),
        "eye_radius": np.array([eye.radius for eye in posed.eyes]),
        "eye_up": rotation @ np.array([0.0, 1.0, 0.0]),
        "eye_right": rotation @ np.array([1.0, 0.0, 0.0]),
    }


def draw_light(rng: np.random.Generator, surroundings: np.ndarray) -> dict[str, Any]:
    """Random light (uniforms of ``light.glsl``): the surroundings (6, 3) and one to three lamps, camera frame."""
    ambient = surroundings.mean(0) * 0.4 + surroundings * 0.6
    ambient = ambient / max(float(ambient.mean()), 0.02)
    ambient *= np.array([1, 1, rng.uniform(0.4, 1), rng.uniform(1, 1.8), 1, 1])[:, None] * rng.uniform(0.15, 0.6)
    tint = np.exp(rng.normal(0, 0.12) * np.array([1.0, 0.1, -1.2]))
    lamps = [_direction(rng, rng.normal(0, 55), rng.uniform(-15, 70)) for _ in range(3)]
    key = tint * rng.uniform(0.25, 1.4)
    fills = [
        np.exp(rng.normal(0, 0.2, 3)) * (rng.uniform(0.05, 0.5) if rng.random() < 0.6 else 0.0),
        np.exp(rng.normal(0, 0.3, 3)) * (rng.uniform(0.1, 0.9) if rng.random() < 0.25 else 0.0),
    ]
    rim = _direction(rng, rng.choice([-1, 1]) * rng.uniform(100, 165), rng.uniform(-10, 50))
    return {
        "key_direction": lamps[0],
        "key_colour": key,
        "fill_direction": np.stack([lamps[1], rim]),
        "fill_colour": np.stack(fills),
        "ambient": ambient,
        "shadow_softness": float(np.exp(rng.uniform(np.log(0.002), np.log(0.016)))),
    }


def _direction(rng: np.random.Generator, azimuth: float, height: float) -> np.ndarray:
    """Unit vector towards a lamp at an azimuth from the camera's side and a height, degrees."""
    a, h = np.radians(azimuth), np.radians(height)
    return np.array([np.sin(a) * np.cos(h), -np.sin(h), -np.cos(a) * np.cos(h)])


def _pick(rng: np.random.Generator, names: dict, dark: list[float], fair: list[float], share: float) -> str:
    """One of the names, by the frequencies among dark and among fair people mixed by ``share``."""
    return str(rng.choice(list(names), p=np.array(dark) * share + np.array(fair) * (1 - share)))


def _draw_beard(rng: np.random.Generator) -> np.ndarray:
    kinds = [(1, 1, 1), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0.7, 0.8, 0.7)]
    chosen = kinds[rng.choice(len(kinds), p=[0.45, 0.15, 0.15, 0.05, 0.2])]
    return np.array([*chosen, rng.random()]) * [*(rng.uniform(0.7, 1, 3)), 1]


def _draw_clothes(rng: np.random.Generator) -> dict[str, Any]:
    def cloth() -> np.ndarray:
        return np.clip(rng.beta(0.9, 1.8) * np.exp(rng.normal(0, 0.5, 3)), 0.005, 0.9)

    neckline = rng.choice(["crew", "v", "turtle", "wide"], p=[0.5, 0.25, 0.1, 0.15])
    collar = {
        "crew": [rng.uniform(-0.175, -0.15), rng.uniform(0.0, 0.3), 0.55, 0.0],
        "v": [rng.uniform(-0.175, -0.15), 0.2, 0.55, rng.uniform(0.03, 0.09)],
        "turtle": [rng.uniform(-0.135, -0.12), 0.0, 0.5, 0.0],
        "wide": [rng.uniform(-0.21, -0.18), rng.uniform(0.0, 0.25), 0.5, 0.0],
    }[str(neckline)]
    return {
        "collar": np.array(collar),
        "cloth_colour": np.stack([cloth(), cloth()]),
        "cloth_pattern": np.array([float(rng.choice([0, 1, 2, 3], p=[0.55, 0.15, 0.15, 0.15])), rng.uniform(20, 110)]),
    }


def _places(model: HeadModel) -> dict[str, Any]:
    points = model.landmarks @ model.rest
    return {
        "mouth_height": float(points[[60, 62, 64, 66], 1].mean()),
        "nose_heights": np.array([points[27, 1], points[33, 1]]),
    }
