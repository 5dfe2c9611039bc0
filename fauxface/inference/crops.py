"""Crop, run the model in batches, map its output back to the image: for evaluation and ``Landmarker`` alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from fauxface.faces import Framing
from fauxface.landmarks import scheme_of
from fauxface.targets import Target, target_of

if TYPE_CHECKING:
    from fauxface.models import LandmarkModel

BATCH = 64


@dataclass(frozen=True)
class Landmarks:
    """A model's predictions for M faces.

    Attributes:
        landmarks: M×N×2 float64, in image pixels, or in crop pixels where the function returns those.
        scores: M×N in [0, 1], higher where the error is likely lower.
        visibility: M×N in [0, 1], or None for a model that does not predict it.
        sigma: M×N, standard deviation along each axis, in the landmarks' pixels; None for a model without it.
        extra: M×… of each further target, by its name in `fauxface.targets`, in the landmarks' frame.
    """

    landmarks: np.ndarray
    scores: np.ndarray
    visibility: np.ndarray | None = None
    sigma: np.ndarray | None = None
    extra: Mapping[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def from_names(cls, values: Mapping[str, np.ndarray]) -> Landmarks:
        """Build from a model's outputs by name."""
        known = {f.name for f in fields(cls)}
        extra = {name: value for name, value in values.items() if name not in known}
        return cls(**{name: value for name, value in values.items() if name in known}, extra=extra)

    def by_name(self) -> dict[str, np.ndarray]:
        """Every prediction, by name."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "extra"}
        return {name: value for name, value in values.items() if value is not None} | dict(self.extra)

    def of(self, face: int) -> Landmarks:
        """The predictions for one face: without the first axis."""
        return _combined(lambda values, _: values[0][face], [self])


@runtime_checkable
class CropModel(Protocol):
    """A landmark model on a runtime other than torch: crops in, landmarks out."""

    input_size: int
    scheme: str

    def predict(self, crops: np.ndarray) -> Landmarks:
        """Landmarks in crop pixels of crops M×S×S×3 uint8 RGB, S the input size; M is at least 1."""
        ...


def predict_crops(model: LandmarkModel | CropModel, crops: np.ndarray, flip: bool = False) -> Landmarks:
    """Landmarks in crop pixels of crops M×S×S×3 uint8 RGB, S the model's input size, in batches.

    With ``flip`` each crop is also seen mirrored and the two results are averaged: twice the time, a little more exact.
    """
    scheme = scheme_of(model.scheme)
    if not len(crops):
        return Landmarks(np.zeros((0, scheme.count, 2)), np.zeros((0, scheme.count)), None)
    batches = [_predict_batch(model, crops[i : i + BATCH]) for i in range(0, len(crops), BATCH)]
    plain = _combined(lambda parts, _: np.concatenate(parts), batches)
    if not flip:
        return plain
    mirrored = predict_crops(model, crops[:, :, ::-1])
    back = _combined(lambda values, target: target.flipped(values[0], scheme, crops.shape[2]), [mirrored])
    return _combined(lambda both, target: target.mean(both), [plain, back])


def landmark_crops(
    model: LandmarkModel | CropModel,
    image: np.ndarray | Sequence[np.ndarray],
    places: Sequence[np.ndarray] | np.ndarray,
    framing: Framing | None = None,
    flip: bool = False,
) -> Landmarks:
    """Landmarks in image pixels of the faces at ``places``.

    A place is a landmark box (4,), one with the face's roll (5,), or five points (5, 2); ``framing`` makes a crop of it
    (None: of the box). ``image`` is one image H×W×3 uint8 RGB for all M places, or a sequence of M images. ValueError
    for a place without extent.
    """
    framing = framing or Framing()
    images = [image] * len(places) if isinstance(image, np.ndarray) else image
    squares = [framing.crop(place, model.input_size) for place in places]
    crops = [square.extract(picture) for square, picture in zip(squares, images, strict=True)]
    found = predict_crops(model, np.stack(crops) if crops else np.zeros((0, 1, 1, 3), np.uint8), flip)
    if not squares:
        return found
    scale = np.array([[square.scale] for square in squares])

    def in_image(values: list[np.ndarray], target: Target) -> np.ndarray:
        return np.stack([target.to_image(value, square) for square, value in zip(squares, values[0], strict=True)])

    return replace(_combined(in_image, [found]), sigma=None if found.sigma is None else scale * found.sigma)


def _predict_batch(model: LandmarkModel | CropModel, crops: np.ndarray) -> Landmarks:
    return model.predict(crops) if isinstance(model, CropModel) else _predict_torch(model, crops)


def load_torch(checkpoint: str | Path, threads: int = 0, device: str = "cpu") -> LandmarkModel:
    """The network of a checkpoint, on a device and this many threads (0: all); errors as `load_checkpoint`."""
    import torch

    from fauxface.checkpoint import load_checkpoint

    if threads:
        torch.set_num_threads(threads)
    return load_checkpoint(checkpoint)[0].to(device)


def _predict_torch(model: LandmarkModel, crops: np.ndarray) -> Landmarks:
    import torch

    device = next(model.parameters()).device
    with torch.inference_mode():
        images_B3HW = torch.from_numpy(np.ascontiguousarray(crops)).to(device).permute(0, 3, 1, 2).float() / 255
        outputs = model.decode(model(images_B3HW)).told()
    return Landmarks.from_names({name: value.cpu().double().numpy() for name, value in outputs.items()})


def _combined(combine: Callable[[list[np.ndarray], Target], np.ndarray], parts: list[Landmarks]) -> Landmarks:
    """Combine the parts' predictions, name by name, with the target of each; only names that all parts have."""
    named = [part.by_name() for part in parts]
    common = [name for name in named[0] if all(name in one for one in named)]
    # scores and sigma are one number per point, like visibility, and flip and crop as it does
    kinds = {name: target_of("visibility" if name in ("scores", "sigma") else name) for name in common}
    return Landmarks.from_names({name: combine([one[name] for one in named], kinds[name]) for name in common})
