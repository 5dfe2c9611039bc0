"""Sensor noise: independent Gaussian noise on every value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from fauxface.augment.base import Batch, Pixelwise
from fauxface.augment.draws import Draws

_SPARE = 1 << 20


@dataclass(frozen=True)
class Noise(Pixelwise):
    """``strength``: the largest standard deviation, as a share of white."""

    strength: float = 0.06
    probability: float = 0.5

    def change(self, batch: Batch, draws: Draws) -> Batch:
        """See `Pixelwise.change`."""
        count = batch.images[0].numel()
        start, level = draws.uniform("noise", 2).unbind(-1)
        noise = gaussian_pieces(count, start, batch.images.device).view_as(batch.images)
        sigma = (self.strength * level).to(batch.images.device, non_blocking=True)
        images = torch.addcmul(batch.images, noise, sigma[:, None, None, None])
        return replace(batch, images=images.clamp_(0, 1))


def gaussian_pieces(count: int, start: Tensor, device: torch.device) -> Tensor:
    """Normal numbers B×count: pieces of one fixed long row; ``start`` (B,) in [0, 1) picks one of a million positions.

    New numbers for every sample would take longer than all the other augmentations together.
    """
    row = _row(count, device)
    places = (start * (row.numel() - count)).long().tolist()
    return torch.stack([row[place : place + count] for place in places])


@lru_cache(maxsize=4)
def _row(count: int, device: torch.device) -> Tensor:
    return torch.from_numpy(np.random.default_rng(20130).standard_normal(count + _SPARE, np.float32)).to(device)
