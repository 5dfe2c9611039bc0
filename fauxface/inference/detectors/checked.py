"""A detector whose finds a landmark network looks at again.

What a small detector takes for faces too readily, such as flowers, folds or hands, shows no landmarks to a network that
searches for each of them in a crop. The score is a geometric mean of both networks' scores in which the landmark
network's counts twice, and the box is that of the landmarks, which lies better than a detector's. A candidate that is
neither clearly a face nor clearly none is looked at once more, in the crop that its landmarks lay: there a face scores
higher, and most else does not. So a cascade (Viola & Jones 2001) takes the place of a larger detector.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fauxface.checkpoint import read_card, stored_weights
from fauxface.faces import Framing, landmark_box
from fauxface.hashing import weights_hash
from fauxface.inference.crops import CropModel, landmark_crops
from fauxface.inference.detectors.base import Detection, suppress
from fauxface.inference.detectors.one_stage import SHIPPED_NAME, OneStageDetector
from fauxface.inference.onnx_model import load_onnx
from fauxface.inference.places import has_extent, place_of, place_of_points
from fauxface.landmarks import five_points, scheme_of

CHECKER = "fauxface-s"
"""The shipped weights that look again at what the shipped detector finds."""
CANDIDATE, FACE = 0.25, 0.346
"""Least score of what is looked at, and of what is a face then. With the shipped weights `FACE` gives one false alarm
per ten face-free pictures (docs/models.md)."""
DOUBT = (0.2, 0.4)
"""Scores after the first look from which, and below which, a candidate is looked at again."""


@dataclass
class CheckedDetector:
    """A one-stage detector with a low threshold, and a landmark network that checks what it finds.

    Attributes:
        detector: finds candidates.
        model: the landmark network.
        framing: its rule for cropping faces.
        name: both networks' name in the cache of predictions, with hashes of their weights.
        licence: the detector's.
        threshold: least score of a face.
        overlap: IoU above which the worse of two boxes is dropped.
    """

    detector: OneStageDetector
    model: CropModel
    framing: Framing
    name: str
    licence: str
    threshold: float = FACE
    overlap: float = 0.4

    @classmethod
    def load(
        cls, detector: str | Path = SHIPPED_NAME, checker: str | Path = CHECKER, threads: int = 0
    ) -> CheckedDetector:
        """A one-stage checkpoint, checked by one of landmarks, each on this many threads (0: all).

        Errors as `OneStageDetector.load` and `load_onnx`.
        """
        found, model, card = OneStageDetector.load(detector, threads), load_onnx(checker, threads), read_card(checker)
        name = f"{found.name} {weights_hash(stored_weights(checker))[:12]}"
        return cls(
            replace(found, threshold=CANDIDATE), model, Framing(card.crop, card.crop_margin), name, found.licence
        )

    def __call__(self, image: np.ndarray) -> list[Detection]:
        """Faces in an image H×W×3 uint8 RGB, best score first."""
        candidates = self.detector(image)
        if not candidates:
            return []
        scheme = self.model.scheme
        found = self._look(image, [place_of(self.framing, one.box, one.points) for one in candidates], candidates)
        again = [i for i, (score, points) in enumerate(found) if DOUBT[0] < score < DOUBT[1] and has_extent(points)]
        places = [place_of_points(self.framing, found[i][1], scheme) for i in again]
        for i, better in zip(again, self._look(image, places, [candidates[i] for i in again]), strict=True):
            found[i] = better
        faces = [
            Detection(landmark_box(points, scheme), score, five_points(points, scheme_of(scheme)))
            for score, points in found
            if score > self.threshold and has_extent(points)
        ]
        boxes = np.array([face.box for face in faces]).reshape(-1, 4)
        return [faces[i] for i in suppress(boxes, np.array([face.score for face in faces]), self.overlap)]

    def _look(
        self, image: np.ndarray, places: list[np.ndarray], candidates: list[Detection]
    ) -> list[tuple[float, np.ndarray]]:
        """The score of each candidate with the landmarks (N, 2) at its place, and these."""
        if not places:
            return []
        found = landmark_crops(self.model, image, places, self.framing)
        sure = np.clip(found.scores.mean(1), 0, 1)
        scores = [float(np.cbrt(one.score * share**2)) for one, share in zip(candidates, sure, strict=True)]
        return list(zip(scores, found.landmarks, strict=True))
