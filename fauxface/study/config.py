"""Settings of a study, and the cells that follow from them. No torch here: the command line reads this for its help."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import arg

from fauxface.evaluation.config import DETECTORS, DetectorName, Labels
from fauxface.ranges import Amount, Batch, Images, InputSide, Seeds, Together, check_fields
from fauxface.training.config import Scheduled, TrainingConfig

Schedule = Literal["ours", "paper"]
Accelerator = Literal["auto", "cpu", "cuda", "mps"]

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
        images: number of training images.
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
    schedule: Schedule
    input_size: int
    batch: int
    devices: int
    labels: Labels | None
    data: str
    val: str

    @property
    def identity(self) -> str:
        """Hash of all attributes: a changed setting makes another cell."""
        return hashlib.blake2b(json.dumps(asdict(self), sort_keys=True).encode(), digest_size=6).hexdigest()

    @property
    def name(self) -> str:
        """Name in the overview."""
        return f"{self.model}, {self.images:,} images, {self.policy}, seed {self.seed}"


@dataclass(frozen=True)
class StudyConfig:
    """Settings of a study, and the cells that follow from them."""

    data: Path
    """Folder of labelled faces to train on."""
    test: Annotated[tuple[Path, ...], arg(metavar="DIR ...")]
    """Folders of labelled faces to score on, rendered or annotated. No two may have the same name."""
    out: Path
    """Folder of the study. It must be new, empty, or hold an earlier study, which continues (its
    results.csv alone is enough). Folders archive-... in it are left alone."""
    models: Annotated[tuple[str, ...], arg(metavar="NAME ...")] = MODELS
    """Models to train, named as for `fauxface train --model`."""
    images: Annotated[tuple[Images, ...], arg(metavar="INT ...")] = (1_000, 10_000)
    """Numbers of training images. The images of a smaller number are among those of a larger one."""
    policies: Annotated[tuple[str, ...], arg(metavar="NAME ...")] = POLICIES
    """Augmentation policies, named as for `fauxface train --augment`: also all-rotation, all+colour,
    only-blur, ..."""
    seeds: Seeds = 3
    """Runs of each combination, with the seeds 0, 1, ..."""
    samples: Amount | None = None
    """Faces that each cell sees in training, repeats counted. Default: 64000 on a CPU, 192000 on a GPU."""
    schedule: Schedule = "ours"
    """Training schedule: ours, or paper (the 60 epochs of PIPNet for every number of images)."""
    ablations: bool = False
    """At the largest number of images, also try the policy `all` without each of its four
    augmentations, `all` with colour, and each of the five alone."""
    curve: Annotated[tuple[Images, ...], arg(metavar="INT ...")] = ()
    """Further numbers of images, for a learning curve with a fitted power law."""
    curve_policy: str = "all"
    """Augmentation policy of the learning curve."""
    adapt_data: Path | None = None
    """Annotated faces to fit a label adapter to for each cell (see `fauxface adapt`). Without them,
    only raw scores are computed."""
    adapt_split: Annotated[str | None, arg(metavar="NAME")] = None
    """Official part of the adapters' data: train, lfpw/trainset, ..."""
    val_data: Path | None = None
    """Labelled faces for the validation errors in the training logs; nothing is chosen by them.
    Without them, one image of each cell is held out."""
    labels: Labels | None = None
    """Convention of rendered labels to learn. Default: 2d where every image has it, else projected."""
    input_size: InputSide = 128
    """Side of the crops, pixels."""
    batch: Batch = 64
    """Faces per training step."""
    devices: Together = 1
    """GPUs, or processes on the CPU, that train one cell together."""
    accelerator: Accelerator = "auto"
    """Device to train on."""
    workers: Together = 1
    """Cells that run at the same time on this machine; they share its cores."""
    dask: Annotated[str | None, arg(metavar="ADDRESS")] = None
    """Address of a Dask scheduler whose workers run one cell each. The workers must find OUT and the
    data under the same paths."""
    detector: DetectorName = DETECTORS[0]
    """Face detector of the second box protocol: one of these names, or the folder of a one-stage
    checkpoint."""

    def check(self) -> None:
        """Raise ValueError, in one line, for impossible settings."""
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
        """Every cell, all those of the first seed before the second's: an unfinished study then holds a whole grid.

        Args:
            samples: faces that a cell sees where the settings leave it open.
            data: hash of the training data, as `Cell` has it.
            val: hash of the validation data, or an empty text.
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
        """Settings of a cell's training run. Without data to validate on, one image is held out, the fewest possible.

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
