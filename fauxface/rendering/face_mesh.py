"""The head's meshes for the rasteriser: only the vertices that are drawn, with the skin's colours and folds on them."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from fauxface.rendering.camera import View
from fauxface.rendering.head import HeadModel, Posed
from fauxface.rendering.look import Look, eye_uniforms
from fauxface.rendering.makehuman import PARTS
from fauxface.rendering.mesh import vertex_normals
from fauxface.rendering.rasteriser import Mesh
from fauxface.rendering.skin import skin_attributes

CLOTH = 0.007
"""Thickness of cloth that lies on the skin, metres."""


def face_meshes(
    model: HeadModel,
    posed: Posed,
    view: View,
    look: Look,
    units: dict[str, float],
    lids: np.ndarray,
    coarse: bool,
    hidden: np.ndarray | None = None,
) -> list[Mesh]:
    """Meshes of a posed head, camera frame.

    Args:
        model, posed, view, look: the head, how it stands, from where it is seen, and its colours.
        units: the expression's face units, which fold the skin.
        lids: (12, 3) landmarks 36–47, head frame.
        coarse: with the cage's triangles, for faces of few pixels.
        hidden: (M,) bool, vertices of the subdivided mesh whose triangles are left out, because clothes made by others
            lie there; no cloth is painted on the body then.
    """
    drawn, triangles, lashes = _drawn(model, coarse)
    uniforms: dict[str, Any] = {**look.face, **eye_uniforms(posed, lids, view.rotation, view.translation)}
    quads = model.bust.quads if coarse else model.quads
    count = len(model.bust.vertices) if coarse else len(model.rest)  # the first vertices are the cage's
    if hidden is not None:
        triangles = triangles[~hidden[model.drawn[drawn[triangles]]].all(1)]
        uniforms["collar"] = np.array([-10.0, 0.0, 0.0, 0.0])
    vertices = _dressed(model, posed.vertices[:count], uniforms["collar"], quads)
    position = view.to_camera(vertices).astype(np.float32)
    attributes = {
        "position": position,
        "normal": vertex_normals(position, quads),
        "rest": model.rest,
        "masks": model.masks,
        "kind": model.kind,
        **skin_attributes(look.skin, model, units, count),
    }
    place = model.drawn[drawn]
    attributes = {name: values[place] for name, values in attributes.items()} | {"uv": model.uv[drawn]}
    return [Mesh("face", attributes, triangles, uniforms, solid=True), Mesh("face", attributes, lashes, uniforms)]


@cache
def _drawn(model: HeadModel, coarse: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which vertices of the textured mesh are drawn, and the triangles of them: all but the lashes, the lashes."""
    drawn, triangles = np.unique(model.drawn_coarse if coarse else model.drawn_fine, return_inverse=True)
    triangles = triangles.reshape(-1, 3).astype(np.int32)
    lashes = (model.part[model.drawn[drawn[triangles]]] == PARTS.index("lashes")).all(1)
    return drawn, triangles[~lashes], triangles[lashes]


def _dressed(model: HeadModel, vertices: np.ndarray, collar: np.ndarray, quads: np.ndarray) -> np.ndarray:
    """The bust's first vertices (V, 3), the clothed ones pushed out by the cloth's thickness."""
    count = len(vertices)
    x, y, z = model.rest[:count].T
    height = collar[0] + collar[1] * np.abs(x) - collar[2] * z
    height = height - collar[3] * np.maximum(0, 1 - np.abs(x) / 0.055) * (z > -0.03)
    under = np.clip((height - y) / 0.012, 0, 1) * (model.part[:count] == 0)
    return vertices + (CLOTH * under)[:, None] * vertex_normals(vertices, quads) if under.any() else vertices
