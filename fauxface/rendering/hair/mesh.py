"""Hair as triangles: ribbons along the locks, sheets of nap over the scalp, and how a hat presses both.

Widths, covers and shades are by eye, on renders.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fauxface.rendering.hair.growth import NODES, Locks, grow, unit
from fauxface.rendering.hair.scalp import CENTRE, Patch, Skull, scalp, wave
from fauxface.rendering.hair.styles import Hair
from fauxface.rendering.hair.tiles import LOCKS, lock_atlas, nap
from fauxface.rendering.head.model import Posed, head_model
from fauxface.rendering.head.surface import vertex_normals
from fauxface.rendering.opengl.rasteriser import Mesh, Texture
from fauxface.rendering.photo.camera import View
from fauxface.rendering.worn.base import HairCap
from fauxface.segmentation import Segment


@dataclass(frozen=True)
class HairMesh:
    """Hair in the head frame, metres.

    Attributes:
        vertices: (V, 3).
        normals: (V, 3) unit, away from the head rather than from each ribbon: hair is lit as a whole.
        tangents: (V, 3) along the strands.
        places: (V, 4) texture u and v, cover 0–1, and openness to the surroundings 0–1.
        tones: (V, 2) from root 0 to tip 1, and a random number of the lock.
        triangles: (T, 3).
        image: the texture.
        softness: width of the edge of strands; 0.5 is see-through, 0.15 crisp.
        label: segmentation class; ``BACKGROUND`` leaves the class underneath.
        shine: share of the head's gloss; hair that points everywhere has little.
    """

    vertices: np.ndarray
    normals: np.ndarray
    tangents: np.ndarray
    places: np.ndarray
    tones: np.ndarray
    triangles: np.ndarray
    image: Texture
    softness: float
    label: Segment
    shine: float = 1.0

    def drawn(self, view: View, colours: dict[str, Any]) -> Mesh:
        """As the rasteriser draws it, in those colours (uniforms of ``hair.frag``)."""
        attributes = {
            "position": view.to_camera(self.vertices).astype(np.float32),
            "normal": self.normals @ view.rotation.T,
            "tangent": self.tangents @ view.rotation.T,
            "place": self.places,
            "tone": self.tones,
        }
        uniforms = {"strands": self.image, "softness": self.softness, "segment": self.label}
        uniforms["hair_shine"] = self.shine * colours["hair_shine"]
        # locks lie many deep: fewer of them than are seen cast the same shadow
        casting = self.triangles[self.tones[self.triangles[:, 0], 1] < 0.51]
        return Mesh("hair", attributes, self.triangles, {**colours, **uniforms}, casting=casting)


def hair_meshes(
    hair: Hair, posed: Posed, view: View, rng: np.random.Generator, cap: HairCap | None = None
) -> list[HairMesh]:
    """The hair's locks and nap on a posed head.

    Args:
        hair: the style.
        posed: the head.
        view: the camera, which is held level: gravity pulls down in the picture.
        rng: the strands' stream.
        cap: a region that presses the hair.
    """
    area, model = scalp(), head_model()
    down = view.rotation.T @ np.array([0.0, 1.0, 0.0])
    towards = -view.rotation.T @ view.translation
    skin = posed.vertices[area.vertices].astype(np.float64)
    places = area.at(model.rest[area.vertices])
    locks = grow(hair, area.at(skin), places, Skull(posed), down, rng)
    meshes = [ribbons(locks, towards, Segment.HAIR, rng, cap)] if len(locks.points) else []
    # curls point everywhere, and short hair outwards: neither has bands of gloss
    shine = min(1.0, 0.25 + max(hair.lengths) / 0.05) * (1 - 0.8 * max(hair.puffs, min(1.0, 120 * hair.curl)))
    return [replace(mesh, shine=shine) for mesh in meshes + _naps(hair, posed, area, rng, cap)]


def ribbons(
    locks: Locks, towards: np.ndarray, label: Segment, rng: np.random.Generator, cap: HairCap | None = None
) -> HairMesh:
    """Ribbons along locks, the nearest to the camera first."""
    order = np.linalg.norm(locks.points[:, NODES // 2] - towards, axis=1).argsort()
    points, count = locks.points[order], len(order)
    tangents = unit(np.gradient(points, axis=1))
    # away from the head's axis below, from the skull's centre above
    axis = CENTRE + np.stack(
        [0 * points[..., 0], np.minimum(points[..., 1] - CENTRE[1], 0), 0 * points[..., 0]], axis=-1
    )
    outward = unit(points - axis)
    across = side = unit(np.cross(tangents, outward))
    twist = locks.twist[order][:, None, None]
    side = side * np.cos(twist) + np.cross(tangents, side) * np.sin(twist)
    steps = np.sqrt((np.diff(points, axis=1) ** 2).sum(-1))
    arc = np.concatenate([np.zeros((count, 1)), steps.cumsum(1)], axis=1)
    taper = arc / (arc[:, -1:] + 1e-9)
    # ribbons reach their full width only away from the skin, and run to a point
    width = 0.5 * locks.width[order][:, None, None] * np.interp(taper, [0, 0.15, 0.6, 1], [0.7, 1, 1, 0.8])[..., None]
    vertices = np.stack([points - width * side, points + width * side], axis=2)
    if cap is not None:
        vertices = _pressed(vertices, cap)
    tile = np.searchsorted(np.sort(LOCKS), locks.tile[order])
    tile = np.argsort(LOCKS)[tile]
    flip = rng.integers(0, 2, count)
    edges = np.stack([flip, 1 - flip], axis=1) * 0.96 + 0.02
    u = (tile[:, None, None] + edges[:, None]) / len(LOCKS)
    depth = locks.depth[order][:, None, None]
    opening = (0.65 + 0.35 * depth) * np.interp(taper, [0, 0.3, 1], [0.75, 0.95, 1])[..., None]
    shape = vertices.shape[:3]
    # thin at the root, where single hairs leave the skin, and at the tip
    leaving = np.interp(arc, [0, 0.006], [0.26, 0.43])
    cover = np.broadcast_to(np.minimum(leaving, np.interp(taper, [0.5, 1], [0.43, 0.25]))[..., None], shape)
    if cap is not None and cap.hides:
        cover = np.where(((points - cap.point) @ cap.normal > 0)[:, :, None], 0.0, cover)
    along = np.broadcast_to(taper[..., None], shape)
    number = np.broadcast_to(rng.random(count)[:, None, None], shape)
    # the picture repeats: neither end of a lock may see the other
    v = 0.02 + 0.91 * along
    places = np.stack([np.broadcast_to(u, shape), v, cover, np.broadcast_to(opening, shape)], axis=-1)
    base = 2 * (np.arange(count)[:, None] * NODES + np.arange(NODES - 1)[None]).reshape(-1, 1)
    triangles = np.stack([base + np.array(corner) for corner in ([0, 1, 3], [0, 3, 2])], axis=1).reshape(-1, 3)
    # a lock is round: its edges look sideways
    normals = unit(outward[:, :, None] + np.array([-0.25, 0.25])[:, None] * across[:, :, None])
    along_strands = np.broadcast_to(tangents[:, :, None], vertices.shape)
    return HairMesh(
        vertices.reshape(-1, 3),
        normals.reshape(-1, 3),
        along_strands.reshape(-1, 3),
        places.reshape(-1, 4),
        np.stack([along, number], axis=-1).reshape(-1, 2),
        triangles,
        lock_atlas(),
        0.3,
        label,
    )


def _naps(hair: Hair, posed: Posed, area: Patch, rng: np.random.Generator, cap: HairCap | None) -> list[HairMesh]:
    """Sheets over the scalp, the outermost first."""
    model = head_model()
    places = model.rest[area.vertices].astype(np.float64)
    inside = hair.hairline.inside(places)
    normals = vertex_normals(posed.vertices[area.vertices], area.triangles).astype(np.float64)
    bumps = wave(rng, places, 170.0)
    fade = np.clip((inside + 0.003 * bumps) / 0.018 + 0.15, 0, 1)  # hair begins thin, and not on one line
    meshes = []
    for away, cover in hair.shells[::-1]:
        rim = np.clip(inside / max(0.012, 0.5 * away), 0, 1) ** 0.7
        height = 0.0006 + away * rim * (1 + (0.35 * bumps if away > 0.006 else 0.0))
        points = posed.vertices[area.vertices] + height[:, None] * normals
        covered = cover * fade * (inside > -0.004)
        if cap is not None:
            points = _pressed(points, cap)
            if cap.hides:
                covered = np.where((points - cap.point) @ cap.normal > 0, 0.0, covered)
        top = hair.shells[-1][0]
        opening = 0.55 + 0.45 * (away / top if top > 0.002 else 1.0)
        if hair.locks > 150 and hair.puffs < 1:  # more than a crop, dreads or plaits have
            opening = 0.4  # the inside of the hair that lies over it
        softness = 0.4 if away > 0.0012 else 0.8
        meshes.append(sheet(points, normals, places, covered, area.triangles, Segment.HAIR, opening, softness))
    return meshes


def sheet(
    points: np.ndarray,
    normals: np.ndarray,
    places: np.ndarray,
    cover: np.ndarray,
    triangles: np.ndarray,
    label: Segment,
    opening: float,
    softness: float,
) -> HairMesh:
    """A sheet of nap through V points with normals, template places and cover; the rest as in `HairMesh`."""
    # a skewed view of the template, which is nowhere seen edge-on: the picture is stretched little everywhere
    x, y, z = places.T
    u, v = 24 * (x + 0.6 * z), 24 * (y - 0.6 * z)
    down = np.array([0.0, -1.0, 0.0]) + 0.3 * normals
    along = unit(down - (down * normals).sum(1, keepdims=True) * normals + 1e-6)
    kept = triangles[(cover > 0)[triangles].any(1)]
    tones = np.stack([np.full(len(x), 0.15), np.full(len(x), 0.5)], axis=1)
    return HairMesh(
        points,
        normals,
        along,
        np.stack([u, v, cover, np.full(len(x), opening)], axis=1),
        tones,
        kept,
        nap(),
        softness,
        label,
    )


def _pressed(points: np.ndarray, cap: HairCap) -> np.ndarray:
    """Move points (…, 3) above the cap's plane into its ellipsoid."""
    offset = (points - cap.centre) / cap.radii
    length = np.sqrt((offset**2).sum(-1, keepdims=True)) + 1e-9
    above = (points - cap.point) @ cap.normal > 0
    return np.where(above[..., None] & (length > 0.97), cap.centre + cap.radii * offset * (0.97 / length), points)
