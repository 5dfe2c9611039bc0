"""Rotation about the crop's centre."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from fauxface.augment.base import Geometric, about_centre
from fauxface.augment.draws import Draws
from fauxface.landmarks import Scheme


@dataclass(frozen=True)
class Rotation(Geometric):
    """``strength``: standard deviation of the angle, degrees."""

    strength: float = 15.0
    probability: float = 1.0

    def matrix(self, draws: Draws, landmarks: Tensor, scheme: Scheme, size: int) -> Tensor:
        """See `Geometric.matrix`."""
        angle = torch.deg2rad(self.strength * draws.normal("rotation", 1)[:, 0])
        cos, sin = angle.cos(), angle.sin()
        linear = torch.stack([torch.stack([cos, -sin], -1), torch.stack([sin, cos], -1)], 1)
        return about_centre(linear, torch.zeros(len(angle), 2), size)
