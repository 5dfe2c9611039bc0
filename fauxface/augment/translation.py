"""Translation of the crop."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from fauxface.augment.base import Geometric, about_centre
from fauxface.augment.draws import Draws
from fauxface.landmarks import Scheme


@dataclass(frozen=True)
class Translation(Geometric):
    """``strength``: standard deviation of the shift in x and in y, as a share of the crop's side."""

    strength: float = 0.04
    probability: float = 1.0

    def matrix(self, draws: Draws, landmarks: Tensor, scheme: Scheme, size: int) -> Tensor:
        """See `Geometric.matrix`."""
        shift = self.strength * size * draws.normal("translation", 2)
        return about_centre(torch.eye(2).expand(len(shift), 2, 2), shift, size)
