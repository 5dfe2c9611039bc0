"""Maps of cells: find the cell of a point, read values, find the highest cell.

A map B×N×…×H×W has one or more channels for each landmark. Points on it are in units of cells, from (0, 0) at the first
cell's outer corner to (W, H) at the last cell's. The index of a cell is y·W + x.
"""

from __future__ import annotations

import torch
from torch import Tensor


def cell_of(points: Tensor, side: int) -> Tensor:
    """Indices B×N (int64) of the cells of points B×N×2; for a point outside, the nearest cell on the border."""
    x, y = points.floor().clamp(0, side - 1).long().unbind(-1)
    return y * side + x


def corner_of(cells: Tensor, side: int) -> Tensor:
    """Upper left corners B×N×2, in cells, of the cells with indices B×N."""
    return torch.stack([cells % side, cells // side], -1).float()


def read(maps: Tensor, cells: Tensor) -> Tensor:
    """Values B×N×… of maps B×N×…×H×W at cells B×N, one cell for each landmark."""
    flat = maps.flatten(-2)
    index = cells.view(*cells.shape, *(1,) * (flat.ndim - 2)).expand(*flat.shape[:-1], 1)
    return flat.gather(-1, index)[..., 0]


def highest(maps: Tensor) -> Tensor:
    """Indices B×N of the highest cells of maps B×N×H×W."""
    return maps.flatten(2).argmax(2)
