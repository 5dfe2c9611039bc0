"""The study's tables on disk: ``results.csv``, one row per score, and ``errors.csv``, the errors by face of each."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fauxface import metrics
from fauxface.evaluation.adaptation import PARTS
from fauxface.evaluation.evaluation_sets import BOXES, DataFacts, Scored
from fauxface.files import write_text
from fauxface.parsing import number, read_csv, whole
from fauxface.study.config import Cell

RESULTS, ERRORS = "results.csv", "errors.csv"
KEY = ("cell", "test_id", "box", "adapted", "adapt_data", "detector")
"""Columns that identify a row; the last two are empty where they do not matter."""
YAWS = (0, 15, 30, 45, 180)
"""Edges of the bins of head pose, degrees of absolute yaw."""
BINS = tuple(f"nme_yaw_{low}" for low in YAWS[:-1])
TEXTS = ("model", "policy", "test_set", "schedule", "labels", "data", "device", *KEY)
COLUMNS = (
    *("model", "images", "policy", "seed", "test_set", "box", "adapted", "nme", "nme_inner", "fr8", "fr10"),
    *("auc8", "auc10", "missed", "n", *PARTS, *BINS, *(f"n_{name[4:]}" for name in BINS)),
    *("minutes", "peak_memory_mb", "device", "samples", "schedule", "input_size", "batch", "labels", "data"),
    *("cell", "test_id", "adapt_data", "detector"),
)
Row = dict[str, Any]
Key = tuple[str, ...]


@dataclass
class Results:
    """All rows, and the errors (M,) by face of each, by its key; a miss is infinite.

    A row without its errors (if ``errors.csv`` was not kept) still counts as finished.
    """

    rows: dict[Key, Row] = field(default_factory=dict)
    errors: dict[Key, np.ndarray] = field(default_factory=dict)

    def add(self, rows: Iterable[Row], errors: Iterable[np.ndarray]) -> None:
        """Add rows with their errors; a row replaces one with the same key."""
        for row, values in zip(rows, errors, strict=True):
            self.rows[key_of(row)] = row
            self.errors[key_of(row)] = values

    def has(self, cell: str, wanted: Iterable[Key]) -> bool:
        """True if the cell has all wanted rows, given as `KEY` without the cell."""
        return all((cell, *rest) in self.rows for rest in wanted)

    def save(self, folder: Path) -> None:
        """Write both files, with rows in a fixed order."""
        ordered = sorted(self.rows.values(), key=_order)
        write_text(folder / RESULTS, _csv(COLUMNS, ([_text(row.get(name)) for name in COLUMNS] for row in ordered)))
        faces = ((key_of(row), self.errors.get(key_of(row))) for row in ordered)
        lines = ([*key, " ".join(f"{v:.3f}" for v in values)] for key, values in faces if values is not None)
        write_text(folder / ERRORS, _csv((*KEY, "errors"), lines))


def load_results(folder: Path) -> Results:
    """Load the results in a study's folder, empty without any; ValueError for files that are not such tables."""
    found = Results()
    for row in _read(folder / RESULTS, COLUMNS):
        clean: Row = {
            name: value if name in TEXTS else _number(value, f"{folder / RESULTS}: {name}")
            for name, value in row.items()
        }
        clean["images"] = whole(row["images"], f"{folder / RESULTS}: images")
        found.rows[key_of(clean)] = clean
    for row in _read(folder / ERRORS, (*KEY, "errors")):
        if key_of(row) in found.rows:
            found.errors[key_of(row)] = _errors(row["errors"], folder / ERRORS)
    return found


def key_of(row: Row) -> Key:
    """Key of a row: its values of `KEY`."""
    return tuple(str(row[name]) for name in KEY)


def wanted_of(tests: Iterable[DataFacts], detector: str, adapted_to: str) -> list[Key]:
    """Rows of a finished cell, as `KEY` without the cell; ``adapted_to`` is a hash of the adapters' data, or empty."""
    return [
        (test.identity, box, *_adapter_key(box, adapted, detector, adapted_to))
        for test in tests
        for box in BOXES
        for adapted in ((False, True) if adapted_to and test.annotated else (False,))
    ]


def _adapter_key(box: str, adapted: bool, detector: str, adapted_to: str) -> tuple[str, str, str]:
    """The key's last three. Adapters are fitted under both box protocols, so adapted rows depend on the detector."""
    found_by = detector if adapted or box == "detector" else ""
    return ("yes", adapted_to, found_by) if adapted else ("no", "", found_by)


def row_of(cell: Cell, scored: Scored, cost: dict[str, Any], detector: str, adapted_to: str) -> Row:
    """A row of ``results.csv``; ``cost`` has ``minutes``, ``peak_memory_mb`` and ``device``."""
    result = scored.evaluation
    scores, groups = result.as_json(), result.groups
    parts = {name: float(np.mean([groups[group] for group in members])) for name, members in PARTS.items()}
    row: Row = {
        **{name: getattr(cell, name) for name in ("model", "images", "policy", "seed", "samples", "schedule")},
        **{name: getattr(cell, name) for name in ("input_size", "batch", "labels", "data")},
        "test_set": scored.data.name,
        "test_id": scored.data.identity,
        "box": result.box,
        **dict(zip(KEY[3:], _adapter_key(result.box, scored.adapted, detector, adapted_to), strict=True)),
        "cell": cell.identity,
        **{name: scores[name] for name in ("nme", "nme_inner", "fr8", "fr10", "auc8", "auc10", "missed", "n")},
        **parts,
        **cost,
    }
    away = np.abs(scored.data.yaw)
    for low, high, name in zip(YAWS, YAWS[1:], BINS, strict=False):
        inside = (away >= low) & (away < high)
        row[name] = metrics.mean_found(result.errors[inside])
        row[f"n_{name[4:]}"] = int(inside.sum())
    return row


def _order(row: Row) -> tuple[Any, ...]:
    return (str(row["model"]), int(row["images"]), *(str(row[n]) for n in ("policy", "seed", "test_set", *KEY)))


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _number(value: str, what: str) -> float | int | None:
    if not value:
        return None
    return whole(value, what, -(2**62)) if value.lstrip("-").isdecimal() else number(value, what)


def _csv(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    return text.getvalue()


def _read(path: Path, needed: Sequence[str]) -> list[dict[str, str]]:
    return read_csv(path, needed) if path.is_file() else []


def _errors(text: str, path: Path) -> np.ndarray:
    """The errors by face of a row; a miss is infinite."""
    try:
        return np.array([float(value) for value in text.split()])
    except ValueError:
        raise ValueError(f"{path}: its errors are not all numbers") from None
