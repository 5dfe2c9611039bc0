"""dlib's 68 points (Kazemi & Sullivan 2014) on frames and photographs that another process wrote; see ``peers.py``.

    python peer_dlib.py IN.npz OUT.npz

Runs in a separate environment. Faces come from dlib's HOG detector, which runs on every frame of a video. On given
boxes its square is 0.97 × the landmark box's longer side and 0.08 of that higher: the medians of its own detections of
AFW's faces, which favours dlib.
"""

from __future__ import annotations

import sys
import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

SIDE, HIGHER = 0.97, 0.077
WARM_UP = 10


def main() -> None:
    dlib: Any = import_module("dlib")
    package = find_spec("face_recognition_models")  # imported, it would ask for more than it needs
    assert package is not None
    weights = Path(str(package.origin)).parent / "models" / "shape_predictor_68_face_landmarks.dat"
    detect, shape = dlib.get_frontal_face_detector(), dlib.shape_predictor(str(weights))

    def points(image: np.ndarray, place: Any) -> np.ndarray:
        return np.array([[p.x, p.y] for p in shape(image, place).parts()], float)

    given, answer, spent = np.load(sys.argv[1]), {}, []
    for i, (x0, y0, x1, y1) in enumerate(given["boxes"]):
        image = given[f"photo_{i:05d}"]
        side = max(x1 - x0, y1 - y0)
        x, y, half = (x0 + x1) / 2, (y0 + y1) / 2 - HIGHER * side, SIDE * side / 2
        place = dlib.rectangle(*(round(float(v)) for v in (x - half, y - half, x + half, y + half)))
        start = time.process_time()
        answer[f"on_box_{i:05d}"] = points(image, place)
        spent.append(1000 * (time.process_time() - start))
        found = [points(image, place) for place in detect(image, 0)]
        answer[f"found_{i:05d}"] = np.array(found).reshape(-1, 68, 2)
    frames = given["frames"]
    seconds, faces = [], 0
    for frame in frames:
        start = time.perf_counter()
        faces += len([points(frame, place) for place in detect(frame, 0)])
        seconds.append(time.perf_counter() - start)
    rate = 1 / np.mean(seconds[WARM_UP:]) if len(seconds) > WARM_UP else np.nan
    ms = np.median(spent) if spent else np.nan
    np.savez(sys.argv[2], fps=rate, ms=ms, faces_a_frame=faces / max(1, len(frames)), **answer)


if __name__ == "__main__":
    main()
