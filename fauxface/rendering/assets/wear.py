"""Items of the asset pack on a person: skin, hair, a hat, clothes, fitted to the head in its pose.

Numbers here are by eye, on renders with the pack's items.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from fauxface.rendering.assets import textures
from fauxface.rendering.assets.catalogue import ITEMS, Item
from fauxface.rendering.assets.install import Pack, installed_pack
from fauxface.rendering.assets.proxy import Proxy, head_scale, read_proxy
from fauxface.rendering.assets.skins import choose_skin
from fauxface.rendering.head.model import HeadModel
from fauxface.rendering.opengl.rasteriser import Texture
from fauxface.rendering.recipe import Recipe
from fauxface.rendering.worn.base import HairCap, Thing, Wearer, Worn
from fauxface.rendering.worn.materials import Material, cloth_colour
from fauxface.segmentation import Segment

HATS = 0.05
"""Share of people with a hat of the pack, among those who can wear one; none where the recipe has no headwear."""
GROWN = 12
"""Years from which the pack's clothes, made for adults, fit."""
_COLLAR = -0.13
"""Height of the highest collars in the head frame, metres."""
_SECTORS = 12
_ROOM = np.array([1.07, 1.04, 1.06])
"""Growth of hats in width, height and length: they were made for bald heads."""
_FLATTEST = 0.001
"""Least radii of a cap, metres: a hat may be flat."""
_UNDER_BRIM = 0.028
"""Distance under the ring of a hat within which it holds hair down, metres."""
DYED = 0.8
"""Share of the pack's clothes that are dyed: several have the same shirt."""
_LOOSE = 0.04
"""Distance below a cap's rim from which hair is as free as without it, metres."""
_GREY_HAIR = np.array([0.5, 0.49, 0.48])
"""Albedo of grey hair, linear RGB, by eye."""
_CONTRAST = 1.1
"""Exponent of the brightness in textures of hair: without it dark hair looks like a flat helmet."""


@dataclass(frozen=True)
class Dressed:
    """A person's things, those of the pack among them.

    Attributes:
        worn: all things worn, the pack's among them.
        names: kind → item of the pack, for the label file.
        hair: True where the pack's hair replaces the generated hair.
        hidden: (M,) bool, the head model's vertices under the clothes, or None without.
        cloth: (3,) mean colour of the clothes, linear RGB, or None without.
        skin: factors of the skin's colour, see `choose_skin`, or None.
    """

    worn: Worn
    names: dict[str, str] = field(default_factory=dict)
    hair: bool = False
    hidden: np.ndarray | None = None
    cloth: np.ndarray | None = None
    skin: Texture | None = None

    def uniforms(self) -> dict[str, Any]:
        """Uniforms of the shader ``face``."""
        skin = {"skin_map": self.skin or _PLAIN, "skin_share": float(self.skin is not None)}
        return skin if self.cloth is None else {**skin, "cloth_colour": np.stack([self.cloth, self.cloth])}


_PLAIN = Texture("assets/plain", np.full((1, 1, 3), 255, np.uint8))


@cache
def current_pack() -> Pack | None:
    """The pack of this process: the one installed at the first call."""
    return installed_pack()


def pack_name(recipe: Recipe) -> str | None:
    """Name of the pack that pictures of this recipe use; None without a pack or where the recipe uses none."""
    pack = current_pack()
    return pack.name if pack is not None and recipe.assets > 0 else None


@lru_cache(maxsize=64)
def _proxy(path: Path, model: HeadModel, mirrored: bool) -> Proxy:
    return _proxy(path, model, False).mirrored(model.bust) if mirrored else read_proxy(path, model.bust)


@lru_cache(maxsize=64)
def _grey_texture(path: Path, item: Path, model: HeadModel, contrast: float) -> Texture:
    proxy = _proxy(item, model, False)
    return textures.grey(path, proxy.uv, proxy.triangles, contrast)


def sample_assets(
    rng: np.random.Generator,
    recipe: Recipe,
    model: HeadModel,
    wearer: Wearer,
    hair: dict[str, Any] | None,
    worn: Worn,
) -> Dressed:
    """Sample skin, hair, a hat, clothes from the pack, each for ``recipe.assets`` of the people who can have it.

    Args:
        rng: the random stream.
        recipe: gives the shares.
        model: the head model.
        wearer: the person.
        hair: ``hair_colour`` (3,) linear and ``grey`` (0–1) of a person with hair; None of a bald one.
        worn: other things on the person: no hat goes over another, no shirt under a scarf.
    """
    dice = dict(zip(("skin", "hair", "hat", "clothes"), rng.spawn(4), strict=True))
    chosen = {kind: stream.random() < recipe.assets for kind, stream in dice.items()}
    pack = current_pack()
    if pack is None or recipe.assets == 0:
        return Dressed(worn)
    things = [thing for thing in worn.things if not any(thing is part for part in worn.dress.things)]
    bare = worn.hair_cap is None and not any(thing.label == Segment.HEADWEAR for thing in things)
    chosen["hat"] &= dice["hat"].random() < HATS and bare and recipe.headwear > 0
    # a hood leaves no room for hair that was made to hang freely, nor does the pack's hat with its narrow brim
    hooded = _about_neck([thing for thing in things if thing.label == Segment.HEADWEAR])
    chosen["hair"] &= hair is not None and not hooded and not chosen["hat"]
    chosen["clothes"] &= wearer.identity.age > GROWN and not _about_neck(things)
    names: dict[str, str] = {}
    skin = hidden = cloth = None
    cap, listed = worn.hair_cap, worn.names
    if chosen["skin"]:
        names["skin"], skin = choose_skin(dice["skin"], wearer.identity, pack, model)
    if not (chosen["hair"] or chosen["hat"] or chosen["clothes"]):
        return Dressed(worn, names, skin=skin)
    fitting = _Fitting(pack, model, wearer)
    if chosen["hat"]:
        names["hat"], hat = fitting.hat(dice["hat"])
        things.append(hat)
        cap = _cap(hat.vertices)
    if chosen["hair"] and hair is not None:
        names["hair"], locks = fitting.hair(dice["hair"], hair, cap)
        things += locks
    if chosen["clothes"]:
        names["clothes"], clothes, covered = fitting.clothes(dice["clothes"])
        things.append(clothes)
        assert clothes.material.image is not None
        cloth = clothes.material.colour * _mean(clothes.material.image)
        hidden = model.smooth @ covered.astype(np.float32) > 0.5
        listed = {kind: name for kind, name in listed.items() if kind != "clothes"}
    else:
        things = [*things, *worn.dress.things]
    return Dressed(Worn(things, listed, cap, worn.dress), names, "hair" in names, hidden, cloth, skin)


class _Fitting:
    """Items of a pack, chosen at random and fitted to one person.

    Attributes:
        pack: the pack.
        model: the head model.
        wearer: the person.
        points: (V + A, 3) the cage's vertices and anchors that items hang on, head frame, metres.
        scale: (3,) of the head, as items scale with it.
    """

    def __init__(self, pack: Pack, model: HeadModel, wearer: Wearer) -> None:
        self.pack, self.model, self.wearer = pack, model, wearer
        self.points = np.concatenate([wearer.posed.cage, model.anchors(wearer.posed)])
        self.scale = head_scale(self.points, model.bust)

    def hat(self, rng: np.random.Generator) -> tuple[str, Thing]:
        """Sample a hat: its name and the thing."""
        item, proxy = self._choose(rng, "hat")
        vertices = proxy.fit(self.points, self.scale)
        middle = vertices.mean(0)
        vertices = middle + (vertices - middle) * _ROOM
        texture = textures.plain(self.pack.folder / str(rng.choice(item.textures)))
        material = Material(_tint(rng), roughness=0.9, shine=0.15, image=texture)
        return item.name, Thing(vertices, proxy.triangles, proxy.uv, material, Segment.HEADWEAR)

    def hair(self, rng: np.random.Generator, colours: dict[str, Any], cap: HairCap | None) -> tuple[str, list[Thing]]:
        """Sample hair in those colours: its name and the thing, or none where the cap covers all of it."""
        item, proxy = self._choose(rng, "hair")
        colour = colours["hair_colour"] * (1 - colours["grey"]) + colours["grey"] * _GREY_HAIR
        # light hair passes light on from strand to strand: it has less of both dark gaps and bright edges
        contrast = round(_CONTRAST * float(np.interp(colour.mean(), [0.05, 0.4], [1.0, 0.5])), 1)
        material = Material(
            colour * textures.BRIGHTEST,
            roughness=0.65,
            shine=float(rng.uniform(0.03, 0.2)),
            wrap=(0.15, 0.15, 0.15),
            image=self._grey(item, contrast),
        )
        vertices, triangles = proxy.fit(self.points, self.scale), proxy.triangles
        if cap is not None:
            vertices, triangles = _pressed(vertices, triangles, cap)
        thing = Thing(vertices, triangles, proxy.uv, material, Segment.HAIR)
        return item.name, [thing] if len(triangles) else []

    def clothes(self, rng: np.random.Generator) -> tuple[str, Thing, np.ndarray]:
        """Sample clothes: their name, the thing, and the cage's vertices (V,) that they hide."""
        item, proxy = self._choose(rng, "clothes")
        if rng.random() < DYED:
            texture = self._grey(item, 1.0)
            colour = cloth_colour(rng) * textures.BRIGHTEST
        else:
            texture, colour = textures.plain(self.pack.folder / item.textures[0]), _tint(rng)
        material = Material(colour, roughness=0.9, shine=0.2, wrap=(0.1, 0.1, 0.1), image=texture)
        vertices = proxy.fit(self.points, self.scale)
        return item.name, Thing(vertices, proxy.triangles, proxy.uv, material, Segment.CLOTHING), proxy.hides

    def _choose(self, rng: np.random.Generator, kind: str) -> tuple[Item, Proxy]:
        gender = "female" if self.wearer.identity.gender < 0.5 else "male"
        items = [item for item in ITEMS if item.kind == kind and item.wearers in (gender, "any")]
        shares = np.array([item.share for item in items])
        item = items[int(rng.choice(len(items), p=shares / shares.sum()))]
        return item, _proxy(self.pack.folder / item.model, self.model, bool(rng.random() < 0.5))

    def _grey(self, item: Item, contrast: float) -> Texture:
        folder = self.pack.folder
        return _grey_texture(folder / item.textures[0], folder / item.model, self.model, contrast)


def _about_neck(things: list[Thing]) -> bool:
    """True where some cloth (a scarf, a hood, a high collar) is in the place of the pack's collars."""
    cloths = [thing for thing in things if thing.label in (Segment.CLOTHING, Segment.HEADWEAR, Segment.FACEWEAR)]
    return any(thing.vertices[:, 1].min() < _COLLAR for thing in cloths)


def _mean(texture: Texture) -> np.ndarray:
    """Mean colour (3,), linear RGB, of the opaque part."""
    pixels = texture.pixels[::4, ::4]
    return ((pixels[pixels[..., 3] > 127][:, :3] / 255.0) ** 2.2).mean(0)


def _tint(rng: np.random.Generator) -> np.ndarray:
    """Sample a dye (3,), linear RGB: mostly weak."""
    return np.clip(np.exp(rng.normal(0, 0.35) - abs(rng.normal(0, 0.4)) + rng.normal(0, 0.1, 3)), 0.05, 1.2)


def _cap(hat: np.ndarray) -> HairCap:
    """Region of the hair that a hat's crown covers: all above the ring where it meets the brim.

    The ring's points are, all around, the lowest of those nearest to the hat's axis.
    """
    low, high = hat.min(0), hat.max(0)
    middle = (low + high) / 2
    reach = hat - middle
    distance = np.hypot(reach[:, 0], reach[:, 2])
    sector = np.floor((np.arctan2(reach[:, 0], reach[:, 2]) / (2 * np.pi) + 0.5) * _SECTORS).astype(int) % _SECTORS
    below = hat[:, 1] < low[1] + 0.5 * (high[1] - low[1])  # the crown narrows towards its top
    ring = []
    for number in range(_SECTORS):
        inside = np.flatnonzero((sector == number) & below)
        if len(inside):
            near = inside[distance[inside] < distance[inside].min() + 0.004]
            ring.append(hat[near[hat[near, 1].argmin()]])
    points = np.array(ring)
    centre = points.mean(0) - np.array([0.0, _UNDER_BRIM, 0.0])
    normal = np.linalg.svd(points - points.mean(0))[2][2]
    normal *= np.sign(normal[1])
    half = np.abs(points - centre).max(0)
    radii = np.maximum(0.95 * np.array([half[0], high[1] - centre[1], half[2]]), _FLATTEST)
    return HairCap(centre, normal, centre, radii, hides=True)


def _pressed(vertices: np.ndarray, triangles: np.ndarray, cap: HairCap) -> tuple[np.ndarray, np.ndarray]:
    """Hair pushed into the ellipsoid of a cap above the cap's plane, and its triangles that stay visible.

    Hair that hangs down from there leaves the head gradually: a full fringe would stand before the cap.
    """
    offset = (vertices - cap.centre) / cap.radii
    distance = np.linalg.norm(offset, axis=1, keepdims=True)
    height = (vertices - cap.point) @ cap.normal
    inside = cap.centre + offset / np.maximum(distance, 1) * cap.radii
    share = np.clip(1 + height / _LOOSE, 0, 1)[:, None]
    pressed = vertices + share * (inside - vertices)
    return pressed, triangles[~(height > 0)[triangles].all(1)] if cap.hides else triangles
