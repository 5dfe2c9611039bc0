"""Faces followed through a video: the next crop comes from this frame's landmarks, not from a detector.

The detector, which costs many times what the landmarks do, looks when there is no face, when the landmark scores say
that a face is lost, and now and then for newcomers. Crops follow the unfiltered points, so that a steady picture never
makes the crop lag behind the face.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from fauxface.faces import landmark_box
from fauxface.inference.detectors import Detection
from fauxface.inference.landmarker import Face, Landmarker, check_image
from fauxface.inference.smoothing import FaceFilter, OneEuro
from fauxface.landmarks import five_points, scheme_of


@dataclass(frozen=True)
class TrackerSettings:
    """When to believe what.

    Attributes:
        detect_every: seconds between looks for newcomers, while there are faces.
        doubt: a mean landmark score below this share of the face's usual one calls the detector.
        lost: one below this share, which the detector does not confirm, ends a face at once.
        patience: seconds for which a doubtful face goes on that the detector does not confirm.
        missed_looks: looks for newcomers in a row that may miss a face before it ends.
        memory: seconds for which a face that ended, found again near its last place, gets its number back.
        max_faces: how many faces are followed; the best detections first.
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
    """One face: where to look for it next, and what was seen of it in the newest frame, unfiltered."""

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

    @property
    def score(self) -> float:
        return float(self.scores.mean())


class Tracker:
    """Follows the faces of one video or camera.

    Attributes:
        landmarker: finds the landmarks, and has the detector.
        smooth: whether points are made steady; may be changed at any time.
        settings: when to believe what.
        smoothing: how steady.
        looks: how often the detector has been called.
    """

    def __init__(
        self,
        landmarker: Landmarker,
        smooth: bool = True,
        settings: TrackerSettings | None = None,
        smoothing: OneEuro | None = None,
    ) -> None:
        self.landmarker, self.smooth = landmarker, smooth
        self.settings, self.smoothing = settings or TrackerSettings(), smoothing or OneEuro()
        self.looks = 0
        self._scheme = landmarker.model.scheme
        self._tracks: list[_Track] = []
        self._ended: list[_Track] = []
        self._ids = itertools.count()
        self._seconds, self._looked = -math.inf, -math.inf

    def update(self, frame: np.ndarray, seconds: float) -> list[Face]:
        """The faces of the next frame H×W×3 uint8 RGB, those followed longest first.

        ``seconds`` is when it was taken, after some fixed moment. ValueError unless it is later than the frame before.
        """
        check_image(frame)
        if not (math.isfinite(seconds) and seconds > self._seconds):
            raise ValueError(f"a frame's time must be later than the one before: {seconds} after {self._seconds} s")
        self._seconds = seconds
        self._read(frame, self._tracks)
        self._drop_doubles()
        due = seconds - self._looked >= self.settings.detect_every or not self._tracks
        if due or any(track.doubtful for track in self._tracks):
            self._look(frame, due)
        return [self._face(frame, track) for track in self._tracks]

    def _read(self, frame: np.ndarray, tracks: list[_Track]) -> None:
        """Find the landmarks of these faces, and whether the scores leave doubt that they are faces."""
        if not tracks:
            return
        framing, scheme = self.landmarker.framing, scheme_of(self._scheme)
        found = self.landmarker.landmarks(frame, [track.place for track in tracks])
        for i, track in enumerate(tracks):
            before = track.box
            own = found.of(i)
            track.points, track.scores, track.seconds = own.landmarks, own.scores, self._seconds
            track.visibility, track.sigma, track.extra = own.visibility, own.sigma, own.extra
            track.box = landmark_box(track.points, self._scheme)
            track.place = framing.place(track.box, five_points(track.points, scheme))
            if track.usual is None:
                track.usual = track.score
            low = track.score < self.settings.doubt * track.usual
            track.doubtful = low or not _plausible(before, track.box, frame.shape)
            if not track.doubtful:
                track.usual += 0.05 * (track.score - track.usual)

    def _look(self, frame: np.ndarray, due: bool) -> None:
        """Call the detector: doubtful faces are confirmed or end, newcomers begin."""
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
                if track.doubtful:  # its own points may have gone astray
                    track.box, track.usual = detections[match].box, None
                    track.place = self.landmarker.framing.place(track.box, detections[match].points)
                    again.append(track)
            elif not self._goes_on(track, due):
                self._end(track)
        room = max(0, self.settings.max_faces - len(self._tracks))
        new = [self._begin(d) for i, d in enumerate(detections) if i not in taken][:room]
        self._read(frame, [*again, *new])
        self._tracks.extend(new)

    def _goes_on(self, track: _Track, due: bool) -> bool:
        """Whether a face that the detector does not confirm is followed further."""
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
        """A newcomer, or a face that ended not long ago."""
        self._ended = [track for track in self._ended if self._seconds - track.seconds <= self.settings.memory]
        old = _nearest(detection.box, list(enumerate(self._ended)))
        number = next(self._ids) if old is None else self._ended.pop(old).id
        place = self.landmarker.framing.place(detection.box, detection.points)
        return _Track(number, detection.box, place, detection.score, FaceFilter(self.smoothing))

    def _end(self, track: _Track) -> None:
        self._tracks.remove(track)
        self._ended.append(track)

    def _drop_doubles(self) -> None:
        """Where two tracks have come to follow one face, the older stays."""
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
            # in profile the eyes' distance vanishes; a face's box is about 1.6 of it wide
            unit = max(float(np.linalg.norm(right - left)), _side(box) / 3)
            points = track.steady(points, self._seconds, unit)
            box = landmark_box(points, self._scheme)
        else:
            track.steady = FaceFilter(self.smoothing)
        pose = self.landmarker.pose(points, frame)
        seen, number = track.visibility, track.id
        score, told = track.detection_score, (track.sigma, track.extra)
        return Face(box, points, track.scores, seen, score, self._scheme, pose, number, *told)


def _side(box: np.ndarray) -> float:
    return float(max(box[2] - box[0], box[3] - box[1]))


def _apart(a: np.ndarray, b: np.ndarray) -> float:
    """The distance of two boxes' centres, in units of the larger one's longer side."""
    between = (a[:2] + a[2:] - b[:2] - b[2:]) / 2
    return float(np.hypot(*between)) / max(_side(a), _side(b), 1e-6)


def _nearest(box: np.ndarray, others: list[tuple[int, Detection]] | list[tuple[int, _Track]]) -> int | None:
    """The number of the one among ``others`` that lies where ``box`` lies, by its centre; None if none does."""
    near = [(_apart(box, other.box), i) for i, other in others]
    near = [pair for pair in near if pair[0] < 0.5]
    return min(near)[1] if near else None


def _plausible(before: np.ndarray, now: np.ndarray, shape: tuple[int, ...]) -> bool:
    """Whether a face can have got from one box to the other within a frame, and can be seen there."""
    if not np.isfinite(now).all() or _side(now) < 8:
        return False
    centre = (now[:2] + now[2:]) / 2
    inside = bool((centre > 0).all() and centre[0] < shape[1] and centre[1] < shape[0])
    return inside and 0.5 < _side(now) / max(_side(before), 1e-6) < 2
