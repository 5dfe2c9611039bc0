"""Fine detail that tiles the skin and fills the iris, made once a process: look-ups are cheaper than noise.

Its numbers are by eye, on renders.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.ndimage import gaussian_filter, maximum_filter

from fauxface.rendering.opengl.rasteriser import Texture

SPOTS_TILE, PORES_TILE = 0.064, 0.018
"""Sides of the tiles on the skin, metres."""
PORE_SLOPE = 0.6
"""Height gradient of the pores' extremes."""
_SIZE = 256


def _noise(rng: np.random.Generator, sigma: float | tuple[float, float], size: int = _SIZE) -> np.ndarray:
    """Smooth noise (size, size) that tiles, of unit variance."""
    field = gaussian_filter(rng.standard_normal((size, size)), sigma, mode="wrap")
    return field / field.std()


def _bytes(*channels: np.ndarray) -> np.ndarray:
    return np.clip(np.stack(channels, axis=-1) * 255 + 0.5, 0, 255).astype(np.uint8)


@cache
def spots_map() -> Texture:
    """R melanin's and G blood's mottling about 0.5 (a quarter a standard deviation's double), B freckles, A stubble."""
    rng = np.random.default_rng(2)
    scale = _SIZE / SPOTS_TILE  # texels a metre
    melanin = 0.7 * _noise(rng, 0.004 * scale) + 0.5 * _noise(rng, 0.0015 * scale) + 0.4 * _noise(rng, 0.0006 * scale)
    blood = 0.8 * _noise(rng, 0.003 * scale) + 0.5 * _noise(rng, 0.001 * scale) + 0.35 * _noise(rng, 0.0005 * scale)
    freckles = np.zeros((_SIZE, _SIZE))
    yy, xx = np.mgrid[:_SIZE, :_SIZE]
    for cx, cy, radius, strength in zip(
        *rng.uniform(0, _SIZE, (2, 420)), rng.gamma(6, 0.00013 * scale, 420), rng.uniform(0.3, 1, 420), strict=True
    ):
        away = np.hypot((xx - cx + _SIZE / 2) % _SIZE - _SIZE / 2, (yy - cy + _SIZE / 2) % _SIZE - _SIZE / 2)
        freckles = np.maximum(freckles, strength * np.exp(-((away / radius) ** 3)))
    stubble = np.clip(0.5 + 0.22 * _noise(rng, 0.6), 0, 1)
    return Texture("skin_spots", _bytes(0.5 + 0.13 * melanin, 0.5 + 0.13 * blood, freckles, stubble))


@cache
def pores_map() -> Texture:
    """R and G gradient of pores and fine lines along the tile (0.5 is none), B their cavity, A lip lines' gradient."""
    rng = np.random.default_rng(3)
    points = np.zeros((_SIZE, _SIZE))
    points[tuple(rng.integers(0, _SIZE, (2, 700)))] = rng.uniform(0.4, 1, 700)
    pits = gaussian_filter(maximum_filter(points, 3, mode="wrap"), 1.6, mode="wrap")
    pits = pits / pits.max()
    # skin is crossed by two families of faint furrows
    furrows = np.minimum(np.abs(_noise(rng, (1.5, 4))), 1.2) + np.minimum(np.abs(_noise(rng, (4, 1.5))), 1.2)
    height = 0.22 * furrows - 1.3 * pits + 0.15 * _noise(rng, 3)
    dy, dx = (np.roll(height, -1, a) - np.roll(height, 1, a) for a in (0, 1))
    lines = np.minimum(np.abs(_noise(rng, (26, 3.0))), 1.0) + 0.3 * _noise(rng, (8, 2))
    across = np.roll(lines, -1, 1) - np.roll(lines, 1, 1)
    return Texture("skin_pores", _bytes(0.5 + 0.55 * dx, 0.5 + 0.55 * dy, pits * 1.5, 0.5 + 0.6 * across))


@cache
def iris_map() -> Texture:
    """(around, pupil → rim): R fibres, G ring about the pupil, B crypts and flecks, A veins of the white."""
    rng = np.random.default_rng(4)
    height, width = 64, 512
    fibres = _around(rng.standard_normal((height, width)), (9, 1.2))
    fine = _around(rng.standard_normal((height, width)), (16, 0.7))
    fibres = 0.5 + 0.18 * fibres / fibres.std() + 0.1 * fine / fine.std()
    wavy = gaussian_filter(rng.standard_normal(width), 9, mode="wrap")
    ring_at = 0.3 + 0.06 * wavy / np.abs(wavy).max()
    rows = (np.arange(height) + 0.5)[:, None] / height
    ring = np.exp(-(((rows - ring_at) / 0.1) ** 2))
    flecks = _around(rng.standard_normal((height, width)), (3, 3))
    flecks = np.clip(flecks / flecks.std() - 0.9, 0, 1)
    veins = _veins(rng, width, height)
    return Texture("iris", _bytes(fibres, ring, flecks, veins))


def _around(field: np.ndarray, sigma: float | tuple[float, float]) -> np.ndarray:
    """Smoothed, closing in a ring along the second axis."""
    return gaussian_filter(field, sigma, mode=["nearest", "wrap"])  # pyright: ignore[reportArgumentType]


def _veins(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """Threads (height, width) that wander from the rim of the white (last row) towards the iris (first row)."""
    image = np.zeros((height, width))
    for _ in range(46):
        column, strength = rng.uniform(0, width), rng.uniform(0.4, 1)
        drift = rng.normal(0, 0.5)
        for row in range(height - 1, int(rng.uniform(0.1, 0.8) * height), -1):
            drift = 0.9 * drift + rng.normal(0, 0.5)
            column += drift
            image[row, int(column) % width] = max(image[row, int(column) % width], strength * (row / height) ** 0.7)
    return np.clip(_around(image, 0.8) * 2.2, 0, 1)
