"""Faces of several data sets side by side, in equal crops, for visual comparison.

    python benchmarks/side_by_side.py RENDERS PATH_TO/face_synthetics PATH_TO/300w/afw --out sheet.png [--count 48]

A block for each folder, in the order given: random faces by seed, in crops wider than a network's. Do not commit sheets
with photographs of people.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from fauxface.datasets import FaceDataset, open_dataset
from fauxface.faces import Crop
from fauxface.images import write_image
from fauxface.reports import sheet

MARGIN = 2.0
COLUMNS = 6


def block(dataset: FaceDataset, count: int, side: int, seed: int) -> np.ndarray:
    """``count`` faces, drawn by ``seed``, as one picture."""
    faces = dataset.subset(min(count, len(dataset)), seed)
    samples = (faces[i] for i in range(len(faces)))
    return sheet([Crop.around(sample.box, side, MARGIN).extract(sample.image) for sample in samples], COLUMNS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", help="folders of labelled faces")
    parser.add_argument("--out", type=Path, required=True, help="the picture, .png or .jpg")
    parser.add_argument("--count", type=int, default=48, help="faces of each")
    parser.add_argument("--side", type=int, default=128, help="pixels of a face's side")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    blocks = [block(open_dataset(folder), options.count, options.side, options.seed) for folder in options.folders]
    height = max(len(one) for one in blocks)
    padded = [np.pad(one, ((0, height - len(one)), (0, 12), (0, 0)), constant_values=255) for one in blocks]
    write_image(options.out, np.hstack(padded))
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
