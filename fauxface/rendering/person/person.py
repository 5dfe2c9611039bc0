"""A person before a camera, sampled at random."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fauxface.landmarks import EYES, IBUG68
from fauxface.rendering.assets.wear import sample_assets
from fauxface.rendering.hair import beard_colours, beard_meshes, hair_meshes, sample_beard, sample_hair
from fauxface.rendering.head.expression import sample_expression
from fauxface.rendering.head.identity import sample_identity
from fauxface.rendering.head.model import Posed, head_model
from fauxface.rendering.labels.landmarks import annotated, landmarks_3d
from fauxface.rendering.labels.visibility import visible
from fauxface.rendering.opengl.rasteriser import Mesh, Raster
from fauxface.rendering.person.colours import sample_look
from fauxface.rendering.person.face_mesh import face_meshes
from fauxface.rendering.person.things import sample_things
from fauxface.rendering.photo.camera import Pose, View, sample_pose
from fauxface.rendering.recipe import Recipe
from fauxface.rendering.worn.base import Wearer, thing_mesh
from fauxface.segmentation import Segment

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
"""Each has a random stream of its own, so that a change to one leaves the others as they were."""
OF_PERSON = ("identity", "look", "hair", "strands", "beard", "assets")
"""Aspects that several pictures of one person share; the asset pack's clothes and hats are among them."""


@dataclass(frozen=True)
class Person:
    """A person before a camera: the meshes to draw and the facts for the label file.

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
        """Distance of the eyes from the camera along its axis, metres."""
        return float(self.view.to_camera(self.points[EYES])[:, 2].mean())

    def labels(self, raster: Raster) -> dict[str, Any]:
        """Labels of this face in a picture, as ``NNNNNN.json`` holds them."""
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
    """A random generator for each of ``ASPECTS``, seeded by the numbers."""
    seeds = np.random.SeedSequence(numbers).spawn(len(ASPECTS))
    return {name: np.random.default_rng(seed) for name, seed in zip(ASPECTS, seeds, strict=True)}


def streams_of_picture(seed: int, index: int, of_each: int) -> dict[str, np.random.Generator]:
    """`streams` of a picture, if each ``of_each`` pictures in a row show one person."""
    rng = streams(seed, index)
    person = streams(seed, index // of_each)
    return {name: person[name] if name in OF_PERSON else rng[name] for name in ASPECTS}


def sample_person(
    rng: dict[str, np.random.Generator],
    recipe: Recipe,
    see: Callable[[Pose, np.ndarray], View],
    coarse: bool,
) -> Person:
    """Sample a person.

    Args:
        rng: a stream for each of ``ASPECTS``.
        recipe: distributions to sample from.
        see: the camera that sees a pose and landmarks (68, 3; head frame).
        coarse: with the cage's triangles but for the eyes, for faces of few pixels.
    """
    model = head_model()
    identity = sample_identity(rng["identity"], recipe, model.bust.names)
    pose = sample_pose(rng["pose"], recipe)
    expression = sample_expression(rng["expression"], recipe, pose)
    posed = model.pose(identity, expression, pose.neck)
    look = sample_look(rng["look"], recipe, identity, model)
    points = landmarks_3d(model, posed, look.brows)
    view = see(pose, points[: IBUG68.count])
    wearer = Wearer(posed, points, identity, look.face["skin"], view)
    worn = sample_things(rng["things"], recipe, wearer)
    hair = sample_hair(rng["hair"], recipe, identity)
    dressed = sample_assets(rng["assets"], recipe, model, wearer, None if hair is None else look.hair, worn)
    worn = dressed.worn

    look = replace(look, face={**look.face, **worn.dress.uniforms, **dressed.uniforms()})
    neckline = worn.dress.neckline
    meshes = face_meshes(model, posed, view, look, expression.units, points, coarse, neckline, dressed.hidden)
    if hair is not None and not dressed.hair:
        grown = hair_meshes(hair, posed, view, rng["strands"], worn.hair_cap)
        meshes += [mesh.drawn(view, look.hair) for mesh in grown]
    beard = sample_beard(rng["beard"], recipe, identity)
    if beard is not None:
        masked = any(thing.label == Segment.FACEWEAR for thing in worn.things)
        grown = beard_meshes(beard, posed, view, rng["beard"], masked)
        meshes += [mesh.drawn(view, beard_colours(beard, look.hair)) for mesh in grown]
    meshes += [thing_mesh(thing, view) for thing in worn.things]
    facts = {
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
    return Person(posed, view, points, meshes, {**expression.units, "gaze": list(expression.gaze)}, facts)
