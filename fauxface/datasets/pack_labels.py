"""The labels in a pack: every target of every face, and which faces have which."""

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
"""What precedes a target's name in the file where its booleans are meant: which faces have it."""


@dataclass(frozen=True)
class PackLabels:
    """What is said of M faces; a face whose crop is not there has no landmarks.

    In a file of a pack, ``state`` is 0 for a crop that is not there, 1 for one that is, 2 for one whose visibility is
    known; further targets, of faces that have them, lie beside as NAME and ``has.NAME``.

    Attributes:
        scheme: the landmarks' scheme.
        values: target's name → M×…, in the padded crop's frame; 0 where a face lacks it.
        has: target's name → (M,) booleans: which faces have it.
    """

    scheme: Scheme
    values: dict[str, np.ndarray]
    has: dict[str, np.ndarray]

    @classmethod
    def empty(cls, count: int, scheme: Scheme) -> PackLabels:
        """Labels of ``count`` faces without any."""
        found = cls(scheme, {}, {name: np.zeros(count, bool) for name in OWN})
        for name in OWN:
            found._make_room(name)
        return found

    @classmethod
    def read(cls, path: Path, count: int, scheme: Scheme) -> PackLabels:
        """The labels in a file; empty ones if it is not there, torn, or of other shapes."""
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
        except Exception:  # zipfile and numpy raise nearly anything on torn files; what they held is packed anew
            tell_damaged(path)
        return cls.empty(count, scheme)

    def write(self, path: Path) -> None:
        """Write the labels' file, whole or not at all."""
        state = self.has["landmarks"].astype(np.uint8) + self.has["visibility"]
        extra = {_HAS + name: there for name, there in self.has.items() if name not in OWN}
        arrays: dict[str, Any] = {**self.values, **extra, "state": state}
        with atomic_path(path) as temporary:
            np.savez(temporary, **arrays)

    @property
    def there(self) -> np.ndarray:
        """(M,) booleans: whose crops are there."""
        return self.has["landmarks"]

    def rows(self, rows: np.ndarray) -> PackLabels:
        """The labels of some of the faces; ``rows`` are indices or booleans."""
        values = {name: value[rows] for name, value in self.values.items()}
        return PackLabels(self.scheme, values, {name: there[rows] for name, there in self.has.items()})

    def common(self) -> dict[str, np.ndarray]:
        """The targets that all faces have."""
        return {name: self.values[name] for name in TARGETS if name in self.has and self.has[name].all()}

    def put(self, rows: np.ndarray, other: PackLabels) -> None:
        """Put the labels of other faces into these rows."""
        for name, value in other.values.items():
            self._make_room(name)
            self.values[name][rows], self.has[name][rows] = value, other.has[name]

    def put_one(self, row: int, targets: Mapping[str, np.ndarray]) -> None:
        """Put a face's targets into a row."""
        for name, value in targets.items():
            self._make_room(name)
            self.values[name][row] = value
        for name, there in self.has.items():
            there[row] = name in targets

    def _make_room(self, name: str) -> None:
        count = len(self.has["landmarks"])
        if name not in self.values:
            self.values[name] = np.zeros((count, *target_of(name).shape_of(self.scheme)), target_of(name).dtype)
            self.has.setdefault(name, np.zeros(count, bool))

    def _fits(self, name: str, count: int) -> bool:
        value, there, target = self.values[name], self.has[name], target_of(name)
        wanted = (count, *target.shape_of(self.scheme)), np.dtype(target.dtype), (count,), np.dtype(bool)
        return (value.shape, value.dtype, there.shape, there.dtype) == wanted
