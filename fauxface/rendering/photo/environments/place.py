"""Places in the form that frames use: a small map that lights the head, lamps, and sharp views for the background.

A made-up place is painted on first use and kept in the cache folder; so are the user's own maps. Heights and fields of
view of the camera are by eye.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import cv2
import numpy as np

from fauxface.files import atomic_path, cache_folder, tell_damaged
from fauxface.rendering.photo.environments import indoors, outdoors
from fauxface.rendering.photo.environments.harmonics import irradiance, rotated
from fauxface.rendering.photo.environments.lamps import GREY, incident, take_lamps, turned
from fauxface.rendering.photo.environments.scene import Lamp, Scene
from fauxface.rendering.photo.environments.spheres import look_along, map_directions, solid_angles, view_directions

FORMAT = 4
"""Version of the cached files."""
MAP_HEIGHT = 64
VIEW_SIZE = 288
VIEWS = 4
"""Sizes of a place's map and views, pixels, and the number of views: small, so that reading one takes milliseconds."""
GENERATED = 240
"""Number of made-up places."""
_KINDS: dict[str, tuple[float, Callable[[np.random.Generator, float], Scene]]] = {
    "park": (0.15, outdoors.park),
    "street": (0.12, outdoors.street),
    "country": (0.06, outdoors.country),
    "wall": (0.12, outdoors.wall),
    "night street": (0.09, outdoors.night_street),
    "room": (0.17, indoors.room),
    "hall": (0.09, indoors.hall),
    "bar": (0.1, indoors.bar),
    "stage": (0.05, indoors.stage),
    "studio": (0.05, indoors.studio),
}
"""Kinds of places: share, by eye (a quarter are dark), and maker."""
_STEEP, _RANGE = 1 / 3, 40.0
"""Exponent and brightest value, in units of the mean, with which views are stored in 8 bits; by eye: no steps show."""


@dataclass(frozen=True)
class ViewOf:
    """A picture of a place.

    Attributes:
        pixels: (S, S, 3) float32 linear.
        rotation: (3, 3) map frame → camera frame.
        field: radians from edge to edge.
    """

    pixels: np.ndarray
    rotation: np.ndarray
    field: float


@dataclass(frozen=True)
class Place:
    """The surroundings of a head; maps and directions in the frame of maps.

    Attributes:
        name: of the kind, or of the file.
        key: of the reflection's texture.
        reflection: (H, 2H, 3) float16 linear radiance all around.
        coefficients: (9, 3) diffuse light without the lamps.
        lamps: the strongest first.
        views: as stored: JPEG data, scale, rotation (3, 3), field of view in radians.
    """

    name: str
    key: str
    reflection: np.ndarray
    coefficients: np.ndarray
    lamps: list[Lamp]
    views: list[tuple[bytes, float, np.ndarray, float]]

    @cached_property
    def well_lit(self) -> np.ndarray:
        """Brightness (V,) of white paper on a face in each view, as a share of the background's mean."""
        received = [
            incident(rotated(self.coefficients, rotation), turned(self.lamps, rotation)) @ GREY
            for _, _, rotation, _ in self.views
        ]
        return np.array(received) / [scale for _, scale, _, _ in self.views]

    def view(self, k: int) -> ViewOf:
        """The k-th stored view, decoded."""
        data, scale, rotation, field = self.views[k]
        coded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
        assert coded is not None
        return ViewOf((_DECODE * np.float32(scale))[np.asarray(coded, np.uint8)], rotation, field)


_DECODE = ((np.arange(256) / 255.0) ** (1 / _STEEP) * _RANGE).astype(np.float32)


def generated_place(index: int) -> Place:
    """Load the made-up place of a number below `GENERATED`, painted on first use."""
    path = cache_folder() / f"places-{FORMAT}" / f"{index:04d}.npz"
    if not is_stored(path):
        store_place(path, *_generate(index))
    return read_place(path)


def _generate(index: int) -> tuple[str, Callable[[np.ndarray, float], np.ndarray], list[Lamp], np.random.Generator]:
    rng = np.random.default_rng([FORMAT, index])
    names = list(_KINDS)
    kind = str(rng.choice(names, p=np.array([_KINDS[name][0] for name in names])))
    scene = _KINDS[kind][1](rng, float(rng.uniform(1.2, 1.75)))
    return kind, scene.radiance, scene.lamps, rng


def store_place(
    path: Path,
    name: str,
    radiance: Callable[[np.ndarray, float], np.ndarray],
    lamps: list[Lamp],
    rng: np.random.Generator,
    narrowest: float = 0.35,
) -> None:
    """Paint a place's map and views and write them.

    Args:
        path: ``.npz`` to write, wholly or not at all.
        name: of the place.
        radiance: unit directions (N, 3; map frame) and radians between neighbours → linear RGB (N, 3).
        lamps: light beyond the map's.
        rng: samples the views.
        narrowest: field of view, radians, that still shows detail.
    """
    height = MAP_HEIGHT
    fine = radiance(map_directions(2 * height).reshape(-1, 3), np.pi / (2 * height)).reshape(2 * height, 4 * height, 3)
    image = cv2.resize(fine, (2 * height, height), interpolation=cv2.INTER_AREA)
    found, rest = take_lamps(image, 3)
    # the body hides a part of the light from below, and reflects some itself; by eye
    shade = np.where(map_directions(height)[..., 1:2] > 0.35, 0.75, 1.0)
    soft = irradiance(rest * shade, map_directions(height), solid_angles(height))
    lamps = sorted([*lamps, *found], key=lambda lamp: -float(lamp.colour @ GREY))[:4]
    arrays = {
        "name": np.array(name),
        "reflection": np.minimum(image, 6e4).astype(np.float16),
        "coefficients": soft,
        "lamps": np.array([[*lamp.direction, *lamp.colour, lamp.radius] for lamp in lamps]).reshape(-1, 7),
    }
    first = rng.uniform(-np.pi, np.pi)
    for k in range(VIEWS):
        field = min(np.exp(rng.uniform(np.log(narrowest), np.log(max(1.05, 1.5 * narrowest)))), 1.6)
        rotation = look_along(
            first + (k + rng.uniform(-0.2, 0.2)) * 2 * np.pi / VIEWS, rng.normal(0, 0.09), rng.normal(0, 0.02)
        )
        size = VIEW_SIZE * 3 // 2
        rays = view_directions(rotation, size, field).reshape(-1, 3)
        seen = radiance(rays, field / size).reshape(size, size, 3)
        seen = cv2.resize(seen, (VIEW_SIZE, VIEW_SIZE), interpolation=cv2.INTER_AREA)
        scale = max(float(seen.mean()), 1e-4)
        coded = np.clip(seen / (scale * _RANGE), 0, 1) ** _STEEP * 255 + 0.5
        done, data = cv2.imencode(".jpg", coded.astype(np.uint8)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
        assert done
        arrays[f"view{k}"] = data.ravel()
        arrays[f"camera{k}"] = np.array([*rotation.ravel(), field, scale])
    held = io.BytesIO()
    np.savez(held, **arrays)
    with atomic_path(path, sync=False) as temporary:
        temporary.write_bytes(held.getvalue())


def is_stored(path: Path) -> bool:
    """True where a whole place is stored; one that is damaged is reported and counts as none."""
    if not path.exists():
        return False
    try:
        read_place(path)
    except Exception:  # torn files make zipfile and numpy raise nearly anything
        tell_damaged(path)
        return False
    return True


@lru_cache(maxsize=48)
def read_place(path: Path) -> Place:
    """Read a place that `store_place` wrote."""
    with np.load(path) as file:
        cameras = [file[f"camera{k}"] for k in range(VIEWS)]
        views = [
            (file[f"view{k}"].tobytes(), float(c[10]), c[:9].reshape(3, 3), float(c[9])) for k, c in enumerate(cameras)
        ]
        lamps = [Lamp(row[:3], row[3:6], float(row[6])) for row in file["lamps"]]
        return Place(str(file["name"]), str(path), file["reflection"], file["coefficients"], lamps, views)
