"""Label adapters: a small network fitted to a frozen checkpoint's predictions on annotated photographs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import Progress

from fauxface.console import progress_console
from fauxface.datasets import open_dataset
from fauxface.evaluation.adapter import Adapter, save_adapter
from fauxface.evaluation.config import AdaptationConfig, Boxes
from fauxface.evaluation.fitting import CHOICES, CrossValidation, Pairs, Settings, cross_validate, fit_network
from fauxface.evaluation.predictions import AnnotatedFaces, load_landmarker, predict, read_faces
from fauxface.inference import Landmarker
from fauxface.landmarks import common_scheme, convert, scheme_of
from fauxface.metrics import bootstrap_interval, nme, point_errors, usual_normaliser
from fauxface.outputs import check_folder
from fauxface.ranges import in_range

PARTS = {
    "jaw": ("jaw",),
    "brows": ("right_brow", "left_brow"),
    "nose": ("nose",),
    "eyes": ("right_eye", "left_eye"),
    "mouth": ("mouth",),
}
"""Parts of the face in the table, as groups of a scheme."""
FEWEST_A_FOLD = 4
"""Faces that a fold needs at least."""


@dataclass(frozen=True)
class Adaptation:
    """An adapter, and its gain on faces that it was not fitted to (cross-validated).

    Attributes:
        adapter: fitted to all faces.
        data: the data set's name.
        faces: how many.
        folds: of the cross-validation.
        missed: box protocol → faces without a prediction, which are left out.
        rows: box protocol → kind (``raw``, ``ridge``, ``adapted``) → part of the face (``all``, ``inner``, `PARTS`) →
            NME in percent of the outer eye corners' distance.
        gain: box protocol → 95 % interval of raw minus adapted, a paired bootstrap over faces.
    """

    adapter: Adapter
    data: str
    faces: int
    folds: int
    missed: dict[str, int]
    rows: dict[str, dict[str, dict[str, float]]]
    gain: dict[str, tuple[float, float]]

    def table(self) -> str:
        """Table for the terminal: errors by box protocol, kind and part of the face."""
        card = self.adapter.card
        parts = list(next(iter(next(iter(self.rows.values())).values()))) if self.rows else []
        lines = [
            f"{card.checkpoint} → annotators of {self.data}: {self.faces} faces, {self.folds}-fold cross-validation",
            f"  {card.settings['kind']}",
            f"  {'':<20}" + "".join(f"{part:>8}" for part in parts),
        ]
        for box, kinds in self.rows.items():
            for kind, errors in kinds.items():
                name = f"{kind}, {box}"
                lines.append(f"  {name:<20}" + "".join(f"{errors[part]:8.2f}" for part in parts))
        for box, (low, high) in self.gain.items():
            lines.append(f"  gain, box from {box}: 95 % interval {low:.2f}–{high:.2f}")
        for box, count in self.missed.items():
            if count:
                lines.append(f"  left out: {count} faces without a prediction, box from {box}")
        lines.append(f"  lane {card.lane}: fitted to annotated photographs")
        return "\n".join(lines)


def adapt(
    checkpoint: str | Path,
    data: Path,
    out: Path | None,
    format: str = "auto",
    split: str | None = None,
    **settings: Any,
) -> Adaptation:
    """Fit a label adapter, by keywords; see `run_adaptation`.

    Args:
        checkpoint: a checkpoint's folder, a run's folder, or the name of shipped weights.
        data: folder of annotated faces; its subfolders are searched too.
        out: the adapter's folder: new, empty, or only an earlier adapter's; None writes nothing.
        format: format of the data; ``auto`` recognises it.
        split: an official part of the data; None is all.
        settings: further fields of `AdaptationConfig`, such as ``box``, ``folds`` or ``seed``.

    TypeError for a setting that is no field; other errors as `run_adaptation`.
    """
    return run_adaptation(AdaptationConfig(str(checkpoint), data, out, format, split, **settings))


@in_range
def run_adaptation(config: AdaptationConfig) -> Adaptation:
    """Fit a label adapter, measure by cross-validation how much it gains, and write it.

    If neither scheme contains the other, the adapter learns the points that both have. ValueError for too few faces and
    for schemes without common points; other errors as `fauxface.evaluation.run_evaluation`.
    """
    sources = (config.data, Path(config.checkpoint))
    if config.out is not None:
        check_folder(config.out, "adapt", sources)
    dataset = open_dataset(config.data, config.format, config.split)
    landmarker = load_landmarker(config.checkpoint, config.detector, threads=config.threads)
    common_scheme(landmarker.card.scheme, dataset.scheme)  # before the work
    faces = read_faces(dataset, config.skip_bad)
    boxes: tuple[Boxes, ...] = ("landmarks", "detector") if config.box == "both" else (config.box,)
    result = fit(landmarker, faces, boxes, config.checkpoint, config.folds, config.seed)
    if config.out is not None:
        save_adapter(config.out, result.adapter, sources)
    return result


def fit(
    landmarker: Landmarker,
    faces: AnnotatedFaces,
    boxes: Sequence[Boxes],
    name: str,
    folds: int = 5,
    seed: int = 0,
    choices: tuple[Settings, ...] | None = None,
) -> Adaptation:
    """Fit an adapter to a landmarker's predictions of these faces; errors as `adapt`.

    ``name`` is the checkpoint's; cross-validation chooses among ``choices`` (None: `CHOICES`).
    """
    choices = choices or CHOICES
    pairs, protocol, missed = _pairs(landmarker, faces, boxes)
    count = len(np.unique(pairs.face))
    if count < FEWEST_A_FOLD * folds:
        raise ValueError(f"{count} faces are too few for {folds} folds; {FEWEST_A_FOLD * folds} are the fewest")
    threads = torch.get_num_threads()
    with Progress(console=progress_console(), transient=True) as progress:
        bar = progress.add_task("cross-validating", total=len(choices) * folds)
        try:
            torch.set_num_threads(1)  # layers too small for more
            found = cross_validate(pairs, folds, choices, seed, lambda: progress.advance(bar))
            adapter = fit_network(pairs, found.settings, seed)
        finally:
            torch.set_num_threads(threads)
    rows, gain = _rows(pairs, found, protocol, boxes)
    card = replace(
        adapter.card,
        checkpoint=name,
        weights=landmarker.weights,
        fitted_on={
            "data": faces.dataset.name,
            "faces": count,
            "boxes": list(boxes),
            "detector": landmarker.detector.name if "detector" in boxes else None,
            "folds": folds,
            "seed": seed,
        },
        settings={"kind": _kind(found.settings, found.penalty), **asdict(found.settings), "ridge": found.penalty},
        scores=_rounded(rows),
    )
    return Adaptation(replace(adapter, card=card), faces.dataset.name, count, folds, missed, rows, gain)


def _pairs(
    landmarker: Landmarker, faces: AnnotatedFaces, boxes: Sequence[Boxes]
) -> tuple[Pairs, np.ndarray, dict[str, int]]:
    """Pairs to fit to, the protocol of each (an index into ``boxes``), and the number of faces that each missed."""
    predicted, truth, number, protocol, missed = [], [], [], [], {}
    target = common_scheme(landmarker.card.scheme, faces.dataset.scheme)
    annotated = convert(faces.truth, faces.dataset.scheme, target)
    for place, box in enumerate(boxes):
        points = predict(landmarker, faces, box).landmarks
        found = np.isfinite(points).all((1, 2))
        missed[box] = int((~found).sum())
        predicted.append(points[found])
        truth.append(annotated[found])
        number.append(np.flatnonzero(found))
        protocol.append(np.full(int(found.sum()), place))
    pairs = Pairs(
        np.concatenate(predicted),
        np.concatenate(truth),
        np.concatenate(number),
        landmarker.card.scheme,
        target,
    )
    return pairs, np.concatenate(protocol), missed


def _rows(
    pairs: Pairs, found: CrossValidation, protocol: np.ndarray, boxes: Sequence[Boxes]
) -> tuple[dict[str, dict[str, dict[str, float]]], dict[str, tuple[float, float]]]:
    """Errors by box protocol, kind and part; the interval of the network's gain."""
    kinds = {
        "raw": convert(pairs.predicted, pairs.source, pairs.target),
        "ridge": found.ridge,
        "adapted": found.network,
    }
    scheme, unit = scheme_of(pairs.target), usual_normaliser(pairs.target)
    parts = {
        "all": list(scheme.outline),
        "inner": [i for i in scheme.outline if i not in scheme.groups.get("jaw", ())],
        **{part: [i for group in groups for i in scheme.groups.get(group, ())] for part, groups in PARTS.items()},
    }
    parts = {part: indices for part, indices in parts.items() if indices}
    rows: dict[str, dict[str, dict[str, float]]] = {}
    gain: dict[str, tuple[float, float]] = {}
    for place, box in enumerate(boxes):
        mine = protocol == place
        if not mine.any():  # a detector that found nobody
            continue
        truth = pairs.truth[mine]
        rows[box] = {}
        for kind, points in kinds.items():
            errors = point_errors(points[mine], truth, pairs.target, unit)
            rows[box][kind] = {part: float(errors[:, indices].mean()) for part, indices in parts.items()}
        raw, adapted = (nme(kinds[kind][mine], truth, pairs.target, unit, parts["all"]) for kind in ("raw", "adapted"))
        gain[box] = bootstrap_interval(raw - adapted)
    return rows, gain


def _kind(settings: Settings, penalty: float) -> str:
    return (
        f"network of two hidden layers, dropout {settings.dropout:g}, {settings.epochs} epochs (chosen by the same "
        f"folds); ridge penalty {penalty:g}"
    )


def _rounded(rows: dict[str, dict[str, dict[str, float]]]) -> dict[str, Any]:
    return {
        box: {kind: {part: round(value, 4) for part, value in errors.items()} for kind, errors in kinds.items()}
        for box, kinds in rows.items()
    }
