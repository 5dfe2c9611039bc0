"""What the errors on labelled faces have in common: mean offsets of the points, and whether they are pixels or shares.

    python benchmarks/offsets.py fauxface-s --data 300w/afw [--data RENDERS …]

For each data set: NME, and what would be left of it without each point's mean offset (in the frame of the eyes, in
units of their distance); the mean offset of the inner 51 points in pixels, for small, middling and large faces. One
that is the same number of pixels on all of them lies in the annotations or the cropping; one that grows with the face,
in where the points are said to lie. For looking: nothing here may be fitted and put into the generator.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from fauxface.datasets import open_dataset
from fauxface.evaluation.predictions import predict, read_faces
from fauxface.inference import Landmarker
from fauxface.landmarks import convert

GROUPS = {"jaw": (0, 17), "brows": (17, 27), "nose": (27, 36), "eyes": (36, 48), "mouth": (48, 68)}


def in_eye_frame(offsets: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Offsets (M, 68, 2) turned so that the line through the eyes lies level, in units of the eyes' distance."""
    eyes = truth[:, 45] - truth[:, 36]
    unit = eyes / (eyes**2).sum(1, keepdims=True)
    level = np.stack([unit, np.stack([-unit[:, 1], unit[:, 0]], -1)], axis=1)
    return np.einsum("mij,mpj->mpi", level, offsets)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", help="a checkpoint's folder or the name of shipped weights")
    parser.add_argument("--data", type=Path, action="append", required=True, help="a folder of labelled faces")
    options = parser.parse_args()
    landmarker = Landmarker.load(options.checkpoint)
    for folder in options.data:
        dataset = open_dataset(folder)
        faces = read_faces(dataset)
        truth = convert(faces.truth, dataset.scheme, "ibug68")
        found = predict(landmarker, faces, "landmarks").converted("ibug68").landmarks
        offsets, sizes = found - truth, np.linalg.norm(truth[:, 45] - truth[:, 36], axis=1)
        shares = 100 * in_eye_frame(offsets, truth)
        left = np.linalg.norm(shares - shares.mean(0), axis=2)
        errors = np.linalg.norm(shares, axis=2)
        print(f"{folder}: {len(truth)} faces, NME {errors.mean():.2f} %, without mean offsets {left.mean():.2f}")
        for group, (first, last) in GROUPS.items():
            part = slice(first, last)
            print(f"  {group:6} {errors[:, part].mean():5.2f}, without {left[:, part].mean():5.2f}")
            for axis, name in enumerate(("outwards" if group == "jaw" else "across", "down")):
                sign = np.r_[-np.ones(8), 0, np.ones(8)] if group == "jaw" and axis == 0 else 1
                print(f"    {name:9}", " ".join(f"{v:5.1f}" for v in sign * shares[:, part, axis].mean(0)))
        for k, third in enumerate(np.array_split(np.argsort(sizes), 3)):
            x, y = np.median(offsets[third, 17:].mean(1), axis=0)
            name = ("small", "middling", "large")[k]
            print(
                f"  {name:8} faces ({sizes[third].mean():3.0f} px between the eyes): inner points {x:+.2f}, {y:+.2f} px"
            )


if __name__ == "__main__":
    main()
