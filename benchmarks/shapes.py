"""The mean near-frontal shape of renders, compared with that of annotated photographs.

    python benchmarks/shapes.py RENDERS --photos PATH_TO/300w [--out docs/images/mean_shapes.png]

Faces that look into the camera (the nose's tip lies midway between the outline's ends, within 15 % of their half
distance) are laid on one another by their outer eye corners; a shape is the mean of all and of their mirror images. The
table tells by part, in percent of the distance between these corners, how far the mean points lie apart, and where to
(x: away from the face's middle, y: down); beside it the same between two sets of photographs, which is what annotators
and people differ by. For inspection only: nothing may be fitted to it and put into the generator.
The last line on standard output is one JSON object.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from offsets import in_frame_of

from fauxface.datasets import open_dataset
from fauxface.files import atomic_path
from fauxface.landmarks import IBUG68

PHOTOGRAPHS = {"AFW": ("afw",), "LFPW and HELEN": ("lfpw/trainset", "helen/trainset")}
PARTS: dict[str, list[int]] = {
    "jaw 0–2, 14–16": [0, 1, 2, 14, 15, 16],
    "jaw 3–5, 11–13": [3, 4, 5, 11, 12, 13],
    "chin 6–10": [6, 7, 8, 9, 10],
    "brows' heads": [20, 21, 22, 23],
    "brows' arches": [18, 19, 24, 25],
    "brows' tails": [17, 26],
    "nose's ridge": [27, 28, 29, 30],
    "nose's base": [31, 32, 33, 34, 35],
    "eyes": [*range(36, 48)],
    "mouth's corners": [48, 54, 60, 64],
    "upper lip": [49, 50, 51, 52, 53, 61, 62, 63],
    "lower lip": [55, 56, 57, 58, 59, 65, 66, 67],
}


def frontal(folders: list[Path]) -> np.ndarray:
    """Points (M, 68, 2) of the faces that look into the camera, outer eye corners at (±0.5, 0)."""
    points = np.concatenate([[sample.landmarks[:68] for sample in open_dataset(folder)] for folder in folders])
    middle = (points[:, [36]] + points[:, [45]]) / 2
    shapes = in_frame_of(points, points - middle)
    ends = shapes[:, [0, 16], 0] - shapes[:, [30], 0]
    return shapes[np.abs(ends.sum(1)) < 0.15 * np.ptp(ends, axis=1)]


def mean_shape(shapes: np.ndarray) -> np.ndarray:
    """The mean (68, 2) of shapes and of their mirror images."""
    mean = shapes.mean(0)
    return (mean + mean[list(IBUG68.mirror)] * [-1, 1]) / 2


def apart(ours: np.ndarray, theirs: np.ndarray, points: list[int]) -> tuple[float, float, float]:
    """Mean distance, and mean offset outwards and down, percent of the distance between the outer eye corners."""
    offsets = 100 * (ours - theirs)[points]
    outwards = offsets[:, 0] * np.sign(theirs[points, 0])
    return float(np.linalg.norm(offsets, axis=1).mean()), float(outwards.mean()), float(offsets[:, 1].mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("renders", type=Path)
    parser.add_argument("--photos", type=Path, required=True, help="a folder with 300-W's afw, lfpw, helen in it")
    parser.add_argument("--out", type=Path, help="a picture of the mean shapes")
    options = parser.parse_args()
    found = {"renders": frontal([options.renders])}
    found |= {name: frontal([options.photos / one for one in ones]) for name, ones in PHOTOGRAPHS.items()}
    means = {name: mean_shape(shapes) for name, shapes in found.items()}
    pairs = [("renders", "AFW"), ("renders", "LFPW and HELEN"), ("AFW", "LFPW and HELEN")]
    print("| part | " + " | ".join(f"{a} − {b}" for a, b in pairs) + " |\n| --- |" + " --- |" * len(pairs))
    result: dict[str, dict[str, list[float]]] = {}
    for part, points in {**PARTS, "all 68": [*range(68)]}.items():
        values = {f"{a} − {b}": apart(means[a], means[b], points) for a, b in pairs}
        print(f"| {part} | " + " | ".join(f"{d:.1f} ({x:+.1f}, {y:+.1f})" for d, x, y in values.values()) + " |")
        result[part] = {name: [round(v, 2) for v in value] for name, value in values.items()}
    counts = {name: len(shapes) for name, shapes in found.items()}
    if options.out:
        draw(means, counts, options.out)
    print(json.dumps({"faces": counts, "parts": result}, ensure_ascii=False))


def draw(means: dict[str, np.ndarray], counts: dict[str, int], out: Path) -> None:
    figure = Figure(figsize=(6, 6.4), layout="constrained")
    axes = figure.subplots()
    for (name, mean), mark in zip(means.items(), ("o", "x", "+"), strict=True):
        axes.plot(*mean.T, mark, markersize=6, fillstyle="none", label=f"{name}, {counts[name]:,} faces")
    axes.invert_yaxis()
    axes.set_aspect("equal")
    axes.set_axis_off()
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, -0.08), ncols=3, frameon=False)
    with atomic_path(out) as path:
        figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
