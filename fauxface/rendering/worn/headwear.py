"""Caps, hats, scarves about the head, hoods and helmets: shells over the person's own scalp.

Shares, sizes and shapes are by eye, on renders; tests hold that nothing sinks into the head.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np

from fauxface.rendering.opengl.rasteriser import Texture
from fauxface.rendering.worn.base import HairCap, Thing
from fauxface.rendering.worn.fit import CENTRE, POLAR, Fit
from fauxface.rendering.worn.materials import Material, cloth, cloth_colour, paint
from fauxface.rendering.worn.shapes import Shape, ball, merged, sheet, tube
from fauxface.segmentation import Segment

_TURNS, _ROWS = 48, 14
_thing = partial(Thing.of, label=Segment.HEADWEAR)
_AZIMUTH = 2 * np.pi * np.arange(_TURNS) / _TURNS - np.pi

KINDS = {
    "baseball cap": 0.26,
    "cap backwards": 0.05,
    "beanie": 0.15,
    "brimmed hat": 0.12,
    "sun hat": 0.07,
    "flat cap": 0.05,
    "headscarf": 0.10,
    "turban": 0.04,
    "hood": 0.07,
    "helmet": 0.05,
    "headband": 0.04,
}
"""Kinds of headwear and their shares."""


@dataclass(frozen=True)
class _Rim:
    """A hat's lower edge: heights above the eyes in front and behind, metres on a head of the template's size."""

    front: float
    back: float


def sample_headwear(
    rng: np.random.Generator, fit: Fit, glasses_raised: bool
) -> tuple[list[Thing], HairCap | None, dict]:
    """Sample headwear: its things, the region that presses the hair, and its entry in the label file."""
    names, shares = list(KINDS), np.array(list(KINDS.values()))
    name = str(rng.choice(names, p=shares / shares.sum()))
    if glasses_raised:  # they are where a hat would be
        name = "hood"
    things, cap = _MAKERS[name](rng, fit)
    return things, cap, {"kind": name}


def _rim_angle(fit: Fit, rim: _Rim, azimuth: np.ndarray) -> np.ndarray:
    """Angle from the crown at which a plane through the rim's heights cuts the scalp, at each azimuth."""
    columns = fit.on_scalp(POLAR[:, None], azimuth[None])
    low, high = fit.scalp[..., 2].min(), fit.scalp[..., 2].max()
    share = (columns[..., 2] - low) / (high - low)
    above = columns[..., 1] - fit.size * (rim.back + (rim.front - rim.back) * share)
    first = np.maximum((above < 0).argmax(0), 1)
    at = np.arange(len(azimuth))
    a, b = above[first - 1, at], above[first, at]
    part = np.clip(a / np.maximum(a - b, 1e-6), 0, 1)
    return POLAR[first - 1] + part * (POLAR[first] - POLAR[first - 1])


def _shell(
    fit: Fit,
    angle: np.ndarray,
    offset: Callable[[np.ndarray, np.ndarray], np.ndarray],
    start: float = 0.0,
    rows: int = _ROWS,
    azimuth: np.ndarray = _AZIMUTH,
) -> np.ndarray:
    """Points (rows, azimuths, 3) over the scalp from the rim (row 0) up to the crown.

    Args:
        fit: the head.
        angle: polar angle of the rim at each azimuth.
        offset: height over the skin, metres, from the share of the way up (0–1) and the azimuth.
        start: the share of the way down from the crown at which the shell ends: 0 closes it.
        rows: number of rows.
        azimuth: of the columns.
    """
    share = np.linspace(1, start, rows)[:, None]
    skin = fit.on_scalp(share * angle[None], np.broadcast_to(azimuth[None], (rows, len(azimuth))))
    centre = fit.scalp[: len(POLAR) // 2].mean((0, 1)) * [1, 0.4, 1]
    out = skin - centre
    out /= np.linalg.norm(out, axis=-1, keepdims=True)
    return skin + out * (fit.size * offset(1 - share, azimuth[None]))[..., None]


def _hair_cap(fit: Fit, rim: _Rim, thickness: float, hides: bool = True) -> HairCap:
    low, high = fit.scalp[..., 2].min(), fit.scalp[..., 2].max()
    point = np.array([0.0, fit.size * (rim.front + rim.back) / 2, (low + high) / 2])
    slope = fit.size * (rim.front - rim.back) / (high - low)
    normal = np.array([0.0, 1.0, -slope]) / np.hypot(1, slope)
    head = fit.scalp[: len(POLAR) * 2 // 3].reshape(-1, 3)
    middle = (head.min(0) + head.max(0)) / 2
    middle[1] = fit.scalp[0, 0, 1] - (high - low) * 0.42
    radii = np.array([np.ptp(head[:, 0]) / 2, fit.scalp[0, 0, 1] - middle[1], np.ptp(head[:, 2]) / 2])
    return HairCap(point, normal, middle, radii + thickness, hides)


def flattened_hair(fit: Fit, thickness: float) -> HairCap:
    """Hair pressed flat, though it is seen, as by headphones."""
    return _hair_cap(fit, _Rim(-0.03, -0.03), thickness, hides=False)


def _brim(
    edge: np.ndarray, azimuth: np.ndarray, length: np.ndarray, droop: float, curl: float, slope: float, rows: int = 6
) -> Shape:
    """A brim that starts along a hat's edge (N, 3): it reaches ``length`` (N,) outwards.

    Args:
        edge: points along the hat's edge.
        azimuth: (N,) of the points.
        length: metres at each point.
        droop: fall over its length, as a share.
        curl: bend down to its sides (a cap's), metres at 5 cm from the middle.
        slope: rise of the direction forward, as a share.
    """
    share = np.linspace(0, 1, rows)[:, None, None]
    out = np.stack([np.sin(azimuth), np.full_like(azimuth, slope), np.cos(azimuth)], axis=1)
    points = edge + share * length[:, None] * out
    points[..., 1] -= droop * length * share[..., 0] ** 2 + curl * (points[..., 0] / 0.05) ** 2 * share[..., 0]
    lower = points - [0, 0.0018, 0]
    both = np.concatenate([points, lower[::-1]])
    return sheet(both)


def _cap(rng: np.random.Generator, fit: Fit, backwards: bool = False) -> tuple[list[Thing], HairCap]:
    low = 0.0 if rng.random() < 0.65 else 0.012
    rim = _Rim(rng.uniform(0.036, 0.052) - low, rng.uniform(-0.005, 0.02))
    if backwards:
        rim = _Rim(rng.uniform(0.035, 0.055), rng.uniform(0.0, 0.02))
    turned = np.pi if backwards else float(rng.normal(0, 0.08))
    angle = _rim_angle(fit, rim, _AZIMUTH)
    high = rng.uniform(0.004, 0.014)

    def offset(up: np.ndarray, azimuth: np.ndarray) -> np.ndarray:
        panel = np.clip(np.cos(azimuth - turned), 0, 1) ** 2
        return 0.006 + 0.004 * np.sin(np.pi * up) + high * panel * np.sin(np.pi * np.clip(up * 1.1, 0, 1)) ** 1.2

    points = _shell(fit, angle, offset)
    colour = cloth_colour(rng)
    crown = sheet(points, closed=True)
    fabric = Material(colour, 0.85, shine=0.3, wrap=(0.08, 0.08, 0.08))
    things = []
    front = np.abs(np.angle(np.exp(1j * (_AZIMUTH - turned)))) < 0.5
    if rng.random() < 0.55:
        picture = _emblem(rng, colour)
        order = np.argsort(np.angle(np.exp(1j * (_AZIMUTH[front] - turned))))
        patch = points[1:8][:, front][:, order]
        middle = patch.mean((0, 1))
        patch = patch + 0.0015 * (patch - points.mean((0, 1))) / np.linalg.norm(middle - points.mean((0, 1)))
        things.append(_thing(sheet(patch), Material(np.ones(3), 0.8, shine=0.3, image=picture)))
    reach = 1.05
    azimuth = turned + np.linspace(-reach, reach, 17)
    rim_angle = np.interp(azimuth, _AZIMUTH, angle, period=2 * np.pi)
    edge = _shell(fit, rim_angle, lambda up, _: np.full(up.shape, 0.0055), rows=2, azimuth=azimuth)[0]
    length = fit.size * rng.uniform(0.062, 0.078) * np.cos(np.linspace(-1, 1, 17) * np.pi / 2).clip(0) ** 0.5
    forward = np.full(17, turned) + 0.28 * np.linspace(-reach, reach, 17)
    brim = _brim(edge, forward, length, rng.uniform(0.1, 0.35), rng.uniform(0.0, 0.014), rng.uniform(-0.3, 0.05))
    same = rng.random() < 0.65
    things += [
        _thing(crown, fabric),
        _thing(brim, fabric if same else cloth(rng)),
        _thing(ball(points[-1].mean(0), np.array([0.006, 0.004, 0.006]), 8), fabric),
    ]
    return things, _hair_cap(fit, rim, 0.004)


def _emblem(rng: np.random.Generator, ground: np.ndarray) -> Texture:
    """A badge or letters on a transparent ground; the key names its seed and ground."""
    seed = int(rng.integers(400))
    dice = np.random.default_rng(seed)
    picture = np.zeros((64, 96, 4), np.uint8)
    ink = [int(c) for c in dice.choice([255, 20, 200, 40, 120], 3)]
    bright = bool(ground.mean() > 0.3)
    colour = (*ink, 255) if not bright else (*(255 - c for c in ink), 255)
    kind = dice.integers(4)
    if kind == 0:
        cv2.ellipse(picture, (48, 30), (int(dice.integers(14, 30)), int(dice.integers(10, 22))), 0, 0, 360, colour, -1)
    elif kind == 1:
        cv2.rectangle(picture, (48 - int(dice.integers(12, 34)), 18), (48 + int(dice.integers(12, 34)), 44), colour, -1)
    text = "".join(chr(65 + int(c)) for c in dice.integers(0, 26, dice.integers(1, 4)))
    size = 1.5 if kind > 1 else 0.7
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, size, 4)
    written = (*(255 - np.array(colour[:3])).tolist(), 255) if kind < 2 else colour
    cv2.putText(picture, text, (48 - width // 2, 30 + height // 2), cv2.FONT_HERSHEY_DUPLEX, size, written, 4)
    return Texture(f"emblem-{seed}-{bright}", np.ascontiguousarray(picture[::-1]))


def _beanie(rng: np.random.Generator, fit: Fit) -> tuple[list[Thing], HairCap]:
    rim = _Rim(rng.uniform(0.022, 0.05), rng.uniform(-0.035, 0.0))
    angle = _rim_angle(fit, rim, _AZIMUTH)
    slouch = rng.uniform(0.0, 0.035) if rng.random() < 0.6 else 0.0
    ribs = float(rng.integers(40, 70))

    def offset(up: np.ndarray, azimuth: np.ndarray) -> np.ndarray:
        return 0.006 + slouch * up**2 + 0.004 * np.sin(3 * azimuth + 5 * up) * up * (slouch > 0)

    points = _shell(fit, angle, offset)
    wool = cloth(rng, weave=ribs)
    things = [_thing(sheet(points, closed=True), wool)]
    if rng.random() < 0.7:  # the cuff, turned up
        share = rng.uniform(0.72, 0.85)
        band = _shell(
            fit, angle, lambda up, _: 0.006 + 0.005 * np.sqrt(np.sin(np.pi * np.clip(up / (1 - share), 0, 1))), share, 6
        )
        cuff = wool if rng.random() < 0.7 else cloth(rng, weave=ribs)
        things.append(_thing(sheet(band, closed=True), cuff))
    if rng.random() < 0.25:
        top = points[-1].mean(0) + [0, 0.012, 0]
        things.append(_thing(ball(top, rng.uniform(0.018, 0.03)), cloth(rng, weave=25)))
    return things, _hair_cap(fit, rim, 0.003)


def _hat(rng: np.random.Generator, fit: Fit, sun: bool = False) -> tuple[list[Thing], HairCap]:
    rim = _Rim(rng.uniform(0.028, 0.05), rng.uniform(0.0, 0.03))
    angle = _rim_angle(fit, rim, _AZIMUTH)
    tall = rng.uniform(0.015, 0.03) if sun else rng.uniform(0.02, 0.045)
    straight = 0.0 if sun else rng.uniform(0.3, 0.9)

    def offset(up: np.ndarray, azimuth: np.ndarray) -> np.ndarray:
        pinch = 0.008 * straight * np.cos(azimuth) ** 2
        return 0.006 + (tall - pinch) * np.clip(up * 1.6, 0, 1) ** 1.3 + 0.01 * straight * np.sin(np.pi * up) ** 2

    points = _shell(fit, angle, offset)
    if straight:  # the crown is dented
        middle = points[-1].mean(0)
        near = np.linalg.norm((points - middle)[..., [0, 2]], axis=-1)
        points[..., 1] -= 0.022 * straight * np.exp(-((near / 0.03) ** 2))
    straw = rng.random() < (0.7 if sun else 0.25)
    colour = np.array([0.62, 0.45, 0.24]) * rng.uniform(0.7, 1.2) if straw else cloth_colour(rng)
    felt = Material(colour, 0.9, shine=0.2, weave=60.0 if straw else 0.0)
    width = fit.size * (rng.uniform(0.08, 0.14) if sun else rng.uniform(0.045, 0.075))
    wave = 1 + 0.06 * np.cos(2 * _AZIMUTH + rng.uniform(0, 6))
    edge = np.concatenate([points[0], points[:1, 0]])
    around = np.append(_AZIMUTH, _AZIMUTH[0] + 2 * np.pi)
    length = width * np.append(wave, wave[0])
    flare = rng.uniform(-0.45, 0.1) if sun else rng.uniform(-0.25, 0.05)
    droop = rng.uniform(-0.1, 0.4) if sun else rng.uniform(-0.25, 0.15)
    brim = _brim(edge, around, length, droop, 0.0 if sun else -rng.uniform(0, 0.004), flare)
    ribbon = _shell(fit, angle, lambda up, a: offset(up, a) + 0.0015, 0.82, 5)
    things = [_thing(sheet(points, closed=True), felt), _thing(brim, felt)]
    things.append(_thing(sheet(ribbon, closed=True), cloth(rng)))
    return things, _hair_cap(fit, rim, 0.003)


def _flat_cap(rng: np.random.Generator, fit: Fit) -> tuple[list[Thing], HairCap]:
    rim = _Rim(rng.uniform(0.035, 0.05), rng.uniform(-0.005, 0.02))
    angle = _rim_angle(fit, rim, _AZIMUTH)

    def offset(up: np.ndarray, azimuth: np.ndarray) -> np.ndarray:
        return 0.006 + 0.018 * np.sin(np.pi * up) ** 1.5 + 0.016 * np.clip(np.cos(azimuth), 0, 1) * np.sin(np.pi * up)

    fabric = cloth(rng, weave=float(rng.uniform(18, 40)))
    azimuth = np.linspace(-0.95, 0.95, 13)
    rim_angle = np.interp(azimuth, _AZIMUTH, angle, period=2 * np.pi)
    edge = _shell(fit, rim_angle, lambda up, _: np.full(up.shape, 0.006), rows=2, azimuth=azimuth)[0]
    length = fit.size * rng.uniform(0.03, 0.045) * np.cos(np.linspace(-1, 1, 13) * np.pi / 2).clip(0) ** 0.5
    brim = _brim(edge, 0.3 * azimuth, length, 0.2, 0.006, -0.15)
    return [_thing(sheet(_shell(fit, angle, offset), closed=True), fabric), _thing(brim, fabric)], _hair_cap(
        fit, rim, 0.004
    )


def _draped(rng: np.random.Generator, fit: Fit, loose: float, under_chin: bool) -> tuple[list[Shape], _Rim]:
    """A cloth over head, cheeks and neck that leaves the face free: a headscarf, or a hood if it is loose."""
    front = rng.uniform(0.03, 0.06) + (0.012 if loose > 0.01 else 0)
    rim = _Rim(front, -0.06)
    opening = _rim_angle(fit, _Rim(front, front), _AZIMUTH)
    side = rng.uniform(1.0, 1.2)
    turn = np.abs(_AZIMUTH)
    share = np.clip((turn - (side - 0.25)) / 0.4, 0, 1)
    share = share * share * (3 - 2 * share)
    angle = opening * (1 - share) + POLAR[-1] * share
    folds, phase = rng.uniform(0.5, 1.5), rng.uniform(0, 6)

    # over the ears, as far as they stand off
    skin = fit.on_scalp(np.full(2, 1.7), np.array([-np.pi / 2, np.pi / 2]))
    stand = float(np.clip(np.abs(fit.ears[:, 1, 0] - skin[:, 0]).max() / fit.size + 0.006, 0.012, 0.03))

    def offset(up: np.ndarray, azimuth: np.ndarray) -> np.ndarray:
        ears = np.exp(-(((np.abs(azimuth) - 1.7) / 0.45) ** 2)) * np.exp(-((((1 - up) - 0.75) / 0.3) ** 2))
        crease = np.sin(9 * azimuth + 14 * (1 - up) + phase) * (1 - up) * 0.0015 * folds
        lift = loose * (0.5 + 0.5 * (1 - up))
        return 0.006 + lift + crease + stand * ears

    points = _shell(fit, angle, offset, rows=18)
    if loose > 0.01:  # a hood reaches forward over the forehead
        forward = np.clip(np.cos(_AZIMUTH), 0, 1)[None] * np.linspace(1, 0, 18)[:, None] ** 1.5
        points[..., 2] += rng.uniform(0.0, 0.02) * forward
    shapes = [sheet(points, closed=True)]
    # about the neck: from under the chin down to the shoulders
    rows = 9
    level = np.linspace(1, 0, rows)[:, None]
    about = fit.on_neck(np.broadcast_to(0.62 * level, (rows, _TURNS)), np.broadcast_to(_AZIMUTH, (rows, _TURNS)))
    middle = about.mean(1, keepdims=True)
    out = about - middle
    out[..., 1] = 0
    out /= np.maximum(np.linalg.norm(out, axis=-1, keepdims=True), 1e-6)
    chin = np.cos(_AZIMUTH).clip(0, 1)[None]
    full = (
        0.016 + loose * 0.5 + 0.035 * np.sin(np.pi * np.clip(1 - level, 0, 1) * 0.6) * (0.4 + 0.6 * chin * under_chin)
    )
    full = full + 0.002 * folds * np.sin(7 * _AZIMUTH[None] + 9 * level + phase)
    about = about + out * (full * fit.size)[..., None] + [0, 0.008, 0]
    if not under_chin:
        keep = turn > 0.75
        order = np.argsort(np.where(_AZIMUTH < 0, _AZIMUTH + 2 * np.pi, _AZIMUTH)[keep])
        shapes.append(sheet(about[:, keep][:, order]))
    else:
        # up the cheeks to the scarf's own edge
        rise = np.clip((turn - 0.5) / 0.6, 0, 1) * 0.04 * fit.size
        top = about[-1:] + np.stack([np.zeros(_TURNS), rise, 0 * rise], axis=1) - out[-1:] * 0.004
        shapes.append(sheet(np.concatenate([about, top]), closed=True))
    return shapes, rim


def _headscarf(rng: np.random.Generator, fit: Fit) -> tuple[list[Thing], HairCap]:
    shapes, rim = _draped(rng, fit, rng.uniform(0.0, 0.008), under_chin=True)
    fabric = cloth(rng, weave=0.0)
    cap = _hair_cap(fit, rim, 0.0)
    # all hair is hidden
    return [_thing(merged(shapes), fabric)], replace(
        cap, point=np.array([0.0, 0.0, 1.0]), normal=np.array([0.0, 0.0, -1.0])
    )


def _hood(rng: np.random.Generator, fit: Fit) -> tuple[list[Thing], HairCap]:
    shapes, rim = _draped(rng, fit, rng.uniform(0.012, 0.024), under_chin=False)
    return [_thing(merged(shapes), cloth(rng))], _hair_behind(fit, rim)


def _hair_behind(fit: Fit, rim: _Rim) -> HairCap:
    """A region that covers all hair behind the forehead, down to the shoulders."""
    cap = _hair_cap(fit, rim, 0.004)
    front = fit.on_scalp(np.array([1.25]), np.array([0.9]))[0]
    normal = np.array([0.0, 0.35, -1.0])
    return HairCap(np.array([0.0, front[1], front[2]]), normal / np.linalg.norm(normal), cap.centre, cap.radii, True)


def _turban(rng: np.random.Generator, fit: Fit) -> tuple[list[Thing], HairCap]:
    rim = _Rim(rng.uniform(0.03, 0.05), rng.uniform(-0.02, 0.01))
    angle = _rim_angle(fit, rim, _AZIMUTH)
    wraps, full, tilt = rng.uniform(3, 6), rng.uniform(0.015, 0.035), rng.uniform(0.3, 0.8)

    def offset(up: np.ndarray, azimuth: np.ndarray) -> np.ndarray:
        wave = np.abs(np.sin(np.pi * (wraps * up + tilt * np.abs(azimuth))))
        thick = 0.004 + full * np.sin(np.pi * np.clip(up * 1.1 + 0.12, 0, 1)) + 0.006 * wave * (up < 0.95)
        return 0.002 + thick * np.sqrt(np.clip(up / 0.12, 0, 1))  # the rim lies on the skin

    points = _shell(fit, angle, offset, rows=24)
    return [_thing(sheet(points, closed=True), cloth(rng))], _hair_cap(fit, rim, 0.003)


def _helmet(rng: np.random.Generator, fit: Fit) -> tuple[list[Thing], HairCap]:
    rim = _Rim(rng.uniform(0.035, 0.055), rng.uniform(0.0, 0.03))
    angle = _rim_angle(fit, rim, _AZIMUTH)
    colour = paint(rng) if rng.random() < 0.6 else np.full(3, rng.choice([0.02, 0.75]))
    shell = Material(colour, float(rng.uniform(0.1, 0.4)))
    hard_hat = rng.random() < 0.4
    ridge = 3.0 if hard_hat else float(rng.integers(3, 6))

    def offset(up: np.ndarray, azimuth: np.ndarray) -> np.ndarray:
        ridges = np.abs(np.sin(ridge * azimuth / 2 + np.pi / 2)) ** 8
        return 0.014 + 0.016 * np.sin(np.pi * np.clip(up + 0.1, 0, 1)) + 0.004 * ridges * up * (1 - up) * 4

    points = _shell(fit, angle, offset)
    edge = _shell(fit, angle, lambda up, _: np.full(up.shape, 0.005), 0.97, 2)[:1]
    things = [_thing(sheet(np.concatenate([edge, points]), closed=True), shell)]
    if hard_hat:
        around = np.append(_AZIMUTH, _AZIMUTH[0] + 2 * np.pi)
        length = 0.012 + 0.03 * np.clip(np.cos(around), 0, 1) ** 2
        things.append(_thing(_brim(np.concatenate([points[0], points[:1, 0]]), around, length, 0.1, 0.0, -0.2), shell))
    if rng.random() < 0.7:  # straps from before the ears to under the chin
        strap = Material(np.full(3, rng.choice([0.02, 0.5])), 0.8, shine=0.3)
        for side, sign in enumerate((-1, 1)):
            top = points[0, np.abs(_AZIMUTH - sign * 1.35).argmin()]
            ear = fit.ears[side, 1] + [0.0, -0.012, 0.022]
            chin = fit.on_neck(np.array([0.06]), np.array([0.25 * sign]))[0] + [0, 0.004, 0.012]
            path = _curve(np.stack([top, ear, chin]))
            clear = sign * fit.x(path, side) + 0.003
            path[:9, 0] = sign * np.maximum(sign * path[:9, 0], clear[:9])
            things.append(_thing(tube(path, 0.006, 4, up=np.array([0.0, 0.0, 1.0]), flat=0.2), strap))
    return things, _hair_cap(fit, rim, 0.006)


def _headband(rng: np.random.Generator, fit: Fit) -> tuple[list[Thing], HairCap]:
    lower = _Rim(rng.uniform(0.038, 0.06), rng.uniform(-0.02, 0.02))
    width = rng.uniform(0.015, 0.045)
    upper = _Rim(lower.front + width, lower.back + width)
    below, above = (_rim_angle(fit, rim, _AZIMUTH) for rim in (lower, upper))
    share = np.linspace(1, 0, 5)[:, None]
    polar = above + (below - above) * share
    skin = fit.on_scalp(polar, np.broadcast_to(_AZIMUTH, polar.shape))
    out = skin - CENTRE
    out /= np.linalg.norm(out, axis=-1, keepdims=True)
    stands = 0.008 + 0.002 * np.sin(np.pi * share)
    band = sheet(skin + out * stands[..., None], closed=True)
    return [_thing(band, cloth(rng, weave=float(rng.choice([0, 30]))))], _hair_cap(fit, lower, 0.007, hides=False)


def _curve(points: np.ndarray, count: int = 13) -> np.ndarray:
    """A smooth path (count, 3) through three points: a quadratic that passes the middle one half-way."""
    share = np.linspace(0, 1, count)[:, None]
    bend = 2 * points[1] - 0.5 * (points[0] + points[2])
    return points[0] * (1 - share) ** 2 + 2 * bend * share * (1 - share) + points[2] * share**2


_MAKERS: dict[str, Callable[[np.random.Generator, Fit], tuple[list[Thing], HairCap | None]]] = {
    "baseball cap": _cap,
    "cap backwards": lambda rng, fit: _cap(rng, fit, backwards=True),
    "beanie": _beanie,
    "brimmed hat": _hat,
    "sun hat": lambda rng, fit: _hat(rng, fit, sun=True),
    "flat cap": _flat_cap,
    "headscarf": _headscarf,
    "turban": _turban,
    "hood": _hood,
    "helmet": _helmet,
    "headband": _headband,
}
