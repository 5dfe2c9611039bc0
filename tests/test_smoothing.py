"""Steady where still, at once where moving."""

from __future__ import annotations

import numpy as np
import pytest
from fake_data import canonical_face

from fauxface.inference import FaceFilter

RATE, UNIT = 30, 60.0
FACE = canonical_face() * 50 + [150, 120]


def filtered(frames: np.ndarray, times: np.ndarray | None = None, scale: float = 1) -> np.ndarray:
    steady = FaceFilter()
    times = np.arange(len(frames)) / RATE if times is None else times
    return np.stack([steady(points, t, UNIT * scale) for points, t in zip(frames, times, strict=True)])


def noisy(count: int, deviation: float = 0.6) -> np.ndarray:
    return FACE + np.random.default_rng(0).normal(0, deviation, (count, 70, 2))


def lag(moved: np.ndarray, found: np.ndarray) -> float:
    """Frames by which one signal comes after the other: the peak of their cross-correlation."""
    fine = np.arange(0, len(moved) - 1, 0.02)
    a, b = (np.interp(fine, np.arange(len(s)), s - s.mean()) for s in (moved, found))
    shifts = np.arange(0, 200)
    return 0.02 * int(np.argmax([np.dot(a[: len(a) - k], b[k:]) / (len(a) - k) for k in shifts]))


def test_a_still_face_stands_still():
    raw = noisy(200)
    assert filtered(raw)[60:].std(0).mean() < 0.3 * raw[60:].std(0).mean()


def test_a_moving_face_is_followed_at_once():
    times = np.arange(120) / RATE
    moved = 0.5 * UNIT * np.sin(2 * np.pi * times)
    raw = noisy(120) + np.stack([moved, 0 * moved], 1)[:, None]
    assert lag(moved[30:], filtered(raw)[30:, :, 0].mean(1)) <= 1


def test_all_points_of_a_face_share_one_cutoff():
    raw = np.repeat(FACE[None], 30, 0)
    raw[10:, :35] += 5
    found = filtered(raw)
    share = (found[10:, :35] - FACE[:35]) / 5
    assert np.ptp(share, axis=(1, 2)).max() < 1e-9
    np.testing.assert_allclose(found[:, 35:], np.repeat(FACE[None, 35:], 30, 0))


def test_near_and_far_faces_behave_alike():
    raw = noisy(60)
    np.testing.assert_allclose(filtered(3 * raw, scale=3), 3 * filtered(raw))


def test_time_stamps_count_rather_than_frames():
    # a step, looked at after the same second in 10 frames and in 60
    ends = []
    for rate in (10, 60):
        times = np.concatenate([[0.0], np.arange(1, rate + 1) / rate])
        raw = np.concatenate([FACE[None], np.repeat(FACE[None] + 0.05, rate, 0)])
        ends.append((filtered(raw, times)[-1] - FACE).mean())
    assert ends[0] == pytest.approx(ends[1], rel=0.1)
    assert FaceFilter()(FACE, 1.0, UNIT) is FACE


def test_a_time_that_does_not_go_on_changes_nothing():
    steady = FaceFilter()
    steady(FACE, 1.0, UNIT)
    np.testing.assert_array_equal(steady(FACE + 1, 1.0, UNIT), FACE + 1)
    assert (steady(FACE + 1, 1.1, UNIT) < FACE + 1).all()
