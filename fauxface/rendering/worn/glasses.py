"""Glasses and sunglasses: two rims fitted before the eyes, a bridge on the nose, temples to the ears.

Sizes are about those stamped on frames (lenses 40 to 60 mm wide); styles, shares and colours are by eye, on renders.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from fauxface.rendering.worn.base import Thing, Wearer
from fauxface.rendering.worn.fit import Fit
from fauxface.rendering.worn.materials import Material, paint
from fauxface.rendering.worn.shapes import Shape, disc, merged, tube
from fauxface.segmentation import Segment

_thing = partial(Thing.of, label=Segment.GLASSES)
_POINTS = 28
_CLEARANCE = 0.0012
"""Distance of rims and temples from the skin, metres."""


@dataclass(frozen=True)
class _Style:
    """A pair of glasses before it is fitted; lengths in metres on a face of the template's breadth.

    Attributes:
        width, height: of a lens.
        square: exponent of the outline's superellipse: 2 is round, 5 a rectangle with rounded corners.
        lift: rise of the upper outer corner.
        drop: fall of the lower outer part, as an aviator's.
        rim: radius of the rim's tube; 0 without a rim.
        upper_only: the rim runs along the upper half alone.
        wrap: bend of the outer edges backwards, metres per metre squared.
        temple: half the height of the temples.
    """

    width: float
    height: float
    square: float
    lift: float = 0.0
    drop: float = 0.0
    rim: float = 0.0006
    upper_only: bool = False
    wrap: float = 3.0
    temple: float = 0.0008


_CLEAR = ("wire", "wire", "round", "plastic", "plastic", "thick", "rimless", "half-rim", "cat-eye", "reading")
_DARK = ("aviator", "plastic", "plastic", "thick", "wrap-around", "round", "cat-eye", "wire", "large")
"""Styles of glasses and of sunglasses, the common ones twice."""


def _style(rng: np.random.Generator, name: str) -> _Style:
    u, thin = rng.uniform, rng.uniform(0.0005, 0.0009)
    return {
        "wire": _Style(u(0.044, 0.052), u(0.027, 0.036), u(2.4, 4.5), rim=thin),
        "round": _Style(u(0.040, 0.048), u(0.038, 0.045), 2.0, rim=u(0.0005, 0.0016)),
        "plastic": _Style(u(0.046, 0.053), u(0.029, 0.040), u(2.6, 5), u(0, 0.003), 0, u(0.0012, 0.002), temple=0.0025),
        "thick": _Style(u(0.048, 0.054), u(0.034, 0.043), u(2.6, 5.0), u(0, 0.004), 0, u(0.0022, 0.0035), temple=0.004),
        "rimless": _Style(u(0.044, 0.052), u(0.026, 0.036), u(2.4, 4.5), rim=0.0),
        "half-rim": _Style(u(0.046, 0.053), u(0.028, 0.036), u(2.8, 4.5), rim=u(0.0008, 0.0016), upper_only=True),
        "cat-eye": _Style(u(0.047, 0.054), u(0.032, 0.042), 2.5, u(0.005, 0.009), rim=u(0.0012, 0.0026), temple=0.002),
        "reading": _Style(u(0.040, 0.046), u(0.020, 0.025), u(2.4, 4.0), rim=u(0.0006, 0.0014)),
        "aviator": _Style(u(0.052, 0.058), u(0.044, 0.051), 2.5, u(0, 0.002), u(0.004, 0.008), thin, wrap=4.0),
        "wrap-around": _Style(u(0.058, 0.064), u(0.032, 0.040), 2.8, 0.002, 0, 2 * thin, wrap=u(7, 10), temple=0.004),
        "large": _Style(u(0.055, 0.060), u(0.048, 0.055), 2.7, u(0, 0.003), 0, u(0.0015, 0.003), temple=0.004),
    }[name]  # fmt: skip


def sample_glasses(rng: np.random.Generator, wearer: Wearer, fit: Fit, dark: bool) -> tuple[list[Thing], dict]:
    """Sample a pair of glasses (``dark``: sunglasses) on a person, and its entry in the label file."""
    name = str(rng.choice(_DARK if dark else _CLEAR))
    style = _style(rng, name)
    slid = float(rng.uniform(0.004, 0.014)) if rng.random() < (0.12 if dark else 0.25) else 0.0
    raised = rng.random() < (0.12 if dark else 0.05)
    things = _fitted(style, wearer, fit, slid, raised, _frame(rng, name), _lens(rng, dark))
    place = "raised" if raised else "slid" if slid else "worn"
    return things, {"kind": "sunglasses" if dark else "glasses", "style": name, "place": place}


def _frame(rng: np.random.Generator, name: str) -> Material:
    if name in ("wire", "round", "rimless", "aviator", "half-rim", "reading") and rng.random() < 0.75:
        metals = [(0.75, 0.74, 0.72), (0.80, 0.62, 0.30), (0.30, 0.30, 0.32), (0.06, 0.06, 0.06), (0.55, 0.35, 0.25)]
        return Material(np.array(metals[rng.integers(len(metals))]), float(rng.uniform(0.15, 0.4)), metal=1.0)
    plastics = [(0.006, 0.006, 0.007), (0.05, 0.02, 0.01), (0.12, 0.05, 0.02), (0.25, 0.02, 0.03), (0.7, 0.7, 0.68)]
    colour = np.array(plastics[rng.choice(len(plastics), p=[0.55, 0.2, 0.12, 0.06, 0.07])])
    if rng.random() < 0.06:
        colour = paint(rng)
    return Material(colour, float(rng.uniform(0.12, 0.4)))


def _lens(rng: np.random.Generator, dark: bool) -> Material:
    if not dark:  # a clear lens shows by its reflections: the more so without a coating
        return Material(
            np.array([0.2, 0.22, 0.2]), 0.03, shine=float(rng.uniform(0.1, 0.8)), opacity=float(rng.uniform(0.06, 0.1))
        )
    kind = rng.choice(["black", "tinted", "mirrored"], p=[0.6, 0.25, 0.15])
    if kind == "mirrored":
        colour = np.array([0.8, 0.8, 0.82]) if rng.random() < 0.5 else 0.35 + 0.45 * rng.random(3)
        return Material(colour, 0.06, metal=1.0)
    tints = [(0.04, 0.02, 0.01), (0.015, 0.02, 0.025), (0.02, 0.03, 0.015), (0.07, 0.03, 0.01), (0.03, 0.01, 0.04)]
    colour = np.array(tints[rng.integers(len(tints))]) if kind == "tinted" else np.full(3, 0.006)
    opacity = float(rng.uniform(0.4, 0.9) if kind == "tinted" else rng.uniform(0.88, 1.0))
    return Material(colour, 0.06, opacity=opacity)


def _outline(style: _Style, scale: float) -> np.ndarray:
    """A left lens's edge (POINTS, 2), outwards and up from its middle, counter-clockwise seen from before it."""
    angle = 2 * np.pi * np.arange(_POINTS) / _POINTS
    cos, sin = np.cos(angle), np.sin(angle)
    radius = (np.abs(cos) ** style.square + np.abs(sin) ** style.square) ** (-1 / style.square)
    out, up = 0.5 * style.width * radius * cos, 0.5 * style.height * radius * sin
    outer = np.clip(out / (0.5 * style.width), -1, 1)
    up = up + style.lift * np.clip(outer, 0, 1) ** 2 * (sin > -0.4)
    up = up - style.drop * np.clip(-sin, 0, 1) * np.clip(0.4 + outer, 0, 1)
    out = out - 0.1 * style.width * np.clip(-sin, 0, 1) * (outer < 0) * outer  # room for the nose
    return scale * np.stack([out, up], axis=1)


def _fitted(
    style: _Style, wearer: Wearer, fit: Fit, slid: float, raised: bool, frame: Material, lens: Material
) -> list[Thing]:
    scale = float(np.clip(fit.size, 0.7, 1.1))
    right, left = (eye.centre for eye in wearer.posed.eyes)
    middle = (right + left) / 2
    apart = max(0.5 * (left - right)[0], 0.5 * scale * style.width + 0.0085 * scale)
    outline = _outline(style, scale)
    drop = -0.003 * scale - slid
    if raised:
        drop = 0.052 * scale
    tilt = np.radians(8.0 + 900 * slid) if not raised else np.radians(-38.0)
    up = np.array([0.0, np.cos(tilt), np.sin(tilt)])
    out = np.array([1.0, 0.0, 0.0])
    forward = np.cross(out, up)
    bend = np.array([0.0, 0.0, -1.0])
    rims = []
    for sign in (-1, 1):
        flat = np.stack([sign * (apart + outline[:, 0]), outline[:, 1]], axis=1)
        if sign < 0:
            flat = flat[::-1]
        back = style.wrap * (np.abs(flat[:, :1]) - 0.015 * scale).clip(0) ** 2
        rims.append(middle + [0, drop, 0] + flat[:, :1] * out + flat[:, 1:] * up + back * bend)
    # forward until the skin is cleared everywhere, and the lashes
    edge = np.concatenate(rims)
    inside = np.concatenate([rim.mean(0) + 0.55 * (rim - rim.mean(0)) for rim in rims])
    bar = middle + [0, drop, 0] + 0.25 * scale * style.height * up
    thick = max(style.rim, 0.0005) + _CLEARANCE
    needed = (fit.z(edge) - edge[:, 2]).max() + thick
    if not raised:
        needed = max(needed, (fit.z(inside) - inside[:, 2]).max() + 0.007 * scale)
    needed = max(needed, float(fit.z(bar[None])[0] - bar[2]) + thick)
    shift = np.array([0.0, 0.0, needed])
    rims = [rim + shift for rim in rims]
    bar = bar + shift
    solid: list[Shape] = []
    for rim in rims:
        if style.rim > 0:
            keep = rim
            if style.upper_only:
                height = (rim - rim.mean(0)) @ up
                start = int(np.argmin(np.where(np.roll(height, 1) <= 0, np.abs(height), np.inf)))
                ordered = np.roll(rim, -start, 0)
                rising = (ordered - rim.mean(0)) @ up > -0.15 * scale * style.height
                keep = ordered[rising] if rising[0] else np.roll(rim, _POINTS // 4, 0)[: _POINTS // 2 + 1]
            solid.append(tube(keep, style.rim, 6, closed=not style.upper_only, up=forward))
    solid += _bridge(rims, bar, style, fit, scale)
    for side, rim in enumerate(rims):
        solid += _temple(rim, side, style, fit, scale, raised)
    things = [_thing(merged(solid), frame)]
    bulge = forward * 0.0025 * scale
    glass = merged([disc(rim, bulge) for rim in rims])
    things.append(_thing(glass, lens, blend=lens.opacity < 0.999))
    return things


def _bridge(rims: list[np.ndarray], bar: np.ndarray, style: _Style, fit: Fit, scale: float) -> list[Shape]:
    ends = []
    for rim, sign in zip(rims, (-1, 1), strict=True):
        height = rim[:, 1] - bar[1]
        inner = np.where(np.abs(height) < 0.3 * scale * style.height, sign * rim[:, 0], np.inf)
        ends.append(rim[inner.argmin()])
    share = np.linspace(0, 1, 7)[:, None]
    path = ends[0] * (1 - share) + ends[1] * share
    arch = 4 * share * (1 - share)
    path = path + arch * [0, 0.002 * scale, 0.0]
    radius = max(style.rim, 0.0007)
    # over the nose where it is: it stands out farther than at the bar's height when glasses slide down
    sunk = fit.z(path) + radius + _CLEARANCE - path[:, 2]
    path = path + arch * [0, 0, (sunk[1:-1] / arch[1:-1, 0]).max().clip(0)]
    shapes = [tube(path, radius, 6)]
    if style.drop > 0:  # an aviator's second bar
        shapes.append(tube(path + [0, 0.008 * scale, 0.0], radius, 6))
    return shapes


def _temple(rim: np.ndarray, side: int, style: _Style, fit: Fit, scale: float, raised: bool) -> list[Shape]:
    sign = (-1, 1)[side]
    outer = np.argmax(sign * rim[:, 0] + 0.6 * rim[:, 1])
    hinge = rim[outer] + [sign * 0.002, 0, 0]
    ear = fit.ears[side, 0] + ([0, 0.045 * scale, -0.02 * scale] if raised else [0.0, 0.003, 0.0])
    share = np.linspace(0, 1, 10)[:, None]
    path = hinge * (1 - share) + ear * share
    path[1:, 0] += sign * 0.002
    # the head's sides push the temples out; behind their end they may bend in
    clear = sign * (fit.x(path, side) + sign * (_CLEARANCE + 0.001))
    path[:, 0] = sign * np.maximum(sign * path[:, 0], clear)
    if not raised:
        tip = path[-1] + np.array([[-0.001 * sign, -0.006, -0.010], [-0.003 * sign, -0.022, -0.018]]) * scale
        path = np.concatenate([path, tip])
    path = np.concatenate([rim[outer][None], path])
    return [
        tube(
            path, max(style.temple, 0.0007), 6, up=np.array([0.0, 1.0, 0.0]), flat=0.5 if style.temple > 0.001 else 1.0
        )
    ]
