"""Made-up places under the sky: parks, streets, walls, open country, and streets at night.

Sizes are those of usual trees, houses and cars; colours, counts and shares are by eye, on the places' views and the
faces in them.
"""

from __future__ import annotations

import numpy as np

from fauxface.rendering.photo.environments import pictures
from fauxface.rendering.photo.environments.scene import FLIP, Bulb, Lamp, Panel, Scene
from fauxface.rendering.photo.environments.skies import Sky, night, sample_sky

SUN_RADIUS = np.radians(0.27)
"""Half the angle that the sun spans in the sky."""
_WEATHER = (0.2, 0.2, 0.25, 0.35)
"""Shares of overcast, hazy, broken and clear skies, by eye."""


def upright(
    azimuth: float,
    distance: float,
    base: float,
    width: float,
    height: float,
    picture: np.ndarray,
    turn: float = 0.0,
    **more,
) -> Panel:
    """A panel that stands at an azimuth and a distance, its foot at the height ``base``; ``turn`` turns it aside."""
    yaw = azimuth + turn
    centre = np.array([distance * np.sin(azimuth), base + height / 2, distance * np.cos(azimuth)])
    right = np.array([np.cos(yaw), 0.0, -np.sin(yaw)]) * width / 2
    return Panel(centre, right, np.array([0.0, height / 2, 0.0]), picture, **more)


def floor(rng: np.random.Generator, kind: str, eye: float, reach: float = 150.0) -> Panel:
    """The ground, ``eye`` metres below."""
    side, out = np.array([reach, 0.0, 0.0]), np.array([0.0, 0.0, reach])
    repeat = 2 * reach / rng.uniform(2.5, 6)
    return Panel(np.array([0.0, -eye, 0.0]), side, out, pictures.ground(rng, kind), repeat=(repeat, repeat))


def people(rng: np.random.Generator, count: int, near: float, far: float, eye: float) -> list[Panel]:
    """Sample people who stand around."""
    made = [pictures.person(rng) for _ in range(min(count, 8))]
    result = []
    for _ in range(count):
        azimuth, distance = rng.uniform(-np.pi, np.pi), np.exp(rng.uniform(np.log(near), np.log(far)))
        tall = rng.uniform(1.35, 1.85)
        towards = -np.array([np.sin(azimuth), -0.5, np.cos(azimuth)]) + rng.normal(0, 0.3, 3)
        picture = made[rng.integers(len(made))]
        if rng.random() < 0.5:
            picture = picture[:, ::-1]
        shape = upright(azimuth, distance, -eye, tall * 0.5, tall, picture, normal=towards / np.linalg.norm(towards))
        result.append(shape)
    return result


def trees(rng: np.random.Generator, count: int, near: float, far: float, eye: float) -> list[Panel]:
    """Sample trees and bushes all around."""
    dry = rng.random() < 0.15
    made = [pictures.foliage(rng, False, dry) for _ in range(3)]
    result = []
    for _ in range(count):
        azimuth, distance = rng.uniform(-np.pi, np.pi), np.exp(rng.uniform(np.log(near), np.log(far)))
        tall = rng.uniform(4, 12) if rng.random() < 0.75 else rng.uniform(1, 2.5)
        normal = np.array([0.0, 0.8, 0.0]) + rng.normal(0, 0.4, 3)
        picture = made[rng.integers(3)] * np.array([*[np.exp(rng.normal(0, 0.2))] * 3, 1.0], np.float32)
        result.append(
            upright(azimuth, distance, -eye, tall * 0.85, tall, picture, normal=normal / np.linalg.norm(normal))
        )
    return result


def houses(rng: np.random.Generator, eye: float, dark: bool) -> list[Panel]:
    """Sample a street's two rows of houses, or houses around a square."""
    result: list[Panel] = []

    def house(centre: np.ndarray, right: np.ndarray, tall: float) -> None:
        image, glow = pictures.facade(rng, dark)
        repeat = (max(1, round(np.linalg.norm(right) / 6)), 1.0)
        up = np.array([0.0, tall / 2, 0.0])
        result.append(Panel(centre, right, up, image, repeat=repeat))
        if glow.any():
            shine = np.dstack([glow * rng.uniform(0.3, 1.5), (glow.max(-1) > 0).astype(np.float32)])
            result.append(Panel(centre * 0.998, right, up, shine, glows=True, repeat=repeat))

    if rng.random() < 0.6:
        turn, half = rng.uniform(-np.pi, np.pi), rng.uniform(3, 12)
        along, across = np.array([np.sin(turn), 0, np.cos(turn)]), np.array([np.cos(turn), 0, -np.sin(turn)])
        for side in (-1, 1):
            place = -70.0
            while place < 70:
                length, tall = rng.uniform(7, 22), rng.uniform(4, 18)
                middle = across * side * half * rng.uniform(1, 1.25) + along * (place + length / 2)
                house(middle + np.array([0, tall / 2 - eye, 0]), along * length / 2, tall)
                place += length * (1.0 if rng.random() < 0.8 else 1.5)
    else:
        for azimuth in np.arange(-np.pi, np.pi, rng.uniform(0.4, 0.9)):
            distance, tall = rng.uniform(12, 50), rng.uniform(5, 25)
            wall = upright(
                azimuth, distance, -eye, distance * rng.uniform(0.4, 0.8), tall, np.zeros((1, 1, 4)), rng.normal(0, 0.4)
            )
            house(wall.centre, wall.right, tall)
    return result


def _cars(rng: np.random.Generator, count: int, eye: float) -> list[Panel]:
    result = []
    for _ in range(count):
        azimuth, distance, turn = rng.uniform(-np.pi, np.pi), rng.uniform(5, 30), rng.normal(0, 0.4)
        body, glass = pictures.colour(rng, (0.02, 0.8), 0.5), np.array([0.03, 0.04, 0.05])
        for base, high, wide, tone in ((0.15, 0.7, 4.2, body), (0.85, 0.55, 2.4, glass), (0.0, 0.35, 3.4, glass * 0.3)):
            picture = pictures.plain(rng, tone, 32)
            result.append(upright(azimuth, distance - 0.01 * high, base - eye, wide, high, picture, turn))
    return result


def _under(sky: Sky, eye: float, rng: np.random.Generator, kind: str, shade: bool) -> Scene:
    """Ground and light of a day; in the shade the sun still falls on the surroundings."""
    scene = Scene(sky.radiance, [floor(rng, kind, eye)], sky.diffuse * 0.75)
    if sky.beam.max() > 0:
        scene.sun = (sky.sun, sky.beam)
        if not shade:
            scene.lamps = [Lamp(sky.sun * FLIP, sky.beam, SUN_RADIUS)]
    return scene


def park(rng: np.random.Generator, eye: float) -> Scene:
    """Lawn, trees, hedges."""
    sky = sample_sky(rng, str(rng.choice(["overcast", "hazy", "broken", "clear"], p=_WEATHER)))
    scene = _under(
        sky, eye, rng, str(rng.choice(["grass", "earth", "paving"], p=[0.65, 0.2, 0.15])), rng.random() < 0.35
    )
    scene.panels += trees(rng, int(rng.integers(10, 40)), 4, 50, eye)
    if rng.random() < 0.75:  # woods all around
        wood = pictures.foliage(rng, True)
        for azimuth in np.arange(-np.pi, np.pi, 0.7):
            if rng.random() < 0.75:
                distance, tall = rng.uniform(8, 45), rng.uniform(2, 12)
                normal = np.array([0.0, 1.0, 0.0]) - 0.4 * np.array([np.sin(azimuth), 0, np.cos(azimuth)])
                repeat = (distance * 0.9 / tall, 1.0)
                scene.panels.append(
                    upright(
                        azimuth,
                        distance,
                        -eye,
                        distance * 0.9,
                        tall,
                        wood,
                        rng.normal(0, 0.3),
                        normal=normal,
                        repeat=repeat,
                    )
                )
    scene.panels += people(rng, int(rng.integers(0, 5)), 3, 25, eye)
    return scene


def street(rng: np.random.Generator, eye: float) -> Scene:
    """Houses, pavement, cars, passers-by."""
    sky = sample_sky(rng, str(rng.choice(["overcast", "hazy", "broken", "clear"], p=_WEATHER)))
    scene = _under(sky, eye, rng, str(rng.choice(["asphalt", "paving"])), rng.random() < 0.35)
    scene.panels += houses(rng, eye, False)
    scene.panels += trees(rng, int(rng.integers(0, 8)), 5, 40, eye)
    scene.panels += _cars(rng, int(rng.integers(0, 8)), eye)
    scene.panels += people(rng, int(rng.integers(0, 10)), 2.5, 30, eye)
    return scene


def country(rng: np.random.Generator, eye: float) -> Scene:
    """Field, beach or snow to the horizon; hills."""
    sky = sample_sky(rng, str(rng.choice(["overcast", "hazy", "broken", "clear"], p=[0.2, 0.2, 0.3, 0.3])))
    kind = str(rng.choice(["grass", "sand", "earth", "snow", "asphalt"], p=[0.4, 0.2, 0.2, 0.1, 0.1]))
    scene = _under(sky, eye, rng, kind, rng.random() < 0.2)
    air = np.array([0.6, 0.75, 1.0]) * sky.diffuse.mean()
    scene.haze = np.array([*air, np.exp(rng.uniform(np.log(2e-5), np.log(2e-3)))])
    for distance in (140.0, 600.0, 2000.0):
        if rng.random() < 0.75:
            tall = distance * rng.uniform(0.03, 0.2)
            tone = pictures.colour(rng, (0.04, 0.25), 0) * [0.8, 1.1, 0.7]
            for azimuth in np.arange(-np.pi, np.pi, np.pi / 4):
                picture = pictures.plain(rng, tone, 256)
                ridge = pictures.fractal(rng, 2, 256, 0.45)[0]
                picture[..., 3] = np.linspace(1, 0, 256)[:, None] < ridge[None] * rng.uniform(0.6, 1.2)
                scene.panels.append(upright(azimuth, distance, -eye, distance * 0.85, tall, picture))
    if rng.random() < 0.2:
        scene.panels[0] = Panel(  # the sea
            np.array([0.0, -eye - 0.5, 0.0]), np.array([900.0, 0, 0]), np.array([0, 0, 900.0]),
            pictures.plain(rng, np.array([0.04, 0.09, 0.12]), 128), repeat=(300.0, 90.0),
        )  # fmt: skip
    scene.panels += trees(rng, int(rng.integers(0, 12)), 10, 90, eye)
    scene.panels += people(rng, int(rng.integers(0, 3)), 4, 25, eye)
    return scene


def wall(rng: np.random.Generator, eye: float) -> Scene:
    """Close before a wall, a fence or a hedge; the street or the garden lies behind the camera."""
    sky = sample_sky(rng, str(rng.choice(["overcast", "hazy", "broken", "clear"], p=_WEATHER)))
    scene = _under(sky, eye, rng, str(rng.choice(["paving", "grass", "earth"])), rng.random() < 0.4)
    first = rng.uniform(-np.pi, np.pi)
    for azimuth in (first, first + np.pi / 2):
        kind = rng.integers(5)
        if kind == 0:
            picture, repeat = pictures.bricks(rng, 24), 3.0
        elif kind == 1:
            picture, repeat = np.rot90(pictures.planks(rng)).copy(), 3.0
        elif kind == 2:
            picture, repeat = pictures.foliage(rng, True), 2.0
        elif kind == 3:
            picture, repeat = pictures.plain(rng, pictures.colour(rng), 256), 1.0
        else:
            picture, repeat = pictures.facade(rng, False)[0], 2.0
        distance = rng.uniform(1.8, 5)
        scene.panels.append(
            upright(azimuth, distance, -eye, 14, rng.uniform(2.5, 7), picture, repeat=(2 * repeat, repeat))
        )
        for _ in range(int(rng.integers(0, 4))):
            side = azimuth + rng.uniform(-0.7, 0.7)
            size = rng.uniform(0.3, 1.2)
            near = (distance - 0.03) / np.cos(side - azimuth)
            scene.panels.append(
                upright(side, near, rng.uniform(-0.8, 0.6), size, size, pictures.poster(rng), azimuth - side)
            )
    scene.panels += trees(rng, 10, 6, 30, eye) if rng.random() < 0.5 else houses(rng, eye, False)
    scene.panels += people(rng, int(rng.integers(0, 3)), 2.5, 12, eye)
    return scene


def night_street(rng: np.random.Generator, eye: float) -> Scene:
    """Dark, with windows, lamps, signs; the nearest lamp lights the head."""
    scene = Scene(night(rng), [floor(rng, "asphalt", eye)], np.array([0.05, 0.04, 0.035]))
    scene.panels += houses(rng, eye, True) if rng.random() < 0.7 else trees(rng, 20, 5, 40, eye)
    for _ in range(int(rng.integers(3, 25))):
        azimuth, distance, high = rng.uniform(-np.pi, np.pi), rng.uniform(3, 50), rng.uniform(-0.5, 5)
        tint = np.exp(rng.normal(0, 0.4, 3) * (1.0 if rng.random() < 0.2 else 0.25)) * np.array([1.1, 0.87, 0.6])
        side = rng.uniform(0.05, 0.25) if rng.random() < 0.7 else rng.uniform(0.4, 1.5)
        lamp = pictures.poster(rng) if side > 0.4 else np.ones((1, 1, 4), np.float32)
        shine = lamp * np.array([*(tint * rng.uniform(4, 30) / (1 + 20 * (side > 0.4))), 1.0], np.float32)
        scene.panels.append(upright(azimuth, distance, high, side, side, shine, glows=True))
        if distance < 15:
            place = np.array([distance * np.sin(azimuth), high, distance * np.cos(azimuth)]) * 0.97
            scene.bulbs.append(Bulb(place, tint * rng.uniform(0.5, 4)))
    scene.panels += _cars(rng, int(rng.integers(0, 6)), eye) + people(rng, int(rng.integers(0, 8)), 2.5, 20, eye)
    return scene
