"""Smoothing over time: the one-euro filter of Casiez, Roussel and Vogel 2012, "1 € Filter".

A low-pass filter whose cutoff rises with speed: a still face stays still, and a moving one is followed without delay.
All points of a face share one cutoff, so that they do not shimmer against each other. Speed is in inter-ocular
distances a second, so that near and far faces behave alike. Time comes from the frames' time stamps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class OneEuro:
    """Settings of the filter.

    Attributes:
        min_cutoff: cutoff for a still face, Hz; lower is steadier.
        beta: rise of the cutoff, Hz per inter-ocular distance a second; higher follows more closely.
        speed_cutoff: cutoff of the low-pass filter on the measured speed, Hz.
        within: weight of the points' speed relative to each other. It contains each point's noise, which averages out
            in the speed of the whole face.
    """

    min_cutoff: float = 0.3
    beta: float = 10.0
    speed_cutoff: float = 1.0
    within: float = 0.35


class FaceFilter:
    """The filter for one face's points."""

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
            seconds: the frame's time; unless it is later than the last one, the points are returned unchanged.
            unit: unit of speed: the face's inter-ocular distance, pixels.
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
    """Weight of the new value in a low-pass filter with this cutoff (Hz) after ``elapsed`` seconds."""
    return 1 / (1 + 1 / (2 * math.pi * cutoff * elapsed))
