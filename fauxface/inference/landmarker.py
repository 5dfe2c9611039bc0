"""From pixels to landmarks: what the commands, the live page and your own programs share.

from fauxface.images import read_image
from fauxface.inference import Landmarker

landmarker = Landmarker.load("fauxface-s")
for face in landmarker(read_image(Path("photo.jpg"))):
    print(face.box, face.landmarks)
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
import torch

from fauxface.checkpoint import Card, load_checkpoint
from fauxface.faces import Crop, Framing, named
from fauxface.inference.crops import CropModel, Landmarks, landmark_crops
from fauxface.inference.detectors import Detector, load_detector
from fauxface.inference.onnx_model import load_onnx
from fauxface.inference.pose import Camera, Pose, head_pose
from fauxface.models import LandmarkModel
from fauxface.ranges import Threads, in_range
from fauxface.targets import target_of

FRAME_RATE = 30.0
"""Of frames that come without time stamps."""


@dataclass(frozen=True)
class Face:
    """A face found in an image.

    Attributes:
        box: (4,) x0, y0, x1, y1 in image pixels; the frame of a tight box of the landmarks.
        landmarks: N×2 image pixels, 0-based, pixel centres at whole numbers.
        scores: N in [0, 1]; higher where the error is likely lower.
        visibility: N in [0, 1], or None where the model does not tell.
        detection_score: the detector's, in [0, 1]; of a followed face, when it was last detected.
        scheme: what the points are (``fauxface.landmarks``).
        pose: where the head is and how it is turned; None for a scheme without a mean head.
        id: the same number for the same face from frame to frame; None where faces are not followed.
        sigma: N, standard deviation along each axis, image pixels; None where the model does not tell.
        extra: further targets that the model tells, by the names of `fauxface.targets`, in the image's frame.
    """

    box: np.ndarray
    landmarks: np.ndarray
    scores: np.ndarray
    visibility: np.ndarray | None
    detection_score: float
    scheme: str
    pose: Pose | None = None
    id: int | None = None
    sigma: np.ndarray | None = None
    extra: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def targets(self) -> dict[str, np.ndarray]:
        """All that the model tells of the face, by the names of `fauxface.targets`, in the image's frame."""
        return named(self.landmarks, self.visibility, self.extra)

    def scaled(self, scale: float) -> Face:
        """The face in an image with ``scale`` times as many pixels a side."""
        if scale == 1:
            return self
        box, landmarks = ((places + 0.5) * scale - 0.5 for places in (self.box, self.landmarks))
        sigma = None if self.sigma is None else self.sigma * scale
        extra = {name: target_of(name).to_image(value, Crop(0, 0, scale, 1)) for name, value in self.extra.items()}
        return replace(self, box=box, landmarks=landmarks, sigma=sigma, extra=extra)

    def as_json(self) -> dict[str, object]:
        """The face as ``fauxface predict --json`` writes it; further targets stand behind, by their names."""
        return {
            "box": _rounded(self.box, 3),
            "landmarks": _rounded(self.landmarks, 3),
            "scores": _rounded(self.scores, 4),
            "visibility": _rounded(self.visibility, 4),
            "sigma": _rounded(self.sigma, 3),
            "scheme": self.scheme,
            **{name: _rounded(value, 4) for name, value in self.extra.items()},
        }


@dataclass
class Landmarker:
    """Finds faces and their landmarks.

    Attributes:
        model: the landmark model, in eval mode.
        card: what its checkpoint says about it: scheme, data, licence, lane.
        detector: finds the faces.
        flip: see each face mirrored too and average (twice the time).
        camera: what took the images, for the faces' poses; None guesses it from each image's size.
        backend: what runs the model; ``onnx`` is ONNX Runtime on the CPU, with ``checkpoint``'s ONNX file.
        checkpoint: where the model came from.
        threads: CPU threads; 0 takes all there are.
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

        ``threads`` bounds the CPU threads (0: all there are). ``backend`` None is ``onnx`` on the CPU, else ``torch``.
        ONNX is the checkpoint's ``model.onnx`` or, exported when first needed, the cache's. ValueError or
        FileNotFoundError for a checkpoint that is not there or not whole, for an unknown detector or backend.
        """
        backend = backend or ("onnx" if device == "cpu" else "torch")
        if backend not in ("onnx", "torch") or (backend == "onnx" and device != "cpu"):
            raise ValueError(f"the backend is onnx (on the CPU alone) or torch, not {backend} on {device}")
        found = load_detector(detector, threads)
        if threads:
            torch.set_num_threads(threads)
        model, card = load_checkpoint(checkpoint)
        return cls(model.to(device), card, found, flip, camera, backend, checkpoint, threads)

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
            check_image(picture)
        detections = [self.detector(picture) for picture in image]
        owners = [picture for picture, found in zip(image, detections, strict=True) for _ in found]
        boxes = np.array([detection.box for found in detections for detection in found]).reshape(-1, 4)
        framing = self.framing
        places = [framing.place(detection.box, detection.points) for found in detections for detection in found]
        result = self.landmarks(owners, places)
        faces = iter(range(len(boxes)))
        return [
            [self._face(picture, detection.score, boxes, result, next(faces)) for detection in found]
            for picture, found in zip(image, detections, strict=True)
        ]

    @property
    def framing(self) -> Framing:
        """How the model wants faces cut out."""
        return Framing(self.card.crop, self.card.crop_margin)

    def landmarks(
        self, image: np.ndarray | Sequence[np.ndarray], places: Sequence[np.ndarray] | np.ndarray
    ) -> Landmarks:
        """The landmarks, image pixels, of the faces at M places of one image, or of a sequence of M images.

        A place is the face's box (4,) or, unless the model's crops are by the box, better what `Framing.place` makes of
        it and of the face's five points.
        """
        return landmark_crops(self._running(), image, places, self.framing, self.flip)

    def pose(self, landmarks: np.ndarray, image: np.ndarray) -> Pose | None:
        """The pose of a head with these landmarks (N, 2) in an image of that size."""
        return head_pose(landmarks, self.model.scheme, self.camera or Camera.guess(image.shape[1], image.shape[0]))

    def track(
        self, frames: Iterable[np.ndarray | tuple[float, np.ndarray]], smooth: bool = True
    ) -> Iterator[list[Face]]:
        """The faces of each frame H×W×3 uint8 RGB, with ids, followed rather than detected; see ``Tracker``.

        ``frames`` may carry their times: (seconds, frame), each later than the one before; without, 30 a second are
        assumed.
        """
        from fauxface.inference.tracker import Tracker

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

    def _face(self, image: np.ndarray, score: float, boxes: np.ndarray, found: Landmarks, i: int) -> Face:
        own = found.of(i)
        pose = self.pose(own.landmarks, image)
        scheme = self.model.scheme
        seen = own.visibility
        return Face(boxes[i], own.landmarks, own.scores, seen, score, scheme, pose, sigma=own.sigma, extra=own.extra)


def _rounded(values: np.ndarray | None, digits: int) -> list[Any] | None:
    return None if values is None else np.asarray(values, np.float64).round(digits).tolist()


def check_image(image: np.ndarray) -> None:
    """ValueError for anything but H×W×3 uint8."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise ValueError(f"an image is an array H×W×3 of uint8, RGB, not {image.shape} of {image.dtype}")
