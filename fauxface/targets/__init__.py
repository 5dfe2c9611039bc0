"""Targets: the quantities that a model can learn of a face. A new one is one file here and one line in ``TARGETS``.

A target's file defines how it is read from a render's ``.json``, its shape, how crops and mirroring change it, how it
is stored, and the kind of its loss and output (`fauxface.targets.base`). Data sets, packs, augmentation, models,
checkpoints, ONNX files and found faces use targets by name alone. No torch is imported until a target is learned.
"""

from __future__ import annotations

from collections.abc import Iterable

from fauxface.targets import landmarks, visibility
from fauxface.targets.base import Points, Record, Target, Values, Vectors, numbers

__all__ = [
    "OWN",
    "TARGETS",
    "Points",
    "Record",
    "Target",
    "Values",
    "Vectors",
    "extra_targets",
    "numbers",
    "target_of",
]

TARGETS: dict[str, Target] = {target.name: target for target in (landmarks.TARGET, visibility.TARGET)}
"""Name → target, in the order of a model's outputs."""
OWN = ("landmarks", "visibility")
"""Targets for which every method of `fauxface.models` has outputs of its own; each other target gets a head."""


def target_of(name: str) -> Target:
    """The target with this name; ValueError, with the known names, if there is none."""
    if name not in TARGETS:
        raise ValueError(f"unknown target '{name}'; there are {', '.join(TARGETS)}")
    return TARGETS[name]


def extra_targets(names: Iterable[str] | None = None) -> tuple[str, ...]:
    """The ``names`` (None: all targets) without landmarks and visibility; ValueError for an unknown name."""
    chosen = [target_of(name).name for name in (TARGETS if names is None else names)]
    return tuple(name for name in dict.fromkeys(chosen) if name not in OWN)
