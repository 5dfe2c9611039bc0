"""Which scheme named points are, and in which order: by how many there are and what they are called."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from fauxface.landmarks import FIVE, SCHEMES, Scheme

_BY_COUNT = {scheme.count: scheme for scheme in SCHEMES.values()}
COUNTS = ", ".join(f"{count} ({scheme.name})" for count, scheme in sorted(_BY_COUNT.items()))
"""The numbers of points that are known, with their schemes."""


def recognise_points(names: Sequence[str]) -> tuple[Scheme, np.ndarray] | None:
    """The scheme of points with these names and, for each of its points, which of them it is; None for no known number.

    Names that are numbers are sorted by them, a scheme's own names are put in its order, and five points whose names
    tell eye, nose and mouth, right and left (the subject's, as COCO counts) are too. Otherwise they are in order.
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
    elif scheme is FIVE and sorted(told := [_part(name) for name in names]) == list(range(FIVE.count)):
        order = np.argsort(told)
    return scheme, order


def _part(name: str) -> int:
    """Which of the five points a name tells; −1 where it tells none."""
    words = set(re.split(r"[^a-z]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()))
    if "nose" in words:
        return 2
    side = 0 if words & {"right", "r"} else 1 if words & {"left", "l"} else None
    first = 0 if words & {"eye", "pupil"} else 3 if words & {"mouth", "lip", "lips"} else None
    return -1 if side is None or first is None else first + side
