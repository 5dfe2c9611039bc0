"""Try other definitions of the mouth's points on a checkpoint's predictions, before labels are changed.

    python benchmarks/label_definitions.py fauxface-s --data 300w/afw [--data 300w/lfpw/trainset …]

Annotators put the lips' inner corners farther inside than the renders' labels do, and the points of the lower lip's
outline below those of the upper one. Each definition is applied to the predicted points, and the error against the
annotations is printed: the most that training on such labels could gain. For inspection only: nothing may be fitted.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.interpolate import PchipInterpolator

from fauxface.evaluation import evaluate
from fauxface.metrics import nme

RIGHT, LEFT = 48, 54
"""The mouth's corners."""
UPPER, LOWER = (49, 50, 51, 52, 53), (59, 58, 57, 56, 55)
"""The outlines of the two lips from the right corner to the left one."""
INNER_CORNERS = {60: (RIGHT, 61, 67), 64: (LEFT, 63, 65)}
"""The lips' inner corners: the outer corner and the inner points beside each."""
INSET = 0.075
"""Distance of an inner corner from the outer one, in mouth widths: twelve large faces of HELEN and LFPW, looked at."""


def with_inner_corners_inside(points: np.ndarray) -> np.ndarray:
    """Points (M, 68, 2) with the inner corners `INSET` inside the outer ones, towards where the lips part."""
    moved = points.copy()
    width = np.linalg.norm(points[:, LEFT] - points[:, RIGHT], axis=1, keepdims=True)
    for inner, (outer, upper, lower) in INNER_CORNERS.items():
        way = (points[:, upper] + points[:, lower]) / 2 - points[:, outer]
        moved[:, inner] = points[:, outer] + INSET * width * way / np.linalg.norm(way, axis=1, keepdims=True)
    return moved


def with_lower_lip_below_upper(points: np.ndarray) -> np.ndarray:
    """Points (M, 68, 2) with the lower outline's slid along it until each lies below its partner of the upper one."""
    moved = points.copy()
    for face, result in zip(points, moved, strict=True):
        across = face[LEFT] - face[RIGHT]
        width = np.linalg.norm(across)
        axes = np.array([across, [-across[1], across[0]]]) / width
        x, y = axes @ (face[[RIGHT, *LOWER, LEFT]] - face[RIGHT]).T
        if (np.diff(x) <= 0).any():
            continue  # a mouth seen from the side: its outline turns back
        wanted = np.clip(axes[0] @ (face[list(UPPER)] - face[RIGHT]).T, 0, width)
        result[list(LOWER)] = face[RIGHT] + np.stack([wanted, PchipInterpolator(x, y)(wanted)], axis=-1) @ axes
    return moved


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", help="a checkpoint's folder or the name of shipped weights")
    parser.add_argument("--data", type=Path, action="append", required=True, help="a folder of annotated faces")
    options = parser.parse_args()
    for folder in options.data:
        result = evaluate(options.checkpoint, folder)
        definitions = {
            "as they are": result.predictions,
            "inner corners inside": with_inner_corners_inside(result.predictions),
            "lower lip below upper": with_lower_lip_below_upper(result.predictions),
        }
        print(f"{folder}: {len(result.truth)} faces, NME in %")
        for name, points in definitions.items():
            print(f"  {name:22} {nme(points, result.truth, result.scheme).mean():.3f}")


if __name__ == "__main__":
    main()
