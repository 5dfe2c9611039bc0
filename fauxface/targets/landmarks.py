"""Landmarks in 2-D, as annotators would place them, of a scheme of `fauxface.landmarks`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fauxface.targets.base import Points, Record, numbers

KEY = "landmarks_2d"


def read(record: Record, image: Path) -> np.ndarray | None:
    """The points (N, 2) in image pixels; None if the record has none."""
    return numbers(record, KEY) if KEY in record else None


TARGET = Points("landmarks", ("points", 2), read, mirror="scheme")
