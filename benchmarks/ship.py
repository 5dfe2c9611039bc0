"""Make a run the weights that come with the package: measured on real faces, stored in fp16.

    python benchmarks/ship.py RUN fauxface-s --afw PATH_TO/300w

Scores the run on AFW under both box protocols, writes them into the card, and stores parameters as fp16 in
``fauxface/weights/NAME``. Refuses weights of the lane ``research``.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

from fauxface.checkpoint import SHIPPED, load_checkpoint, save_checkpoint
from fauxface.evaluation import evaluate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="a run's or a checkpoint's folder")
    parser.add_argument("name", help="the weights' name, such as fauxface-s")
    parser.add_argument("--afw", type=Path, required=True, help="a folder with 300-W's afw in it")
    options = parser.parse_args()
    model, card = load_checkpoint(options.run)
    if card.lane != "clean":
        raise SystemExit(f"{options.run} is of the lane '{card.lane}': it may not be shipped")
    folder = SHIPPED / options.name
    save_checkpoint(folder, model, card, half=True)
    scores = {}
    for box in ("landmarks", "detector"):
        result = evaluate(folder, options.afw, format="ibug", split="afw", box=box)
        scores[f"afw_{box}"] = {k: v for k, v in result.as_json().items() if k not in ("checkpoint", "licence")}
        print(result.table())
    save_checkpoint(folder, model, replace(card, scores=scores), half=True)
    print(json.dumps(scores))


if __name__ == "__main__":
    main()
