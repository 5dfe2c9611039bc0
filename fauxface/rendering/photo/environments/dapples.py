"""Unsharp shadows of things between a lamp and a head: leaves, blinds, a window's bars."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from fauxface.rendering.opengl.rasteriser import Texture
from fauxface.rendering.photo.environments.pictures import fractal

_SIZE = 128
_COUNT = 6
SPAN = 0.5
"""Width of a pattern, after which it repeats, metres; sizes and shares here are by eye."""


@cache
def dapples(kind: str, number: int) -> Texture:
    """Share of the lamp's light that passes, a repeating picture of about `SPAN` metres.

    Args:
        kind: ``leaves``, ``blinds`` or ``bars``.
        number: which of the kind.
    """
    rng = np.random.default_rng([number, len(kind)])
    if kind == "leaves":
        grown = fractal(rng, _SIZE, _SIZE, rng.uniform(0.55, 0.8), 2)
        passes = np.clip((grown - rng.uniform(0.42, 0.58)) * rng.uniform(8, 20) + 0.5, 0, 1)
    elif kind == "blinds":
        rows = (np.arange(_SIZE) * rng.integers(5, 13) / _SIZE) % 1
        passes = np.repeat((rows < rng.uniform(0.35, 0.7)).astype(np.float32)[:, None], _SIZE, 1)
    else:
        passes = np.ones((_SIZE, _SIZE), np.float32)
        wide = int(rng.integers(6, 22))
        passes[:wide] = passes[:, : int(wide * rng.uniform(0.5, 1.5))] = 0
    tiled = cv2.GaussianBlur(np.tile(passes.astype(np.float32), (3, 3)), (0, 0), float(rng.uniform(0.8, 3.5)))
    light = tiled[_SIZE : 2 * _SIZE, _SIZE : 2 * _SIZE, None]
    return Texture(f"dapples-{kind}-{number}", (light * 255 + 0.5).astype(np.uint8))


def sample_dapples(rng: np.random.Generator, place: str) -> tuple[Texture, np.ndarray] | None:
    """Sample a pattern for a sharp lamp at a place, its scale (2,) and shift (2,); None where nothing stands there."""
    kinds = {"park": ("leaves", 0.4), "street": ("leaves", 0.15), "country": ("leaves", 0.1), "wall": ("leaves", 0.25)}
    kind, share = kinds.get(place, ("blinds" if rng.random() < 0.5 else "bars", 0.08))
    if rng.random() >= share:
        return None
    scale = rng.uniform(0.6, 1.6) * rng.choice([-1, 1], 2)
    return dapples(kind, int(rng.integers(_COUNT))), np.array([*scale, *rng.uniform(0, 1, 2)])
