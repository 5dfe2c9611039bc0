"""A table of the models: computed parameters and FLOPs, and the last measured CPU times."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from fauxface.models import one_stage
from fauxface.models.backbones import PAPERS
from fauxface.models.registry import MODELS, build_network
from fauxface.parsing import read_json_object
from fauxface.ranges import InputSide, in_range

VARIANTS = ("mobilenetv3small-pip --neck fuse", "resnet18-pip --neck fuse")
"""Listed models with options of `fauxface train --model`."""
INPUT_SIZE = 128
SCHEME = "face_synthetics70"
FRAME = (640, 480)
"""Width and height of the frame on which one-stage is measured, pixels."""
TIMINGS = Path(__file__).parent / "timings.json"
"""The file that ``benchmarks/models.py`` writes: ``machine``, ``date``, ``input_size`` and ``ms`` by model."""


@dataclass(frozen=True)
class ModelFacts:
    """Size and cost of a model.

    Attributes:
        name: its name, with options.
        input_size: width and height of its input, pixels.
        parameters: number of learned parameters.
        flops: floating-point operations of convolutions and matrix products for one face (or frame); a multiply-add
            counts as 2.
        paper: sources of the method and the backbone.
    """

    name: str
    input_size: tuple[int, int]
    parameters: int
    flops: int
    paper: str


def parse(text: str) -> tuple[str, dict[str, Any]]:
    """A model's name and options from a name, or from a name with options as in `VARIANTS`."""
    name, *options = text.split(" --")
    return name, dict(option.split(" ") for option in options)


def describe(name: str, input_size: int = INPUT_SIZE, scheme: str = SCHEME) -> ModelFacts:
    """Size and cost of a model (see `parse` for options), computed on tensors without content.

    Errors of `build_model`.
    """
    listed, (name, options) = name, parse(name)
    width, height = size = FRAME if name == one_stage.NAME else (input_size, input_size)
    with torch.device("meta"), torch.no_grad():
        model = build_network(name, width, scheme, **options).eval()
        counter = FlopCounterMode(display=False)
        images = torch.empty(1, 3, height, width)
        with counter:
            model.find(images) if isinstance(model, one_stage.OneStage) else model(images)
    count = sum(parameter.numel() for parameter in model.parameters())
    papers = [model.paper, *(paper for start, paper in PAPERS.items() if name.startswith(start))]
    return ModelFacts(listed, size, count, counter.get_total_flops(), "; ".join(papers))


def timings(input_size: int = INPUT_SIZE, path: Path = TIMINGS) -> dict[str, Any] | None:
    """The measured times, None if there are none for crops of ``input_size`` pixels."""
    if not path.is_file():
        return None
    found = read_json_object(path)
    return found if found["input_size"] == input_size else None


@in_range
def models_table(input_size: InputSide = INPUT_SIZE) -> str:
    """The table of all listed models as text, one line for each."""
    measured = timings(input_size)
    times = measured["ms"] if measured else {}
    rows = [("model", "input", "parameters", "MFLOPs", "CPU ms", "paper")]
    for facts in (describe(name, input_size) for name in (*MODELS, *VARIANTS, one_stage.NAME)):
        ms = f"{times[facts.name]:.1f}" if facts.name in times else "–"
        wide, high = facts.input_size
        size, parameters = f"{wide}²" if wide == high else f"{wide}×{high}", f"{facts.parameters / 1e6:.2f} M"
        rows.append((facts.name, size, parameters, f"{facts.flops / 1e6:,.0f}", ms, facts.paper))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.rjust(w) if 0 < i < 5 else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    notes = [
        "",
        f"FLOPs a face of {SCHEME}, of one-stage a frame; a multiply-add is 2. Any other timm backbone works by name.",
    ]
    if measured:
        notes.append(f"CPU ms a face (a frame): ONNX Runtime, one thread, {measured['machine']}, {measured['date']}.")
    else:
        notes.append("CPU ms a face: not measured for this size; run `python benchmarks/models.py`.")
    return "\n".join(line.rstrip() for line in [*lines, *notes])
