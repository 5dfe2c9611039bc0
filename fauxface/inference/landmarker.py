"""From pixels to landmarks: the class that the commands, the live page and your programs use.

from fauxface import Landmarker

landmarker = Landmarker.load("fauxface-s")
for face in landmarker("photo.jpg"):
    print(face.box, face.landmarks)
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, overload

import numpy as np
import torch

from fauxface.checkpoint import Card, load_checkpoint
from fauxface.faces import Framing
from fauxface.inference.crops import CropModel, Landmarks, landmark_crops
from fauxface.inference.detectors import Detection, Detector, load_detector
from fauxface.inference.face import Face, check_image
from fauxface.inference.inputs import PICTURES, PictureLike, refusal, to_image
from fauxface.inference.onnx_model import load_onnx
from fauxface.inference.result import Origin
from fauxface.inference.tracker import Tracker
from fauxface.models import LandmarkModel
from fauxface.pose import Camera, Pose, head_pose
from fauxface.ranges import Threads, in_range

__all__ = ["FRAME_RATE", "Face", "Landmarker", "check_image"]

BATCH_IMAGES = 32
"""Images of a list whose faces go through the model together."""
FRAME_RATE = 30.0
"""Frames per second assumed for frames without time stamps."""


@dataclass
class Landmarker:
    """A detector and a landmark model: call it with an image (a path, a PIL image, an array) to get its faces.

    Attributes:
        model: the landmark model, in eval mode.
        card: the checkpoint's card: scheme, data, licence, lane.
        detector: the face detector.
        flip: also run each face mirrored and average (twice the time).
        camera: the images' camera, for head poses; None guesses it from each image's size.
        backend: ``torch``, or ``onnx``: ONNX Runtime on the CPU, with the checkpoint's ONNX file.
        checkpoint: the model's checkpoint, by name or path.
        threads: CPU threads; 0 uses all.
    """

    model: LandmarkModel
    card: Card
    detector: Detector
    flip: bool = False
    camera: Camera | None = None
    backend: Literal["onnx", "torch"] = "torch"
    checkpoint: str | Path | None = None
    threads: int = 0
    _onnx: CropModel | None = field(default=None, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    @classmethod
    @in_range
    def load(
        cls,
        checkpoint: str | Path = "fauxface-s",
        detector: str = "retinaface",
        flip: bool = False,
        threads: Threads = 0,
        device: str = "cpu",
        backend: Literal["onnx", "torch"] | None = None,
        camera: Camera | None = None,
    ) -> Landmarker:
        """A landmarker from a checkpoint folder, a run's folder or the name of shipped weights.

        ``threads`` limits the CPU threads (0: all). ``backend`` None means ``onnx`` on the CPU and ``torch`` elsewhere;
        ``onnx`` uses the checkpoint's ``model.onnx``, or exports one into the cache at first use. FileNotFoundError for
        a missing checkpoint; ValueError for a damaged one, and for an unknown detector or backend.
        """
        backend = backend or ("onnx" if device == "cpu" else "torch")
        if backend not in ("onnx", "torch") or (backend == "onnx" and device != "cpu"):
            raise ValueError(f"the backend is onnx (on the CPU only) or torch, not {backend} on {device}")
        found = load_detector(detector, threads)
        if threads:
            torch.set_num_threads(threads)
        model, card = load_checkpoint(checkpoint)
        return cls(model.to(device), card, found, flip, camera, backend, checkpoint, threads)

    @overload
    def __call__(self, image: PictureLike, bgr: bool = False) -> list[Face]: ...
    @overload
    def __call__(self, image: Sequence[PictureLike], bgr: bool = False) -> list[list[Face]]: ...
    @overload
    def __call__(self, image: Iterator[PictureLike], bgr: bool = False) -> Iterator[list[Face]]: ...
    def __call__(
        self, image: PictureLike | Sequence[PictureLike] | Iterator[PictureLike], bgr: bool = False
    ) -> list[Face] | list[list[Face]] | Iterator[list[Face]]:
        """The faces in an image, best detection first; a list of such lists for a list of images.

        For an iterator (a generator) of images, an iterator that takes an image when it is asked for its faces.

        Args:
            image: a path, a PIL image, or an array H×W×3 uint8 RGB; or a list, tuple or iterator of these.
            bgr: arrays have their channels in the order blue, green, red, as OpenCV's.

        Raises:
            ValueError: anything else, or a file that cannot be read, in one line.
            FileNotFoundError: no such file.
        """
        if isinstance(image, PICTURES):
            return self._faces([to_image(image, bgr)])[0]
        if isinstance(image, Iterator):
            return (self._faces([to_image(picture, bgr)])[0] for picture in image)
        if not isinstance(image, Sequence) or isinstance(image, bytes | bytearray):
            raise refusal(image)
        parts = (image[i : i + BATCH_IMAGES] for i in range(0, len(image), BATCH_IMAGES))
        return [faces for part in parts for faces in self._faces([to_image(picture, bgr) for picture in part])]

    def _faces(self, pictures: Sequence[np.ndarray]) -> list[list[Face]]:
        """The faces in each image H×W×3 uint8 RGB; those of all images go through the model together."""
        detections = [self.detector(picture) for picture in pictures]
        images = [picture for picture, found in zip(pictures, detections, strict=True) for _ in found]
        framing = self.framing
        places = [framing.place(detection.box, detection.points) for found in detections for detection in found]
        result = self.landmarks(images, places)
        faces = iter(range(len(places)))
        return [
            [self._face(picture, detection, result.of(next(faces))) for detection in found]
            for picture, found in zip(pictures, detections, strict=True)
        ]

    @property
    def scheme(self) -> str:
        """Name of the landmarks' scheme."""
        return self.model.scheme

    @property
    def origin(self) -> Origin:
        """Weights and detector with their licences, as the JSON of ``fauxface predict`` names them."""
        weights = None if self.checkpoint is None else str(self.checkpoint)
        licences = self.card.licence, self.card.lane
        return Origin(self.scheme, weights, *licences, self.detector.name, self.detector.licence, self.camera)

    @property
    def framing(self) -> Framing:
        """The model's rule for cropping faces."""
        return Framing(self.card.crop, self.card.crop_margin)

    def landmarks(
        self, image: np.ndarray | Sequence[np.ndarray], places: Sequence[np.ndarray] | np.ndarray
    ) -> Landmarks:
        """The landmarks, image pixels, of the faces at M places of one image, or of a sequence of M images.

        A place is the face's box (4,). For a model that crops by five points, `Framing.place` makes a better place of
        the box and the points.
        """
        return landmark_crops(self._running(), image, places, self.framing, self.flip)

    def pose(self, landmarks: np.ndarray, image: np.ndarray) -> Pose | None:
        """The pose of a head with these landmarks (N, 2), image pixels; see `fauxface.pose.head_pose`."""
        return head_pose(landmarks, self.scheme, self.camera or Camera.guess(image.shape[1], image.shape[0]))

    def track(
        self, frames: Iterable[np.ndarray | tuple[float, np.ndarray]], smooth: bool = True
    ) -> Iterator[list[Face]]:
        """Follow faces through frames H×W×3 uint8 RGB: the faces of each, with ids; see ``Tracker``.

        Frames may come with times, as (seconds, frame), each later than the one before; without times, 30 frames a
        second are assumed.
        """
        tracker = Tracker(self, smooth)
        for number, item in enumerate(frames):
            seconds, frame = item if isinstance(item, tuple) else (number / FRAME_RATE, item)
            yield tracker.update(frame, seconds)

    def _running(self) -> LandmarkModel | CropModel:
        if self.backend == "torch":
            return self.model
        with self._lock:
            if self._onnx is None:
                self._onnx = load_onnx(self.model, self.card, self.checkpoint, self.threads)
        return self._onnx

    def _face(self, image: np.ndarray, detection: Detection, one: Landmarks) -> Face:
        return Face(
            landmarks=one.landmarks,
            scores=one.scores,
            visibility=one.visibility,
            detection_score=detection.score,
            scheme=self.scheme,
            pose=self.pose(one.landmarks, image),
            sigma=one.sigma,
            extra=one.extra,
            detector_box=np.asarray(detection.box, np.float64),
        )
