"""Test sets held ready for many checkpoints, and one checkpoint scored on all of them alike, raw and adapted."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from fauxface.datasets import FaceDataset, map_samples, open_dataset
from fauxface.evaluation.adaptation import FEWEST_A_FOLD, Adaptation, fit
from fauxface.evaluation.adapter import save_adapter
from fauxface.evaluation.fitting import CHOICES
from fauxface.evaluation.predictions import AnnotatedFaces, Boxes, predict, read_faces
from fauxface.evaluation.run import judge
from fauxface.evaluation.scores import Evaluation
from fauxface.faces import FaceSample
from fauxface.inference import Camera, Detection, Detector, Landmarker, head_pose

BOXES: tuple[Boxes, ...] = ("landmarks", "detector")
FOLDS = 5


@dataclass(frozen=True)
class DataFacts:
    """A data set without its faces.

    Attributes:
        name: the folder's.
        count: how many faces there are.
        identity: a hash of its files' names and sizes, its scheme and its labels' convention.
        annotated: whether its labels are annotators', which an adapter is for.
        sources: its label files, links resolved.
    """

    name: str
    count: int
    identity: str
    annotated: bool
    sources: frozenset[Path]


def data_facts(folder: Path, labels: Literal["2d", "projected"] | None = None, split: str | None = None) -> DataFacts:
    """What there is to know of a data set without reading it; errors as ``open_dataset``."""
    dataset = open_dataset(folder, split=split, labels=labels)
    annotated, sources = dataset.labels == "annotated", frozenset(path.resolve() for path in dataset.sources)
    return DataFacts(dataset.name, len(dataset), _fingerprint(dataset, folder), annotated, sources)


@dataclass(frozen=True)
class Bench:
    """A test set.

    Attributes:
        name: the data set's.
        identity: a hash of its files' names and sizes.
        faces: the faces, read.
        yaw: (M,) degrees, from the annotated points by perspective-n-point; NaN where they fit no head.
    """

    name: str
    identity: str
    faces: AnnotatedFaces
    yaw: np.ndarray


def open_bench(folder: Path) -> Bench:
    """Read a test set, rendered or annotated; errors as ``open_dataset`` and ``read_faces``."""
    dataset = open_dataset(folder)

    def yaw(sample: FaceSample) -> float:
        height, width = sample.image.shape[:2]
        pose = head_pose(sample.landmarks, sample.scheme, Camera.of_a_crop(width, height))
        return math.nan if pose is None else pose.yaw

    turned = np.array([angle for _, angle in map_samples(dataset, yaw, description="looking at")])
    return Bench(dataset.name, _fingerprint(dataset, folder), read_faces(dataset), turned)


def open_faces(folder: Path, split: str | None = None) -> AnnotatedFaces:
    """Read a data set that is not tested on; errors as ``open_dataset`` and ``read_faces``."""
    return read_faces(open_dataset(folder, split=split))


@dataclass(frozen=True)
class Scored:
    """A checkpoint on a test set, under one box protocol, raw or adapted."""

    bench: Bench
    evaluation: Evaluation
    adapted: bool


def score(
    checkpoint: Path,
    benches: Sequence[Bench],
    adapt_to: AnnotatedFaces | None,
    adapter_out: Path,
    threads: int = 0,
    detector: str = "retinaface",
    device: str = "cpu",
) -> list[Scored]:
    """Score a checkpoint on every test set, under both box protocols, raw and (with ``adapt_to``) label-adapted.

    The adapter is fitted to the checkpoint's predictions of ``adapt_to`` and written to ``adapter_out``. Test sets that
    are rendered are scored raw alone: their labels are those that the checkpoint learned.
    """
    landmarker = Landmarker.load(checkpoint, detector, threads=threads, device=device)
    landmarker.detector = Remembering(landmarker.detector)
    adaptation: Adaptation | None = None
    if adapt_to is not None:
        folds = min(FOLDS, len(adapt_to) // FEWEST_A_FOLD)
        adaptation = fit(landmarker, adapt_to, BOXES, checkpoint.parent.name, max(2, folds), choices=CHOICES[1:2])
        save_adapter(adapter_out, adaptation.adapter)
    found: list[Scored] = []
    lane = landmarker.card.lane
    for bench in benches:
        for box in BOXES:
            said = predict(landmarker, bench.faces, box)
            found.append(Scored(bench, judge(bench.faces, said, checkpoint.parent.name, lane, box), False))
            if adaptation is not None and bench.faces.dataset.labels == "annotated":
                adapter = adaptation.adapter, str(adapter_out)
                evaluation = judge(bench.faces, said, checkpoint.parent.name, lane, box, adapter=adapter)
                found.append(Scored(bench, evaluation, True))
    return found


class Remembering:
    """A detector that looks at each picture once in the life of this process: checkpoints come and go, faces stay."""

    _found: ClassVar[dict[tuple[str, bytes], list[Detection]]] = {}

    def __init__(self, detector: Detector) -> None:
        self.detector, self.name, self.licence = detector, detector.name, detector.licence

    def __call__(self, image: np.ndarray) -> list[Detection]:
        """As the detector's."""
        key = (self.name, hashlib.blake2b(image.tobytes() + str(image.shape).encode()).digest())
        if key not in self._found:
            self._found[key] = self.detector(image)
        return self._found[key]


def _fingerprint(dataset: FaceDataset, folder: Path) -> str:
    digest = hashlib.blake2b(f"{dataset.scheme} {dataset.labels}".encode(), digest_size=8)
    for source in dataset.sources:
        size = sum(path.stat().st_size for path in dataset.files(source)[:1])
        digest.update(f"{source.relative_to(folder).as_posix()} {size}\n".encode())
    for path in dataset.shared:
        digest.update(f"{path.relative_to(folder).as_posix()} {path.stat().st_size}\n".encode())
    return digest.hexdigest()
