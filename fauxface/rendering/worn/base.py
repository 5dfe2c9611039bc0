"""Things on, about or before a head, as the rest of the generator sees them: triangles, a material, a class."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fauxface.rendering.head.identity import Identity
from fauxface.rendering.head.model import Posed
from fauxface.rendering.head.surface import vertex_normals
from fauxface.rendering.opengl.rasteriser import Mesh
from fauxface.rendering.photo.camera import View
from fauxface.rendering.worn.materials import Material
from fauxface.rendering.worn.shapes import Shape
from fauxface.segmentation import Segment

HIDING = 0.6
"""Opacity above which a lens hides the eyes behind it, by eye."""


@dataclass(frozen=True)
class Thing:
    """A piece of the scene in the head frame (metres; x to the subject's left, y up, z forward).

    Attributes:
        vertices: (V, 3).
        triangles: (T, 3), counter-clockwise seen from outside.
        uv: (V, 2).
        material: of its surface.
        label: segmentation class.
        solid: closed and opaque: only its front is drawn.
        blend: transparent: drawn last, without a shadow; with an opacity above `HIDING` it has a label and hides
            points behind it, else it has neither label nor depth.
    """

    vertices: np.ndarray
    triangles: np.ndarray
    uv: np.ndarray
    material: Material
    label: Segment
    solid: bool = False
    blend: bool = False

    @classmethod
    def of(cls, shape: Shape, material: Material, label: Segment, solid: bool = False, blend: bool = False) -> Thing:
        """Build a thing from a shape."""
        return cls(shape.vertices, shape.triangles, shape.uv, material, label, solid, blend)


@dataclass(frozen=True)
class HairCap:
    """A region that presses hair: above a plane hair stays within an ellipsoid; head frame, metres.

    Attributes:
        point: (3,) on the plane.
        normal: (3,) unit, towards the side that is covered.
        centre: (3,) of the ellipsoid.
        radii: (3,) its half axes along x, y, z.
        hides: True hides all hair above the plane.
    """

    point: np.ndarray
    normal: np.ndarray
    centre: np.ndarray
    radii: np.ndarray
    hides: bool = False


@dataclass(frozen=True)
class Wearer:
    """The person that things are fitted to.

    Attributes:
        posed: the head in its pose.
        landmarks: (70, 3) points, head frame.
        identity: age, gender, ….
        skin: (3,) the skin's mean albedo, linear RGB (hands have it, too).
        view: the camera.
    """

    posed: Posed
    landmarks: np.ndarray
    identity: Identity
    skin: np.ndarray
    view: View


@dataclass(frozen=True)
class Neckline:
    """The edge of the cloth on the template's body; metres.

    Attributes:
        height: of the edge on the axis of the body's left and right.
        side: rise towards the sides, a share.
        back: rise towards the back, a share.
        vee: depth of a V that is cut in front.
        vee_width: half its width at the top.
        strap: |x| of straps over the shoulders; 0 for none.
    """

    height: float = -0.2
    side: float = 0.1
    back: float = 0.55
    vee: float = 0.0
    vee_width: float = 0.055
    strap: float = 0.0

    def cover(self, rest: np.ndarray) -> np.ndarray:
        """Distance (V,) of points (V, 3) of the template below the cloth's edge, metres: positive is clothed."""
        x, y, z = np.abs(rest[:, 0]), rest[:, 1], rest[:, 2]
        edge = self.height + self.side * x - self.back * z
        front = np.clip((z + 0.085) / 0.02, 0, 1)
        edge = edge - front * self.vee * np.maximum(0, 1 - x / self.vee_width)
        cover = edge - y
        if self.strap:
            cover = np.maximum(cover, np.minimum(0.013 - np.abs(x - self.strap), -0.1 - y))
        return cover


@dataclass(frozen=True)
class Dress:
    """Clothes below the chin.

    Attributes:
        neckline: edge of the cloth that is painted on the body.
        uniforms: of the shader ``face``: the cloth's two colours, its pattern, that pattern's scale.
        things: collars, lapels, a tie, a hood.
        name: for the label file.
    """

    neckline: Neckline = field(default_factory=Neckline)
    uniforms: dict[str, Any] = field(default_factory=dict)
    things: list[Thing] = field(default_factory=list)
    name: str = "T-shirt"


@dataclass(frozen=True)
class Worn:
    """All things about a head, their names for the label file, and the region in which they press the hair."""

    things: list[Thing] = field(default_factory=list)
    names: dict[str, Any] = field(default_factory=dict)
    hair_cap: HairCap | None = None
    dress: Dress = field(default_factory=Dress)


def thing_mesh(thing: Thing, view: View) -> Mesh:
    """A thing as the rasteriser draws it."""
    position = view.to_camera(thing.vertices).astype(np.float32)
    material = thing.material
    uniforms: dict[str, Any] = {
        "albedo": np.asarray(material.colour, float),
        "roughness": material.roughness,
        "metal": material.metal,
        "gloss": material.shine,
        "wrap": np.array(material.wrap),
        "weave": material.weave,
        "opacity": material.opacity,
        "image_share": float(material.image is not None),
        "segment": thing.label,
    }
    if material.image is not None:
        uniforms["image"] = material.image
    attributes = {"position": position, "normal": vertex_normals(position, thing.triangles), "uv": thing.uv}
    return Mesh("thing", attributes, thing.triangles, uniforms, thing.solid, thing.blend, material.opacity > HIDING)
