"""The log of a run: one row for each logged epoch, as CSV and as curves."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from fauxface.files import atomic_path, write_text
from fauxface.parsing import read_csv, whole

COLUMNS = ("epoch", "step", "samples", "lr", "loss", "val_loss", "val_nme", "images_per_s", "minutes")
_DIGITS = 6


def write_log(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write the rows (a value for each of ``COLUMNS``) as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        values = (row[name] for name in COLUMNS)
        writer.writerow(f"{value:.{_DIGITS}g}" if isinstance(value, float) else value for value in values)
    write_text(path, text.getvalue())


def last_step(path: Path) -> int:
    """The step in the last row of a log, 0 without rows; ValueError for a file that is not a log."""
    if not path.is_file():
        return 0
    return max((whole(row["step"], f"{path}: step") for row in read_csv(path, COLUMNS)), default=0)


def draw_curves(path: Path, rows: list[dict[str, Any]]) -> None:
    """Draw loss and NME over the samples seen."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    samples = [row["samples"] for row in rows]
    marker = "." if len(rows) < 50 else None
    left.plot(samples, [row["loss"] for row in rows], label="training, augmented", marker=marker)
    left.plot(samples, [row["val_loss"] for row in rows], label="held out, averaged weights", marker=marker)
    positive = all(row[name] > 0 for row in rows for name in ("loss", "val_loss"))  # likelihoods may be negative
    left.set(xlabel="samples seen", ylabel="loss", yscale="log" if positive else "linear")
    left.legend()
    right.plot(samples, [row["val_nme"] for row in rows], color="tab:orange", marker=marker)
    right.set(xlabel="samples seen", ylabel="NME on held-out faces, % inter-ocular", yscale="log")
    for axes in (left, right):
        axes.grid(visible=True, which="both", alpha=0.3)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110)
