"""The setting of a frame: a place, the camera's direction there, and the background that it sees."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from fauxface.rendering.photo.camera import Lens
from fauxface.rendering.photo.environments.maps import maps_of, stored_map
from fauxface.rendering.photo.environments.place import GENERATED, Place, generated_place, read_place
from fauxface.rendering.recipe import Recipe

WALLED = ("wall", "room", "hall", "bar", "stage", "studio")
"""Places where something stands close behind the head."""
_FRONT_LIT = 2.0
"""Preference for views in which light falls on the face: exponent of a face's brightness there; by eye, on the
lightness of faces beside their backgrounds in renders and photographs."""
_MIRROR = np.diag([-1.0, 1.0, 1.0])
_NARROW = 0.3
"""Least field of view, radians, by eye: a tele lens's 6° would show one surface of a made-up place and nothing else."""


@dataclass(frozen=True)
class Setting:
    """A place as one frame shows it.

    Attributes:
        place: the surroundings.
        rotation: (3, 3) map frame → camera frame; a mirror image half the time.
        background: (S, S, 3) float32 linear, out of focus as the lens has it.
        distance: of the background from the camera, metres.
    """

    place: Place
    rotation: np.ndarray
    background: np.ndarray
    distance: float


def sample_setting(rng: np.random.Generator, recipe: Recipe, lens: Lens, size: int) -> Setting:
    """Sample a place, and the part of it that the camera sees."""
    place = _sample_place(rng, recipe)
    wanted = max(2 * np.arctan(size / 2 / lens.focal), _NARROW)
    fields = np.array([field for *_, field in place.views])
    likely = np.exp(-(np.log(fields / wanted) ** 2)) * place.well_lit**_FRONT_LIT
    seen = place.view(int(rng.choice(len(fields), p=likely / likely.sum())))
    share = float(np.clip(2 * np.arctan(np.tan(wanted / 2)) / seen.field, 0.65, 1.0) * rng.uniform(0.9, 1.0))
    offset = rng.uniform(-1, 1, 2) * (1 - share)
    mirrored = rng.random() < 0.5
    whole = seen.pixels.shape[0]
    corner = ((offset + 1 - share) / 2 * whole).astype(int)
    width = int(share * whole)
    cut = seen.pixels[corner[1] : corner[1] + width, corner[0] : corner[0] + width]
    background = cv2.resize(cut, (size, size), interpolation=cv2.INTER_CUBIC if size > width else cv2.INTER_AREA)
    # the cut's middle becomes straight ahead
    ahead = np.array([*(offset * np.tan(seen.field / 2)), 1.0])
    ahead /= np.linalg.norm(ahead)
    axis = np.cross(ahead, [0.0, 0.0, 1.0])
    sine = float(np.linalg.norm(axis))
    turn = Rotation.from_rotvec(axis * (np.arcsin(sine) / max(sine, 1e-9))).as_matrix()
    rotation = turn @ seen.rotation
    if mirrored:
        background, rotation = background[:, ::-1], _MIRROR @ rotation
    subject = lens.focus
    # metres from the head to the background, by eye
    behind = (0.4, 5.0) if place.name in WALLED else (4.0, 50.0)
    distance = subject + float(np.exp(rng.uniform(*np.log(behind))))
    blur = lens.aperture * lens.focal * (1 / subject - 1 / distance)
    return Setting(place, rotation, np.maximum(defocused(background, blur / 2), 0), distance)


def _sample_place(rng: np.random.Generator, recipe: Recipe) -> Place:
    generated, mapped, chosen = int(rng.integers(GENERATED)), rng.random() < recipe.environment_share, rng.random()
    if not recipe.environments or not mapped:
        return generated_place(generated)
    maps = maps_of(recipe.environments)
    return read_place(stored_map(maps[int(chosen * len(maps))]))


def defocused(image: np.ndarray, radius: float) -> np.ndarray:
    """Spread every point of an image (S, S, C) float32 to a disc of a radius in pixels, as bright in sum."""
    if radius < 0.5:
        return np.ascontiguousarray(image)
    size = image.shape[0]
    shrink = max(1.0, radius / 4)  # large discs on a smaller picture: only their edges are sharp
    small = round(size / shrink)
    if shrink > 1:
        image = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
    reach = radius * small / size
    grid = np.arange(-int(reach) - 1, int(reach) + 2)
    disc = np.clip(reach + 0.5 - np.hypot(grid[:, None], grid[None]), 0, 1)
    blurred = cv2.filter2D(image, -1, disc / disc.sum(), borderType=cv2.BORDER_REFLECT)
    return cv2.resize(blurred, (size, size), interpolation=cv2.INTER_CUBIC) if shrink > 1 else blurred
