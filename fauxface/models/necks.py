"""Necks: what lies between a backbone's maps and a method's own layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

NeckName = Literal["none", "fuse"]
WIDTHS = (128, 192)
"""Least and most channels of a neck that is told no width: ResNet-18 with one stays below 25 MB in fp16."""


class Fuse(nn.Module):
    """Maps of several strides brought together on one of them, which is as coarse as before but sees more.

    Finer maps are taken block by block (a convolution whose kernel is its stride, so that no cell is dropped), coarser
    ones repeated; their sum is mixed by one dense 3×3 convolution. All work is done at the one map's cells, which are
    few, and in dense convolutions, which processors are good at.

    Attributes:
        width: channels of the fused map.
    """

    def __init__(self, channels: Sequence[int], strides: Sequence[int], stride: int, width: int | None = None):
        """Take maps of these channels and strides (pixels of the image a cell, rising) to the map of ``stride``.

        Width: by default that map's own channels, within `WIDTHS`. ValueError for a width below 1.
        """
        super().__init__()
        own = channels[list(strides).index(stride)]
        self.width = min(max(own, WIDTHS[0]), WIDTHS[1]) if width is None else width
        if self.width < 1:
            raise ValueError(f"a neck is 1 channel wide or more, not {width}")
        self.laterals = nn.ModuleList(
            _lateral(count, self.width, max(stride // fine, 1), max(fine // stride, 1))
            for count, fine in zip(channels, strides, strict=True)
        )
        self.mix = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(self.width, self.width, 3, padding=1, bias=False),
            nn.BatchNorm2d(self.width),
            nn.ReLU(),
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """The fused map B×width×H×W of maps B×C×H×W, one a stride."""
        first, *others = (lateral(m) for lateral, m in zip(self.laterals, maps, strict=True))
        return self.mix(sum(others, first))


def _lateral(channels: int, width: int, shrink: int, grow: int) -> nn.Sequential:
    """To ``width`` channels and the common number of cells; normed, so that no map drowns another."""
    layers = [nn.Conv2d(channels, width, shrink, shrink, bias=False), nn.BatchNorm2d(width)]
    return nn.Sequential(*layers, *([nn.Upsample(scale_factor=grow, mode="nearest")] if grow > 1 else []))
