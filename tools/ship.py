"""Make shipped weights of a run: measured on real faces, stored in fp16, with an ONNX file.

    python tools/ship.py RUN fauxface-s --afw PATH_TO/300w
    python tools/ship.py RUN fauxface-detector
    python tools/ship.py fauxface-s fauxface-s --onnx    only model.onnx again, as this version exports it

Scores a landmark model on AFW under both box protocols (with retinaface's boxes, as all weights before), writes the
scores into the card, and stores parameters as fp16 in ``fauxface/weights/NAME``: ``model.safetensors``, and
``model.onnx``, which casts them when it is loaded and saves an export at first use. Refuses weights of the lane
``research``, and files that are too large.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from fauxface.checkpoint import ONNX_FILE, SHIPPED, Card, load_network, save_checkpoint
from fauxface.evaluation import evaluate
from fauxface.export.onnx import detector_to_onnx, halved, to_onnx
from fauxface.files import atomic_folder
from fauxface.models import FaceNetwork, LandmarkModel
from fauxface.models.one_stage import OneStage

MOST = 64_000_000
"""Most bytes of all shipped weights together."""
MOST_EACH = {"fauxface-s": 3_000_000, "fauxface-m": 25_000_000}
"""Most bytes of each file of these weights."""


def scores_on_afw(folder: Path, afw: Path) -> dict[str, dict[str, object]]:
    """The checkpoint's scores under both box protocols, by name."""
    scores = {}
    for box in ("landmarks", "detector"):
        result = evaluate(folder, afw, format="ibug", split="afw", box=box, detector="retinaface")
        scores[f"afw_{box}"] = {k: v for k, v in result.as_json().items() if k not in ("checkpoint", "licence")}
        print(result.table())
    return scores


def store(folder: Path, model: FaceNetwork, card: Card) -> None:
    """Store the weights as fp16, and as ONNX with the same rounded values."""
    save_checkpoint(folder, model, card, half=True)
    write_onnx(folder)


def write_onnx(folder: Path) -> None:
    """Write the ONNX file of a checkpoint's folder, from the weights in it."""
    rounded, card = load_network(folder)
    if isinstance(rounded, OneStage):
        proto = detector_to_onnx(rounded, card)
    else:
        assert isinstance(rounded, LandmarkModel)
        proto = to_onnx(rounded, card)
    (folder / ONNX_FILE).write_bytes(halved(proto).SerializeToString())


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="a run's or a checkpoint's folder")
    parser.add_argument("name", help="the weights' name, such as fauxface-s")
    parser.add_argument("--afw", type=Path, help="a folder with 300-W's afw in it; a landmark model needs it")
    parser.add_argument("--onnx", action="store_true", help="only export the shipped weights' model.onnx again")
    parser.add_argument("--into", type=Path, default=SHIPPED, help="folder to put the weights' folder into")
    options = parser.parse_args(arguments)
    if options.onnx:
        write_onnx(options.into / options.name)
        return
    model, card = load_network(options.run)
    if card.lane != "clean":
        raise SystemExit(f"{options.run} is of the lane '{card.lane}': it may not be shipped")
    landmarks = isinstance(model, LandmarkModel)
    if landmarks and options.afw is None:
        raise SystemExit("a landmark model is measured first: --afw PATH_TO/300w")
    target = options.into / options.name
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / options.name
        if landmarks:
            save_checkpoint(made, model, card, half=True)  # measure exactly what is shipped
            card = replace(card, scores=scores_on_afw(made, options.afw))
        store(made, model, card)
        others = [path for path in options.into.glob("*/*") if path.parent != target]
        sizes = {path.name: path.stat().st_size for path in sorted(made.iterdir())}
        most = MOST_EACH.get(options.name, MOST)
        if max(sizes.values()) > most:
            raise SystemExit(
                f"{options.name} would have a file of {max(sizes.values()) / 1e6:.1f} MB: at most {most / 1e6:.0f}"
            )
        size = sum(path.stat().st_size for path in [*others, *made.iterdir()])
        if size > MOST:
            raise SystemExit(f"all shipped weights together would take {size / 1e6:.1f} MB: at most {MOST / 1e6:.0f}")
        with atomic_folder(target) as whole:
            shutil.copytree(made, whole, dirs_exist_ok=True)
    print(json.dumps({**card.scores, "bytes": sizes}))


if __name__ == "__main__":
    main()
