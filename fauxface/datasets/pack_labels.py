"""The labels in a pack: the targets of every face, and for each target the faces that have it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fauxface.files import atomic_path, tell_damaged
from fauxface.landmarks import Scheme
from fauxface.targets import OWN, TARGETS, target_of

_HAS = "has."
"""Prefix of a target's name in the file, for the booleans that mark the faces that have it."""


@dataclass(frozen=True)
class PackLabels:
    """The labels of M faces; a face has no landmarks until its crop is in the pack.

    In a pack's file, ``state`` is 0 for a missing crop, 1 for a crop in the pack, 2 for one with visibility. Other
    targets are stored as NAME and ``has.NAME``.

    Attributes:
        scheme: the landmark scheme.
        values: target's name → M×…, in the padded crop's frame; 0 for a face without the target.
        has: target's name → (M,) booleans, true for the faces that have it.
    """

    scheme: Scheme
    values: dict[str, np.ndarray]
    has: dict[str, np.ndarray]

    @classmethod
    def empty(cls, count: int, scheme: Scheme) -> PackLabels:
        """No labels for ``count`` faces."""
        found = cls(scheme, {}, {name: np.zeros(count, bool) for name in OWN})
        for name in OWN:
            found._make_room(name)
        return found

    @classmethod
    def read(cls, path: Path, count: int, scheme: Scheme) -> PackLabels:
        """The labels in a file; none if it is missing, damaged, or of other shapes."""
        try:
            with np.load(path, allow_pickle=False) as file:
                state = file["state"]
                has = {"landmarks": state > 0, "visibility": state == 2}
                has |= {name: file[_HAS + name] for name in TARGETS if _HAS + name in file}
                found = cls(scheme, {name: file[name] for name in has}, has)
            if state.dtype == np.uint8 and all(found._fits(name, count) for name in has):
                return found
            tell_damaged(path)
        except FileNotFoundError:
            pass
        except Exception:  # damaged files may raise anything; their crops are packed again
            tell_damaged(path)
        return cls.empty(count, scheme)

    def write(self, path: Path) -> None:
        """Write the labels to a file, completely or not at all."""
        state = self.has["landmarks"].astype(np.uint8) + self.has["visibility"]
        extra = {_HAS + name: having for name, having in self.has.items() if name not in OWN}
        arrays: dict[str, Any] = {**self.values, **extra, "state": state}
        with atomic_path(path) as temporary:
            np.savez(temporary, **arrays)

    @property
    def packed(self) -> np.ndarray:
        """Booleans (M,), true for faces with their crop in the pack."""
        return self.has["landmarks"]

    def rows(self, rows: np.ndarray) -> PackLabels:
        """The labels of some of the faces; ``rows`` are indices or booleans."""
        values = {name: value[rows] for name, value in self.values.items()}
        return PackLabels(self.scheme, values, {name: having[rows] for name, having in self.has.items()})

    def common(self) -> dict[str, np.ndarray]:
        """The targets that all faces have."""
        return {name: self.values[name] for name in TARGETS if name in self.has and self.has[name].all()}

    def put(self, rows: np.ndarray, other: PackLabels) -> None:
        """Put the labels of other faces into these rows."""
        for name, value in other.values.items():
            self._make_room(name)
            self.values[name][rows], self.has[name][rows] = value, other.has[name]

    def put_one(self, row: int, targets: Mapping[str, np.ndarray]) -> None:
        """Put the targets of one face into a row."""
        for name, value in targets.items():
            self._make_room(name)
            self.values[name][row] = value
        for name, having in self.has.items():
            having[row] = name in targets

    def _make_room(self, name: str) -> None:
        count = len(self.has["landmarks"])
        if name not in self.values:
            self.values[name] = np.zeros((count, *target_of(name).shape_of(self.scheme)), target_of(name).dtype)
            self.has.setdefault(name, np.zeros(count, bool))

    def _fits(self, name: str, count: int) -> bool:
        value, having, target = self.values[name], self.has[name], target_of(name)
        wanted = (count, *target.shape_of(self.scheme)), np.dtype(target.dtype), (count,), np.dtype(bool)
        return (value.shape, value.dtype, having.shape, having.dtype) == wanted
