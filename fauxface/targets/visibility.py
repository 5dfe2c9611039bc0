"""Visibility of each landmark: seen, or hidden by the face itself or by an occluder."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fauxface.targets.base import Record, Values, numbers

KEY = "visibility"


def read(record: Record, image: Path) -> np.ndarray | None:
    """One number per landmark (N,), 1 for seen and 0 for hidden; None if the record has none."""
    return numbers(record, KEY) if KEY in record else None


TARGET = Values("visibility", ("points",), read, mirror="scheme", probability=True)
