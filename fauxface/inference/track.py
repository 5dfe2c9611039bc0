"""``Track``: one followed face, where it goes, and what it looks like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from fauxface.faces import Crop, landmark_box, longer_side, roll_of
from fauxface.inference.crops import Landmarks
from fauxface.inference.smoothing import FaceFilter
from fauxface.landmarks import five_points, scheme_of

LOOK = 16
"""Side of the small picture by which a face is known again, px."""
STRANGER = 0.6
"""Two looks less alike than this, in frames that follow each other, show two people. Measured on renders: one face in
other light, noise, blur and a jittered box has 0.82 or more; 96 % of pairs of people have less than 0.6."""
KNOWN = 0.4
"""Least likeness of a face that comes back: it may have turned meanwhile, or still be half hidden."""


class Boxed(Protocol):
    """An object with a box (4,), image pixels: a detection or a track."""

    @property
    def box(self) -> np.ndarray:
        """The box."""
        ...


@dataclass(eq=False)
class Track:
    """A followed face: the place of its next crop, and the newest frame's predictions, unfiltered.

    Attributes:
        id: its number; −1 until it is known whether the face was followed before.
        look: small pictures of the face, averaged over time (`look_of`); None until its landmarks were found.
        newest: that of the newest frame; None where the points show no face.
        last: that of the frame before it.
        likeness: that of the two, −1 to 1.
        sudden: True if the face suddenly looks like somebody else; whoever is hidden bit by bit does not.
        before: the box one frame ago.
        velocity: (2,), of the box's centre, pixels a second.
    """

    box: np.ndarray
    place: np.ndarray
    detection_score: float
    steady: FaceFilter
    id: int = -1
    points: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    scores: np.ndarray = field(default_factory=lambda: np.zeros(0))
    visibility: np.ndarray | None = None
    sigma: np.ndarray | None = None
    extra: Mapping[str, np.ndarray] = field(default_factory=dict)
    look: np.ndarray | None = None
    newest: np.ndarray | None = None
    last: np.ndarray | None = None
    before: np.ndarray = field(default_factory=lambda: np.zeros(4))
    likeness: float = 1.0
    sudden: bool = False
    velocity: np.ndarray = field(default_factory=lambda: np.zeros(2))
    usual: float | None = None
    doubtful: bool = False
    doubtful_since: float | None = None
    missed: int = 0
    seconds: float | None = None
    detector_box: np.ndarray | None = None  # only in frames in which the detector found the face

    @property
    def score(self) -> float:
        """Mean score of the points."""
        return float(self.scores.mean())

    def read(self, found: Landmarks, frame: np.ndarray, seconds: float, scheme: str, doubt: float) -> None:
        """Take over the landmarks found in a frame; low scores and implausible moves make the face doubtful.

        ``doubt`` is the share of the usual score below which the face is doubtful.
        """
        self.before, elapsed = self.box, None if self.seconds is None else seconds - self.seconds
        self.points, self.scores, self.seconds = found.landmarks, found.scores, seconds
        self.visibility, self.sigma, self.extra = found.visibility, found.sigma, found.extra
        self.box = landmark_box(self.points, scheme)
        if self.usual is None:
            self.usual = self.score
        possible = plausible(self.before, self.box, frame.shape)
        if elapsed != 0:  # else a second look at the same frame, after a search
            self.last = self.newest
        self.newest = look_of(frame, self.points, scheme) if possible else None
        self.likeness = alike(self.look, self.newest) if possible else 0.0
        self.sudden = max(self.likeness, alike(self.last, self.newest)) < STRANGER
        self.doubtful = self.score < doubt * self.usual or not possible
        if self.doubtful or self.likeness < STRANGER:
            return
        self.usual += 0.05 * (self.score - self.usual)
        if elapsed:
            moved = (self.box[:2] + self.box[2:] - self.before[:2] - self.before[2:]) / 2 / elapsed
            self.velocity = self.velocity + min(1.0, 5 * elapsed) * (moved - self.velocity)
        if self.newest is not None:
            share = 0.1 if self.likeness > 0.75 else 0.02  # whatever hides a part is not learned
            self.look = self.newest if self.look is None else (1 - share) * self.look + share * self.newest

    def parted(self, steady: FaceFilter) -> Track:
        """A new track, without number and past, of the face that this one's points have gone over to.

        This one goes back to where it was the frame before.
        """
        new = replace(
            self,
            id=-1,
            steady=steady,
            look=self.newest,
            likeness=1.0,
            sudden=False,
            velocity=np.zeros(2),
            usual=self.score,
        )
        self.box = self.before
        return new

    def box_at(self, seconds: float) -> np.ndarray:
        """The box (4,) where the face should be at this time if it went on moving."""
        elapsed = 0.0 if self.seconds is None else seconds - self.seconds
        return self.box + np.tile(self.velocity * elapsed, 2)


def look_of(frame: np.ndarray, points: np.ndarray, scheme: str) -> np.ndarray:
    """A small upright picture of the face with these points, as a vector without regard to brightness and contrast."""
    roll = roll_of(five_points(points, scheme_of(scheme)))
    pixels = Crop.around(landmark_box(points, scheme), LOOK, 1.1, roll).extract(frame).astype(np.float32).ravel()
    return pixels - pixels.mean()


def alike(a: np.ndarray | None, b: np.ndarray | None) -> float:
    """Likeness of two looks, −1 to 1; 1 where one is missing or shows nothing."""
    if a is None or b is None:
        return 1.0
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / size if size > LOOK**2 else 1.0


def apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Distances (A, B) of the centres of boxes (A, 4) and (B, 4), in units of the larger box's longer side."""
    a, b = a.reshape(-1, 4), b.reshape(-1, 4)
    between = (a[:, None, :2] + a[:, None, 2:] - b[None, :, :2] - b[None, :, 2:]) / 2
    sides = [(boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=1e-6) for boxes in (a, b)]
    return np.hypot(between[..., 0], between[..., 1]) / np.maximum(sides[0][:, None], sides[1][None])


def pairs(ones: Sequence[Boxed], others: Sequence[Boxed], reach: float = 0.5) -> dict[int, int]:
    """Pairs of numbers of ``ones`` and ``others`` whose boxes lie nearest each other, each in one pair at most."""
    if not ones or not others:
        return {}
    distances = apart(np.array([one.box for one in ones]), np.array([other.box for other in others]))
    found: dict[int, int] = {}
    for index in np.argsort(distances, axis=None, kind="stable"):
        one, other = (int(i) for i in np.unravel_index(index, distances.shape))
        if not distances[one, other] < reach:
            break
        if one not in found and other not in found.values():
            found[one] = other
    return found


def plausible(before: np.ndarray, now: np.ndarray, shape: tuple[int, ...]) -> bool:
    """True if a face can move from one box to the other between two frames, and is inside the image there."""
    if not np.isfinite(now).all() or longer_side(now) < 8:
        return False
    centre = (now[:2] + now[2:]) / 2
    inside = bool((centre > 0).all() and centre[0] < shape[1] and centre[1] < shape[0])
    return inside and 0.5 < longer_side(now) / max(longer_side(before), 1e-6) < 2
