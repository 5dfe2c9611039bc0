"""Smoothing of footage with what comes later in view: without delay, unlike the causal filter of live pictures.

Each point is followed by a Kalman filter whose state is place and velocity, and then smoothed backwards (Rauch, Tung
and Striebel 1965). Forwards and backwards together have zero phase: steady motion is kept exactly, and a vibration of
frequency f is multiplied by 1 / (1 + (f / cutoff)^4). All points of a face share one cutoff, so that they do not
shimmer against each other. It is low where the face moves evenly or stands, and rises where it, or a part of it such
as the lids in a blink, moves by more than its points' noise. A face that is gone for a while, and one that a cut moves
elsewhere, is smoothed on both sides for itself.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fauxface.inference.face import Face
from fauxface.pose import Pose


@dataclass(frozen=True)
class Offline:
    """Settings of the smoothing.

    Attributes:
        low: cutoff for a face at rest or in even motion, Hz.
        high: cutoff for one in uneven motion, Hz.
        gap: seconds without the face from which both sides are smoothed for themselves.
        cut: jump that the motion on neither side explains, in sides of the face's box; a larger one is a cut.
    """

    low: float = 1.0
    high: float = 6.0
    gap: float = 0.25
    cut: float = 0.1


def smooth_footage(
    seconds: Sequence[float],
    frames: Sequence[Sequence[Face]],
    pose: Callable[[int, np.ndarray], Pose | None],
    settings: Offline = Offline(),
) -> list[list[Face]]:
    """The same faces with smoothed landmarks and their poses, frame by frame.

    Args:
        seconds: the frames' times, rising.
        frames: each frame's faces, unsmoothed, with ids; faces without an id stay as they are.
        pose: the pose of a head from the number of its place in ``frames`` and its landmarks (N, 2); asked for faces
            that had one.
        settings: cutoffs and limits.
    """
    found = [list(faces) for faces in frames]
    places: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for number, faces in enumerate(found):
        for i, face in enumerate(faces):
            if face.id is not None:
                places[face.id].append((number, i))
    for track in places.values():
        points = np.stack([found[number][i].landmarks for number, i in track])
        numbers = np.array([number for number, _ in track])
        smooth = smooth_track(points, np.asarray(seconds, np.float64)[numbers], numbers, settings)
        for (number, i), landmarks in zip(track, smooth, strict=True):
            face = found[number][i]
            posed = None if face.pose is None else pose(number, landmarks)
            found[number][i] = replace(face, landmarks=landmarks, pose=posed)
    return found


def smooth_track(
    points: np.ndarray, seconds: np.ndarray, numbers: np.ndarray | None = None, settings: Offline = Offline()
) -> np.ndarray:
    """One face's points (T, N, 2), pixels, smoothed; ``numbers`` (T,) are the frames in which it was found."""
    numbers = np.arange(len(points)) if numbers is None else numbers
    apart = (np.diff(numbers) > 1) | (np.diff(seconds) > settings.gap) | _cuts(points, settings.cut)
    ends = [0, *(np.flatnonzero(apart) + 1), len(points)]
    parts = [_smooth(points[a:b], seconds[a:b], settings) for a, b in itertools.pairwise(ends)]
    return np.concatenate(parts)


def low_pass(points: np.ndarray, seconds: np.ndarray, cutoff: float | np.ndarray) -> np.ndarray:
    """Points (T, N, 2) through the forward-backward filter; ``cutoff`` in Hz, one or one a frame (T,)."""
    count = len(points)
    if count < 3:
        return points.astype(np.float64)
    steps = np.diff(seconds)
    # power of the random acceleration, for measurements of variance 1 a typical frame
    power = (2 * math.pi * np.broadcast_to(cutoff, (count,))) ** 4 * float(np.median(steps))
    state = np.zeros((count, 2, points[0].size))
    ahead = np.zeros_like(state)
    spread, spread_ahead = np.zeros((count, 2, 2)), np.zeros((count, 2, 2))
    measured = points.reshape(count, -1).astype(np.float64)
    state[0, 0], spread[0] = measured[0], np.diag([1.0, 1e8 / float(steps[0]) ** 2])
    for t in range(1, count):
        dt = float(steps[t - 1])
        move = np.array([[1, dt], [0, 1]])
        noise = (power[t - 1] + power[t]) / 2 * np.array([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]])
        ahead[t], spread_ahead[t] = move @ state[t - 1], move @ spread[t - 1] @ move.T + noise
        gain = spread_ahead[t][:, 0] / (spread_ahead[t][0, 0] + 1)
        state[t] = ahead[t] + gain[:, None] * (measured[t] - ahead[t, 0])
        spread[t] = spread_ahead[t] - np.outer(gain, spread_ahead[t][0])
    for t in range(count - 2, -1, -1):
        move = np.array([[1, float(steps[t])], [0, 1]])
        back = spread[t] @ move.T @ np.linalg.inv(spread_ahead[t + 1])
        state[t] += back @ (state[t + 1] - ahead[t + 1])
    return state[:, 0].reshape(points.shape)


def _smooth(points: np.ndarray, seconds: np.ndarray, settings: Offline) -> np.ndarray:
    """Points of one face without gaps and cuts, with a cutoff for each frame."""
    if len(points) < 5:
        return points.astype(np.float64)
    fine, coarse = low_pass(points, seconds, settings.high), low_pass(points, seconds, settings.low)
    noise = _noise(points)
    motion = np.sqrt(((fine - coarse) ** 2).sum(-1).mean(-1)) / max(noise, 1e-9)
    # noise alone makes about 0.8 of this; a blink or the start of a turn several times as much
    share = np.clip(motion - 1, 0, 1)
    width = max(1, round(0.1 / float(np.median(np.diff(seconds)))))
    padded = np.pad(share, width, mode="edge")
    share = np.max([padded[i : i + len(share)] for i in range(2 * width + 1)], axis=0)
    return low_pass(points, seconds, settings.low * (settings.high / settings.low) ** share)


def _noise(points: np.ndarray) -> float:
    """Standard deviation of the points' noise along an axis, pixels, from differences that motion hardly enters."""
    third = np.diff(points, 3, axis=0)
    return float(np.median(np.abs(third))) / (0.6745 * math.sqrt(20))


def _cuts(points: np.ndarray, limit: float) -> np.ndarray:
    """(T − 1,) true between frames where most points jump as the motion on neither side explains."""
    if len(points) < 2:
        return np.zeros(0, bool)
    side = np.maximum(np.ptp(points, axis=1).max(-1), 1e-9)
    step = np.diff(points, axis=0)
    before = np.concatenate([np.zeros_like(step[:1]), step[:-1]])
    after = np.concatenate([step[1:], np.zeros_like(step[:1])])
    unexplained = [np.median(np.linalg.norm(step - other, axis=-1), axis=1) for other in (before, after)]
    return np.minimum(*unexplained) > limit * np.minimum(side[1:], side[:-1])
