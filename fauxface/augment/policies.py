"""Policies: which augmentations, in which order. The study's three hold exactly the four that it names.

Beside the named ones there are those made by their name: ``all-rotation`` is ``all`` without rotation, ``all+colour``
is ``all`` with colour, ``only-blur`` is blur alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from fauxface.augment.base import Augmentation
from fauxface.augment.blur import Blur, LowResolution
from fauxface.augment.box_noise import BoxNoise
from fauxface.augment.colour import Colour
from fauxface.augment.flip import Flip
from fauxface.augment.noise import Noise
from fauxface.augment.occlusion import Occlusion
from fauxface.augment.rotation import Rotation
from fauxface.augment.scale import Scale
from fauxface.augment.translation import Translation


@dataclass(frozen=True)
class Policy:
    """A named list of augmentations; those that change the crop matrix act before those that change pixels."""

    name: str
    augmentations: tuple[Augmentation, ...]


POLICIES: Mapping[str, Policy] = MappingProxyType(
    {
        p.name: p
        for p in (
            Policy("none", ()),
            Policy("translation-occlusion", (Translation(), Occlusion())),
            Policy("all", (Rotation(), Translation(), Occlusion(), Blur())),
            Policy(
                "strong",
                (
                    Flip(),
                    Rotation(15.0),
                    Scale(0.08),
                    Translation(0.04),
                    BoxNoise(0.03),
                    Occlusion(0.5, 0.5),
                    Colour(),
                    LowResolution(4.0, 0.3, smallest=2.0),
                    Noise(0.06, 0.5),
                ),
            ),
        )
    }
)


LEVEL_ROTATION = 6.0
"""Standard deviation, in degrees, of the rotation of crops that are level but for the error of the roll."""
PARTS: Mapping[str, type[Augmentation]] = MappingProxyType(
    {
        kind.__name__.lower(): kind
        for kind in (Flip, Rotation, Scale, Translation, BoxNoise, Occlusion, Colour, Blur, LowResolution, Noise)
    }
)
"""Name → augmentation, in the order in which they act."""


def policy(name: str) -> Policy:
    """The policy of that name, or ``POLICY-PART``, ``POLICY+PART`` (any number of parts), ``only-PART``.

    ValueError, naming those there are, if there is none.
    """
    if name in POLICIES:
        return POLICIES[name]
    for start in (*POLICIES, "only"):
        changes = name.removeprefix(start)
        if changes != name and re.fullmatch(r"([+-][a-z]+)+", changes):
            return Policy(name, _changed(name, start, re.findall(r"([+-])([a-z]+)", changes)))
    raise ValueError(
        f"unknown augmentation policy '{name}'; there are {', '.join(POLICIES)}, and such as all-rotation, all+colour, "
        "only-blur"
    )


def levelled(given: Policy) -> Policy:
    """The policy for crops that are turned level: its rotation is as small as `LEVEL_ROTATION`."""
    parts = given.augmentations
    return replace(
        given,
        augmentations=tuple(
            replace(p, strength=min(p.strength, LEVEL_ROTATION)) if isinstance(p, Rotation) else p for p in parts
        ),
    )


def _changed(name: str, start: str, changes: list[tuple[str, str]]) -> tuple[Augmentation, ...]:
    """The augmentations of ``start`` without and with what ``changes`` says; of ``only``, the one that it says."""
    parts = {type(part).__name__.lower(): part for part in POLICIES[start].augmentations} if start != "only" else {}
    for sign, part in changes:
        if part not in PARTS:
            raise ValueError(f"unknown augmentation '{part}' in the policy '{name}'; there are {', '.join(PARTS)}")
        if start == "only":
            if sign != "-" or len(changes) > 1:
                raise ValueError(f"'{name}': only-PART is one augmentation alone; for more, none+PART+PART")
            return (PARTS[part](),)  # pyright: ignore[reportCallIssue]
        if (part in parts) == (sign == "+"):
            raise ValueError(f"'{name}': {start} has {part} already" if sign == "+" else f"'{name}': no {part} there")
        if sign == "+":
            parts[part] = PARTS[part]()  # pyright: ignore[reportCallIssue]
        else:
            del parts[part]
    order = list(PARTS)
    return tuple(parts[part] for part in sorted(parts, key=order.index))
