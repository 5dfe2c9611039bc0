"""Pictures of hair for the shaders, painted once a process: an atlas of locks for ribbons, and a nap for the scalp.

Both are always the same: they are sampled with a fixed seed. Red is a texel's cover, green its strand's lightness, blue
a random number of the strand (which strands have gone grey). Their numbers are by eye, on renders.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.ndimage import gaussian_filter

from fauxface.rendering.opengl.rasteriser import Texture

LOCKS = ("dense", "clumped", "wispy", "wavy", "curly", "braid", "rope", "coily")
"""Tiles of the atlas from left to right; roots are at v = 0."""
_WIDTH, _HEIGHT = 128, 256


@cache
def lock_atlas() -> Texture:
    """The atlas of `LOCKS`, (256, 1024, 3)."""
    rng = np.random.default_rng(1)
    painted = [
        _lock(rng, strands=84, clumps=9, gather=0.2, wander=0.02, waves=0.0, ends=0.97),
        _lock(rng, strands=64, clumps=5, gather=0.5, wander=0.04, waves=0.0),
        _lock(rng, strands=11, clumps=4, gather=0.3, wander=0.12, waves=0.0),
        _lock(rng, strands=76, clumps=7, gather=0.4, wander=0.05, waves=0.07),
        _lock(rng, strands=76, clumps=5, gather=0.55, wander=0.08, waves=0.16),
        _braid(rng),
        _rope(rng),
        _coils(rng),
    ]
    return Texture("hair locks", _to_bytes(np.concatenate(painted, axis=1)))


@cache
def nap() -> Texture:
    """Short hair seen from outside, (256, 256, 3), repeating; its red is spread evenly over 0–1."""
    rng = np.random.default_rng(2)
    octaves = [
        weight * _standard(gaussian_filter(rng.normal(size=(256, 256)), (3.5 * width, width), mode="wrap"))
        for width, weight in ((1.0, 1.0), (3.0, 0.4), (9.0, 0.15))
    ]
    height = np.sum(octaves, axis=0)
    rank = np.empty(height.size)
    rank[height.ravel().argsort()] = np.linspace(0, 1, height.size)
    lightness = 0.5 + 0.22 * _standard(gaussian_filter(rng.normal(size=(256, 256)), (9, 1.5), mode="wrap"))
    strand = 0.5 + 0.3 * _standard(gaussian_filter(rng.normal(size=(256, 256)), (12, 1.2), mode="wrap"))
    return Texture("hair nap", _to_bytes(np.stack([rank.reshape(256, 256), lightness, strand], axis=-1)))


def _standard(field: np.ndarray) -> np.ndarray:
    return (field - field.mean()) / field.std()


def _to_bytes(picture: np.ndarray) -> np.ndarray:
    return np.round(255 * picture.clip(0, 1)).astype(np.uint8)


def _lock(
    rng: np.random.Generator, strands: int, clumps: int, gather: float, wander: float, waves: float, ends: float = 0.85
) -> np.ndarray:
    """Strands side by side that run together in clumps towards their tips; lengths in shares of the tile's width.

    ``ends`` is where about the longest of them end, as a share of the tile's height.
    """
    picture = np.zeros((_HEIGHT, _WIDTH, 3))
    along = np.linspace(0, 1, _HEIGHT)
    centres = 0.14 + 0.72 * (np.arange(clumps) + rng.uniform(0.2, 0.8, clumps)) / clumps
    phases, swings = rng.uniform(0, 2 * np.pi, clumps), rng.uniform(2.0, 4.0, clumps)
    lasts, lights = ends + rng.uniform(-0.1, 0.02, clumps), rng.uniform(0.28, 0.72, clumps)
    columns = np.arange(-5, 6)
    rows = np.arange(_HEIGHT)[:, None]
    for _ in range(strands):
        clump = rng.integers(clumps)
        # dense in the middle, single strands beside: neighbours run into each other
        root = 0.08 + 0.84 * rng.beta(2.2, 2.2)
        pull = gather * np.clip(along * 1.6, 0, 1) + (1 - gather) * 0.15 * along
        centre = root + (centres[clump] + rng.normal(0, 0.018) - root) * pull
        centre = centre + waves * along**0.7 * np.sin(phases[clump] + 2 * np.pi * swings[clump] * along)
        centre = centre + wander * along * np.sin(rng.uniform(0, 6.3) + rng.uniform(2, 7) * along)
        end = lasts[clump] * rng.uniform(0.75, 1.0) * (1 - 0.9 * (root - 0.5) ** 2)
        half = rng.uniform(0.7, 1.5) * np.sqrt(np.clip((end - along) / 0.3, 0, 1))
        middle = centre.clip(0.07, 0.93) * _WIDTH
        pixel = np.round(middle).astype(int)[:, None] + columns
        cover = np.clip(half[:, None] + 0.5 - np.abs(pixel - middle[:, None]), 0, 1)
        old = picture[rows, pixel]
        light, strand = np.clip(lights[clump] + rng.normal(0, 0.18), 0, 1), rng.random()
        rounded = light * (1 - 0.25 * np.abs(columns) / 3)
        new = np.stack(np.broadcast_arrays(np.maximum(old[..., 0], cover), rounded[None], strand), axis=-1)
        picture[rows, pixel] = np.where(cover[..., None] > 0.4, new, old)
        picture[rows, pixel, 0] = np.maximum(old[..., 0], cover)
    return _bled(picture)


def _bled(picture: np.ndarray) -> np.ndarray:
    """Fill gaps between the strands with their colours, so that smaller mip levels do not go dark."""
    weight = picture[..., :1] + 1e-4
    around = [gaussian_filter(picture[..., k] * weight[..., 0], 6) for k in (1, 2)]
    filled = np.stack(around, axis=-1) / (gaussian_filter(weight[..., 0], 6)[..., None] + 1e-6)
    picture[..., 1:] = np.where(weight > 0.5, picture[..., 1:], filled)
    return picture


def _braid(rng: np.random.Generator) -> np.ndarray:
    """Three plaits, seen as a herring-bone of bulges."""
    v, u = np.meshgrid(np.linspace(0, 9, _HEIGHT), np.linspace(-1.25, 1.25, _WIDTH), indexing="ij")
    side = np.where(u < 0, 0.0, 0.5)
    turn = (v + side + 0.55 * np.abs(u)) % 1.0
    bulge = np.sin(np.pi * turn) ** 0.6
    half = (0.55 + 0.38 * bulge) * np.clip(8.6 - v, 0.0, 1)
    fine = gaussian_filter(rng.normal(size=u.shape), (1, 2))
    light = 0.1 + 0.6 * bulge * np.sqrt(np.clip(1 - (u / 1.1) ** 2, 0, 1)) + 1.2 * fine
    return np.stack([np.clip((half - np.abs(u)) * 8 + 0.5, 0, 1), light, 0.5 + 2 * fine], axis=-1)


def _rope(rng: np.random.Generator) -> np.ndarray:
    """A felted rope of hair."""
    v, u = np.meshgrid(np.linspace(0, 1, _HEIGHT), np.linspace(-1.3, 1.3, _WIDTH), indexing="ij")
    rough = _standard(gaussian_filter(rng.normal(size=(_HEIGHT, 1)), (5, 0))) * 0.07
    lumps = _standard(gaussian_filter(rng.normal(size=u.shape), (5, 7)))
    half = (0.75 + rough) * np.clip((0.92 - v) * 14, 0, 1) ** 0.5
    light = 0.15 + 0.55 * np.sqrt(np.clip(1 - u**2, 0, 1)) + 0.13 * lumps
    return np.stack([np.clip((half - np.abs(u)) * 6 + 0.5, 0, 1), light, 0.5 + 0.2 * lumps], axis=-1)


def _coils(rng: np.random.Generator) -> np.ndarray:
    """Many small rings of tightly coiled hair in a patch without straight edges."""
    v, u = np.meshgrid(np.linspace(-1, 1, _HEIGHT), np.linspace(-1, 1, _WIDTH), indexing="ij")
    picture = np.zeros((_HEIGHT, _WIDTH, 3))
    for _ in range(190):
        # dense in the middle, single rings at the rim
        away, turn = 0.8 * rng.random() ** 0.8, rng.uniform(0, 6.3)
        x, y, radius = away * np.cos(turn), away * np.sin(turn), rng.uniform(0.04, 0.12)
        ring = np.abs(np.hypot(u - x, (v - y) * 1.0) - radius)
        inside = ring < 0.03
        picture[inside] = [1.0, np.clip(rng.normal(0.5, 0.22), 0, 1), rng.random()]
    picture[..., 0] = gaussian_filter(picture[..., 0], 0.7)
    return _bled(picture)


@cache
def brow_hairs() -> Texture:
    """Hairs of four brows one above the other, (512, 512, 3), u from the inner end to the outer, v up.

    Red is low where hairs lie, so that a threshold sets the density of a brow; green is their lightness. Hairs stand up
    at the inner end, lean outwards in the middle and come down from above along the tail.
    """
    rng = np.random.default_rng(4)
    bands = []
    for _ in range(4):
        band = np.zeros((128, 512))
        light = np.full((128, 512), 0.5)
        along = np.linspace(0, 1, 120)[:, None]
        for _ in range(330):
            start = rng.uniform(-0.02, 0.95)
            lean = np.interp(start, [0, 0.2, 0.6, 1], [0.02, 0.10, 0.16, 0.14]) * rng.uniform(0.7, 1.2)
            below = rng.random() < np.interp(start, [0, 0.4, 1], [1.0, 0.7, 0.4])
            rise = np.interp(start, [0, 0.3, 1], [0.75, 0.5, 0.3]) * rng.uniform(0.7, 1.2) * (1 if below else -1)
            root = rng.uniform(0.05, 0.7) if below else rng.uniform(0.45, 0.95)
            u = (start + lean * along**0.9) * 512
            v = (root + rise * (along - 0.35 * along**2)) * 128
            rows, columns = np.round(v).astype(int).clip(0, 127), np.round(u).astype(int).clip(0, 511)
            band[rows, columns] += 1.0 - 0.6 * along
            light[rows, columns] = np.clip(rng.normal(0.5, 0.18), 0, 1)
        # tufts are seen where single hairs are not
        dense = _standard(gaussian_filter(band, (0.9, 1.1))) + 0.6 * _standard(gaussian_filter(band, (6, 12)))
        rank = np.empty(dense.size)
        rank[(-dense).ravel().argsort()] = np.linspace(0, 1, dense.size)
        bands.append(np.stack([rank.reshape(dense.shape), light, light], axis=-1))
    return Texture("brow hairs", _to_bytes(np.concatenate(bands)))
