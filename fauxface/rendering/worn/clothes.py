"""Clothes about neck and shoulders: cloth painted on the body's own surface, and collars, lapels, ties over it.

Shares, necklines and folds are by eye, on renders.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import ndimage

from fauxface.rendering.opengl.rasteriser import Texture
from fauxface.rendering.worn.base import Dress, Neckline, Thing
from fauxface.rendering.worn.fit import Fit
from fauxface.rendering.worn.materials import Material, cloth_colour
from fauxface.rendering.worn.shapes import Shape, merged, sheet, tube
from fauxface.segmentation import Segment

PATTERNS = 24
"""Number of printed and woven patterns."""
_WORN = np.tile([0.24, 0.12, 0.22, 0.05, 0.08, 0.16, 0.06, 0.07], PATTERNS // 8) / (PATTERNS // 8)
"""Share of each pattern, by eye, see `pattern`: stripes, checks and mottled yarn are more common than blots."""
_SIZE = 128

KINDS = {
    "T-shirt": 0.26,
    "V-neck": 0.12,
    "turtleneck": 0.05,
    "wide neck": 0.08,
    "vest top": 0.07,
    "bare shoulders": 0.03,
    "shirt": 0.15,
    "polo shirt": 0.05,
    "suit": 0.09,
    "hoodie": 0.06,
    "jacket": 0.04,
}
"""Kinds of dress and their shares; bare shoulders are rarer on men, suits on women."""


def sample_dress(rng: np.random.Generator, fit: Fit, female: bool, free_neck: bool) -> Dress:
    """Sample clothes; where something else is about the neck (``free_neck`` false), they have no collar."""
    names, shares = list(KINDS), np.array(list(KINDS.values()))
    shares = shares * [1, 1, 1, 1, 1, 1 if female else 0.15, 1, 1, 0.5 if female else 1.4, 1, 1]
    name = str(rng.choice(names, p=shares / shares.sum()))
    u = rng.uniform
    neckline = {
        "T-shirt": Neckline(u(-0.205, -0.188), u(0.05, 0.25)),
        "V-neck": Neckline(u(-0.205, -0.188), u(0.1, 0.25), vee=u(0.03, 0.08)),
        "turtleneck": Neckline(u(-0.165, -0.145), 0.0, 0.5),
        "wide neck": Neckline(u(-0.235, -0.215), u(0.05, 0.25)),
        "vest top": Neckline(u(-0.27, -0.245), 0.0, 0.5, strap=u(0.06, 0.085)),
        "bare shoulders": Neckline(u(-0.30, -0.26), 0.0, 0.2),
        "shirt": Neckline(u(-0.195, -0.183), 0.1, vee=float(rng.choice([0.0, u(0.03, 0.09)])), vee_width=0.035),
        "polo shirt": Neckline(u(-0.195, -0.183), 0.1, vee=u(0.02, 0.06), vee_width=0.03),
        "suit": Neckline(u(-0.195, -0.185), 0.1),
        "hoodie": Neckline(u(-0.205, -0.19), 0.15),
        "jacket": Neckline(u(-0.205, -0.19), 0.1),
    }[name]
    first, second = cloth_colour(rng), cloth_colour(rng)
    shirt = np.clip(np.array([0.75, 0.77, 0.8]) * np.exp(rng.normal(0, 0.15, 3)), 0, 0.9)
    if name == "shirt" and rng.random() < 0.5:
        first = shirt
    elif name == "suit" and rng.random() < 0.7:
        first = np.full(3, rng.uniform(0.006, 0.06)) * np.exp(rng.normal(0, 0.15, 3))
    plain = name in ("suit", "hoodie", "jacket") or rng.random() < 0.55
    uniforms = {
        "cloth_colour": np.stack([first, first if plain else second]),
        "cloth_map": pattern(int(rng.choice(PATTERNS, p=_WORN))),
        "cloth_scale": float(rng.uniform(3, 9)),
    }
    things: list[Thing] = []
    if free_neck:
        if name in ("shirt", "polo shirt"):
            things = _collar(rng, fit, first, neckline.vee)
        elif name == "suit":
            things = _collar(rng, fit, shirt, 0.0) + _lapels(rng, fit, female, first, shirt)
        elif name in ("hoodie", "jacket"):
            things = _soft_collar(rng, fit, first if name == "hoodie" else second, name == "hoodie")
    return Dress(neckline, uniforms, things, name)


@cache
def pattern(number: int) -> Texture:
    """A repeating pattern: share of the second colour, lightness of the weave, and the folds' two slopes."""
    rng = np.random.default_rng(number)
    v, u = np.meshgrid(np.arange(_SIZE) / _SIZE, np.arange(_SIZE) / _SIZE, indexing="ij")
    count = int(rng.integers(3, 12))
    kind = number % 8
    across, along = np.sin(2 * np.pi * count * u), np.sin(2 * np.pi * count * v)
    cloud = _cloud(rng, 6.0)
    dots = np.hypot((u * count) % 1 - 0.5, (v * count) % 1 - 0.5) < rng.uniform(0.15, 0.35)
    share = [
        along > rng.uniform(-0.3, 0.7),
        across > rng.uniform(-0.3, 0.7),
        0.5 * (across > 0.2) + 0.5 * (along > 0.2),
        cloud > 0.1,
        dots,
        0.5 + 0.3 * _cloud(rng, 2.0),
        (np.sin(2 * np.pi * (count * v + 0.15 * np.abs((u * count) % 1 - 0.5))) > 0),
        np.hypot(_cloud(rng, 3.0), _cloud(rng, 3.0)) < 0.6,
    ][kind]
    weave = 0.8 + 0.06 * rng.normal(size=u.shape) + 0.05 * np.sin(2 * np.pi * 42 * u) * np.sin(2 * np.pi * 42 * v)
    folds = _folds(rng)
    slopes = [ndimage.sobel(folds, axis, mode="wrap") for axis in (1, 0)]
    packed = [share, weave, *(0.502 + 0.5 * s / np.abs(s).max() for s in slopes)]
    pixels = np.stack([np.clip(np.asarray(p, float), 0, 1) * 255 for p in packed], -1).round().astype(np.uint8)
    return Texture(f"cloth-{number}", pixels)


def _folds(rng: np.random.Generator) -> np.ndarray:
    """Heights (_SIZE, _SIZE) of cloth that hangs: sharp crests and wide valleys, most of them down or slanting down."""
    height = 0.5 * _cloud(rng, 10.0)
    for slant, weight in ((0, 0.7), (1, 0.6), (-1, 0.6)):
        family = _cloud(rng, (16.0, 4.5)) + 0.35 * _cloud(rng, (8.0, 2.5))
        # each row shifted by one more texel: slanted, and still without a seam
        family = np.stack([np.roll(row, slant * i) for i, row in enumerate(family)])
        height += weight * np.exp(-1.6 * np.abs(family)) * (0.5 + 0.5 * np.tanh(2 * _cloud(rng, 14.0)))
    return ndimage.gaussian_filter(height, 1.0, mode="wrap")


def _cloud(rng: np.random.Generator, width: float | tuple[float, float]) -> np.ndarray:
    blurred = ndimage.gaussian_filter(rng.normal(size=(_SIZE, _SIZE)), width, mode="wrap")
    return blurred / blurred.std()


def _around(fit: Fit, level: np.ndarray, azimuth: np.ndarray, out: float | np.ndarray) -> np.ndarray:
    """Points (rows, columns, 3) over the neck and shoulders, ``out`` metres off the skin."""
    level, azimuth = np.broadcast_arrays(level, azimuth)
    skin = fit.on_neck(level, azimuth)
    step = 0.02
    down = fit.on_neck(level + step, azimuth) - fit.on_neck(level - step, azimuth)
    side = fit.on_neck(level, azimuth + 0.1) - fit.on_neck(level, azimuth - 0.1)
    normal = np.cross(down, side)
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-9)
    return skin + normal * np.broadcast_to(out, level.shape)[..., None]


def _cloth(shape: Shape, colour: np.ndarray, weave: float = 0.0) -> Thing:
    material = Material(colour, 0.9, shine=0.25, wrap=(0.1, 0.1, 0.1), weave=weave)
    return Thing.of(shape, material, Segment.CLOTHING)


def _columns(gap: float, count: int = 33) -> np.ndarray:
    """Azimuths from the wearer's left of the front around the back to the right of the front."""
    return np.linspace(gap, 2 * np.pi - gap, count)


def _collar(rng: np.random.Generator, fit: Fit, colour: np.ndarray, opened: float) -> list[Thing]:
    """A shirt's collar: it stands about the neck and folds down to two points in front."""
    gap = 0.1 + 6.0 * opened * 0.6
    azimuth = _columns(gap)[None]
    front = (0.5 + 0.5 * np.cos(azimuth)) ** 2
    low = 0.24 + 0.17 * front
    tall = rng.uniform(0.10, 0.15)
    inner = _around(fit, low, azimuth, 0.006)
    top = _around(fit, low - tall * (1 - 0.35 * front), azimuth, 0.007 + 0.004 * (opened > 0))
    length = rng.uniform(0.20, 0.32)
    point = np.clip((np.cos(azimuth) - 0.2) / 0.7, 0, 1)
    fall = low - tall * (1 - 0.35 * front) + tall * 1.15 + length * point**1.5 * 0.8
    spread = np.sign(np.pi - azimuth) * 0.35 * rng.uniform(0.3, 1.2) * point
    outer = _around(fit, fall, azimuth + spread, 0.013)
    middle = (top + outer) / 2 + 0.2 * (top - inner) + 0.003 * (outer - inner) / 0.02
    grid = np.concatenate([outer, middle, top + [0, 0.002, 0], inner])
    return [_cloth(sheet(grid), colour * 0.95)]


def _lapels(rng: np.random.Generator, fit: Fit, female: bool, colour: np.ndarray, shirt: np.ndarray) -> list[Thing]:
    """The shirt's front on a jacket that the body is painted as, its lapels, and mostly a tie."""
    deep = rng.uniform(0.85, 1.0)
    # the jacket's edge runs from the neck's side down to the middle of the chest
    at, opened = [0.22, 0.45, deep], [1.35, 0.85, 0.06]
    level = np.linspace(deep, 0.22, 9)[:, None]
    front = _around(fit, level, np.interp(level, at, opened) * np.linspace(-1, 1, 13)[None], 0.0105)
    flaps = []
    for sign in (-1, 1):
        down = np.linspace(0.22, deep, 10)[:, None]
        width = rng.uniform(0.28, 0.4) * np.interp(down, [0.22, 0.45, 0.55, deep], [0.4, 0.8, 1.3, 0.05])
        across = np.linspace(-0.12, 1, 5)[None]
        turn = sign * (np.interp(down, at, opened) + width * across)
        flaps.append(sheet(_around(fit, down, turn, 0.019 + 0.005 * np.sin(np.pi * across.clip(0, 1)) + 0 * turn)))
    things = [_cloth(sheet(front), shirt), _cloth(merged(flaps), colour * 1.15)]
    if rng.random() < (0.15 if female else 0.75):
        things.append(_tie(rng, fit))
    return things


def _tie(rng: np.random.Generator, fit: Fit) -> Thing:
    wide = rng.uniform(0.016, 0.024) * fit.size
    top = fit.on_neck(np.array([0.40]), np.array([0.0]))[0]
    share = np.linspace(0, 1, 9)
    level = 0.40 + 0.6 * share
    middle = fit.on_neck(level, np.zeros(9)) + [0, 0, 0.014]
    middle[:, 2] = np.maximum(middle[:, 2], top[2] + 0.012)
    half = wide * np.interp(share, [0, 0.06, 0.12, 0.2, 1], [0.75, 0.8, 0.5, 0.6, 1.5])
    across = np.linspace(-1, 1, 5)
    grid = middle[:, None] + half[:, None, None] * across[None, :, None] * np.array([1.0, 0, 0])
    grid[..., 2] -= 0.004 * across[None] ** 2
    grid[:2, :, 2] += 0.006
    return _cloth(sheet(grid[::-1]), cloth_colour(rng), weave=float(rng.choice([0, 0, 8, 20])))


def _soft_collar(rng: np.random.Generator, fit: Fit, colour: np.ndarray, hood: bool) -> list[Thing]:
    """A hoodie's hood that lies behind the neck, or a jacket's standing collar, open in front."""
    azimuth = _columns(rng.uniform(0.15, 0.6))[None]
    front = (0.5 + 0.5 * np.cos(azimuth)) ** 2
    rows = np.linspace(0, 1, 7)[:, None]
    if hood:
        level = 0.42 + 0.12 * front - (0.26 - 0.12 * front) * np.sin(np.pi * (0.12 + 0.7 * rows))
        out = 0.008 + (0.03 - 0.018 * front) * np.sin(np.pi * rows) + 0.012 * (1 - front) * (1 - rows)
    else:
        level = 0.40 + 0.1 * front - rng.uniform(0.16, 0.3) * rows
        out = 0.010 + 0.008 * rows + 0 * azimuth
    grid = _around(fit, level, azimuth, out)
    things = [_cloth(sheet(grid), colour)]
    if hood and rng.random() < 0.6:  # its cords
        cords = []
        for sign in (-1, 1):
            path = _around(fit, np.linspace(0.5, 0.9, 8)[None], np.full((1, 8), 0.25 * sign), 0.014)[0]
            cords.append(tube(path, 0.0022, 5))
        things.append(_cloth(merged(cords), np.full(3, rng.choice([0.02, 0.7]))))
    return things
