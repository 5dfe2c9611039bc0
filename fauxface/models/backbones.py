"""Backbones: timm networks as a list of feature maps of falling resolution."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar, cast

import timm
import torch
from timm.models import reparameterize_model
from torch import Tensor, nn

from fauxface.parsing import clipped

Network = TypeVar("Network", bound=nn.Module)
ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "mobilenetv1": "mobilenetv1_100",
        "mobilenetv2": "mobilenetv2_100",
        "mobilenetv3": "mobilenetv3_large_100",
        "mobilenetv3small": "mobilenetv3_small_100",
    }
)
"""Our short names of timm's; any other timm name is used as it is."""

PAPERS: Mapping[str, str] = MappingProxyType(
    {
        "mobilenetv1": "Howard et al. 2017",
        "mobilenetv2": "Sandler et al. 2018",
        "mobilenetv3": "Howard et al. 2019",
        "resnet": "He et al. 2015",
    }
)
"""Where our backbones come from, by how their names begin."""


class Backbone(nn.Module):
    """A timm network without its classifier.

    Attributes:
        channels: channels of each feature map.
        strides: pixels of the image a cell of each map, rising.
    """

    def __init__(self, network: Any):
        super().__init__()
        self.network = network
        self.channels: tuple[int, ...] = tuple(network.feature_info.channels())
        self.strides: tuple[int, ...] = tuple(network.feature_info.reduction())

    def forward(self, images: Tensor) -> list[Tensor]:
        """Maps B×C×H×W, one a stride, of normalised images B×3×S×S."""
        return self.network(images)

    @torch.no_grad()
    def sides(self, input_size: int) -> tuple[int, ...]:
        """Cells along a side of each map, for images of that size."""
        training = self.training
        maps = self.eval()(torch.zeros(1, 3, input_size, input_size))
        self.train(training)
        return tuple(m.shape[-1] for m in maps)

    @property
    def has_depthwise(self) -> bool:
        """Whether it has convolutions by channel, which CPUs run slower in bf16 than in float32."""
        return any(isinstance(m, nn.Conv2d) and m.groups > 1 for m in self.modules())


def create_backbone(name: str, input_size: int, pretrained: bool = False, strides: Sequence[float] = ()) -> Backbone:
    """The backbone of that name (ours or timm's), with random weights, or the hub's if ``pretrained``.

    With ``strides`` it gives only the maps whose own are nearest to these, and ends at the coarsest of them.

    ValueError if timm has no such network, none that gives feature maps, or one that takes no crops of ``input_size``
    pixels; OSError if the hub cannot be reached.
    """
    backbone = _create(name, pretrained, strides)
    if not _takes(backbone, input_size):
        sizes = _sizes(name)
        taken = f"crops of {', '.join(map(str, sizes))} px" if sizes else "no square crops that were tried"
        raise ValueError(f"the backbone {name} takes {taken}, not of {input_size} px")
    return backbone


def _takes(backbone: Backbone, input_size: int) -> bool:
    """Whether a network gives maps of crops of that size: timm's own check, or the first layer that does not fit."""
    try:
        return min(backbone.sides(input_size)) > 0
    except (AssertionError, RuntimeError, ValueError):
        return False


def _sizes(name: str) -> list[int]:
    """The usual sizes that a network takes, tried on tensors without content; of many the first few."""
    with torch.device("meta"):
        backbone = _create(name)
        own = backbone.network.pretrained_cfg.get("input_size", (3, 224, 224))[-1]
        tried = sorted({*range(32, 1025, 32), 48, 80, 112, own})
        return [size for size in tried if _takes(backbone, size)][:8]


def _create(name: str, pretrained: bool = False, strides: Sequence[float] = ()) -> Backbone:
    network = ALIASES.get(name, name)
    # timm takes addresses of the hub for names, too
    if not (re.fullmatch(r"\w+(\.\w+)?", network) and timm.is_model(network)):
        shown = f"'{clipped(name)}'; there are {', '.join(ALIASES)} and timm's names, e.g. resnet50"
        raise ValueError(f"unknown backbone {shown}")
    try:
        if not strides:
            return Backbone(timm.create_model(network, pretrained=pretrained, features_only=True))
        with torch.device("meta"):
            there = Backbone(timm.create_model(network, features_only=True)).strides
        nearest = {min(range(len(there)), key=lambda i: abs(math.log(there[i] / s))) for s in strides}
        indices = tuple(sorted(nearest))
        return Backbone(_ended(timm.create_model(network, pretrained, features_only=True, out_indices=indices)))
    except (RuntimeError, AttributeError, NotImplementedError, TypeError) as error:
        raise ValueError(f"the timm network '{network}' cannot be used as a backbone: {clipped(error, 120)}") from error


def folded(model: Network) -> Network:
    """A copy for inference in which parallel branches that add up to one convolution are one (as RepVGG's do)."""
    return cast(Network, reparameterize_model(model))


def check_size(name: str, input_size: int, cell: int) -> None:
    """ValueError unless crops are whole cells wide (pixels both): else cells are not where the decoder has them."""
    if input_size % cell:
        raise ValueError(f"{name} takes crops of {cell} px or a multiple of that, not {input_size} px")


def _ended(network: Any) -> Any:
    """The network without the layers after its last map (timm leaves them in those of EfficientNet's family)."""
    stage, _, number = network.feature_info.module_name()[-1].partition(".")
    if stage == "blocks" and number.isdigit() and isinstance(network.blocks, nn.Sequential):
        network.blocks = network.blocks[: int(number) + 1]
    return network
