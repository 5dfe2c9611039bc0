"""From pixels to landmarks: the class that the commands, the live page and your programs use.

from fauxface import Landmarker

landmarker = Landmarker.load("fauxface-s")
for face in landmarker("photo.jpg"):
    print(face.box, face.landmarks)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args, overload

import numpy as np

from fauxface.checkpoint import Card, read_card, stored_weights
from fauxface.faces import Framing, landmark_box, roll_of
from fauxface.hashing import weights_hash, weights_of
from fauxface.inference.config import DETECTORS, Detail
from fauxface.inference.crops import CropModel, Landmarks, landmark_crops, load_torch
from fauxface.inference.detectors import Detection, Detector, load_detector
from fauxface.inference.face import Face, check_image, visible_inside
from fauxface.inference.inputs import PICTURES, PictureLike, refusal, to_image
from fauxface.inference.onnx_model import OnnxModel, load_onnx
from fauxface.inference.places import has_extent, is_turned, place_of, place_of_points
from fauxface.inference.reliability import Limits
from fauxface.inference.result import Origin
from fauxface.inference.search import SAME, find_faces, one_head, overlaps, turned_back, turned_views
from fauxface.inference.tracker import Tracker
from fauxface.landmarks import five_points, scheme_of
from fauxface.pose import Camera, Pose, head_pose
from fauxface.ranges import Threads, in_range

if TYPE_CHECKING:
    from fauxface.models import LandmarkModel

__all__ = ["FRAME_RATE", "Face", "Landmarker", "check_image"]

BATCH_IMAGES = 32
"""Images of a list whose faces go through the model together."""
BETTER = 1.125
"""A face turned against another on the same head takes its place if its score is so many times as high. Right readings
of AFW's faces turned by 180° have 1.13 to 1.6 times the score of wrong ones; wrong readings of upright faces that the
frame cuts by half have 0.75 to 1.14 times that of right ones."""
FRAME_RATE = 30.0
"""Frames per second assumed for frames without time stamps."""


@dataclass
class Landmarker:
    """A detector and a landmark model: call it with an image (a path, a PIL image, an array) to get its faces.

    Attributes:
        model: the landmark model: a network of torch in eval mode, or a file on ONNX Runtime.
        card: the checkpoint's card: scheme, data, licence, lane.
        detector: the face detector.
        flip: also run each face mirrored and average (twice the time).
        camera: the images' camera, for head poses; None guesses it from each image's size.
        checkpoint: the model's checkpoint, by name or path; None for a network that was not loaded from one.
        detail: how finely to search for faces: ``low``, ``auto`` or ``high`` (`fauxface.inference.search`).
        turned: look again at the picture turned by 90°, 180° and 270° where a face may be turned:
            where none is found, or one that is not reliable or has low scores.
    """

    model: LandmarkModel | CropModel
    card: Card
    detector: Detector
    flip: bool = False
    camera: Camera | None = None
    checkpoint: str | Path | None = None
    detail: Detail = "low"
    turned: bool = False

    @classmethod
    @in_range
    def load(
        cls,
        checkpoint: str | Path = "fauxface-s",
        detector: str = DETECTORS[0],
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
        ``onnx`` uses the checkpoint's ``model.onnx``, without importing torch, or exports one into the cache at first
        use. FileNotFoundError for a missing checkpoint; ValueError for a damaged one, for a detector that is not
        installed, and for an unknown detector, backend or detail.

        With ``detail`` ``low`` there is one look; ``auto`` also finds small faces and those that the frame cuts, in 5
        to 12 times the time; ``high`` is twice as fine, in 17 to 65 times the time of ``low``
        (``benchmarks/search_cost.py``). ``turned`` costs three looks where no face is found or not all are sure.
        """
        backend = backend or ("onnx" if device == "cpu" else "torch")
        if backend not in ("onnx", "torch") or (backend == "onnx" and device != "cpu"):
            raise ValueError(f"the backend is onnx (on the CPU only) or torch, not {backend} on {device}")
        if detail not in get_args(Detail):
            raise ValueError(f"the detail is {', '.join(get_args(Detail))}, not {detail}")
        found, card = load_detector(detector, threads), read_card(checkpoint)
        if backend == "onnx":
            model: LandmarkModel | CropModel = load_onnx(checkpoint, threads)
        else:
            model = load_torch(checkpoint, threads, device)
        return cls(model, card, found, flip, camera, checkpoint, detail, turned)

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
        faces = self.faces_at(pictures, [find_faces(self.detector, picture, self.detail) for picture in pictures])
        return [self._with_turned(picture, found) for picture, found in zip(pictures, faces, strict=True)]

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
    def weights(self) -> str:
        """A hash of the model's weights, whatever runs them."""
        if not isinstance(self.model, CropModel):
            return weights_hash(weights_of(self.model))
        assert self.checkpoint is not None, "a model of another runtime comes from a checkpoint"
        return weights_hash(stored_weights(self.checkpoint))

    @property
    def runtime(self) -> str:
        """The ONNX file, by its hash, or torch's device that the model runs on."""
        if isinstance(self.model, OnnxModel):
            return f"onnx {self.model.digest}"
        return "" if isinstance(self.model, CropModel) else next(self.model.parameters()).device.type

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
        return landmark_crops(self.model, image, places, self.framing, self.flip)

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

    def reliable(self, landmarks: np.ndarray, scores: np.ndarray, five: np.ndarray | None = None) -> bool:
        """True if these landmarks (N, 2) with these scores (N,) are most likely about where they should be.

        ``five`` are the detector's points (5, 2), where the face was detected in this image.
        """
        return self._limits.hold(landmarks, scores, self.scheme, five)

    @property
    def _limits(self) -> Limits:
        return Limits.of_card(getattr(self.card, "reliable", {}))

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
        """The faces, and reliable ones that turned views of the image show alone or better."""
        if not self.turned or (faces and all(self._sure(face) for face in faces)):
            return faces
        kept = list(faces)
        for view, quarters in turned_views(image):
            sure = [face.box for face in kept if self._sure(face)]
            found = turned_back(self.detector(view), quarters, image.shape)
            others = [one for one in found if overlaps(one.box, sure).max(initial=0) <= SAME]
            for face in self.faces_at([image], [others])[0]:
                turned = [_turned(face, other) for other in kept]
                same = one_head(face.box, [other.box for other in kept], turned)
                rivals = [i for i in np.flatnonzero(same) if kept[i].reliable]
                if face.reliable and all(turned[i] and _score(face) > BETTER * _score(kept[i]) for i in rivals):
                    kept = [*(other for other, one in zip(kept, same, strict=True) if not one), face]
        return sorted(kept, key=lambda face: -face.detection_score)

    def _sure(self, face: Face) -> bool:
        return face.reliable and _score(face) >= self._limits.sure

    def _face(self, image: np.ndarray, detection: Detection, found: Landmarks) -> Face:
        return Face(
            landmarks=found.landmarks,
            scores=found.scores,
            visibility=visible_inside(found.landmarks, found.visibility, image.shape),
            detection_score=detection.score,
            scheme=self.scheme,
            pose=self.pose(found.landmarks, image),
            sigma=found.sigma,
            reliable=self.reliable(found.landmarks, found.scores, detection.points),
            extra=found.extra,
            detector_box=np.asarray(detection.box, np.float64),
        )


def _score(face: Face) -> float:
    """Mean score of a face's points."""
    return float(np.mean(face.scores))


def _turned(face: Face, other: Face) -> bool:
    """True if one is seen turned by 45° or more against the other."""
    scheme = scheme_of(face.scheme)
    turn = roll_of(five_points(face.landmarks, scheme)) - roll_of(five_points(other.landmarks, scheme))
    return bool(np.cos(turn) < np.cos(np.pi / 4))
