"""The head's meshes for the rasteriser: one program for each of its materials, and only its visible parts.

One program for all would be shorter, but a software driver runs every branch of a shader for every pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from fauxface.landmarks import EYES, INNER_LIPS, INNER_LOWER_LIP, INNER_UPPER_LIP, Point
from fauxface.rendering.head.makehuman import EAR_MASK, MOUTH_MASK, PARTS, SKIN_PART
from fauxface.rendering.head.model import HeadModel, Posed
from fauxface.rendering.head.surface import vertex_normals
from fauxface.rendering.head.teeth import posed_teeth
from fauxface.rendering.opengl.rasteriser import Mesh
from fauxface.rendering.person.colours import Look, eye_uniforms
from fauxface.rendering.photo.camera import View
from fauxface.rendering.skin.complexion import skin_attributes
from fauxface.rendering.worn.base import Neckline

CLOTH = 0.007
"""Thickness of cloth that lies on the skin, metres, by eye."""
_DRAWS = {"face": ("skin",), "face_eye": ("right_eye", "left_eye"), "face_mouth": ("tongue",), "face_lash": ("lashes",)}
"""Program → the ``PARTS`` that it draws; `teeth` replaces the mesh's own teeth."""
_PROGRAMS = {program: tuple(PARTS.index(part) for part in parts) for program, parts in _DRAWS.items()}
_SOLID = ("face", "face_eye")
_SHUT = 0.0005
"""Opening of the lips below which neither mouth nor teeth are drawn, metres; by eye."""
_LIP_MARGIN = 0.0012
"""Distance beyond the lips' eight inner landmarks, which cut the corners, to which teeth and tongue are drawn, metres;
by eye."""
_FOLD = 0.75
"""Place of the fold above a full double chin, as a share of the way from the throat's crease to the chin, by eye."""


def face_meshes(
    model: HeadModel,
    posed: Posed,
    view: View,
    look: Look,
    units: dict[str, float],
    points: np.ndarray,
    coarse: bool,
    neckline: Neckline,
    hidden: np.ndarray | None = None,
) -> list[Mesh]:
    """Meshes of a posed head, camera frame.

    Args:
        model, posed, view, look: the head, its pose, the camera and its colours.
        units: the expression's face units, which fold the skin.
        points: (70, 3) landmarks, head frame.
        coarse: with the cage's triangles but for the eyes, for faces of few pixels.
        neckline: where the cloth begins that is painted on the body.
        hidden: (M,) bool, vertices under the asset pack's clothes: left out, and no cloth is painted on the body.
    """
    drawn = _drawn(model, coarse)
    shown, quads = drawn.vertices, drawn.quads
    rest, vertices = model.rest[shown], posed.vertices[shown]
    cover = np.full(len(shown), -1.0) if hidden is not None else neckline.cover(rest)
    cloth = np.clip(cover / 0.012, 0, 1) * (model.part[shown] == SKIN_PART)
    if cloth.any():
        vertices = vertices + (CLOTH * cloth)[:, None] * vertex_normals(vertices, quads)
    position = view.to_camera(vertices).astype(np.float32)
    apart = float(np.linalg.norm(points[list(INNER_UPPER_LIP)] - points[list(INNER_LOWER_LIP)], axis=1).max())
    uniforms: dict[str, Any] = {
        **look.face,
        **eye_uniforms(posed, points[EYES], view.rotation, view.translation),
        "mouth_open": apart,
        "lip_ring": _lip_ring(view.to_camera(points[INNER_LIPS])),
        **_neck_edge(model, posed.coefficients.get("local:neck-double-incr", 0.0)),
    }
    every = {
        "position": position,
        "normal": vertex_normals(position, quads),
        "rest": rest,
        "masks": model.masks[shown],
        "kind": model.kind[shown],
        "cover": cover[:, None],
        **skin_attributes(look.skin, model, units, shown),
    }
    meshes = []
    for program, (place, uv, triangles) in drawn.programs.items():
        if program == "face_mouth" and apart < _SHUT:
            continue
        attributes = {name: values[place] for name, values in every.items()} | {"uv": uv}
        if program == "face":
            if hidden is not None:
                triangles = triangles[~hidden[shown[place]][triangles].all(1)]
            meshes += _skin_meshes(attributes, cover[place], triangles, uniforms)
        else:
            meshes.append(Mesh(program, attributes, triangles, uniforms, solid=program in _SOLID))
    if apart >= _SHUT:
        meshes += _teeth_meshes(model, posed, view, uniforms)
    return meshes


def _skin_meshes(
    attributes: dict[str, np.ndarray], cover: np.ndarray, triangles: np.ndarray, uniforms: dict[str, Any]
) -> list[Mesh]:
    """Divide the skin's triangles (T, 3) into ears, painted cloth (where ``cover`` (V,) is positive) and the rest."""
    # a triangle on the edge is drawn as skin and as cloth, each cut off there
    inside = cover[triangles] > 0
    clothed, triangles = triangles[inside.any(1)], triangles[~inside.all(1)]
    ears = (attributes["masks"][:, 1][triangles] > 0.05).any(1)
    meshes = [Mesh("face_ear", attributes, triangles[ears], uniforms, solid=True)]
    if len(clothed):
        meshes.append(Mesh("face_cloth", attributes, clothed, uniforms, solid=True))
    return [*meshes, Mesh("face", attributes, triangles[~ears], uniforms, solid=True)]


@dataclass(frozen=True)
class _Drawn:
    """The drawn part of the subdivided mesh.

    Attributes:
        vertices: (S,) indices of its vertices.
        quads: (Q, 4) indices into these.
        programs: program → its vertices (N,) as indices into these, their texture coordinates (N, 2), triangles (T, 3).
    """

    vertices: np.ndarray
    quads: np.ndarray
    programs: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]


@cache
def _drawn(model: HeadModel, coarse: bool) -> _Drawn:
    """The whole subdivided mesh; or the cage with fine eyeballs, whose corners lie between the cage's vertices."""
    fine = _PROGRAMS["face_eye"]
    quads = model.quads
    if coarse:
        rough = model.bust.quads
        eyes = np.isin(model.part[quads[:, 0]], fine)
        quads = np.concatenate([rough[~np.isin(model.part[rough[:, 0]], fine)], quads[eyes]])
    vertices, quads = _renumbered(quads)
    programs = {}
    for program, parts in _PROGRAMS.items():
        triangles = model.drawn_coarse if coarse and parts != fine else model.drawn_fine
        part = model.part[model.drawn[triangles[:, 0]]]
        used, triangles = _renumbered(triangles[np.isin(part, parts)])
        programs[program] = np.searchsorted(vertices, model.drawn[used]), model.uv[used], triangles.astype(np.int32)
    return _Drawn(vertices, quads, programs)


def _renumbered(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The vertices that faces (F, 3 or 4) use, and the faces in terms of them."""
    used, faces_of_used = np.unique(faces, return_inverse=True)
    return used, faces_of_used.reshape(faces.shape)


def _neck_edge(model: HeadModel, double_chin: float) -> dict[str, np.ndarray]:
    """Upper edge of the neck on the template: y and z (2,) of two points that a line joins as seen from the side.

    Anatomy's edge runs along the jaw's underside to the mastoid, the bone behind the ear's lobe. The underside is the
    face's as far as the throat's crease (Legan & Burstone's cervical point, 1980). Microsoft's frames have it so, too.
    A double chin hangs before that crease: it is the neck's, from the fold above it on.
    """
    throat, mastoid, chin = _neck_landmarks(model)
    return {"throat": throat + min(_FOLD, 1.5 * double_chin) * (chin - throat), "mastoid": mastoid}


@cache
def _neck_landmarks(model: HeadModel) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Throat's crease, mastoid and chin, y and z (2,) on the template.

    The crease is the point of the midline below the chin that lies farthest up and back.
    """
    skin = (model.part == SKIN_PART) & (model.masks[:, MOUTH_MASK] == 0)
    ears = skin & (model.masks[:, EAR_MASK] > 0.5)
    mastoid = model.rest[ears, 1:].min(0)  # as low and as far back as they reach
    chin = (model.landmarks[[Point.CHIN]] @ model.rest)[0, 1:]
    middle = model.rest[skin & (np.abs(model.rest[:, 0]) < 1e-5), 1:]
    below = middle[(middle[:, 0] < chin[0]) & (middle[:, 1] > mastoid[1])]
    return below[(below @ [1, -1]).argmax()], mastoid, chin


def _lip_ring(inner: np.ndarray) -> np.ndarray:
    """(8, 2) x/z and y/z of the opening between the lips, from the landmarks 60–67 (8, 3), camera frame."""
    seen = inner[:, :2] / inner[:, 2:]
    outward = seen - seen.mean(0)
    outward /= np.linalg.norm(outward, axis=1, keepdims=True) + 1e-9
    return seen + outward * _LIP_MARGIN / inner[:, 2:]


def _teeth_meshes(model: HeadModel, posed: Posed, view: View, uniforms: dict[str, Any]) -> list[Mesh]:
    meshes = []
    for jaw, vertices, normals in posed_teeth(model, posed):
        attributes = {
            "position": view.to_camera(vertices),
            "normal": normals @ view.rotation.T,
            "rest": jaw.vertices,
            "masks": jaw.local,
            "kind": np.tile([float(jaw.part), 1.0], (len(vertices), 1)),
        }
        triangles = np.concatenate([jaw.quads[:, [0, 1, 2]], jaw.quads[:, [0, 2, 3]]])
        meshes.append(Mesh("face_mouth", attributes, triangles, uniforms))
    return meshes
