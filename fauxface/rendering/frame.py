"""One labelled picture from a seed and a number: the whole generator from top to bottom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from fauxface.rendering.assets.wear import draw_assets, pack_name
from fauxface.rendering.hair import beard_colours, beard_meshes, draw_beard, draw_hair, hair_meshes
from fauxface.rendering.head.expression import draw_expression
from fauxface.rendering.head.identity import draw_identity
from fauxface.rendering.head.model import Posed, head_model
from fauxface.rendering.labels.landmarks import JAW, annotated, landmarks_3d
from fauxface.rendering.occluders.people import draw_neighbour
from fauxface.rendering.opengl.rasteriser import Mesh, Raster, rasteriser, shadow_matrix
from fauxface.rendering.person.colours import draw_look
from fauxface.rendering.person.face_mesh import face_meshes
from fauxface.rendering.person.things import draw_things
from fauxface.rendering.person.torso import torso_mesh
from fauxface.rendering.photo.camera import Pose, View, draw_lens, draw_pose, draw_view
from fauxface.rendering.photo.camera_pipeline import develop
from fauxface.rendering.photo.environments.setting import draw_setting
from fauxface.rendering.photo.light import SHADOW_RADIUS, draw_light
from fauxface.rendering.recipe import Recipe
from fauxface.rendering.version import GENERATOR_VERSION
from fauxface.rendering.worn.base import Wearer, thing_mesh

ASPECTS = (
    "identity",
    "expression",
    "pose",
    "camera",
    "look",
    "hair",
    "strands",
    "light",
    "background",
    "film",
    "things",
    "crowd",
    "assets",
    "neighbours",
    "beard",
)
"""Each draws from a stream of its own, so that a change to one leaves the others as they were."""
COARSE_SIZE = 320
"""Frames up to this size draw the cage's triangles, a few pixels wide there, but for the eyes; larger ones the
subdivided mesh's."""
FACEWEAR = 18
"""The segmentation class of masks."""
HIDDEN_BY = 0.003
"""A point is hidden when something is this much nearer to the camera, metres."""
COVERS = (13, 17, 18, 255)
"""Classes of what hides a point however near to it: hair, headwear, facewear, hands and objects."""
PUPILS, EYES = 68, (3, 4)
"""From which point on they are pupils, and the classes about one that is seen; clear lenses have none."""


@dataclass(frozen=True)
class Frame:
    """A rendered face.

    Attributes:
        image: (S, S, 3) uint8 RGB.
        labels: (S, S) uint8, FaceSynthetics' segmentation classes.
        landmarks: (70, 2) projected points, image pixels.
        meta: what ``NNNNNN.json`` holds.
        dense: (M, 3) the head mesh's vertices, camera frame, metres.
        depth: (S, S) metres along the camera's z; infinite where nothing is.
    """

    image: np.ndarray
    labels: np.ndarray
    landmarks: np.ndarray
    meta: dict[str, Any]
    dense: np.ndarray
    depth: np.ndarray


@dataclass(frozen=True)
class Person:
    """Somebody before a camera: what is drawn of them, and what the label file says.

    Attributes:
        posed: the head in its pose.
        view: how the camera sees it.
        points: (70, 3) landmarks, head frame.
        meshes: head, hair and things, camera frame.
        expression: units and gaze.
        identity: age, gender, ….
    """

    posed: Posed
    view: View
    points: np.ndarray
    meshes: list[Mesh]
    expression: dict[str, Any]
    identity: dict[str, Any]

    @property
    def eye_distance(self) -> float:
        """Of the eyes from the camera along its axis, metres."""
        return float(self.view.to_camera(self.points[36:48])[:, 2].mean())

    def labels(self, raster: Raster) -> dict[str, Any]:
        """What ``NNNNNN.json`` says of this face in that picture."""
        view, seen = self.view, self.view.to_camera(self.points)
        projected = view.project(self.points)
        return {
            "camera": {"matrix": view.matrix.tolist(), "distance": float(view.translation[2])},
            "head_pose": {
                "rotation": view.rotation.tolist(),
                "translation": view.translation.tolist(),
                "yaw": view.yaw,
                "pitch": view.pitch,
                "roll": view.roll,
            },
            "landmarks_3d": seen.tolist(),
            "landmarks_2d": annotated(self.posed, view, projected).tolist(),
            "visibility": visible(raster, seen, projected).astype(int).tolist(),
            "expression": self.expression,
            "identity": self.identity,
        }


def streams(*numbers: int) -> dict[str, np.random.Generator]:
    """A stream of draws for each of ``ASPECTS``, all told by the numbers."""
    seeds = np.random.SeedSequence(numbers).spawn(len(ASPECTS))
    return {name: np.random.default_rng(seed) for name, seed in zip(ASPECTS, seeds, strict=True)}


def render_frame(seed: int, index: int, size: int, recipe: Recipe) -> Frame:
    """Picture ``index`` of ``seed``: it depends on these, the size, the recipe and the generator's version alone."""
    rng = streams(seed, index)
    person = draw_person(rng, recipe, partial(draw_view, rng["camera"], recipe, size=size), size <= COARSE_SIZE)
    lens = draw_lens(rng["camera"], recipe, person.view.matrix, person.eye_distance)
    setting = draw_setting(rng["background"], recipe, lens, size)
    light = draw_light(rng["light"], setting, lens, recipe.soft_light)

    def another(of: Recipe, see: Callable[[Pose, np.ndarray], View]) -> list[Mesh]:
        somebody = draw_person(streams(seed, index, 1), of, see, coarse=True)
        return [*somebody.meshes, torso_mesh(somebody)]

    others, neighbour = draw_neighbour(rng["neighbours"], recipe, person.view, another)
    if neighbour:
        person.identity["neighbour"] = neighbour
    shadow = key_shadow(light.uniforms, person.view)
    meshes = [*person.meshes, torso_mesh(person), *others]
    raster = rasteriser(size).draw(meshes, person.view.matrix, light.uniforms, shadow)
    image = develop(raster, setting.background, light, lens, rng["film"], recipe)
    place = {"place": {"name": setting.place.name, "light": light.kind}}
    meta = {**described(seed, index, size, recipe), **place, **person.labels(raster)}
    landmarks, dense = person.view.project(person.points), person.view.to_camera(person.posed.vertices)
    return Frame(image, raster.labels, landmarks, meta, dense, raster.depth)


def described(seed: int, index: int, size: int, recipe: Recipe) -> dict[str, Any]:
    """What it takes to draw a picture again."""
    return {
        "generator": GENERATOR_VERSION,
        "recipe": recipe.to_dict(),
        "seed": seed,
        "index": index,
        "size": size,
        "assets": pack_name(recipe),
    }


def draw_person(
    rng: dict[str, np.random.Generator],
    recipe: Recipe,
    see: Callable[[Pose, np.ndarray], View],
    coarse: bool,
) -> Person:
    """Somebody drawn at random.

    Args:
        rng: a stream for each of ``ASPECTS``.
        recipe: what is drawn how often.
        see: the camera that sees a pose and landmarks (68, 3; head frame).
        coarse: with the cage's triangles but for the eyes, for faces of few pixels.
    """
    model = head_model()
    identity = draw_identity(rng["identity"], recipe, model.bust.names)
    pose = draw_pose(rng["pose"], recipe)
    expression = draw_expression(rng["expression"], recipe, pose)
    posed = model.pose(identity, expression, pose.neck)
    look = draw_look(rng["look"], recipe, identity, model)
    points = landmarks_3d(model, posed, look.brows)
    view = see(pose, points[:68])
    wearer = Wearer(posed, points, identity, look.face["skin"], view)
    worn = draw_things(rng["things"], recipe, wearer)
    hair = draw_hair(rng["hair"], recipe, identity)
    dressed = draw_assets(rng["assets"], recipe, model, wearer, None if hair is None else look.hair, worn)
    worn = dressed.worn

    look = replace(look, face={**look.face, **worn.dress.uniforms, **dressed.uniforms()})
    neckline = worn.dress.neckline
    meshes = face_meshes(model, posed, view, look, expression.units, points, coarse, neckline, dressed.hidden)
    if hair is not None and not dressed.hair:
        grown = hair_meshes(hair, posed, view, rng["strands"], worn.hair_cap)
        meshes += [mesh.drawn(view, look.hair) for mesh in grown]
    beard = draw_beard(rng["beard"], recipe, identity)
    if beard is not None:
        masked = any(thing.label == FACEWEAR for thing in worn.things)
        grown = beard_meshes(beard, posed, view, rng["beard"], masked)
        meshes += [mesh.drawn(view, beard_colours(beard, look.hair)) for mesh in grown]
    meshes += [thing_mesh(thing, view) for thing in worn.things]
    told = {
        "age": identity.age,
        "gender": identity.gender,
        "ancestry": list(identity.ancestry),
        "weight": identity.weight,
        "muscle": identity.muscle,
        **look.summary,
        "hair_style": dressed.names.get("hair", hair.style if hair else "bald"),
        "beard": beard.kind if beard else None,
        "worn": worn.names,
        "assets": dressed.names,
    }
    return Person(posed, view, points, meshes, {**expression.units, "gaze": list(expression.gaze)}, told)


def key_shadow(light: dict[str, Any], view: View) -> np.ndarray:
    """`shadow_matrix` of the key light about a head."""
    return shadow_matrix(light["key_direction"], view.to_camera(np.array([0.0, -0.03, -0.05])), SHADOW_RADIUS)


def visible(raster: Raster, points: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Which of the points (70, 3; camera frame) nothing hides: depth and labels of 3×3 pixels tell."""
    size = raster.depth.shape[0]
    column, row = np.round(pixels).astype(int).T
    inside = (column >= 1) & (column < size - 1) & (row >= 1) & (row < size - 1)
    column, row = column.clip(1, size - 2), row.clip(1, size - 2)
    near = [(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    depth, labels = (np.stack([image[pixel] for pixel in near]) for image in (raster.depth, raster.labels))
    # the jaw is an outline, and ends where there is nothing; what is nearer the middle may lie behind that outline
    inner = np.arange(len(points)) >= JAW
    surface = np.isfinite(depth) | ~(np.isfinite(depth).any(0) & inner)
    before = points[:, 2] < np.where(surface, depth, -np.inf).max(0) + HIDDEN_BY
    # what lies close on the skin hides it, too
    covered = np.isin(labels, COVERS).all(0)
    # lids are thinner than depth can tell
    lidded = (np.arange(len(points)) >= PUPILS) & ~np.isin(labels, EYES).any(0)
    return inside & before & ~covered & ~lidded
