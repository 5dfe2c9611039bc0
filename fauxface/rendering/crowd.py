"""Wide frames with several people or none, for face detectors: one camera, light and film for all.

Each person is drawn alone, on nothing, and composited over those farther away by coverage, so that edges stay smooth
and each head has a sharp shadow of its own; depth decides on labels and visibility.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from fauxface.faces import landmark_box
from fauxface.rendering.frame import described, key_shadow
from fauxface.rendering.opengl.rasteriser import Raster, rasteriser
from fauxface.rendering.person.headless import without_head
from fauxface.rendering.person.person import sample_person, streams
from fauxface.rendering.person.torso import torso_mesh
from fauxface.rendering.photo.camera import FACING, Pose, View, sample_lens
from fauxface.rendering.photo.camera_pipeline import develop
from fauxface.rendering.photo.environments.setting import sample_setting
from fauxface.rendering.photo.light import sample_light
from fauxface.rendering.recipe import Recipe

SMALLEST, LARGEST = 0.05, 0.6
"""Longer side of a face's landmark box as a share of the frame; this and the numbers below are by eye, on renders."""
OVERLAP = 0.15
"""Largest share of a face's box that nearer people's heads and bodies cover."""
COARSE_FACE = 140
"""Longer side of the largest boxes whose faces are drawn with the cage's triangles, which span a few pixels there."""
_CELLS = 96
"""Cells of the frame's side for the layout."""
_NEAREST, _FARTHEST = 0.4, 9.0
"""Distances from the camera, metres."""
_FACE = 0.14
"""Longer side of an average face's landmark box, metres."""


@dataclass(frozen=True)
class CrowdFrame:
    """A picture of several people.

    Attributes:
        image: (S, S, 3) uint8 RGB.
        labels: (S, S) uint8, FaceSynthetics' segmentation classes.
        meta: content of ``NNNNNN.json``; ``faces`` lists everybody, the nearest first.
    """

    image: np.ndarray
    labels: np.ndarray
    meta: dict[str, Any]


def parse_faces(text: str) -> tuple[int, int]:
    """Fewest and most faces of ``"0-5"`` or ``"3"``; ValueError for anything else or more than 20."""
    low, _, high = text.partition("-")
    if len(text) < 6 and low.isdecimal() and (high or low).isdecimal() and int(low) <= int(high or low) <= 20:
        return int(low), int(high or low)
    raise ValueError(f"--faces is a number or a range up to 20, such as 0-5, not '{text[:40]}'")


def render_crowd(
    seed: int, index: int, size: int, recipe: Recipe, faces: tuple[int, int], heads: bool = True
) -> CrowdFrame:
    """Picture ``index`` of ``seed`` with ``faces[0]`` to ``faces[1]`` faces, each number equally often.

    Without ``heads`` it shows the people's bodies and hands only, and ``faces`` in its ``meta`` is empty.

    The recipe's ``face_share``, ``off_centre`` and ``distance`` have no effect here: sizes are even in their logarithm
    from ``SMALLEST`` to ``LARGEST``, those of one picture alike within a factor of about two.
    """
    rng = streams(seed, index)
    places = sample_places(rng["crowd"], int(rng["crowd"].integers(faces[0], faces[1] + 1)))
    camera = _sample_camera(rng["crowd"], size, [share for share, _ in places])
    people = []
    for number, (share, centre) in enumerate(places, start=1):
        see = partial(place_view, camera, share * size, centre * size - 0.5)
        # a person's streams have one more number, which is never 0: those would be the frame's own
        people.append(sample_person(streams(seed, index, number), recipe, see, share * size <= COARSE_FACE))
    people.sort(key=lambda person: person.view.translation[2])
    # the nearest person is in focus, or without people a place where one could be
    lens = sample_lens(rng["camera"], recipe, camera, people[0].eye_distance if people else 1.5)
    setting = sample_setting(rng["background"], recipe, lens, size)
    light = sample_light(rng["light"], setting, lens, recipe.soft_light)
    raster = empty_raster(size)
    for person in reversed(people):
        meshes = [*(person.meshes if heads else without_head(person)), torso_mesh(person)]
        alone = rasteriser(size).draw(meshes, camera, light.uniforms, key_shadow(light.uniforms, person.view))
        raster = laid_over(alone, raster)
    image = develop(raster, setting.background, light, lens, rng["film"], recipe)
    listed = []
    for person in people if heads else ():
        labels = person.labels(raster)
        box = landmark_box(np.array(labels["landmarks_2d"]), "face_synthetics70")
        listed.append({"box": box.tolist(), **labels})
    place = {"place": {"name": setting.place.name, "light": light.kind}}
    return CrowdFrame(image, raster.labels, {**described(seed, index, size, recipe), **place, "faces": listed})


def sample_places(rng: np.random.Generator, count: int) -> list[tuple[float, np.ndarray]]:
    """Sample boxes of faces: their shares and centres (2,), in units of the frame, largest first.

    Nearer heads and bodies hide at most about ``OVERLAP`` of each face.
    """
    largest = LARGEST if count < 2 else 0.75 * LARGEST
    middle = np.exp(rng.uniform(np.log(SMALLEST), np.log(largest)))
    shares = np.sort(middle * np.exp(rng.normal(0, 0.35, count)))[::-1].clip(SMALLEST, largest)
    while True:
        places = _laid_out(rng, shares)
        if len(places) == count:
            return places
        shares = np.maximum(0.85 * shares, SMALLEST)  # the frame was full


def _laid_out(rng: np.random.Generator, shares: np.ndarray) -> list[tuple[float, np.ndarray]]:
    """Places for faces of these shares, or for the first of them if the frame is full."""
    # people who stand on one floor: a head's height in the frame goes with its size
    level, slope = rng.uniform(0.2, 0.6), rng.normal(0, 0.7)
    standing = rng.random() < 0.6
    taken = np.zeros((_CELLS, _CELLS), bool)
    places: list[tuple[float, np.ndarray]] = []
    for share in shares:
        largest = min([share, *(nearer for nearer, _ in places)])  # earlier ones may have shrunk
        for attempt in range(200):
            # people who find no room stand farther away
            smaller = max(largest * 0.96 ** (attempt // 8), SMALLEST)
            edge = -0.3 if rng.random() < 0.1 else 0.5  # some are cut by the frame's edge
            low, high = edge * smaller, 1 - edge * smaller
            centre = rng.uniform([low, low], [high, max(low, min(high, 0.85))])
            if standing:
                centre[1] = np.clip(level + slope * smaller + rng.normal(0, 0.02 + 0.2 * smaller), low, high)
            if _covered(taken, centre - smaller / 2, centre + smaller / 2) <= OVERLAP:
                break
        else:
            return places
        places.append((float(smaller), centre))
        for x, top, bottom in ((0.75, -0.95, 0.75), (1.5, 0.6, 1e9)):  # head with hair; shoulders and all below
            _fill(taken, centre + smaller * np.array([-x, top]), centre + smaller * np.array([x, bottom]))
    return places


def _cells(low: np.ndarray, high: np.ndarray) -> tuple[slice, slice]:
    x0, y0 = np.floor(np.clip(low, 0, 1) * _CELLS).astype(int)
    x1, y1 = np.ceil(np.clip(high, 0, 1) * _CELLS).astype(int)
    return slice(y0, max(y1, y0 + 1)), slice(x0, max(x1, x0 + 1))


def _covered(taken: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    return float(taken[_cells(low, high)].mean())


def _fill(taken: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
    taken[_cells(low, high)] = True


def _sample_camera(rng: np.random.Generator, size: int, shares: list[float]) -> np.ndarray:
    """Sample a camera matrix (3, 3) with which faces of these shares are neither too near nor too far."""
    least = max(0.7, _NEAREST / _FACE * max(shares, default=0))
    most = max(least, min(4.0, _FARTHEST / _FACE * min(shares, default=1)))
    focal = size * np.exp(rng.uniform(np.log(least), np.log(most)))
    middle = (size - 1) / 2
    return np.array([[focal, 0, middle], [0, focal, middle], [0, 0, 1]])


def place_view(camera: np.ndarray, extent: float, centre: np.ndarray, pose: Pose, landmarks: np.ndarray) -> View:
    """View of a head whose landmarks' box has the longer side ``extent`` and that centre (2,), pixels."""
    rotation = pose.rotation.as_matrix() @ FACING
    distance = camera[0, 0] * _FACE / extent
    aim = centre
    view = View(rotation, np.zeros(3), camera, pose.yaw, pose.pitch, pose.roll)
    for _ in range(6):
        ray = np.array([*(aim - camera[:2, 2]) / camera[0, 0], 1.0])
        view = View(rotation, distance * ray, camera, pose.yaw, pose.pitch, pose.roll)
        seen = view.project(landmarks)
        low, high = seen.min(0), seen.max(0)
        distance *= (high - low).max() / extent
        aim = aim + centre - (low + high) / 2
    return view


def empty_raster(size: int) -> Raster:
    """Nothing, infinitely far away."""
    shape = (size, size)
    return Raster(np.zeros((*shape, 4), np.float32), np.zeros(shape, np.uint8), np.full(shape, np.inf, np.float32))


def laid_over(front: Raster, back: Raster) -> Raster:
    """Composite one raster over another: colours by coverage, labels and depths of the nearer."""
    nearer = front.depth < back.depth
    return Raster(
        front.colour + back.colour * (1 - front.colour[..., 3:]),
        np.where(nearer, front.labels, back.labels),
        np.where(nearer, front.depth, back.depth),
    )
