"""Training speed, compared with the bare model's step and with the usual pipeline.

    python benchmarks/training.py [--quick] [--models resnet18-pip …] [--size 128] [--batch 64] [--json FILE]
    python benchmarks/training.py --memory                               an estimate for a GPU, without one

For each model, in one run, images a second of

* *bare*: forward, loss, backward and optimiser on one batch that stays where it is, without loading, augmentation,
  weight averaging or logging: the limit;
* *ours*: the loop of `fauxface train` as it is, out of a pack, with the policy ``all``;
* *usual*: the pipeline of the peers' trainers re-created: a DataLoader whose workers decode each PNG with OpenCV, crop
  and augment it (rotation, translation, occlusion, blur) in numpy and OpenCV, and send float images; the same model
  and step.

Same model, batch, precision and optimiser in all three. Bare and ours take turns in windows of a few steps, so that a
machine that does other things slows both; a share is the median over the pairs of neighbouring windows. The faces are
our renders where a folder is given (--data), else made-up pictures of 512 px. Peak memory is that of a few steps of our
loop alone: the GPU's, or the whole process's on a CPU (Linux). The last line is
JSON: ``share_of_bare_step`` (resnet18-pip, 128 px, policy all) and ``shares``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command line does

import cv2
import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from fauxface.datasets import PADDING, FaceDataset, open_dataset
from fauxface.faces import Framing, landmark_box
from fauxface.files import write_text
from fauxface.info import machine
from fauxface.landmarks import FACE_SYNTHETICS70
from fauxface.models import FaceNetwork, Targets, build_model
from fauxface.training import TrainingConfig, loop
from fauxface.training.config import Scheduled
from fauxface.training.data import RunData, load_data
from fauxface.training.run import first_model
from fauxface.training.step import adamw, compiled, precision_of

MODELS = ("resnet18-pip", "mobilenetv3small-coordinates", "mobilenetv3-coordinates", "resnet50-coordinates")
SHARED = "resnet18-pip"
"""The model of ``share_of_bare_step``."""
FRAME = 512
"""Side of synthetic pictures, pixels, as in FaceSynthetics."""


@dataclass(frozen=True)
class Result:
    """One model: images a second, their shares, and peak memory in MiB."""

    bare: float
    ours: float
    usual: float | None
    share: float
    peak: float | None


class Stop(Exception):  # noqa: N818 – the end of a measurement, not an error
    """Raised to end the loop after the measurement."""


def write_pictures(folder: Path, count: int) -> Path:
    """Write pictures that take as long to decode as photographs, with 70 points each, in FaceSynthetics' layout."""
    random = np.random.default_rng(0)
    angle = np.linspace(0, 2 * np.pi, FACE_SYNTHETICS70.count, endpoint=False)
    ring = np.stack([np.cos(angle), 1.2 * np.sin(angle)], 1) * np.linspace(0.3, 1, len(angle))[:, None]
    for index in range(count):
        rough = random.integers(0, 256, (FRAME // 8, FRAME // 8, 3), np.uint8)
        image = cv2.resize(rough, (FRAME, FRAME), interpolation=cv2.INTER_CUBIC).astype(np.float32)
        image = np.clip(image + random.normal(0, 3, image.shape), 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{index:06d}.png"), image)
        points = ring * 0.25 * FRAME + FRAME / 2 + random.normal(0, 4, ring.shape)
        lines = "".join(f"{x:.3f} {y:.3f}\n" for x, y in points)
        (folder / f"{index:06d}_ldmks.txt").write_text(lines)
    return folder


class UsualDataset(Dataset):
    """The data set of the usual pipeline: decode, crop, augment and normalise each sample on the host."""

    def __init__(self, dataset: FaceDataset, size: int, length: int):
        self.dataset, self.size, self.length = dataset, size, length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        cv2.setNumThreads(0)
        random, size = np.random.default_rng(), self.size
        source = self.dataset.sources[index % len(self.dataset)]
        image = cv2.imread(str(source))
        assert image is not None, source
        image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        landmarks = np.loadtxt(source.with_name(f"{source.stem}_ldmks.txt"))
        crop = Framing().crop(landmark_box(landmarks, self.dataset.scheme), size)
        turn = cv2.getRotationMatrix2D((size / 2, size / 2), random.normal(0, 15), 1.0)
        turn[:, 2] += random.normal(0, 0.04 * size, 2)
        into = np.array([[1, 0, 0.5 - crop.x0], [0, 1, 0.5 - crop.y0]]) / crop.scale - [[0, 0, 0.5]] * 2
        matrix = turn @ np.vstack([into, [0, 0, 1]])
        face = cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        points = landmarks @ matrix[:, :2].T + matrix[:, 2]
        if random.random() < 0.5:
            sides = random.uniform(0.08, 0.5, 2) * size
            x, y = random.uniform(-0.05, 1.05, 2) * size - sides / 2
            corner, end = (int(max(x, 0)), int(max(y, 0))), (int(x + sides[0]), int(y + sides[1]))
            cv2.rectangle(face, corner, end, random.integers(0, 256, 3).tolist(), -1)
        if random.random() < 0.3:
            face = cv2.GaussianBlur(face, (0, 0), max(0.1, random.uniform(0, 0.015 * size)))
        return face.transpose(2, 0, 1).astype(np.float32) / 255, points.astype(np.float32)


@dataclass
class Bench:
    """A model with its optimiser on a device, and a batch that stays there."""

    fabric: Fabric
    model: FaceNetwork
    wrapped: Any
    optimizer: Any
    images: Tensor
    targets: Targets

    @classmethod
    def of(cls, config: Scheduled, data: RunData, fabric: Fabric) -> Bench:
        model = first_model(config, data)[0].to(fabric.device).to(memory_format=torch.channels_last).train()
        wrapped, optimizer = fabric.setup(compiled(model) if config.compile else model, adamw(model, config))
        count, size = config.batch, config.input_size
        images = torch.rand(count, 3, size, size, device=fabric.device).contiguous(memory_format=torch.channels_last)
        landmarks = torch.rand(count, FACE_SYNTHETICS70.count, 2, device=fabric.device) * size
        seen = None if data.train.visibility is None else torch.ones(landmarks.shape[:2], device=fabric.device) > 0
        return cls(fabric, model, wrapped, optimizer, images, Targets(landmarks, seen))

    def step(self, images: Tensor | None = None, targets: Targets | None = None) -> None:
        """One step, on the resident batch unless another is given."""
        outputs = self.wrapped(self.images if images is None else images)
        self.fabric.backward(self.model.loss(outputs, targets or self.targets))
        self.optimizer.step()
        self.optimizer.zero_grad()

    def seconds(self, steps: int) -> float:
        """Seconds of this many bare steps."""
        settle(self.fabric.device)
        began = time.perf_counter()
        for _ in range(steps):
            self.step()
        settle(self.fabric.device)
        return time.perf_counter() - began


def settle(device: torch.device) -> None:
    """Wait until the device has finished."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@contextmanager
def after_each_step(act: Callable[[], None]) -> Iterator[None]:
    """Within `fauxface train`'s own loop: ``act`` is called at the end of every step, and ends the run with Stop."""
    real = loop.WeightAverage.update

    def update(self: Any, step: int) -> None:
        real(self, step)
        act()

    loop.WeightAverage.update = update
    try:
        yield
    except Stop:
        pass
    finally:
        loop.WeightAverage.update = real


class Turns:
    """``window`` bare steps after each ``window`` steps of the loop; ``pairs`` has the seconds of both (bare, ours)."""

    def __init__(self, bench: Bench, window: int, budget: float):
        self.bench, self.window, self.budget = bench, window, budget
        self.pairs: list[tuple[float, float]] = []
        self.steps, self.began, self.end = 0, 0.0, 0.0

    def __call__(self) -> None:
        self.steps += 1
        if self.steps % self.window:
            return
        settle(self.bench.fabric.device)
        now = time.perf_counter()
        if self.steps == self.window:  # the first window warms up
            self.end = now + self.budget
        else:
            self.pairs.append((self.bench.seconds(self.window), now - self.began))
        if len(self.pairs) >= 3 and time.perf_counter() > self.end:
            raise Stop
        self.began = time.perf_counter()


def stop_after(steps: int) -> Callable[[], None]:
    """A callback that ends the run after this many steps."""
    left = iter(range(steps - 1))

    def act() -> None:
        if next(left, None) is None:
            raise Stop

    return act


def usual(bench: Bench, config: Scheduled, dataset: FaceDataset, workers: int, budget: float) -> float:
    """Images a second of the re-created pipeline, after its first two batches."""
    source = UsualDataset(dataset, config.input_size, 1 << 20)
    loader = DataLoader(source, config.batch, shuffle=True, num_workers=workers, pin_memory=on_gpu(bench.fabric.device))
    began, steps = 0.0, 0
    for number, (images, points) in enumerate(loader):
        images, points = (t.to(bench.fabric.device, non_blocking=True) for t in (images, points))
        bench.step(images.contiguous(memory_format=torch.channels_last), Targets(points, None))
        if number < 2:
            settle(bench.fabric.device)
            began = time.perf_counter()
            continue
        steps += 1
        if steps >= 3 and time.perf_counter() - began > budget:
            break
    settle(bench.fabric.device)
    return steps * config.batch / (time.perf_counter() - began)


def on_gpu(device: torch.device) -> bool:
    return device.type == "cuda"


def peak_mib(config: Scheduled, device: torch.device) -> float | None:
    """Peak memory of a few steps of the loop, MiB; None if the system does not report it."""
    own = Path("/proc/self")
    if on_gpu(device):
        torch.cuda.reset_peak_memory_stats(device)
    elif (own / "clear_refs").exists():
        (own / "clear_refs").write_text("5")  # Linux: reset the peak
    with after_each_step(stop_after(3)):
        loop.train(config)
    if on_gpu(device):
        return torch.cuda.max_memory_allocated(device) / 2**20
    if not (own / "status").exists():
        return None
    line = next(line for line in (own / "status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 2**10


def measure(config: Scheduled, window: int, budget: float, with_usual: bool, workers: int) -> Result:
    """Measure the bare step, the loop and the usual pipeline for one model."""
    fabric = Fabric(accelerator=config.accelerator, devices=1, precision=precision_of(config))
    peak = peak_mib(replace(config, out=config.out.with_name("peak")), fabric.device)
    shutil.rmtree(config.out.with_name("peak"))
    bench = Bench.of(config, load_data(replace(config, accelerator="cpu")), fabric)
    bench.seconds(2)
    turns = Turns(bench, window, budget)
    with after_each_step(turns):
        loop.train(config)
    images, pairs = window * config.batch, turns.pairs
    usually = usual(bench, config, open_dataset(config.data), workers, budget / 2) if with_usual else None
    bare, ours = (images / statistics.median(times) for times in zip(*pairs, strict=True))
    share = statistics.median(bare_s / ours_s for bare_s, ours_s in pairs)
    return Result(bare, ours, usually, share, peak)


def memory(name: str, size: int, batch: int, faces: int) -> str:
    """Estimate the memory of bf16 training on a GPU, without one: activations that autograd keeps, and all buffers."""
    torch.manual_seed(0)
    model = build_model(name, size, FACE_SYNTHETICS70.name).train().to(memory_format=torch.channels_last)
    own = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
            alive.append(tensor)
        return tensor

    few, alive = 4, []  # alive: an address that is used again would be counted once
    images = torch.rand(few, 3, size, size).contiguous(memory_format=torch.channels_last)
    with (
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
        torch.autocast("cpu", torch.bfloat16),
    ):
        outputs = model(images)
        model.loss(outputs, Targets(torch.rand(few, FACE_SYNTHETICS70.count, 2) * size, None))
    parameters = sum(p.numel() for p in model.parameters())
    side = size + 2 * round(PADDING * size)
    parts = {
        "weights, gradients, Adam's two moments, average": 5 * 4 * parameters,
        "weights in bf16": 2 * parameters,
        f"activations of a batch of {batch}": sum(kept.values()) * batch // few,
        "a batch and its augmentation": 8 * batch * 3 * 4 * size**2,
        f"{faces} crops": faces * 3 * side**2,
    }
    lines = [f"  {bytes_ / 2**20:8.0f} MiB  {what}" for what, bytes_ in parts.items()]
    return "\n".join([f"{name}, {size} px: {sum(parts.values()) / 2**30:.2f} GiB", *lines])


def options_of_command_line() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two models, few steps: under 50 s on two cores")
    parser.add_argument("--models", nargs="+", default=None, help=f"default: {' '.join(MODELS)}")
    parser.add_argument("--neck", choices=("none", "fuse"), default=None, help="of models of the method pip")
    parser.add_argument("--data", type=Path, default=None, help="folder of renders; default: synthetic pictures")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60.0, help="approximate time for each model")
    parser.add_argument("--workers", type=int, default=None, help="the usual pipeline's; default: one a core")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--accelerator", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--memory", action="store_true", help="estimate a GPU's memory instead")
    parser.add_argument("--json", type=Path, default=None, help="also write the result there")
    return parser.parse_args()


def measure_all(names: Sequence[str], options: argparse.Namespace, budget: float, batch: int) -> dict[str, Result]:
    """Measure each model, and print a line for it."""
    found: dict[str, Result] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "faces").mkdir()
        data = options.data or write_pictures(folder / "faces", 40 if options.quick else 400)
        for number, name in enumerate(names):
            config = TrainingConfig(
                data=data,
                out=folder / f"run-{number}",
                packs=folder / "packs",
                model=name,
                neck=options.neck if name.endswith("-pip") else None,
                steps=1 << 30,
                batch=batch,
                input_size=options.size,
                compile=options.compile,
                accelerator=options.accelerator,
            ).scheduled()
            window = 1 if options.quick else 10
            result = measure(config, window, budget, not options.quick, options.workers or torch.get_num_threads())
            found[name] = result
            ahead = f", usual {result.usual:.1f} (ours {result.ours / result.usual:.1f} × it)" if result.usual else ""
            print(
                f"{name:<30} bare {result.bare:8.1f}, ours {result.ours:8.1f} images/s "
                f"({100 * result.share:.1f} %){ahead}, peak {result.peak or 0:.0f} MiB",
                flush=True,
            )
    return found


def main() -> None:
    options = options_of_command_line()
    names = options.models or (MODELS[:2] if options.quick else MODELS)
    if options.memory:
        print("an estimate, not a measurement; the CUDA context and cuDNN's workspaces (about 0.5-1 GiB) come on top")
        for name in names:
            print(memory(name, options.size, options.batch, 10_000))
        return
    budget = 8.0 if options.quick else options.seconds
    batch = 32 if options.quick else options.batch
    found = measure_all(names, options, budget, batch)
    record: dict[str, Any] = {
        "share_of_bare_step": round(found[SHARED].share, 4) if SHARED in found else None,
        "shares": {name: round(result.share, 4) for name, result in found.items()},
        "images_per_s": {
            name: {k: v and round(v, 4 if k == "share" else 1) for k, v in vars(result).items()}
            for name, result in found.items()
        },
        "size": options.size,
        "batch": batch,
        "machine": machine(),
    }
    if options.json:
        write_text(options.json, json.dumps(record, indent=1) + "\n")
    print(json.dumps(record))


if __name__ == "__main__":
    main()
