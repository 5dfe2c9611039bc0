"""Steady points: the one-euro filter of Casiez, Roussel and Vogel 2012, "1 € Filter".

A low-pass whose cutoff rises with speed: a still face stands still, a moving one is followed at once. Here one cutoff
serves all points of a face, so that they do not shimmer against each other, and speed is in inter-ocular distances a
second, so that near and far faces behave alike. Time comes from the frames' own time stamps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class OneEuro:
    """Settings.

    Attributes:
        min_cutoff: cutoff of a still face, Hz; lower is steadier.
        beta: how much the cutoff rises, Hz for an inter-ocular distance a second; higher follows closer.
        speed_cutoff: cutoff of the low-pass that the speed is measured through, Hz.
        within: share of the points' speed against each other that counts; each point's noise is in it, which the speed
            of the face as a whole averages away.
    """

    min_cutoff: float = 0.3
    beta: float = 10.0
    speed_cutoff: float = 1.0
    within: float = 0.35


class FaceFilter:
    """Filters one face's points over time."""

    def __init__(self, settings: OneEuro = OneEuro()) -> None:
        self.settings = settings
        self._points: np.ndarray | None = None
        self._raw: np.ndarray | None = None
        self._velocity = np.zeros((1, 2))
        self._seconds = 0.0

    def __call__(self, points: np.ndarray, seconds: float, unit: float) -> np.ndarray:
        """The filtered points (N, 2).

        Args:
            points: (N, 2), image pixels.
            seconds: the frame's time; later than the one before, else the points come back as they are.
            unit: what speeds are measured in, pixels: the face's inter-ocular distance.
        """
        if self._points is None or self._raw is None:
            self._points = self._raw = points
            self._seconds = seconds
            return points
        elapsed = seconds - self._seconds
        if elapsed <= 0:
            return points
        velocity = (points - self._raw) / (elapsed * max(unit, 1e-6))
        self._velocity = self._velocity + _share(self.settings.speed_cutoff, elapsed) * (velocity - self._velocity)
        whole = self._velocity.mean(0)
        within = math.sqrt(float(((self._velocity - whole) ** 2).sum(-1).mean()))
        speed = math.hypot(*whole) + self.settings.within * within
        share = _share(self.settings.min_cutoff + self.settings.beta * speed, elapsed)
        self._points = self._points + share * (points - self._points)
        self._raw, self._seconds = points, seconds
        return self._points


def _share(cutoff: float, elapsed: float) -> float:
    """How much of the new value a low-pass of that cutoff (Hz) takes after ``elapsed`` seconds."""
    return 1 / (1 + 1 / (2 * math.pi * cutoff * elapsed))
