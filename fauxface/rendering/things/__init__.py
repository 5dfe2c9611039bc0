"""Things worn and things in the way: one file a kind."""

import numpy as np

from fauxface.rendering.recipe import Recipe
from fauxface.rendering.things.base import HairCap, Material, Thing, Wearer, Worn, thing_mesh

__all__ = ["HairCap", "Material", "Thing", "Wearer", "Worn", "draw_things", "thing_mesh"]


def draw_things(rng: np.random.Generator, recipe: Recipe, wearer: Wearer) -> Worn:
    """What a person wears and what is before the face."""
    return Worn()
