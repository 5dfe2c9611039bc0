"""Time of each registered model for one face, on one CPU thread in ONNX Runtime.

    python benchmarks/models.py [--quick] [--input-size 128]

Prints a table, then one line of JSON: ``ms`` by model. At 128 px and without --quick (a small model a method, briefly)
the times go into ``fauxface/models/timings.json``, which `fauxface models` shows, so run it on an otherwise idle
machine.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import time
import warnings
from typing import Any

os.environ.update({"OMP_NUM_THREADS": "1"})

import numpy as np
import onnxruntime
import torch

from fauxface.files import write_text
from fauxface.info import machine
from fauxface.models import MODELS, FaceNetwork, LandmarkModel, build_network
from fauxface.models.backbones import folded
from fauxface.models.facts import FRAME, INPUT_SIZE, SCHEME
from fauxface.models.listing import TIMINGS
from fauxface.models.one_stage import NAME, OneStage
from fauxface.models.table import VARIANTS, parse

QUICK = ("mobilenetv3small-coordinates", "mobilenetv2-heatmaps", "mobilenetv3small-pip", NAME)


class Decoded(torch.nn.Module):
    """Images in, landmarks and scores out, as an application sees a model (and boxes, of the face detector)."""

    def __init__(self, model: FaceNetwork):
        super().__init__()
        self.model = model

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        if isinstance(self.model, OneStage):
            return tuple(self.model.find(images))
        assert isinstance(self.model, LandmarkModel)
        found = self.model.decode(self.model(images))
        return found.landmarks, found.scores


def shape_of(name: str, input_size: int) -> tuple[int, int, int, int]:
    """Of what the model sees: a crop, or the face detector's frame."""
    return (1, 3, FRAME[1], FRAME[0]) if name == NAME else (1, 3, input_size, input_size)


def session(name: str, input_size: int, **model_options: Any) -> onnxruntime.InferenceSession:
    """The model, with random weights, in ONNX Runtime on one thread, as it is exported."""
    shape = shape_of(name, input_size)
    model = folded(Decoded(build_network(name, shape[3], SCHEME, **model_options)).eval())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(model, (torch.zeros(shape),), dynamo=True, verbose=False)
    assert program is not None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    content = program.model_proto.SerializeToString()
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def milliseconds(run: onnxruntime.InferenceSession, shape: tuple[int, ...], seconds: float) -> float:
    """Median time of a face, over ``seconds``, after a warm-up."""
    feed = {run.get_inputs()[0].name: np.random.default_rng(0).random(shape, np.float32)}
    for _ in range(5):
        run.run(None, feed)
    times, began = [], time.perf_counter()
    while time.perf_counter() - began < seconds or len(times) < 5:
        start = time.perf_counter()
        run.run(None, feed)
        times.append(time.perf_counter() - start)
    return 1000 * float(np.median(times))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one small model a method, briefly; writes nothing")
    parser.add_argument(
        "--input-size",
        type=int,
        default=INPUT_SIZE,
        help="side of the crops, pixels; only at %(default)s are times written",
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    found: dict[str, float] = {}
    for name in QUICK if options.quick else (*MODELS, *VARIANTS, NAME):
        model, told = parse(name)
        found[name] = round(
            milliseconds(
                session(model, options.input_size, **told),
                shape_of(model, options.input_size),
                1 if options.quick else 5,
            ),
            3,
        )
        print(f"{name:<34}{found[name]:8.2f} ms", flush=True)
    where = machine()
    record = {
        "machine": where["processor"],
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "onnxruntime": where["onnxruntime"],
        "input_size": options.input_size,
        "ms": found,
    }
    if not options.quick and options.input_size == INPUT_SIZE:
        write_text(TIMINGS, json.dumps(record, indent=1) + "\n")
    print(json.dumps(record))


if __name__ == "__main__":
    main()
