"""Plots and drawings of the report: error distributions, learning curves, cost, faces as points only.

Plots are about as wide as a telephone, so that their text stays readable there, keep text as text, and differ in marks
and dashes besides colours, so that they can be read in grey.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from fauxface import metrics
from fauxface.files import atomic_path
from fauxface.study.statistics import Difference, Group, PowerLaw

TRUTH, PREDICTION, LINE = (40, 150, 60), (215, 40, 40), (150, 150, 150)
"""RGB of annotated points, predicted points and the lines between them."""
SIDE = 200
WIDTH = 4.3
"""Inches at 96 px each: 413 px."""
COLOURS = ("#0b3c68", "#d1600a", "#3a9d6f", "#8a3f8f", "#6b6b6b", "#b59b00")
MARKS = ("o", "s", "^", "D", "v", "P")
DASHES: tuple[Any, ...] = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1, 2)), (0, (10, 3)), (0, (1, 1)))
MILLISECONDS = (0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000)
"""Marks on the axis of speed."""
_FIXED: Any = {"svg.fonttype": "none", "svg.hashsalt": "fauxface", "font.size": 11, "font.family": "sans-serif"}


@contextmanager
def plot(path: Path, height: float, models: int, panels: int = 1) -> Iterator[Any]:
    """Axes to draw in; ``path`` is written as SVG afterwards, the same bytes for the same drawing.

    Args:
        path: the file.
        height: inches, without the legend.
        models: lines of the legend below.
        panels: axes side by side with one y axis; more than one are yielded as an array.
    """
    with mpl.rc_context(_FIXED):
        figure = Figure(figsize=(WIDTH, height + 0.22 * models), layout="constrained")
        axes = figure.subplots(1, panels, sharey=True)
        yield axes
        first = np.atleast_1d(axes)[0]
        for one in np.atleast_1d(axes):
            one.grid(visible=True, alpha=0.35)
            one.spines[["top", "right"]].set_visible(False)
        handles, labels = first.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower left", frameon=False, handlelength=3.2, fontsize=10.5)
        with atomic_path(path) as temporary:
            figure.savefig(temporary, metadata={"Date": None})


def style(number: int, **more: Any) -> dict[str, Any]:
    """Colour, mark and dashes of the model with this number."""
    i = number % len(COLOURS)
    return {"color": COLOURS[i], "marker": MARKS[i], "linestyle": DASHES[i], "linewidth": 1.8, "markersize": 6, **more}


def draw_ced(path: Path, order: Sequence[str], curves: Mapping[Group, np.ndarray], limit: float = 15) -> None:
    """Plot cumulative error distributions: a group of each model → errors of all runs' faces.

    ``order`` lists all of the study's models, so that each looks the same in every plot; so also below.
    """
    with plot(path, 3.1, len(curves)) as axes:
        for group, errors in curves.items():
            label = f"{group.model}, {group.images:,}, {group.policy}"
            look = style(order.index(group.model), markevery=(0.08, 0.16))
            axes.plot(*metrics.ced(errors, limit), label=label, **look)
        axes.set(xlim=(0, limit), ylim=(0, 100), xlabel="error, %", ylabel="faces with at most this error, %")


def draw_curve(
    path: Path, order: Sequence[str], points: Mapping[Group, Sequence[float]], laws: Mapping[str, PowerLaw]
) -> None:
    """Plot the error over the number of images: a line a model, a mark for each seed; grey: the fitted law."""
    models = sorted({group.model for group in points}, key=order.index)
    with plot(path, 2.9, len(models)) as axes:
        for model in models:
            number = order.index(model)
            mine = sorted((group.images, values) for group, values in points.items() if group.model == model)
            axes.plot([n for n, _ in mine], [np.mean(v) for _, v in mine], label=model, **style(number))
            for n, values in mine:
                axes.plot([n] * len(values), values, **style(number, linestyle="", markerfacecolor="none"))
            if model in laws:
                n = np.geomspace(mine[0][0], mine[-1][0], 100)
                axes.plot(n, laws[model](n), color="#999999", linewidth=1, zorder=0)
        _count_axis(axes, sorted({group.images for group in points}))


@dataclass(frozen=True)
class Gap:
    """One model's errors in the plot of the domain gap: number of images → error.

    Attributes:
        photographs: on photographs.
        renders: on held-out renders.
        longer: the same two after longer training, as (number of images, error, on renders).
    """

    photographs: Mapping[int, float]
    renders: Mapping[int, float]
    longer: Sequence[tuple[int, float, bool]] = ()


def draw_gap(path: Path, order: Sequence[str], gaps: Mapping[str, Gap]) -> None:
    """Plot errors on photographs (filled marks) and on held-out renders (hollow) over the number of images."""
    lines = sum(bool(gap.photographs) + bool(gap.renders) + bool(gap.longer) for gap in gaps.values())
    with plot(path, 3.1, lines) as axes:
        counts: set[int] = set()
        for model, gap in gaps.items():
            number = order.index(model)
            for name, errors, hollow in (("photographs", gap.photographs, False), ("renders", gap.renders, True)):
                if errors:
                    face = {"markerfacecolor": "white"} if hollow else {}
                    dashes = {"linestyle": DASHES[1] if hollow else "-"}
                    axes.plot(*_line(errors), label=f"{model}, {name}", **style(number, **face, **dashes))
            for i, (n, error, hollow) in enumerate(gap.longer):
                face = "white" if hollow else COLOURS[number % len(COLOURS)]
                long = style(number, linestyle="", marker="*", markersize=13, markerfacecolor=face)
                axes.plot([n], [error], label="" if i else f"{model}, longer training", **long)
            counts |= {*gap.photographs, *gap.renders, *(n for n, *_ in gap.longer)}
        axes.set_ylim(bottom=0)
        _count_axis(axes, sorted(counts))


def draw_differences(path: Path, made: Sequence[tuple[str, int, str, Difference]]) -> None:
    """Plot (model, images, conditions, difference) as means with intervals, a block for each model and number."""
    places = list(dict.fromkeys(place for *_, place, _ in made))
    heights: dict[tuple[str, int], float] = {}
    with plot(path, 0.8 + 0.17 * len(made) + 0.4 * len({one[:2] for one in made}), len(places)) as axes:
        y = 0.0
        for model, images, place, found in made:
            if (model, images) not in heights:
                y += 2.4
                heights[model, images] = y
                text = f"{model}, {images:,} images"
                axes.text(0.015, y - 0.75, text, transform=axes.get_yaxis_transform(), fontsize=10.5)
            i = places.index(place)
            reach = [[found.mean - found.low], [found.high - found.mean]]
            hollow = {"markerfacecolor": "white"} if found.faces_only else {}
            mark = style(i, linestyle="", capsize=3, **hollow)
            axes.errorbar([found.mean], [y], xerr=np.maximum(reach, 0), label="" if y > 2.4 + i else place, **mark)
            y += 1
        axes.axvline(0, color="black", linewidth=1)
        axes.set(ylim=(y, 0.6), yticks=[], xlabel="all − none, points of error")


def draw_cost(path: Path, order: Sequence[str], costs: Mapping[str, tuple[float, float | None, float | None]]) -> None:
    """Plot model → (error, milliseconds a face, minutes of training): error against each, side by side."""
    with plot(path, 2.7, len(costs), panels=2) as (left, right):
        for model, (error, milliseconds, minutes) in costs.items():
            mark = style(order.index(model), linestyle="", markersize=9)
            left.plot([np.nan if milliseconds is None else milliseconds], [error], label=model, **mark)
            right.plot([np.nan if minutes is None else minutes], [error], **mark)
        left.set(xscale="log", xlabel="milliseconds a face", ylabel="error, %")
        right.set(xlabel="minutes of training")
        left.margins(y=0.15)
        right.margins(0.15)
        right.set_xlim(left=0)
        speeds = [speed for _, speed, _ in costs.values() if speed is not None]
        low, high = min(speeds, default=1) / 2, max(speeds, default=10) * 2
        left.set_xlim(low, high)
        left.set_xticks(marks := [n for n in MILLISECONDS if low <= n <= high], [f"{n:g}" for n in marks])
        left.minorticks_off()


def _line(errors: Mapping[int, float]) -> tuple[list[int], list[float]]:
    counts = sorted(errors)
    return counts, [errors[n] for n in counts]


def _count_axis(axes: Any, counts: Sequence[int]) -> None:
    """A logarithmic axis of numbers of images, with the numbers tried."""
    axes.set(xscale="log", xlabel="training images", ylabel="error, %")
    axes.set_xticks(counts, [f"{n:,}" for n in counts])
    axes.minorticks_off()


def drawn_face(truth: np.ndarray, points: np.ndarray, caption: str) -> np.ndarray:
    """Annotated points (N, 2), full and green, and predicted ones, hollow and red, on white: SIDE×SIDE×3 uint8."""
    picture = np.full((SIDE, SIDE, 3), 255, np.uint8)
    low, high = truth.min(0), truth.max(0)
    scale = 0.72 * SIDE / float(max(high - low))
    places = [np.round(((p - (low + high) / 2) * scale + SIDE / 2) * 16).astype(int) for p in (truth, points)]
    for a, b in zip(*places, strict=True):
        cv2.line(picture, _at(a), _at(b), LINE, 1, cv2.LINE_AA, 4)
    for points_of_one, colour, radius, line in ((places[0], TRUTH, 26, -1), (places[1], PREDICTION, 32, 1)):
        for a in points_of_one:
            cv2.circle(picture, _at(a), radius, colour, line, cv2.LINE_AA, 4)
    cv2.putText(picture, caption, (6, SIDE - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (60, 60, 60), 1, cv2.LINE_AA)
    return picture


def _at(point: np.ndarray) -> tuple[int, int]:
    x, y = np.clip(point, -1e6, 1e6)
    return int(x), int(y)
