"""Plots and drawings of the report: error distributions, learning curves, faces as points only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from matplotlib.figure import Figure

from fauxface import metrics
from fauxface.study.statistics import Group, PowerLaw

TRUTH, PREDICTION, LINE = (40, 150, 60), (215, 40, 40), (150, 150, 150)
"""RGB of annotated points, predicted points and the lines between them."""
SIDE = 200


def draw_ced(path: Path, curves: Mapping[str, np.ndarray], title: str, limit: float = 15) -> None:
    """Plot cumulative error distributions as SVG: label → errors of all runs' faces."""
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    for label, errors in curves.items():
        axes.plot(*metrics.ced(errors, limit), label=label, linewidth=1.2)
    axes.set(xlim=(0, limit), ylim=(0, 100), xlabel="NME, % inter-ocular", ylabel="faces within, %", title=title)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize="x-small", loc="lower right")
    figure.savefig(path)


def draw_curve(path: Path, points: Mapping[Group, Sequence[float]], laws: Mapping[str, PowerLaw], title: str) -> None:
    """Plot the error over the number of images as SVG: a line and the law for each model, a dot for each seed."""
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    for number, model in enumerate(sorted({group.model for group in points})):
        mine = sorted((group.images, values) for group, values in points.items() if group.model == model)
        colour = f"C{number % 10}"
        axes.plot([n for n, _ in mine], [float(np.mean(v)) for _, v in mine], "-", color=colour, label=model, alpha=0.5)
        for n, values in mine:
            axes.plot([n] * len(values), values, ".", color=colour)
        if model in laws:
            n = np.geomspace(mine[0][0], mine[-1][0], 100)
            law = laws[model]
            axes.plot(n, law(n), "--", color=colour, label=f"{law.a:.3g}·n^−{law.b:.2f} + {law.c:.2f}")
    axes.set(xscale="log", xlabel="images", ylabel="NME, % inter-ocular", title=title)
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend(fontsize="small")
    figure.savefig(path)


def drawn_face(truth: np.ndarray, points: np.ndarray, caption: str) -> np.ndarray:
    """Annotated points (N, 2), green, and predicted ones, red, on white: SIDE×SIDE×3 uint8."""
    picture = np.full((SIDE, SIDE, 3), 255, np.uint8)
    low, high = truth.min(0), truth.max(0)
    scale = 0.72 * SIDE / float(max(high - low))
    places = [np.round(((p - (low + high) / 2) * scale + SIDE / 2) * 16).astype(int) for p in (truth, points)]
    for a, b in zip(*places, strict=True):
        cv2.line(picture, _at(a), _at(b), LINE, 1, cv2.LINE_AA, 4)
    for points_of_one, colour in zip(places, (TRUTH, PREDICTION), strict=True):
        for a in points_of_one:
            cv2.circle(picture, _at(a), 26, colour, -1, cv2.LINE_AA, 4)
    cv2.putText(picture, caption, (6, SIDE - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (60, 60, 60), 1, cv2.LINE_AA)
    return picture


def _at(point: np.ndarray) -> tuple[int, int]:
    x, y = np.clip(point, -1e6, 1e6)
    return int(x), int(y)
