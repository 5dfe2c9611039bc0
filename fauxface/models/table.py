"""The registered models in figures: parameters and FLOPs computed on the spot, CPU time as last measured."""

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
"""Models with options that are listed too, as `fauxface train --model` takes them."""
INPUT_SIZE = 128
SCHEME = "face_synthetics70"
FRAME = (640, 480)
"""What one-stage is measured on, pixels wide and high."""
TIMINGS = Path(__file__).parent / "timings.json"
"""What ``benchmarks/models.py`` writes: ``machine``, ``date``, ``input_size`` and ``ms``, by model."""


@dataclass(frozen=True)
class ModelFacts:
    """A model in figures.

    Attributes:
        name: the registered name.
        input_size: width and height of what it sees, pixels.
        parameters: learned numbers.
        flops: floating-point operations a face, or a frame: convolutions and matrix products; a multiply-add is 2.
        paper: where the method comes from, and the backbone.
    """

    name: str
    input_size: tuple[int, int]
    parameters: int
    flops: int
    paper: str


def parse(label: str) -> tuple[str, dict[str, Any]]:
    """The model's name and its options, of a label as in `VARIANTS` or of a name alone."""
    name, *options = label.split(" --")
    return name, dict(option.split(" ") for option in options)


def describe(name: str, input_size: int = INPUT_SIZE, scheme: str = SCHEME) -> ModelFacts:
    """The figures of a model (or a label, see `parse`), found on tensors that have a shape and no content.

    Errors as `build_model`.
    """
    label, (name, told) = name, parse(name)
    width, height = size = FRAME if name == one_stage.NAME else (input_size, input_size)
    with torch.device("meta"), torch.no_grad():
        model = build_network(name, width, scheme, **told).eval()
        counter = FlopCounterMode(display=False)
        images = torch.empty(1, 3, height, width)
        with counter:
            model.find(images) if isinstance(model, one_stage.OneStage) else model(images)
    count = sum(parameter.numel() for parameter in model.parameters())
    papers = [model.paper, *(paper for start, paper in PAPERS.items() if name.startswith(start))]
    return ModelFacts(label, size, count, counter.get_total_flops(), "; ".join(papers))


def timings(input_size: int = INPUT_SIZE, path: Path = TIMINGS) -> dict[str, Any] | None:
    """The measured times, if there are any for crops of that size."""
    if not path.is_file():
        return None
    found = read_json_object(path)
    return found if found["input_size"] == input_size else None


@in_range
def models_table(input_size: InputSide = INPUT_SIZE) -> str:
    """All registered models, a line each, as text."""
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
        notes.append("CPU ms a face: not measured; `python benchmarks/models.py` does it.")
    return "\n".join(line.rstrip() for line in [*lines, *notes])
