"""The light on a head: that of its surroundings, its brightest parts as lamps, and the photographer's flash.

Shares and strengths of flash and lamps are by eye, on renders beside photographs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fauxface.rendering.opengl.rasteriser import Texture
from fauxface.rendering.photo.camera import Lens
from fauxface.rendering.photo.environments.dapples import sample_dapples
from fauxface.rendering.photo.environments.harmonics import rotated
from fauxface.rendering.photo.environments.lamps import GREY, incident, turned
from fauxface.rendering.photo.environments.scene import Lamp
from fauxface.rendering.photo.environments.setting import Setting

SHADOW_RADIUS = 0.24
"""Half the width of the shadow map, metres, by eye: a head with its hat and neck."""
_DARK = ("night street", "bar", "stage")
"""Places in which nearly half of the photographs are taken with a flash."""


@dataclass(frozen=True)
class WallShadow:
    """A flash's shadow on the wall behind: shift (2,) and softness in pixels, and how dark it is, 0–1."""

    shift: tuple[float, float]
    softness: float
    strength: float


@dataclass(frozen=True)
class Light:
    """Light on a head and on the background.

    Attributes:
        uniforms: of ``light.glsl``.
        background: factor of the background's radiance.
        tint: (3,) colour of the light on white paper that faces the camera; its luminance is 1.
        wall_shadow: the head's shadow on the background, or None.
        kind: ``natural``, ``flash`` or ``lamp``.
    """

    uniforms: dict[str, Any]
    background: float
    tint: np.ndarray
    wall_shadow: WallShadow | None
    kind: str


def sample_light(rng: np.random.Generator, setting: Setting, lens: Lens, soft_light: float = 1.0) -> Light:
    """Sample the light of a place, sometimes with a flash or a strong lamp; the lit face's white is about 1.

    ``soft_light`` is the recipe's: at 0 nothing casts a shadow.
    """
    place, rotation = setting.place, setting.rotation
    lamps = turned(place.lamps, rotation)
    soft = rotated(place.coefficients, rotation)
    received = incident(soft, lamps)
    soft = soft + _fill(rng, received)
    level = max(float(received @ GREY), 1e-6)
    flashes = 0.45 if place.name in _DARK else 0.2
    kind = str(rng.choice(["natural", "flash", "lamp"], p=[0.85 - flashes, flashes, 0.15]))
    background, shadow = 1.0, None
    if kind == "flash":
        ratio = float(np.exp(rng.uniform(np.log(0.7), np.log(40))))
        offset = np.array([rng.uniform(-0.06, 0.06), rng.uniform(-0.12, 0.02)])
        tint = np.exp(rng.normal(0, 0.04, 3)) * [1.0, 1.0, 1.05]
        direction = np.array([*offset, -lens.focus])
        lamps.insert(0, Lamp(direction / np.linalg.norm(direction), tint * level * ratio, 0.01))
        fall = float(lens.focus / setting.distance) ** 2
        background = 1 + ratio * fall
        # by parallax between lens and flash
        shift = -lens.focal * offset * (1 / lens.focus - 1 / setting.distance)
        dark = soft_light * ratio * fall / (1 + ratio * fall)
        softness = 0.006 * lens.focal / setting.distance
        shadow = WallShadow((float(shift[0]), float(shift[1])), softness, dark)
    elif kind == "lamp":
        ratio = float(np.exp(rng.uniform(np.log(0.8), np.log(25))))
        tint = np.exp(rng.normal(0, 0.12) * np.array([1.0, 0.1, -1.2]))
        if rng.random() < 0.05:
            tint = rng.random(3) ** 2 + 0.12
        side = rng.choice([-1, 1]) * rng.uniform(25, 125)
        direction = _direction(side, rng.uniform(-15, 60))
        lamps.insert(0, Lamp(direction, tint / (tint @ GREY) * level * ratio, float(np.radians(rng.uniform(0.5, 12)))))
    white = incident(soft, lamps)
    gain = 1 / max(float(white @ GREY), 1e-6)
    lamps = (lamps + [Lamp(np.array([0.0, -1.0, 0.0]), np.zeros(3), 0.1)] * 3)[:3]
    softness = 2 * np.tan(min(lamps[0].radius, 0.5)) * 0.04 / (2 * SHADOW_RADIUS)
    uniforms = {
        "key_direction": lamps[0].direction,
        "key_colour": lamps[0].colour * gain,
        "fill_direction": np.stack([lamp.direction for lamp in lamps[1:]]),
        "fill_colour": np.stack([lamp.colour for lamp in lamps[1:]]) * gain,
        "harmonics": soft * gain,
        "surroundings": Texture(place.key, place.reflection),
        "surroundings_gain": gain,
        "to_map": rotation.T,
        "shadow_softness": float(np.clip(softness, 0.002, 0.02)),
        "dapple_place": np.zeros(4),
        "soft_light": soft_light,
    }
    sharp = (lamps[0].radius < 0.06 and kind == "natural") or kind == "lamp"
    pattern = sample_dapples(rng, place.name) if sharp else None
    if pattern is not None:
        uniforms["dapples"], uniforms["dapple_place"] = pattern
    return Light(uniforms, background * gain, white * gain, shadow, kind)


def _fill(rng: np.random.Generator, received: np.ndarray) -> np.ndarray:
    """Sample the light that clothes and things about the photographer reflect, as coefficients (9, 3).

    It is up to 30 % of the light received (3,), from below and in front, by eye.
    """
    share = received * rng.uniform(0.0, 0.3)
    coefficients = np.zeros((9, 3))
    coefficients[0], coefficients[2], coefficients[3] = 0.6 * share, 0.15 * share, -0.4 * share
    return coefficients


def _direction(azimuth: float, height: float) -> np.ndarray:
    """Unit vector towards a lamp at an azimuth from the camera's side and a height, degrees; camera frame."""
    a, h = np.radians(azimuth), np.radians(height)
    return np.array([np.sin(a) * np.cos(h), -np.sin(h), -np.cos(a) * np.cos(h)])
