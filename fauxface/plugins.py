"""What other installed packages add to Fauxface, by entry points: ``fauxface.methods``, ``fauxface.schemes``, ….

An entry point is loaded when its name is asked for, so that a broken package harms only those who use it.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import entry_points
from typing import TypeVar

from fauxface.parsing import clipped

Kind = TypeVar("Kind")


def plugin_names(group: str) -> tuple[str, ...]:
    """The names in a group of entry points, sorted."""
    return tuple(sorted({entry.name for entry in entry_points(group=group)}))


@lru_cache
def load_plugin(group: str, name: str, kind: type[Kind]) -> Kind | None:
    """What the entry point ``name`` of a group names, None if there is none.

    ValueError, in one line that names the package, if it cannot be loaded or is no ``kind``.
    """
    entry = next(iter(entry_points(group=group, name=name)), None)
    if entry is None:
        return None
    where = f"'{name}' of the package {entry.dist.name if entry.dist else '?'} ({group}: {entry.value})"
    try:
        found = entry.load()
    except Exception as error:  # another's code may raise anything
        raise ValueError(f"{where} cannot be loaded: {clipped(error, 160)}") from error
    if not isinstance(found, kind):
        raise ValueError(f"{where} is no {kind.__name__}")
    return found
