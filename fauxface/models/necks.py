"""Necks: layers between a backbone's maps and the layers of a method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

NeckName = Literal["none", "fuse"]
WIDTHS = (128, 192)
"""Least and most channels of a neck by default: ResNet-18 with a neck stays below 25 MB in fp16."""


class Fuse(nn.Module):
    """Fuses maps of several strides into one of them, which keeps its resolution.

    Finer maps are reduced by a convolution whose kernel equals its stride, so that no cell is dropped; coarser maps are
    repeated. One dense 3×3 convolution mixes their sum. All work is done at the resolution of the one map, which has
    few cells, and in dense convolutions, which are fast on CPUs.

    Attributes:
        width: channels of the fused map.
    """

    def __init__(self, channels: Sequence[int], strides: Sequence[int], stride: int, width: int | None = None):
        """Fuse maps with these channels and strides (image pixels per cell, increasing) into the map of ``stride``.

        ``width``: by default that map's channels, limited to `WIDTHS`. ValueError for a width below 1.
        """
        super().__init__()
        default = channels[list(strides).index(stride)]
        self.width = min(max(default, WIDTHS[0]), WIDTHS[1]) if width is None else width
        if self.width < 1:
            raise ValueError(f"a neck has 1 channel or more, not {width}")
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
        """The fused map B×width×H×W from maps B×C×H×W, one for each stride."""
        first, *others = (lateral(m) for lateral, m in zip(self.laterals, maps, strict=True))
        return self.mix(sum(others, first))


def _lateral(channels: int, width: int, shrink: int, grow: int) -> nn.Sequential:
    """Layers to ``width`` channels and the common resolution; normalised, so that no map dominates."""
    layers = [nn.Conv2d(channels, width, shrink, shrink, bias=False), nn.BatchNorm2d(width)]
    return nn.Sequential(*layers, *([nn.Upsample(scale_factor=grow, mode="nearest")] if grow > 1 else []))
