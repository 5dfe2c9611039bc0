"""What follows faces from frame to frame, as the window, the page and videos use it."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from fauxface.inference.landmarker import Face


class Follower(Protocol):
    """``Tracker``, or whatever does as it does."""

    smooth: bool
    """Whether the points are made steady."""

    def update(self, frame: np.ndarray, seconds: float) -> list[Face]:
        """The faces of the next frame H×W×3 uint8 RGB, taken ``seconds`` after some fixed moment."""
        ...
