"""From pixels to landmarks: the one way that evaluation, the commands and your own programs share.

from fauxface.images import read_image
from fauxface.inference import Landmarker

landmarker = Landmarker.load("fauxface-s")
for face in landmarker(read_image(Path("photo.jpg"))):
    print(face.box, face.landmarks)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np
import torch

from fauxface.checkpoint import Card, load_checkpoint
from fauxface.faces import CROP_MARGIN, Crop
from fauxface.inference.detectors import Detector, load_detector
from fauxface.landmarks import flip as flip_points
from fauxface.landmarks import scheme_of
from fauxface.models import LandmarkModel

BATCH = 64


@dataclass(frozen=True)
class Landmarks:
    """What a model says about M faces.

    Attributes:
        landmarks: M×N×2 float64; in image pixels, or crop pixels where said so.
        scores: M×N in [0, 1], higher where the error is likely lower.
        visibility: M×N in [0, 1], or None where the model does not tell.
    """

    landmarks: np.ndarray
    scores: np.ndarray
    visibility: np.ndarray | None


@dataclass(frozen=True)
class Face:
    """A face found in an image.

    Attributes:
        box: (4,) x0, y0, x1, y1 in image pixels; the frame of a tight box of the landmarks.
        landmarks: N×2 image pixels, 0-based, pixel centres at whole numbers.
        scores: N in [0, 1]; higher where the error is likely lower.
        visibility: N in [0, 1], or None where the model does not tell.
        detection_score: the detector's, in [0, 1].
        scheme: what the points are (``fauxface.landmarks``).
    """

    box: np.ndarray
    landmarks: np.ndarray
    scores: np.ndarray
    visibility: np.ndarray | None
    detection_score: float
    scheme: str

    def as_json(self) -> dict[str, object]:
        """The face as ``fauxface predict --json`` writes it."""
        return {
            "box": [round(float(v), 3) for v in self.box],
            "landmarks": [[round(float(x), 3), round(float(y), 3)] for x, y in self.landmarks],
            "scores": [round(float(v), 4) for v in self.scores],
            "scheme": self.scheme,
        }


def predict_crops(model: LandmarkModel, crops: np.ndarray, flip: bool = False) -> Landmarks:
    """Landmarks in crop pixels of crops M×S×S×3 uint8 RGB, S the model's input size, in batches.

    With ``flip`` each crop is seen mirrored too and the two answers are averaged (twice the time, a little better).
    """
    scheme = scheme_of(model.scheme)
    if not len(crops):
        return Landmarks(np.zeros((0, scheme.count, 2)), np.zeros((0, scheme.count)), None)
    parts = [_predict_batch(model, crops[i : i + BATCH]) for i in range(0, len(crops), BATCH)]
    plain = _join(parts)
    if not flip:
        return plain
    mirrored = predict_crops(model, crops[:, :, ::-1])
    order = list(scheme.mirror)
    back = Landmarks(
        flip_points(mirrored.landmarks, scheme, crops.shape[2]),
        mirrored.scores[:, order],
        None if mirrored.visibility is None else mirrored.visibility[:, order],
    )
    return Landmarks(
        (plain.landmarks + back.landmarks) / 2,
        (plain.scores + back.scores) / 2,
        None if plain.visibility is None or back.visibility is None else (plain.visibility + back.visibility) / 2,
    )


def landmark_crops(
    model: LandmarkModel,
    image: np.ndarray | Sequence[np.ndarray],
    boxes: np.ndarray,
    margin: float = CROP_MARGIN,
    flip: bool = False,
) -> Landmarks:
    """Landmarks in image pixels of the faces in ``boxes`` (M, 4), in the landmark box's frame: crop, model, and back.

    ``image`` is one image H×W×3 uint8 RGB for all boxes, or a sequence of M, one a box. Evaluation and ``Landmarker``
    both go through here. ValueError for a box without extent.
    """
    images = [image] * len(boxes) if isinstance(image, np.ndarray) else image
    squares = [Crop.around(box, model.input_size, margin) for box in boxes]
    crops = [square.extract(picture) for square, picture in zip(squares, images, strict=True)]
    found = predict_crops(model, np.stack(crops) if crops else np.zeros((0, 1, 1, 3), np.uint8), flip)
    points = [square.to_image(points) for square, points in zip(squares, found.landmarks, strict=True)]
    return Landmarks(np.stack(points) if points else found.landmarks, found.scores, found.visibility)


@dataclass
class Landmarker:
    """Finds faces and their landmarks.

    Attributes:
        model: the landmark model, in eval mode.
        card: what its checkpoint says about it: scheme, data, licence, lane.
        detector: finds the faces.
        flip: see each face mirrored too and average (twice the time).
    """

    model: LandmarkModel
    card: Card
    detector: Detector
    flip: bool = False

    @classmethod
    def load(
        cls,
        checkpoint: str | Path = "fauxface-s",
        detector: str = "retinaface",
        flip: bool = False,
        threads: int = 0,
        device: str = "cpu",
    ) -> Landmarker:
        """A landmarker from a checkpoint folder, a run's folder or the name of shipped weights.

        ``threads`` bounds the CPU threads (0: all there are). ValueError or FileNotFoundError for a checkpoint that
        is not there or not whole, and for an unknown detector.
        """
        found = load_detector(detector, threads)
        if threads:
            torch.set_num_threads(threads)
        model, card = load_checkpoint(checkpoint)
        return cls(model.to(device), card, found, flip)

    @overload
    def __call__(self, image: np.ndarray) -> list[Face]: ...
    @overload
    def __call__(self, image: Sequence[np.ndarray]) -> list[list[Face]]: ...
    def __call__(self, image: np.ndarray | Sequence[np.ndarray]) -> list[Face] | list[list[Face]]:
        """The faces in an image H×W×3 uint8 RGB, best detection first, or in each of a list of images.

        All the faces of all images go through the model together. ValueError for anything but such images.
        """
        if isinstance(image, np.ndarray):
            return self([image])[0]
        for picture in image:
            if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or not picture.size:
                raise ValueError(f"an image is an array H×W×3 of uint8, RGB, not {picture.shape} of {picture.dtype}")
        detections = [self.detector(picture) for picture in image]
        owners = [picture for picture, found in zip(image, detections, strict=True) for _ in found]
        boxes = np.array([detection.box for found in detections for detection in found]).reshape(-1, 4)
        result = landmark_crops(self.model, owners, boxes, self.card.crop_margin, self.flip)
        faces = iter(range(len(boxes)))
        return [
            [self._face(detection.score, boxes, result, next(faces)) for detection in found] for found in detections
        ]

    def _face(self, score: float, boxes: np.ndarray, found: Landmarks, i: int) -> Face:
        visibility = None if found.visibility is None else found.visibility[i]
        return Face(boxes[i], found.landmarks[i], found.scores[i], visibility, score, self.model.scheme)


@torch.inference_mode()
def _predict_batch(model: LandmarkModel, crops: np.ndarray) -> Landmarks:
    device = next(model.parameters()).device
    images_B3HW = torch.from_numpy(np.ascontiguousarray(crops)).to(device).permute(0, 3, 1, 2).float() / 255
    answer = model.decode(model(images_B3HW))
    visibility = None if answer.visibility is None else answer.visibility.float().cpu().numpy()
    return Landmarks(
        answer.landmarks.double().cpu().numpy(), answer.scores.float().cpu().numpy().astype(np.float64), visibility
    )


def _join(parts: list[Landmarks]) -> Landmarks:
    seen = [part.visibility for part in parts if part.visibility is not None]
    return Landmarks(
        np.concatenate([part.landmarks for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate(seen) if seen else None,
    )
