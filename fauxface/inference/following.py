"""``Follower``: the interface by which the window, the page and videos use a tracker."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from fauxface.inference.face import Face


class Follower(Protocol):
    """An object that follows faces from frame to frame, as ``Tracker`` does."""

    smooth: bool
    """Whether the points are smoothed over time."""

    @property
    def shots(self) -> int:
        """Number of shots so far; ids do not go over a cut."""
        ...

    @property
    def note(self) -> str:
        """A line about faces that were not followed, or nothing."""
        ...

    def update(self, frame: np.ndarray, seconds: float) -> list[Face]:
        """The faces of the next frame H×W×3 uint8 RGB, taken ``seconds`` after a fixed moment."""
        ...
