"""Targets: what can be learned of a face. A new one is one file here and one line in ``TARGETS``.

A target's file says how it is read from a render's ``.json``, its shape, how crops and mirrors move it, how it is
stored, and of which kind its loss and output are (`fauxface.targets.base`). Data sets, packs, augmentation, models,
checkpoints, ONNX files and found faces know targets by name alone. No torch is imported until a target is learned.
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
"""Name → target, in the order in which outputs are listed."""
OWN = ("landmarks", "visibility")
"""Targets that every method of `fauxface.models` has outputs of its own for; the others get a head each."""


def target_of(name: str) -> Target:
    """The target of that name; ValueError, naming those there are, if there is none."""
    if name not in TARGETS:
        raise ValueError(f"unknown target '{name}'; there are {', '.join(TARGETS)}")
    return TARGETS[name]


def extra_targets(names: Iterable[str] | None = None) -> tuple[str, ...]:
    """Those of ``names`` (None: of all targets) beside landmarks and visibility; ValueError for an unknown one."""
    chosen = [target_of(name).name for name in (TARGETS if names is None else names)]
    return tuple(name for name in dict.fromkeys(chosen) if name not in OWN)
