"""Losses of coordinates: error in shares of the crop's side, element by element (or, with a σ, point by point)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn.functional import smooth_l1_loss

BETA = 0.01
"""Where smooth L1 goes over from squared to linear: 1 % of the crop."""


def l1(error: Tensor) -> Tensor:
    """|e|."""
    return error.abs()


def l2(error: Tensor) -> Tensor:
    """e²."""
    return error.square()


def smooth_l1(error: Tensor) -> Tensor:
    """Girshick 2015, "Fast R-CNN": squared up to β, linear beyond."""
    return smooth_l1_loss(error, torch.zeros_like(error), reduction="none", beta=BETA)


def wing(error: Tensor, width: float = 0.04, curvature: float = 0.008) -> Tensor:
    """Feng et al. 2018, "Wing Loss": logarithmic up to ``width`` (10 of 256 px), linear beyond (ε 2 of 256 px)."""
    size = error.abs()
    offset = width - width * math.log(1 + width / curvature)
    return torch.where(size < width, width * torch.log1p(size / curvature), size - offset)


def gaussian(error: Tensor, log_sigma: Tensor) -> Tensor:
    """log σ² + ‖e‖² / 2σ² of errors B×N×2: the likelihood of an isotropic Gaussian of two dimensions, B×N."""
    return 2 * log_sigma + 0.5 * error.square().sum(-1) * (-2 * log_sigma).exp()


LOSSES: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType({f.__name__: f for f in (smooth_l1, l1, l2, wing)})
