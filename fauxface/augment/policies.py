"""Policies: named lists of augmentations. The study's three use only the four augmentations that it examines.

Other policies are described by their name: ``all-rotation`` is ``all`` without rotation, ``all+colour`` is ``all`` with
colour, ``only-blur`` is blur alone.
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
    """A named list of augmentations; those that change the crop matrix are applied before those that change pixels."""

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
"""Standard deviation of the rotation of level crops, degrees: the error of an estimated roll."""
PARTS: Mapping[str, type[Augmentation]] = MappingProxyType(
    {
        kind.__name__.lower(): kind
        for kind in (Flip, Rotation, Scale, Translation, BoxNoise, Occlusion, Colour, Blur, LowResolution, Noise)
    }
)
"""Name → augmentation, in order of application."""


def policy(name: str) -> Policy:
    """The policy with this name, or ``POLICY-PART``, ``POLICY+PART`` (any number of parts), ``only-PART``.

    ValueError, with the known names, for an unknown one.
    """
    if name in POLICIES:
        return POLICIES[name]
    for start in (*POLICIES, "only"):
        changes = name.removeprefix(start)
        if changes != name and re.fullmatch(r"([+-][a-z]+)+", changes):
            return Policy(name, _changed(name, start, re.findall(r"([+-])([a-z]+)", changes)))
    raise ValueError(
        f"unknown augmentation policy '{name}'; there are {', '.join(POLICIES)}, and combinations, for example "
        "all-rotation, all+colour, only-blur"
    )


def levelled(given: Policy) -> Policy:
    """The policy for level crops: with a rotation of at most `LEVEL_ROTATION`."""
    parts = given.augmentations
    return replace(
        given,
        augmentations=tuple(
            replace(p, strength=min(p.strength, LEVEL_ROTATION)) if isinstance(p, Rotation) else p for p in parts
        ),
    )


def _changed(name: str, start: str, changes: list[tuple[str, str]]) -> tuple[Augmentation, ...]:
    """The augmentations of the policy ``start`` after ``changes``; for ``only``, the one in ``changes``."""
    parts = {type(part).__name__.lower(): part for part in POLICIES[start].augmentations} if start != "only" else {}
    for sign, part in changes:
        if part not in PARTS:
            raise ValueError(f"unknown augmentation '{part}' in the policy '{name}'; there are {', '.join(PARTS)}")
        if start == "only":
            if sign != "-" or len(changes) > 1:
                raise ValueError(f"'{name}': only-PART is one augmentation alone; for more, none+PART+PART")
            return (PARTS[part](),)  # pyright: ignore[reportCallIssue]
        if (part in parts) == (sign == "+"):
            raise ValueError(
                f"'{name}': {start} has {part} already" if sign == "+" else f"'{name}': {start} has no {part}"
            )
        if sign == "+":
            parts[part] = PARTS[part]()  # pyright: ignore[reportCallIssue]
        else:
            del parts[part]
    order = list(PARTS)
    return tuple(parts[part] for part in sorted(parts, key=order.index))
