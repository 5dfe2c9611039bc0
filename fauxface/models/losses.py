"""Losses of coordinates for errors in shares of the crop's side, for each element (with σ, for each point)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn.functional import smooth_l1_loss

BETA = 0.01
"""Error at which smooth L1 changes from squared to linear: 1 % of the crop's side."""


def l1(error: Tensor) -> Tensor:
    """Absolute error."""
    return error.abs()


def l2(error: Tensor) -> Tensor:
    """Squared error."""
    return error.square()


def smooth_l1(error: Tensor) -> Tensor:
    """Smooth L1 (Girshick 2015, "Fast R-CNN"): squared up to `BETA`, linear beyond."""
    return smooth_l1_loss(error, torch.zeros_like(error), reduction="none", beta=BETA)


def wing(error: Tensor, width: float = 0.04, curvature: float = 0.008) -> Tensor:
    """Wing loss (Feng et al. 2018): logarithmic up to ``width`` (10 of 256 px), linear beyond; ε is 2 of 256 px."""
    size = error.abs()
    offset = width - width * math.log(1 + width / curvature)
    return torch.where(size < width, width * torch.log1p(size / curvature), size - offset)


def gaussian(error: Tensor, log_sigma: Tensor) -> Tensor:
    """Negative log-likelihood log σ² + ‖e‖² / 2σ², B×N, of errors B×N×2 under an isotropic 2-D Gaussian."""
    return 2 * log_sigma + 0.5 * error.square().sum(-1) * (-2 * log_sigma).exp()


LOSSES: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType({f.__name__: f for f in (smooth_l1, l1, l2, wing)})
