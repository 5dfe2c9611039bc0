"""One labelled picture from a seed and a number: the whole generator from top to bottom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fauxface.rendering.background import draw_background, surroundings
from fauxface.rendering.camera import View, draw_pose, draw_view
from fauxface.rendering.expression import draw_expression
from fauxface.rendering.film import develop
from fauxface.rendering.hair import draw_hair, hair_mesh
from fauxface.rendering.head import HeadModel, Posed, head_model
from fauxface.rendering.identity import draw_identity
from fauxface.rendering.labels import annotated, landmarks_3d
from fauxface.rendering.look import draw_light, draw_look, eye_uniforms
from fauxface.rendering.makehuman import PARTS
from fauxface.rendering.mesh import vertex_normals
from fauxface.rendering.rasteriser import Mesh, Raster, rasteriser, shadow_matrix
from fauxface.rendering.recipe import Recipe
from fauxface.rendering.things import Wearer, draw_things, thing_mesh
from fauxface.rendering.version import GENERATOR_VERSION

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
)
"""Each draws from a stream of its own, so that a change to one leaves the others as they were."""
COARSE_SIZE = 320
"""Frames up to this size draw the cage's triangles, a few pixels wide there; larger ones the subdivided mesh's."""
HIDDEN_BY = 0.006
"""A point is hidden when something is this much nearer to the camera, metres."""


@dataclass(frozen=True)
class Frame:
    """A rendered face.

    Attributes:
        image: (S, S, 3) uint8 RGB.
        labels: (S, S) uint8, FaceSynthetics' segmentation classes.
        landmarks: (70, 2) projected points, image pixels.
        meta: what ``NNNNNN.json`` holds.
    """

    image: np.ndarray
    labels: np.ndarray
    landmarks: np.ndarray
    meta: dict[str, Any]


def render_frame(seed: int, index: int, size: int, recipe: Recipe) -> Frame:
    """Picture ``index`` of ``seed``: it depends on these, the size, the recipe and the generator's version alone."""
    streams = np.random.SeedSequence([seed, index]).spawn(len(ASPECTS))
    rng = {name: np.random.default_rng(stream) for name, stream in zip(ASPECTS, streams, strict=True)}
    model = head_model()
    identity = draw_identity(rng["identity"], recipe, model.bust.names)
    expression = draw_expression(rng["expression"], recipe)
    pose = draw_pose(rng["pose"], recipe)
    posed = model.pose(identity, expression, pose.neck)
    look = draw_look(rng["look"], recipe, identity, model)
    points = landmarks_3d(model, posed, look.brows)
    view = draw_view(rng["camera"], recipe, pose, points[:68], size)
    worn = draw_things(rng["things"], recipe, Wearer(posed, points, identity, look.face["skin"], view))
    hair = draw_hair(rng["hair"], identity.gender < 0.5, identity.age, recipe.bald)
    background = draw_background(rng["background"], size)
    light = draw_light(rng["light"], surroundings(background))

    triangles = model.drawn_coarse if size <= COARSE_SIZE else model.drawn_fine
    meshes = _face_meshes(model, posed, view, look.face, triangles)
    if hair is not None:
        strands = {**look.hair, "strands": np.array([hair.strands, hair.curl, hair.ragged])}
        meshes.append(_hair_mesh(hair_mesh(hair, posed, rng["strands"]), view, strands))
    meshes += [thing_mesh(thing, view) for thing in worn.things]
    shadow = shadow_matrix(light["key_direction"], view.to_camera(np.array([0.0, -0.03, -0.05])), 0.24)
    raster = rasteriser(size).draw(meshes, view.matrix, light, shadow)
    image = develop(raster, background, rng["film"], recipe)

    projected = view.project(points)
    person = {
        "age": identity.age,
        "gender": identity.gender,
        "ancestry": list(identity.ancestry),
        "weight": identity.weight,
        "muscle": identity.muscle,
        **look.summary,
        "hair_style": hair.style if hair else "bald",
        "worn": worn.names,
    }
    meta = {
        "generator": GENERATOR_VERSION,
        "recipe": recipe.to_dict(),
        "seed": seed,
        "index": index,
        "size": size,
        "camera": {"matrix": view.matrix.tolist(), "distance": float(view.translation[2])},
        "head_pose": {
            "rotation": view.rotation.tolist(),
            "translation": view.translation.tolist(),
            "yaw": view.yaw,
            "pitch": view.pitch,
            "roll": view.roll,
        },
        "landmarks_3d": view.to_camera(points).tolist(),
        "landmarks_2d": annotated(posed, view, projected).tolist(),
        "visibility": _visible(raster, view.to_camera(points), projected).astype(int).tolist(),
        "expression": {**expression.units, "gaze": list(expression.gaze)},
        "identity": person,
    }
    return Frame(image, raster.labels, projected, meta)


def _face_meshes(model: HeadModel, posed: Posed, view: View, look: dict, triangles: np.ndarray) -> list[Mesh]:
    vertices = _dressed(model, posed, look["collar"])
    position = view.to_camera(vertices).astype(np.float32)
    attributes = {
        "position": position[model.drawn],
        "normal": vertex_normals(position, model.quads)[model.drawn],
        "rest": model.rest[model.drawn],
        "masks": model.masks[model.drawn],
        "kind": model.kind[model.drawn],
        "uv": model.uv,
    }
    uniforms = {**look, **eye_uniforms(posed, view.rotation, view.translation)}
    lashes = (model.part[model.drawn[triangles]] == PARTS.index("lashes")).all(1)
    return [
        Mesh("face", attributes, triangles[~lashes], uniforms, solid=True),
        Mesh("face", attributes, triangles[lashes], uniforms),
    ]


def _dressed(model: HeadModel, posed: Posed, collar: np.ndarray) -> np.ndarray:
    """The bust with its clothed part pushed out by the cloth's thickness."""
    x, y, z = model.rest.T
    height = collar[0] + collar[1] * np.abs(x) - collar[2] * z
    height = height - collar[3] * np.maximum(0, 1 - np.abs(x) / 0.055) * (z > -0.03)
    under = np.clip((height - y) / 0.012, 0, 1) * (model.part == 0)
    return posed.vertices + (0.007 * under)[:, None] * vertex_normals(posed.vertices, model.quads)


def _hair_mesh(hair, view: View, uniforms: dict[str, Any]) -> Mesh:
    position = view.to_camera(hair.vertices).astype(np.float32)
    attributes = {
        "position": position,
        "normal": vertex_normals(position, hair.triangles),
        "tangent": hair.tangents @ view.rotation.T,
        "place": hair.places,
    }
    return Mesh("hair", attributes, hair.triangles, uniforms)


def _visible(raster: Raster, points: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Which of the points (70, 3; camera frame) nothing hides: a depth test against the farthest of 3×3 pixels."""
    size = raster.depth.shape[0]
    column, row = np.round(pixels).astype(int).T
    inside = (column >= 1) & (column < size - 1) & (row >= 1) & (row < size - 1)
    column, row = column.clip(1, size - 2), row.clip(1, size - 2)
    around = [raster.depth[row + i, column + j] for i in (-1, 0, 1) for j in (-1, 0, 1)]
    return inside & (points[:, 2] < np.max(around, axis=0) + HIDDEN_BY)
