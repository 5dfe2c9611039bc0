"""``Face.reliable``: whether a face's points are about where they should be, told without the truth.

A face is reliable if its points' mean score reaches a least value, its shape is one that a head can have, and its
points agree with the detector's. The limits are chosen on renders by ``benchmarks/reliable.py``; those of a checkpoint
stand on its card (``reliable``), because networks differ in their scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from fauxface.faces import landmark_box, longer_side
from fauxface.landmarks import five_points, scheme_of
from fauxface.pose import HEAD_SCHEMES, mean_head


@dataclass(frozen=True)
class Limits:
    """Limits of a reliable face.

    Attributes:
        score: least mean score of its points.
        misfit: largest `misfit` of its shape.
        apart: largest distance `points_apart` from the detector's points.
        sure: least mean score of a face that is certainly not seen turned wrongly; below it, pictures are turned and
            looked at again (`Landmarker.turned`). An upside-down face may pass for an upright one, with lower scores.
    """

    score: float = 0.3
    misfit: float = 0.05
    apart: float = 0.25
    sure: float = 0.45

    @classmethod
    def of_card(cls, said: Mapping[str, object]) -> Limits:
        """Those of a card's ``reliable``, or the general ones where it says nothing."""
        known = {f.name: said[f.name] for f in fields(cls) if isinstance(said.get(f.name), int | float)}
        return cls(**{name: float(value) for name, value in known.items()})  # type: ignore[arg-type]

    def hold(self, landmarks: np.ndarray, scores: np.ndarray, scheme: str, five: np.ndarray | None = None) -> bool:
        """True for a reliable face: landmarks (N, 2), scores (N,), the detector's points (5, 2) or None."""
        return bool(
            np.isfinite(landmarks).all()
            and float(np.mean(scores)) >= self.score
            and misfit(landmarks, scheme) <= self.misfit
            and points_apart(landmarks, scheme, five) <= self.apart
        )


def misfit(landmarks: np.ndarray, scheme: str) -> float:
    """Mean distance of landmarks (N, 2) from the nearest view of the mean head, in shares of the box's longer side.

    The view is affine: a head turned any way, near or far. 0 for a scheme that the mean head does not cover, and
    infinity for points without extent.
    """
    if scheme not in HEAD_SCHEMES:
        return 0.0
    head = mean_head()[: len(landmarks)]
    basis = np.column_stack([head, np.ones(len(head))])
    seen = basis @ np.linalg.lstsq(basis, landmarks, rcond=None)[0]
    extent = longer_side(landmark_box(landmarks, scheme))
    return float(np.linalg.norm(landmarks - seen, axis=1).mean()) / extent if extent > 0 else float("inf")


def points_apart(landmarks: np.ndarray, scheme: str, five: np.ndarray | None) -> float:
    """Mean distance of landmarks (N, 2) and a detector's points (5, 2), in shares of the box's longer side.

    0 without such points.
    """
    if five is None:
        return 0.0
    own = five_points(landmarks, scheme_of(scheme))
    extent = longer_side(landmark_box(landmarks, scheme))
    return float(np.linalg.norm(own - five, axis=1).mean()) / extent if extent > 0 else float("inf")
