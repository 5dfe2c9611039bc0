"""Backbones: timm networks that return feature maps of decreasing resolution."""

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
"""Short name → timm's name; any other timm name is used unchanged."""

PAPERS: Mapping[str, str] = MappingProxyType(
    {
        "mobilenetv1": "Howard et al. 2017",
        "mobilenetv2": "Sandler et al. 2018",
        "mobilenetv3": "Howard et al. 2019",
        "resnet": "He et al. 2015",
    }
)
"""Start of a backbone's name → its paper."""


class Backbone(nn.Module):
    """A timm network without its classifier.

    Attributes:
        channels: channels of each feature map.
        strides: image pixels per cell of each map, increasing.
    """

    def __init__(self, network: Any):
        super().__init__()
        self.network = network
        self.channels: tuple[int, ...] = tuple(network.feature_info.channels())
        self.strides: tuple[int, ...] = tuple(network.feature_info.reduction())

    def forward(self, images: Tensor) -> list[Tensor]:
        """Feature maps B×C×H×W, one for each stride, of normalised images B×3×S×S."""
        return self.network(images)

    @torch.no_grad()
    def sides(self, input_size: int) -> tuple[int, ...]:
        """Cells along a side of each map, for images of ``input_size`` pixels."""
        training = self.training
        maps = self.eval()(torch.zeros(1, 3, input_size, input_size))
        self.train(training)
        return tuple(m.shape[-1] for m in maps)

    @property
    def has_depthwise(self) -> bool:
        """True if it has depthwise convolutions, which CPUs run slower in bf16 than in float32."""
        return any(isinstance(m, nn.Conv2d) and m.groups > 1 for m in self.modules())


def create_backbone(name: str, input_size: int, pretrained: bool = False, strides: Sequence[float] = ()) -> Backbone:
    """The backbone with this name (a short name or timm's), with random weights, or the hub's if ``pretrained``.

    With ``strides`` it returns only the maps with the nearest strides and ends at the coarsest of them.

    ValueError if timm has no such network, or if it cannot return feature maps or take crops of ``input_size`` pixels;
    OSError if the hub cannot be reached.
    """
    backbone = _create(name, pretrained, strides)
    if not _takes(backbone, input_size):
        sizes = _sizes(name)
        taken = f"crops of {', '.join(map(str, sizes))} px" if sizes else "none of the usual square crops"
        raise ValueError(f"the backbone {name} takes {taken}, not of {input_size} px")
    return backbone


def _takes(backbone: Backbone, input_size: int) -> bool:
    """True if the network accepts crops of this size, tried on a crop of zeros."""
    try:
        return min(backbone.sides(input_size)) > 0
    except (AssertionError, RuntimeError, ValueError):
        return False


def _sizes(name: str) -> list[int]:
    """Up to eight usual crop sizes that a network accepts, tried on tensors without content."""
    with torch.device("meta"):
        backbone = _create(name)
        trained_on = backbone.network.pretrained_cfg.get("input_size", (3, 224, 224))[-1]
        tried = sorted({*range(32, 1025, 32), 48, 80, 112, trained_on})
        return [size for size in tried if _takes(backbone, size)][:8]


def _create(name: str, pretrained: bool = False, strides: Sequence[float] = ()) -> Backbone:
    network = ALIASES.get(name, name)
    # timm would also accept addresses of the hub
    if not (re.fullmatch(r"\w+(\.\w+)?", network) and timm.is_model(network)):
        shown = f"'{clipped(name)}'; there are {', '.join(ALIASES)} and timm's names, e.g. resnet50"
        raise ValueError(f"unknown backbone {shown}")
    try:
        if not strides:
            return Backbone(timm.create_model(network, pretrained=pretrained, features_only=True))
        with torch.device("meta"):
            offered = Backbone(timm.create_model(network, features_only=True)).strides
        nearest = {min(range(len(offered)), key=lambda i: abs(math.log(offered[i] / s))) for s in strides}
        indices = tuple(sorted(nearest))
        return Backbone(_ended(timm.create_model(network, pretrained, features_only=True, out_indices=indices)))
    except (RuntimeError, AttributeError, NotImplementedError, TypeError) as error:
        raise ValueError(f"the timm network '{network}' cannot be used as a backbone: {clipped(error, 120)}") from error


def folded(model: Network) -> Network:
    """A copy for inference with parallel branches merged into one convolution where possible (as in RepVGG)."""
    return cast(Network, reparameterize_model(model))


def check_size(name: str, input_size: int, cell: int) -> None:
    """Raise a ValueError unless ``input_size`` is a multiple of ``cell`` (px), as decoding needs whole cells."""
    if input_size % cell:
        raise ValueError(f"{name} takes crops of {cell} px or a multiple of that, not {input_size} px")


def _ended(network: Any) -> Any:
    """The network without the layers after its last map, which timm keeps in EfficientNet and its relatives."""
    stage, _, number = network.feature_info.module_name()[-1].partition(".")
    if stage == "blocks" and number.isdigit() and isinstance(network.blocks, nn.Sequential):
        network.blocks = network.blocks[: int(number) + 1]
    return network
