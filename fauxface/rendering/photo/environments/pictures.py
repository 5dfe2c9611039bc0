"""Pictures for the panels of made-up places: (H, W, 4) float32, linear albedo and cover.

Colours, sizes and counts are by eye, on the pictures and on the faces that they light.
"""

from __future__ import annotations

import cv2
import numpy as np


def fractal(rng: np.random.Generator, height: int, width: int, roughness: float = 0.6, first: int = 1) -> np.ndarray:
    """Sample fractal noise (height, width) of mean 0.5 and standard deviation about 0.2, in 0–1."""
    result, weight, octave = np.zeros((height, width), np.float32), 0.0, first
    while 2**octave <= max(height, width):
        gain = roughness ** (octave - first)
        rows = max(2, round(2**octave * min(1, height / width)))
        columns = max(2, round(2**octave * min(1, width / height)))
        grid = rng.random((rows, columns), np.float32)
        result += gain * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        weight += gain * gain
        octave += 1
    result = (result - result.mean()) / max(float(result.std()), 1e-6)
    return np.clip(0.5 + 0.2 * result, 0, 1)


def colour(rng: np.random.Generator, value: tuple[float, float] = (0.04, 0.6), vivid: float = 0.12) -> np.ndarray:
    """Sample an albedo (3,): mostly dull, some vivid."""
    base = np.exp(rng.uniform(np.log(value[0]), np.log(value[1])))
    # between warm and cold, as pigments and daylight are, rather than green and purple; and warm rather than cold
    warm, green = rng.normal(0, 0.42 if rng.random() < 0.6 * vivid else 0.1, 2)
    tint = (warm + 0.1) * np.array([0.9, 0.1, -1.0]) + green * np.array([-0.3, 0.35, -0.05])
    return np.clip(base * np.exp(tint - tint.mean()), 0.004, 0.88)


def whole(image: np.ndarray) -> np.ndarray:
    """A picture that covers its panel."""
    return np.dstack([image, np.ones(image.shape[:2], np.float32)]).astype(np.float32)


def plain(rng: np.random.Generator, albedo: np.ndarray, size: int = 128) -> np.ndarray:
    """Plaster, paint: a colour with stains and a little grain."""
    stain = 1 + rng.uniform(0.05, 0.5) * (fractal(rng, size, size, 0.65) - 0.5)
    grain = 1 + rng.uniform(0, 0.12) * rng.standard_normal((size, size)).astype(np.float32)
    return whole((stain * grain)[..., None] * albedo)


def bricks(rng: np.random.Generator, rows: int = 16) -> np.ndarray:
    """Brickwork, tiles or blocks."""
    size, mortar = 256, colour(rng, (0.1, 0.5), 0)
    base, spread = colour(rng, (0.06, 0.4), 0.1) * [1.12, 0.98, 0.85], rng.uniform(0.05, 0.4)
    columns, shift = max(2, int(rows / rng.uniform(1, 3))), rng.choice([0.0, 0.5])
    image = np.empty((size, size, 3), np.float32)
    image[:] = mortar
    high, wide, gap = size / rows, size / columns, int(rng.integers(1, 3))
    for row in range(rows):
        for column in range(-1, columns + 1):
            left = (column + shift * (row % 2)) * wide
            tone = base * np.exp(rng.normal(0, spread)) * np.exp(rng.normal(0, 0.06, 3))
            corner = (round(left) + gap, round(row * high) + gap)
            cv2.rectangle(image, corner, (round(left + wide) - gap, round((row + 1) * high) - gap), tone.tolist(), -1)
    return whole(image * (0.75 + 0.5 * fractal(rng, size, size, 0.8, 3))[..., None])


def planks(rng: np.random.Generator, count: int = 10) -> np.ndarray:
    """Boards side by side, grain along the rows' direction."""
    size, base = 256, colour(rng, (0.04, 0.4), 0.1) * np.array([1.25, 0.95, 0.65])
    grain = cv2.resize(rng.random((size, 6), np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    tones = np.exp(rng.normal(0, 0.25, count))
    board = np.repeat(tones, -(-size // count))[:size]
    image = base * (board[:, None, None] * (0.7 + 0.6 * grain[..., None]))
    image[:: max(2, size // count)] *= 0.3
    return whole(image.astype(np.float32))


def folds(rng: np.random.Generator) -> np.ndarray:
    """A curtain: folds down the cloth."""
    size = 256
    across = np.linspace(0, 2 * np.pi, size)
    phase = 1.5 * np.sin(rng.integers(1, 4) * across + rng.uniform(0, 6))
    shade = 0.55 + 0.45 * np.sin(rng.integers(6, 22) * across + phase)
    cloth = colour(rng, (0.03, 0.6), 0.45) * (0.25 + 0.75 * shade[None, :, None] ** 1.5)
    return whole(np.repeat(cloth, size, 0) * (0.85 + 0.3 * fractal(rng, size, size, 0.7))[..., None])


def pattern(rng: np.random.Generator) -> np.ndarray:
    """Wallpaper or print: stripes, checks, dots."""
    size, count = 256, int(rng.integers(4, 24))
    first, second = colour(rng, (0.03, 0.7), 0.4), colour(rng, (0.03, 0.7), 0.4)
    x, y = np.meshgrid(np.linspace(0, count, size, endpoint=False), np.linspace(0, count, size, endpoint=False))
    kind = rng.integers(4)
    if kind == 0:
        mix = (x % 1 < rng.uniform(0.2, 0.8)).astype(np.float32)
    elif kind == 1:
        mix = 0.5 * (x % 1 < 0.5) + 0.5 * (y % 1 < 0.5)
    elif kind == 2:
        mix = ((x % 1 - 0.5) ** 2 + (y % 1 - 0.5) ** 2 < rng.uniform(0.03, 0.2)).astype(np.float32)
    else:
        mix = (fractal(rng, size, size, 0.5, 4) > 0.5).astype(np.float32)
    return whole((first + (second - first) * mix[..., None]).astype(np.float32))


def shelf(rng: np.random.Generator) -> np.ndarray:
    """Boards full of books, boxes, bottles."""
    size = 256
    image = np.empty((size, size, 3), np.float32)
    image[:] = colour(rng, (0.01, 0.1), 0)
    wood, rows = colour(rng, (0.05, 0.6), 0.1), int(rng.integers(3, 7))
    for row in range(rows):
        top, bottom, x = row * size // rows, (row + 1) * size // rows, 2
        while x < size - 4:
            width = int(rng.integers(3, 14) if rng.random() < 0.8 else rng.integers(10, 40))
            if rng.random() < 0.88:
                tall = int((bottom - top) * rng.uniform(0.35, 0.9))
                tone = colour(rng, (0.02, 0.7), 0.5)
                cv2.rectangle(image, (x, bottom - tall), (x + width - 2, bottom), tone.tolist(), -1)
                if rng.random() < 0.5:
                    y = bottom - int(tall * rng.uniform(0.3, 0.9))
                    cv2.rectangle(image, (x, y), (x + width - 2, y + 4), colour(rng, (0.1, 0.8)).tolist(), -1)
            x += width
        cv2.rectangle(image, (0, bottom - 4), (size, bottom), wood.tolist(), -1)
    return whole(image)


def poster(rng: np.random.Generator) -> np.ndarray:
    """A picture, notice or sign: shapes, lines of writing, a frame."""
    size = 128
    image = np.empty((size, size, 3), np.float32)
    image[:] = colour(rng, (0.02, 0.85), 0.5)
    if rng.random() < 0.5:
        image *= (0.4 + 1.2 * fractal(rng, size, size, 0.6))[..., None]
    for _ in range(int(rng.integers(1, 9))):
        tone, place = colour(rng, (0.01, 0.85), 0.6).tolist(), rng.uniform(0, size, 2).astype(int)
        extent = rng.uniform(4, size / 2, 2).astype(int)
        if rng.random() < 0.5:
            cv2.rectangle(image, place.tolist(), (place + extent).tolist(), tone, -1)
        else:
            cv2.ellipse(image, place.tolist(), extent.tolist(), float(rng.uniform(0, 180)), 0, 360, tone, -1)
    letters = np.array(list("ABDEFGHKLMNOPRSTUVXYZaeghkmnorst0123456789&"))
    ink, written = colour(rng, (0.005, 0.9), 0.3), np.zeros((size, size), np.uint8)
    for y in np.cumsum(rng.integers(14, 40, int(rng.integers(0, 5)))):
        words = "".join(rng.choice(letters, int(rng.integers(3, 12))))
        scale = float(rng.uniform(0.3, 1.2))
        cv2.putText(written, words, (int(rng.integers(0, 30)), int(y)), 2, scale, 255, int(rng.integers(1, 3)))
    image += (written[..., None] / 255.0) * (ink - image)
    if rng.random() < 0.6:
        cv2.rectangle(
            image, (0, 0), (size - 1, size - 1), colour(rng, (0.01, 0.6), 0.1).tolist(), int(rng.integers(2, 9))
        )
    return whole(image)


def facade(rng: np.random.Generator, night: bool) -> tuple[np.ndarray, np.ndarray]:
    """A house's front, and the light of its windows (H, W, 3; 1 is a lit room)."""
    size = 256
    wall = (
        bricks(rng, int(rng.integers(24, 64)))[..., :3]
        if rng.random() < 0.4
        else plain(rng, colour(rng), size)[..., :3]
    )
    image, glow = np.ascontiguousarray(wall), np.zeros((size, size, 3), np.float32)
    rows, columns = int(rng.integers(2, 9)), int(rng.integers(2, 10))
    high, wide = size / rows, size / columns
    share = rng.uniform(0.3, 0.85, 2)
    frame, glass = colour(rng, (0.02, 0.8), 0.1), colour(rng, (0.01, 0.12), 0.1) * [0.8, 1, 1.3]
    lit = rng.uniform(0.05, 0.6) if night else 0.0
    for row in range(rows):
        if rng.random() < 0.3:  # a cornice
            cv2.rectangle(
                image, (0, int(row * high)), (size, int(row * high) + 4), colour(rng, (0.1, 0.6), 0).tolist(), -1
            )
        for column in range(columns):
            corner = np.array([(column + 0.5 - share[0] / 2) * wide, (row + 0.5 - share[1] / 2) * high]).astype(int)
            end = (corner + share * [wide, high]).astype(int)
            cv2.rectangle(image, corner.tolist(), end.tolist(), (glass * rng.uniform(0.5, 2.5)).tolist(), -1)
            if rng.random() < lit:
                warm = np.array([1.0, 0.75, 0.42]) * np.exp(rng.normal(0, 0.5))
                cv2.rectangle(glow, corner.tolist(), end.tolist(), warm.tolist(), -1)
            cv2.rectangle(image, corner.tolist(), end.tolist(), frame.tolist(), int(rng.integers(1, 3)))
    return whole(image), glow


def foliage(rng: np.random.Generator, full: bool, dry: bool = False) -> np.ndarray:
    """Leaves: a hedge that covers all (``full``), or a crown with gaps and a trunk."""
    size = 256
    image = np.zeros((size, size, 4), np.float32)
    green = np.array([0.064, 0.095, 0.04]) * np.exp(rng.normal(0, [0.2, 0.12, 0.2]))
    if dry:
        green = np.array([0.2, 0.12, 0.05]) * np.exp(rng.normal(0, 0.25, 3))
    ridge = 6 + 60 * np.abs(fractal(rng, 2, size, 0.65, 2)[0] - 0.5)
    if full:
        image[..., :3], image[..., 3] = green * 0.1, np.arange(size)[:, None] > ridge
    else:
        trunk = colour(rng, (0.02, 0.1), 0)
        _branch(rng, image, np.array([size / 2, size - 1.0]), -np.pi / 2, size * 0.24, size * 0.05, trunk)
        if rng.random() < 0.15:
            return image  # bare
    # tufts of leaves, each lit from above, in front of darker ones
    clump = fractal(rng, size, size, 0.6, 2)
    leaf, count = rng.uniform(1.6, 3.6), 2200
    angle, far = rng.uniform(0, 2 * np.pi, count), np.sqrt(rng.random(count))
    places = rng.uniform(0, size, (count, 2))
    if not full:
        places = (
            np.array([size / 2, size * 0.4]) + (far * size * np.array([0.47 * np.cos(angle), 0.38 * np.sin(angle)])).T
        )
    extents = np.maximum(leaf * np.exp(rng.normal(0, 0.4, (count, 2))), 1)
    turns, tones = rng.uniform(0, np.pi, count), np.exp(rng.normal(0, 0.4, count))
    around = np.array([[1, 0], [0.4, 0.7], [-0.8, 0.5], [-1, -0.2], [0.1, -0.8]])
    for k, place in enumerate(places):
        row, column = np.clip(place[::-1].astype(int), 0, size - 1)
        if not full and clump[row, column] < 0.38:
            continue
        if full and row < ridge[column]:
            continue
        c, s = np.cos(turns[k]), np.sin(turns[k])
        corners = place + (around * extents[k]) @ np.array([[c, s], [-s, c]])
        tone = green * tones[k] * (0.15 + 1.2 * k / count) * (0.4 + 1.2 * clump[row, column])
        cv2.fillConvexPoly(image, np.round(corners).astype(np.int32), [*tone.tolist(), 1.0])
    return image


def _branch(rng, image, start, angle, length, width, tone) -> None:
    end = start + length * np.array([np.cos(angle), np.sin(angle)])
    cv2.line(image, start.astype(int).tolist(), end.astype(int).tolist(), [*tone, 1.0], max(1, int(width)))
    if length > 9:
        for turn in rng.normal(0, 0.45, int(rng.integers(2, 4))) + rng.choice([-0.3, 0.3]):
            _branch(rng, image, end, angle + turn, length * rng.uniform(0.6, 0.85), width * 0.65, tone)


def person(rng: np.random.Generator) -> np.ndarray:
    """A person in the background, to the knees: dress, skin, hair; no features."""
    high, wide = 256, 128
    image = np.zeros((high, wide, 4), np.float32)
    skin = np.array([0.52, 0.33, 0.23]) * np.exp(-rng.uniform(0, 2.0) * np.array([0.6, 0.85, 1.0]))
    top, below = colour(rng, (0.01, 0.8), 0.5), colour(rng, (0.01, 0.4), 0.3)
    hair = colour(rng, (0.006, 0.15), 0) * [1.2, 1, 0.8]
    x, lean = wide / 2, rng.uniform(-5, 5)
    shoulder, hip = rng.uniform(27, 36), rng.uniform(19, 28)
    torso = [[x - shoulder, 62], [x - 10, 48], [x + 10, 48], [x + shoulder, 62], [x + hip, 140], [x - hip, 140]]
    legs = [[x - hip, 130], [x + hip, 130], [x + hip * 0.8, 256], [x - hip * 0.8, 256]]
    cv2.fillPoly(image, [np.array(legs, int)], [*below, 1.0])
    for side in (-1, 1):
        elbow = (int(x + side * (shoulder + rng.uniform(0, 8))), int(rng.uniform(92, 112)))
        hand = (int(x + side * rng.uniform(5, shoulder + 8)), int(rng.uniform(75, 155)))
        cv2.line(image, (int(x + side * (shoulder - 6)), 67), elbow, [*(top * 0.85), 1.0], 12)
        cv2.line(image, elbow, hand, [*(top * 0.85 if rng.random() < 0.6 else skin), 1.0], 9)
    cv2.fillPoly(image, [np.array(torso, int)], [*top, 1.0])
    cv2.rectangle(image, (int(x - 6), 38), (int(x + 6), 52), [*(skin * 0.75), 1.0], -1)
    head = int(x + lean)
    if rng.random() < 0.4:
        cv2.ellipse(image, (head, 36), (17, 26), 0, 0, 360, [*hair, 1.0], -1)
    cv2.ellipse(image, (head, 24), (15, 19), 0, 0, 360, [*hair, 1.0], -1)
    if rng.random() < 0.7:  # the others look away
        cv2.ellipse(image, (head + int(rng.uniform(-4, 4)), 29), (12, 17), 0, 0, 360, [*skin, 1.0], -1)
    image[..., :3] *= (0.7 + 0.6 * fractal(rng, high, wide, 0.7, 2))[..., None]
    return image


def ground(rng: np.random.Generator, kind: str) -> np.ndarray:
    """A picture of the ground that repeats about every four metres."""
    size = 256
    if kind in ("paving", "tiles"):
        return bricks(rng, int(rng.integers(4, 16)))
    if kind == "boards":
        return planks(rng, int(rng.integers(8, 24)))
    tones = {
        "grass": np.array([0.078, 0.105, 0.04]),
        "asphalt": np.array([0.09, 0.09, 0.09]),
        "earth": np.array([0.16, 0.11, 0.07]),
        "sand": np.array([0.42, 0.34, 0.23]),
        "snow": np.array([0.82, 0.84, 0.88]),
        "carpet": colour(rng, (0.03, 0.4), 0.3),
    }
    tone = tones[kind] * np.exp(rng.normal(0, 0.15) + rng.normal(0, 0.06, 3))
    rough = {"grass": 0.6, "earth": 0.5, "sand": 0.2, "snow": 0.06}.get(kind, 0.25)
    shade = np.exp(rough * rng.standard_normal((size, size))) * (0.6 + 0.8 * fractal(rng, size, size, 0.6))
    return whole(np.clip(shade[..., None] * tone, 0, 0.9).astype(np.float32))
