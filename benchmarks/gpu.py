"""One call on a machine with an NVIDIA GPU: render there, train fauxface-m in bf16, measure, bring the weights back.

    python benchmarks/gpu.py OUT [--wheels DIR] [--debs DIR] [--render-minutes 2] [--train-minutes 5]
    python benchmarks/gpu.py OUT --quick                         a dry run, on any device, in a few minutes
    python benchmarks/gpu.py OUT --join                          afterwards: join the parts of the weights

Needs Python 3.11 or newer and PyTorch, but no network: what else is missing comes as wheels in a folder (--wheels; they
are installed apart from the machine's own packages), OpenGL's loaders as Debian packages (--debs). Renders on all cores
for so many minutes, sees how fast training is (benchmarks/training.py: the bare step, our loop, the usual pipeline),
chooses as many samples as fit into the minutes, trains, scores on held-out renders. OUT gets ``report.json``, the run's
log and card, and its weights in fp16 in parts of at most 15 MiB. The last line of output is the report.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
MODEL, NECK = "resnet18-pip", "fuse"
PART = 15 * 2**20
"""Bytes a part of the weights, so that each may come back where files of 16 MiB may."""
PARTS = "model.safetensors.part"
FIRST = 64
"""Faces rendered first, to see how fast it goes."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder for what comes back")
    parser.add_argument("--wheels", type=Path, help="folder of wheels of the packages that the machine lacks")
    parser.add_argument("--debs", type=Path, help="folder of Debian packages with OpenGL's and EGL's loaders")
    parser.add_argument("--recipe", type=Path, default=ROOT / "recipes" / "rendering" / "detector.yaml")
    parser.add_argument("--render-minutes", type=float, default=2.0)
    parser.add_argument("--train-minutes", type=float, default=5.0)
    parser.add_argument("--input-size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--quick", action="store_true", help="a few faces and steps, to see that all works")
    parser.add_argument("--join", action="store_true", help="only put the parts in OUT together")
    options = parser.parse_args()
    if options.join:
        print(join(options.out))
        return
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        prepare(options, work)
        report = run(options, work)
    (options.out / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report))


def prepare(options: argparse.Namespace, work: Path) -> None:
    """Make the carried packages importable by every process that is started from now on."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    if options.wheels:
        site = work / "site"
        install = ["-m", "pip", "install", "-q", "--no-index", "--no-deps", "--no-compile", "--target", str(site)]
        subprocess.run([sys.executable, *install, *map(str, sorted(options.wheels.glob("*.whl")))], check=True)
        paths.insert(1, str(site))
    if options.debs:
        for package in sorted(options.debs.glob("*.deb")):
            subprocess.run(["dpkg", "-x", str(package), "/"], check=True)
        subprocess.run(["ldconfig"], check=True)
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    os.environ["FAUXFACE_CACHE"] = str(work / "cache")


def run(options: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Render, measure, train, score and store; the report."""
    size, batch = (64, 8) if options.quick else (options.input_size, options.batch)
    faces, held_out, trained = work / "faces", work / "held_out", work / "run"
    rendered = render(faces, options, seed=1)
    render(held_out, options, seed=2, count=4 if options.quick else 300)
    speed = throughput(options, faces, work, size, batch)
    samples = 4 * batch if options.quick else round(60 * options.train_minutes * speed["ours"])
    began = time.monotonic()
    told: dict[str, Any] = {"data": faces, "val-data": held_out, "out": trained, "model": MODEL, "neck": NECK}
    told |= {"input-size": size, "batch": batch, "lr": options.lr, "samples": samples}
    told |= {"augment": "strong", "labels": "2d", "precision": "bf16"}
    fauxface("train", *(text for name, value in told.items() for text in (f"--{name}", str(value))))
    minutes = (time.monotonic() - began) / 60
    scores = work / "scores.json"
    fauxface("evaluate", str(trained), "--data", str(held_out), "--json", str(scores))
    store(trained, options.out)
    return {
        **rendered,
        "model": f"{MODEL} --neck {NECK}",
        "input_size": size,
        "batch": batch,
        "samples": samples,
        "train_minutes": round(minutes, 2),
        "images_per_s": speed,
        "held_out_nme": json.loads(scores.read_text())["nme"],
        "device": device(),
        "cores": os.cpu_count(),
    }


def render(folder: Path, options: argparse.Namespace, seed: int, count: int | None = None) -> dict[str, Any]:
    """Render ``count`` faces, or as many as fit into the minutes; how many, and how fast."""

    def take(number: int) -> float:
        began = time.monotonic()
        size = ("--size", "96" if options.quick else "192")
        fauxface("render", str(folder), "--count", str(number), "--seed", str(seed), *size, *recipe)
        return time.monotonic() - began

    recipe = [] if options.quick else ["--recipe", str(options.recipe)]
    if count is None and not options.quick:
        start = take(2)  # what starting costs, which is not a face's
        rate = (FIRST * (os.cpu_count() or 1) - 2) / max(take(FIRST * (os.cpu_count() or 1)) - start, 1e-3)
        count = max(FIRST * (os.cpu_count() or 1), round(60 * options.render_minutes * rate))
    count = count or 12
    seconds = take(count)
    return {"faces": count, "render_seconds": round(seconds, 1)}


def throughput(options: argparse.Namespace, faces: Path, work: Path, size: int, batch: int) -> dict[str, float]:
    """Images a second: ``bare``, ``ours``, and (but for --quick) ``usual``; see ``benchmarks/training.py``."""
    record = work / "speed.json"
    told = ["--models", MODEL, "--neck", NECK, "--data", str(faces), "--size", str(size), "--batch", str(batch)]
    more = ["--quick"] if options.quick else ["--seconds", "20"]
    command = [sys.executable, str(ROOT / "benchmarks" / "training.py"), *told, *more, "--json", str(record)]
    subprocess.run(command, check=True)
    found = json.loads(record.read_text())["images_per_s"][MODEL]
    return {name: found[name] for name in ("bare", "ours", "usual", "share") if found.get(name)}


def store(trained: Path, out: Path) -> None:
    """The run's log and card, and its averaged weights in fp16, in parts."""
    code = (
        "import sys; from pathlib import Path; from fauxface.checkpoint import load_checkpoint, save_checkpoint; "
        "save_checkpoint(Path(sys.argv[2]), *load_checkpoint(sys.argv[1]), half=True)"
    )
    half = trained.with_name("half")
    subprocess.run([sys.executable, "-c", code, str(trained), str(half)], check=True)
    data = (half / "model.safetensors").read_bytes()
    for old in out.glob(f"{PARTS}*"):
        old.unlink()
    for number, first in enumerate(range(0, len(data), PART)):
        (out / f"{PARTS}{number}").write_bytes(data[first : first + PART])
    (out / "model.yaml").write_bytes((half / "model.yaml").read_bytes())
    (out / "log.csv").write_bytes((trained / "log.csv").read_bytes())


def join(out: Path) -> str:
    """Put the parts together, so that ``out`` is a checkpoint; SystemExit if there are none."""
    parts = sorted(out.glob(f"{PARTS}*"), key=lambda path: int(path.name.removeprefix(PARTS)))
    if not parts:
        raise SystemExit(f"{out} holds no {PARTS}0")
    (out / "model.safetensors").write_bytes(b"".join(part.read_bytes() for part in parts))
    for part in parts:
        part.unlink()
    return f"{out} is a checkpoint: fauxface info {out}"


def fauxface(*told: str) -> None:
    """Run a command of ours; CalledProcessError if it fails."""
    subprocess.run([sys.executable, "-m", "fauxface", *told], check=True)


def device() -> str:
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"


if __name__ == "__main__":
    main()
