"""Materials of things worn and of occluders: cloth, paint, metal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fauxface.rendering.opengl.rasteriser import Texture

GOLD, SILVER = (0.8, 0.62, 0.30), (0.78, 0.77, 0.75)
"""Albedo of jewellery's metals, linear RGB, by eye."""
_DYES: tuple[tuple[float, tuple[float, float, float], float], ...] = (
    (0.22, (0.014, 0.014, 0.015), 0.5),  # black, charcoal
    (0.15, (0.58, 0.57, 0.54), 0.15),  # white, cream
    (0.14, (0.17, 0.17, 0.18), 0.5),  # grey
    (0.13, (0.018, 0.025, 0.055), 0.4),  # navy
    (0.09, (0.075, 0.115, 0.19), 0.45),  # denim, pale blue
    (0.07, (0.36, 0.29, 0.20), 0.3),  # beige
    (0.05, (0.085, 0.055, 0.036), 0.4),  # brown
    (0.03, (0.075, 0.082, 0.045), 0.35),  # olive
    (0.03, (0.10, 0.022, 0.030), 0.4),  # burgundy
    (0.03, (0.36, 0.21, 0.22), 0.3),  # dusty pink
    (0.03, (0.30, 0.030, 0.035), 0.25),  # red
    (0.01, (0.030, 0.10, 0.065), 0.4),  # green
    (0.01, (0.035, 0.09, 0.32), 0.3),  # blue
    (0.01, (0.50, 0.30, 0.06), 0.25),  # yellow
)
"""Dyes of clothes: share, albedo (linear RGB) and standard deviation of its logarithm, by eye: most clothes are black,
white, grey, blue or earthen, and 6 % have a strong colour."""


@dataclass(frozen=True)
class Material:
    """Colour, roughness and texture of a surface.

    Attributes:
        colour: (3,) linear RGB; a texture is multiplied by it.
        roughness: 0 mirror … 1 chalk.
        metal: 0 dielectric … 1 metal.
        shine: strength of the dielectric's gloss; 1 is polished plastic, 0.3 cloth.
        wrap: (3,) reach of light beyond the terminator, as under skin or in thin cloth.
        weave: threads a unit of uv, a knitted or woven pattern; 0 is smooth.
        opacity: 0–1; below 1 only on blended things.
        image: RGBA texture; nothing is drawn where its alpha is below a half.
    """

    colour: np.ndarray
    roughness: float = 0.6
    metal: float = 0.0
    shine: float = 1.0
    wrap: tuple[float, float, float] = (0.05, 0.05, 0.05)
    weave: float = 0.0
    opacity: float = 1.0
    image: Texture | None = None


def paint(rng: np.random.Generator) -> np.ndarray:
    """Sample the albedo (3,) of plastic, lacquer or print, linear RGB: any hue, mostly dull or dark."""
    turn, light, vivid = rng.random(3)
    hue = 1 + 0.9 * vivid**1.5 * np.cos(2 * np.pi * (turn - np.arange(3) / 3))
    return np.clip((0.01 + 0.55 * light**1.6) * hue, 0.004, 0.8)


def cloth(rng: np.random.Generator, weave: float = 0.0) -> Material:
    """Sample a cloth; dark and grey ones are the more common."""
    return Material(cloth_colour(rng), float(rng.uniform(0.75, 0.95)), shine=0.3, wrap=(0.1, 0.1, 0.1), weave=weave)


def cloth_colour(rng: np.random.Generator) -> np.ndarray:
    """Sample the albedo (3,) of a dyed cloth, linear RGB."""
    kind = int(rng.choice(len(_DYES), p=[share for share, *_ in _DYES]))
    _, dye, spread = _DYES[kind]
    return np.clip(np.array(dye) * np.exp(rng.normal(0, 0.08, 3)) * np.exp(rng.normal(0, spread)), 0.004, 0.8)
