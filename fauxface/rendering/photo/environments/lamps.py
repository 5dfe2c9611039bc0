"""The brightest regions of a map as lamps, so that they can cast shadows; the soft light left over; the sum of both."""

from __future__ import annotations

import cv2
import numpy as np

from fauxface.rendering.photo.environments.harmonics import diffuse
from fauxface.rendering.photo.environments.scene import Lamp
from fauxface.rendering.photo.environments.spheres import map_directions, solid_angles

GREY = np.array([0.2126, 0.7152, 0.0722])
"""Luminance of linear sRGB (ITU-R BT.709)."""
_REACH = np.radians(38)
"""Largest angle from a lamp's peak; this and the thresholds below are by eye, on renders: a lamp takes nearly all of a
bright spot's light."""
_FACE = np.array([[x, y, -1.0] for y in (-0.7, 0.0, 0.7) for x in (-0.9, 0.0, 0.9)])
_FACE /= np.linalg.norm(_FACE, axis=1, keepdims=True)
"""Normals of a face that looks into the camera, whichever way the head is turned: those that the camera sees."""


def take_lamps(image: np.ndarray, count: int) -> tuple[list[Lamp], np.ndarray]:
    """Up to ``count`` lamps, the strongest first, and the map (H, 2H, 3) without their light."""
    height = image.shape[0]
    directions, angles = map_directions(height), solid_angles(height)
    rest = image.astype(np.float64)
    lamps: list[Lamp] = []
    for _ in range(count):
        grey = rest @ GREY
        mean = float((grey * angles).sum() / (4 * np.pi))
        blurred = cv2.blur(np.concatenate([grey] * 3, 1), (5, 5))[:, 2 * height : 4 * height]
        peak = np.unravel_index(np.argmax(blurred * np.sqrt(angles / angles.max() + 0.02)), grey.shape)
        near = directions @ directions[peak] > np.cos(_REACH)
        floor = max(2.5 * mean, 0.25 * float(grey[near].max()))
        excess = np.where(near & (grey > floor), grey - min(0.6 * floor, 2 * mean), 0.0)
        taken = rest * (excess / np.maximum(grey, 1e-9))[..., None]
        power = (excess * angles).sum()
        if power < 1e-9 or mean <= 0:
            break
        centre = (directions * (excess * angles)[..., None]).sum((0, 1)) / power
        length = float(np.linalg.norm(centre))
        # a disc of half-angle r has its centroid at (1 + cos r) / 2
        radius = float(np.arccos(np.clip(2 * length - 1, -1, 1)))
        lamps.append(Lamp(centre / length, (taken * angles[..., None]).sum((0, 1)) / np.pi, radius))
        rest = rest - taken
    return lamps, rest


def turned(lamps: list[Lamp], rotation: np.ndarray) -> list[Lamp]:
    """The lamps in the frame that ``rotation`` (3, 3) brings theirs into."""
    return [Lamp(rotation @ lamp.direction, lamp.colour, lamp.radius) for lamp in lamps]


def incident(soft: np.ndarray, lamps: list[Lamp]) -> np.ndarray:
    """The mean radiance (3,) of white paper on a face that looks into the camera.

    Args:
        soft: (9, 3) coefficients of the light without the lamps, camera frame.
        lamps: camera frame.
    """
    light = np.maximum(diffuse(soft, _FACE), 0).mean(0)
    for lamp in lamps:
        light = light + lamp.colour * np.maximum(_FACE @ lamp.direction, 0).mean()
    return light
