"""Ablation of the generator: the same small training on renders that each lack one part of it.

    python benchmarks/ablation.py WORK --afw PATH_TO/300w [--recipe FILE] [--before DIR] [--seeds 3] [--count 2000]
        [--samples 40000]

In the style of Wood et al. 2021 (figure 8). Every variant renders the same people of the same seed, without one part;
one small model is trained on each from random weights, for as many samples, and measured on AFW with landmark boxes,
raw. ``full`` and the three variants that cost most get all the seeds. ``--before`` is a folder of renders of an earlier
generator to compare with. Each error is split into the mean offset of every point between prediction and annotation, in
the face's frame, which label conventions cause, and the rest.

A stopped run resumes: finished rows stay in ``docs/ablation/results.csv``. Writes a table and a plot beside it.
"""

from __future__ import annotations

import argparse
import csv
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import yaml
from matplotlib.figure import Figure
from offsets import without_offsets

from fauxface.evaluation import evaluate
from fauxface.files import atomic_path, write_text
from fauxface.rendering.dataset import render_dataset
from fauxface.rendering.recipe import WORN
from fauxface.training import TrainingConfig, train

OUT = Path(__file__).parents[1] / "docs" / "ablation"
RECIPE = Path(__file__).parents[1] / "recipes" / "rendering" / "detector.yaml"
COLUMNS = ("variant", "seed", "generator", "images", "samples", "nme", "nme_inner", "nme_without_offsets", "minutes")
MODEL = "mobilenetv3small-coordinates"


@dataclass(frozen=True)
class Variant:
    """The generator without one part.

    Attributes:
        name: as the table has it.
        recipe: what differs from the full recipe.
        labels: the convention that is learned.
    """

    name: str
    recipe: dict = field(default_factory=dict)
    labels: str = "2d"


VARIANTS = (
    Variant("full"),
    Variant("no hair", {"hair": 0.0, "beard": 0.0}),
    Variant("nothing worn", dict.fromkeys(WORN, 0.0)),
    Variant("no shadows, no scattering", {"soft_light": 0.0}),
    Variant("no asset pack", {"assets": 0.0, "environments": "", "environment_share": 0.0}),
    Variant("no expressions", {"neutral": 1.0}),
    Variant("projected labels", labels="projected"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path, help="folder for renders and runs")
    parser.add_argument("--afw", type=Path, required=True, help="a folder with 300-W's afw in it")
    parser.add_argument("--recipe", type=Path, default=RECIPE, help="the full recipe; default: %(default)s")
    parser.add_argument("--before", type=Path, help="renders of an earlier generator")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--samples", type=int, default=40_000)
    parser.add_argument("--size", type=int, default=192)
    parser.add_argument("--devices", type=int, default=2, help="processes that train together")
    options = parser.parse_args()
    full = yaml.safe_load(options.recipe.read_text())
    for variant in VARIANTS:
        measure(options, variant, full, 0)
    if options.before:
        for seed in range(options.seeds):
            measure_on(options, "earlier generator", options.before, "2d", seed)
    means = {row["variant"]: float(row["nme"]) for row in rows() if row["seed"] == "0"}
    parts = sorted((v for v in VARIANTS if v.name != "full"), key=lambda v: -means[v.name])
    for variant in (VARIANTS[0], *parts[:3]):
        for seed in range(1, options.seeds):
            measure(options, variant, full, seed)
    write_table()


def measure(options: argparse.Namespace, variant: Variant, full: dict, seed: int) -> None:
    """Render (or go on rendering) a variant's faces, then `measure_on` them."""
    name = "full" if not variant.recipe else variant.name.replace(" ", "-").replace(",", "")
    folder = options.work / f"renders-{name}"
    recipe = options.work / f"{name}.yaml"
    if not done(variant.name, seed):
        write_text(recipe, yaml.safe_dump({**full, **variant.recipe}))
        render_dataset(folder, options.count, seed=7, size=options.size, recipe=recipe)
        measure_on(options, variant.name, folder, variant.labels, seed)


def measure_on(options: argparse.Namespace, name: str, data: Path, labels: str, seed: int) -> None:
    """Train on a folder of renders, measure on AFW, and add the row; a row that is there stays."""
    if done(name, seed):
        return
    began = time.monotonic()
    run = options.work / f"run-{name.replace(' ', '-').replace(',', '')}-{seed}"
    config = TrainingConfig(
        data=data,
        out=run,
        model=MODEL,
        images=options.count,
        augment="strong",
        samples=options.samples,
        seed=seed,
        labels="projected" if labels == "projected" else "2d",
        devices=options.devices,
        threads=1,
        val_fraction=0.01,
        resume=True,
    )
    train(config)
    result = evaluate(run, options.afw, format="ibug", split="afw", box="landmarks")
    scores = result.as_json()
    rest = 100 * float(without_offsets(result.predictions, result.truth).mean())
    version = yaml.safe_load((data / "render.yaml").read_text())["generator"]
    minutes = (time.monotonic() - began) / 60
    values = (name, seed, version, options.count, options.samples, scores["nme"], scores["nme_inner"], rest, minutes)
    add(dict(zip(COLUMNS, (f"{v:.3f}" if isinstance(v, float) else v for v in values), strict=True)))


def rows() -> list[dict[str, str]]:
    path = OUT / "results.csv"
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def done(name: str, seed: int) -> bool:
    return any(row["variant"] == name and row["seed"] == str(seed) for row in rows())


def add(row: dict) -> None:
    text = ",".join(COLUMNS) + "\n"
    for each in (*rows(), row):
        text += ",".join(f'"{each[c]}"' if "," in str(each[c]) else str(each[c]) for c in COLUMNS) + "\n"
    write_text(OUT / "results.csv", text)


def write_table() -> None:
    """``table.md`` and ``ablation.png``: each variant's NME on AFW, mean and deviation over its seeds."""
    grouped: dict[str, list[dict[str, str]]] = {}
    for row in rows():
        grouped.setdefault(row["variant"], []).append(row)

    def column(name: str, key: str) -> np.ndarray:
        return np.array([float(row[key]) for row in grouped[name]])

    order = sorted(grouped, key=lambda name: column(name, "nme").mean())
    lines = [
        "| generator | NME on AFW, % | inner 51 | without mean offsets | seeds |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name in order:
        nme = column(name, "nme")
        told = f"{nme.mean():.2f} ± {nme.std(ddof=1):.2f}" if len(nme) > 1 else f"{nme[0]:.2f}"
        rest = [column(name, key).mean() for key in ("nme_inner", "nme_without_offsets")]
        lines.append(f"| {name} | {told} | {rest[0]:.2f} | {rest[1]:.2f} | {len(nme)} |")
    lines += ["", "± is the deviation over training seeds, on one and the same set of renders."]
    write_text(OUT / "table.md", "\n".join(lines) + "\n")
    figure = Figure(figsize=(8, 0.5 * len(order) + 1), layout="constrained")
    axes = figure.subplots()
    means = [column(name, "nme").mean() for name in order]
    spreads = [column(name, "nme").std(ddof=1) if len(grouped[name]) > 1 else 0.0 for name in order]
    axes.barh(order, means, xerr=spreads, color=["tab:green" if name == "full" else "tab:blue" for name in order])
    axes.set(xlabel="NME on AFW, % of the outer-eye-corner distance (68 points)")
    axes.invert_yaxis()
    with atomic_path(OUT / "ablation.png") as path:
        figure.savefig(path, dpi=110)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
