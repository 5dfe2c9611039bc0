"""Draw ``docs/images/overview.jpg``, the README's first picture: renders with labels, and renders with predictions.

    python tools/readme_picture.py [--weights fauxface-s] [--above 0 1 2 …] [--below 0 1 2 …]

Above, rendered faces of seed 1 with their labels; below, held-out faces of seed 5 with the weights' predictions. No
photographs of people.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from fauxface.faces import landmark_box
from fauxface.images import write_image
from fauxface.inference import Landmarker
from fauxface.inference.drawing import contact_sheet, draw_landmarks
from fauxface.landmarks import FACE_SYNTHETICS70
from fauxface.rendering.frame import Frame, render_frame
from fauxface.rendering.recipe import load_recipe

SIZE, TILE = 384, 240
RECIPE = Path(__file__).parents[1] / "recipes" / "rendering" / "detector.yaml"
OUT = Path(__file__).parents[1] / "docs" / "images" / "overview.jpg"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", default="fauxface-s")
    parser.add_argument("--above", type=int, nargs="+", default=(0, 5, 10, 11, 24, 27, 29, 30), help="frames of seed 1")
    parser.add_argument("--below", type=int, nargs="+", default=(1, 5, 9, 12, 14, 21, 25, 29), help="frames of seed 5")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    recipe = load_recipe(RECIPE)
    landmarker = Landmarker.load(options.weights)

    def labelled(frame: Frame) -> np.ndarray:
        return draw_landmarks(frame.image, labels(frame), FACE_SYNTHETICS70.name)

    def found(frame: Frame) -> np.ndarray:
        points = landmarker.landmarks(frame.image, [landmark_box(labels(frame), FACE_SYNTHETICS70.name)]).landmarks[0]
        return draw_landmarks(frame.image, points, landmarker.card.scheme)

    def labels(frame: Frame) -> np.ndarray:
        return np.array(frame.meta["landmarks_2d"])

    rows = [labelled(render_frame(1, k, SIZE, recipe)) for k in options.above]
    rows += [found(render_frame(5, k, SIZE, recipe)) for k in options.below]
    write_image(options.out, contact_sheet(rows, len(options.above), TILE))


if __name__ == "__main__":
    main()
