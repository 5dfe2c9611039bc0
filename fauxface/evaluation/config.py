"""Settings of `fauxface evaluate` and `fauxface adapt`. No torch here: the command line reads this for its help."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Fixed, Positional, Suppress, arg

from fauxface.datasets.base import Labels
from fauxface.datasets.formats import FormatName
from fauxface.inference.config import DETECTORS, CheckpointName, DetectorName
from fauxface.metrics import Normaliser
from fauxface.ranges import Folds, Seed, Threads

Boxes = Literal["landmarks", "detector"]
"""Sources of a face's crop: the box of its annotated points, or a face detector."""
BoxChoice = Literal["both", Boxes]


@dataclass(frozen=True)
class EvaluationConfig:
    """Settings of an evaluation."""

    checkpoint: Positional[CheckpointName]
    """A checkpoint's folder, a run's folder, or the name of shipped weights."""
    data: Path
    """Folder of labelled faces; its subfolders are searched too."""
    format: FormatName = "auto"
    """Format of the data; auto recognises it. Other packages can add formats."""
    split: Annotated[str | None, arg(metavar="NAME")] = None
    """Official part of the data, by default all: common, challenging, full, private, train, afw, ...
    of 300-W; test, pose, ... of WFLW."""
    box: Boxes = "landmarks"
    """Source of each face's crop: the annotated points, or a face detector."""
    normaliser: Normaliser = "inter-ocular"
    """Distance by which errors are divided: between the outer eye corners, between the eyes' centres,
    or the square root of the landmark box's area, the only fair choice beyond 60 degrees of yaw."""
    json: Path | None = None
    """File for the scores; - is standard output."""
    out: Path | None = None
    """Folder for figures and tables: error distribution, worst faces, error by part of the face. It
    must be new, empty, or hold only an earlier evaluation, which is replaced."""
    flip: bool = False
    """Also predict on the mirrored face, and average."""
    skip_bad: bool = False
    """Skip files that cannot be read, and name them, instead of stopping at the first."""
    threads: Threads = 0
    """CPU threads; 0 uses all."""
    labels: Labels | None = None
    """Convention of rendered labels to compare with. Default: 2d where every sample has it, else
    projected."""
    detector: DetectorName = DETECTORS[0]
    """Face detector for `--box detector`: one of these names, or the folder of a one-stage checkpoint."""
    adapter: Path | None = None
    """Folder of a label adapter that `fauxface adapt` fitted to this checkpoint; the scores name it."""
    device: Suppress[Fixed[str]] = "cpu"
    """Device of the model, for programs; the command uses the CPU."""


@dataclass(frozen=True)
class AdaptationConfig:
    """Settings of a label adapter."""

    checkpoint: Positional[CheckpointName]
    """A checkpoint's folder, a run's folder, or the name of shipped weights."""
    data: Path
    """Folder of annotated faces; its subfolders are searched too."""
    out: Path | None  # None, for programs: nothing is written
    """Folder for adapter.safetensors and adapter.yaml. It must be new, empty, or hold only an earlier
    adapter, which is replaced."""
    format: FormatName = "auto"
    """Format of the data; auto recognises it. Other packages can add formats."""
    split: Annotated[str | None, arg(metavar="NAME")] = None
    """Official part of the data, such as train; by default all of it."""
    box: BoxChoice = "both"
    """Crops whose predictions it learns from: cut by the annotated points, by a face detector, or both."""
    folds: Folds = 5
    """Parts of the cross-validation, which also chooses the regularisation and when to stop."""
    seed: Seed = 0
    """Seed of the folds and of the network's first weights."""
    skip_bad: bool = False
    """Skip files that cannot be read, and name them, instead of stopping at the first."""
    threads: Threads = 0
    """CPU threads; 0 uses all."""
    detector: DetectorName = DETECTORS[0]
    """Face detector: one of these names, or the folder of a one-stage checkpoint."""
