"""What a training run is told. No torch here: the command line reads this for its help."""

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
"""PIPNet's settings (Jin et al. 2021); AdamW without decay is Adam."""
PAPER_EPOCHS = 60
ONE_STAGE = {"input_size": 320, "batch": 16, "lr": 1e-3}
"""Settings of the model one-stage, which sees frames."""
PIP_ONLY = ("neighbours", "stride", "neck", "neck_width")
"""Fields that decide the shapes of <backbone>-pip's weights."""
CROPS_ONLY = (
    *("format", "split", "pretrained", "loss", *PIP_ONLY, "crop", "crop_margin", "packs", "in_memory", "targets"),
    *("teacher", "teacher_weight"),
)
"""Fields that one-stage has no use for."""
MAY_CHANGE = ("resume", "threads", "workers", "accelerator", "packs", "in_memory")
"""Fields in which a resumed run may differ from how it began."""


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides a training run; `scheduled` settles what is left to the model and the schedule."""

    data: Path
    """Folder of labelled faces: rendered ones, or any other format that can be read."""
    out: Path
    """The run's folder, which must be new or empty unless the run is resumed."""
    model: str = "mobilenetv3-coordinates"
    """The model's name, <backbone>-<method>, e.g. mobilenetv3small-coordinates or resnet50-coordinates; or one-stage, a
    detector of faces with their landmarks, which learns from frames with several (fauxface render --faces 0-5). It
    composes and augments them in its own way (all) or, with --augment none, not at all."""
    format: FormatName = "auto"
    """How the faces lie in the folder; auto looks. Other packages may bring further formats."""
    split: str | None = None
    """Learn from one of the format's official splits only, such as train: without it, from all that is there."""
    images: Count | None = None
    """Train on this many of the images, drawn by the seed; the 1,000 are among the 10,000. Default: all."""
    augment: str = "all"
    """The augmentation policy: none, translation-occlusion, all, or strong (for photographs); or one made by its name:
    all-rotation (all without it), all+colour (with it), only-blur (it alone)."""
    epochs: Amount | None = None
    """Budget: passes over the data. Default, when no budget is given: 100."""
    steps: Amount | None = None
    """Budget: optimiser steps."""
    samples: Amount | None = None
    """Budget: faces seen in all, repeats counted."""
    batch: Batch | None = None
    """Faces (one-stage: frames) a step. Default: 64; 16 of one-stage and of the paper's schedule."""
    seed: Seed = 0
    """Decides the images, the held-out ones, the first weights, the order and every augmentation."""
    init: str | None = None
    """Start from this checkpoint (a folder, a run, or the name of shipped weights) instead of random weights. Of models
    that are all convolutions (pip, one-stage) --input-size may be another than there."""
    teacher: str | None = None
    """Learn from this checkpoint's answers too (a folder, a run, or the name of shipped weights), on the same augmented
    crops: its points and, of <backbone>-pip, its score maps. It may see crops of another size."""
    teacher_weight: Weight = 1.0
    """Weight of the loss against the teacher's answers; that against the labels has 1."""
    resume: bool = False
    """Go on where an interrupted run in the folder stopped; if nothing is there, start."""
    labels: Literal["2d", "projected"] | None = None
    """Which rendered labels to learn. Default: 2d where every image has them, else projected."""
    targets: tuple[str, ...] | None = None
    """What to learn, landmarks first; each beside landmarks and visibility gets a small head of its own. Default:
    landmarks, and visibility where the data tells it."""
    skip_bad: bool = False
    """Leave out images that cannot be read, naming and counting them, instead of stopping at the first."""
    val_data: Path | None = None
    """Folder of held-out faces to validate on. Default: a share of the data, held out by the seed."""
    val_fraction: Fraction = 0.05
    """The share of the data that is held out when there is no folder for it (at most 500 images)."""
    input_size: InputSide | None = None
    """Side of the crops (one-stage: of the frames) that the model sees, pixels. Default: that of --init; 128
    without it, 320 of one-stage."""
    crop: CropKind = "box"
    """What faces are cut out by: the face's box; level, that box's square turned by the face's roll, and then the
    policy's rotation is the few degrees by which a roll may be wrong; or five points (eyes, nose tip, mouth's corners),
    which set the crop upright too; then flip, rotation, shift and scale are as the augmentation policy says."""
    crop_margin: Margin = CROP_MARGIN
    """Side of the crop in units of the face box's longer side; with five points a frontal face's, × 1.25."""
    loss: Literal["smooth_l1", "l1", "l2", "wing", "gaussian"] = "smooth_l1"
    """The loss of <backbone>-coordinates; gaussian learns each point's σ too. Other methods have their own."""
    neighbours: Neighbours | None = None
    """How many neighbours each landmark of <backbone>-pip locates too; 0 is none. Default: the paper's 10."""
    stride: Literal[32, 64, 128] | None = None
    """The stride of <backbone>-pip as the paper counts it, at 256 px: 8, 4 or 2 cells a side at every input size.
    Default: 32."""
    neck: Literal["none", "fuse"] | None = None
    """Neck of <backbone>-pip: fuse keeps the backbone's deepest stage and brings its maps of stride 8, 16 and 32
    together on the one that the model reads. Default: none."""
    neck_width: NeckWidth | None = None
    """Channels of that neck. Default: those of the map that is read, at least 128 and at most 192."""
    schedule: Literal["ours", "paper"] = "ours"
    """Paper is PIPNet's: Adam at 1e-4, batch 16, 60 epochs, the rate a tenth after half and again after 5/6 of the run;
    no warm-up, averaging or decay. Of these, what is given stays as given."""
    lr: Rate | None = None
    """The highest learning rate: reached after the warm-up, falls along a cosine to 0. Default: 0.0015; 0.001 of
    one-stage, 0.0001 of the paper's schedule."""
    weight_decay: Decay | None = None
    """AdamW's weight decay; norms and biases have none. Default: 0.05; 0 of the paper's schedule."""
    warmup: Warmup | None = None
    """Steps over which the learning rate rises (at most a tenth of the run). Default: 200; 0 of the paper's
    schedule."""
    ema: Fraction | None = None
    """How much of the weights' running average is kept each step; 0 is no averaging. Default: 0.998; 0 of the paper's
    schedule."""
    precision: Literal["auto", "32", "bf16"] = "auto"
    """Arithmetic of the forward pass; auto is bf16 where the hardware gains by it."""
    pretrained: bool = False
    """Start the backbone from the model hub's weights (downloaded; the result is for research only)."""
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to train."""
    devices: Together = 1
    """GPUs, or processes on the CPU, that train together, each with its share of the batch. On a CPU as many as there
    are cores is fastest for small models."""
    nodes: Together = 1
    """Machines that train together (start the same command on each with torchrun, see the docs)."""
    accumulate: Together = 1
    """Take each batch in so many pieces one after the other: less memory; batch norm sees a piece at a time."""
    compile: bool = False
    """Compile the model (torch.compile): half a minute or more at the start, faster steps on most GPUs."""
    sync_batchnorm: bool = False
    """Batch normalisation over the batches of all GPUs."""
    threads: Threads = 0
    """CPU threads of each training process; 0 shares all cores among them."""
    workers: Workers = 0
    """CPU threads that read images; 0 is as many as there are cores, at most 8."""
    packs: Path | None = None
    """Folder for the packs of decoded crops that later runs open at once (see fauxface pack). Default: the user's cache
    folder."""
    in_memory: bool = False
    """Decode the images anew and hold the crops in memory; no packs."""

    def scheduled(self) -> Scheduled:
        """The configuration with nothing left open, whatever was given as it is; the same again if asked twice."""
        settings = (ONE_STAGE if self.model == "one-stage" else {}) | (PAPER if self.schedule == "paper" else {})
        if self.schedule == "paper" and self.epochs is None and self.steps is None and self.samples is None:
            settings["epochs"] = PAPER_EPOCHS
        return Scheduled(**settings | {name: value for name, value in vars(self).items() if value is not None})

    @property
    def framing(self) -> Framing:
        """How faces are cut out."""
        return Framing(self.crop, self.crop_margin)

    def model_options(self) -> dict[str, Any]:
        """What the model is told beyond its name and size: only what is not the method's default."""
        options: dict[str, Any] = {} if self.loss == "smooth_l1" else {"loss": self.loss}
        if extra := extra_targets(self.targets or ()):
            options["targets"] = list(extra)
        return options | {name: value for name in PIP_ONLY if (value := getattr(self, name)) is not None}

    def as_dict(self) -> dict[str, Any]:
        """The fields as YAML can hold them."""
        kept = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
        return {name: str(value) if isinstance(value, Path) else value for name, value in kept.items()}

    def differences(self, earlier: dict[str, Any]) -> list[str]:
        """Names of the fields whose change makes this another run than ``earlier`` (``as_dict`` of that one)."""
        now = self.as_dict()  # a run of an older version lacks newer fields: it ran as their defaults say
        return [
            f.name for f in fields(self) if f.name not in MAY_CHANGE and now[f.name] != earlier.get(f.name, f.default)
        ]


@dataclass(frozen=True)
class Scheduled(TrainingConfig):
    """A configuration with nothing left open. The defaults are ours for models that see crops."""

    input_size: InputSide = 128
    batch: Batch = 64
    lr: Rate = 1.5e-3
    weight_decay: Decay = 0.05
    warmup: Warmup = 200
    ema: Fraction = 0.998

    def check(self) -> None:
        """ValueError, in one line, for settings that cannot be."""
        check_fields(self)
        budgets = [name for name in ("epochs", "steps", "samples") if getattr(self, name) is not None]
        if len(budgets) > 1:
            raise ValueError(f"one budget only, not --{' and --'.join(budgets)}")
        pieces = self.devices * self.nodes * self.accumulate
        if self.batch % pieces:
            raise ValueError(
                f"--batch {self.batch} cannot be shared evenly among {pieces} (--devices × --nodes × --accumulate)"
            )
        if self.targets is not None and "landmarks" not in self.targets:
            raise ValueError(f"--targets must hold landmarks, which every model learns, not {' '.join(self.targets)}")
        extra_targets(self.targets or ())
        if self.model == "one-stage":
            self._check_for_frames()
        if self.pretrained and self.init is not None:
            raise ValueError("--pretrained and --init both say where to start: give one")

    def _check_for_frames(self) -> None:
        wrong = [
            f"--{name.replace('_', '-')}" for name in CROPS_ONLY if getattr(self, name) != getattr(Scheduled, name)
        ]
        wrong += ["--labels projected"] if self.labels == "projected" else []
        wrong += [] if self.augment in ("all", "none") else [f"--augment {self.augment}"]
        if wrong:
            raise ValueError(
                f"one-stage cannot take {', '.join(wrong)}: it sees whole frames, learns their 2d labels, and composes "
                "and augments them in its own way (--augment all) or not at all (none)"
            )
