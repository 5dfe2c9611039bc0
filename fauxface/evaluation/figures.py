"""Plots, pictures and tables of an evaluation: error distribution, worst faces, errors by facial part and by face."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fauxface import metrics
from fauxface.datasets import FaceDataset
from fauxface.evaluation.scores import Evaluation
from fauxface.faces import Crop, landmark_box
from fauxface.inference import contact_sheet
from fauxface.names import printable

TRUTH, PREDICTION = (70, 220, 90), (255, 70, 60)
"""RGB: annotated points, predicted points."""
_TILE, _COLUMNS, _ROWS, _MISSES = 224, 8, 5, 8


def write_ced(path: Path, result: Evaluation, limit: float = 15) -> None:
    """Plot the cumulative error distribution up to an error of ``limit`` percent."""
    figure = Figure(figsize=(6, 4), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    scores = result.as_json()
    label = f"{result.checkpoint}\nNME {result.nme:.2f}, AUC₈ {scores['auc8']:.1f}, FR₈ {scores['fr8']:.1f}"
    axes.plot(*metrics.ced(result.errors, limit), label=label)
    for threshold in (8, 10):
        axes.axvline(threshold, color="0.8", zorder=0)
    axes.set(
        xlim=(0, limit),
        ylim=(0, 100),
        xlabel=f"NME, % of the {result.normaliser} {'size' if result.normaliser == 'box' else 'distance'}",
        ylabel="faces within, %",
        title=f"{result.data}: {len(result.errors)} faces, box from {result.box}",
    )
    axes.legend(loc="lower right", fontsize="small")
    figure.savefig(path)


def write_risk_coverage(path: Path, result: Evaluation) -> None:
    """Plot the mean error of the rest when points, or whole faces, are dropped by score, worst first."""
    figure = Figure(figsize=(9, 4), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    for axes, whole_faces in zip(figure.subplots(1, 2), (False, True), strict=True):
        errors, scores = result.ranked(whole_faces)
        axes.set(xlim=(0, 100), xlabel=f"{'faces' if whole_faces else 'points'} kept, %", ylabel="mean error, %")
        if not errors.size:
            continue
        areas = metrics.aurc(errors, scores)
        kept = 100 * np.arange(1, errors.size + 1) / errors.size
        shown = np.unique(np.linspace(0, errors.size - 1, 500).astype(int))
        for label, curve, area in (
            ("by score", metrics.risk_coverage(errors, scores), areas.aurc),
            ("at random", np.full(errors.size, areas.random), areas.random),
            ("by true error", metrics.risk_coverage(errors, -errors), areas.oracle),
        ):
            axes.plot(kept[shown], curve[shown], label=f"{label}: area {area:.2f}")
        axes.set_ylim(0, 1.5 * areas.random)
        axes.legend(loc="lower right", fontsize="small")
    figure.suptitle(f"{result.checkpoint} on {result.data}, box from {result.box}", fontsize="medium")
    figure.savefig(path)


def worst_faces(result: Evaluation, dataset: FaceDataset) -> np.ndarray:
    """One picture H×W×3 uint8 of the worst faces, worst first, and then of some that the detector missed.

    Annotated points are green, predicted ones red, and a line joins each pair. ``dataset`` holds exactly these faces.
    """
    order = np.argsort(-result.errors, kind="stable")
    missed = [i for i in order if np.isinf(result.errors[i])][:_MISSES]
    found = [i for i in order if np.isfinite(result.errors[i])][: _COLUMNS * _ROWS - len(missed)]
    tiles = [_tile(result, dataset, int(i)) for i in [*found, *missed]]
    return contact_sheet(tiles, _COLUMNS, _TILE)


def write_groups(path: Path, result: Evaluation) -> None:
    """Write the error of each facial part as CSV: ``part, nme``."""
    _write_csv(path, ["part", "nme"], ([part, f"{value:.4f}"] for part, value in result.groups.items()))


def write_faces(path: Path, result: Evaluation) -> None:
    """Write every face's error as CSV: ``file, nme, nme_inner``; ``inf`` for a miss."""
    rows = zip(result.sources, result.errors, result.inner_errors, strict=True)
    _write_csv(path, ["file", "nme", "nme_inner"], ([printable(file), f"{a:.4f}", f"{b:.4f}"] for file, a, b in rows))


def _write_csv(path: Path, header: list[str], rows: Iterable[list[str]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def _tile(result: Evaluation, dataset: FaceDataset, index: int) -> np.ndarray:
    truth, points = result.truth[index], result.predictions[index]
    crop = Crop.around(landmark_box(truth, result.scheme), _TILE, margin=1.6)
    picture = crop.extract(dataset[index].image)
    missed = np.isnan(points).any()
    true_places = _fixed(crop.to_crop(truth))
    if not missed:
        places = _fixed(crop.to_crop(points))
        for a, b in zip(true_places, places, strict=True):
            cv2.line(picture, a, b, (255, 255, 255), 1, cv2.LINE_AA, _SHIFT)
        for place in places:
            cv2.circle(picture, place, 24, PREDICTION, -1, cv2.LINE_AA, _SHIFT)
    for place in true_places:
        cv2.circle(picture, place, 24, TRUTH, -1, cv2.LINE_AA, _SHIFT)
    error = "missed" if missed else f"{result.errors[index]:.1f} %"
    caption = f"{error}  {result.sources[index].stem}"[:34]
    cv2.rectangle(picture, (0, _TILE - 17), (_TILE, _TILE), (0, 0, 0), -1)
    cv2.putText(picture, caption, (4, _TILE - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1, cv2.LINE_AA)
    return picture


_SHIFT = 4  # OpenCV draws at 1/16 px


def _fixed(points: np.ndarray) -> list[tuple[int, int]]:
    return [(round(float(x) * 16), round(float(y) * 16)) for x, y in np.clip(points, -1e4, 1e4)]
