"""Faces followed through a video: the next crop comes from this frame's landmarks, not from a detector.

The detector takes many times as long as the landmarks. It runs when no face is followed, when low landmark scores
suggest that a face is lost, and at intervals to find new faces. Crops follow the unfiltered points, so that smoothing
never makes them lag behind the face. A cut ends every track (`fauxface.inference.shots`), and a face that looks like
somebody else (`fauxface.inference.track`) gets a number of its own.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fauxface.faces import Framing, longer_side
from fauxface.inference.config import MAX_FACES
from fauxface.inference.crops import Landmarks
from fauxface.inference.detectors import Detection, Detector
from fauxface.inference.face import Face, check_image, visible_inside
from fauxface.inference.places import place_of, place_of_points
from fauxface.inference.shots import Change, Shots
from fauxface.inference.smoothing import FaceFilter, OneEuro
from fauxface.inference.track import KNOWN, STRANGER, Track, alike, apart, pairs
from fauxface.landmarks import scheme_of
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

    def reliable(self, landmarks: np.ndarray, scores: np.ndarray, /) -> bool:
        """True if these landmarks (N, 2) with these scores (N,) are most likely about where they should be."""
        ...

    def find(self, image: np.ndarray, /) -> list[Detection]:
        """The faces in an image, searched for thoroughly, best first."""
        ...

    def pose(self, landmarks: np.ndarray, image: np.ndarray, /) -> Pose | None:
        """The pose of a head with these landmarks (N, 2), image pixels, in this image."""
        ...


@dataclass(frozen=True)
class TrackerSettings:
    """Limits that decide when the detector runs and when a face is lost.

    Attributes:
        detect_every: seconds between searches for new faces, while some are followed.
        search_lost: seconds between searches while a face is missing that may come back.
        doubt: share of the face's usual mean score; a face below it is doubtful, and the detector runs.
        lost: share of the usual score; a face below it that the detector does not confirm is dropped at once.
        patience: seconds before a doubtful face that the detector does not confirm is dropped.
        missed_looks: searches in a row that may miss a face before it is dropped.
        memory: seconds during which a dropped face that is found again near where it went gets its number back.
        max_faces: most faces followed at a time; the best detections come first.
    """

    detect_every: float = 1.0
    search_lost: float = 0.2
    doubt: float = 0.8
    lost: float = 0.6
    patience: float = 0.3
    missed_looks: int = 3
    memory: float = 1.5
    max_faces: int = MAX_FACES


class Tracker:
    """The faces of one video or camera, followed from frame to frame.

    Attributes:
        landmarker: finds landmarks, and has the detector.
        smooth: whether points are smoothed over time; may change at any time.
        settings: limits for detection and for lost faces.
        smoothing: settings of the smoothing.
        looks: number of times that the detector has run.
        left_out: most faces of a frame that were found beyond ``max_faces``, and not followed.
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
        self.looks = self.left_out = 0
        self._scheme = landmarker.scheme
        self._shots = Shots()
        self._tracks: list[Track] = []
        self._ended: list[Track] = []
        self._before_cut: list[Track] = []
        self._ids = itertools.count()
        self._seconds = self._looked = self._searched = -math.inf

    @property
    def shots(self) -> int:
        """Number of shots so far."""
        return self._shots.count

    @property
    def note(self) -> str:
        """A line about faces beyond ``max_faces``, or nothing."""
        most = self.settings.max_faces
        return f"up to {self.left_out} more faces than {most} (--max-faces) were not followed" if self.left_out else ""

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
        self._ended = [track for track in self._ended if seconds - (track.seconds or 0) <= self.settings.memory]
        self._end_at_cut(self._shots.update(frame, seconds))
        self._read(frame, self._tracks)
        self._drop_duplicates()
        self._part_strangers()
        pause = self.settings.search_lost if self._ended else self.settings.detect_every
        due = seconds - self._looked >= pause or not self._tracks
        if due or any(track.doubtful for track in self._tracks):
            self._look(frame, due)
        return [self._face(frame, track) for track in self._tracks]

    def _end_at_cut(self, change: Change) -> None:
        """End all tracks where another shot begins; where the last one goes on, its faces may come back."""
        if change is Change.NONE:
            return
        self._searched = -math.inf
        known = [*self._tracks, *self._ended]
        self._ended = self._before_cut if change is Change.RETURN else []
        self._tracks, self._before_cut = [], known

    def _read(self, frame: np.ndarray, tracks: list[Track]) -> None:
        """Find the landmarks of these faces, and where to crop them next."""
        if not tracks:
            return
        framing = self.landmarker.framing
        found = self.landmarker.landmarks(frame, [track.place for track in tracks])
        for i, track in enumerate(tracks):
            track.read(found.of(i), frame, self._seconds, self._scheme, self.settings.doubt)
            track.place = place_of_points(framing, track.points, self._scheme)

    def _part_strangers(self) -> None:
        """Give a number of their own to faces that do not look like those followed so far, who may be elsewhere."""
        for i, track in enumerate(self._tracks):
            if track.sudden and not track.doubtful:
                self._tracks[i] = new = track.parted(FaceFilter(self.smoothing))
                self._number(new, STRANGER)
                self._ended.append(track)

    def _look(self, frame: np.ndarray, due: bool) -> None:
        """Search for faces, thoroughly at first and at intervals: confirm or drop doubtful ones, follow new ones."""
        thorough = self._seconds - self._searched >= self.settings.detect_every
        detections = self.landmarker.find(frame) if thorough else self.landmarker.detector(frame)
        if thorough:
            self._searched = self._seconds
        self.looks += 1
        if due:
            self._looked = self._seconds
        matches = pairs(self._tracks, detections)
        again: list[Track] = []
        for i, track in enumerate(list(self._tracks)):
            if i in matches:
                match = detections[matches[i]]
                track.detection_score, track.missed, track.doubtful_since = match.score, 0, None
                track.detector_box = match.box
                if track.doubtful:  # its points may be wrong: start again from the detection
                    track.box, track.usual = match.box, None
                    track.place = place_of(self.landmarker.framing, track.box, match.points)
                    again.append(track)
            elif not self._keeps(track, due):
                self._tracks.remove(track)
                self._ended.append(track)
        room = max(0, self.settings.max_faces - len(self._tracks))
        fresh = [detection for i, detection in enumerate(detections) if i not in matches.values()]
        self.left_out = max(self.left_out, len(fresh) - room)
        new = [self._begin(detection) for detection in fresh[:room]]
        self._read(frame, [*again, *new])
        self._part_strangers()
        for track in new:
            self._number(track)
        self._tracks.extend(new)

    def _keeps(self, track: Track, due: bool) -> bool:
        """True if a face that the detector does not confirm is still to be followed."""
        if not track.doubtful:
            track.doubtful_since = None
            track.missed += due
            return track.missed < self.settings.missed_looks
        if track.doubtful_since is None:
            track.doubtful_since = self._seconds
        low = track.score < self.settings.lost * (track.usual or 0.0)
        sound = bool(np.isfinite(track.points).all()) and longer_side(track.box) > 0
        return sound and not low and self._seconds - track.doubtful_since < self.settings.patience

    def _begin(self, detection: Detection) -> Track:
        place = place_of(self.landmarker.framing, detection.box, detection.points)
        return Track(detection.box, place, detection.score, FaceFilter(self.smoothing), detector_box=detection.box)

    def _number(self, track: Track, known: float = KNOWN) -> None:
        """Give a face its number: that of the face dropped a short time ago that it looks like, or a new one.

        ``known`` is the least likeness.
        """
        boxes = np.array([old.box_at(self._seconds) for old in self._ended])
        near = apart(track.box, boxes)[0] if len(boxes) else np.zeros(0)
        likeness = [alike(old.look, track.look) for old in self._ended]
        old = [(-likeness[i], i) for i in range(len(near)) if near[i] < 0.5 and likeness[i] >= known]
        track.id = next(self._ids) if not old else self._ended.pop(min(old)[1]).id

    def _drop_duplicates(self) -> None:
        """Where two tracks follow one face, drop the one that it looks less like."""
        if len(self._tracks) < 2:
            return
        boxes = np.array([track.box for track in self._tracks])
        close = np.triu(apart(boxes, boxes) < 0.25, 1)
        gone: set[int] = set()
        for first, second in np.argwhere(close):
            if not {int(first), int(second)} & gone:
                gone.add(self._worse(int(first), int(second)))
        for i in gone:
            self._tracks[i].box = self._tracks[i].before
            self._ended.append(self._tracks[i])
        self._tracks = [track for i, track in enumerate(self._tracks) if i not in gone]

    def _worse(self, first: int, second: int) -> int:
        """The one of two tracks that is less like the face at its place; the younger if both are alike."""
        one, other = self._tracks[first], self._tracks[second]
        if abs(one.likeness - other.likeness) > 0.1:
            return first if one.likeness < other.likeness else second
        return first if one.id > other.id else second

    def _face(self, frame: np.ndarray, track: Track) -> Face:
        points, box = track.points, track.box
        if self.smooth:
            scheme = scheme_of(self._scheme)
            right, left = (points[indices].mean(0) for indices in map(list, scheme.pupils))
            if scheme.eye_corners is not None:
                right, left = points[list(scheme.eye_corners)]
            # seen from the side the eyes' distance vanishes; from the front a face's box is about 1.6 times as wide
            unit = max(float(np.linalg.norm(right - left)), longer_side(box) / 3)
            points = track.steady(points, self._seconds, unit)
        else:
            track.steady = FaceFilter(self.smoothing)
        return Face(
            landmarks=points,
            scores=track.scores,
            visibility=visible_inside(points, track.visibility, frame.shape),
            detection_score=track.detection_score,
            scheme=self._scheme,
            pose=self.landmarker.pose(points, frame),
            id=track.id,
            sigma=track.sigma,
            reliable=not track.doubtful and self.landmarker.reliable(track.points, track.scores),
            extra=track.extra,
            detector_box=track.detector_box,
        )
