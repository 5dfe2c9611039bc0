"""Write the model card of fauxface's own detector: training data, and recall compared with others.

    python benchmarks/detectors.py --photos PATH_TO/whole_photos --out figures.json
    python tools/detector_card.py fauxface-detector --figures figures.json --frames HELD_OUT [--out docs/cards]

``HELD_OUT`` is a folder of wide frames (``fauxface render --faces 0-5``) that it was not trained on. Writes NAME.md,
and NAME.jpg with its predictions for some of them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from cards import command, parse_with_checkpoint, runs, table

from fauxface.checkpoint import Card, read_card
from fauxface.datasets.frames import find_frames, read_frame
from fauxface.files import write_text
from fauxface.images import write_image
from fauxface.inference.detectors import OneStageDetector
from fauxface.inference.drawing import contact_sheet, draw_box, draw_landmarks

SHOWN = 12
"""Frames in the picture."""
COLUMNS, TILE = 4, 300


def card_text(name: str, card: Card, figures: dict[str, Any]) -> str:
    """The card as Markdown; figures as ``benchmarks/detectors.py --out`` writes them."""
    rows = [[who, result["recall"], result["threshold"], result["ms_640x480"]] for who, result in figures.items()]
    afterwards = card.provenance.get("afterwards")
    lines = [
        f"# {name}",
        "",
        f"{card.model}, trained on frames of {card.input_size} px, {card.scheme}, labels {card.labels}. "
        f"Lane **{card.lane}**, weights {card.licence}.",
        "",
        "Written by `tools/detector_card.py`.",
        "",
        "## What it is for",
        "",
        "Boxes, scores and rough landmarks of all faces of a picture, for `--detector own`, the default of `fauxface",
        "predict` and `fauxface live`, which has them checked by `fauxface-s` ([models.md](../models.md) says how). It",
        "does not tell who somebody is. Landmarks worth keeping come from `fauxface-s`.",
        "",
        "## What it learned from",
        "",
        *table(("run", "frames", "generator", "first weights", "machine"), runs(card)),
        f"```console\n$ {command(card)}\n```",
        "",
        *([f"Afterwards: {afterwards}.", ""] if afterwards else []),
        "All faces are renders: no photograph of a person is in these weights, but the threshold was set by what it",
        "takes for faces in some. [models.md](../models.md) has the commands.",
        "",
        *without_faces(card),
        "## How many faces it finds",
        "",
        "AFW's annotated faces of 24 px and more, at the threshold that gives one false alarm per ten face-free",
        "pictures; 640×480, one thread ([models.md](../models.md) says how the face-free ones are made).",
        "",
        *table(("detector", "recall, %", "threshold", "ms"), rows),
        f"![What it finds in held-out renders]({name}.jpg)",
        "",
        "Held-out frames of several people, without the check, at its usual threshold.",
        "",
    ]
    return "\n".join(lines)


def without_faces(card: Card) -> list[str]:
    """The pictures without faces that it learned from, as Markdown."""
    learned = card.provenance.get("without_faces")
    if not learned:
        return []
    listed = [f"- {source}" for source in learned["sources"]]
    return [f"What is no face it learned from {learned['images']:,} pictures without people:", "", *listed, ""]


def drawn(detect: OneStageDetector, image: np.ndarray) -> np.ndarray:
    """The picture with the detector's boxes and landmarks."""
    found = detect.raw(image)
    for box, points in zip(found.boxes, found.points, strict=True):
        image = draw_box(draw_landmarks(image, points, detect.scheme), box)
    return image


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--figures", type=Path, required=True, help="file from benchmarks/detectors.py --out")
    parser.add_argument("--frames", type=Path, required=True, help="frames that it was not trained on")
    options, folder, name = parse_with_checkpoint(parser)
    figures = json.loads(options.figures.read_text())
    write_text(options.out / f"{name}.md", card_text(name, read_card(folder), figures))
    detect = OneStageDetector.load(folder)
    pictures = [drawn(detect, read_frame(source).image) for source in find_frames(options.frames)[:SHOWN]]
    write_image(options.out / f"{name}.jpg", contact_sheet(pictures, COLUMNS, TILE))
    print(f"wrote {options.out / name}.md and .jpg")


if __name__ == "__main__":
    main()
