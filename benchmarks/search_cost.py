"""What a finer search for faces costs: processor time of `--detail auto` and `high`, in multiples of one look.

    python benchmarks/search_cost.py [--detector own] [--rounds 5] [--quick]

One thread; the three take turns, and the ratio of their medians counts, so that other work on the machine matters
little. Pictures are rendered faces on grey. The last line on standard output is one JSON object: picture → multiples.
"""

from __future__ import annotations

import argparse
import json
import os
import time

os.environ.update({"OMP_NUM_THREADS": "1"})

import cv2
import numpy as np
from finding import composite, faces_of

from fauxface.inference.config import DETECTORS
from fauxface.inference.detectors import load_detector
from fauxface.inference.search import find_faces

GREY = (128, 128, 128)
DETAILS = ("low", "auto", "high")


def pictures(quick: bool) -> dict[str, np.ndarray]:
    """Pictures H×W×3 by what they show."""
    faces = faces_of(None, 2 if quick else 6) * 4
    near = cv2.copyMakeBorder(cv2.resize(faces[0].image, (480, 480)), 0, 0, 80, 80, cv2.BORDER_CONSTANT, value=GREY)
    small = {
        "640×480, one face over half of it": near,
        "640×480, faces of 40 px": composite(faces, 640, 480, 40)[0],
        "640×480, no face": np.full_like(near, 128),
    }
    return small if quick else {**small, "4000×3000, faces of 200 px": composite(faces, 4000, 3000, 200)[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detector", default=DETECTORS[0], help="name of a detector")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured")
    parser.add_argument("--quick", action="store_true", help="small pictures, one round")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    detector, told = load_detector(options.detector, 1), {}
    for name, picture in pictures(options.quick).items():
        find_faces(detector, picture, "low")  # the first look at a new size prepares for it
        spent: dict[str, list[float]] = {detail: [] for detail in DETAILS}
        for _ in range(1 if options.quick else options.rounds):
            for detail in DETAILS:
                began = time.process_time()
                find_faces(detector, picture, detail)
                spent[detail].append(time.process_time() - began)
        seconds = {detail: float(np.median(times)) for detail, times in spent.items()}
        told[name] = {detail: round(seconds[detail] / seconds["low"], 1) for detail in DETAILS}
        low, auto, high = (f"{seconds[detail]:.3f} s" for detail in DETAILS)
        print(f"{options.detector}, {name}: {told[name]} (low {low}, auto {auto}, high {high})", flush=True)
    print(json.dumps(told, ensure_ascii=False))


if __name__ == "__main__":
    main()
