"""Blur by a Gaussian (out of focus), or by shrinking and enlarging (low resolution).

Both are separable and linear, so each sample needs one matrix: image → A · image · Aᵀ, with its own σ or factor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from fauxface.augment.base import Batch, Pixelwise
from fauxface.augment.draws import Draws


@dataclass(frozen=True)
class Blur(Pixelwise):
    """``strength``: the largest standard deviation of the Gaussian, as a share of the crop's side."""

    strength: float = 0.015
    probability: float = 0.3

    def change(self, batch: Batch, draws: Draws) -> Batch:
        """See `Pixelwise.change`."""
        sigma = self.strength * batch.images.shape[-1] * draws.uniform("blur", 1)
        sigma = sigma.to(batch.images.device, non_blocking=True)
        return replace(batch, images=filter_rows_and_columns(batch.images, lambda n: gaussian_matrix(n, sigma)))


@dataclass(frozen=True)
class LowResolution(Pixelwise):
    """``strength``: the largest factor by which the image is shrunk; the smallest is ``smallest``."""

    strength: float = 4.0
    probability: float = 0.3
    smallest: float = 1.5

    def change(self, batch: Batch, draws: Draws) -> Batch:
        """See `Pixelwise.change`."""
        factor = draws.uniform("low_resolution", 1, self.smallest, self.strength)
        device = batch.images.device
        return replace(batch, images=filter_rows_and_columns(batch.images, lambda n: shrink_matrix(n, factor, device)))


def filter_rows_and_columns(images: Tensor, matrix_of: Callable[[int], Tensor]) -> Tensor:
    """A_H · image · A_Wᵀ for images B×3×H×W, where ``matrix_of(n)`` gives matrices A_n B×n×n on their device."""
    height, width = images.shape[-2:]
    down, across = matrix_of(height), matrix_of(width)
    down, across = (a.to(images.dtype)[:, None] for a in (down, across))
    return down @ images @ across.mT


def gaussian_matrix(size: int, sigma: Tensor) -> Tensor:
    """Matrices B×size×size that blur with σ = ``sigma`` (B, 1) pixels, on its device; rows sum to 1."""
    place = torch.arange(size, dtype=torch.float32, device=sigma.device)
    distance = (place[:, None] - place) / sigma.clamp(min=0.1)[..., None]
    weights = (-0.5 * distance**2).exp()
    return weights / weights.sum(-1, keepdim=True)


def shrink_matrix(size: int, factor: Tensor, device: torch.device | None = None) -> Tensor:
    """Matrices B×size×size on ``device`` that shrink by ``factor`` (B, 1) ≥ 1, on the CPU, and enlarge linearly."""
    cells = torch.arange(size / float(factor.min()) + 1, device=device).floor()
    factor = factor[..., None].to(cells.device, non_blocking=True)
    start = torch.arange(size, dtype=torch.float32, device=device)
    low, high = cells[:, None] * factor, (cells[:, None] + 1) * factor
    average = (torch.minimum(start + 1, high) - torch.maximum(start, low)).clamp(min=0)
    covered = average.sum(-1, keepdim=True)
    average = average / covered.clamp(min=1e-6)
    centre = (start[:, None] + 0.5) / factor - 0.5
    enlarge = (1 - (centre - cells).abs()).clamp(min=0) * (covered.mT > 0)
    return (enlarge / enlarge.sum(-1, keepdim=True)) @ average
