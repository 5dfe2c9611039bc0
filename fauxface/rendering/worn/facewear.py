"""Masks over mouth and nose, scarves over the chin, headphones, ear rings and necklaces.

Shares of the kinds, their sizes and colours are by eye, on renders.
"""

from __future__ import annotations

import numpy as np

from fauxface.landmarks import Point
from fauxface.rendering.worn.base import HairCap, Thing, Wearer
from fauxface.rendering.worn.fit import Fit
from fauxface.rendering.worn.headwear import flattened_hair
from fauxface.rendering.worn.materials import GOLD, SILVER, Material, cloth, cloth_colour, paint
from fauxface.rendering.worn.shapes import Shape, ball, lathe, merged, sheet, tube
from fauxface.segmentation import Segment

_TURNS = 40
_AZIMUTH = 2 * np.pi * np.arange(_TURNS) / _TURNS - np.pi


def sample_facewear(rng: np.random.Generator, wearer: Wearer, fit: Fit) -> tuple[list[Thing], dict]:
    """Sample a mask or a scarf, and its entry in the label file."""
    if rng.random() < 0.35:
        return _scarf(rng, wearer, fit), {"kind": "scarf"}
    below = rng.random() < 0.15  # pulled down: under the nose, or under the chin
    return _mask(rng, wearer, fit, below), {"kind": "mask", "place": "below the nose" if below else "worn"}


def _mask(rng: np.random.Generator, wearer: Wearer, fit: Fit, below: bool) -> list[Thing]:
    points = wearer.landmarks
    if below:
        top = points[Point.NOSE_BASE, 1]
    else:
        share = rng.uniform(0.2, 0.9)
        top = points[Point.NOSE_UPPER_RIDGE, 1] * (1 - share) + points[Point.NOSE_LOWER_RIDGE, 1] * share
    chin = points[Point.CHIN, 1] - 0.008 * fit.size
    rows, columns = 11, 19
    v = np.linspace(0, 1, rows)[:, None]  # up from the chin
    u = np.linspace(-1, 1, columns)[None]
    half = fit.size * np.interp(v, [0, 0.3, 0.75, 1], [0.030, 0.054, 0.058, 0.050])
    x = points[Point.NOSE_BASE, 0] * 0.5 + half * u
    y = chin + (top - chin) * v - 0.007 * fit.size * np.abs(u) ** 1.5 * (v - 0.35)
    flat = np.stack([x, y, np.zeros_like(x)], axis=-1)
    z = fit.z(flat)
    z = (
        np.maximum(z, fit.z(np.array([[0.0, points[Point.CHIN, 1] + 0.004, 0]]))[0] - 0.02 - 0.035 * np.abs(u) ** 2)
        + 0.004
    )
    for _ in range(2):  # a cloth spans hollows
        z = _hull(z)
        z = _hull(z.T).T
    pleats = 0.0012 * (np.arange(rows) % 3 == 1)[:, None] * (rng.random() < 0.6)
    grid = np.dstack([x, y, z + pleats])
    surgical = rng.random() < 0.55
    paper = np.array([[0.25, 0.5, 0.62], [0.75, 0.78, 0.78], [0.02, 0.02, 0.022], [0.45, 0.65, 0.6]])
    colour = paper[rng.choice(4, p=[0.5, 0.3, 0.15, 0.05])] if surgical else cloth_colour(rng)
    material = Material(colour, 0.85, shine=0.25, wrap=(0.2, 0.2, 0.2))
    cord = Material(np.full(3, 0.7) if surgical else colour, 0.8, shine=0.3)
    straps = []
    for side, column in ((0, 0), (1, -1)):
        sign = (-1, 1)[side]
        root = fit.ears[side, 0] + [0, 0.0, 0.004]
        for row, end in ((-1, root), (2, fit.ears[side, 1] + [-0.004 * sign, -0.018, 0.0])):
            path = grid[row, column] + np.linspace(0, 1, 8)[:, None] * (end - grid[row, column])
            path[:, 0] = sign * np.maximum(sign * path[:, 0], sign * fit.x(path, side) + 0.0015)
            straps.append(tube(path, 0.0012, 5))
    return [Thing.of(sheet(grid), material, Segment.FACEWEAR), Thing.of(merged(straps), cord, Segment.FACEWEAR)]


def _hull(rows: np.ndarray) -> np.ndarray:
    """Each row's least concave curve that is nowhere below it."""
    count = rows.shape[1]
    best = rows.copy()
    at = np.arange(count)
    for i in range(count):
        for k in range(i + 2, count):
            between = at[i + 1 : k]
            chord = rows[:, i, None] + (rows[:, k] - rows[:, i])[:, None] * (between - i) / (k - i)
            best[:, i + 1 : k] = np.maximum(best[:, i + 1 : k], chord)
    return best


def _scarf(rng: np.random.Generator, wearer: Wearer, fit: Fit) -> list[Thing]:
    """Rings of cloth about the neck, up to the chin or the mouth."""
    points = wearer.landmarks
    high = points[Point.CHIN, 1] + rng.uniform(-0.012, 0.04) * fit.size
    rows = 12
    level = np.linspace(0, 1, rows)[:, None]
    turn = np.broadcast_to(_AZIMUTH, (rows, _TURNS))
    neck = fit.on_neck(0.5 * (1 - level) + 0 * turn, turn)
    front = np.cos(_AZIMUTH).clip(0, 1)
    middle = np.array([0.0, 0.0, neck[..., 2].mean()])
    out = neck - middle
    out[..., 1] = 0
    radius = np.linalg.norm(out, axis=-1, keepdims=True)
    out = out / np.maximum(radius, 1e-6)
    # wide enough for jaw and chin at the upper edge
    jaw = fit.on_scalp(np.full(_TURNS, 2.45), _AZIMUTH) - middle
    jaw[:, 1] = 0
    wide = np.linalg.norm(jaw, axis=1)[None, :, None] + 0.010
    chin = (points[Point.CHIN, 2] + 0.014 - middle[2]) * front[None, :, None] ** 0.5
    wide = np.maximum(wide, chin)
    share = level[..., None]
    folds = np.abs(np.sin(np.pi * (2.5 * level + 0.25 * np.sin(turn + rng.uniform(0, 6)))))[..., None]
    reach = np.maximum(radius, 0.0) * (1 - share) + wide * share
    reach = np.maximum(reach, radius + 0.008) + 0.012 * np.sin(np.pi * share) + 0.010 * folds
    grid = middle + out * reach
    base = neck[0, :, 1] + 0.006
    upper = high + (0.02 * fit.size) * (1 - front) * rng.uniform(0.2, 1)
    grid[..., 1] = base + (upper - base) * level
    inner = grid[-1:] - out[-1:] * 0.012 - [0, 0.012, 0]
    return [
        Thing.of(
            sheet(np.concatenate([grid, inner]), closed=True),
            cloth(rng, weave=float(rng.choice([0, 40]))),
            Segment.FACEWEAR,
        )
    ]


def sample_headset(rng: np.random.Generator, wearer: Wearer, fit: Fit) -> tuple[list[Thing], HairCap, dict]:
    """Sample headphones, some with a microphone."""
    size = rng.uniform(0.030, 0.044)
    dark = Material(np.full(3, rng.choice([0.012, 0.05, 0.6])) if rng.random() < 0.75 else paint(rng), 0.3)
    pad = Material(np.full(3, 0.015), 0.7, shine=0.4)
    over = np.linspace(-1, 1, 25)
    lean = rng.normal(0, 0.12)
    band = fit.on_scalp(np.abs(over) * 1.55, np.where(over < 0, -1, 1) * (np.pi / 2 + lean))
    out = band - np.array([0.0, 0.02, band[:, 2].mean()])
    band = band + out / np.linalg.norm(out, axis=1, keepdims=True) * 0.02
    ends = []
    shells, pads = [], []
    for side, sign in enumerate((-1, 1)):
        ear = fit.ears[side, 1] + [sign * 0.012, 0.0, 0.004]
        ends.append(ear + [sign * 0.012, size * 0.8, 0])
        profile = np.array(
            [[0, -0.012], [size * 0.9, -0.012], [size, -0.006], [size, 0.004], [size * 0.8, 0.012], [0, 0.013]]
        )
        lying = np.array([[0, sign, 0], [-sign, 0, 0], [0, 0, 1.0]]).astype(float)
        shells.append(lathe(profile, 18).moved(lying, ear + [sign * 0.010, 0, 0]))
        soft = np.array(
            [[size * 0.6, -0.012], [size, -0.011], [size * 1.04, -0.002], [size, 0.006], [size * 0.6, 0.008]]
        )
        pads.append(lathe(soft, 18).moved(lying, ear - [sign * 0.006, 0, 0]))
    path = np.concatenate([ends[:1], band, ends[1:]])
    arch = tube(path, rng.uniform(0.007, 0.012), 6, up=np.array([0.0, 0.0, 1.0]), flat=0.4)
    things = [Thing.of(merged([arch, *shells]), dark, Segment.HEADWEAR), Thing.of(merged(pads), pad, Segment.HEADWEAR)]
    microphone = rng.random() < 0.45
    if microphone:
        side = int(rng.integers(2))
        sign = (-1, 1)[side]
        start = fit.ears[side, 1] + [sign * 0.024, -0.02, 0.02]
        end = wearer.landmarks[(Point.MOUTH_RIGHT, Point.MOUTH_LEFT)[side]] + [sign * 0.012, -0.012, 0.03]
        share = np.linspace(0, 1, 9)[:, None]
        bow = np.array([sign * 0.02, -0.015, 0.01]) * np.sin(np.pi * share)
        boom = start + (end - start) * share + bow
        things.append(Thing.of(merged([tube(boom, 0.0018, 5), ball(end, 0.008, 10)]), pad, Segment.HEADWEAR))
    return things, flattened_hair(fit, 0.014), {"kind": "headset" if microphone else "headphones"}


def sample_ear_rings(rng: np.random.Generator, fit: Fit) -> tuple[list[Thing], dict]:
    """Sample a pair of ear rings: studs, hoops or drops."""
    material = Material(np.array((GOLD, SILVER)[rng.integers(2)]), 0.2, metal=1.0)
    if rng.random() < 0.3:
        material = Material(paint(rng), 0.2)
    kind = str(rng.choice(["studs", "hoops", "drops"]))
    size = rng.uniform(0.006, 0.024)
    things = []
    for side, sign in enumerate((-1, 1)):
        lobe = fit.lobes[side] + [sign * 0.003, 0.003, 0.002]
        if kind == "studs":
            shape = ball(lobe, rng.uniform(0.0025, 0.005), 8)
        elif kind == "hoops":
            angle = np.linspace(0, 2 * np.pi, 18, endpoint=False)
            ring = lobe + size * np.stack([0.2 * sign * np.sin(angle), np.cos(angle) - 1, np.sin(angle)], axis=1)
            shape = tube(ring, 0.0011, 5, closed=True)
        else:
            wire = tube(lobe - np.linspace(0, size, 3)[:, None] * [0, 1.0, 0], 0.0008, 5)
            shape = merged([wire, ball(lobe - [0, size + 0.005, 0], np.array([0.004, 0.007, 0.004]), 8)])
        things.append(Thing.of(shape, material, (Segment.LEFT_EAR, Segment.RIGHT_EAR)[side]))
    return things, {"kind": kind}


def sample_necklace(rng: np.random.Generator, fit: Fit) -> tuple[list[Thing], dict]:
    """Sample a chain or beads about the neck."""
    turns = 96
    azimuth = 2 * np.pi * np.arange(turns) / turns - np.pi
    front, back = rng.uniform(0.38, 0.62), rng.uniform(0.2, 0.3)
    level = back + (front - back) * (0.5 + 0.5 * np.cos(azimuth)) ** 2
    skin = fit.on_neck(level, azimuth)
    out = skin - np.array([0.0, 0.0, skin[:, 2].mean()])
    out[:, 1] = 0.02
    path = skin + out / np.linalg.norm(out, axis=1, keepdims=True) * 0.006
    if rng.random() < 0.5:
        kind, shape = "chain", tube(path, rng.uniform(0.0008, 0.002), 5, closed=True)
        material = Material(np.array((GOLD, SILVER)[rng.integers(2)]), 0.25, metal=1.0)
        if rng.random() < 0.5:
            shape = merged([shape, ball(path[turns // 2] + [0, -0.008, 0.003], rng.uniform(0.004, 0.01), 10)])
    else:
        kind, shape = "beads", _beads(path[::2], 0.004)
        pearl = np.array([0.8, 0.76, 0.70]) if rng.random() < 0.6 else paint(rng)
        material = Material(pearl, 0.25)
    return [Thing.of(shape, material, Segment.CLOTHING)], {"kind": kind}


def _beads(places: np.ndarray, radius: float) -> Shape:
    bead = ball(np.zeros(3), radius, 6)
    count = len(bead.vertices)
    triangles = bead.triangles + count * np.arange(len(places))[:, None, None]
    vertices = (bead.vertices + places[:, None]).reshape(-1, 3)
    return Shape(vertices, triangles.reshape(-1, 3), np.tile(bead.uv, (len(places), 1)))
