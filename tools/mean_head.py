"""Make ``fauxface/mean_head.json``: the 70 3-D landmarks of the generator's mean head, without expression.

    python tools/mean_head.py [--out FILE] [--quick]

The mean of 500 random people (seed 11) of the generator, each without expression, in the head frame (metres, origin
midway between the eyeballs' centres, x to the subject's left, y up, z forward), made symmetric. The last line on
standard output is one JSON object.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from fauxface.files import write_text
from fauxface.landmarks import FACE_SYNTHETICS70
from fauxface.rendering.head.brows import sample_brows
from fauxface.rendering.head.expression import Expression
from fauxface.rendering.head.identity import sample_identity
from fauxface.rendering.head.model import head_model
from fauxface.rendering.labels.landmarks import landmarks_3d
from fauxface.rendering.recipe import Recipe
from fauxface.rendering.version import GENERATOR_VERSION

SEED = 11
OUT = Path(__file__).parents[1] / "fauxface" / "mean_head.json"


def mean_head(count: int) -> np.ndarray:
    """The mean (70, 3) over ``count`` adults, made symmetric; head frame, metres."""
    model, recipe = head_model(), Recipe(children=0)
    total = np.zeros((70, 3))
    for index in range(count):
        rng = np.random.default_rng([SEED, index])
        identity = sample_identity(rng, recipe, model.bust.names)
        posed = model.pose(identity, Expression({}, (0.0, 0.0)), Rotation.identity())
        total += landmarks_3d(model, posed, sample_brows(rng, identity))
    mean = total / count
    return (mean + mean[list(FACE_SYNTHETICS70.mirror)] * [-1, 1, 1]) / 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--quick", action="store_true", help="50 people, and nothing written")
    options = parser.parse_args()
    count = 50 if options.quick else 500
    points = mean_head(count)
    if not options.quick:
        content = {"generator": GENERATOR_VERSION, "people": count, "seed": SEED, "points": points.round(6).tolist()}
        write_text(options.out, json.dumps(content) + "\n")
    print(json.dumps({"people": count, "eye_corners_m": round(float(np.linalg.norm(points[36] - points[45])), 4)}))


if __name__ == "__main__":
    main()
