"""The one place that crops, asks the model in batches and maps its answer back, for evaluation and ``Landmarker``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
import torch

from fauxface.faces import Framing
from fauxface.landmarks import flip as flip_points
from fauxface.landmarks import scheme_of
from fauxface.models import LandmarkModel

BATCH = 64


@dataclass(frozen=True)
class Landmarks:
    """What a model says about M faces.

    Attributes:
        landmarks: M×N×2 float64; in image pixels, or crop pixels where said so.
        scores: M×N in [0, 1], higher where the error is likely lower.
        visibility: M×N in [0, 1], or None where the model does not tell.
        sigma: M×N, standard deviation along each axis, in the landmarks' pixels; None where the model does not tell.
    """

    landmarks: np.ndarray
    scores: np.ndarray
    visibility: np.ndarray | None = None
    sigma: np.ndarray | None = None

    def of(self, face: int) -> Landmarks:
        """What is said of one face: the same without the first axis."""
        return _together(lambda own: own[0][face], [self])


@runtime_checkable
class CropModel(Protocol):
    """A landmark model that is not torch's: crops in, landmarks out, on whatever runs it."""

    input_size: int
    scheme: str

    def predict(self, crops: np.ndarray) -> Landmarks:
        """Landmarks in crop pixels of crops M×S×S×3 uint8 RGB, S the input size; M is at least 1."""
        ...


def predict_crops(model: LandmarkModel | CropModel, crops: np.ndarray, flip: bool = False) -> Landmarks:
    """Landmarks in crop pixels of crops M×S×S×3 uint8 RGB, S the model's input size, in batches.

    With ``flip`` each crop is seen mirrored too and the two answers are averaged (twice the time, a little better).
    """
    scheme = scheme_of(model.scheme)
    if not len(crops):
        return Landmarks(np.zeros((0, scheme.count, 2)), np.zeros((0, scheme.count)), None)
    plain = _together(
        np.concatenate, [_predict_batch(model, crops[i : i + BATCH]) for i in range(0, len(crops), BATCH)]
    )
    if not flip:
        return plain
    mirrored = predict_crops(model, crops[:, :, ::-1])
    back = _together(lambda own: own[0][:, list(scheme.mirror)], [mirrored])
    back = replace(back, landmarks=flip_points(mirrored.landmarks, scheme, crops.shape[2]))
    return _together(lambda both: np.mean(both, axis=0), [plain, back])


def landmark_crops(
    model: LandmarkModel | CropModel,
    image: np.ndarray | Sequence[np.ndarray],
    places: Sequence[np.ndarray] | np.ndarray,
    framing: Framing | None = None,
    flip: bool = False,
) -> Landmarks:
    """Landmarks in image pixels of the faces at ``places``: crop, model, and back.

    A place is a box (4,) in the landmark box's frame, with the face's roll (5,), or five points (5, 2); see `Framing`
    (None: by the box).
    ``image`` is one image H×W×3 uint8 RGB for all M places, or a sequence of M. ValueError for a place without extent.
    """
    framing = framing or Framing()
    images = [image] * len(places) if isinstance(image, np.ndarray) else image
    squares = [framing.crop(place, model.input_size) for place in places]
    crops = [square.extract(picture) for square, picture in zip(squares, images, strict=True)]
    found = predict_crops(model, np.stack(crops) if crops else np.zeros((0, 1, 1, 3), np.uint8), flip)
    if not squares:
        return found
    points = [square.to_image(points) for square, points in zip(squares, found.landmarks, strict=True)]
    scale = np.array([[square.scale] for square in squares])
    return replace(found, landmarks=np.stack(points), sigma=None if found.sigma is None else scale * found.sigma)


def _predict_batch(model: LandmarkModel | CropModel, crops: np.ndarray) -> Landmarks:
    return model.predict(crops) if isinstance(model, CropModel) else _predict_torch(model, crops)


@torch.inference_mode()
def _predict_torch(model: LandmarkModel, crops: np.ndarray) -> Landmarks:
    device = next(model.parameters()).device
    images_B3HW = torch.from_numpy(np.ascontiguousarray(crops)).to(device).permute(0, 3, 1, 2).float() / 255
    told = model.decode(model(images_B3HW)).told()
    return Landmarks(**{name: value.cpu().double().numpy() for name, value in told.items()})


def _together(combine: Callable[[list[np.ndarray]], np.ndarray], parts: list[Landmarks]) -> Landmarks:
    """What each part tells, field by field, combined; None what one of them does not tell."""

    def told_by_all(values: list[np.ndarray | None]) -> np.ndarray | None:
        told = [value for value in values if value is not None]
        return combine(told) if len(told) == len(parts) else None

    return Landmarks(
        combine([part.landmarks for part in parts]),
        combine([part.scores for part in parts]),
        told_by_all([part.visibility for part in parts]),
        told_by_all([part.sigma for part in parts]),
    )
