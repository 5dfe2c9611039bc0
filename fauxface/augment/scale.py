"""Change of size about the crop's centre."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from fauxface.augment.base import Geometric, about_centre, scaling
from fauxface.augment.draws import Draws
from fauxface.landmarks import Scheme


@dataclass(frozen=True)
class Scale(Geometric):
    """``strength``: standard deviation of the logarithm of the factor (0.08 is 8 %)."""

    strength: float = 0.08
    probability: float = 1.0

    def matrix(self, draws: Draws, landmarks: Tensor, scheme: Scheme, size: int) -> Tensor:
        """See `Geometric.matrix`."""
        factor = (self.strength * draws.normal("scale", 1)[:, 0]).exp()
        return about_centre(scaling(factor), torch.zeros(len(factor), 2), size)
