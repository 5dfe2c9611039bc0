"""Smoothing of footage compared: noisy points of a face whose true motion is known.

Run: python benchmarks/smoothing.py [--quick]. A made-up face stands, turns, sways, talks and blinks at 24 frames a
second; Gaussian noise is added. For no smoothing, the live filter and the offline one it prints, in pixels: the root
mean square distance from the truth, from the raw points, the frame-to-frame jitter of the error, and the delay along
the motion. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json

import numpy as np

from fauxface.inference.offline import smooth_track
from fauxface.inference.smoothing import FaceFilter
from fauxface.pose import mean_head

RATE, UNIT, NOISE = 24.0, 95.0, 0.6
METHODS = ("none", "live", "offline")


def face() -> np.ndarray:
    """(70, 2) the mean head's landmarks seen from the front, its outer eye corners ``UNIT`` px apart."""
    points = mean_head()[:, :2] * [1, -1]
    return points * (UNIT / np.linalg.norm(points[36] - points[45])) + [400, 300]


def motions(seconds: float) -> dict[str, np.ndarray]:
    """True points (T, 70, 2) of each kind of motion."""
    t = np.arange(round(seconds * RATE)) / RATE
    still = np.repeat(face()[None], len(t), 0)

    def moved(x: np.ndarray) -> np.ndarray:
        return still + np.stack([x, np.zeros_like(x)], -1)[:, None]

    pan = moved(2.8 * RATE * t)  # 2.8 px a frame
    turn = moved(90 * np.clip((t % 4 - 1) / 0.7, 0, 1) * (t % 4 < 3.9))
    blink = still.copy()
    closed = np.exp(-((((t + 1) % 2) - 1) ** 2) / (2 * 0.05**2))
    for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
        blink[:, upper] += closed[:, None] * (still[:, lower] - still[:, upper])
    talk = still.copy()
    talk[:, 55:60, 1] += (6 * np.abs(np.sin(2 * np.pi * 1.5 * t)))[:, None]
    talk[:, 5:12, 1] += (4 * np.abs(np.sin(2 * np.pi * 1.5 * t)))[:, None]
    sway = moved(30 * np.sin(2 * np.pi * 0.6 * t))
    return {"still": still, "pan": pan, "turns": turn, "sway": sway, "talk": talk, "blinks": blink}


def smoothed(raw: np.ndarray, method: str) -> np.ndarray:
    """The points (T, 70, 2) after a method of ``METHODS``."""
    seconds = np.arange(len(raw)) / RATE
    if method == "offline":
        return smooth_track(raw, seconds)
    if method == "live":
        steady = FaceFilter()
        return np.stack([steady(points, t, UNIT) for points, t in zip(raw, seconds, strict=True)])
    return raw


def measure(truth: np.ndarray, method: str, seed: int = 0) -> dict[str, float]:
    """Root mean squares in pixels, and the mean delay along the motion in pixels (0 for a face that stands)."""
    raw = truth + np.random.default_rng(seed).normal(0, NOISE, truth.shape)
    found = smoothed(raw, method)
    error = found - truth
    step = np.gradient(truth.mean(1)[:, 0])
    moving = np.abs(step) > 0.5
    behind = -(error.mean(1)[:, 0] * np.sign(step))[moving]

    def rms(values: np.ndarray) -> float:
        return float(np.sqrt((values**2).sum(-1).mean()))

    return {
        "error": rms(error),
        "from_raw": rms(found - raw),
        "jitter": rms(np.diff(error, axis=0)),
        "behind": float(behind.mean()) if moving.any() else 0.0,
        "worst": float(np.linalg.norm(error, axis=-1).max()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="ten seconds of each motion instead of sixty")
    seconds = 10 if parser.parse_args().quick else 60
    result: dict[str, dict[str, dict[str, float]]] = {}
    print(f"{'motion':8}{'smooth':9}{'error':>8}{'from raw':>10}{'jitter':>8}{'behind':>8}{'worst':>8}  px")
    for name, truth in motions(seconds).items():
        result[name] = {method: measure(truth, method) for method in METHODS}
        for method, row in result[name].items():
            print(f"{name:8}{method:9}{row['error']:8.2f}{row['from_raw']:10.2f}{row['jitter']:8.2f}", end="")
            print(f"{row['behind']:8.2f}{row['worst']:8.2f}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
