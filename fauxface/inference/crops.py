"""The one place that crops, asks the model in batches and maps its answer back, for evaluation and ``Landmarker``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Protocol, runtime_checkable

import numpy as np
import torch

from fauxface.faces import Framing
from fauxface.landmarks import scheme_of
from fauxface.models import LandmarkModel
from fauxface.targets import Target, target_of

BATCH = 64


@dataclass(frozen=True)
class Landmarks:
    """What a model says about M faces.

    Attributes:
        landmarks: M×N×2 float64; in image pixels, or crop pixels where said so.
        scores: M×N in [0, 1], higher where the error is likely lower.
        visibility: M×N in [0, 1], or None where the model does not tell.
        sigma: M×N, standard deviation along each axis, in the landmarks' pixels; None where the model does not tell.
        extra: M×… of further targets that the model tells, by the names of `fauxface.targets`, in the landmarks' frame.
    """

    landmarks: np.ndarray
    scores: np.ndarray
    visibility: np.ndarray | None = None
    sigma: np.ndarray | None = None
    extra: Mapping[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def from_names(cls, values: Mapping[str, np.ndarray]) -> Landmarks:
        """Make one of a model's outputs by name."""
        own = {f.name for f in fields(cls)}
        extra = {name: value for name, value in values.items() if name not in own}
        return cls(**{name: value for name, value in values.items() if name in own}, extra=extra)

    def by_name(self) -> dict[str, np.ndarray]:
        """All that is told, by name."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "extra"}
        return {name: value for name, value in own.items() if value is not None} | dict(self.extra)

    def of(self, face: int) -> Landmarks:
        """What is said of one face: the same without the first axis."""
        return _together(lambda own, _: own[0][face], [self])


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
    batches = [_predict_batch(model, crops[i : i + BATCH]) for i in range(0, len(crops), BATCH)]
    plain = _together(lambda parts, _: np.concatenate(parts), batches)
    if not flip:
        return plain
    mirrored = predict_crops(model, crops[:, :, ::-1])
    back = _together(lambda own, target: target.flipped(own[0], scheme, crops.shape[2]), [mirrored])
    return _together(lambda both, target: target.mean(both), [plain, back])


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
    scale = np.array([[square.scale] for square in squares])

    def in_image(own: list[np.ndarray], target: Target) -> np.ndarray:
        return np.stack([target.to_image(value, square) for square, value in zip(squares, own[0], strict=True)])

    return replace(_together(in_image, [found]), sigma=None if found.sigma is None else scale * found.sigma)


def _predict_batch(model: LandmarkModel | CropModel, crops: np.ndarray) -> Landmarks:
    return model.predict(crops) if isinstance(model, CropModel) else _predict_torch(model, crops)


@torch.inference_mode()
def _predict_torch(model: LandmarkModel, crops: np.ndarray) -> Landmarks:
    device = next(model.parameters()).device
    images_B3HW = torch.from_numpy(np.ascontiguousarray(crops)).to(device).permute(0, 3, 1, 2).float() / 255
    told = model.decode(model(images_B3HW)).told()
    return Landmarks.from_names({name: value.cpu().double().numpy() for name, value in told.items()})


def _together(combine: Callable[[list[np.ndarray], Target], np.ndarray], parts: list[Landmarks]) -> Landmarks:
    """What each part tells, name by name, combined as its target says; left out what one of them does not tell."""
    told = [part.by_name() for part in parts]
    common = [name for name in told[0] if all(name in one for one in told)]
    # a number a point, as visibility is, are scores and sigma too
    kinds = {name: target_of("visibility" if name in ("scores", "sigma") else name) for name in common}
    return Landmarks.from_names({name: combine([one[name] for one in told], kinds[name]) for name in common})
