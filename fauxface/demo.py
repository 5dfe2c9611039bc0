"""The tour: render faces, train a model on them, evaluate it on held-out renders, try it on a real photograph."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import yaml

from fauxface.extras import require
from fauxface.files import write_bytes, write_text
from fauxface.outputs import empty_or_new, only_writer
from fauxface.parsing import read_yaml
from fauxface.ranges import Amount, Count, Seed, in_range

if TYPE_CHECKING:
    from fauxface.evaluation import Evaluation
    from fauxface.inference import Landmarker
    from fauxface.reports import Page


@dataclass(frozen=True)
class DemoConfig:
    """Sizes of the tour; the defaults take about ten minutes on two CPU cores.

    Attributes:
        count: faces rendered for training.
        held_out: faces rendered for testing, with another seed.
        size: their height and width in pixels.
        samples: faces seen in training, repeats counted.
        model: the model's name.
        input_size: side of the model's crop in pixels.
        seed: seed of every random choice.
    """

    count: int = 1_200
    held_out: int = 150
    size: int = 256
    samples: int = 48_000
    model: str = "mobilenetv3small-pip"
    input_size: int = 128
    seed: int = 0


QUICK = DemoConfig(count=16, held_out=6, size=128, samples=64, input_size=64)
"""Sizes for a quick check that every step works."""

SETTINGS = "demo.yaml"
REPORT = "report.html"
SHEET = 24  # renders on the contact sheet
CLOSE_UP = 460  # side of a face drawn large, px
DRAWN = 8  # held-out renders predicted and drawn


@in_range
def run_demo(
    out: Path,
    quick: bool = False,
    count: Count | None = None,
    held_out: Count | None = None,
    samples: Amount | None = None,
    seed: Seed = 0,
) -> Path:
    """Render, train, evaluate, predict; the report's path. Continues an earlier call with the same settings.

    FileExistsError for an ``out`` that holds another tour or other files; BlockingIOError while a tour runs there.
    """
    require("demo", "the tour")
    chosen = {"count": count, "held_out": held_out, "samples": samples}
    config = replace(QUICK if quick else DemoConfig(), seed=seed, **{k: v for k, v in chosen.items() if v is not None})
    with only_writer(out, "fauxface demo"):
        _claim(out, config)
        return _tour(out, config)


def _tour(out: Path, config: DemoConfig) -> Path:
    """The four steps and the report."""
    from fauxface.evaluation import evaluate
    from fauxface.inference import Landmarker
    from fauxface.rendering import render_dataset
    from fauxface.training import TrainingConfig, train

    times: dict[str, float] = {}
    with _step("1 of 4: rendering faces", "rendering", times):
        render_dataset(out / "faces", config.count, seed=config.seed, size=config.size)
        render_dataset(out / "held_out", config.held_out, seed=config.seed + 1, size=config.size)
    with _step("2 of 4: training on them", "training", times):
        run = train(
            TrainingConfig(
                data=out / "faces",
                out=out / "run",
                val_data=out / "held_out",
                model=config.model,
                input_size=config.input_size,
                augment="strong",
                samples=config.samples,
                batch=min(64, config.count),
                seed=config.seed,
                resume=True,
            )
        )
    with _step("3 of 4: evaluating on held-out faces", "evaluation", times):
        scores = {
            box: evaluate(run, out / "held_out", box=box, out=out / "evaluation" / box)
            for box in ("landmarks", "detector")
        }
    with _step("4 of 4: predicting on held-out faces and on a real photograph", "prediction", times):
        _predict(out, Landmarker.load(run))
    _report(out, config, run, scores, times).save(out / REPORT)
    print(scores["landmarks"].table())
    print(f"open {out / REPORT}")
    return out / REPORT


def _claim(out: Path, config: DemoConfig) -> None:
    """Write the settings into ``out``; FileExistsError if it holds other files, or a tour with other settings."""
    settings = out / SETTINGS
    if not settings.is_file():
        empty_or_new(out, "the tour")
        write_text(settings, yaml.safe_dump(asdict(config), sort_keys=False))
    elif read_yaml(settings) != asdict(config):
        raise FileExistsError(f"{out} holds a tour with other settings (see {settings}); take another --out")


@contextmanager
def _step(title: str, name: str, times: dict[str, float]) -> Iterator[None]:
    print(title, flush=True)
    start = time.monotonic()
    yield
    times[name] = time.monotonic() - start


def _predict(out: Path, landmarker: Landmarker) -> None:
    """Predict on a few held-out renders and on scikit-image's astronaut, as ``fauxface predict`` does."""
    from skimage import data

    from fauxface.datasets import open_dataset
    from fauxface.images import write_image
    from fauxface.inference.predict import predict_files

    for path in open_dataset(out / "held_out").sources[:DRAWN]:
        write_bytes(out / "photos" / "renders" / path.name, path.read_bytes())
    write_image(out / "photos" / "astronaut.png", data.astronaut())
    predict_files(out / "photos" / "renders", landmarker, out / "predicted" / "renders")
    predict_files(out / "photos" / "astronaut.png", landmarker, out / "predicted" / "astronaut")


def _report(out: Path, config: DemoConfig, run: Path, scores: dict[str, Evaluation], times: dict[str, float]) -> Page:
    """The report of all steps: the photograph, then the renders, then figures."""
    from fauxface.info import machine
    from fauxface.reports import Page

    page = Page(
        "Fauxface: from rendered faces to landmarks on a real photograph",
        f"{config.count:,} faces were rendered, a model was trained on these alone, and it was tested on one real "
        f"photograph and on {config.held_out} renders that it had not seen.",
    )
    _photograph(page, out)
    _renders(page, out)
    _figures(page, out, config, run, scores)
    page.table(
        [(step, f"{seconds / 60:.1f} min") for step, seconds in times.items()], header=("step", "time in this call")
    )
    page.heading("Next steps")
    page.code(
        f"fauxface predict photo.jpg --checkpoint {run}\nfauxface demo --count 4000 --samples 400000 --out longer"
    )
    return page.foot("; ".join(f"{name} {value}" for name, value in machine().items()))


def _photograph(page: Page, out: Path) -> None:
    """The photograph with its landmarks."""
    page.heading("A real photograph")
    page.text("Eileen Collins (NASA, public domain; from scikit-image). The model was trained on renders only.")
    whole = out / "predicted" / "astronaut" / "astronaut.png"
    near = [(face, "Her face, with the points that the model found.") for face in _faces(whole.parent)[:1]]
    page.pictures([*near, (whole, "The photograph as fauxface predict draws it.")])


def _renders(page: Page, out: Path) -> None:
    """Predictions on held-out renders, and the faces of the training."""
    from fauxface.datasets import open_dataset
    from fauxface.inference import contact_sheet, draw_landmarks

    faces = open_dataset(out / "faces")
    samples = [faces[i] for i in range(min(SHEET, len(faces)))]
    labelled = [draw_landmarks(s.image, s.landmarks, s.scheme, s.visibility, lines=False, zoom=2) for s in samples[:12]]
    page.heading("Predictions on held-out renders")
    page.picture(
        contact_sheet(_faces(out / "predicted" / "renders"), 4, 230),
        "Faces from the detector, landmarks from the model; labels are not used.",
        "Rendered faces that the model had not seen, with the points that it found.",
    )
    page.heading("Rendered faces")
    page.text("The first training faces, and some of them with their labels: dim points are hidden from the camera.")
    page.picture(contact_sheet([s.image for s in samples], 4, 230), alt="Rendered faces of many people.")
    page.picture(contact_sheet(labelled, 4, 230), alt="Rendered faces with the points that the model learns.")


def _figures(page: Page, out: Path, config: DemoConfig, run: Path, scores: dict[str, Evaluation]) -> None:
    """Errors on the held-out renders, and the course of the training."""
    page.heading("Error on held-out renders")
    page.text(
        "NME: mean distance of the points from their labels, in percent of the distance between the outer eye corners. "
        "FR: percent of faces with an error above a threshold. AUC: area under the curve below, up to the threshold."
    )
    page.table(_score_rows(scores), header=("", *(f"box from {box}" for box in scores)))
    parts = [(name.replace("_", " "), error) for name, error in scores["landmarks"].groups.items()]
    page.table(parts, header=("part of the face", "NME"))
    page.pictures(
        [(out / "evaluation" / box / "ced.png", f"Share of faces by error, box from {box}.") for box in scores]
    )
    page.picture(out / "evaluation" / "landmarks" / "worst_faces.png", "The faces with the largest error.")
    page.heading("Training")
    page.text(
        f"`{config.model}` at {config.input_size} px, from random weights; {config.samples:,} faces, repeats counted."
    )
    page.picture(run / "curves.png", "Loss, and error on the held-out renders, during training.")


def _faces(predicted: Path) -> list[np.ndarray]:
    """Close-ups of every face, with landmarks, from a folder that ``fauxface predict`` wrote."""
    from fauxface.faces import Crop
    from fauxface.images import read_image
    from fauxface.inference import draw_landmarks
    from fauxface.inference.writing import RESULT

    faces = []
    for row in json.loads((predicted / RESULT).read_text())["images"]:
        image = read_image(Path(row["image"]))
        for face in row["faces"]:
            square = Crop.around(np.array(face["box"]), CLOSE_UP, 1.8)
            points = square.to_crop(np.array(face["landmarks"]))
            faces.append(draw_landmarks(square.extract(image), points, face["scheme"]))
    return faces


def _score_rows(scores: dict[str, Evaluation]) -> list[tuple[object, ...]]:
    """One row for each score, one column for each box protocol."""
    names = {"nme": "NME", "nme_inner": "NME without the jaw", "fr8": "FR at 8 %", "fr10": "FR at 10 %"}
    names |= {"auc8": "AUC at 8 %", "auc10": "AUC at 10 %", "missed": "missed", "n": "faces"}
    columns = [score.as_json() for score in scores.values()]
    return [(name, *(column[key] for column in columns)) for key, name in names.items()]
