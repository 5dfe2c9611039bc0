"""What it gains on a CPU that tensors of a training step reuse the memory of freed ones.

    python benchmarks/kept_memory.py [--models resnet18-pip …] [--windows 8]

Each model takes bare steps (forward, loss, backward, optimiser; batch 64, 128 px, one thread) in windows of two, in
turn with glibc as it is and inside `keep_freed_memory`; the gain is the median over pairs of neighbouring windows. Run
it on an idle machine.
"""

from __future__ import annotations

import argparse
import os
import statistics
from contextlib import nullcontext

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command line does

import torch
from lightning_fabric import Fabric
from training import Bench

from fauxface.info import machine
from fauxface.landmarks import FACE_SYNTHETICS70
from fauxface.models import Targets, build_model
from fauxface.training.memory import keep_freed_memory
from fauxface.training.step import gains_by_bf16

MODELS = (
    "mobilenetv3small-pip",
    "mobilenetv3-coordinates",
    "mobilenetv2-heatmaps",
    "resnet18-pip",
    "resnet50-coordinates",
)
SIZE, BATCH, STEPS = 128, 64, 2


def bench(name: str) -> tuple[Bench, str]:
    """The model with random weights and a batch, and its precision."""
    torch.manual_seed(0)
    model = build_model(name, SIZE, FACE_SYNTHETICS70.name).train().to(memory_format=torch.channels_last)
    precision = "bf16-mixed" if gains_by_bf16(model, "cpu") else "32-true"
    fabric = Fabric(accelerator="cpu", devices=1, precision=precision)
    wrapped, optimizer = fabric.setup(model, torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True))
    images = torch.rand(BATCH, 3, SIZE, SIZE).contiguous(memory_format=torch.channels_last)
    targets = Targets(torch.rand(BATCH, FACE_SYNTHETICS70.count, 2) * SIZE, None)
    return Bench(fabric, model, wrapped, optimizer, images, targets), precision


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=MODELS)
    parser.add_argument("--windows", type=int, default=8, help="pairs of windows for each model")
    options = parser.parse_args()
    torch.set_num_threads(1)
    about = machine()
    print(f"{about['processor']}, torch {about['torch']}, one thread; images a second, bare steps")
    for name in options.models:
        steps, precision = bench(name)
        steps.seconds(1)
        seconds: dict[bool, list[float]] = {False: [], True: []}
        for _ in range(options.windows):
            for kept in seconds:
                with keep_freed_memory() if kept else nullcontext():
                    steps.step()  # fills what is kept, and warms both up alike
                    seconds[kept].append(steps.seconds(STEPS))
        gain = statistics.median(a / b for a, b in zip(*seconds.values(), strict=True))
        plain, kept_speed = (STEPS * BATCH / statistics.median(times) for times in seconds.values())
        print(
            f"{name:<26} {precision:<11} as it is {plain:6.1f}   kept {kept_speed:6.1f}   gain {gain:.2f}", flush=True
        )


if __name__ == "__main__":
    main()
