"""From pixels to landmarks: the class that the commands, the live page and your programs use.

from fauxface.images import read_image
from fauxface.inference import Landmarker

landmarker = Landmarker.load("fauxface-s")
for face in landmarker(read_image(Path("photo.jpg"))):
    print(face.box, face.landmarks)
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args, overload

import numpy as np
import torch

from fauxface.checkpoint import Card, load_checkpoint
from fauxface.faces import Framing, landmark_box
from fauxface.inference.config import Detail
from fauxface.inference.crops import CropModel, Landmarks, landmark_crops
from fauxface.inference.detectors import Detection, Detector, load_detector
from fauxface.inference.face import Face, check_image, visible_inside
from fauxface.inference.onnx_model import load_onnx
from fauxface.inference.places import has_extent, is_turned, place_of, place_of_points
from fauxface.inference.reliability import Limits
from fauxface.inference.search import SAME, find_faces, overlaps, turned_back, turned_views
from fauxface.inference.tracker import Tracker
from fauxface.landmarks import five_points, scheme_of
from fauxface.models import LandmarkModel
from fauxface.pose import Camera, Pose, head_pose
from fauxface.ranges import Threads, in_range

__all__ = ["FRAME_RATE", "Face", "Landmarker", "check_image"]

FRAME_RATE = 30.0
"""Frames per second assumed for frames without time stamps."""


@dataclass
class Landmarker:
    """A detector and a landmark model: call it with an image to get its faces.

    Attributes:
        model: the landmark model, in eval mode.
        card: the checkpoint's card: scheme, data, licence, lane.
        detector: the face detector.
        flip: also run each face mirrored and average (twice the time).
        camera: the images' camera, for head poses; None guesses it from each image's size.
        backend: ``torch``, or ``onnx``: ONNX Runtime on the CPU, with the checkpoint's ONNX file.
        checkpoint: the model's checkpoint, by name or path.
        threads: CPU threads; 0 uses all.
        detail: how finely to search for faces: ``low``, ``auto`` or ``high`` (`fauxface.inference.search`).
        turned: look again at the picture turned by 90°, 180° and 270° where no reliable face is found.
    """

    model: LandmarkModel
    card: Card
    detector: Detector
    flip: bool = False
    camera: Camera | None = None
    backend: Literal["onnx", "torch"] = "torch"
    checkpoint: str | Path | None = None
    threads: int = 0
    detail: Detail = "low"
    turned: bool = False
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
        detail: Detail = "auto",
        turned: bool = True,
    ) -> Landmarker:
        """A landmarker from a checkpoint folder, a run's folder or the name of shipped weights.

        ``threads`` limits the CPU threads (0: all). ``backend`` None means ``onnx`` on the CPU and ``torch`` elsewhere;
        ``onnx`` uses the checkpoint's ``model.onnx``, or exports one into the cache at first use. FileNotFoundError for
        a missing checkpoint; ValueError for a damaged one, and for an unknown detector, backend or detail. ``detail``
        ``low`` is one look; ``auto``, 7 to 15 times its time, also finds small faces and those that the frame cuts;
        ``high``, 4 times the time again, is twice as fine. ``turned`` costs three looks where no face is reliable.
        """
        backend = backend or ("onnx" if device == "cpu" else "torch")
        if backend not in ("onnx", "torch") or (backend == "onnx" and device != "cpu"):
            raise ValueError(f"the backend is onnx (on the CPU only) or torch, not {backend} on {device}")
        if detail not in get_args(Detail):
            raise ValueError(f"the detail is {', '.join(get_args(Detail))}, not {detail}")
        found = load_detector(detector, threads)
        if threads:
            torch.set_num_threads(threads)
        model, card = load_checkpoint(checkpoint)
        return cls(model.to(device), card, found, flip, camera, backend, checkpoint, threads, detail, turned)

    @overload
    def __call__(self, image: np.ndarray) -> list[Face]: ...
    @overload
    def __call__(self, image: Sequence[np.ndarray]) -> list[list[Face]]: ...
    def __call__(self, image: np.ndarray | Sequence[np.ndarray]) -> list[Face] | list[list[Face]]:
        """The faces in an image H×W×3 uint8 RGB, best detection first, or in each of a list of images.

        The faces of all images go through the model together. ValueError for anything else.
        """
        if isinstance(image, np.ndarray):
            return self([image])[0]
        for picture in image:
            check_image(picture)
        faces = self.faces_at(image, [find_faces(self.detector, picture, self.detail) for picture in image])
        return [self._with_turned(picture, found) for picture, found in zip(image, faces, strict=True)]

    def find(self, image: np.ndarray) -> list[Detection]:
        """The faces in an image H×W×3 uint8 RGB as detections: their landmarks' boxes and five points."""
        scheme = scheme_of(self.scheme)
        return [
            Detection(
                landmark_box(face.landmarks, scheme.name), face.detection_score, five_points(face.landmarks, scheme)
            )
            for face in self(image)
        ]

    @property
    def scheme(self) -> str:
        """Name of the landmarks' scheme."""
        return self.model.scheme

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

    def reliable(self, landmarks: np.ndarray, scores: np.ndarray, five: np.ndarray | None = None) -> bool:
        """True if these landmarks (N, 2) with these scores (N,) are most likely about where they should be.

        ``five`` are the detector's points (5, 2), where the face was detected in this image.
        """
        limits = Limits.of_card(getattr(self.card, "reliable", {}))
        return limits.hold(landmarks, scores, self.scheme, five)

    def faces_at(self, images: Sequence[np.ndarray], detections: list[list[Detection]]) -> list[list[Face]]:
        """The faces at the detections of each image; all go through the model together."""
        framing = self.framing
        flat = [(image, one) for image, found in zip(images, detections, strict=True) for one in found]
        if not flat:
            return [[] for _ in images]
        pictures = [image for image, _ in flat]
        places = [place_of(framing, one.box, one.points) for _, one in flat]
        result = self.landmarks(pictures, places)
        points = [result.of(i) for i in range(len(flat))]
        # a detector lays the box of a turned face less well: its landmarks tell where to look again
        turned = [i for i, place in enumerate(places) if is_turned(framing, place) and has_extent(points[i].landmarks)]
        if turned:
            again = [place_of_points(framing, points[i].landmarks, self.scheme) for i in turned]
            better = self.landmarks([pictures[i] for i in turned], again)
            for k, i in enumerate(turned):
                points[i] = better.of(k)
        faces = iter([self._face(image, one, found) for (image, one), found in zip(flat, points, strict=True)])
        return [[next(faces) for _ in found] for found in detections]

    def _with_turned(self, image: np.ndarray, faces: list[Face]) -> list[Face]:
        """The faces, and those that only turned views of the image show: all reliable ones of them."""
        if not self.turned or (faces and all(face.reliable for face in faces)):
            return faces
        kept = list(faces)
        for view, quarters in turned_views(image):
            found = turned_back(self.detector(view), quarters, image.shape)
            for face in self.faces_at([image], [found])[0]:
                near = overlaps(face.box, [other.box for other in kept]) > SAME
                better = face.reliable and not any(kept[i].reliable for i in np.flatnonzero(near))
                if better:
                    kept = [*(other for other, same in zip(kept, near, strict=True) if not same), face]
        return sorted(kept, key=lambda face: -face.detection_score)

    def _face(self, image: np.ndarray, detection: Detection, found: Landmarks) -> Face:
        return Face(
            box=detection.box,
            landmarks=found.landmarks,
            scores=found.scores,
            visibility=visible_inside(found.landmarks, found.visibility, image.shape),
            detection_score=detection.score,
            scheme=self.scheme,
            pose=self.pose(found.landmarks, image),
            sigma=found.sigma,
            reliable=self.reliable(found.landmarks, found.scores, detection.points),
            extra=found.extra,
        )
