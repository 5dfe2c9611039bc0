"""Mirroring left to right; points of the two sides swap."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from fauxface.augment.base import Geometric, about_centre
from fauxface.augment.draws import Draws
from fauxface.landmarks import Scheme


@dataclass(frozen=True)
class Flip(Geometric):
    """``strength`` has no meaning here."""

    strength: float = 1.0
    probability: float = 0.5

    def matrix(self, draws: Draws, landmarks: Tensor, scheme: Scheme, size: int) -> Tensor:
        """See `Geometric.matrix`."""
        batch = len(draws.indices)
        return about_centre(torch.diag(torch.tensor([-1.0, 1.0])).expand(batch, 2, 2), torch.zeros(batch, 2), size)

    def mirrored(self, draws: Draws) -> Tensor:
        """See `Geometric.mirrored`."""
        return self.chosen(draws)
