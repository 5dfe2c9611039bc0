"""Fauxface's own detector: the one-stage network on ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from fauxface.checkpoint import read_card, stored_weights
from fauxface.hashing import weights_hash
from fauxface.inference.detectors.base import Detection, RawFaces, at_sizes, suppress
from fauxface.inference.onnx_model import check_ends, open_exported, session
from fauxface.landmarks import five_points, scheme_of
from fauxface.models.names import ONE_STAGE

SHIPPED_NAME = "fauxface-detector"
"""The shipped weights that ``--detector own`` means."""
STEP, LEAST = 32, 96
"""The network's input sides are multiples of ``STEP``, and at least ``LEAST`` px."""


@dataclass
class OneStageDetector:
    """A one-stage checkpoint as a detector. Its boxes are landmark boxes, and its five points are landmarks.

    Attributes:
        session: the exported network.
        name: its name in the cache of predictions, with a hash of the weights.
        licence: the weights' licence.
        scheme: name of its landmarks' scheme.
        threshold: least score of a face; the default gives one false alarm per ten face-free pictures with the shipped
            weights (docs/models.md).
        overlap: IoU above which the worse of two boxes is dropped.
        sides: longer sides, px, that an image is reduced to; see `at_sizes`.
        metadata: of the ONNX file.
    """

    session: Any
    name: str
    licence: str
    scheme: str
    threshold: float = 0.63
    overlap: float = 0.4
    sides: tuple[int, ...] = (640, 1280)
    metadata: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def load(cls, checkpoint: str | Path = SHIPPED_NAME, threads: int = 0) -> OneStageDetector:
        """The detector of a one-stage checkpoint on this many threads (0: all); errors as `open_exported`.

        ValueError for a checkpoint that is no detector.
        """
        card = read_card(checkpoint)
        if card.model != ONE_STAGE:
            raise ValueError(f"{checkpoint} is not a face detector: it finds landmarks in crops ({card.model})")
        name = f"own {weights_hash(stored_weights(checkpoint))[:12]}"

        def open_detector(file: Path | bytes) -> OneStageDetector:
            found = session(file, threads)
            where = file if isinstance(file, Path) else "the ONNX model"
            if [output.name for output in found.get_outputs()] != ["boxes", "scores", "landmarks"]:
                raise ValueError(f"{where}: not a detector that fauxface exported")
            points = scheme_of(card.scheme).count
            shapes = {"image": (1, None, None, 3), "boxes": (None, 4), "landmarks": (None, points, 2)}
            check_ends(where, found, shapes, other=(None,))
            metadata = found.get_modelmeta().custom_metadata_map
            return cls(found, name, f"{card.licence} (ours)", card.scheme, metadata=metadata)

        return open_exported(checkpoint, open_detector)

    def __call__(self, image: np.ndarray) -> list[Detection]:
        """Faces in an image H×W×3 uint8 RGB, best score first."""
        found = self.raw(image)
        five = five_points(found.points, scheme_of(self.scheme))
        faces = zip(found.boxes, found.scores, five, strict=True)
        return [Detection(box, float(score), points) for box, score, points in faces]

    def raw(self, image: np.ndarray) -> RawFaces:
        """Boxes, scores and all landmarks (M, N, 2) in image pixels, best score first."""
        return at_sizes(image, self.sides, self.overlap, self._look, scheme_of(self.scheme).count)

    def _look(self, image: np.ndarray) -> RawFaces:
        height, width = image.shape[:2]
        below, right = (max(LEAST, -(-n // STEP) * STEP) - n for n in (height, width))
        frame = cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_REPLICATE)
        boxes, scores, points = self.session.run(None, {"image": frame[None]})
        likely = scores > self.threshold
        found = RawFaces(*(part[likely].astype(np.float64) for part in (boxes, scores, points)))
        return found.taken(np.array(suppress(found.boxes, found.scores, self.overlap), int))
