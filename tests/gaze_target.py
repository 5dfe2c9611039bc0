"""A third target, as a newcomer would write it: where the eyes look, in the camera's frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fauxface.targets import Record, Vectors, numbers


def read(record: Record, image: Path) -> np.ndarray | None:
    """The direction (3,) of both eyes' gaze; None if the record has none."""
    if "gaze" not in record.get("expression", {}):
        return None
    yaw, pitch = numbers(record["expression"], "gaze")
    ahead = np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
    return numbers(record["head_pose"], "rotation") @ ahead


TARGET = Vectors("gaze", (3,), read)
