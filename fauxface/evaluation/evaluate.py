"""Evaluate a checkpoint on labelled faces: read, predict (or recall), compare, write."""

from __future__ import annotations

import json as json_format
from contextlib import nullcontext
from pathlib import Path

from fauxface.datasets import FaceDataset, Labels, open_dataset
from fauxface.evaluation import figures
from fauxface.evaluation.adapter import Adapter, load_adapter, weights_hash
from fauxface.evaluation.predictions import AnnotatedFaces, Boxes, Predictions, predict, read_faces
from fauxface.evaluation.scores import Evaluation
from fauxface.files import write_text
from fauxface.images import write_image
from fauxface.inference import Landmarker
from fauxface.landmarks import common_scheme, convert
from fauxface.metrics import Normaliser, normalising_distance
from fauxface.outputs import check_file, check_folder, filled_folder, in_folder
from fauxface.ranges import Threads, in_range

FILES = ("scores.json", "groups.csv", "faces.csv", "ced.png", "risk_coverage.png", "worst_faces.png")
"""What the folder of figures and tables holds."""


@in_range
def evaluate(
    checkpoint: str | Path,
    data: Path,
    format: str = "auto",
    split: str | None = None,
    box: Boxes = "landmarks",
    normaliser: Normaliser = "inter-ocular",
    json: Path | None = None,
    out: Path | None = None,
    flip: bool = False,
    skip_bad: bool = False,
    threads: Threads = 0,
    labels: Labels | None = None,
    detector: str = "retinaface",
    device: str = "cpu",
    adapter: Path | None = None,
) -> Evaluation:
    """Measure a checkpoint's error on labelled faces, as the evaluation protocol says.

    Args:
        checkpoint: a checkpoint's folder, a run's folder, or the name of shipped weights.
        data: folder of labelled faces, searched with its subfolders.
        format: how they lie there; ``auto`` looks.
        split: one of the format's official splits, such as 300-W's common or WFLW's pose; None is all.
        box: crops from the box of the annotated points, or from a face detector, whose misses count as failures.
        normaliser: what errors are divided by.
        json: file for the scores.
        out: folder for ``FILES``: figures and tables; new, empty, or wholly an earlier evaluation's, which is replaced.
        flip: see each face mirrored too and average.
        skip_bad: name samples that cannot be read and go on without them.
        threads: CPU threads; 0 takes all there are.
        labels: the convention of rendered labels; None is ``2d`` where every sample has it, else ``projected``.
        detector: name of the face detector.
        device: where the model runs.
        adapter: folder of a label adapter that was fitted to this checkpoint's predictions (``fauxface adapt``).

    ValueError (BadSample for a broken sample), FileNotFoundError, FileExistsError or OSError, in one line, for what is
    missing or wrong; nothing is written then.
    """
    sources = [path for path in (data, Path(checkpoint), adapter) if path is not None]
    if out is not None:
        check_folder(out, "evaluate", sources)
    dataset = open_dataset(data, format, split, labels)
    if json is not None:
        inputs = [file for source in dataset.sources for file in dataset.files(source)]
        check_file(json, "--json", inputs, out, FILES[1:])
    landmarker = Landmarker.load(checkpoint, detector, flip, threads, device)
    card = landmarker.card
    using = None if adapter is None else (load_adapter(adapter), str(adapter))
    if using is not None:
        using[0].check(checkpoint, card.scheme, weights_hash(landmarker.model))
    common_scheme(card.scheme if using is None else using[0].card.target, dataset.scheme)  # before the work
    faces = read_faces(dataset, skip_bad)
    normalising_distance(faces.truth, dataset.scheme, normaliser)  # before the work too
    result = judge(
        faces,
        predict(landmarker, faces, box),
        str(checkpoint),
        card.lane,
        box,
        normaliser,
        using,
        predict(landmarker, faces, "landmarks") if box == "detector" else None,  # how much of the error is the box's
    )
    with filled_folder(out, "evaluate", sources) if out is not None else nullcontext() as folder:
        if folder is not None:
            _write_figures(folder, result, faces.dataset)
        if json is not None:
            write_text(in_folder(json, out, folder), _as_text(result))
    return result


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
    """Predictions of faces beside their annotations, in the points that both have, after an adapter if there is one.

    Args:
        faces: the faces.
        found: what the checkpoint predicts of each, under the box protocol ``box``.
        checkpoint: its name.
        lane: its licence lane; an adapter's replaces it.
        box: the protocol.
        normaliser: what errors are divided by.
        adapter: a label adapter and its name.
        on_landmark_boxes: the checkpoint's predictions on the annotated boxes, to compare with.

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
    write_text(folder / "scores.json", _as_text(result))
    figures.write_groups(folder / "groups.csv", result)
    figures.write_faces(folder / "faces.csv", result)
    figures.write_ced(folder / "ced.png", result)
    figures.write_risk_coverage(folder / "risk_coverage.png", result)
    write_image(folder / "worst_faces.png", figures.worst_faces(result, dataset))


def _as_text(result: Evaluation) -> str:
    return json_format.dumps(result.as_json(), indent=2) + "\n"
