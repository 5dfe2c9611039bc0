"""Made-up places with a roof: rooms, halls, bars, stages, studios.

Sizes are those of usual buildings; lights, colours and shares are by eye, on the places' views and the faces in them.
"""

from __future__ import annotations

import numpy as np

from fauxface.rendering.photo.environments import pictures
from fauxface.rendering.photo.environments.outdoors import people
from fauxface.rendering.photo.environments.scene import Bulb, Panel, Scene

WARM, DAY, TUBE = np.array([1.0, 0.72, 0.43]), np.array([0.92, 0.98, 1.07]), np.array([0.95, 1.0, 0.89])
"""Colours of bulbs, daylight and fluorescent tubes, linear RGB, by eye."""


def _nothing(rays: np.ndarray) -> np.ndarray:
    return np.zeros_like(rays)


def _surface(rng: np.random.Generator, light: bool) -> tuple[np.ndarray, float]:
    """Sample a wall's picture and its width, metres."""
    kind = rng.choice(["paint", "pattern", "planks", "bricks", "folds"], p=[0.6, 0.12, 0.1, 0.1, 0.08])
    if kind == "paint":
        return pictures.plain(rng, pictures.colour(rng, (0.25, 0.85) if light else (0.02, 0.3), 0.2), 256), 4.0
    made = {"pattern": pictures.pattern, "planks": pictures.planks, "bricks": pictures.bricks, "folds": pictures.folds}
    return made[str(kind)](rng), rng.uniform(1.0, 3.0)


class _Room:
    """A box around the eye, and places on its walls."""

    def __init__(self, rng: np.random.Generator, eye: float, half: np.ndarray, high: float, light: bool) -> None:
        self.rng, self.eye, self.high = rng, eye, high
        self.turn, self.half = rng.uniform(-np.pi, np.pi), half
        self.off = rng.uniform(-0.45, 0.45, 2) * half
        self.scene = Scene(_nothing)
        same = _surface(rng, light)
        for k in range(4):
            picture, span = same if rng.random() < 0.6 else _surface(rng, light)
            self.hang(
                k,
                0.0,
                high / 2,
                2 * half[(k + 1) % 2],
                high,
                picture,
                repeat=(max(1.0, 2 * half[(k + 1) % 2] / span), max(1.0, high / span)),
                out=0.0,
            )
        for up, kind in ((-eye, ["boards", "carpet", "tiles"]), (high - eye, None)):
            x, z = self.axis(0) * half[0], self.axis(1) * half[1]
            centre = x * self.off[0] / half[0] + z * self.off[1] / half[1] + np.array([0, up, 0])
            if kind:
                picture, repeat = pictures.ground(rng, str(rng.choice(kind))), tuple(half / 1.2)
            else:
                picture, repeat = pictures.plain(rng, pictures.colour(rng, (0.3, 0.85), 0), 128), (1.0, 1.0)
            self.scene.panels.append(Panel(centre, x, z, picture, repeat=repeat))

    def axis(self, k: int) -> np.ndarray:
        """Unit vector across wall k (0, 2: ±x; 1, 3: ±z of the room)."""
        angle = self.turn + k * np.pi / 2
        return np.array([np.sin(angle), 0.0, np.cos(angle)])

    def spot(self, k: int, along: float, height: float, out: float) -> np.ndarray:
        """A place on wall k: metres along it from its middle, above the floor, and off the wall into the room."""
        sign = 1 if k < 2 else -1
        reach = self.half[k % 2] - out + sign * self.off[k % 2]
        other = self.axis(1 - k % 2) if k % 2 == 0 else self.axis(0)
        return self.axis(k) * reach + other * (self.off[1 - k % 2] + along) + np.array([0, height - self.eye, 0])

    def hang(self, k, along, height, width, tall, picture, glows=False, repeat=(1.0, 1.0), out=0.02) -> Panel:
        """Hang a picture on wall k."""
        towards = self.axis(k)
        right = np.array([towards[2], 0, -towards[0]]) * width / 2
        panel = Panel(self.spot(k, along, height, out), right, np.array([0, tall / 2, 0]), picture, glows, repeat)
        self.scene.panels.append(panel)
        return panel

    def window(self, k: int, strength: np.ndarray) -> None:
        """Add a window with the view outside, curtains, and its light in the room."""
        rng, span = self.rng, self.half[(k + 1) % 2]
        width, tall = rng.uniform(0.8, min(3.5, 1.6 * span)), rng.uniform(0.9, min(2.3, self.high - 0.4))
        along, sill = (
            rng.uniform(-1, 1) * max(0.0, span - width / 2 - 0.3),
            rng.uniform(0.1, max(0.15, self.high - tall - 0.2)),
        )
        view = np.empty((128, 128, 4), np.float32)
        view[...] = [*strength, 1.0]
        leaves = np.maximum(pictures.foliage(rng, True)[::2, ::2], 0.01)
        line = (40 + 80 * rng.random() + 30 * (pictures.fractal(rng, 2, 128)[0] - 0.5)).astype(int)
        below = np.arange(128)[:, None] > line[None]
        view[below, :3] = leaves[below, :3] * strength * 2.5
        for bar in np.linspace(0, 127, int(rng.integers(2, 5))).astype(int):
            view[:, max(0, bar - 2) : bar + 3, :3] = view[max(0, bar - 2) : bar + 3, :, :3] = strength * 0.04
        if rng.random() < 0.25:  # blinds
            view[:: int(rng.integers(4, 9)), :, :3] *= 0.12
        height = sill + tall / 2
        self.hang(k, along, height, width, tall, view, glows=True, out=0.03)
        power = strength * width * tall / np.pi
        for part in (-0.3, 0.3):
            self.scene.bulbs.append(Bulb(self.spot(k, along + part * width, height, 0.3), power * 0.35))
        if rng.random() < 0.6:
            cloth = pictures.folds(rng)
            for side in (-1, 1):
                self.hang(k, along + side * width * 0.6, height - 0.1, width * 0.35, tall * 1.2, cloth, out=0.06)

    def lamp(self, tint: np.ndarray, power: float) -> None:
        """Add a shade with a bulb in it, on a wall or standing."""
        rng, k = self.rng, int(self.rng.integers(4))
        span, side = self.half[(k + 1) % 2], rng.uniform(0.08, 0.4)
        along, height, out = rng.uniform(-0.85, 0.85) * span, rng.uniform(0.9, self.high - 0.3), rng.uniform(0.05, 0.6)
        rows = np.linspace(-1, 1, 16)
        ball = (rows[:, None] ** 2 + rows[None] ** 2 < 1) | (rng.random() < 0.5)
        shine = np.dstack([np.ones((16, 16, 3)) * tint * power / side * 0.8, ball]).astype(np.float32)
        self.hang(k, along, height, side, side, shine, glows=True, out=out)
        self.scene.bulbs.append(Bulb(self.spot(k, along, height, out + 0.25), tint * power * 0.5))

    def ceiling_lights(self, tint: np.ndarray, power: float) -> None:
        """Add tubes or panels in rows."""
        rng = self.rng
        rows, columns = int(rng.integers(1, 4)), int(rng.integers(1, 4))
        size = np.array([rng.uniform(0.15, 0.7), rng.uniform(0.3, 1.4)])
        for i in range(rows):
            for j in range(columns):
                place = self.axis(0) * (self.off[0] + ((i + 0.5) / rows * 2 - 1) * self.half[0])
                place = place + self.axis(1) * (self.off[1] + ((j + 0.5) / columns * 2 - 1) * self.half[1])
                place[1] = self.high - self.eye - 0.03
                shine = np.array([[[*(tint * power / size.prod()), 1.0]]], np.float32)
                self.scene.panels.append(
                    Panel(place, self.axis(0) * size[0] / 2, self.axis(1) * size[1] / 2, shine, True)
                )
                self.scene.bulbs.append(Bulb(place - np.array([0, 0.1, 0]), tint * power * 0.6))

    def furnish(self, count: int) -> None:
        """Add shelves, cupboards, doors, seats, pictures, tables."""
        rng = self.rng
        for _ in range(count):
            k = int(rng.integers(4))
            span = self.half[(k + 1) % 2]
            kind = rng.choice(
                ["poster", "shelf", "cupboard", "door", "seat", "folds"], p=[0.4, 0.15, 0.15, 0.1, 0.15, 0.05]
            )
            along = rng.uniform(-0.9, 0.9) * span
            if kind == "poster":
                size = rng.uniform(0.2, 1.1, 2)
                self.hang(k, along, rng.uniform(1.2, 2.0), size[0], size[1], pictures.poster(rng))
            elif kind == "shelf":
                tall = rng.uniform(1.2, self.high)
                self.hang(k, along, tall / 2, rng.uniform(0.8, 2.5), tall, pictures.shelf(rng), out=0.3)
            elif kind == "door":
                door = pictures.planks(rng, 3) if rng.random() < 0.5 else pictures.plain(rng, pictures.colour(rng), 64)
                self.hang(k, along, 1.03, 0.95, 2.06, door)
            elif kind == "folds":
                self.hang(
                    k, along, self.high / 2, rng.uniform(0.6, 2.5), self.high * 0.95, pictures.folds(rng), out=0.1
                )
            else:
                tall = rng.uniform(0.4, 1.1) if kind == "seat" else rng.uniform(0.7, 2.1)
                made = (
                    pictures.pattern(rng)
                    if rng.random() < 0.2
                    else pictures.plain(rng, pictures.colour(rng, (0.02, 0.5), 0.35), 64)
                )
                self.hang(k, along, tall / 2, rng.uniform(0.5, 2.2), tall, made, out=rng.uniform(0.3, 1.2))


def _bounce(scene: Scene, share: float) -> None:
    """Set the ambient light, which walls reflect back and forth, to a share of that of all bulbs."""
    sent = sum((bulb.colour / (1.0 + bulb.place @ bulb.place) for bulb in scene.bulbs), np.zeros(3))
    scene.ambient = 0.012 + share * sent


def room(rng: np.random.Generator, eye: float) -> Scene:
    """A living room, kitchen, office: windows by day, or lamps."""
    made = _Room(rng, eye, rng.uniform(1.7, 3.8, 2), rng.uniform(2.3, 3.2), rng.random() < 0.75)
    if rng.random() < 0.6:
        strength = DAY * np.exp(rng.uniform(np.log(4), np.log(25)))
        for k in rng.permutation(4)[: int(rng.integers(1, 4))]:
            made.window(int(k), strength)
    if not made.scene.bulbs or rng.random() < 0.4:
        tint = WARM ** rng.uniform(0.2, 1.1)
        for _ in range(int(rng.integers(1, 5))):
            made.lamp(tint, rng.uniform(0.5, 2.5))
    if rng.random() < 0.3:
        made.ceiling_lights(TUBE ** rng.uniform(-0.5, 1.0), rng.uniform(0.4, 1.5))
    made.furnish(int(rng.integers(5, 16)))
    made.scene.panels += people(rng, int(rng.integers(0, 3)), 1.6, 3, eye)
    _bounce(made.scene, rng.uniform(0.06, 0.3))
    return made.scene


def hall(rng: np.random.Generator, eye: float) -> Scene:
    """A shop, canteen, class room or station: big, many lights, many people."""
    made = _Room(rng, eye, rng.uniform(4, 12, 2), rng.uniform(2.8, 6), rng.random() < 0.6)
    made.ceiling_lights(TUBE ** rng.uniform(-0.7, 1.2), rng.uniform(3, 12))
    if rng.random() < 0.5:
        for k in rng.permutation(4)[: int(rng.integers(1, 3))]:
            made.window(int(k), DAY * rng.uniform(2, 8))
    made.furnish(int(rng.integers(10, 26)))
    made.scene.panels += people(rng, int(rng.integers(2, 18)), 1.8, 9, eye)
    _bounce(made.scene, rng.uniform(0.06, 0.3))
    return made.scene


def bar(rng: np.random.Generator, eye: float) -> Scene:
    """Dim and warm: small lamps, dark walls, people."""
    made = _Room(rng, eye, rng.uniform(1.8, 6, 2), rng.uniform(2.3, 4), False)
    for _ in range(int(rng.integers(2, 12))):
        made.lamp(WARM ** rng.uniform(0.3, 1.3) * np.exp(rng.normal(0, 0.1, 3)), rng.uniform(0.05, 0.5))
    made.furnish(int(rng.integers(4, 16)))
    made.scene.panels += people(rng, int(rng.integers(0, 9)), 1.7, 5, eye)
    _bounce(made.scene, rng.uniform(0.08, 0.3))
    return made.scene


def stage(rng: np.random.Generator, eye: float) -> Scene:
    """Black, with coloured lights; or a wall in one strong colour."""
    made = _Room(rng, eye, rng.uniform(3, 9, 2), rng.uniform(3, 7), False)
    for panel in made.scene.panels:
        panel.picture[..., :3] *= rng.uniform(0.05, 0.6)
    for _ in range(int(rng.integers(1, 7))):
        vivid = rng.random(3) ** 2 + rng.uniform(0.05, 0.5)
        made.lamp(vivid / vivid.max(), rng.uniform(1, 9))
    made.scene.panels += people(rng, int(rng.integers(0, 6)), 2, 6, eye)
    _bounce(made.scene, rng.uniform(0.02, 0.2))
    return made.scene


def studio(rng: np.random.Generator, eye: float) -> Scene:
    """A backdrop, black, grey, white or of a colour; large soft lamps."""
    made = _Room(rng, eye, rng.uniform(2.5, 5, 2), rng.uniform(3, 4), False)
    backdrop = {
        "black": np.full(3, 0.004), "grey": np.full(3, rng.uniform(0.05, 0.4)), "white": np.full(3, 0.85),
        "colour": pictures.colour(rng, (0.05, 0.6), 1.0),
    }[str(rng.choice(["black", "grey", "white", "colour"], p=[0.3, 0.25, 0.25, 0.2]))]  # fmt: skip
    for k in range(4):
        made.hang(
            k, 0.0, made.high / 2, 2 * made.half[(k + 1) % 2], made.high, pictures.plain(rng, backdrop, 64), out=0.05
        )
    for _ in range(int(rng.integers(1, 4))):
        k, size = int(rng.integers(4)), rng.uniform(0.5, 1.6, 2)
        power = np.exp(rng.uniform(np.log(1.5), np.log(12)))
        tint = np.exp(rng.normal(0, 0.08, 3))
        along, height = rng.uniform(-0.7, 0.7) * made.half[(k + 1) % 2], rng.uniform(1.2, 2.6)
        shine = np.array([[[*(tint * power), 1.0]]], np.float32)
        made.hang(k, along, height, size[0], size[1], shine, glows=True, out=0.8)
        made.scene.bulbs.append(Bulb(made.spot(k, along, height, 1.2), tint * power * size.prod() / np.pi))
    _bounce(made.scene, rng.uniform(0.1, 0.4))
    return made.scene
