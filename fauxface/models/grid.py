"""Maps of cells: find the cell of a point, read values, find the highest cell.

A map B×N×…×H×W has one or more channels for each landmark. Points on it are in units of cells, from (0, 0) at the first
cell's outer corner to (W, H) at the last cell's. The index of a cell is y·W + x.

While a model is exported, the same results come from arithmetic on float32 indices instead of from integer indices and
gathering, which OpenCV's dnn and other small runtimes lack.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d, relu


def cell_of(points: Tensor, side: int) -> Tensor:
    """Indices B×N (int64) of the cells of points B×N×2; for a point outside, the nearest cell on the border."""
    x, y = points.floor().clamp(0, side - 1).long().unbind(-1)
    return y * side + x


def corner_of(cells: Tensor, side: int) -> Tensor:
    """Upper left corners B×N×2, in cells, of the cells with indices B×N."""
    if torch.compiler.is_exporting():
        rows = ((cells + 0.5) / side).floor()
        return torch.stack([cells - side * rows, rows], -1)
    return torch.stack([cells % side, cells // side], -1).float()


def read(maps: Tensor, cells: Tensor) -> Tensor:
    """Values B×N×… of maps B×N×…×H×W at cells B×N, one cell for each landmark."""
    flat = maps.flatten(-2)
    if torch.compiler.is_exporting():
        away = (cells.view(*cells.shape, *(1,) * (flat.ndim - 2)) - _indices(flat)).abs()
        return (flat * relu(1 - away)).sum(-1)
    index = cells.view(*cells.shape, *(1,) * (flat.ndim - 2)).expand(*flat.shape[:-1], 1)
    return flat.gather(-1, index)[..., 0]


def highest(maps: Tensor) -> Tensor:
    """Indices B×N of the highest cells of maps B×N×H×W, the first ones where several are equally high."""
    if torch.compiler.is_exporting():
        top = max_pool2d(maps, maps.shape[-2:]).flatten(2)
        highest = relu(1 - (top - maps.flatten(2)) * _HUGE)  # 1 at the highest cells, 0 elsewhere
        first = highest * (maps[0, 0].numel() - _indices(highest))
        return maps[0, 0].numel() - max_pool2d(first.view_as(maps), maps.shape[-2:]).flatten(1)
    return maps.flatten(2).argmax(2)


_HUGE = 1e30
"""Factor that raises any difference of two scores above 1."""


def _indices(flat: Tensor) -> Tensor:
    """The indices 0, 1, … of the cells on the last axis, as float32."""
    return torch.arange(flat.shape[-1], dtype=torch.float32, device=flat.device)
