"""Stand-ins for the tracker, and faces made up, for tests of what lies around it."""

from __future__ import annotations

import time

import numpy as np
from fake_data import canonical_face

from fauxface.inference import Face
from fauxface.inference.result import Origin

SCHEME = "face_synthetics70"
ORIGIN = Origin(SCHEME, "made up", "Apache-2.0", "clean", "brightest", "none")


def made_face(x: float = 100, y: float = 80, radius: float = 40, number: int | None = 0) -> Face:
    """A face of half width ``radius`` about (x, y)."""
    points = canonical_face() * radius + [x, y]
    return Face(points, np.full(70, 0.75), None, 0.9, SCHEME, None, number)


class Brightest:
    """Finds one face about the brightest pixel, if there is one above 200; as slow as it is told to be."""

    def __init__(self, delay: float = 0) -> None:
        self.smooth, self.delay = True, delay
        self.forget()

    shots, note = 1, ""

    def forget(self) -> None:
        """Begin the records anew."""
        self.seen: list[float] = []
        self.sizes: list[tuple[int, int]] = []
        self.smoothed: list[bool] = []

    def update(self, frame: np.ndarray, seconds: float) -> list[Face]:
        assert not self.seen or seconds > self.seen[-1]
        self.seen.append(seconds)
        self.sizes.append((frame.shape[1], frame.shape[0]))
        self.smoothed.append(self.smooth)
        time.sleep(self.delay)
        grey = frame.mean(2)
        if grey.max() < 200:
            return []
        row, column = np.argwhere(grey >= grey.max() - 3).mean(0)
        return [made_face(column, row, 20, 7)]


def spot(x: int, y: int, width: int = 160, height: int = 120) -> np.ndarray:
    """A dark picture with a bright square about (x, y)."""
    image = np.full((height, width, 3), 30, np.uint8)
    image[y - 4 : y + 5, x - 4 : x + 5] = 255
    return image
