"""Configuration of a training run. Imports no torch, because the command line needs it for `--help`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from fauxface.datasets.formats import FormatName
from fauxface.faces import CROP_MARGIN, CropKind, Framing
from fauxface.ranges import (
    Amount,
    Batch,
    Count,
    Decay,
    Fraction,
    InputSide,
    Margin,
    NeckWidth,
    Neighbours,
    Rate,
    Seed,
    Threads,
    Together,
    Warmup,
    Weight,
    Workers,
    check_fields,
)
from fauxface.targets import extra_targets

DEFAULT_EPOCHS = 100
PAPER = {"lr": 1e-4, "batch": 16, "weight_decay": 0.0, "warmup": 0, "ema": 0.0}
"""Settings of PIPNet (Jin et al. 2021); AdamW without decay is Adam."""
PAPER_EPOCHS = 60
ONE_STAGE = {"input_size": 320, "batch": 16, "lr": 1e-3}
"""Settings of the model one-stage, which learns from frames."""
PIP_ONLY = ("neighbours", "stride", "neck", "neck_width")
"""Fields that determine the shapes of the weights of <backbone>-pip."""
CROPS_ONLY = (
    *("format", "split", "pretrained", "loss", *PIP_ONLY, "crop", "crop_margin", "packs", "in_memory", "targets"),
    *("teacher", "teacher_weight"),
)
"""Fields that one-stage does not use."""
MAY_CHANGE = ("resume", "threads", "workers", "accelerator", "packs", "in_memory", "logger")
"""Fields that may change when a run is resumed."""


@dataclass(frozen=True)
class TrainingConfig:
    """Settings of a training run; `scheduled` fills in those that depend on the model and the schedule."""

    data: Path
    """Folder of labelled faces: renders, or a data set in another known format."""
    out: Path
    """Folder of the run. It must be new or empty, except with --resume."""
    model: str = "mobilenetv3-coordinates"
    """Name of the model, <backbone>-<method>, e.g. mobilenetv3small-pip or resnet50-coordinates; or one-stage, a
    detector of faces and their landmarks. one-stage learns from frames with several faces (fauxface render --faces
    0-5); it has its own augmentation (--augment all), which --augment none switches off."""
    format: FormatName = "auto"
    """Format of the folder; auto finds it out. Other packages may add formats."""
    split: str | None = None
    """Official split of the data to learn from, such as train. Default: all faces in the folder."""
    images: Count | None = None
    """Number of images to train on, chosen at random by the seed; 10,000 include the 1,000. Default: all."""
    augment: str = "all"
    """Augmentation policy: none, translation-occlusion, all, or strong (best for photographs). Augmentations can be
    removed or added by name: all-rotation, all+colour, only-blur."""
    epochs: Amount | None = None
    """Budget: passes over the data. Default, without --steps and --samples: 100."""
    steps: Amount | None = None
    """Budget: optimiser steps."""
    samples: Amount | None = None
    """Budget: faces in total, counting repeats."""
    batch: Batch | None = None
    """Faces (one-stage: frames) in a step. Default: 64; 16 for one-stage and for the paper's schedule."""
    seed: Seed = 0
    """Seed of everything random: choice of images, held-out images, first weights, order, augmentation."""
    init: str | None = None
    """Checkpoint to start from (a folder, a run, or the name of shipped weights) instead of random weights. pip and
    one-stage, which consist of convolutions, may continue with another --input-size. With --neck, pip's backbone may
    be that of a checkpoint without a neck; what follows it then starts from random weights."""
    teacher: str | None = None
    """Checkpoint whose predictions the model learns as well (a folder, a run, or the name of shipped weights): its
    points on the same augmented crops and, for <backbone>-pip, its score maps. It may have another input size."""
    teacher_weight: Weight = 1.0
    """Weight of the loss against the teacher's predictions; the loss against the labels has weight 1."""
    resume: bool = False
    """Continue an interrupted run in the folder; start a new one if there is none."""
    labels: Literal["2d", "projected"] | None = None
    """Convention of the labels of renders. Default: 2d if every image has them, otherwise projected."""
    targets: tuple[str, ...] | None = None
    """Targets to learn; landmarks must be among them. Each target except landmarks and visibility gets a small head.
    Default: landmarks, and visibility if the data has it."""
    skip_bad: bool = False
    """List and leave out images that cannot be read, instead of stopping at the first."""
    val_data: Path | None = None
    """Folder of faces for validation. Default: a share of the data, held out by the seed."""
    without_faces: Path | None = None
    """Folder of pictures that show no faces; one-stage learns from them what is no face. A quarter of the pieces of its
    frames come from there. Its sources.json, a list of texts, says where they are from; without that file the weights
    are for research only."""
    val_fraction: Fraction = 0.05
    """Share of the data held out for validation without --val-data (at most 500 images)."""
    input_size: InputSide | None = None
    """Side of the model's crops (one-stage: frames), pixels. Default: that of --init; without it 128, or 320 for
    one-stage."""
    crop: CropKind = "box"
    """Kind of crop. box: the upright square around the face's box. level: the same square rotated by the face's roll,
    with random rotation of only a few degrees. five-points: a square aligned with eyes, nose tip and mouth corners."""
    crop_margin: Margin = CROP_MARGIN
    """Side of the crop in units of the longer side of the face's box; for five-points that of a frontal face, ×
    1.25."""
    loss: Literal["smooth_l1", "l1", "l2", "wing", "gaussian"] = "smooth_l1"
    """Loss of <backbone>-coordinates; gaussian also learns each point's σ. Other methods have their own loss."""
    neighbours: Neighbours | None = None
    """Neighbours that each landmark of <backbone>-pip predicts as well; 0 means none. Default: 10, as in the paper."""
    stride: Literal[32, 64, 128] | None = None
    """Stride of <backbone>-pip as in the paper, at 256 px: 8, 4 or 2 cells per side for every input size. Default:
    32."""
    neck: Literal["none", "fuse"] | None = None
    """Neck of <backbone>-pip: fuse combines the backbone's maps of stride 8, 16 and 32 in the one that the model uses.
    Default: none."""
    neck_width: NeckWidth | None = None
    """Channels of the neck. Default: those of the map that the model uses, at least 128 and at most 192."""
    schedule: Literal["ours", "paper"] = "ours"
    """Default settings of the optimiser. paper is PIPNet's: Adam at 1e-4, divided by 10 after 1/2 and after 5/6 of the
    run, batch 16, 60 epochs, no warm-up, averaging or decay. Options that are given have priority."""
    lr: Rate | None = None
    """Highest learning rate; it is reached after the warm-up and falls along a cosine to 0. Default: 0.0015; 0.001 for
    one-stage, 0.0001 for the paper's schedule."""
    weight_decay: Decay | None = None
    """Weight decay of AdamW; norms and biases have none. Default: 0.05; 0 for the paper's schedule."""
    warmup: Warmup | None = None
    """Steps in which the learning rate rises (at most a tenth of the run). Default: 200; 0 for the paper's schedule."""
    ema: Fraction | None = None
    """Share of the running average of the weights that each step keeps; 0 means no averaging. Default: 0.998; 0 for
    the paper's schedule."""
    precision: Literal["auto", "32", "bf16"] = "auto"
    """Arithmetic of the forward pass; auto uses bf16 if it is faster on the hardware."""
    pretrained: bool = False
    """Start the backbone from downloaded weights of the model hub; the result is for research only."""
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Hardware to train on; auto takes a GPU if there is one."""
    devices: Together = 1
    """GPUs, or processes on the CPU, that train together, each with a share of the batch. On a CPU, one per core is
    fastest for small models."""
    nodes: Together = 1
    """Machines that train together (start the same command on each with torchrun, see the docs)."""
    accumulate: Together = 1
    """Parts in which each batch is processed, one after another, to save memory; batch norm sees one part at a time."""
    compile: bool = False
    """Compile the model (torch.compile): half a minute or more at the start, faster steps on most GPUs."""
    sync_batchnorm: bool = False
    """Compute batch normalisation over the batches of all GPUs."""
    threads: Threads = 0
    """CPU threads of each training process; 0 divides all cores among them."""
    workers: Workers = 0
    """CPU threads that read images; 0 means one per core, at most 8."""
    packs: Path | None = None
    """Folder for packs, the decoded crops that later runs reuse (see fauxface pack). Default: the user's cache
    folder."""
    in_memory: bool = False
    """Decode the images for this run only and keep the crops in memory, without packs."""
    logger: Literal["tensorboard", "mlflow", "wandb"] | None = None
    """Also show the log in TensorBoard (files in the run's folder), MLflow or Weights & Biases, which must be
    installed."""

    def scheduled(self) -> Scheduled:
        """Fill unset fields from the model's and the schedule's defaults; calling it twice changes nothing."""
        settings = (ONE_STAGE if self.model == "one-stage" else {}) | (PAPER if self.schedule == "paper" else {})
        if self.schedule == "paper" and self.epochs is None and self.steps is None and self.samples is None:
            settings["epochs"] = PAPER_EPOCHS
        return Scheduled(**settings | {name: value for name, value in vars(self).items() if value is not None})

    @property
    def framing(self) -> Framing:
        """The way faces are cropped."""
        return Framing(self.crop, self.crop_margin)

    def model_options(self) -> dict[str, Any]:
        """Options for `build_model` that differ from the method's defaults."""
        options: dict[str, Any] = {} if self.loss == "smooth_l1" else {"loss": self.loss}
        if extra := extra_targets(self.targets or ()):
            options["targets"] = list(extra)
        return options | {name: value for name in PIP_ONLY if (value := getattr(self, name)) is not None}

    def as_dict(self) -> dict[str, Any]:
        """The fields with types that YAML has."""
        kept = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
        return {name: str(value) if isinstance(value, Path) else value for name, value in kept.items()}

    def differences(self, earlier: dict[str, Any]) -> list[str]:
        """Names of the fields that differ from ``earlier`` (its ``as_dict``) and must not change in a resumed run."""
        now = self.as_dict()  # a run of an older version lacks newer fields; it ran with their defaults
        return [
            f.name for f in fields(self) if f.name not in MAY_CHANGE and now[f.name] != earlier.get(f.name, f.default)
        ]


@dataclass(frozen=True)
class Scheduled(TrainingConfig):
    """A configuration without unset fields. The defaults are those for models that learn from crops."""

    input_size: InputSide = 128
    batch: Batch = 64
    lr: Rate = 1.5e-3
    weight_decay: Decay = 0.05
    warmup: Warmup = 200
    ema: Fraction = 0.998

    def check(self) -> None:
        """Raise a ValueError of one line for impossible settings."""
        check_fields(self)
        budgets = [name for name in ("epochs", "steps", "samples") if getattr(self, name) is not None]
        if len(budgets) > 1:
            raise ValueError(f"give only one budget, not --{' and --'.join(budgets)}")
        pieces = self.devices * self.nodes * self.accumulate
        if self.batch % pieces:
            raise ValueError(
                f"--batch {self.batch} cannot be shared evenly among {pieces} (--devices × --nodes × --accumulate)"
            )
        if self.targets is not None and "landmarks" not in self.targets:
            raise ValueError(
                f"--targets must include landmarks, which every model learns, not only {' '.join(self.targets)}"
            )
        extra_targets(self.targets or ())
        if self.model == "one-stage":
            self._check_for_frames()
        elif self.without_faces is not None:
            raise ValueError(f"--without-faces is for the model one-stage; {self.model} learns from crops of faces")

    def _check_for_frames(self) -> None:
        wrong = [
            f"--{name.replace('_', '-')}" for name in CROPS_ONLY if getattr(self, name) != getattr(Scheduled, name)
        ]
        wrong += ["--labels projected"] if self.labels == "projected" else []
        wrong += [] if self.augment in ("all", "none") else [f"--augment {self.augment}"]
        if wrong:
            raise ValueError(
                f"one-stage does not accept {', '.join(wrong)}: it learns 2d labels of whole frames, with its own "
                "augmentation (--augment all) or none (--augment none)"
            )
