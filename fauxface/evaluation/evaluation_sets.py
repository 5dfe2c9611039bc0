"""Evaluation sets, read once for many checkpoints, and a checkpoint's scores on all of them, raw and adapted."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from fauxface.datasets import FaceDataset, face_synthetics, map_samples, open_dataset
from fauxface.evaluation.adaptation import FEWEST_A_FOLD, Adaptation, fit
from fauxface.evaluation.adapter import save_adapter
from fauxface.evaluation.fitting import CHOICES
from fauxface.evaluation.predictions import AnnotatedFaces, Boxes, load_landmarker, predict, read_faces
from fauxface.evaluation.run import judge
from fauxface.evaluation.scores import Evaluation
from fauxface.faces import FaceSample
from fauxface.files import read_bytes
from fauxface.inference import DETECTORS, Detection, Detector
from fauxface.parsing import LABEL_BYTES
from fauxface.pose import yaw_in_photo

BOXES: tuple[Boxes, ...] = ("landmarks", "detector")
FOLDS = 5


@dataclass(frozen=True)
class DataFacts:
    """Facts about a data set, without its faces.

    Attributes:
        name: the folder's name.
        count: number of faces.
        identity: a hash of its files' names and sizes (of renders: names and settings), scheme and labels' convention.
        annotated: True if annotators made its labels, so that an adapter can be used.
        sources: its label files, links resolved.
    """

    name: str
    count: int
    identity: str
    annotated: bool
    sources: frozenset[Path]


def data_facts(folder: Path, labels: Literal["2d", "projected"] | None = None, split: str | None = None) -> DataFacts:
    """Name, size, identity and sources of a data set, without reading its faces; errors as ``open_dataset``."""
    dataset = open_dataset(folder, split=split, labels=labels)
    annotated, sources = dataset.labels == "annotated", frozenset(path.resolve() for path in dataset.sources)
    return DataFacts(dataset.name, len(dataset), _fingerprint(dataset, folder), annotated, sources)


@dataclass(frozen=True)
class EvaluationSet:
    """A data set to score checkpoints on.

    Attributes:
        name: the data set's name.
        identity: as that of `DataFacts`.
        faces: its faces.
        yaw: (M,) degrees, from the annotated points by perspective-n-point; NaN where they fit no head.
    """

    name: str
    identity: str
    faces: AnnotatedFaces
    yaw: np.ndarray


def open_evaluation_set(folder: Path) -> EvaluationSet:
    """Read a data set, rendered or annotated; errors as ``open_dataset`` and ``read_faces``."""
    dataset = open_dataset(folder)

    def yaw(sample: FaceSample) -> float:
        return yaw_in_photo(sample.landmarks, sample.scheme, sample.image)

    yaws = np.array([angle for _, angle in map_samples(dataset, yaw, description="looking at")])
    return EvaluationSet(dataset.name, _fingerprint(dataset, folder), read_faces(dataset), yaws)


def open_faces(folder: Path, split: str | None = None) -> AnnotatedFaces:
    """Read a data set that adapters are fitted to; errors as ``open_dataset`` and ``read_faces``."""
    return read_faces(open_dataset(folder, split=split))


@dataclass(frozen=True)
class Scored:
    """A checkpoint's scores on one evaluation set, under one box protocol, raw or adapted."""

    data: EvaluationSet
    evaluation: Evaluation
    adapted: bool


def score_checkpoint(
    checkpoint: Path,
    sets: Sequence[EvaluationSet],
    adapt_to: AnnotatedFaces | None,
    adapter_out: Path,
    threads: int = 0,
    detector: str = DETECTORS[0],
    device: str = "cpu",
) -> list[Scored]:
    """Score a checkpoint on every set, under both box protocols, raw and (with ``adapt_to``) label-adapted.

    The adapter is fitted to the checkpoint's predictions on ``adapt_to`` and written to ``adapter_out``. Rendered sets
    are scored raw only, because the checkpoint was trained on labels of their kind.
    """
    landmarker = load_landmarker(checkpoint, detector, threads=threads, device=device)
    landmarker.detector = CachedDetector(landmarker.detector)
    adaptation: Adaptation | None = None
    if adapt_to is not None:
        folds = min(FOLDS, len(adapt_to) // FEWEST_A_FOLD)
        adaptation = fit(landmarker, adapt_to, BOXES, checkpoint.parent.name, max(2, folds), choices=CHOICES[1:2])
        save_adapter(adapter_out, adaptation.adapter)
    found: list[Scored] = []
    lane = landmarker.card.lane
    for data in sets:
        for box in BOXES:
            predictions = predict(landmarker, data.faces, box)
            found.append(Scored(data, judge(data.faces, predictions, checkpoint.parent.name, lane, box), False))
            if adaptation is not None and data.faces.dataset.labels == "annotated":
                adapter = adaptation.adapter, str(adapter_out)
                evaluation = judge(data.faces, predictions, checkpoint.parent.name, lane, box, adapter=adapter)
                found.append(Scored(data, evaluation, True))
    return found


class CachedDetector:
    """A detector that keeps its detections: each picture is searched once in a process, for all checkpoints."""

    _found: ClassVar[dict[tuple[str, bytes], list[Detection]]] = {}

    def __init__(self, detector: Detector) -> None:
        self.detector, self.name, self.licence = detector, detector.name, detector.licence

    def __call__(self, image: np.ndarray) -> list[Detection]:
        """Faces in an image H×W×3 uint8 RGB, as the detector finds them."""
        key = (self.name, hashlib.blake2b(image.tobytes() + str(image.shape).encode()).digest())
        if key not in self._found:
            self._found[key] = self.detector(image)
        return self._found[key]


def _fingerprint(dataset: FaceDataset, folder: Path) -> str:
    """A hash of names and sizes; of names and settings for renders, which other processors draw a few bytes apart."""
    digest = hashlib.blake2b(f"{dataset.scheme} {dataset.labels}".encode(), digest_size=8)
    rendered = dataset.format == face_synthetics.NAME and (folder / face_synthetics.SETTINGS).is_file()
    if rendered:
        digest.update(read_bytes(folder / face_synthetics.SETTINGS, LABEL_BYTES))
    for source in dataset.sources:
        size = 0 if rendered else sum(path.stat().st_size for path in dataset.files(source)[:1])
        digest.update(f"{source.relative_to(folder).as_posix()} {size}\n".encode())
    for path in dataset.shared:
        digest.update(f"{path.relative_to(folder).as_posix()} {path.stat().st_size}\n".encode())
    return digest.hexdigest()
