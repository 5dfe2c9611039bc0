"""One small model of each method on equal terms: the same renders, the same minutes of one CPU core, the same test.

    python benchmarks/methods.py WORK --data RENDERS --held-out RENDERS --afw PATH_TO/300w [--minutes 10] [--only NAME]

Each model first takes a few steps to measure the processor time of a face, which other work on the machine hardly
changes, then is trained from random weights on as many faces as the budget allows, with the usual settings of
``fauxface train``; variants of a model see the same number. Runs are in WORK and resume when stopped; finished
methods are kept.

Writes a table of finished methods to ``docs/methods.md``.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from offsets import without_offsets

from fauxface.checkpoint import read_card
from fauxface.datasets import open_dataset
from fauxface.evaluation import evaluate
from fauxface.evaluation.calibration import calibrate
from fauxface.evaluation.groups import labels_of, turns_of
from fauxface.files import write_text
from fauxface.info import machine
from fauxface.metrics import bootstrap_interval, mean_found
from fauxface.models import EXPECTED_COVERAGE
from fauxface.training import TrainingConfig, train

OUT = Path(__file__).parents[1] / "docs" / "methods.md"
PIP, ALONE, GAUSSIAN = "pip", "pip, no neighbours", "coordinates, gaussian"
METHODS: dict[str, dict[str, Any]] = {
    "coordinates": {"model": "mobilenetv3small-coordinates"},
    GAUSSIAN: {"model": "mobilenetv3small-coordinates", "loss": "gaussian"},
    PIP: {"model": "mobilenetv3small-pip"},
    ALONE: {"model": "mobilenetv3small-pip", "neighbours": 0},
    "heatmaps": {"model": "mobilenetv3small-heatmaps"},
}
TURNED = 30.0
"""Degrees of yaw from which a head counts as turned."""
TRIAL = (20, 80)
"""Steps of the two trials whose difference gives the time of a step."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path, help="folder for the runs")
    parser.add_argument("--data", type=Path, required=True, help="renders to train on")
    parser.add_argument("--held-out", type=Path, required=True, help="renders to test on")
    parser.add_argument("--afw", type=Path, required=True, help="a folder with 300-W's afw in it")
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--minutes", type=float, default=10.0, help="processor minutes of training")
    parser.add_argument("--only", nargs="*", default=list(METHODS), choices=list(METHODS))
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in options.only:
        if not result_of(options, name).is_file():
            measure(options, name)
    write_table(options)


def folder(options: argparse.Namespace, name: str) -> Path:
    return options.work / name.replace(", ", "-").replace(" ", "-")


def result_of(options: argparse.Namespace, name: str) -> Path:
    return folder(options, name) / "result.json"


def settings(options: argparse.Namespace, name: str, out: Path, **budget: int) -> TrainingConfig:
    config: dict[str, Any] = {**METHODS[name], **budget}
    return TrainingConfig(
        data=options.data,
        out=out,
        val_data=options.held_out,
        images=options.images,
        augment="strong",
        threads=1,
        workers=1,
        resume=True,
        **config,
    )


def price(options: argparse.Namespace, name: str) -> float:
    """Processor seconds of a method's training for each face."""
    spent = []
    for steps in (1, *TRIAL):  # the first one packs the data
        trial = settings(options, name, folder(options, name) / f"trial-{steps}", steps=steps).scheduled()
        shutil.rmtree(trial.out, ignore_errors=True)  # otherwise a stopped trial would resume, and take less
        began = time.process_time()
        train(trial)
        spent.append((time.process_time() - began) / trial.batch)
    return (spent[2] - spent[1]) / (TRIAL[1] - TRIAL[0])


def measure(options: argparse.Namespace, name: str) -> None:
    """Train a method within its budget, evaluate it, and keep the result."""
    run = folder(options, name)
    # measured once, because trials vary: a resumed run keeps its samples, and variants of a model share its price
    priced = options.work / f"{METHODS[name]['model']}.json"
    if not priced.is_file():
        write_text(priced, json.dumps(price(options, name)))
    samples = int(60 * options.minutes / json.loads(priced.read_text()))
    path = run / "budget.json"
    budget = json.loads(path.read_text()) if path.is_file() else {"minutes": 0.0}
    began = time.process_time()
    try:
        train(settings(options, name, run / "run", samples=samples))
    finally:  # a stopped attempt's time counts as well
        budget["minutes"] += (time.process_time() - began) / 60
        write_text(path, json.dumps(budget))
    afw = evaluate(run / "run", options.afw, format="ibug", split="afw", box="landmarks")
    rendered = evaluate(run / "run", options.held_out, box="landmarks")
    found = {
        "model": METHODS[name]["model"],
        "samples": samples,
        "minutes": budget["minutes"],
        "generator": read_card(run / "run").provenance["generator"],
        "afw": afw.as_json(),
        "afw_without_offsets": 100 * float(without_offsets(afw.predictions, afw.truth).mean()),
        "renders": rendered.as_json(),
        "afw_errors": afw.errors.tolist(),
        "afw_yaw": turns_of(afw, open_dataset(options.afw, "ibug", "afw")).tolist(),
        "renders_errors": rendered.errors.tolist(),
        "renders_yaw": [abs(label["head_pose"]["yaw"]) for label in labels_of(rendered)],
        "machine": machine(),
    }
    if name == GAUSSIAN:
        calibration = calibrate(run / "run", options.held_out, [options.afw / "afw"], threads=1)
        found["calibration"] = {
            "factor": calibration.factor,
            "held out": calibration.after,
            "AFW": calibration.others["afw"][1],
        }
    write_text(result_of(options, name), json.dumps(found, default=str))


def turned(row: dict[str, Any], where: str, more: float = TURNED, less: float = 181.0) -> np.ndarray:
    """Errors (M,) in percent of the faces of ``afw`` or ``renders`` with a yaw from ``more`` to ``less`` degrees."""
    yaw = np.array(row[f"{where}_yaw"], float)
    return np.array(row[f"{where}_errors"])[(more <= yaw) & (yaw < less)]


def neighbours(with_them: dict[str, Any], without: dict[str, Any]) -> list[str]:
    """Gain by PIPNet's neighbour regression, by the heads' yaw, as lines of Markdown."""
    lines = ["PIPNet's error with neighbours minus without, 95 % interval over faces (negative: they help):", ""]
    lines += ["| faces | held-out renders | AFW |", "| --- | --- | --- |"]
    for more, less in ((0.0, 15.0), (15.0, 30.0), (30.0, 45.0), (45.0, 181.0)):
        cells = []
        for where in ("renders", "afw"):
            away = turned(with_them, where, more, less) - turned(without, where, more, less)
            low, high = bootstrap_interval(away)
            cells.append(
                f"{mean_found(away):+.2f} ({low:+.2f} to {high:+.2f}; {len(away)} faces)" if len(away) else "–"
            )
        name = f"turned by {more:.0f}–{less:.0f}°" if less < 90 else f"turned by {more:.0f}° and more"
        lines.append(f"| {name} | {cells[0]} | {cells[1]} |")
    return lines


def ranking(found: dict[str, dict[str, Any]]) -> list[str]:
    """Quality of each method's scores as a ranking of its points, as lines of Markdown."""
    lines = [
        "Does a method's score rank its errors? Mean error of the points that are kept when they are dropped from the "
        "worst score on (AURC), by lot, and by true error (the least there is):",
        "",
        "| method | AFW, by score | by lot | by true error | held-out renders, by score | by lot | by true error |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, row in found.items():
        areas = [row[where][f"aurc{kind}"] for where in ("afw", "renders") for kind in ("", "_random", "_oracle")]
        lines.append(f"| {name} | {' | '.join(f'{area:.2f}' for area in areas)} |")
    return lines


def sigma(calibration: dict[str, Any]) -> str:
    """Shares of errors within σ and 2σ, in words."""
    wanted, held_out, afw = (
        " and ".join(f"{100 * share:.1f} %" for share in shares)
        for shares in (EXPECTED_COVERAGE, calibration["held out"], calibration["AFW"])
    )
    return (
        f"The σ, times {calibration['factor']:.2f} (fitted on half of the held-out renders): within σ and 2σ lie "
        f"{held_out} of the other half's errors, {afw} of AFW's; of a Gaussian's {wanted}."
    )


def write_table(options: argparse.Namespace) -> None:
    """Write ``docs/methods.md``: a row for each method, best first."""
    found = {n: json.loads(result_of(options, n).read_text()) for n in METHODS if result_of(options, n).is_file()}
    some = next(iter(found.values()))
    lines = [
        "# The methods on equal terms",
        "",
        f"{options.images:,} renders of generator {some['generator']}, {options.minutes:g} processor minutes of one "
        f"core ({some['machine']['processor']}; torch {some['machine']['torch']}), random first weights, policy "
        "`strong`, 128 px, seed 0. Percent of the distance between the outer eye corners; landmark boxes, raw. By "
        "`python benchmarks/methods.py`.",
        "",
        f"| method | faces seen | minutes | AFW | AFW, inner 51 | without mean offsets | AFW, {TURNED:.0f}° and more | "
        f"held-out renders | those of {TURNED:.0f}° and more |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    found = dict(sorted(found.items(), key=lambda item: item[1]["afw"]["nme"]))
    for name, row in found.items():
        afw, renders = row["afw"], row["renders"]
        lines.append(
            f"| {name} (`{row['model']}`) | {row['samples']:,} | {row['minutes']:.1f} | {afw['nme']:.2f} | "
            f"{afw['nme_inner']:.2f} | {row['afw_without_offsets']:.2f} | {mean_found(turned(row, 'afw')):.2f} | "
            f"{renders['nme']:.2f} | {mean_found(turned(row, 'renders')):.2f} |"
        )
    lines += ["", *ranking(found)]
    if {PIP, ALONE} <= found.keys():
        lines += ["", *neighbours(found[PIP], found[ALONE])]
    if GAUSSIAN in found:
        lines += ["", sigma(found[GAUSSIAN]["calibration"])]
    write_text(OUT, "\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
