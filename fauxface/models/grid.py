"""Maps of cells: which cell holds a point, what a map says there, where it is highest.

A map B×N×…×H×W has one channel (or more) a landmark. Points on it are in cells: (0, 0) the first cell's outer corner,
(W, H) the last one's. A cell's index is y·W + x.
"""

from __future__ import annotations

import torch
from torch import Tensor


def cell_of(points: Tensor, side: int) -> Tensor:
    """Indices B×N (int64) of the cells that hold points B×N×2; for a point outside, of the nearest border cell."""
    x, y = points.floor().clamp(0, side - 1).long().unbind(-1)
    return y * side + x


def corner_of(cells: Tensor, side: int) -> Tensor:
    """B×N×2, in cells: the upper left corners of the cells of these indices B×N."""
    return torch.stack([cells % side, cells // side], -1).float()


def read(maps: Tensor, cells: Tensor) -> Tensor:
    """B×N×…: what maps B×N×…×H×W say at cells B×N, for each landmark its own."""
    flat = maps.flatten(-2)
    index = cells.view(*cells.shape, *(1,) * (flat.ndim - 2)).expand(*flat.shape[:-1], 1)
    return flat.gather(-1, index)[..., 0]


def highest(maps: Tensor) -> Tensor:
    """Indices B×N of the highest cells of maps B×N×H×W."""
    return maps.flatten(2).argmax(2)
