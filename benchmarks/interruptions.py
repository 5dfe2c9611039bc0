"""Kill render, pack, train and predict (on a video) at random moments, and check what is left on disk.

    python benchmarks/interruptions.py [--quick] [--kills 20] [--only render pack train predict] [--seed 0]

Each command first runs without interruption. Then it is started repeatedly in a folder and killed at random moments, by
SIGKILL and SIGTERM in turn, until ``--kills`` is reached; it resumes where it stopped, and starts again once it is
finished. A foreign file beside its output must stay unchanged, every finished output must equal the uninterrupted one,
and no further files may be left. The last line is a JSON object: for each command ``kills``, ``ends`` (finished runs),
``lost`` (foreign files changed, or outputs that differ) and ``left`` (files too many). Exit status 1 if any are lost
or left.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

KILLS, QUICK_KILLS = 20, 2
MODEL = "mobilenetv3small-pip"
FOREIGN = "thesis.txt"
TIMES = {"seconds", "minutes", "images_per_s", "samples_per_s"}
"""Columns of a log that hold durations."""

Contents = dict[str, str]
"""Relative path → hash of the content, or an empty text for files that may differ between runs."""


@dataclass
class Job:
    """A command to kill.

    Attributes:
        name: its name.
        words: its arguments, for an output folder.
        compared: True for a file of the output (by path) that must be the same in every run.
    """

    name: str
    words: Callable[[Path], list[str]]
    compared: Callable[[str], bool] = lambda path: True


@dataclass
class Outcome:
    """Counts for one command; ``notes`` list what was lost or left."""

    kills: int = 0
    ends: int = 0
    lost: int = 0
    left: int = 0
    notes: list[str] = field(default_factory=list)


def start(job: Job, place: Path) -> subprocess.Popen[bytes]:
    """Start the command with its output in ``place/out`` and a cache of its own beside."""
    env = {**os.environ, "FAUXFACE_CACHE": str(place / "cache"), "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    env["XDG_CACHE_HOME"], env["TMPDIR"] = str(place / "cache"), str(place / "tmp")
    env["MESA_SHADER_CACHE_DISABLE"] = "true"  # the driver's files in the cache folder are not ours
    return subprocess.Popen(
        [sys.executable, "-m", "fauxface", *job.words(place / "out")],
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=(place.parent / f"{place.name}.err").open("wb"),
        start_new_session=True,
    )


def new_place(folder: Path) -> Path:
    """A folder to work in, with a foreign file."""
    for part in ("cache", "tmp"):
        (folder / part).mkdir(parents=True)
    (folder / FOREIGN).write_text("years of work")
    return folder


def contents(job: Job, place: Path) -> Contents:
    """All files below ``place``, with hashes of those that must be the same in every run."""
    found = {}
    for path in sorted(p for p in place.rglob("*") if p.is_file()):
        name = str(path.relative_to(place))
        found[name] = _hash(path) if job.compared(name) else ""
    return found


def _hash(path: Path) -> str:
    """A hash of a file; for a log, without its durations."""
    data = path.read_bytes()
    if path.name == "log.csv":
        rows = list(csv.DictReader(data.decode().splitlines()))
        data = json.dumps([{k: v for k, v in row.items() if k not in TIMES} for row in rows]).encode()
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def whole_run(job: Job, place: Path) -> float:
    """Run the command without interruption; its seconds."""
    begin = time.monotonic()
    if start(job, place).wait(1200):
        raise RuntimeError(f"{job.name} failed without interruption: {_last_words(place)}")
    return time.monotonic() - begin


def kill_often(job: Job, root: Path, kills: int, lot: random.Random) -> Outcome:
    """Kill the command ``kills`` times, and compare each finished output with the uninterrupted one."""
    whole = new_place(root / f"{job.name}-whole")
    seconds = whole_run(job, whole)
    truth, outcome = contents(job, whole), Outcome()
    place, fresh = new_place(root / f"{job.name}-0"), True
    while outcome.kills < kills or not outcome.ends:
        begin = time.monotonic()
        status = _attempt(job, place, lot.uniform(0.1, seconds) if outcome.kills < kills else None, outcome)
        if status == 0 and fresh:  # the machine is less busy than before
            seconds = min(seconds, time.monotonic() - begin)
        fresh = status is not None
        if (place / FOREIGN).read_text() != "years of work":
            outcome.lost += 1
            outcome.notes.append("a foreign file was changed")
        if status is None:
            continue
        if status != 0:
            outcome.lost += 1
            outcome.notes.append(f"after {outcome.kills} kills it ends with {status}: {_last_words(place)}")
        else:
            outcome.ends += 1
            _compare(truth, contents(job, place), outcome)
        shutil.rmtree(place)
        place = new_place(root / f"{job.name}-{outcome.ends + outcome.lost}-{outcome.kills}")
        if outcome.lost > kills:
            break
    print(
        f"{job.name}: {outcome.kills} kills, {outcome.ends} ends, {outcome.lost} lost, {outcome.left} left", flush=True
    )
    for note in outcome.notes[:5]:
        print(f"  {note}", flush=True)
    return outcome


def _attempt(job: Job, place: Path, after: float | None, outcome: Outcome) -> int | None:
    """Start the command and kill it after ``after`` seconds; its exit status, or None if it was killed."""
    process = start(job, place)
    try:
        return process.wait(after if after is not None else 1200)
    except subprocess.TimeoutExpired:
        hard = outcome.kills % 2 == 0
        process.send_signal(signal.SIGKILL if hard else signal.SIGTERM)
        try:
            status = process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            outcome.lost += 1
            outcome.notes.append("it did not end within a minute of SIGTERM")
            status = -signal.SIGKILL
        outcome.kills += 1
        if not hard and status == 0:  # it had just finished
            return 0
        _wait_for_group(process.pid)
        return None


def _wait_for_group(group: int, seconds: float = 30) -> None:
    """Wait until the workers of a killed command have ended, as they do by themselves."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    raise RuntimeError(f"workers of a killed command are still running after {seconds:.0f} s")


def _compare(truth: Contents, found: Contents, outcome: Outcome) -> None:
    missing, more = truth.keys() - found.keys(), found.keys() - truth.keys()
    differ = [name for name in truth.keys() & found.keys() if truth[name] != found[name]]
    outcome.lost += bool(missing or differ)
    outcome.left += len(more)
    outcome.notes += [f"missing: {name}" for name in sorted(missing)] + [f"differs: {name}" for name in sorted(differ)]
    outcome.notes += [f"left: {name}" for name in sorted(more)]


def _last_words(place: Path) -> str:
    lines = (place.parent / f"{place.name}.err").read_text(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else "(nothing)"


def jobs(faces: Path, clip: Path, count: int, steps: int) -> list[Job]:
    """The four commands, in sizes at which twenty kills of each take minutes."""
    train = ["--model", MODEL, "--input-size", "32", "--batch", "4", "--threads", "1", "--precision", "32"]

    def of_training(path: str) -> bool:
        # the state and the card hold times, and the plots are drawn from them
        return path.endswith((FOREIGN, "checkpoint/model.safetensors", "log.csv"))

    return [
        Job("render", lambda out: ["render", str(out), "--count", str(count), "--size", "128", "--workers", "2"],
            lambda path: not path.startswith("cache/")),
        Job("pack", lambda out: ["pack", str(faces), "--size", "64", "--out", str(out), "--workers", "2"],
            lambda path: path.endswith((FOREIGN, ".npy"))),
        Job("train", lambda out: ["train", "--data", str(faces), "--out", str(out), "--steps", str(steps), "--resume",
                                  "--packs", str(out.with_name("packs")), *train], of_training),
        Job("predict", lambda out: ["predict", str(clip), "--out", str(out), "--threads", "1"],
            lambda path: path.endswith((FOREIGN, ".json", ".csv"))),
    ]  # fmt: skip


def write_clip(path: Path, faces: Path) -> None:
    """Write a clip of 1.5 s: three renders, each for half a second."""
    from fauxface.images import read_image
    from fauxface.inference.video import write_video

    pictures = [read_image(file) for file in sorted(faces.glob("??????.png"))[:3]]
    with write_video(path, 16) as video:
        for number in range(24):
            video.write(pictures[number // 8], number / 16)


def main() -> int:
    """Run the benchmark; exit status 1 if files were lost or left."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_KILLS} kills each, in smaller sizes")
    parser.add_argument("--kills", type=int, help=f"of each command; default: {KILLS}")
    parser.add_argument("--only", nargs="+", choices=("render", "pack", "train", "predict"), default=())
    parser.add_argument("--seed", type=int, default=0, help="of the random moments")
    options = parser.parse_args()
    kills = options.kills or (QUICK_KILLS if options.quick else KILLS)
    found: dict[str, Outcome] = {}
    with tempfile.TemporaryDirectory(prefix="fauxface-kills-") as folder:
        root = Path(folder)
        faces, clip = root / "faces", root / "clip.mp4"
        words = ["render", str(faces), "--count", "6" if options.quick else "16", "--size", "128", "--seed", "3"]
        subprocess.run([sys.executable, "-m", "fauxface", *words], check=True, stderr=subprocess.DEVNULL)
        write_clip(clip, faces)
        before = {path: _hash(path) for path in (*faces.iterdir(), clip)}
        for job in jobs(faces, clip, 4 if options.quick else 12, 6 if options.quick else 30):
            if not options.only or job.name in options.only:
                found[job.name] = kill_often(job, root, kills, random.Random(f"{options.seed} {job.name}"))
        changed = [path.name for path in (*faces.iterdir(), clip) if before.get(path) != _hash(path)]
    counts = {name: {key: getattr(o, key) for key in ("kills", "ends", "lost", "left")} for name, o in found.items()}
    print(json.dumps({**counts, "inputs_changed": len(changed)}))
    return int(bool(changed) or any(outcome.lost or outcome.left for outcome in found.values()))


if __name__ == "__main__":
    sys.exit(main())
