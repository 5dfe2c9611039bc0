"""Write a model card: training data, errors by group of faces, and failures of a checkpoint.

    python tools/cards.py fauxface-s --afw PATH_TO/300w --renders HELD_OUT [--out docs/cards]

Writes NAME.md, and NAME.jpg with good and bad predictions, on renders only. Everything comes from the checkpoint's card
and from evaluations made here (or cached). ``HELD_OUT`` is a folder of renders that the model was not trained on; the
card lists the asset pack's items in them.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from fauxface import metrics
from fauxface.checkpoint import Card, find_checkpoint, read_card
from fauxface.datasets import FaceDataset, open_dataset
from fauxface.evaluation import Evaluation, evaluate
from fauxface.evaluation.figures import worst_faces
from fauxface.evaluation.groups import labels_of, turns_of
from fauxface.files import write_text
from fauxface.images import write_image
from fauxface.metrics import failure_rate, mean_found
from fauxface.rendering.assets import catalogue
from fauxface.rendering.photo.environments import pack
from fauxface.training.config import TrainingConfig

TURNS = (("0–15°", 0, 15), ("15–30°", 15, 30), ("30–45°", 30, 45), ("45–60°", 45, 60), ("60–90°", 60, 181))
TONES = (("1–2", 0.5, 2.5), ("3–4", 2.5, 4.5), ("5–6", 4.5, 6.5), ("7–8", 6.5, 8.5), ("9–10", 8.5, 10.5))
AGES = (("0–13", 0, 14), ("14–29", 14, 30), ("30–44", 30, 45), ("45–59", 45, 60), ("60 and more", 60, 200))
WORN = {"before": "a hand or a thing before the face", "facewear": "mask or scarf"}
WORST, OTHERS = 12, 12
"""Faces in the picture: the worst, and others spread evenly over all errors."""
FEW = 10
"""Fewest faces of a group that may be listed as a failure."""
Rows = list[tuple[str, int, float, float, float]]


def in_bins(errors: np.ndarray, values: np.ndarray, bins: Sequence[tuple[str, float, float]]) -> Rows:
    """Name, faces, mean and median error, failure rate at 10 % of each bin of values (M,) that holds any."""
    return groups(errors, {name: (low <= values) & (values < high) for name, low, high in bins})


def groups(errors: np.ndarray, members: dict[str, np.ndarray]) -> Rows:
    """Name, faces, mean and median error, failure rate at 10 % of each group (M,) of faces that is not empty."""
    return [
        (
            name,
            int(mine.sum()),
            mean_found(errors[mine]),
            float(np.median(errors[mine])),
            failure_rate(errors[mine], 10),
        )
        for name, mine in members.items()
        if mine.any()
    ]


def render_groups(labels: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    """Groups of renders by person and by worn objects: name → booleans (M,)."""
    people = [label["identity"] for label in labels]
    worn = [person.get("worn") or {} for person in people]
    kinds = sorted({kind for items in worn for kind in items} - {"clothes"})
    members = {
        "women": [person["gender"] < 0.5 for person in people],
        "men": [person["gender"] >= 0.5 for person in people],
        "with a beard": [bool(person.get("beard")) for person in people],
        **{WORN.get(kind, kind.replace("_", " ")): [kind in items for items in worn] for kind in kinds},
        "a third of the points hidden": [np.mean(label["visibility"]) < 2 / 3 for label in labels],
        "looks up or down by 20° and more": [abs(label["head_pose"]["pitch"]) >= 20 for label in labels],
    }
    return {name: np.array(mine, bool) for name, mine in members.items()}


def by_visibility(result: Evaluation, labels: list[dict[str, Any]]) -> tuple[float, float]:
    """Mean error of visible points, and of hidden ones."""
    errors = metrics.point_errors(result.predictions, result.truth, result.scheme, result.normaliser)
    seen = np.array([label["visibility"] for label in labels], bool)
    return float(errors[seen].mean()), float(errors[~seen].mean()) if not seen.all() else float("nan")


def sheet(result: Evaluation, dataset: FaceDataset) -> np.ndarray:
    """One picture of the worst faces, then others from bad to good."""
    order = np.argsort(-result.errors, kind="stable")
    rest = order[WORST:]
    spread = rest[np.unique(np.linspace(0, len(rest) - 1, OTHERS).astype(int))] if len(rest) else rest
    shown = [int(i) for i in (*order[:WORST], *spread)]
    sources = tuple(result.sources[i] for i in shown)
    part = replace(
        result,
        sources=sources,
        truth=result.truth[shown],
        predictions=result.predictions[shown],
        scores=None if result.scores is None else result.scores[shown],
        same_faces=None,
        distances=None if result.distances is None else result.distances[shown],
    )
    return worst_faces(part, replace(dataset, sources=sources))


def command(card: Card) -> str:
    """The training command, with the options that differ from their defaults."""
    training = card.training
    schedule = training.get("schedule", "ours")
    settled = TrainingConfig(Path(), Path(), model=training["model"], schedule=schedule).scheduled()
    usual = {f.name: getattr(settled, f.name) if f.default is None else f.default for f in fields(TrainingConfig)}
    words = ["fauxface", "train"]
    for name, value in training.items():
        if name in ("resume", "skip_bad") or value is None or value == usual.get(name):
            continue
        words += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
    return shlex.join(words)


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Lines of a Markdown table."""
    body = [[f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows]
    return [f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *body)] + [""]


def errors_table(title: str, rows: Rows) -> list[str]:
    return table((title, "faces", "NME, %", "median", "FR at 10 %"), rows)


def protocols(results: Sequence[Evaluation]) -> list[str]:
    names = ("n", "nme", "nme_inner", "fr8", "fr10", "auc8", "auc10", "missed")
    header = ("boxes", "faces", "NME", "inner points", "FR₈", "FR₁₀", "AUC₈", "AUC₁₀", "missed")
    return table(header, [[result.box, *(result.as_json()[name] for name in names)] for result in results])


def failures(errors: np.ndarray, tables: dict[str, Rows]) -> list[str]:
    """The groups with the largest median errors, compared with all faces (M,), as a Markdown list.

    By medians, because the eyes' distance, which errors are divided by, vanishes in profile.
    """
    overall = float(np.median(errors))
    found = [
        (error / overall, f"{aspect}: {name}", count, error)
        for aspect, rows in tables.items()
        for name, count, _, error, _ in rows
        if count >= FEW and error > 1.15 * overall
    ]
    lines = [
        f"- {name}: median {error:.2f} %, {ratio:.1f} times everybody's ({count} faces)"
        for ratio, name, count, error in sorted(found, reverse=True)[:8]
    ]
    return lines or ["- no group of ten faces or more has a median error more than 15 % above everybody's"]


def assets_of(labels: list[dict[str, Any]]) -> list[str]:
    """The asset pack's items that the renders list, as a Markdown list."""
    items: dict[str, set[str]] = {}
    for label in labels:
        for kind, name in (label["identity"].get("assets") or {}).items():
            items.setdefault(kind, set()).add(str(name))
    lines = [f"- {kind}: {', '.join(sorted(names))}" for kind, names in sorted(items.items())]
    return lines or ["- none: the pack was not installed"]


def runs(card: Card) -> list[tuple[object, ...]]:
    """The training runs behind a checkpoint, the last first: renders, generator, first weights, machine."""
    rows: list[tuple[object, ...]] = []
    run: dict[str, Any] | None = card.provenance
    while run:
        before = run.get("init_provenance")
        images = run.get("images")
        renders = f"{images:,}" if isinstance(images, int) else images
        first = "the run's below" if before else run.get("init")
        place = ("the last", "before it")[min(len(rows), 1)]
        rows.append((place, renders, run.get("generator"), first, run.get("machine")))
        run = before
    return rows


def origin(card: Card) -> str:
    """The origin of the weights, in words."""
    if card.lane != "clean":
        return f"{card.licence}."
    return (
        "Renders alone: no photograph of a person, and no number fitted to one, is in these weights. AFW is a\n"
        "development set: recipes were chosen by their figure on it. [reproduce.md](../reproduce.md) makes them again."
    )


def card_text(name: str, card: Card, afw: list[Evaluation], aside: np.ndarray, renders: Evaluation) -> str:
    """The card as Markdown; ``aside`` has the absolute yaw (M,) of AFW's heads, degrees."""
    labels = labels_of(renders)
    turned = in_bins(afw[0].errors, aside, TURNS)
    on_renders = groups_of_renders(renders, labels)
    lines = [
        *introduction(name, card),
        *training_data(card, labels),
        *errors_on_photographs(afw, turned, renders),
        *errors_on_renders(renders, labels, on_renders),
        "## Where it fails",
        "",
        "On AFW:",
        "",
        *failures(afw[0].errors, {"turned aside": turned}),
        "",
        "On renders:",
        "",
        *failures(renders.errors, on_renders),
        "",
        f"![The worst held-out renders and others from bad to good]({name}.jpg)",
        "",
        f"The {WORST} worst of the held-out renders, then others from bad to good. Green: labels; red: predictions.",
        "",
    ]
    return "\n".join(lines)


def groups_of_renders(renders: Evaluation, labels: list[dict[str, Any]]) -> dict[str, Rows]:
    """Aspect → errors on the renders by groups of it."""
    people = [label["identity"] for label in labels]
    tone, age = (np.array([person[key] for person in people], float) for key in ("skin_tone", "age"))
    return {
        "turned aside": turned_renders(renders, labels),
        "skin tone (Monk scale)": in_bins(renders.errors, tone, TONES),
        "age": in_bins(renders.errors, age, AGES),
        "who and with what": groups(renders.errors, render_groups(labels)),
    }


def turned_renders(renders: Evaluation, labels: list[dict[str, Any]]) -> Rows:
    """Errors on the renders by yaw."""
    return in_bins(renders.errors, np.abs([label["head_pose"]["yaw"] for label in labels]), TURNS)


def introduction(name: str, card: Card) -> list[str]:
    """The card's head: model, lane, purpose."""
    return [
        f"# {name}",
        "",
        f"{card.model}, {card.input_size} px crops, {card.scheme}, labels {card.labels}. "
        f"Lane **{card.lane}**, weights {card.licence}.",
        "",
        "Written by `tools/cards.py`; errors are in percent of the distance between the outer eye corners (NME).",
        "",
        "## What it is for",
        "",
        "Landmarks of faces in photographs and videos, one upright crop of a face at a time. It does not tell who",
        "somebody is. Use `fauxface predict`, `fauxface live` or `Landmarker`. The detector that finds the faces is",
        "ours too ([fauxface-detector](fauxface-detector.md)).",
        "",
    ]


def training_data(card: Card, labels: list[dict[str, Any]]) -> list[str]:
    """The section on runs, origin, assets and recipe."""
    return [
        "## What it learned from",
        "",
        *table(("run", "renders", "generator", "first weights", "machine"), runs(card)),
        f"```console\n$ {command(card)}\n```",
        "",
        origin(card),
        "",
        f"Of the optional asset pack ({catalogue.PACKAGE} {catalogue.VERSION}, {catalogue.LICENCE})",
        "the held-out renders, drawn by the recipe below, wear:",
        "",
        *assets_of(labels),
        "",
        f"Environment maps, where the recipe asks for them: Poly Haven's, {pack.LICENCE}.",
        "",
        "<details><summary>Recipe of the held-out renders</summary>",
        "",
        *table(("", ""), list(labels[0]["recipe"].items())),
        "</details>",
        "",
    ]


def errors_on_photographs(afw: list[Evaluation], turned: Rows, renders: Evaluation) -> list[str]:
    """The section on AFW, with errors by facial part beside those on renders."""
    parts = {
        data: [f"{value:.2f}" for value in result.groups.values()]
        for data, result in (("AFW", afw[0]), ("renders", renders))
    }
    return [
        "## How wrong it is on real faces: AFW, raw",
        "",
        "300-W's AFW, 68 points, no label adapter, no mirrored second look. Boxes of `detector` are retinaface's",
        "(`--detector retinaface`), as for all weights before.",
        "",
        *protocols(afw),
        *errors_table("turned aside (estimated from the annotated points)", turned),
        *table(("part", *parts), list(zip(afw[0].groups, *parts.values(), strict=False))),
    ]


def errors_on_renders(renders: Evaluation, labels: list[dict[str, Any]], aspects: dict[str, Rows]) -> list[str]:
    """The section on held-out renders."""
    seen, hidden = by_visibility(renders, labels)
    first = labels[0]
    return [
        "## How wrong it is on held-out renders",
        "",
        f"{len(labels)} faces, generator {first['generator']}, seed {first['seed']}, {first['size']} px, "
        "box from landmarks. "
        f"Points that are seen {seen:.2f} %, hidden ones {hidden:.2f} %.",
        "",
        *protocols([renders]),
        *[line for aspect, rows in aspects.items() for line in errors_table(aspect, rows)],
        "Beyond 60° the eyes' distance vanishes, so that errors divided by it are large. Divided by the size of the",
        "landmarks' box (`--normaliser box`):",
        "",
        *errors_table(
            "turned aside, by the box", turned_renders(replace(renders, normaliser="box", distances=None), labels)
        ),
        "Groups are small: the mean of ten such faces is uncertain by about "
        f"{2 * renders.errors.std() / 10**0.5:.1f} points.",
        "",
    ]


def parse_with_checkpoint(parser: argparse.ArgumentParser) -> tuple[argparse.Namespace, Path, str]:
    """Parse a card's command line, with checkpoint and --out added: the options, the checkpoint's folder and name."""
    parser.add_argument("checkpoint", help="a checkpoint's folder, a run's, or the name of shipped weights")
    parser.add_argument("--out", type=Path, default=Path("docs/cards"))
    options = parser.parse_args()
    folder = find_checkpoint(options.checkpoint)
    return options, folder, folder.parent.name if folder.name == "checkpoint" else folder.name


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--afw", type=Path, required=True, help="a folder with 300-W's afw in it")
    parser.add_argument("--renders", type=Path, required=True, help="renders that it was not trained on")
    options, folder, name = parse_with_checkpoint(parser)
    afw = [
        evaluate(folder, options.afw, "ibug", "afw", box, detector="retinaface") for box in ("landmarks", "detector")
    ]
    renders = evaluate(folder, options.renders)
    aside = turns_of(afw[0], open_dataset(options.afw, "ibug", "afw"))
    write_text(options.out / f"{name}.md", card_text(name, read_card(folder), afw, aside, renders))
    write_image(options.out / f"{name}.jpg", sheet(renders, open_dataset(options.renders)))
    print(f"wrote {options.out / name}.md and .jpg")


if __name__ == "__main__":
    main()
