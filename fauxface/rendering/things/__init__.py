"""Things worn and things in the way: one file a kind, each fitted to the person's own head."""

from __future__ import annotations

from typing import Any

import numpy as np

from fauxface.rendering.recipe import Recipe
from fauxface.rendering.things.base import HairCap, Material, Thing, Wearer, Worn, thing_mesh
from fauxface.rendering.things.fit import measure
from fauxface.rendering.things.glasses import draw_glasses

__all__ = ["HairCap", "Material", "Thing", "Wearer", "Worn", "draw_things", "thing_mesh"]


def draw_things(rng: np.random.Generator, recipe: Recipe, wearer: Wearer) -> Worn:
    """What a person wears and what is before the face."""
    fit = measure(wearer)
    things: list[Thing] = []
    names: dict[str, Any] = {}
    eyes = rng.random()
    (own,) = rng.spawn(1)
    if eyes < recipe.glasses + recipe.sunglasses:
        made, names["glasses"] = draw_glasses(own, wearer, fit, eyes >= recipe.glasses)
        things += made
    return Worn(things, names)
