"""What an augmentation is: a strength, a probability, and either a crop matrix or a change of pixels."""

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
        """B×N×2 float32, crop pixels, pixel centres at whole numbers; may lie outside."""
        return self.targets["landmarks"]

    @property
    def visibility(self) -> Tensor | None:
        """B×N booleans, or None where the data does not say."""
        return self.targets.get("visibility")


@dataclass(frozen=True)
class Augmentation:
    """One augmentation.

    Attributes:
        strength: how much is changed; each augmentation says in what unit.
        probability: share of the samples that are changed.
    """

    strength: float
    probability: float

    def chosen(self, draws: Draws) -> Tensor:
        """(B,) booleans on the CPU: which samples are changed."""
        return draws.uniform(f"{type(self).__name__}.chosen", 1)[:, 0] < self.probability


class Geometric(Augmentation, ABC):
    """An augmentation that only changes the crop matrix; all of them together cost one resampling."""

    @abstractmethod
    def matrix(self, draws: Draws, landmarks: Tensor, scheme: Scheme, size: int) -> Tensor:
        """B×3×3 float32 on the CPU: crop pixels before → crop pixels after, as if every sample were chosen.

        ``landmarks`` B×N×2 are where the points lie before, ``size`` is the crop's side in pixels.
        """

    def mirrored(self, draws: Draws) -> Tensor | None:
        """(B,) booleans: which samples the matrix mirrors, so that left and right change names; None = none."""
        return None


class Pixelwise(Augmentation, ABC):
    """An augmentation that changes pixels where they are (and perhaps what is seen of the face)."""

    @abstractmethod
    def change(self, batch: Batch, draws: Draws) -> Batch:
        """The changed samples. ``batch`` holds the chosen ones alone; its tensors are copies."""

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
    """B×3×3: ``linear`` (B, 2, 2) about the centre of a crop of side ``size``, then ``shift`` (B, 2) pixels."""
    centre = torch.full((2,), (size - 1) / 2)
    matrix = torch.eye(3).repeat(len(linear), 1, 1)
    matrix[:, :2, :2] = linear
    matrix[:, :2, 2] = centre - linear @ centre + shift
    return matrix


def scaling(factors: Tensor) -> Tensor:
    """(B, 2, 2) of factors (B,)."""
    return torch.eye(2) * factors[:, None, None]
