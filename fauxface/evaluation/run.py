"""Evaluate a checkpoint on labelled faces: read, predict (or recall), compare, write."""

from __future__ import annotations

import json as json_format
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from fauxface.datasets import FaceDataset, open_dataset
from fauxface.evaluation.adapter import Adapter, load_adapter
from fauxface.evaluation.config import Boxes, EvaluationConfig
from fauxface.evaluation.predictions import AnnotatedFaces, Predictions, load_landmarker, predict, read_faces
from fauxface.evaluation.scores import Evaluation
from fauxface.extras import require
from fauxface.files import write_text
from fauxface.images import write_image
from fauxface.inference import Landmarker
from fauxface.landmarks import common_scheme, convert
from fauxface.metrics import Normaliser, normalising_distance
from fauxface.outputs import check_file, check_folder, filled_folder, in_folder
from fauxface.ranges import in_range

FILES = ("scores.json", "groups.csv", "faces.csv", "ced.png", "risk_coverage.png", "worst_faces.png")
"""Files in the folder of figures and tables."""


def evaluate(
    checkpoint: str | Path,
    data: Path,
    format: str = "auto",
    split: str | None = None,
    box: Boxes = "landmarks",
    **settings: Any,
) -> Evaluation:
    """Measure a checkpoint's error on labelled faces, by keywords; see `run_evaluation`.

    Args:
        checkpoint: a checkpoint's folder, a run's folder, or the name of shipped weights.
        data: folder of labelled faces; its subfolders are searched too.
        format: format of the data; ``auto`` recognises it.
        split: an official part of the data, such as 300-W's common or WFLW's pose; None is all.
        box: crops from the box of the annotated points, or from a face detector, whose misses count as failures.
        settings: further fields of `EvaluationConfig`, such as ``json``, ``out``, ``threads`` or ``adapter``.

    TypeError for a setting that is no field; other errors as `run_evaluation`.
    """
    return run_evaluation(EvaluationConfig(str(checkpoint), data, format, split, box, **settings))


@in_range
def run_evaluation(config: EvaluationConfig) -> Evaluation:
    """Measure a checkpoint's error on labelled faces by the evaluation protocol, and write what the settings ask for.

    ValueError (BadSample for a broken sample), FileNotFoundError, FileExistsError or OSError, in one line, for missing
    or wrong inputs and outputs; nothing is written then.
    """
    out, json = config.out, config.json
    sources = [path for path in (config.data, Path(config.checkpoint), config.adapter) if path is not None]
    if out is not None:
        require("figures", "--out")
        check_folder(out, "evaluate", sources)
    dataset = open_dataset(config.data, config.format, config.split, config.labels)
    if json is not None:
        inputs = [file for source in dataset.sources for file in dataset.files(source)]
        check_file(json, "--json", inputs, out, FILES[1:])
    landmarker = load_landmarker(config.checkpoint, config.detector, config.flip, config.threads, config.device)
    result, faces = _measure(landmarker, dataset, config)
    with filled_folder(out, "evaluate", sources) if out is not None else nullcontext() as folder:
        if folder is not None:
            _write_figures(folder, result, faces.dataset)
        if json is not None:
            write_text(in_folder(json, out, folder), _as_text(result))
    return result


def _measure(
    landmarker: Landmarker, dataset: FaceDataset, config: EvaluationConfig
) -> tuple[Evaluation, AnnotatedFaces]:
    """The evaluation, and the faces that could be read; refuses what cannot be compared before it predicts."""
    card, box = landmarker.card, config.box
    adapter = None if config.adapter is None else (load_adapter(config.adapter), str(config.adapter))
    if adapter is not None:
        adapter[0].check(config.checkpoint, card.scheme, landmarker.weights)
    common_scheme(card.scheme if adapter is None else adapter[0].card.target, dataset.scheme)
    faces = read_faces(dataset, config.skip_bad)
    normalising_distance(faces.truth, dataset.scheme, config.normaliser)
    result = judge(
        faces,
        predict(landmarker, faces, box),
        config.checkpoint,
        card.lane,
        box,
        normaliser=config.normaliser,
        adapter=adapter,
        on_landmark_boxes=predict(landmarker, faces, "landmarks") if box == "detector" else None,
    )
    return replace(result, detector=landmarker.detector.name if box == "detector" else None), faces


def judge(
    faces: AnnotatedFaces,
    found: Predictions,
    checkpoint: str,
    lane: str,
    box: Boxes,
    normaliser: Normaliser = "inter-ocular",
    adapter: tuple[Adapter, str] | None = None,
    on_landmark_boxes: Predictions | None = None,
) -> Evaluation:
    """Compare predictions with annotations in the points that both have, after a label adapter if one is given.

    Args:
        faces: the faces.
        found: the checkpoint's prediction for each, under the box protocol ``box``.
        checkpoint: its name.
        lane: its licence lane; an adapter's replaces it.
        box: the protocol.
        normaliser: distance by which errors are divided.
        adapter: a label adapter and its name.
        on_landmark_boxes: the checkpoint's predictions on the annotated boxes, which show the share of the error that
            is due to the detector's boxes.

    ValueError for schemes without common points.
    """
    adapts, name = (None, None) if adapter is None else adapter
    dataset = faces.dataset
    scheme = common_scheme(found.scheme if adapts is None else adapts.card.target, dataset.scheme)
    points = _adapted(found, adapts).converted(scheme)
    same = None if on_landmark_boxes is None else _adapted(on_landmark_boxes, adapts).converted(scheme)
    return Evaluation(
        checkpoint=checkpoint,
        licence=lane if adapts is None else adapts.card.lane,
        data=f"{dataset.name} ({dataset.labels})",
        box=box,
        normaliser=normaliser,
        scheme=scheme,
        sources=dataset.sources,
        truth=convert(faces.truth, dataset.scheme, scheme),
        distances=normalising_distance(faces.truth, dataset.scheme, normaliser),
        annotated=dataset.scheme,
        predicted=found.scheme,
        predictions=points.landmarks,
        scores=points.scores,
        same_faces=None if same is None else same.landmarks,
        skipped=faces.skipped,
        adapter=name,
    )


def _adapted(found: Predictions, adapter: Adapter | None) -> Predictions:
    """Predictions after a label adapter, if there is one; the scores stay."""
    if adapter is None:
        return found
    target = adapter.card.target
    return Predictions(adapter(found.landmarks), found.converted(target).scores, target)


def _write_figures(folder: Path, result: Evaluation, dataset: FaceDataset) -> None:
    from fauxface.evaluation import figures

    write_text(folder / "scores.json", _as_text(result))
    figures.write_groups(folder / "groups.csv", result)
    figures.write_faces(folder / "faces.csv", result)
    figures.write_ced(folder / "ced.png", result)
    figures.write_risk_coverage(folder / "risk_coverage.png", result)
    write_image(folder / "worst_faces.png", figures.worst_faces(result, dataset))


def _as_text(result: Evaluation) -> str:
    return json_format.dumps(result.as_json(), indent=2) + "\n"
