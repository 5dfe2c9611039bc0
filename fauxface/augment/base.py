"""Augmentations: a strength, a probability, and either a crop matrix or a change of pixels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from fauxface.augment.draws import Draws
from fauxface.landmarks import Scheme


@dataclass(frozen=True)
class Batch:
    """Augmented crops.

    Attributes:
        images: B×3×H×W float32 in [0, 1].
        targets: B×… of each target, by the names of `fauxface.targets`, in the crops' frame.
    """

    images: Tensor
    targets: Mapping[str, Tensor]

    @property
    def landmarks(self) -> Tensor:
        """Landmarks B×N×2 float32, crop pixels, pixel centres at whole numbers; may lie outside."""
        return self.targets["landmarks"]

    @property
    def visibility(self) -> Tensor | None:
        """Visibility B×N booleans, or None if unknown."""
        return self.targets.get("visibility")


@dataclass(frozen=True)
class Augmentation:
    """One augmentation.

    Attributes:
        strength: amount of the change, in a unit that each augmentation defines.
        probability: share of the samples that are changed.
    """

    strength: float
    probability: float

    def chosen(self, draws: Draws) -> Tensor:
        """Booleans (B,) on the CPU, true for samples to change."""
        return draws.uniform(f"{type(self).__name__}.chosen", 1)[:, 0] < self.probability


class Geometric(Augmentation, ABC):
    """An augmentation that only changes the crop matrix; all of them together need one resampling."""

    @abstractmethod
    def matrix(self, draws: Draws, landmarks: Tensor, scheme: Scheme, size: int) -> Tensor:
        """Matrices B×3×3 float32 on the CPU from crop pixels before to crop pixels after, for all samples.

        ``landmarks`` B×N×2 are in crop pixels before; ``size`` is the crop's side in pixels.
        """

    def mirrored(self, draws: Draws) -> Tensor | None:
        """Booleans (B,), true for samples that the matrix mirrors, so that left and right swap; None means none."""
        return None


class Pixelwise(Augmentation, ABC):
    """An augmentation that changes pixel values, and possibly the visibility of points."""

    @abstractmethod
    def change(self, batch: Batch, draws: Draws) -> Batch:
        """Change the samples in ``batch``, which holds the chosen ones alone, as copies."""

    def __call__(self, batch: Batch, draws: Draws) -> Batch:
        """The batch with its chosen samples changed."""
        rows = self.chosen(draws).nonzero()[:, 0]
        if len(rows) == 0:
            return batch
        if len(rows) == len(draws.indices):
            return self.change(batch, draws)
        at = rows.to(batch.images.device, non_blocking=True)
        part = Batch(batch.images[at], {name: value[at] for name, value in batch.targets.items()})
        changed = self.change(part, draws.rows(rows))
        targets = {
            name: value
            if changed.targets[name] is part.targets[name]
            else value.index_copy(0, at, changed.targets[name])
            for name, value in batch.targets.items()
        }
        return Batch(batch.images.index_copy_(0, at, changed.images), targets)


def about_centre(linear: Tensor, shift: Tensor, size: int) -> Tensor:
    """Matrices B×3×3: ``linear`` (B, 2, 2) about the centre of a crop of ``size`` px, then ``shift`` (B, 2) pixels."""
    centre = torch.full((2,), (size - 1) / 2)
    matrix = torch.eye(3).repeat(len(linear), 1, 1)
    matrix[:, :2, :2] = linear
    matrix[:, :2, 2] = centre - linear @ centre + shift
    return matrix


def scaling(factors: Tensor) -> Tensor:
    """Scaling matrices (B, 2, 2) from factors (B,)."""
    return torch.eye(2) * factors[:, None, None]
