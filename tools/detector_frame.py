"""Fit the fixed scale and shift from a detector's box to the landmark box, on renders alone.

    python tools/detector_frame.py [--data RENDERS] [--quick]

Renders 500 faces (or takes a folder of renders), runs the detector, and takes medians over the faces found of: the
landmark box's width and height in units of the detector box's (then both scaled so that the longer side's median is
right), and the downward shift of its centre, in the same units. The sideways shift is zero by symmetry. Put the printed
constants into ``fauxface/inference/detectors/retinaface.py``. Never fit them on photographs: they are part of the crop,
and so of every score under ``--box detector``.
The last line on standard output is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

from fauxface.datasets import open_dataset, read_samples
from fauxface.faces import box_iou
from fauxface.inference.detectors.retinaface import LANDMARK_FRAME, RetinaFace, to_landmark_frame


def pairs(data: Path) -> tuple[np.ndarray, np.ndarray, int]:
    """Detector boxes (M, 4) and landmark boxes (M, 4) of found faces, and the number of all faces."""
    detector, boxes, truths, count = RetinaFace(), [], [], 0
    for _, sample in read_samples(open_dataset(data)):
        count += 1
        found = detector.raw(sample.image).boxes
        overlap = box_iou(found, sample.box[None])[:, 0]
        if len(found) and overlap.max() >= 0.3:
            boxes.append(found[overlap.argmax()])
            truths.append(sample.box)
    return np.array(boxes).reshape(-1, 4), np.array(truths).reshape(-1, 4), count


def fit(boxes: np.ndarray, truths: np.ndarray) -> tuple[float, float, float, float]:
    """The frame: width, height, shift to the right, shift down."""
    size, wanted = boxes[:, 2:] - boxes[:, :2], truths[:, 2:] - truths[:, :2]
    shift = ((truths[:, :2] + truths[:, 2:]) - (boxes[:, :2] + boxes[:, 2:])) / 2 / size
    scale = np.median(wanted / size, axis=0)
    # the longer side decides the crop's: make its median right
    scale *= np.median(wanted.max(axis=1) / (size * scale).max(axis=1))
    return round(float(scale[0]), 3), round(float(scale[1]), 3), 0.0, round(float(np.median(shift[:, 1])), 3)


def spread(frame: tuple[float, float, float, float], boxes: np.ndarray, truths: np.ndarray) -> dict[str, float]:
    """Fit of a frame: ratio of crop sides (median, deviation in percent), distance of centres (percent of a side)."""
    moved = to_landmark_frame(boxes, frame)
    side, wanted = ((b[:, 2:] - b[:, :2]).max(axis=1) for b in (moved, truths))
    apart = ((moved[:, :2] + moved[:, 2:]) - (truths[:, :2] + truths[:, 2:])) / 2
    return {
        "side_ratio": round(float(np.median(side / wanted)), 4),
        "side_deviation": round(100 * float(np.std(side / wanted)), 2),
        "centre_distance": round(100 * float(np.mean(np.linalg.norm(apart, axis=1) / wanted)), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a folder of renders, instead of rendering some")
    parser.add_argument("--quick", action="store_true", help="40 faces rather than 500")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = options.data
        if data is None:
            from fauxface.rendering import render_dataset

            data = Path(folder) / "renders"
            render_dataset(data, count=40 if options.quick else 500, seed=7_001, size=256)
        boxes, truths, count = pairs(data)
    frame = fit(boxes, truths)
    print(f"LANDMARK_FRAME = {frame}  # {len(boxes)} of {count} faces found; in use: {LANDMARK_FRAME}")
    result = {"frame": frame, "faces": count, "found": len(boxes)}
    print(
        json.dumps({**result, "fitted": spread(frame, boxes, truths), "in_use": spread(LANDMARK_FRAME, boxes, truths)})
    )


if __name__ == "__main__":
    main()
