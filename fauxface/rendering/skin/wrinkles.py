"""Wrinkles: lines drawn once on the template's face, and the depth that age and expression give them at each vertex.

The muscles that press a line lie across it (Ekman & Friesen's action units 1, 2, 4, 6, 9, 12, 15, 17): raised brows
fold the forehead, frowns the skin between the brows, smiles the cheeks beside nose and mouth and the eyes' corners.
The lines' places, widths, depths and shares are by eye, on renders.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
from scipy.ndimage import gaussian_filter

from fauxface.rendering.opengl.rasteriser import Texture

WIDTH, HEIGHT, BOTTOM = 0.075, 0.18, -0.115
"""The map covers |x| from 0 to WIDTH and y from BOTTOM to BOTTOM + HEIGHT, metres on the template."""
SLOPE = 2.0
"""Height gradient of the map's extremes."""
_ROWS, _COLUMNS = 512, 256

_MM = 0.001
# Each line: half width and depth (mm), then points (|x|, y) in mm.
_LINES: tuple[tuple[float, float, tuple[tuple[float, float], ...]], ...] = (
    # forehead
    (1.1, 0.55, ((0, 27), (12, 27.5), (24, 29), (34, 29), (42, 26))),
    (1.2, 0.75, ((0, 34.5), (10, 34.5), (22, 36.5), (34, 37), (44, 33))),
    (1.2, 0.7, ((1, 43), (12, 43.5), (26, 45), (36, 44), (43, 41))),
    (1.1, 0.5, ((0, 51), (14, 52), (27, 53), (36, 51))),
    (0.9, 0.3, ((3, 58.5), (16, 59.5), (28, 59))),
    (0.7, 0.25, ((6, 39), (18, 40), (29, 41))),
    # between the brows, and the root of the nose
    (1.1, 0.8, ((6.2, 4), (6.8, 10), (6.4, 16), (8.5, 23))),
    (0.8, 0.45, ((10.5, 9), (10, 14), (11.5, 20))),
    (1.0, 0.55, ((0, 1.5), (5, 1), (9, -1))),
    (0.7, 0.35, ((0, 5), (5, 4.6), (8, 3.5))),
    # sides of the nose
    (0.8, 0.5, ((7, -9), (10, -5.5), (14, -3.5))),
    (0.8, 0.4, ((7.5, -14), (11, -10), (15.5, -8))),
    # crow's feet
    (0.75, 0.5, ((46, 1.5), (51, 5), (56, 9), (60, 11))),
    (0.8, 0.65, ((46.5, -1.5), (53, -0.5), (59, 1), (63, 1.5))),
    (0.8, 0.6, ((46, -4.5), (52, -7), (58, -10), (61, -13))),
    (0.75, 0.45, ((44, -8), (49, -12), (54, -18), (57, -22))),
    # under the eye: lid fold, tear trough
    (0.7, 0.35, ((20, -8), (26, -9.6), (33, -9.8), (40, -8), (44, -6))),
    (0.6, 0.25, ((23, -12), (30, -13.2), (38, -12), (44, -9.5))),
    (2.6, 0.8, ((15.5, -7), (18, -12), (23, -17), (30, -20.5), (37, -21))),
    # nose to mouth; the smile's second fold; mouth to jaw
    (2.4, 1.9, ((16.5, -36), (19.5, -43), (24.5, -51), (28.5, -59), (30.5, -67), (30.5, -73))),
    (2.6, 0.4, ((33, -48), (37.5, -56), (40, -64), (40.5, -72), (38, -80))),
    (1.7, 0.65, ((25.5, -70), (27.5, -76), (28.5, -83), (27, -90))),
    (0.9, 0.35, ((23.5, -66), (26, -69), (26.5, -72))),
    # chin
    (2.0, 1.0, ((0, -88), (6, -88), (12, -86.5), (16, -83.5))),
)

# Extent of each group of lines: |x| and y from–to, mm, softened by 4 mm.
_REGIONS = {
    "forehead": (-9, 48, 25, 70),
    "glabella": (-9, 14, -1, 25),
    "nose": (4, 17, -18, -3.5),
    "crow": (43, 70, -26, 16),
    "under_eye": (12, 44, -24, -5),
    "fold": (13, 45, -82, -33),
    "corner": (22, 34, -95, -68),
    "chin": (-9, 19, -112, -80),
}
# Share of each face unit in pressing a group's lines.
_PRESSED_BY = {
    "forehead": {"browInnerUp": 0.6, "browOuterUp": 0.7, "eyeWide": 0.2},
    "glabella": {"browDown": 1.0, "noseSneer": 0.3, "browInnerUp": 0.15},
    "nose": {"noseSneer": 1.0, "cheekSquint": 0.15},
    "crow": {"cheekSquint": 0.6, "mouthSmile": 0.45, "eyeSquint": 0.4, "eyeBlink": 0.15},
    "under_eye": {"cheekSquint": 0.6, "eyeSquint": 0.5, "mouthSmile": 0.3},
    "fold": {"mouthSmile": 0.8, "mouthUpperUp": 0.35, "noseSneer": 0.5, "mouthStretch": 0.4, "mouthDimple": 0.35},
    "corner": {"mouthFrown": 0.8, "mouthPress": 0.4, "mouthDimple": 0.4, "mouthShrugLower": 0.3},
    "chin": {"mouthShrugLower": 0.9, "mouthFrown": 0.4, "mouthRollLower": 0.4},
}
# Depth that age alone, from 0 (30 years) to 1 (80), gives each group.
_BY_AGE = {
    "forehead": 0.45,
    "glabella": 0.4,
    "nose": 0.15,
    "crow": 0.55,
    "under_eye": 0.6,
    "fold": 0.55,
    "corner": 0.6,
    "chin": 0.35,
}


def pressed(rest: np.ndarray, units: dict[str, float], age: float, depth: float) -> np.ndarray:
    """Depth of the lines at each vertex (V,): 0 smooth, 1 as deep as drawn.

    Args:
        rest: (V, 3) places on the template, metres.
        units: the expression's face units.
        age: years.
        depth: this person's own liability to lines, about 1.
    """
    old, young = np.clip((age - 30) / 50, 0, 1), np.clip((age - 4) / 26, 0, 1)
    total = np.zeros(len(rest))
    left = 1 / (1 + np.exp(-rest[:, 0] / 0.004))  # share of the left side's muscles
    for name, weight in _regions(rest).items():
        sides = [
            sum(
                share * units.get(unit if unit in units else unit + side, 0.0)
                for unit, share in _PRESSED_BY[name].items()
            )
            for side in ("Right", "Left")
        ]
        # young skin springs back and folds less
        folding = np.minimum(1.25, sides[0] + (sides[1] - sides[0]) * left) * (0.08 + 0.3 * young + 0.5 * old)
        total += weight * (folding + _BY_AGE[name] * old**1.3 + 0.02 * young)
    return np.minimum(depth * total, 1.4)


def _regions(rest: np.ndarray) -> dict[str, np.ndarray]:
    x, y = np.abs(rest[:, 0]) / _MM, rest[:, 1] / _MM

    def inside(value: np.ndarray, low: float, high: float) -> np.ndarray:
        return np.clip((value - low) / 4 + 0.5, 0, 1) * np.clip((high - value) / 4 + 0.5, 0, 1)

    front = np.clip(rest[:, 2] / 0.01 + 3.5, 0, 1)  # not on the back of the head
    return {n: front * inside(x, a, b) * inside(y, c, d) for n, (a, b, c, d) in _REGIONS.items()}


@cache
def wrinkle_map() -> Texture:
    """The lines: R and G the height's gradient along |x| and y (128 is none), B the depth of a point in a line."""
    x = (np.arange(_COLUMNS) + 0.5) / _COLUMNS * WIDTH / _MM
    y = ((np.arange(_ROWS) + 0.5) / _ROWS * HEIGHT + BOTTOM) / _MM
    grid = np.stack(np.meshgrid(x, y), axis=-1)
    rng = np.random.default_rng(1)
    wobble = gaussian_filter(rng.standard_normal((2, _ROWS, _COLUMNS)), (0, 8, 8))
    wobble *= 0.45 / wobble.std()
    grid = grid + np.moveaxis(wobble, 0, -1)
    uneven = gaussian_filter(rng.standard_normal((_ROWS, _COLUMNS)), 10)
    uneven = 1 + 0.35 * uneven / uneven.std()
    height = np.zeros((_ROWS, _COLUMNS))
    for width, depth, points in _LINES:
        line = np.array(points, float)
        low, high = line.min(0) - 3 * width - 2, line.max(0) + 3 * width + 2
        part = np.ix_((y > low[1]) & (y < high[1]), (x > low[0]) & (x < high[0]))
        distance, along = _distance(grid[part], line)
        # lines thin out towards their ends, but not where they meet their mirror image
        ends = np.clip(along / 0.25, 0, 1) ** 0.7 if points[0][0] > 2 else 1.0
        ends = ends * np.clip((1 - along) / 0.3, 0, 1) ** 0.7
        near = distance / width
        height[part] -= depth * ends * uneven[part] * (np.exp(-(near**2)) - 0.3 * np.exp(-((near - 1.7) ** 2)))
    dy, dx = np.gradient(height, HEIGHT / _ROWS / _MM, WIDTH / _COLUMNS / _MM)
    slopes = np.clip(np.stack([dx, dy], axis=-1) / SLOPE, -1, 1) * 127 + 128
    cavity = np.clip(-height[..., None], 0, 1) * 255
    return Texture("wrinkles", np.concatenate([slopes, cavity], axis=-1).round().astype(np.uint8))


def _distance(grid: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance of a grid (H, W, 2) from a polyline, and the nearest place along it, 0–1."""
    best, along = np.full(grid.shape[:2], np.inf), np.zeros(grid.shape[:2])
    fine = np.linspace(0, len(points) - 1, 4 * (len(points) - 1) + 1)
    line = np.stack([np.interp(fine, np.arange(len(points)), c) for c in points.T], axis=1)
    line = np.concatenate([line[:1], gaussian_filter(line, (1.5, 0), mode="nearest")[1:-1], line[-1:]])
    for i, (a, b) in enumerate(pairwise(line)):
        d = b - a
        t = np.clip((grid - a) @ d / (d @ d), 0, 1)
        distance = np.linalg.norm(grid - a - t[..., None] * d, axis=-1)
        nearer = distance < best
        best = np.where(nearer, distance, best)
        along = np.where(nearer, (i + t) / (len(line) - 1), along)
    return best, along
