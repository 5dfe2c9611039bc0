"""Recognise the landmark scheme of named points, and their order, by their number and names."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from fauxface.landmarks import FIVE, SCHEMES, Scheme

_BY_COUNT = {scheme.count: scheme for scheme in SCHEMES.values()}
COUNTS = ", ".join(f"{count} ({scheme.name})" for count, scheme in sorted(_BY_COUNT.items()))
"""Known numbers of points with their schemes, for messages."""


def recognise_points(names: Sequence[str]) -> tuple[Scheme, np.ndarray] | None:
    """The scheme with as many points as there are names, and the index (N,) of each of its points; None for no scheme.

    Names that are numbers are put in numerical order, names of the scheme in its order. Five names with eye, nose and
    mouth, right and left (the subject's, as in COCO) are put in the order of ``five5``. Other names keep their order.
    """
    scheme = _BY_COUNT.get(len(names))
    if scheme is None:
        return None
    order = np.arange(scheme.count)
    if len(set(names)) < len(names):
        return scheme, order
    if all(re.fullmatch(r"\d{1,6}", name) for name in names):
        order = np.argsort([int(name) for name in names])
    elif set(names) == set(scheme.names):
        order = np.array([list(names).index(name) for name in scheme.names])
    elif scheme is FIVE and sorted(parts := [_part(name) for name in names]) == list(range(FIVE.count)):
        order = np.argsort(parts)
    return scheme, order


def _part(name: str) -> int:
    """Index of the one of the five points that a name means; −1 if it means none."""
    words = set(re.split(r"[^a-z]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()))
    if "nose" in words:
        return 2
    side = 0 if words & {"right", "r"} else 1 if words & {"left", "l"} else None
    first = 0 if words & {"eye", "pupil"} else 3 if words & {"mouth", "lip", "lips"} else None
    return -1 if side is None or first is None else first + side
