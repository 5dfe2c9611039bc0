"""Recall of each detector on whole photographs, at one false alarm per ten face-free pictures.

    python benchmarks/detectors.py --photos ../shared/data/whole_photos [--own CHECKPOINT] [--quick] [--out FILE]

A folder of photographs with ``faces.json`` (a list of ``{image, faces: [{landmarks}]}``, 0-based). Faces count
whose landmark box is 24 px or longer; one is found by a detection with IoU ≥ 0.4, as landmark boxes. The face-free
pictures are scikit-image's photographs without people, and every photograph of the folder with all heads painted over
from their surroundings: annotated ones, and all that retinaface finds with a score above 0.3. Photographs that show
only heads are left out. Each detector's threshold is the least at which it raises
at most one false alarm per ten of these; ``own`` is measured with the check of its candidates and without it.
Time: median of whole calls on a 640×480 picture with faces, one thread, the check included. With --quick and no folder,
the photographs are a few rendered wide frames. The last line on standard output is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

os.environ.update({"OMP_NUM_THREADS": "1"})

import cv2
import numpy as np
import skimage.data

from fauxface.faces import box_iou, landmark_box
from fauxface.files import write_text
from fauxface.images import read_image
from fauxface.inference.detectors import CheckedDetector, Detection, OneStageDetector, RetinaFace
from fauxface.inference.detectors.one_stage import SHIPPED_NAME

SMALLEST, MATCH, ALARMS = 24.0, 0.4, 0.1
LOWEST = 0.02
"""Scores below this are not looked at."""
WITHOUT_PEOPLE = (
    "brick",
    "chelsea",
    "clock",
    "coffee",
    "grass",
    "gravel",
    "hubble_deep_field",
    "moon",
    "rocket",
)
"""scikit-image's photographs, all in its package, without people; ``coins`` is left out because of its portraits."""
MOST = 0.9
"""Largest share of a photograph to paint over; beyond it too little is left to fill from."""
HEAD = (0.35, 0.9, 0.35, 0.45)
"""Margins of a painted-over head around the landmark box: left, up, right and down, in shares of its side."""


@dataclass(frozen=True)
class Photo:
    """A picture and the landmark boxes (F, 4) of its annotated faces."""

    name: str
    image: np.ndarray
    boxes: np.ndarray


def photos_of(folder: Path) -> list[Photo]:
    photos = []
    for entry in json.loads((folder / "faces.json").read_text()):
        boxes = [landmark_box(np.array(face["landmarks"]), "ibug68") for face in entry["faces"]]
        photos.append(Photo(entry["image"], read_image(folder / entry["image"]), np.array(boxes).reshape(-1, 4)))
    return photos


def rendered_photos(count: int = 4) -> list[Photo]:
    """Wide frames of several people, for --quick."""
    from fauxface.rendering.crowd import render_crowd
    from fauxface.rendering.recipe import Recipe

    photos = []
    for index in range(count):
        frame = render_crowd(5, index, 320, Recipe(), (1, 3))
        boxes = [landmark_box(np.array(face["landmarks_2d"]), "face_synthetics70") for face in frame.meta["faces"]]
        photos.append(Photo(f"{index}", frame.image, np.array(boxes).reshape(-1, 4)))
    return photos


def painted_over(image: np.ndarray, boxes: np.ndarray) -> np.ndarray | None:
    """The picture with the heads at these boxes (M, 4) filled from their surroundings; None if too little is left."""
    mask = np.zeros(image.shape[:2], np.uint8)
    for x0, y0, x1, y1 in boxes:
        side = max(x1 - x0, y1 - y0)
        left, up, right, down = np.array(HEAD) * side
        first, last = (round(x0 - left), round(y0 - up)), (round(x1 + right), round(y1 + down))
        cv2.rectangle(mask, first, last, 255, -1)
    if (mask > 0).mean() > MOST:
        return None
    # in a smaller picture, where large holes are filled smoothly and quickly
    scale = min(1.0, 160 / max(image.shape[:2]))
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    holes = (cv2.resize(mask, small.shape[1::-1], interpolation=cv2.INTER_AREA) > 0).astype(np.uint8)
    filled = cv2.inpaint(small, holes, 3, cv2.INPAINT_TELEA)
    filled = cv2.resize(filled, image.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    return np.where(mask[..., None] > 0, filled, image)


def face_free(photos: list[Photo], retinaface: RetinaFace) -> list[np.ndarray]:
    pictures = []
    for photo in photos:
        seen = [detection.box for detection in replace(retinaface, threshold=0.3)(photo.image)]
        pictures.append(painted_over(photo.image, np.array([*photo.boxes, *seen]).reshape(-1, 4)))
    pictures = [picture for picture in pictures if picture is not None]
    for name in WITHOUT_PEOPLE:
        image = np.asarray(getattr(skimage.data, name)())
        pictures.append(np.ascontiguousarray(np.stack([image] * 3, -1) if image.ndim == 2 else image[..., :3]))
    return pictures


def alarms_of(detect: Any, empty: list[np.ndarray]) -> list[float]:
    """Scores of all detections in face-free pictures, highest first."""
    return sorted((detection.score for picture in empty for detection in detect(picture)), reverse=True)


def measure(detect: Any, photos: list[Photo], empty: list[np.ndarray]) -> dict[str, float]:
    """Recall in percent at the threshold that gives the allowed false alarms, this threshold, and counts."""
    threshold, allowed = LOWEST, int(ALARMS * len(empty))
    # each threshold is tried as in use, because faint detections at a coarse size suppress those at a finer one
    while len(alarms := alarms_of(replace(detect, threshold=threshold), empty)) > allowed:
        threshold = alarms[allowed]  # scores above it count
    detect = replace(detect, threshold=threshold)
    faces = found = 0
    for photo in photos:
        large = photo.boxes[(photo.boxes[:, 2:] - photo.boxes[:, :2]).max(1, initial=0) >= SMALLEST]
        faces += len(large)
        found += matched(large, detect(photo.image))
    return {
        "recall": round(100 * found / max(1, faces), 2),
        "threshold": threshold,
        "faces": faces,
        "face_free": len(empty),
        "false_alarms": len(alarms),
    }


def matched(boxes: np.ndarray, detections: list[Detection]) -> int:
    """Number of the boxes (F, 4) that are found, where each detection counts for one box, best score first."""
    left = list(boxes)
    for detection in detections:
        overlaps = [float(box_iou(detection.box[None], box[None])[0, 0]) for box in left]
        if overlaps and max(overlaps) >= MATCH:
            left.pop(int(np.argmax(overlaps)))
    return len(boxes) - len(left)


def milliseconds(detect: Any, image: np.ndarray, repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        detect(image)
        times.append(1000 * (time.perf_counter() - start))
    return round(float(np.median(times[2:])), 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="folder of photographs with faces.json")
    parser.add_argument("--own", default=SHIPPED_NAME, help="one-stage checkpoint (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="a few renders instead of photographs")
    parser.add_argument("--out", type=Path, help="file for the figures")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if not options.quick and options.photos is None:
        parser.error("--photos or --quick")
    photos = rendered_photos() if options.photos is None else photos_of(options.photos)
    if options.quick:
        photos = photos[:12]
    retinaface = RetinaFace(threads=1)
    detectors: dict[str, Any] = {
        "retinaface": retinaface,
        "own": CheckedDetector.load(options.own, threads=1),
        "own without the check": OneStageDetector.load(options.own, threads=1),
    }
    empty = face_free(photos, retinaface)
    frame = cv2.resize(photos[0].image, (640, 480))
    result: dict[str, Any] = {}
    for name, detect in detectors.items():
        result[name] = measure(detect, photos, empty)
        usual = replace(detect, threshold=result[name]["threshold"])
        result[name]["ms_640x480"] = milliseconds(usual, frame, 12 if options.quick else 60)
        result[name]["threshold"] = round(result[name]["threshold"], 4)
        print(f"{name:<24}{result[name]}", flush=True)
    if options.out is not None:
        write_text(options.out, json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
