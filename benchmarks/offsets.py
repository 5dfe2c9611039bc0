"""Systematic errors on labelled faces: mean offsets of the points, in shares of the face and in pixels.

    python benchmarks/offsets.py fauxface-s --data 300w/afw [--data RENDERS …]

For each data set: NME, and NME without each point's mean offset (in the frame of the eyes, in units of their distance);
the mean offset of the inner 51 points in pixels, for small, medium and large faces; the jaw's error along the annotated
outline, which is a matter of where on it the 17 points lie, and across it. An offset of the same number of
pixels on all faces comes from annotations or cropping; one that grows with the face, from the definition of the points.
For inspection only: nothing may be fitted to it and put into the generator.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from fauxface.evaluation import evaluate
from fauxface.landmarks import scheme_of


def in_frame_of(truth: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Vectors (M, N, 2), pixels, in each face's frame, by its annotated points (M, 68, 2).

    In a face's frame the outer eye corners are level, at a distance of 1.
    """
    across = truth[:, 45] - truth[:, 36]
    size = np.linalg.norm(across, axis=1)
    cosine, sine = (across / size[:, None]).T
    turn = np.stack([np.stack([cosine, sine], -1), np.stack([-sine, cosine], -1)], -2)
    return np.einsum("mij,mnj->mni", turn, vectors) / size[:, None, None]


def offsets_of(predictions: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Offsets (M, N, 2) of predicted from true points, in each face's frame."""
    return in_frame_of(truth, predictions - truth)


def without_offsets(predictions: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """NME (M,), as a share, without each point's mean offset in the face's frame."""
    offsets = offsets_of(predictions, truth)
    return np.linalg.norm(offsets - offsets.mean(0), axis=-1).mean(1)


def along_and_across(errors: np.ndarray, outline: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Errors (M, N, 2) of the points of an outline (M, N, 2), split into lengths (M, N) along and across it."""
    along, across = parts_of(errors, outline)
    return np.abs(along), np.abs(across)


def parts_of(errors: np.ndarray, outline: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The parts (M, N) of errors along the outline, positive towards its end, and across it."""
    tangents = np.gradient(outline, axis=1)
    tangents = tangents / np.linalg.norm(tangents, axis=2, keepdims=True)
    normals = np.stack([-tangents[..., 1], tangents[..., 0]], -1)
    return (errors * tangents).sum(2), (errors * normals).sum(2)


def after_stretching(along: np.ndarray) -> np.ndarray:
    """What is left of errors along an outline (M, N) when each face's points are moved and stretched on it."""
    count = along.shape[1]
    places = np.stack([np.ones(count), np.linspace(-1, 1, count)], 1)
    return along - (places @ np.linalg.lstsq(places, along.T, rcond=None)[0]).T


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", help="a checkpoint's folder or the name of shipped weights")
    parser.add_argument("--data", type=Path, action="append", required=True, help="a folder of labelled faces")
    options = parser.parse_args()
    for folder in options.data:
        result = evaluate(options.checkpoint, folder)
        offsets = 100 * offsets_of(result.predictions, result.truth)
        errors, means = np.linalg.norm(offsets, axis=2), offsets.mean(0)
        left = 100 * without_offsets(result.predictions, result.truth).mean()
        print(f"{folder}: {len(errors)} faces, NME {errors.mean():.2f} %, without mean offsets {left:.2f}")
        groups = scheme_of(result.scheme).groups
        for group, points in groups.items():
            print(f"  {group:10} {errors[:, list(points)].mean():5.2f}")
            for name, axis in zip(("across", "down"), means[list(points)].T, strict=True):
                print(f"    {name:8}", " ".join(f"{value:5.1f}" for value in axis))
        jaw = list(groups["jaw"])
        outline = in_frame_of(result.truth, result.truth[:, jaw])
        along, across = along_and_across(offsets[:, jaw], outline)
        print(f"  jaw, along the outline {along.mean():.2f}, across it {across.mean():.2f}")
        print("    along   ", " ".join(f"{value:5.1f}" for value in along.mean(0)))
        towards = parts_of(offsets[:, jaw], outline)[0]
        ends = np.corrcoef(towards[:, 0], towards[:, -1])[0, 1]
        left = np.abs(after_stretching(towards)).mean()
        print(f"    moved and stretched on each face {left:.2f}; correlation of the ends' errors {ends:+.2f}")
        sizes = np.linalg.norm(result.truth[:, 45] - result.truth[:, 36], axis=1)
        inner = [i for group, points in groups.items() if group not in ("jaw", "pupils") for i in points]
        shifts = (result.predictions - result.truth)[:, inner].mean(1)
        for name, third in zip(("small", "medium", "large"), np.array_split(np.argsort(sizes), 3), strict=True):
            x, y = np.median(shifts[third], axis=0)
            print(
                f"  {name:8} faces, {sizes[third].mean():3.0f} px between the eyes: inner points {x:+.2f}, {y:+.2f} px"
            )


if __name__ == "__main__":
    main()
