"""``Face``: a face found in an image, with all that the model predicts of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from fauxface.faces import Crop, named
from fauxface.pose import Pose
from fauxface.targets import target_of


@dataclass(frozen=True)
class Face:
    """A face found in an image.

    Attributes:
        box: (4,) x0, y0, x1, y1 in image pixels, as a tight box of the landmarks would lie.
        landmarks: N×2 image pixels, 0-based, pixel centres at whole numbers.
        scores: N in [0, 1], higher where the error is likely lower.
        visibility: N in [0, 1], 0 outside the image; None for a model that does not predict it, and no point outside.
        detection_score: the detector's, in [0, 1]; for a followed face that of its last detection.
        scheme: name of the landmarks' scheme (``fauxface.landmarks``).
        pose: the head's position and rotation; None for a scheme that the mean head does not cover.
        id: number that a followed face keeps from frame to frame; None where faces are not followed.
        reliable: True if the points are most likely about where they should be (`fauxface.inference.reliability`).
        sigma: N, standard deviation along each axis, image pixels; None for a model without it.
        extra: predictions of further targets, by name (`fauxface.targets`), in image pixels if they have a place.
    """

    box: np.ndarray
    landmarks: np.ndarray
    scores: np.ndarray
    visibility: np.ndarray | None
    detection_score: float
    scheme: str
    pose: Pose | None = None
    id: int | None = None
    sigma: np.ndarray | None = None
    reliable: bool = True
    extra: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def targets(self) -> dict[str, np.ndarray]:
        """Every prediction for the face, by the names of `fauxface.targets`, in image pixels if it has a place."""
        return named(self.landmarks, self.visibility, self.extra)

    def scaled(self, scale: float) -> Face:
        """The same face in the image resized by ``scale``."""
        if scale == 1:
            return self
        box, landmarks = ((places + 0.5) * scale - 0.5 for places in (self.box, self.landmarks))
        sigma = None if self.sigma is None else self.sigma * scale
        extra = {name: target_of(name).to_image(value, Crop(0, 0, scale, 1)) for name, value in self.extra.items()}
        return replace(self, box=box, landmarks=landmarks, sigma=sigma, extra=extra)

    def as_json(self) -> dict[str, object]:
        """The face as ``fauxface predict --json`` writes it; further targets follow, by their names."""
        return {
            "box": _rounded(self.box, 3),
            "landmarks": _rounded(self.landmarks, 3),
            "scores": _rounded(self.scores, 4),
            "visibility": _rounded(self.visibility, 4),
            "sigma": _rounded(self.sigma, 3),
            "scheme": self.scheme,
            "reliable": self.reliable,
            **{name: _rounded(value, 4) for name, value in self.extra.items()},
        }


def check_image(image: np.ndarray) -> None:
    """Raise ValueError for anything but an image H×W×3 uint8."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise ValueError(f"an image is an array H×W×3 of uint8, RGB, not {image.shape} of {image.dtype}")


def visible_inside(landmarks: np.ndarray, visibility: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray | None:
    """The visibility (N,) of landmarks (N, 2) in an image of this shape: 0 for points outside it.

    None stays None if all points are inside.
    """
    inside = ((landmarks > -0.5) & (landmarks < np.array(shape[1::-1]) - 0.5)).all(axis=1)
    if visibility is None:
        return None if inside.all() else inside.astype(np.float64)
    return visibility * inside


def _rounded(values: np.ndarray | None, digits: int) -> list[Any] | None:
    return None if values is None else np.asarray(values, np.float64).round(digits).tolist()
