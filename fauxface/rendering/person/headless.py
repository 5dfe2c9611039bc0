"""A person without the head: for pictures that show bodies, hands and clothes, but no face."""

from __future__ import annotations

from fauxface.landmarks import EYES, Point
from fauxface.rendering.opengl.rasteriser import Mesh
from fauxface.rendering.person.person import Person
from fauxface.segmentation import Segment

_BELOW = 0.35
"""The cut through the neck lies this much of the distance from eyes to chin below the chin; by eye."""


def without_head(person: Person) -> list[Mesh]:
    """The person's meshes without all that is above the chin, except hands and objects before the face."""
    points = person.view.to_camera(person.points)
    chin = points[Point.CHIN]
    up = points[EYES].mean(0) - chin
    level = chin - _BELOW * up
    meshes = []
    for mesh in person.meshes:
        if mesh.program == "hair":
            continue
        if _segment(mesh) != Segment.IGNORE:
            above = (mesh.attributes["position"] - level) @ up > 0
            kept = mesh.triangles[~above[mesh.triangles].any(1)]
            if not len(kept):
                continue
            mesh = Mesh(mesh.program, mesh.attributes, kept, mesh.uniforms, blend=mesh.blend, label=mesh.label)
        meshes.append(mesh)
    return meshes


def _segment(mesh: Mesh) -> int | None:
    return mesh.uniforms.get("segment") if mesh.label is None else mesh.label
