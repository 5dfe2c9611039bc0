"""Parts of the training loop: length, order, learning rate, optimiser, weight averaging, precision."""

from __future__ import annotations

import copy
import math
import shutil
from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from torch import nn

from fauxface.models import FaceNetwork, build_network
from fauxface.training.config import DEFAULT_EPOCHS, Scheduled


def total_steps(config: Scheduled, steps_per_epoch: int, batch: int) -> int:
    """Number of steps of a run, from its budget in steps, samples or epochs."""
    if config.steps is not None:
        return config.steps
    if config.samples is not None:
        return math.ceil(config.samples / batch)
    return (config.epochs or DEFAULT_EPOCHS) * steps_per_epoch


@lru_cache(maxsize=1)
def shuffled(count: int, seed: int, epoch: int) -> torch.Tensor:
    """Order (count,) of the samples in an epoch."""
    return torch.from_numpy(np.random.default_rng([seed, epoch]).permutation(count))


def learning_rate(config: Scheduled, step: int, steps: int) -> float:
    """The learning rate of step ``step`` of ``steps``: a linear warm-up, then half a cosine down to 0.

    The paper's schedule divides it by 10 after a half and after five sixths of the run (epochs 30 and 50 of 60).
    """
    if config.schedule == "paper":
        return config.lr * 0.1 ** ((2 * step >= steps) + (6 * step >= 5 * steps))
    warmup = min(config.warmup, steps // 10)
    rise = min(1.0, (step + 1) / (warmup + 1))
    return config.lr * rise * 0.5 * (1 + math.cos(math.pi * step / steps))


def adamw(model: nn.Module, config: Scheduled) -> torch.optim.AdamW:
    """AdamW (Loshchilov & Hutter 2019), without decay of norms and biases, the parameters with one dimension."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.lr, fused=True)


def compiled(model: FaceNetwork) -> nn.Module:
    """The model, to be compiled at the first step; ValueError if there is no C++ compiler."""
    if not any(shutil.which(name) for name in ("c++", "g++", "clang++", "cl")):
        raise ValueError("--compile needs a C++ compiler (g++ or clang++), and there is none on the path")
    return torch.compile(model)  # pyright: ignore[reportReturnType]


class WeightAverage:
    """Running average of the weights and batch-norm statistics of a model, as a model in eval mode (``.model``)."""

    def __init__(self, model: FaceNetwork, keep: float):
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.keep = keep
        pairs = list(zip(self.model.state_dict().values(), model.state_dict().values(), strict=True))
        floats = [pair for pair in pairs if pair[0].is_floating_point()]
        self._averages, self._values = (list(side) for side in zip(*floats, strict=True))
        self._counters = [pair for pair in pairs if not pair[0].is_floating_point()]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Update the average after step ``step`` of the run; in the first steps it follows faster."""
        keep = min(self.keep, (1 + step) / (10 + step))
        torch._foreach_lerp_(self._averages, self._values, 1 - keep)  # pyright: ignore[reportPrivateImportUsage]
        for average, value in self._counters:
            average.copy_(value)


def precision_of(config: Scheduled) -> Literal["32-true", "bf16-mixed"]:
    """Fabric's name of the precision; ValueError for an unknown model.

    ``auto`` is bf16 on GPUs that support it, and on CPUs that support it for networks without depthwise convolutions
    (measured with AVX-512 BF16: ResNet-18 is 1.8 × as fast in bf16, MobileNetV3 half as fast).
    """
    if config.precision != "auto":
        return "32-true" if config.precision == "32" else "bf16-mixed"
    with torch.device("meta"):  # the layers without weights
        outline = build_network(config.model, config.input_size, "ibug68", **config.model_options())
    return "bf16-mixed" if gains_by_bf16(outline, config.accelerator) else "32-true"


def gains_by_bf16(network: nn.Module, accelerator: str) -> bool:
    """True if the hardware runs the network faster in bf16 than in float32; see `precision_of`."""
    if accelerator in ("auto", "cuda") and torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    if accelerator not in ("auto", "cpu") or not torch.cpu.get_capabilities().get("avx512_bf16", False):
        return False
    return not any(isinstance(m, nn.Conv2d) and m.groups > 1 for m in network.modules())
