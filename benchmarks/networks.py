"""Comparison of networks: error on photographs against processor minutes of training.

    python benchmarks/networks.py WORK --data renders/train --held-out renders/held_out --afw PATH_TO/300w
        [--rows NAME …] [--images 4000] [--samples 64000] [--seeds 1]

Every row trains from random weights on the first ``--images`` renders of the folder, with the policy ``strong``, and
is measured at its last averaged weights: on held-out renders, and on AFW with landmark boxes, raw. Minutes are
processor time of the training processes, summed over the cores, so that a busy machine gives about the same figure as
an idle one; ``wall`` is wall-clock time, and ``load`` the load of the machine (1: training alone).
Milliseconds are measured as in `fauxface models` (ONNX Runtime, one thread, the network alone); they need an idle
machine, and ``--times`` measures them again. MB: size of ``model.safetensors`` in fp16.

A row that ``docs/networks/results.csv`` holds is not run again; one that was stopped goes on. Writes ``table.md`` and
``networks.png`` beside it.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from fauxface.checkpoint import WEIGHTS_FILE, load_checkpoint, save_checkpoint
from fauxface.datasets.config import PackConfig
from fauxface.datasets.packing import pack_folder
from fauxface.evaluation import evaluate
from fauxface.files import atomic_path, write_text
from fauxface.training import TrainingConfig
from fauxface.training.run import settle
from fauxface.training.step import precision_of

OUT = Path(__file__).parents[1] / "docs" / "networks"
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
KEY = ("row", "seed", "images", "samples")
"""Columns that identify a row."""
SETTINGS = (
    "model",
    "neck",
    "input_size",
    "crop",
    "batch",
    "lr",
    "weight_decay",
    "ema",
    "precision",
    "compile",
    "devices",
)
"""Columns from a run's complete configuration."""
MEASURED = ("generator", "minutes", "wall", "load", "held_out", "afw", "afw_inner", "ms", "megabytes", "parameters")
COLUMNS: tuple[str, ...] = (*KEY, *SETTINGS, *MEASURED)


@dataclass(frozen=True)
class Row:
    """A network and its training; ``settings`` are fields of `TrainingConfig` that differ from their defaults."""

    name: str
    model: str
    settings: dict[str, Any] = field(default_factory=dict)


NECK: dict[str, Any] = {"neck": "fuse"}
ROWS = (
    Row("r18", "resnet18-pip"),
    Row("r18-neck", "resnet18-pip", NECK),
    Row("r18-neck-160", "resnet18-pip", {**NECK, "input_size": 160}),
    Row("r18d-neck", "resnet18d-pip", NECK),
    Row("r34", "resnet34-pip"),
    Row("r14t-neck", "resnet14t-pip", NECK),
    Row("repvgg-a0-neck", "repvgg_a0-pip", NECK),
    Row("r18-neck-batch-32", "resnet18-pip", {**NECK, "batch": 32}),
    Row("r18-neck-lr-3e-3", "resnet18-pip", {**NECK, "lr": 3e-3}),
    Row("r18-neck-ema-0.995", "resnet18-pip", {**NECK, "ema": 0.995}),
    Row("r18-neck-compile", "resnet18-pip", {**NECK, "compile": True}),
    Row("s-neck-160", "mobilenetv3small-pip", {**NECK, "input_size": 160, "devices": CORES}),
)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path, help="folder for the runs")
    parser.add_argument("--data", type=Path, required=True, help="folder of renders to train on")
    parser.add_argument("--held-out", type=Path, required=True, help="folder of renders to test on")
    parser.add_argument("--afw", type=Path, required=True, help="a folder with 300-W's afw in it")
    parser.add_argument("--rows", nargs="+", metavar="NAME", choices=[r.name for r in ROWS], help="default: all")
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--samples", type=int, default=64_000)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=CORES, help="of all training processes together")
    parser.add_argument("--out", type=Path, default=OUT, help="folder for the table; default: %(default)s")
    parser.add_argument("--times", action="store_true", help="only measure the milliseconds of existing rows again")
    options = parser.parse_args(arguments)
    table = Table(options.out)
    if options.times:
        table.time_again()
    else:
        data = first_images(options.data, options.work / f"first-{options.images}", options.images)
        for row in ROWS:
            for seed in range(options.seeds if options.rows is None or row.name in options.rows else 0):
                measure(row, seed, data, options, table)
    table.write()


def measure(row: Row, seed: int, data: Path, options: argparse.Namespace, table: Table) -> None:
    """Train and score one row, unless the table has it."""
    key = (row.name, seed, options.images, options.samples)
    if table.has(key):
        return
    run = options.work / "-".join(map(str, key))
    common: dict[str, Any] = {
        "samples": options.samples,
        "seed": seed,
        "augment": "strong",
        "val_fraction": 0.01,
        "labels": "2d",
    }
    threads = options.threads // row.settings.get("devices", 1)
    config = TrainingConfig(data, run, row.model, **common, **row.settings, threads=max(1, threads), resume=True)
    settled = settle(config)
    pack = PackConfig(data, size=settled.input_size, labels=settled.labels)
    pack_folder(replace(pack, crop=settled.crop, crop_margin=settled.crop_margin))  # not part of the time
    spent = trained(config, options.threads)
    scores = evaluate(run, options.afw, format="ibug", split="afw").as_json()
    held_out = evaluate(run, options.held_out, labels=settled.labels).as_json()
    network, card = load_checkpoint(run)
    neck = settled.neck or "none"
    values = {
        **dict(zip(KEY, key, strict=True)),
        **{name: getattr(settled, name) for name in SETTINGS},
        "neck": neck,
        "precision": precision_of(settled),
        **spent,
        "generator": card.provenance["generator"],
        "held_out": held_out["nme"],
        "afw": scores["nme"],
        "afw_inner": scores["nme_inner"],
        "ms": milliseconds_of(settled.model, settled.input_size, neck),
        "megabytes": stored_megabytes(run),
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
    }
    table.add(values)


def first_images(data: Path, folder: Path, count: int) -> Path:
    """A folder of links to the files of the first ``count`` faces, so that ``data`` may still grow.

    SystemExit for too few faces.
    """
    stems = sorted(path.name.removesuffix("_ldmks.txt") for path in data.glob("*_ldmks.txt"))[:count]
    if len(stems) < count:
        raise SystemExit(f"{data} has {len(stems)} faces, not {count}")
    folder.mkdir(parents=True, exist_ok=True)
    for stem in stems:
        for path in (*data.glob(f"{stem}.*"), *data.glob(f"{stem}_*")):
            link = folder / path.name
            if not link.is_symlink():
                link.symlink_to(path.absolute())
    return folder


def trained(config: TrainingConfig, threads: int) -> dict[str, float]:
    """Train in a separate process; ``minutes``, ``wall`` and ``load``, kept in a file for a finished run."""
    record = config.out.with_suffix(".json")
    if record.is_file():
        return json.loads(record.read_text())
    command = [sys.executable, "-m", "fauxface", "train"]
    for name, value in config.as_dict().items():
        if value is True:
            command.append(f"--{name.replace('_', '-')}")
        elif value not in (None, False, getattr(TrainingConfig, name, None)):
            command += [f"--{name.replace('_', '-')}", str(value)]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    environment = {**os.environ, "OMP_NUM_THREADS": str(max(1, threads // config.devices))}
    subprocess.run(command, check=True, env=environment)
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - began
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    whole = float(list(csv.DictReader((config.out / "log.csv").open()))[-1]["minutes"])  # all attempts of a stopped run
    found = {"minutes": whole * busy / wall, "wall": whole, "load": os.getloadavg()[1] / CORES}
    write_text(record, json.dumps(found))
    return found


def milliseconds_of(model: str, input_size: int, neck: str, seconds: float = 5) -> float:
    """Median milliseconds of a face, measured as in ``benchmarks/models.py``."""
    from models import milliseconds, session, shape_of  # on import it keeps this process to one thread

    opened = session(model, input_size, **({} if neck == "none" else {"neck": neck}))
    return milliseconds(opened, shape_of(model, input_size), seconds)


def stored_megabytes(run: Path) -> float:
    """Size in MB of the checkpoint's weights in fp16, as they are shipped."""
    with tempfile.TemporaryDirectory() as folder:
        save_checkpoint(Path(folder), *load_checkpoint(run), half=True)
        return (Path(folder) / WEIGHTS_FILE).stat().st_size / 1e6


class Table:
    """``results.csv``, and ``table.md`` and ``networks.png`` made from it.

    Attributes:
        folder: the files' folder.
        rows: all measured rows, every value as text.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        path = folder / "results.csv"
        self.rows: list[dict[str, str]] = []
        if path.is_file():
            with path.open(newline="") as file:
                self.rows = list(csv.DictReader(file))

    def has(self, key: tuple[object, ...]) -> bool:
        """True if there is a row with these values of `KEY`."""
        return any(tuple(row[name] for name in KEY) == tuple(map(str, key)) for row in self.rows)

    def add(self, values: dict[str, Any]) -> None:
        """Add a row with a value for each of `COLUMNS`, and write all files."""
        self.rows.append({n: f"{values[n]:.4g}" if isinstance(values[n], float) else str(values[n]) for n in COLUMNS})
        self.write()

    def time_again(self) -> None:
        """Measure the milliseconds of every row again."""
        for row in self.rows:
            row["ms"] = f"{milliseconds_of(row['model'], int(row['input_size']), row['neck']):.4g}"

    def write(self) -> None:
        """Write the three files."""
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        write_text(self.folder / "results.csv", text.getvalue())
        lines = self.lines()
        write_text(self.folder / "table.md", "\n".join(lines) + "\n")
        self.draw()
        print("\n".join(lines), flush=True)

    def lines(self) -> list[str]:
        """The table as Markdown, with the lowest error on photographs first."""
        lines = [
            "| network | px | batch, rate | images, samples | minutes | held-out renders | AFW (inner) | ms | MB |",
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        ]
        for row in sorted(self.rows, key=lambda row: float(row["afw"])):
            afw, inner, held_out = (f"{float(row[name]):.2f}" for name in ("afw", "afw_inner", "held_out"))
            minutes, ms, size = (f"{float(row[name]):.1f}" for name in ("minutes", "ms", "megabytes"))
            seed = "" if row["seed"] == "0" else f", seed {row['seed']}"
            lines.append(
                f"| {row['row']}{seed} | {row['input_size']} | {row['batch']}, {row['lr']} | {row['images']}, "
                f"{row['samples']} | {minutes} | {held_out} | {afw} ({inner}) | {ms} | {size} |"
            )
        generators = ", ".join(sorted({row["generator"] for row in self.rows}))
        about = "Minutes are the processor's, summed over its cores; NME in percent, landmark boxes, raw; ms a face on "
        return [*lines, "", f"{about}one thread; MB in fp16. Renders of generator {generators}."]

    def draw(self) -> None:
        """The figure: error on AFW against processor minutes."""
        figure = Figure(figsize=(8, 5), layout="constrained")
        axes = figure.subplots()
        for row in self.rows:
            place = float(row["minutes"]), float(row["afw"])
            axes.plot(*place, "o", color="tab:orange" if row["neck"] == "none" else "tab:blue")
            axes.annotate(row["row"], place, xytext=(5, 3), textcoords="offset points", fontsize=8)
        axes.set(xlabel="processor minutes", ylabel="NME on AFW, %, landmark boxes, raw (blue: with a neck)")
        axes.grid(alpha=0.3)
        with atomic_path(self.folder / "networks.png") as path:
            figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
