"""Things worn and things in the way: one file a kind, each fitted to the person's own head."""

from __future__ import annotations

from typing import Any

import numpy as np

from fauxface.rendering.occluders.objects import sample_object
from fauxface.rendering.recipe import WORN, Recipe
from fauxface.rendering.worn.base import HairCap, Thing, Wearer, Worn
from fauxface.rendering.worn.clothes import sample_dress
from fauxface.rendering.worn.facewear import sample_ear_rings, sample_facewear, sample_headset, sample_necklace
from fauxface.rendering.worn.fit import measure
from fauxface.rendering.worn.glasses import sample_glasses
from fauxface.rendering.worn.headwear import sample_headwear


def sample_things(rng: np.random.Generator, recipe: Recipe, wearer: Wearer) -> Worn:
    """Sample the things that a person wears, and the occluder of the face."""
    fit = measure(wearer)
    things: list[Thing] = []
    names: dict[str, Any] = {}
    cap: HairCap | None = None
    # a stream for each kind, so that a change of one share leaves the others as they were
    dice = {name: stream for name, stream in zip(WORN, rng.spawn(len(WORN)), strict=True)}
    (clothes,) = rng.spawn(1)
    chosen = {name: stream.random() for name, stream in dice.items()}
    glasses = dice["glasses"]
    if chosen["glasses"] < recipe.glasses + recipe.sunglasses:
        made, names["glasses"] = sample_glasses(glasses, wearer, fit, chosen["glasses"] >= recipe.glasses)
        things += made
    if chosen["headwear"] < recipe.headwear:
        raised = names.get("glasses", {}).get("place") == "raised"
        made, cap, names["headwear"] = sample_headwear(dice["headwear"], fit, raised)
        things += made
    if chosen["facewear"] < recipe.facewear:
        made, names["facewear"] = sample_facewear(dice["facewear"], wearer, fit)
        things += made
    if chosen["headset"] < recipe.headset and "headwear" not in names:
        made, cap, names["headset"] = sample_headset(dice["headset"], wearer, fit)
        things += made
    scarfed = names.get("facewear", {}).get("kind") == "scarf"
    covered = scarfed or names.get("headwear", {}).get("kind") in ("headscarf", "hood")
    female = wearer.identity.gender < 0.5
    dress = sample_dress(clothes, fit, female, not covered)
    things += dress.things
    names["clothes"] = dress.name
    jewels = dice["jewellery"]
    if chosen["jewellery"] < recipe.jewellery and female and cap is None:
        made, names["ear_rings"] = sample_ear_rings(jewels, fit)
        things += made
    if jewels.random() < recipe.jewellery and not covered:
        made, names["necklace"] = sample_necklace(jewels, fit)
        things += made
    if chosen["before"] < recipe.before:
        made, names["before"] = sample_object(dice["before"], wearer, fit)
        things += made
    return Worn(things, names, cap, dress)
