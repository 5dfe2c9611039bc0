"""Speed of the live loop and of its parts, steadiness of its points, and memory over time.

    python benchmarks/live.py [--quick] [--checkpoint fauxface-s] [--threads 2] [--frames 20000] [--afw PATH_TO/300w]

Rendered faces sway in a 640×480 clip. *fps*: the whole loop of decoding, following (detector, crops, landmarks, filter,
pose) and drawing. *landmark_ms*: crop, network and mapping back of one face on one thread. *jitter_reduction*: for a
still face under white pixel noise, the percentage by which smoothing lowers the points' standard deviation.
*lag_frames*: for the same face on a 1 Hz sinusoid of half an inter-ocular distance, the delay of smoothed points
against unsmoothed ones, at 30 frames a second with the same settings. The full run goes through ``--frames`` frames
and measures the process's memory, then compares with MediaPipe's face mesh and dlib on the same video and, with
``--afw``, on AFW (``peers.py``). The last line on standard output is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import peers

from fauxface.inference import Face, Landmarker, Tracker, draw_landmarks
from fauxface.inference.video import VideoReader, write_video
from fauxface.rendering import Frame, Recipe, render_frame

WIDTH, HEIGHT, RATE = 640, 480, 30
SCHEME = "face_synthetics70"
PEOPLE = (29, 16, 23)
PEERS_SEE = 300
"""Frames of the video for other programs, which are passed on uncompressed."""
CALM = Recipe(yaw=6, pitch=4, roll=3, closed_eyes=0)


def paste(canvas: np.ndarray, person: Frame, scale: float, x: float, y: float) -> np.ndarray:
    """The person's picture, moved at sub-pixel precision, on the canvas."""
    half = (person.image.shape[0] - 1) / 2
    matrix = np.array([[scale, 0, x - scale * half], [0, scale, y - scale * half]])
    alpha = cv2.GaussianBlur((person.labels > 0).astype(np.float32), (0, 0), 1)
    size = (canvas.shape[1], canvas.shape[0])
    alpha = cv2.warpAffine(alpha, matrix, size)[..., None]
    moved = cv2.warpAffine(person.image, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    return (canvas * (1 - alpha) + moved * alpha + 0.5).astype(np.uint8)


def clip(people: list[Frame], count: int) -> list[np.ndarray]:
    """Frames H×W×3 of swaying people."""
    frames, canvas = [], np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    for t in np.arange(count) / RATE:
        image = canvas
        for i, person in enumerate(people):
            scale = 1.6 if len(people) == 1 else 0.8
            x = WIDTH * (i + 0.5) / len(people) + 20 * np.sin(1.6 * t + i)
            image = paste(image, person, scale, x, HEIGHT * 0.5 + 8 * np.sin(2.3 * t + i))
        frames.append(image)
    return frames


class Clock:
    """A stopwatch: sums up the seconds spent in wrapped functions."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def wrap(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **options: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*args, **options)
            finally:
                self.seconds[name] = self.seconds.get(name, 0) + time.perf_counter() - start

        return timed


def loop(checkpoint: str, path: Path, threads: int) -> tuple[float, dict[str, float]]:
    """Frames a second of the whole loop over a clip, and milliseconds a frame of its parts."""
    landmarker, clock = Landmarker.load(checkpoint, threads=threads, detail="low"), Clock()
    with VideoReader(path) as video:
        landmarker(next(iter(video)).image)  # loads, compiles, warms up
    landmarker.detector = cast(Any, clock.wrap("detector", landmarker.detector))
    landmarker.landmarks = clock.wrap("landmarks", landmarker.landmarks)
    tracker, count, start = Tracker(landmarker), 0, time.perf_counter()
    update, draw = clock.wrap("update", tracker.update), clock.wrap("draw", draw_faces)
    with VideoReader(path) as video:
        for frame in video:
            draw(frame.image, update(frame.image, frame.seconds))
            count += 1
    spent = time.perf_counter() - start
    parts = dict(clock.seconds)
    parts["filter, pose"] = parts["update"] - parts.get("detector", 0) - parts["landmarks"]
    parts["decode"] = spent - parts.pop("update") - parts["draw"]
    return count / spent, {name: round(1000 * seconds / count, 3) for name, seconds in sorted(parts.items())}


def draw_faces(image: np.ndarray, faces: list[Face]) -> np.ndarray:
    for face in faces:
        image = draw_landmarks(image, face.landmarks, face.scheme, lines=False)
    return image


def landmark_ms(checkpoint: str, frame: np.ndarray, repeats: int) -> float:
    """Median milliseconds of a face's landmarks, on one thread."""
    landmarker, times = Landmarker.load(checkpoint, threads=1), []
    box = np.array([[220.0, 140, 420, 340]])
    for _ in range(repeats):
        start = time.perf_counter()
        landmarker.landmarks(frame, box)
        times.append(1000 * (time.perf_counter() - start))
    return float(np.median(times[5:]))


def jitter(landmarker: Landmarker, person: Frame, seconds: float) -> dict[str, float]:
    """Reduction of jitter by smoothing, and the delay that it causes."""
    canvas, count, noise = np.full((HEIGHT, WIDTH, 3), 90, np.uint8), round(seconds * RATE), np.random.default_rng(0)
    eyes = 1.6 * float(np.linalg.norm(person.landmarks[36] - person.landmarks[45]))

    def points(sway: float) -> tuple[np.ndarray, np.ndarray]:
        found: list[list[np.ndarray]] = [[], []]
        trackers = [Tracker(landmarker, smooth) for smooth in (False, True)]
        for i in range(count):
            t = i / RATE
            clean = paste(canvas, person, 1.6, WIDTH / 2 + sway * np.sin(2 * np.pi * t), HEIGHT / 2)
            frame = np.clip(clean + noise.normal(0, 8, clean.shape), 0, 255).astype(np.uint8)
            for tracker, out in zip(trackers, found, strict=True):
                faces = tracker.update(frame, t)
                assert len(faces) == 1, f"{len(faces)} faces found instead of one"
                out.append(faces[0].landmarks)
        return np.stack(found[0])[RATE:], np.stack(found[1])[RATE:]

    raw, steady = points(0)
    moving_raw, moving = points(eyes / 2)
    return {
        "jitter_px_raw": round(float(raw.std(0).mean()), 4),
        "jitter_reduction": round(100 * (1 - float(steady.std(0).mean() / raw.std(0).mean())), 1),
        "lag_frames": round(lag(moving_raw[..., 0].mean(1), moving[..., 0].mean(1)), 2),
    }


def lag(first: np.ndarray, second: np.ndarray, step: float = 0.02) -> float:
    """Delay of ``second`` after ``first`` in frames, by the maximum of their cross-correlation."""
    fine = np.arange(0, len(first) - 1, step)
    a, b = (np.interp(fine, np.arange(len(s)), s - s.mean()) for s in (first, second))
    return step * int(np.argmax([np.dot(a[: len(a) - k], b[k:]) / (len(a) - k) for k in range(round(6 / step))]))


def memory(landmarker: Landmarker, frames: list[np.ndarray], count: int) -> dict[str, float]:
    """Memory of the process in MB after a tenth of ``count`` frames and at the end."""
    tracker, sizes = Tracker(landmarker), []
    for i in range(count):
        tracker.update(frames[i % len(frames)], i / RATE)
        if i in (count // 10, count - 1):
            sizes.append(resident())
    return {"frames": count, "memory_mb_early": sizes[0], "memory_mb_end": sizes[1]}


def resident() -> float:
    status = Path("/proc/self/statm")
    if status.exists():
        return round(int(status.read_text().split()[1]) * resource.getpagesize() / 1e6, 1)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="short clips, no memory run")
    parser.add_argument("--checkpoint", default="fauxface-s")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--frames", type=int, default=20_000, help="of the memory run")
    parser.add_argument("--afw", type=Path, help="a folder with 300-W's afw in it, to compare with others on")
    options = parser.parse_args()
    cv2.setNumThreads(options.threads)
    people = [render_frame(20, index, 256, CALM) for index in PEOPLE]
    count, result = 90 if options.quick else 600, {}
    with tempfile.TemporaryDirectory() as folder:
        for name, actors in (("one_face", people[:1]), ("three_faces", people)):
            frames, path = clip(actors, count), Path(folder) / f"{name}.mp4"
            with write_video(path, RATE) as video:
                for i, frame in enumerate(frames):
                    video.write(frame, i / RATE)
            fps, parts = loop(options.checkpoint, path, options.threads)
            print(f"{name}: {fps:.1f} fps; ms a frame: {parts}")
            result[f"fps_{name}"] = round(fps, 1)
            if len(actors) == 1:
                result["landmark_ms"] = round(landmark_ms(options.checkpoint, frames[0], 60), 3)
    landmarker = Landmarker.load(options.checkpoint, threads=options.threads, detail="low")
    result |= jitter(landmarker, people[0], 3 if options.quick else 8)
    if not options.quick:
        frames = clip(people[:1], count)
        result |= memory(landmarker, frames, options.frames)
        rows = peers.compare([options.checkpoint], frames[:PEERS_SEE], RATE, options.afw, options.threads)
        print(peers.table(rows), flush=True)
        result["peers"] = rows
    print(json.dumps(result))


if __name__ == "__main__":
    main()
