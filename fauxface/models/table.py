"""Sizes and costs of the models, computed."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from fauxface.models import one_stage
from fauxface.models.backbones import PAPERS
from fauxface.models.facts import FRAME, INPUT_SIZE, SCHEME, ModelFacts
from fauxface.models.registry import MODELS, build_network

VARIANTS = ("mobilenetv3small-pip --neck fuse", "resnet18-pip --neck fuse")
"""Listed models with options of `fauxface train --model`."""


def parse(text: str) -> tuple[str, dict[str, Any]]:
    """A model's name and options from a name, or from a name with options as in `VARIANTS`."""
    name, *options = text.split(" --")
    return name, dict(option.split(" ") for option in options)


def describe(name: str, input_size: int = INPUT_SIZE, scheme: str = SCHEME) -> ModelFacts:
    """Size and cost of a model (see `parse` for options), computed on tensors without content.

    Errors of `build_model`.
    """
    listed, (name, options) = name, parse(name)
    width, height = size = FRAME if name == one_stage.NAME else (input_size, input_size)
    with torch.device("meta"), torch.no_grad():
        model = build_network(name, width, scheme, **options).eval()
        counter = FlopCounterMode(display=False)
        images = torch.empty(1, 3, height, width)
        with counter:
            model.find(images) if isinstance(model, one_stage.OneStage) else model(images)
    count = sum(parameter.numel() for parameter in model.parameters())
    papers = [model.paper, *(paper for start, paper in PAPERS.items() if name.startswith(start))]
    return ModelFacts(listed, size, count, counter.get_total_flops(), "; ".join(papers))


def describe_all(input_size: int = INPUT_SIZE) -> list[ModelFacts]:
    """Size and cost of every listed model, on crops of ``input_size`` pixels."""
    return [describe(name, input_size) for name in (*MODELS, *VARIANTS, one_stage.NAME)]
