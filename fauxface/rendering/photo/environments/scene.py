"""A small ray caster for made-up places: a sky, flat textured panels, and light on them; one eye, in the middle.

Frame of scenes: x right, y up, z forward, metres, the eye at the origin. Directions come in the frame of maps (y down).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

FLIP = np.array([1.0, -1.0, 1.0], np.float32)


@dataclass(frozen=True)
class Lamp:
    """A light too small for a map of a few degrees a pixel: the sun, a bulb far away.

    Attributes:
        direction: (3,) unit, towards the lamp, frame of maps.
        colour: (3,) radiance of white paper that faces it.
        radius: half its angular size, radians.
    """

    direction: np.ndarray
    colour: np.ndarray
    radius: float


@dataclass(frozen=True)
class Panel:
    """A rectangle with a picture.

    Attributes:
        centre: (3,).
        right, up: (3,) from the centre to the middle of the right and of the upper edge; at right angles.
        picture: (H, W, 4) float32 linear albedo and cover, or radiance where it glows; row 0 is up.
        glows: it shines by itself, and no light falls on it.
        repeat: repetitions of the picture along right and up.
        normal: (3,) unit, to the lit side; away from the plane for foliage and people, which are not flat.
    """

    centre: np.ndarray
    right: np.ndarray
    up: np.ndarray
    picture: np.ndarray
    glows: bool = False
    repeat: tuple[float, float] = (1.0, 1.0)
    normal: np.ndarray | None = None

    @property
    def cone(self) -> float:
        """Half the angle of a cone from the eye that encloses it; π where the eye is within its reach."""
        reach = float(np.hypot(np.linalg.norm(self.right), np.linalg.norm(self.up)))
        distance = float(np.linalg.norm(self.centre))
        return float(np.arcsin(reach / distance)) if reach < distance else np.pi

    def nearness(self, direction: np.ndarray) -> float:
        """The angle from a unit direction to the cone's edge; negative within."""
        cosine = float(self.centre @ direction) / float(np.linalg.norm(self.centre))
        return float(np.arccos(np.clip(cosine, -1, 1))) - self.cone


@dataclass(frozen=True)
class Bulb:
    """A point light: place (3,), strength (3,) as the radiance of white paper one metre away."""

    place: np.ndarray
    colour: np.ndarray


@dataclass
class Scene:
    """Sky, panels and lamps of a place.

    Attributes:
        sky: directions (N, 3; scene frame) → radiance (N, 3) behind all panels.
        panels: in any order; depth sorts them.
        ambient: (3,) light on every panel, as the radiance of white paper.
        sun: direction (3; scene frame) and strength (3) of a far light on the panels, or None.
        bulbs: near lights.
        lamps: light on the head beyond the map's; frame of maps.
        haze: (4,) colour of the air and its density a metre.
    """

    sky: Callable[[np.ndarray], np.ndarray]
    panels: list[Panel] = field(default_factory=list)
    ambient: np.ndarray = field(default_factory=lambda: np.ones(3))
    sun: tuple[np.ndarray, np.ndarray] | None = None
    bulbs: list[Bulb] = field(default_factory=list)
    lamps: list[Lamp] = field(default_factory=list)
    haze: np.ndarray | None = None

    def radiance(self, directions: np.ndarray, pixel: float) -> np.ndarray:
        """Linear RGB (N, 3) along unit directions (N, 3; frame of maps) whose neighbours are ``pixel`` radians off."""
        rays = directions.astype(np.float32) * FLIP
        depth = np.full(len(rays), np.inf, np.float32)
        colour = np.maximum(self.sky(rays), 0).astype(np.float32)
        middle = rays.mean(0)
        middle /= max(float(np.linalg.norm(middle)), 1e-6)
        spread = float(np.arccos(np.clip((rays @ middle).min(), -1, 1)))
        for panel in self.panels:
            if spread > 1 or panel.nearness(middle) < spread:
                self._paint(panel, rays, depth, colour, pixel)
        if self.haze is not None:
            clear = np.exp(-self.haze[3] * np.minimum(depth, 1e5))[:, None]
            clear[np.isinf(depth)] = 1.0
            colour = colour * clear + self.haze[:3].astype(np.float32) * (1 - clear)
        return colour

    def _paint(self, panel: Panel, rays: np.ndarray, depth: np.ndarray, colour: np.ndarray, pixel: float) -> None:
        right, up = np.linalg.norm(panel.right), np.linalg.norm(panel.up)
        normal = np.cross(panel.right, panel.up) / (right * up)
        offset = float(panel.centre @ normal)
        if abs(offset) < 1e-6:
            return
        facing = rays @ normal.astype(np.float32)
        ahead = facing * np.sign(offset) > 1e-4
        if panel.cone < np.pi:
            towards = panel.centre / np.linalg.norm(panel.centre)
            ahead &= rays @ towards.astype(np.float32) > np.cos(panel.cone)
        near = np.flatnonzero(ahead)
        far = offset / facing[near]
        axes = np.stack([panel.right / right**2, panel.up / up**2], 1).astype(np.float32)
        place = (rays[near] @ axes) * far[:, None] - (panel.centre @ axes)
        inside = (np.abs(place) < 1).all(1) & (far < depth[near])
        near, far, place = near[inside], far[inside], place[inside]
        if not len(near):
            return
        texels = panel.picture.shape[1] * panel.repeat[0] / (2 * right)
        spread = texels * pixel * far / np.maximum(np.abs(facing[near]), 0.05)
        u = (place[:, 0] + 1) * (0.5 * panel.repeat[0])
        v = (1 - place[:, 1]) * (0.5 * panel.repeat[1])
        seen = _sample(panel.picture, u, v, np.log2(np.maximum(spread, 1e-3)))
        covered = seen[:, 3] > 0.5
        near, far, seen = near[covered], far[covered], seen[covered, :3]
        if not panel.glows:
            towards = -np.sign(offset) * normal if panel.normal is None else panel.normal
            seen = seen * self._light(rays[near] * far[:, None], towards)
        colour[near], depth[near] = seen, far

    def _light(self, points: np.ndarray, normal: np.ndarray) -> np.ndarray:
        light = np.broadcast_to(self.ambient.astype(np.float32), points.shape).copy()
        if self.sun is not None:
            light += (max(0.0, float(self.sun[0] @ normal)) * self.sun[1]).astype(np.float32)
        for bulb in self.bulbs:
            gap = bulb.place.astype(np.float32) - points
            square = (gap * gap).sum(1)
            cosine = np.maximum((gap @ normal.astype(np.float32)) / np.sqrt(square), 0)
            light += (cosine / (square + 0.05))[:, None] * bulb.colour.astype(np.float32)
        return light


def _sample(picture: np.ndarray, u: np.ndarray, v: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Texels (N, C) of a repeating picture at u, v (1 is its width and height), from a pyramid by level."""
    result = np.empty((len(u), picture.shape[2]), np.float32)
    top = max(0, int(np.log2(min(picture.shape[:2]))))
    step = np.clip(np.round(level), 0, top).astype(np.int8)
    for k in range(int(step.max()) + 1):
        if k:
            picture = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        chosen = np.flatnonzero(step == k)
        if not len(chosen):
            continue
        height, width = picture.shape[:2]
        x, y = u[chosen] * width, v[chosen] * height
        if k or height == 1:
            result[chosen] = picture[y.astype(np.int32) % height, x.astype(np.int32) % width]
            continue
        # seen from near, the texels' corners must not show
        left, upper = np.floor(x - 0.5).astype(np.int32), np.floor(y - 0.5).astype(np.int32)
        across, down = (x - 0.5 - left)[:, None], (y - 0.5 - upper)[:, None]
        above, below = upper % height, (upper + 1) % height
        here, beyond = left % width, (left + 1) % width
        first = picture[above, here] * (1 - across) + picture[above, beyond] * across
        second = picture[below, here] * (1 - across) + picture[below, beyond] * across
        result[chosen] = first * (1 - down) + second * down
    return result
