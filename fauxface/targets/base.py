"""Kinds of targets: points, vectors and values. Each defines how crops, mirroring and losses treat it.

Coordinate frames: the *image* frame is in pixels of the photograph, the *crop* frame in pixels of the crop; pixel
centres are at whole numbers. A matrix B×3×3 maps crop pixels before an augmentation to crop pixels after it: rotation,
scale, shift, and possibly mirroring.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fauxface import parsing
from fauxface.faces import Crop
from fauxface.landmarks import Scheme

if TYPE_CHECKING:
    from torch import Tensor

Record = Mapping[str, Any]
"""The content of a render's ``.json`` for one face."""
BETA = 0.01
"""Error at which smooth L1 changes from squared to linear, as a share of the crop's side or in the target's unit.

The 1 % of the landmarks' loss (`fauxface.models.losses`)."""


def numbers(record: Record, key: str) -> np.ndarray:
    """The float64 array under ``key``; ValueError if it is missing or not of numbers."""
    if key not in record:
        raise ValueError(f"has no {key}")
    return parsing.numbers(record[key], key)


@dataclass(frozen=True)
class Target(ABC):
    """One quantity that a model can learn of a face.

    Attributes:
        name: its name in commands, checkpoints, ONNX outputs and JSON.
        shape: the shape of one face's value; ``points`` stands for the number of landmarks in the scheme.
        read: function from a render's record and image file to the face's value in the image frame. It may open other
            files next to the image. None if the render does not have the target; ValueError if it is invalid.
        mirror: entries that change places in a mirrored image: entry i (of the first axis) of a mirrored face is entry
            ``mirror[i]`` of the original; ``scheme``: the same as for landmarks; None: none.
        weight: weight of its loss; that of the landmarks is 1.
        files: endings of the other files that ``read`` opens, such as ``_dense.npz`` for ``000000_dense.npz``.
        revision: to be raised when ``read`` changes its result, so that packs are made again.
    """

    name: str
    shape: tuple[int | Literal["points"], ...]
    read: Callable[[Record, Path], np.ndarray | None]
    mirror: tuple[int, ...] | Literal["scheme"] | None = None
    weight: float = 1.0
    files: tuple[str, ...] = ()
    revision: int = 1

    @property
    def dtype(self) -> type[np.generic]:
        """NumPy type in packs."""
        return np.float32

    def shape_of(self, scheme: Scheme) -> tuple[int, ...]:
        """The shape of one face's value with landmarks of ``scheme``."""
        return tuple(scheme.count if size == "points" else size for size in self.shape)

    def order_of(self, scheme: Scheme) -> list[int] | None:
        """The permutation for a mirrored face, None if no entries change places."""
        order = scheme.mirror if self.mirror == "scheme" else self.mirror
        return None if order is None else list(order)

    def of_face(self, record: Record, image: Path, scheme: Scheme) -> np.ndarray | None:
        """The checked value of a render's face; None if the render does not have it; ValueError if it is invalid."""
        value, wanted = self.read(record, image), self.shape_of(scheme)
        if value is None:
            return None
        if value.shape != wanted:
            raise ValueError(f"{self.name} is not {' × '.join(map(str, wanted)) or 'one'} numbers")
        if not np.isfinite(value).all():
            raise ValueError(f"{self.name} has a number that is not finite")
        return value

    def to_crop(self, value: np.ndarray, crop: Crop) -> np.ndarray:
        """Convert a value from the image frame to the crop frame."""
        return value

    def to_image(self, value: np.ndarray, crop: Crop) -> np.ndarray:
        """Convert a value from the crop frame to the image frame."""
        return value

    def flipped(self, values: np.ndarray, scheme: Scheme, width: int) -> np.ndarray:
        """Values M×… of the mirrored images, which are ``width`` pixels wide."""
        order = self.order_of(scheme)
        return values if order is None else np.take(values, order, axis=-len(self.shape))

    def mean(self, values: Sequence[np.ndarray]) -> np.ndarray:
        """The mean of several predictions of the same shape."""
        return np.mean(values, axis=0)

    def moved(self, values: Tensor, matrix: Tensor) -> Tensor:
        """Values B×… float after augmentation with crop matrices B×3×3; entries keep their places (see `swapped`)."""
        return values

    def swapped(self, values: Tensor, mirrored: Tensor, scheme: Scheme) -> Tensor:
        """Values B×…, with left and right entries exchanged for the samples that are ``mirrored`` (B,)."""
        import torch

        order = self.order_of(scheme)
        if order is None:
            return values
        chosen = mirrored.to(values.device).view(-1, *[1] * (values.ndim - 1))
        return torch.where(chosen, values[:, torch.tensor(order, device=values.device)], values)

    def outputs(self, scheme: Scheme) -> int:
        """Outputs of a head for one face."""
        return prod(self.shape_of(scheme))

    @abstractmethod
    def loss(self, raw: Tensor, truth: Tensor, side: int) -> Tensor:
        """The mean loss, a scalar, of a head's outputs ``raw`` B×K float; ``truth`` B×… in crops ``side`` px wide."""

    @abstractmethod
    def decode(self, raw: Tensor, shape: tuple[int, ...], side: int) -> Tensor:
        """The values B×``shape``, in the crop frame, from a head's outputs ``raw`` B×K float."""


@dataclass(frozen=True)
class Points(Target):
    """Points in the image, …×2, which move with its pixels. A head gives them from the crop's centre, in its sides."""

    def to_crop(self, value: np.ndarray, crop: Crop) -> np.ndarray:
        """See `Target.to_crop`."""
        return crop.to_crop(value)

    def to_image(self, value: np.ndarray, crop: Crop) -> np.ndarray:
        """See `Target.to_image`."""
        return crop.to_image(value)

    def flipped(self, values: np.ndarray, scheme: Scheme, width: int) -> np.ndarray:
        """See `Target.flipped`."""
        turned = super().flipped(values, scheme, width).copy()
        turned[..., 0] = width - 1 - turned[..., 0]
        return turned

    def moved(self, values: Tensor, matrix: Tensor) -> Tensor:
        """See `Target.moved`."""
        import torch

        matrix = matrix.to(values.device, non_blocking=True)
        flat = values.flatten(1, -2)
        return torch.baddbmm(matrix[:, None, :2, 2], flat, matrix[:, :2, :2].mT).view_as(values)

    def loss(self, raw: Tensor, truth: Tensor, side: int) -> Tensor:
        """Smooth L1, as a share of the crop's side."""
        return _smooth_l1(raw.view_as(truth), (truth + 0.5) / side - 0.5)

    def decode(self, raw: Tensor, shape: tuple[int, ...], side: int) -> Tensor:
        """See `Target.decode`; crop pixels."""
        return (raw.unflatten(1, shape) + 0.5) * side - 0.5


@dataclass(frozen=True)
class Vectors(Target):
    """Vectors …×3 (or …×2) in the camera frame (x right, y down, z forward), which a crop rotates and mirrors.

    Attributes:
        unit: they are directions of length 1, with the loss 1 − cosine; otherwise the loss is smooth L1.
    """

    unit: bool = True

    def to_crop(self, value: np.ndarray, crop: Crop) -> np.ndarray:
        """See `Target.to_crop`."""
        return _turned(value, crop.axes.T / crop.scale)

    def to_image(self, value: np.ndarray, crop: Crop) -> np.ndarray:
        """See `Target.to_image`."""
        return _turned(value, crop.axes / crop.scale)

    def flipped(self, values: np.ndarray, scheme: Scheme, width: int) -> np.ndarray:
        """See `Target.flipped`."""
        turned = super().flipped(values, scheme, width).copy()
        turned[..., 0] = -turned[..., 0]
        return turned

    def mean(self, values: Sequence[np.ndarray]) -> np.ndarray:
        """The mean vector; for directions, scaled to length 1."""
        mean = super().mean(values)
        return mean / np.linalg.norm(mean, axis=-1, keepdims=True).clip(1e-9) if self.unit else mean

    def moved(self, values: Tensor, matrix: Tensor) -> Tensor:
        """See `Target.moved`."""
        import torch

        linear = matrix[:, :2, :2].to(values.device, non_blocking=True)
        # without its scale, but with a mirror, the determinant's sign
        turn = linear / torch.linalg.det(linear).abs().sqrt()[:, None, None]
        flat = values.flatten(1, -2) if values.ndim > 2 else values[:, None]
        return torch.cat([flat[..., :2] @ turn.mT, flat[..., 2:]], -1).view_as(values)

    def loss(self, raw: Tensor, truth: Tensor, side: int) -> Tensor:
        """1 − cosine for directions; smooth L1 for other vectors."""
        from torch.nn.functional import cosine_similarity

        raw = raw.view_as(truth)
        return (1 - cosine_similarity(raw, truth, dim=-1)).mean() if self.unit else _smooth_l1(raw, truth)

    def decode(self, raw: Tensor, shape: tuple[int, ...], side: int) -> Tensor:
        """See `Target.decode`."""
        from torch.nn.functional import normalize

        values = raw.unflatten(1, shape)
        return normalize(values, dim=-1) if self.unit else values


@dataclass(frozen=True)
class Values(Target):
    """Numbers that a crop does not change; mirroring may exchange them.

    Attributes:
        probability: they are 0 or 1, stored as booleans, learned with cross-entropy and predicted as probabilities;
            otherwise they are any numbers, learned with smooth L1.
    """

    probability: bool = False

    @property
    def dtype(self) -> type[np.generic]:
        """See `Target.dtype`."""
        return np.bool_ if self.probability else np.float32

    def of_face(self, record: Record, image: Path, scheme: Scheme) -> np.ndarray | None:
        """See `Target.of_face`."""
        if not self.probability:
            return super().of_face(record, image, scheme)
        value, wanted = self.read(record, image), self.shape_of(scheme)
        if value is None:
            return None
        if value.shape != wanted or not np.isin(value, (0, 1)).all():
            raise ValueError(f"{self.name} is not {prod(wanted)} times 0 or 1")
        return value.astype(bool)

    def loss(self, raw: Tensor, truth: Tensor, side: int) -> Tensor:
        """Cross-entropy for probabilities; smooth L1 for other numbers."""
        from torch.nn.functional import binary_cross_entropy_with_logits

        raw, truth = raw.view_as(truth), truth.float()
        return binary_cross_entropy_with_logits(raw, truth) if self.probability else _smooth_l1(raw, truth)

    def decode(self, raw: Tensor, shape: tuple[int, ...], side: int) -> Tensor:
        """See `Target.decode`."""
        values = raw.unflatten(1, shape) if shape else raw[:, 0]
        return values.sigmoid() if self.probability else values


def _turned(vectors: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """Vectors …×3 or …×2 with x and y rotated by ``turn`` (2, 2)."""
    return np.concatenate([vectors[..., :2] @ turn.T, vectors[..., 2:]], -1)


def _smooth_l1(found: Tensor, truth: Tensor) -> Tensor:
    from torch.nn.functional import smooth_l1_loss

    return smooth_l1_loss(found, truth, beta=BETA)
