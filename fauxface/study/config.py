"""What a study is told, and the cells that follow from it. No torch here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from fauxface.ranges import Amount, Batch, Images, InputSide, Seeds, Together, check_fields
from fauxface.training.config import Scheduled, TrainingConfig

MODELS = ("mobilenetv3-coordinates", "resnet50-coordinates", "resnet18-pip", "mobilenetv2-heatmaps")
POLICIES = ("none", "translation-occlusion", "all")
SAMPLES_CPU, SAMPLES_GPU = 64_000, 192_000
"""Faces that a cell sees in training, repeats counted, whatever its number of images."""
FOUR = ("rotation", "translation", "occlusion", "blur")
ABLATIONS = (*(f"all-{part}" for part in FOUR), "all+colour", *(f"only-{part}" for part in (*FOUR, "colour")))
"""Each of the study's four augmentations left out, colour added, and each alone."""


@dataclass(frozen=True)
class Cell:
    """One run of the study: everything that decides its weights.

    Attributes:
        model: the model's name.
        images: how many it is trained on.
        policy: the augmentation policy.
        seed: of the images drawn, the first weights, the order and the augmentation.
        samples: faces seen in all; None for the schedule's own number of epochs.
        schedule: ``ours`` or ``paper``.
        input_size: side of the crops, pixels.
        batch: faces a step.
        devices: processes that train together.
        labels: the rendered labels' convention, or None for the data's own.
        data: a hash of the training data.
        val: a hash of the data that the log is validated on, or an empty text for none.
    """

    model: str
    images: int
    policy: str
    seed: int
    samples: int | None
    schedule: Literal["ours", "paper"]
    input_size: int
    batch: int
    devices: int
    labels: Literal["2d", "projected"] | None
    data: str
    val: str

    @property
    def identity(self) -> str:
        """A hash of all of it: a changed setting is another cell."""
        return hashlib.blake2b(json.dumps(asdict(self), sort_keys=True).encode(), digest_size=6).hexdigest()

    @property
    def name(self) -> str:
        """As the overview shows it."""
        return f"{self.model}, {self.images:,} images, {self.policy}, seed {self.seed}"


@dataclass(frozen=True)
class StudyConfig:
    """What a study is told; the command's help explains each."""

    data: Path
    test: tuple[Path, ...]
    out: Path
    models: tuple[str, ...] = MODELS
    images: tuple[Images, ...] = (1_000, 10_000)
    policies: tuple[str, ...] = POLICIES
    seeds: Seeds = 3
    samples: Amount | None = None
    schedule: Literal["ours", "paper"] = "ours"
    ablations: bool = False
    curve: tuple[Images, ...] = ()
    curve_policy: str = "all"
    adapt_data: Path | None = None
    adapt_split: str | None = None
    val_data: Path | None = None
    labels: Literal["2d", "projected"] | None = None
    input_size: InputSide = 128
    batch: Batch = 64
    devices: Together = 1
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    workers: Together = 1
    dask: str | None = None
    detector: str = "retinaface"

    def check(self) -> None:
        """ValueError, in one line, for settings that cannot be."""
        check_fields(self)
        for name in ("test", "models", "images", "policies"):
            if not getattr(self, name):
                raise ValueError(f"--{name} needs at least one")
        if self.samples is not None and self.schedule == "paper":
            raise ValueError("--schedule paper has its own number of epochs: no --samples beside it")

    def combinations(self) -> list[tuple[str, int, str]]:
        """Model, images and policy of every group of cells: the grid, then the ablations, then the learning curve."""
        found = [(m, n, p) for n in sorted(self.images) for p in self.policies for m in self.models]
        if self.ablations:
            found += [(m, max(self.images), p) for p in ABLATIONS for m in self.models]
        found += [(m, n, self.curve_policy) for n in sorted(self.curve) for m in self.models]
        return list(dict.fromkeys(found))

    def cells(self, samples: int, data: str, val: str) -> Iterator[Cell]:
        """Every cell, the first seed's before the second's: an unfinished study then holds a whole grid.

        ``samples`` where none are given; hashes of the data as `Cell` has them.
        """
        budget = None if self.schedule == "paper" else self.samples or samples
        for seed in range(self.seeds):
            for model, images, policy in self.combinations():
                yield Cell(
                    model=model,
                    images=images,
                    policy=policy,
                    seed=seed,
                    samples=budget,
                    schedule=self.schedule,
                    input_size=self.input_size,
                    batch=self.batch,
                    devices=self.devices,
                    labels=self.labels,
                    data=data,
                    val=val,
                )

    def training(self, cell: Cell, out: Path, threads: int) -> Scheduled:
        """The training run of a cell. Without data to validate on, one image is held out: the least there is.

        The study's default batch leaves the batch to the schedule.
        """
        return TrainingConfig(
            data=self.data,
            out=out,
            model=cell.model,
            images=cell.images,
            augment=cell.policy,
            samples=cell.samples,
            batch=None if cell.batch == StudyConfig.batch else cell.batch,
            seed=cell.seed,
            resume=True,
            labels=cell.labels,
            val_data=self.val_data,
            val_fraction=0.0,
            input_size=cell.input_size,
            schedule=cell.schedule,
            accelerator=self.accelerator,
            devices=cell.devices,
            threads=threads,
        ).scheduled()

    def as_dict(self) -> dict[str, Any]:
        """The fields as YAML can hold them."""

        def plain(value: Any) -> Any:
            if isinstance(value, tuple):
                return [plain(v) for v in value]
            return str(value) if isinstance(value, Path) else value

        return {name: plain(value) for name, value in vars(self).items()}
