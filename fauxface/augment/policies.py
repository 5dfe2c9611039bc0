"""Policies: which augmentations, in which order. The study's three hold exactly the four that it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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


def policy(name: str) -> Policy:
    """The policy of that name; ValueError, naming those there are, if there is none."""
    if name not in POLICIES:
        raise ValueError(f"unknown augmentation policy '{name}'; there are {', '.join(POLICIES)}")
    return POLICIES[name]
