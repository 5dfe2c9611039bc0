"""A detector whose finds a landmark network looks at again.

What a small detector takes for faces too readily, such as flowers, folds or hands, shows no landmarks to a network that
searches for each of them in a crop. The score is the geometric mean of both networks' scores, and the box that of the
landmarks, which lies better than a detector's. So a cascade (Viola & Jones 2001) takes the place of a larger detector.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fauxface.faces import Framing, landmark_box
from fauxface.inference.crops import CropModel, landmark_crops
from fauxface.inference.detectors.base import Detection, suppress
from fauxface.inference.detectors.one_stage import OneStageDetector
from fauxface.inference.places import has_extent, place_of
from fauxface.landmarks import five_points, scheme_of


@dataclass
class CheckedDetector:
    """A one-stage detector with a low threshold, and a landmark network that checks what it finds.

    Attributes:
        detector: finds candidates.
        model: the landmark network.
        framing: its rule for cropping faces.
        name: both networks' name in the cache of predictions, with hashes of their weights.
        threshold: least score of a face; the default gives one false alarm per ten face-free pictures (docs/models.md).
        overlap: IoU above which the worse of two boxes is dropped.
    """

    detector: OneStageDetector
    model: CropModel
    framing: Framing
    name: str
    threshold: float = 0.4
    overlap: float = 0.4

    @property
    def licence(self) -> str:
        """The detector's licence."""
        return self.detector.licence

    def __call__(self, image: np.ndarray) -> list[Detection]:
        """Faces in an image H×W×3 uint8 RGB, best score first."""
        candidates = self.detector(image)
        if not candidates:
            return []
        places = [place_of(self.framing, one.box, one.points) for one in candidates]
        found = landmark_crops(self.model, image, places, self.framing)
        scheme = scheme_of(self.model.scheme)
        faces = []
        for one, points, scores in zip(candidates, found.landmarks, found.scores, strict=True):
            score = float(np.sqrt(one.score * np.clip(scores.mean(), 0, 1)))
            if score > self.threshold and has_extent(points):
                faces.append(Detection(landmark_box(points, scheme.name), score, five_points(points, scheme)))
        boxes = np.array([face.box for face in faces]).reshape(-1, 4)
        return [faces[i] for i in suppress(boxes, np.array([face.score for face in faces]), self.overlap)]
