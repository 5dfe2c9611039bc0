"""Comparison with MediaPipe's face mesh and dlib, on the same frames and photographs.

    python benchmarks/peers.py --afw PATH_TO/300w [--checkpoints fauxface-s fauxface-m] [--out docs/networks]

writes ``peers.png``, error against milliseconds a face, and its figures in ``peers.json``. Milliseconds are processor
time from the photograph and the face's box to its points, all threads together, without face detection. Needs an
otherwise idle machine.

Each runs in a separate environment, which uv makes in the user's cache folder at first use (MediaPipe's takes 0.9 GB),
by a script that does not import fauxface: ``peer_NAME.py IN.npz OUT.npz``. ``IN`` holds the ``frames``
(T, H, W, 3) of a video, ``photo_00000`` … and the annotated ``boxes`` (M, 4) of each photograph's face; ``OUT`` holds
``fps``, ``faces_a_frame``, ``on_box_00000`` … (68, 2), the points of the face with that box, ``ms``, the milliseconds
of processor time that one took (a median), and ``found_00000`` … (K, 68, 2), the points of all faces that its own
detector finds. The column of a peer whose environment cannot be made
stays empty. Their weights were trained on real faces; dlib's may not be used commercially.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from fauxface.datasets import FaceDataset, open_dataset
from fauxface.evaluation import MIN_IOU, Evaluation, evaluate
from fauxface.faces import FaceSample, box_iou, landmark_box
from fauxface.files import atomic_path, cache_folder, write_text
from fauxface.inference import Landmarker, Tracker
from fauxface.info import machine

PEERS = {
    "mediapipe": ("mediapipe==0.10.21",),
    "dlib": ("dlib-bin==20.0.1.post1", "face_recognition_models==0.3.0", "numpy"),
}
"""Peer → packages of its environment."""
SCHEME = "ibug68"
WARM_UP = 10
PATIENCE = 1800
"""Seconds that an installation or a peer's run may take."""
Row = dict[str, float | int | None]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--afw", type=Path, required=True, help="a folder with 300-W's afw in it")
    parser.add_argument("--checkpoints", nargs="+", default=["fauxface-s", "fauxface-m"], help="ours")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "docs" / "networks")
    options = parser.parse_args(arguments)
    rows = compare(options.checkpoints, [], 30, options.afw, 1)
    print(table(rows))
    write_text(options.out / "peers.json", json.dumps({"machine": machine(), "rows": rows}, indent=1) + "\n")
    draw(rows, options.out / "peers.png")


def draw(rows: dict[str, Row], path: Path) -> None:
    """The figure: error on AFW against milliseconds a face; the mean filled, the median hollow."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for name, row in rows.items():
        ms, mean, median = (row.get(key) for key in ("ms", "nme", "median"))
        if ms is None or mean is None or median is None:
            continue
        colour = "tab:orange" if name in PEERS else "tab:blue"
        axes.plot([ms, ms], [mean, median], color=colour, alpha=0.3)
        axes.plot(ms, mean, "o", color=colour)
        axes.plot(ms, median, "o", color=colour, markerfacecolor="white")
        axes.annotate(name, (ms, mean), xytext=(7, -3), textcoords="offset points", fontsize=9)
    axes.set(
        xscale="log",
        xlabel="milliseconds of processor time a face, without detection",
        ylabel="error on AFW, % of the eyes' distance",
        title="filled: mean (NME), hollow: median",
    )
    for formatter in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
        formatter("{x:g}")
    axes.set_ylim(bottom=0)
    axes.margins(x=0.35)
    axes.grid(alpha=0.3, which="both")
    with atomic_path(path) as part:
        figure.savefig(part, dpi=110)


def compare(
    checkpoints: Sequence[str], frames: list[np.ndarray], rate: float, afw: Path | None, threads: int
) -> dict[str, Row]:
    """Figures of our weights and of each peer on a video with one face and, if its folder is given, on 300-W's AFW.

    ``fps`` is from decoded frames to points, without drawing; there is none without frames. ``ms``, ``nme`` and the
    following are with crops by the annotated boxes, ``nme_detector`` and ``missed`` with each one's detector.
    """
    rows = {checkpoint: our_row(checkpoint, frames, rate, afw, threads) for checkpoint in checkpoints}
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / "in.npz"
        write_question(given, frames, afw)
        for name in PEERS:
            try:
                answer = run_peer(name, given, Path(folder) / f"{name}.npz")
            except OSError as error:
                print(f"without {name}: {error}", flush=True)
                rows[name] = {}
                continue
            rows[name] = peer_row(name, answer, afw)
    return rows


def our_row(checkpoint: str, frames: list[np.ndarray], rate: float, afw: Path | None, threads: int) -> Row:
    tracker, seconds, faces = Tracker(Landmarker.load(checkpoint, threads=threads, detail="low")), [], 0
    for i, frame in enumerate(frames):
        start = time.perf_counter()
        faces += len(tracker.update(frame, i / rate))
        seconds.append(time.perf_counter() - start)
    row: Row = {}
    if frames:
        row |= {"fps": round(float(1 / np.mean(seconds[WARM_UP:])), 1), "faces_a_frame": faces / len(frames)}
    if afw is not None:
        row["ms"] = milliseconds(checkpoint, afw)
        settings = {"threads": threads, "detector": "retinaface"}  # as in the tables of all weights
        by_box = [evaluate(checkpoint, afw, "ibug", "afw", box, **settings) for box in ("landmarks", "detector")]
        row |= errors(*by_box)
    return row


def milliseconds(checkpoint: str, afw: Path) -> float:
    """Median milliseconds of processor time of the landmarks of one face of AFW, from photograph and box."""
    landmarker, spent = Landmarker.load(checkpoint, threads=1), []
    for sample in samples_of(open_dataset(afw, "ibug", "afw")):
        start = time.process_time()
        landmarker.landmarks(sample.image, sample.box[None])
        spent.append(1000 * (time.process_time() - start))
    return round(float(np.median(spent)), 2)


def write_question(path: Path, frames: list[np.ndarray], afw: Path | None) -> None:
    samples = [] if afw is None else samples_of(open_dataset(afw, "ibug", "afw"))
    photos = {f"photo_{i:05d}": sample.image for i, sample in enumerate(samples)}
    boxes = np.array([sample.box for sample in samples]).reshape(-1, 4)
    np.savez(path, frames=np.array(frames), boxes=boxes, **photos)  # type: ignore[arg-type]


def samples_of(dataset: FaceDataset) -> list[FaceSample]:
    return [dataset[i] for i in range(len(dataset))]


def run_peer(name: str, given: Path, out: Path) -> dict[str, np.ndarray]:
    """Run a peer; its output arrays by name. OSError, in one line, if it cannot be installed or run."""
    script = Path(__file__).parent / f"peer_{name}.py"
    _run([str(environment(name)), str(script), str(given), str(out)], f"{script.name} failed")
    with np.load(out) as answer:
        return dict(answer)


def environment(name: str) -> Path:
    """The Python of a peer's environment, which is made if missing; OSError if that fails."""
    folder = cache_folder() / "peers" / name
    python, ready = folder / "bin" / "python", folder / "ready"
    if ready.is_file() and ready.read_text().split() == list(PEERS[name]):
        return python
    uv = find_uv()
    print(f"installing {name} into {folder}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    ours = sys.executable if sys.version_info < (3, 13) else "3.12"  # MediaPipe 0.10.21 knows no newer one
    _run([uv, "venv", "--quiet", "--python", ours, str(folder)], "no environment could be made")
    _run([uv, "pip", "install", "--quiet", "--python", str(python), *PEERS[name]], "it could not be installed")
    ready.write_text("\n".join(PEERS[name]) + "\n")
    return python


def find_uv() -> str:
    """The program uv, on the path or beside this Python; OSError without it."""
    found = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if found is None:
        raise OSError("its environment is made with uv, which is not installed")
    return found


def peer_row(name: str, answer: dict[str, np.ndarray], afw: Path | None) -> Row:
    row: Row = {}
    if np.isfinite(answer["fps"]):
        row |= {"fps": round(float(answer["fps"]), 1), "faces_a_frame": float(answer["faces_a_frame"])}
    if afw is None:
        return row
    row["ms"] = round(float(answer["ms"]), 2)
    dataset = open_dataset(afw, "ibug", "afw")
    samples = samples_of(dataset)
    truth = np.array([sample.landmarks for sample in samples])
    on_boxes = np.array([answer[f"on_box_{i:05d}"] for i in range(len(samples))])
    detected = np.array([best(answer[f"found_{i:05d}"], sample.box) for i, sample in enumerate(samples)])

    def scored(points: np.ndarray, box: str) -> Evaluation:
        return Evaluation(name, "research", "afw", box, "inter-ocular", SCHEME, dataset.sources, truth, points)

    return row | errors(scored(on_boxes, "landmarks"), scored(detected, "detector"))


def best(found: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The face, of (K, 68, 2), whose landmark box overlaps ``box`` (4,) most; NaN if none does by ``MIN_IOU``."""
    if len(found):
        overlaps = box_iou(box[None], np.array([landmark_box(points, SCHEME) for points in found]))[0]
        if overlaps.max() >= MIN_IOU:
            return found[int(overlaps.argmax())]
    return np.full((68, 2), np.nan)


def errors(landmarks: Evaluation, detector: Evaluation) -> Row:
    """Figures under both box protocols, for the table."""
    ours, theirs = landmarks.as_json(), detector.as_json()
    names = ("n", "nme", "nme_inner", "fr10", "auc10")
    row = {name: ours[name] for name in names} | {"median": round(float(np.median(landmarks.errors)), 4)}
    return row | {"nme_detector": theirs["nme"], "missed": theirs["missed"]}  # type: ignore[return-value]


def table(rows: dict[str, Row]) -> str:
    """The rows as columns of text, with dashes for missing values."""
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    lines = [f"{'':<14}" + "".join(f"{peer:>14}" for peer in rows)]
    for name in names:
        cells = [row.get(name) for row in rows.values()]
        lines.append(f"{name:<14}" + "".join(f"{'–' if cell is None else round(cell, 2):>14}" for cell in cells))
    return "\n".join(lines)


def _run(command: list[str], failure: str) -> None:
    environment = {**os.environ, "GLOG_minloglevel": "2", "TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise OSError(f"{failure}: it took more than {PATIENCE} s") from None
    if done.returncode:
        last = [line for line in done.stderr.splitlines() if line.strip()][-1:]
        raise OSError(f"{failure}: {' '.join(last) or 'without a message'}")


if __name__ == "__main__":
    main()
