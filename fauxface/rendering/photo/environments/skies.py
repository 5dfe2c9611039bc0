"""Skies by the CIE's standard distributions (Darula & Kittler 2002), with sun, clouds and night.

Tints, clouds, glow and the shares of heights of the sun are by eye, on the places' views.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from fauxface.rendering.photo.environments.pictures import fractal

_TYPES = {
    "overcast": (4.0, -0.70, 0.0, -1.0, 0.0),
    "hazy": (0.0, -1.0, 5.0, -2.5, 0.30),
    "broken": (-1.0, -0.55, 10.0, -3.0, 0.45),
    "clear": (-1.0, -0.32, 10.0, -3.0, 0.45),
}
"""a, b (gradation from zenith to horizon) and c, d, e (scattering about the sun) of sky types 1, 7, 11 and 12."""


@dataclass(frozen=True)
class Sky:
    """A sky over a scene; directions in the scene's frame, y up.

    Attributes:
        radiance: directions (N, 3) → (N, 3).
        sun: (3,) unit, towards the sun.
        beam: (3,) radiance of white paper that faces the sun.
        diffuse: (3,) radiance of level white paper under the sky alone.
    """

    radiance: Callable[[np.ndarray], np.ndarray]
    sun: np.ndarray
    beam: np.ndarray
    diffuse: np.ndarray


def sample_sky(rng: np.random.Generator, weather: str) -> Sky:
    """Sample a day sky: ``overcast``, ``hazy``, ``broken`` or ``clear``; the light on level ground is about 1."""
    a, b, c, d, e = _TYPES[weather]
    height = np.radians(rng.uniform(4, 70) if rng.random() < 0.75 else rng.uniform(2, 14))
    around = rng.uniform(-np.pi, np.pi)
    sun = np.array([np.sin(around) * np.cos(height), np.sin(height), np.cos(around) * np.cos(height)])
    # extinction by air and aerosols, strongest in blue, along the air mass of Kasten 1965
    mass = 1 / (np.sin(height) + 0.15 * (np.degrees(height) + 3.885) ** -1.253)
    turbid = rng.uniform(0.05, 0.25)
    through = np.exp(-(np.array([0.05, 0.11, 0.24]) + turbid * np.array([0.85, 1.0, 1.25])) * mass)
    beam = through * {"overcast": 0.0, "hazy": rng.uniform(0.2, 1.2)}.get(weather, rng.uniform(2.0, 3.5))
    cover = {"overcast": 1.0, "hazy": 0.6, "broken": rng.uniform(0.3, 0.7), "clear": rng.uniform(0.0, 0.3)}[weather]
    blue = np.array([0.33, 0.58, 1.0]) ** (0.25 if weather == "hazy" else rng.uniform(0.8, 1.5))
    low_sun = np.exp(-np.degrees(height) / 9)
    size = 256
    clouds = np.clip(
        (fractal(rng, size, size, rng.uniform(0.5, 0.65), 2) - 0.75 + 0.5 * cover) * rng.uniform(3, 8), 0, 1
    )
    shade = cv2.GaussianBlur(clouds, (0, 0), 6)
    cloud_light = 0.75 + beam * 0.35
    grey = np.array([0.95, 0.98, 1.04])

    def radiance(rays: np.ndarray) -> np.ndarray:
        up = np.maximum(rays[:, 1], 0.012)
        angle = np.arccos(np.clip(rays @ sun.astype(np.float32), -1, 1))
        level = 1 + a * np.exp(b / up)
        level = level * (1 + c * (np.exp(d * angle) - np.exp(d * np.pi / 2)) + e * np.cos(angle) ** 2)
        if weather == "overcast":
            tint = np.broadcast_to(grey, (len(rays), 3))
        else:
            milky = np.exp(-up * 4.5)[:, None] * 0.85 + 0.15 * np.exp(-angle * 3)[:, None]
            tint = blue + (np.array([0.85, 0.93, 1.0]) - blue) * np.minimum(milky, 1)
            warm = low_sun * np.exp(-angle * 1.3 - up * 3.0)[:, None]
            tint = tint * (1 - warm) + warm * np.array([1.6, 0.75, 0.3])
        bright = level[:, None] * tint
        # clouds on a plane above: the picture repeats, and its middle is overhead
        column = (rays[:, 0] / (up + 0.18) * 45 + 128).astype(int) % size
        row = (rays[:, 2] / (up + 0.18) * 45 + 128).astype(int) % size
        cloudy, thick = clouds[row, column][:, None], shade[row, column][:, None]
        white = cloud_light * (1.15 - 0.75 * thick) * (1 + 1.2 * np.exp(-angle * 2.5)[:, None])
        if weather == "overcast":
            bright = bright * (0.75 + 0.5 * cloudy)
        else:
            bright = bright * (1 - 0.9 * cloudy) + cloudy * white * 0.9
        glow = np.exp(-np.maximum(angle - 0.01, 0) * 45)[:, None] * beam * 6
        disc = (angle < 0.02)[:, None] * beam * 60
        return bright + glow * (1 - 0.8 * cloudy) + disc * (1 - cloudy)

    probe = np.random.default_rng(0).standard_normal((4096, 3)).astype(np.float32)
    probe /= np.linalg.norm(probe, axis=1, keepdims=True)
    probe[:, 1] = np.abs(probe[:, 1])
    clean = np.arccos(np.clip(probe @ sun, -1, 1)) > 0.2
    diffuse = (radiance(probe[clean]) * probe[clean, 1:2]).mean(0) * 2
    scale = 1.0 / float(diffuse.mean())
    scale *= 0.45 if beam.mean() > 0.5 else 1.0
    return Sky(lambda rays: radiance(rays) * scale, sun, beam, diffuse * scale)


def night(rng: np.random.Generator) -> Callable[[np.ndarray], np.ndarray]:
    """A sky after dusk: black or a last blue, city glow at the horizon."""
    top = np.array([0.01, 0.018, 0.04]) * np.exp(rng.uniform(-3, 1.5))
    glow = np.array([0.08, 0.045, 0.02]) * np.exp(rng.uniform(-2.5, 0.7))

    def radiance(rays: np.ndarray) -> np.ndarray:
        return top + glow * np.exp(-np.maximum(rays[:, 1:2], 0) * 5)

    return radiance
