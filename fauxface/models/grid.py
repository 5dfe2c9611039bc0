"""Maps of cells: find the cell of a point, read values, find the highest cell.

A map B×N×…×H×W has one or more channels for each landmark. Points on it are in units of cells, from (0, 0) at the first
cell's outer corner to (W, H) at the last cell's. The index of a cell is y·W + x.

While a model is exported, cells are not indices but B×N×(H·W), 1 at the cell and 0 elsewhere, and values are read by
products and sums. These are exactly the same values, without the integers and gathering that OpenCV's dnn lacks.
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
        every = torch.arange(side * side, device=cells.device)
        return cells @ torch.stack([(every % side).float(), (every // side).float()], -1)
    return torch.stack([cells % side, cells // side], -1).float()


def read(maps: Tensor, cells: Tensor) -> Tensor:
    """Values B×N×… of maps B×N×…×H×W at cells B×N, one cell for each landmark."""
    flat = maps.flatten(-2)
    if torch.compiler.is_exporting():
        each = flat.flatten(2, -2) if flat.ndim > 3 else flat[:, :, None]
        here = torch.cat([cells[:, :, None]] * each.shape[2], 2)
        return ((each * here) @ torch.ones(each.shape[-1], 1)).view(flat.shape[:-1])
    index = cells.view(*cells.shape, *(1,) * (flat.ndim - 2)).expand(*flat.shape[:-1], 1)
    return flat.gather(-1, index)[..., 0]


def highest(maps: Tensor) -> Tensor:
    """Indices B×N of the highest cells of maps B×N×H×W, the first ones where several are equally high."""
    if torch.compiler.is_exporting():
        flat, count = maps.flatten(2), maps[0, 0].numel()
        top = max_pool2d(maps, maps.shape[-2:], 1).flatten(2) @ torch.ones(1, count)
        equal = relu(1 - (top - flat) * _HUGE)  # 1 at the highest cells, 0 elsewhere
        return relu(equal - equal @ torch.ones(count, count).triu(1))  # the last term counts those before
    return maps.flatten(2).argmax(2)


_HUGE = 1e30
"""Factor that raises any difference of two scores above 1."""
