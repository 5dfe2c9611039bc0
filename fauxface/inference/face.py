"""``Face``: a face found in an image, with all that the model predicts of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from fauxface.faces import Crop, landmark_box, named
from fauxface.pose import Pose
from fauxface.targets import target_of

if TYPE_CHECKING:
    from supervision import KeyPoints


@dataclass(frozen=True, eq=False, repr=False)
class Face:
    """A face found in an image. Faces are equal if all that is known of them is.

    Attributes:
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
        detector_box: (4,) x0, y0, x1, y1 in image pixels, as the detector found the face; None for a followed face
            in a frame in which the detector did not find it anew.
    """

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
    detector_box: np.ndarray | None = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Face):
            return NotImplemented
        return all(_same(getattr(self, one.name), getattr(other, one.name)) for one in fields(self))

    def __repr__(self) -> str:
        corners = ", ".join(f"{edge:.0f}" for edge in self.box)
        number = "" if self.id is None else f", id={self.id}"
        return f"Face(box=({corners}), score={self.detection_score:.2f}{number}, {len(self.landmarks)} points)"

    @cached_property
    def box(self) -> np.ndarray:
        """(4,) x0, y0, x1, y1 in image pixels: the tight box of the landmarks without the pupils."""
        return landmark_box(self.landmarks, self.scheme)

    @property
    def targets(self) -> dict[str, np.ndarray]:
        """Every prediction for the face, by the names of `fauxface.targets`, in image pixels if it has a place."""
        return named(self.landmarks, self.visibility, self.extra)

    def scaled(self, scale: float) -> Face:
        """The same face in the image resized by ``scale``."""
        if scale == 1:
            return self
        landmarks = (self.landmarks + 0.5) * scale - 0.5
        box = None if self.detector_box is None else (self.detector_box + 0.5) * scale - 0.5
        sigma = None if self.sigma is None else self.sigma * scale
        extra = {name: target_of(name).to_image(value, Crop(0, 0, scale, 1)) for name, value in self.extra.items()}
        return replace(self, landmarks=landmarks, sigma=sigma, extra=extra, detector_box=box)

    def to_dict(self) -> dict[str, Any]:
        """The face as ``fauxface predict --json`` writes it; docs/json.md explains the keys."""
        return {
            "box": _rounded(self.box, 3),
            "detector_box": _rounded(self.detector_box, 3),
            "detection_score": round(float(self.detection_score), 4),
            "landmarks": _rounded(self.landmarks, 3),
            "scores": _rounded(self.scores, 4),
            "visibility": _rounded(self.visibility, 4),
            "sigma": _rounded(self.sigma, 3),
            "scheme": self.scheme,
            "id": self.id,
            "reliable": self.reliable,
            "pose": None if self.pose is None else self.pose.to_dict(),
            "targets": {name: _rounded(value, 4) for name, value in self.extra.items()},
        }

    def to_supervision(self) -> KeyPoints:
        """The landmarks as supervision's ``KeyPoints``; ValueError, in one line, where that package is missing.

        Its ``EdgeAnnotator`` counts points from 1: ``edges=[(a + 1, b + 1) for a, b in edges(face.scheme)]`` with
        `fauxface.landmarks.edges`.
        """
        try:
            from supervision import KeyPoints
        except ImportError:
            raise ValueError("to_supervision needs a package: pip install 'supervision>=0.31'") from None
        return KeyPoints(
            xy=self.landmarks[None].astype(np.float32),
            class_id=np.zeros(1, int),
            keypoint_confidence=self.scores[None].astype(np.float32),
            detection_confidence=np.array([self.detection_score], np.float32),
            visible=None if self.visibility is None else self.visibility[None] >= 0.5,
        )


def check_image(image: np.ndarray) -> None:
    """Raise ValueError for anything but an image H×W×3 uint8."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise ValueError(f"an image is an array H×W×3 of uint8, RGB, not {image.shape} of {image.dtype}")


def visible_inside(landmarks: np.ndarray, visibility: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray | None:
    """The visibility (N,) of landmarks (N, 2) in an image of this shape: 0 for points outside it.

    None stays None if all points are inside.
    """
    inside = np.all((landmarks > -0.5) & (landmarks < np.array(shape[1::-1]) - 0.5), axis=1)
    if visibility is None:
        return None if inside.all() else np.asarray(inside, np.float64)
    return np.where(inside, visibility, 0.0)


def _same(a: object, b: object) -> bool:
    """Equality by value: of arrays, and of mappings that hold arrays."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return np.array_equal(a, b, equal_nan=True)
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(_same(a[name], b[name]) for name in a)
    return type(a) is type(b) and a == b


def _rounded(values: np.ndarray | None, digits: int) -> list[Any] | None:
    return None if values is None else np.asarray(values, np.float64).round(digits).tolist()
