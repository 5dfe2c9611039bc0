"""What a person wears out of the asset pack: hair, a hat, clothes, fitted to the head in its pose."""

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
from fauxface.rendering.head import HeadModel
from fauxface.rendering.rasteriser import Texture
from fauxface.rendering.recipe import Recipe
from fauxface.rendering.things.base import HairCap, Material, Thing, Wearer

HAIR, CLOTHING, HEADWEAR = 13, 15, 17
HATS = 0.05
"""Share of people with a hat of the pack, among those who may wear one."""
_CONTRAST = 0.8


@dataclass(frozen=True)
class Dressed:
    """What comes from the pack.

    Attributes:
        things: meshes in the head frame.
        names: kind → item, for the label file.
        hair: whether the generated hair gives way.
        hair_cap: what a hat does to generated hair.
        hidden: (M,) bool, the head model's vertices under the clothes, or None without.
    """

    things: list[Thing] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    hair: bool = False
    hair_cap: HairCap | None = None
    hidden: np.ndarray | None = None


@cache
def current_pack() -> Pack | None:
    """The pack that this process draws from: what was installed when it first asked."""
    return installed_pack()


@lru_cache(maxsize=64)
def _proxy(path: Path, model: HeadModel, mirrored: bool) -> Proxy:
    return _proxy(path, model, False).mirrored(model.bust) if mirrored else read_proxy(path, model.bust)


@lru_cache(maxsize=64)
def _hair_texture(path: Path, item: Path, model: HeadModel) -> Texture:
    proxy = _proxy(item, model, False)
    return textures.grey(path, proxy.uv, proxy.triangles, _CONTRAST)


def draw_assets(
    rng: np.random.Generator,
    recipe: Recipe,
    model: HeadModel,
    wearer: Wearer,
    hair: dict[str, Any] | None,
    bare_head: bool,
    bare_neck: bool,
) -> Dressed:
    """Hair, a hat, clothes from the pack, each in ``recipe.assets`` of the people who can have it.

    Args:
        rng: the stream of draws; how many numbers it gives does not depend on what is installed.
        recipe: says how often.
        model: the head model.
        wearer: whom it is fitted to.
        hair: ``hair_colour`` (3,) linear and ``grey`` (0–1) of a person with hair; None of a bald one.
        bare_head: nothing else is on the head.
        bare_neck: no other cloth is about the neck.
    """
    own = dict(zip(("hair", "hat", "clothes"), rng.spawn(3), strict=True))
    chosen = {kind: stream.random() < recipe.assets for kind, stream in own.items()}
    pack = current_pack()
    if pack is None or recipe.assets == 0:
        return Dressed()
    chosen["hair"] &= hair is not None and bare_head
    chosen["hat"] &= bare_head and own["hat"].random() < HATS
    chosen["clothes"] &= bare_neck and wearer.identity.age > 12
    if not any(chosen.values()):
        return Dressed()
    points = np.concatenate([wearer.posed.cage, model.anchors(wearer.posed)])
    scale = head_scale(points, model.bust)
    things: list[Thing] = []
    names: dict[str, str] = {}
    cap = hidden = None
    if chosen["hat"]:
        item, proxy = _choose(own["hat"], "hat", pack, model, wearer)
        vertices = proxy.fit(points, scale)
        texture = textures.plain(pack.folder / str(own["hat"].choice(item.textures)))
        material = Material(_tint(own["hat"]), roughness=0.9, shine=0.15, image=texture)
        things.append(Thing(vertices, proxy.triangles, proxy.uv, material, HEADWEAR))
        names["hat"] = item.name
        cap = _cap(vertices)
    if chosen["hair"] and hair is not None:
        item, proxy = _choose(own["hair"], "hair", pack, model, wearer)
        path = pack.folder / item.textures[0]
        colour = hair["hair_colour"] * (1 - hair["grey"]) + hair["grey"] * np.array([0.5, 0.49, 0.48])
        material = Material(
            colour * textures.BRIGHTEST,
            roughness=0.5,
            shine=float(own["hair"].uniform(0.2, 0.7)),
            wrap=(0.15, 0.15, 0.15),
            image=_hair_texture(path, pack.folder / item.model, model),
        )
        vertices = proxy.fit(points, scale)
        if cap is not None:
            vertices = _pressed(vertices, cap)
        things.append(Thing(vertices, proxy.triangles, proxy.uv, material, HAIR))
        names["hair"] = item.name
    if chosen["clothes"]:
        item, proxy = _choose(own["clothes"], "clothes", pack, model, wearer)
        texture = textures.plain(pack.folder / item.textures[0])
        material = Material(_tint(own["clothes"]), roughness=0.9, shine=0.2, wrap=(0.1, 0.1, 0.1), image=texture)
        things.append(Thing(proxy.fit(points, scale), proxy.triangles, proxy.uv, material, CLOTHING))
        names["clothes"] = item.name
        hidden = model.smooth @ proxy.hides.astype(np.float32) > 0.5
    return Dressed(things, names, "hair" in names, cap, hidden)


def _choose(rng: np.random.Generator, kind: str, pack: Pack, model: HeadModel, wearer: Wearer) -> tuple[Item, Proxy]:
    gender = "female" if wearer.identity.gender < 0.5 else "male"
    items = [item for item in ITEMS if item.kind == kind and item.wearers in (gender, "any")]
    item = items[int(rng.integers(len(items)))]
    return item, _proxy(pack.folder / item.model, model, bool(rng.random() < 0.5))


def _tint(rng: np.random.Generator) -> np.ndarray:
    """A dye (3,), linear RGB: mostly weak."""
    return np.clip(np.exp(rng.normal(0, 0.35) - abs(rng.normal(0, 0.4)) + rng.normal(0, 0.35, 3)), 0.05, 1.3)


def _cap(hat: np.ndarray) -> HairCap:
    """The room within a hat for hair: above its sweatband."""
    low, high = hat.min(0), hat.max(0)
    height = high[1] - low[1]
    crown = hat[hat[:, 1] > low[1] + 0.5 * height]
    middle = (crown.min(0) + crown.max(0)) / 2
    half = (crown.max(0) - crown.min(0)) / 2
    base = low[1] + 0.35 * height
    return HairCap(
        np.array([middle[0], base, middle[2]]),
        np.array([0.0, 1.0, 0.0]),
        np.array([middle[0], base, middle[2]]),
        np.array([half[0], high[1] - base, half[2]]) * 0.9,
    )


def _pressed(vertices: np.ndarray, cap: HairCap) -> np.ndarray:
    """Hair pushed into the ellipsoid of a cap where it is above the cap's plane."""
    offset = (vertices - cap.centre) / cap.radii
    distance = np.linalg.norm(offset, axis=1, keepdims=True)
    over = ((vertices - cap.point) @ cap.normal > 0)[:, None] & (distance > 1)
    return np.where(over, cap.centre + offset / np.maximum(distance, 1e-9) * cap.radii, vertices)
