"""One labelled picture from a seed and a number: the whole generator from top to bottom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from fauxface.rendering.assets.wear import pack_name
from fauxface.rendering.occluders.people import sample_neighbour
from fauxface.rendering.opengl.rasteriser import Mesh, rasteriser, shadow_matrix
from fauxface.rendering.person.person import sample_person, streams, streams_of_picture
from fauxface.rendering.person.torso import torso_mesh
from fauxface.rendering.photo.camera import Pose, View, sample_lens, sample_view
from fauxface.rendering.photo.camera_pipeline import develop
from fauxface.rendering.photo.environments.setting import sample_setting
from fauxface.rendering.photo.light import SHADOW_RADIUS, sample_light
from fauxface.rendering.recipe import Recipe
from fauxface.rendering.version import GENERATOR_VERSION

COARSE_SIZE = 320
"""Largest frames, pixels, that draw the cage's triangles, a few pixels wide there, but for the eyes; larger ones draw
the subdivided mesh. By eye, for speed."""


@dataclass(frozen=True)
class Frame:
    """A rendered face.

    Attributes:
        image: (S, S, 3) uint8 RGB.
        labels: (S, S) uint8, FaceSynthetics' segmentation classes.
        landmarks: (70, 2) projected points, image pixels.
        meta: content of ``NNNNNN.json``.
        dense: (M, 3) the head mesh's vertices, camera frame, metres.
        depth: (S, S) metres along the camera's z; infinite where nothing is.
    """

    image: np.ndarray
    labels: np.ndarray
    landmarks: np.ndarray
    meta: dict[str, Any]
    dense: np.ndarray
    depth: np.ndarray


def render_frame(seed: int, index: int, size: int, recipe: Recipe, of_each: int = 1) -> Frame:
    """Render picture ``index`` of ``seed``; beside these only size, recipe, asset pack and generator version count.

    With ``of_each``, that many pictures in a row show the same person.
    """
    rng = streams_of_picture(seed, index, of_each)
    person = sample_person(rng, recipe, partial(sample_view, rng["camera"], recipe, size=size), size <= COARSE_SIZE)
    lens = sample_lens(rng["camera"], recipe, person.view.matrix, person.eye_distance)
    setting = sample_setting(rng["background"], recipe, lens, size)
    light = sample_light(rng["light"], setting, lens, recipe.soft_light)

    def another(of: Recipe, see: Callable[[Pose, np.ndarray], View]) -> list[Mesh]:
        somebody = sample_person(streams(seed, index, 1), of, see, coarse=True)
        return [*somebody.meshes, torso_mesh(somebody)]

    others, neighbour = sample_neighbour(rng["neighbours"], recipe, person.view, another)
    if neighbour:
        person.identity["neighbour"] = neighbour
    shadow = key_shadow(light.uniforms, person.view)
    meshes = [*person.meshes, torso_mesh(person), *others]
    raster = rasteriser(size).draw(meshes, person.view.matrix, light.uniforms, shadow)
    image = develop(raster, setting.background, light, lens, rng["film"], recipe)
    place = {"place": {"name": setting.place.name, "light": light.kind}}
    shared = {"pictures_of_each": of_each, "person": index // of_each} if of_each > 1 else {}
    meta = {**described(seed, index, size, recipe), **shared, **place, **person.labels(raster)}
    landmarks, dense = person.view.project(person.points), person.view.to_camera(person.posed.vertices)
    return Frame(image, raster.labels, landmarks, meta, dense, raster.depth)


def described(seed: int, index: int, size: int, recipe: Recipe) -> dict[str, Any]:
    """Facts that suffice to render a picture again, for its ``.json``."""
    return {
        "generator": GENERATOR_VERSION,
        "recipe": recipe.to_dict(),
        "seed": seed,
        "index": index,
        "size": size,
        "assets": pack_name(recipe),
    }


def key_shadow(light: dict[str, Any], view: View) -> np.ndarray:
    """`shadow_matrix` of the key light about a head."""
    return shadow_matrix(light["key_direction"], view.to_camera(np.array([0.0, -0.03, -0.05])), SHADOW_RADIUS)
