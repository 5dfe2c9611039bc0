"""The benchmark of systematic errors: parts of an error along and across an outline."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from offsets import after_stretching, along_and_across


def test_an_error_is_split_along_and_across_the_outline():
    angles = np.linspace(0, np.pi, 181)
    outline = np.stack([np.cos(angles), np.sin(angles)], -1)[None]
    outwards, onwards = outline, np.stack([-np.sin(angles), np.cos(angles)], -1)[None]
    along, across = along_and_across(0.3 * outwards - 0.1 * onwards, outline)
    np.testing.assert_allclose(along[:, 1:-1], 0.1, atol=1e-3)
    np.testing.assert_allclose(across[:, 1:-1], 0.3, atol=1e-3)


def test_moving_and_stretching_takes_what_is_straight():
    places = np.linspace(-1, 1, 5)
    bent = np.array([0.0, 0, 1, 0, 0])
    straight = np.stack([3 + 2 * places, -1 - places])
    np.testing.assert_allclose(after_stretching(straight), 0, atol=1e-12)
    np.testing.assert_allclose(after_stretching(straight[:1] + bent), [bent - 0.2], atol=1e-12)
