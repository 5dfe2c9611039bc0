"""Small charts of distributions, as pictures H×W×3 uint8 RGB."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from fauxface.audit.skin import swatches

_BLUE, _GREY = "#3b74b8", "#5d6672"


def histograms(columns: Mapping[str, Sequence[float]], across: int = 4) -> np.ndarray:
    """One histogram for each figure, in rows of ``across``: (H, W, 3) uint8."""
    rows = -(-len(columns) // across)
    figure = _figure(across * 2.35, rows * 1.75)
    for i, (name, values) in enumerate(columns.items()):
        axes = figure.add_subplot(rows, across, i + 1)
        axes.hist(np.asarray(values, float), bins=31, color=_BLUE)
        _plain(axes, name)
    return _pixels(figure)


def bars(values: Mapping[str, float], height: float = 2.2, colours: Sequence[str] | None = None) -> np.ndarray:
    """One bar for each name: (H, W, 3) uint8."""
    figure = _figure(9.4, height)
    axes = figure.add_subplot()
    positions = np.arange(len(values))
    axes.bar(positions, list(values.values()), color=colours or _BLUE, edgecolor="0.6", linewidth=0.5)
    axes.set_xticks(positions, list(values), rotation=90 if len(values) > 16 else 0, fontsize=7)
    _plain(axes, "")
    return _pixels(figure)


def monk(tones: Sequence[float]) -> np.ndarray:
    """Percent of faces of each tone on the Monk scale, with bars in the tones' colours: (H, W, 3) uint8."""
    counted = np.bincount(np.round(tones).astype(int).clip(1, 10), minlength=11)[1:]
    share = 100 * counted / max(counted.sum(), 1)
    colours = ["#" + "".join(f"{v:02x}" for v in tone) for tone in swatches()]
    return bars({f"{i + 1}": float(v) for i, v in enumerate(share)}, 1.9, colours)


def shape(points: np.ndarray, values: np.ndarray, label: str) -> np.ndarray:
    """The points of a mean face (N, 2), coloured by values (N,) in [0, 1]: (H, W, 3) uint8."""
    figure = _figure(5.2, 4.4)
    axes = figure.add_subplot()
    drawn = axes.scatter(points[:, 0], points[:, 1], c=values, cmap="viridis", vmin=0, vmax=1, s=42, edgecolors="0.5")
    axes.invert_yaxis()
    axes.set_aspect("equal")
    axes.axis("off")
    figure.colorbar(drawn, ax=axes, shrink=0.7, label=label)
    return _pixels(figure)


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _plain(axes, title: str) -> None:
    axes.set_title(title, fontsize=9, color=_GREY)
    axes.tick_params(labelsize=7, colors=_GREY)
    axes.spines[["top", "right"]].set_visible(False)


def _pixels(figure: Figure) -> np.ndarray:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return np.array(Image.open(buffer).convert("RGB"))
