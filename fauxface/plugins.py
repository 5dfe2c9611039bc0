"""Additions from other installed packages, by entry points: ``fauxface.methods``, ``fauxface.schemes``, ….

An entry point is loaded when its name is first used, so that a broken package affects nobody else.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import entry_points
from typing import TypeVar

from fauxface.parsing import clipped

Kind = TypeVar("Kind")


def plugin_names(group: str) -> tuple[str, ...]:
    """Sorted names of the entry points in a group."""
    return tuple(sorted({entry.name for entry in entry_points(group=group)}))


@lru_cache
def load_plugin(group: str, name: str, kind: type[Kind]) -> Kind | None:
    """The object behind the entry point ``name`` of a group, None if there is no such entry point.

    ValueError, in one line with the package's name, if it cannot be loaded or is not of type ``kind``.
    """
    entry = next(iter(entry_points(group=group, name=name)), None)
    if entry is None:
        return None
    where = f"'{name}' of the package {entry.dist.name if entry.dist else '?'} ({group}: {entry.value})"
    try:
        found = entry.load()
    except Exception as error:  # code of other packages may raise anything
        raise ValueError(f"{where} cannot be loaded: {clipped(error, 160)}") from error
    if not isinstance(found, kind):
        raise ValueError(f"{where} is not a {kind.__name__}")
    return found
