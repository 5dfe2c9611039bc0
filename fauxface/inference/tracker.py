"""Faces followed through a video: the next crop comes from this frame's landmarks, not from a detector.

The detector takes many times as long as the landmarks. It runs when no face is followed, when low landmark scores
suggest that a face is lost, and at intervals to find new faces. Crops follow the unfiltered points, so that smoothing
never makes them lag behind the face.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from fauxface.faces import Framing, landmark_box
from fauxface.inference.crops import Landmarks
from fauxface.inference.detectors import Detection, Detector
from fauxface.inference.face import Face, check_image
from fauxface.inference.smoothing import FaceFilter, OneEuro
from fauxface.landmarks import five_points, scheme_of
from fauxface.pose import Pose


class LandmarkFinder(Protocol):
    """The part of a ``Landmarker`` that a tracker uses: its detector, and landmarks at known places."""

    @property
    def detector(self) -> Detector:
        """The face detector."""
        ...

    @property
    def scheme(self) -> str:
        """Name of the landmarks' scheme."""
        ...

    @property
    def framing(self) -> Framing:
        """The model's rule for cropping faces."""
        ...

    def landmarks(self, image: np.ndarray, places: Sequence[np.ndarray] | np.ndarray, /) -> Landmarks:
        """The landmarks, image pixels, of the faces at these places of an image H×W×3 uint8 RGB."""
        ...

    def pose(self, landmarks: np.ndarray, image: np.ndarray, /) -> Pose | None:
        """The pose of a head with these landmarks (N, 2), image pixels, in this image."""
        ...


@dataclass(frozen=True)
class TrackerSettings:
    """Limits that decide when the detector runs and when a face is lost.

    Attributes:
        detect_every: seconds between searches for new faces, while some are followed.
        doubt: share of the face's usual mean score; a face below it is doubtful, and the detector runs.
        lost: share of the usual score; a face below it that the detector does not confirm is dropped at once.
        patience: seconds before a doubtful face that the detector does not confirm is dropped.
        missed_looks: searches in a row that may miss a face before it is dropped.
        memory: seconds during which a dropped face that is found again near its last place gets its number back.
        max_faces: most faces followed at a time; the best detections come first.
    """

    detect_every: float = 1.0
    doubt: float = 0.8
    lost: float = 0.6
    patience: float = 0.3
    missed_looks: int = 3
    memory: float = 1.5
    max_faces: int = 16


@dataclass
class _Track:
    """A followed face: the place of its next crop, and the newest frame's predictions, unfiltered."""

    id: int
    box: np.ndarray
    place: np.ndarray
    detection_score: float
    steady: FaceFilter
    points: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    scores: np.ndarray = field(default_factory=lambda: np.zeros(0))
    visibility: np.ndarray | None = None
    sigma: np.ndarray | None = None
    extra: Mapping[str, np.ndarray] = field(default_factory=dict)
    usual: float | None = None
    doubtful: bool = False
    doubtful_since: float | None = None
    missed: int = 0
    seconds: float = 0.0
    detector_box: np.ndarray | None = None  # only in frames in which the detector found the face

    @property
    def score(self) -> float:
        return float(self.scores.mean())


class Tracker:
    """The faces of one video or camera, followed from frame to frame.

    Attributes:
        landmarker: finds landmarks, and has the detector.
        smooth: whether points are smoothed over time; may change at any time.
        settings: limits for detection and for lost faces.
        smoothing: settings of the smoothing.
        looks: number of times that the detector has run.
    """

    def __init__(
        self,
        landmarker: LandmarkFinder,
        smooth: bool = True,
        settings: TrackerSettings | None = None,
        smoothing: OneEuro | None = None,
    ) -> None:
        self.landmarker, self.smooth = landmarker, smooth
        self.settings, self.smoothing = settings or TrackerSettings(), smoothing or OneEuro()
        self.looks = 0
        self._scheme = landmarker.scheme
        self._tracks: list[_Track] = []
        self._ended: list[_Track] = []
        self._ids = itertools.count()
        self._seconds, self._looked = -math.inf, -math.inf

    def update(self, frame: np.ndarray, seconds: float) -> list[Face]:
        """The faces of the next frame H×W×3 uint8 RGB, those followed longest first.

        ``seconds`` is the frame's time since a fixed moment. ValueError unless it is later than the last frame's.
        """
        check_image(frame)
        if not (math.isfinite(seconds) and seconds > self._seconds):
            raise ValueError(f"a frame's time must be later than the last: {seconds} after {self._seconds} s")
        self._seconds = seconds
        for track in self._tracks:
            track.detector_box = None
        self._read(frame, self._tracks)
        self._drop_duplicates()
        due = seconds - self._looked >= self.settings.detect_every or not self._tracks
        if due or any(track.doubtful for track in self._tracks):
            self._look(frame, due)
        return [self._face(frame, track) for track in self._tracks]

    def _read(self, frame: np.ndarray, tracks: list[_Track]) -> None:
        """Find the landmarks of these faces, and mark those with low scores or implausible moves as doubtful."""
        if not tracks:
            return
        framing, scheme = self.landmarker.framing, scheme_of(self._scheme)
        found = self.landmarker.landmarks(frame, [track.place for track in tracks])
        for i, track in enumerate(tracks):
            before = track.box
            one = found.of(i)
            track.points, track.scores, track.seconds = one.landmarks, one.scores, self._seconds
            track.visibility, track.sigma, track.extra = one.visibility, one.sigma, one.extra
            track.box = landmark_box(track.points, self._scheme)
            track.place = framing.place(track.box, five_points(track.points, scheme))
            if track.usual is None:
                track.usual = track.score
            low = track.score < self.settings.doubt * track.usual
            track.doubtful = low or not _plausible(before, track.box, frame.shape)
            if not track.doubtful:
                track.usual += 0.05 * (track.score - track.usual)

    def _look(self, frame: np.ndarray, due: bool) -> None:
        """Run the detector: confirm or drop doubtful faces, begin to follow new ones."""
        detections = self.landmarker.detector(frame)
        self.looks += 1
        if due:
            self._looked = self._seconds
        taken: set[int] = set()
        again: list[_Track] = []
        for track in list(self._tracks):
            match = _nearest(track.box, [(i, d) for i, d in enumerate(detections) if i not in taken])
            if match is not None:
                taken.add(match)
                track.detection_score, track.missed, track.doubtful_since = detections[match].score, 0, None
                track.detector_box = detections[match].box
                if track.doubtful:  # its points may be wrong: start again from the detection
                    track.box, track.usual = detections[match].box, None
                    track.place = self.landmarker.framing.place(track.box, detections[match].points)
                    again.append(track)
            elif not self._keeps(track, due):
                self._end(track)
        room = max(0, self.settings.max_faces - len(self._tracks))
        new = [self._begin(d) for i, d in enumerate(detections) if i not in taken][:room]
        self._read(frame, [*again, *new])
        self._tracks.extend(new)

    def _keeps(self, track: _Track, due: bool) -> bool:
        """True if a face that the detector does not confirm is still to be followed."""
        if not track.doubtful:
            track.doubtful_since = None
            track.missed += due
            return track.missed < self.settings.missed_looks
        if track.doubtful_since is None:
            track.doubtful_since = self._seconds
        low = track.score < self.settings.lost * (track.usual or 0.0)
        sound = bool(np.isfinite(track.points).all()) and _side(track.box) > 0
        return sound and not low and self._seconds - track.doubtful_since < self.settings.patience

    def _begin(self, detection: Detection) -> _Track:
        """Begin to follow a new face, or again one that was dropped a short time ago."""
        self._ended = [track for track in self._ended if self._seconds - track.seconds <= self.settings.memory]
        old = _nearest(detection.box, list(enumerate(self._ended)))
        number = next(self._ids) if old is None else self._ended.pop(old).id
        place = self.landmarker.framing.place(detection.box, detection.points)
        steady = FaceFilter(self.smoothing)
        return _Track(number, detection.box, place, detection.score, steady, detector_box=detection.box)

    def _end(self, track: _Track) -> None:
        self._tracks.remove(track)
        self._ended.append(track)

    def _drop_duplicates(self) -> None:
        """Drop the younger of two tracks that follow the same face."""
        for track in sorted(self._tracks, key=lambda track: -track.id):
            others = [other for other in self._tracks if other.id < track.id]
            if any(_apart(track.box, other.box) < 0.25 for other in others):
                self._tracks.remove(track)

    def _face(self, frame: np.ndarray, track: _Track) -> Face:
        points, box = track.points, track.box
        if self.smooth:
            scheme = scheme_of(self._scheme)
            right, left = (points[indices].mean(0) for indices in map(list, scheme.pupils))
            if scheme.eye_corners is not None:
                right, left = points[list(scheme.eye_corners)]
            # seen from the side the eyes' distance vanishes; from the front a face's box is about 1.6 times as wide
            unit = max(float(np.linalg.norm(right - left)), _side(box) / 3)
            points = track.steady(points, self._seconds, unit)
        else:
            track.steady = FaceFilter(self.smoothing)
        return Face(
            landmarks=points,
            scores=track.scores,
            visibility=track.visibility,
            detection_score=track.detection_score,
            scheme=self._scheme,
            pose=self.landmarker.pose(points, frame),
            id=track.id,
            sigma=track.sigma,
            extra=track.extra,
            detector_box=track.detector_box,
        )


def _side(box: np.ndarray) -> float:
    return float(max(box[2] - box[0], box[3] - box[1]))


def _apart(a: np.ndarray, b: np.ndarray) -> float:
    """Distance of two boxes' centres, in units of the larger box's longer side."""
    between = (a[:2] + a[2:] - b[:2] - b[2:]) / 2
    return float(np.hypot(*between)) / max(_side(a), _side(b), 1e-6)


def _nearest(box: np.ndarray, others: list[tuple[int, Detection]] | list[tuple[int, _Track]]) -> int | None:
    """Number of the one among ``others`` whose box's centre is nearest, within half a box; None if none is."""
    near = [(_apart(box, other.box), i) for i, other in others]
    near = [pair for pair in near if pair[0] < 0.5]
    return min(near)[1] if near else None


def _plausible(before: np.ndarray, now: np.ndarray, shape: tuple[int, ...]) -> bool:
    """True if a face can move from one box to the other between two frames, and is inside the image there."""
    if not np.isfinite(now).all() or _side(now) < 8:
        return False
    centre = (now[:2] + now[2:]) / 2
    inside = bool((centre > 0).all() and centre[0] < shape[1] and centre[1] < shape[0])
    return inside and 0.5 < _side(now) / max(_side(before), 1e-6) < 2
