"""Places behind a face, made up: colour gradients, blurred shapes, foliage-like noise; all in linear RGB."""

from __future__ import annotations

import cv2
import numpy as np


def draw_background(rng: np.random.Generator, size: int) -> np.ndarray:
    """A random background (size, size, 3) float32, linear, about 0–1."""
    kind = rng.choice(["plain", "shapes", "foliage", "room", "sky"], p=[0.15, 0.25, 0.25, 0.2, 0.15])
    work = 128  # what is behind a face is out of focus: little detail is needed
    base = _gradient(rng, work)
    if kind == "shapes":
        base = _shapes(rng, base, int(rng.integers(6, 40)))
    elif kind == "foliage":
        base = base * (0.3 + 1.4 * _fractal(rng, work, rng.uniform(0.45, 0.8))[..., None])
        base = _shapes(rng, base, int(rng.integers(0, 8)))
    elif kind == "room":
        base = _room(rng, base)
    elif kind == "sky":
        horizon = rng.uniform(0.3, 0.9)
        ramp = np.clip((np.linspace(0, 1, work) - horizon) * rng.uniform(4, 60) + 0.5, 0, 1)[:, None, None]
        ground = _gradient(rng, work) * (0.3 + 0.7 * _fractal(rng, work, 0.7)[..., None])
        base = base * (1.3 - 0.3 * ramp) * (1 - ramp) + 0.6 * ground * ramp
    sigma = float(np.exp(rng.uniform(np.log(0.3), np.log(6.0))))
    base = cv2.GaussianBlur(base.astype(np.float32), (0, 0), sigma)
    image = cv2.resize(base, (size, size), interpolation=cv2.INTER_CUBIC)
    return np.clip(image, 0, 4).astype(np.float32)


def surroundings(background: np.ndarray) -> np.ndarray:
    """Mean colours (6, 3) of what lights a head from +x −x +y −y +z −z (camera frame), told from its background."""
    third = max(1, background.shape[0] // 3)
    right, left = background[:, -third:].mean((0, 1)), background[:, :third].mean((0, 1))
    below, above = background[-third:].mean((0, 1)), background[:third].mean((0, 1))
    mean = background.mean((0, 1))
    return np.stack([right, left, below, above, mean, mean])


def _colour(rng: np.random.Generator) -> np.ndarray:
    """A colour as surroundings have them: mostly dull, some vivid; linear RGB."""
    value = rng.beta(1.2, 2.2)
    tint = rng.normal(0, 0.12 if rng.random() < 0.7 else 0.45, 3)
    return np.clip(value * np.exp(tint), 0.002, 1.2)


def _gradient(rng: np.random.Generator, size: int) -> np.ndarray:
    corners = np.stack([_colour(rng) for _ in range(4)]).reshape(2, 2, 3)
    if rng.random() < 0.5:
        corners = corners.mean((0, 1)) * 0.7 + corners * 0.3
    return cv2.resize(corners.astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR)


def _shapes(rng: np.random.Generator, image: np.ndarray, count: int) -> np.ndarray:
    image = np.ascontiguousarray(image, np.float32)
    size = image.shape[0]
    for _ in range(count):
        colour = tuple(float(c) for c in _colour(rng) * rng.choice([1, 1, 1, 2.5]))
        centre = rng.uniform(0, size, 2)
        extent = size * np.exp(rng.uniform(np.log(0.03), np.log(0.4), 2))
        angle = rng.uniform(0, 180) if rng.random() < 0.5 else 0.0
        if rng.random() < 0.5:
            corners = cv2.boxPoints((tuple(centre), tuple(extent), angle))
            cv2.fillPoly(image, [corners.astype(np.int32)], colour)
        else:
            cv2.ellipse(image, (tuple(centre), tuple(extent), angle), colour, -1)
    return image


def _room(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Walls, stripes and a bright window or lamp."""
    image = image.copy()
    size = image.shape[0]
    edges = np.sort(rng.uniform(0, size, int(rng.integers(1, 5)))).astype(int)
    for edge in edges:
        if rng.random() < 0.6:
            image[:, edge:] = image[:, edge:] * 0.4 + 0.6 * _colour(rng)
        else:
            image[edge:] = image[edge:] * 0.4 + 0.6 * _colour(rng)
    if rng.random() < 0.5:
        x, y = rng.uniform(0, size, 2).astype(int)
        w, h = rng.uniform(0.08 * size, 0.4 * size, 2).astype(int)
        image[y : y + h, x : x + w] = rng.uniform(0.8, 2.5) * np.array([1.0, 0.97, 0.9])
    return _shapes(rng, image, int(rng.integers(2, 12)))


def _fractal(rng: np.random.Generator, size: int, roughness: float) -> np.ndarray:
    """Fractal noise (size, size) in 0–1."""
    result, weight = np.zeros((size, size), np.float32), 0.0
    for octave in range(2, 8):
        cells = 2**octave
        gain = roughness**octave
        grid = rng.random((cells, cells)).astype(np.float32)
        result += gain * cv2.resize(grid, (size, size), interpolation=cv2.INTER_CUBIC)
        weight += gain
    return np.clip((result / weight - 0.5) * 2.2 + 0.5, 0, 1)
