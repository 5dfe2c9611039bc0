"""Colour: exposure, white balance, contrast, gamma, greyscale."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from fauxface.augment.base import Batch, Pixelwise
from fauxface.augment.draws import Draws

_LUMINANCE = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in ITU-R BT.601."""


@dataclass(frozen=True)
class Colour(Pixelwise):
    """``strength`` scales all deviations below.

    Attributes:
        exposure: standard deviation of the exposure, in stops.
        gains: standard deviation of the logarithm of each channel's gain.
        contrast: standard deviation of the logarithm of the contrast, about the image's own mean.
        gamma: standard deviation of the logarithm of gamma.
        grey: share of the changed samples that become greyscale.
    """

    strength: float = 1.0
    probability: float = 0.8
    exposure: float = 0.35
    gains: float = 0.08
    contrast: float = 0.25
    gamma: float = 0.2
    grey: float = 0.2

    def change(self, batch: Batch, draws: Draws) -> Batch:
        """See `Pixelwise.change`."""
        normal = self.strength * draws.normal("colour", 6)
        gains = torch.exp2(self.exposure * normal[:, :1]) * torch.exp(self.gains * normal[:, 1:4])
        contrast = torch.exp(self.contrast * normal[:, 4:5])[..., None]
        gamma = torch.exp(self.gamma * normal[:, 5])
        # one 3×3 matrix a sample: gains, then greyscale, then contrast
        matrix = torch.diag_embed(gains)
        to_grey = draws.uniform("colour.grey", 1)[:, 0] < self.grey
        matrix[to_grey] = torch.tensor(_LUMINANCE).expand(3, 3) @ matrix[to_grey]

        device = batch.images.device
        matrix, contrast, gamma = (value.to(device, non_blocking=True) for value in (matrix, contrast, gamma))
        images = batch.images.flatten(2)
        mean = (matrix @ images.mean(-1, keepdim=True)).mean(1, keepdim=True)
        images = torch.baddbmm((1 - contrast) * mean.expand(-1, 3, 1), contrast * matrix, images)
        images = images.clamp_(1e-4, 1).pow_(gamma[:, None, None]).clamp_(0, 1)
        return replace(batch, images=images.view_as(batch.images))
