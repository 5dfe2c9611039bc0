"""The registered models in figures: parameters and FLOPs computed on the spot, CPU time as last measured."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from fauxface.models.backbones import PAPERS
from fauxface.models.registry import MODELS, build_model

INPUT_SIZE = 128
SCHEME = "face_synthetics70"
TIMINGS = Path(__file__).parent / "timings.json"
"""What ``benchmarks/models.py`` writes: ``machine``, ``date``, ``input_size`` and ``ms``, by model."""


@dataclass(frozen=True)
class ModelFacts:
    """A model in figures.

    Attributes:
        name: the registered name.
        input_size: side of the crops, pixels.
        parameters: learned numbers.
        flops: floating-point operations a face: convolutions and matrix products, a multiply-add counted as 2.
        paper: where the method comes from, and the backbone.
    """

    name: str
    input_size: int
    parameters: int
    flops: int
    paper: str


def describe(name: str, input_size: int = INPUT_SIZE, scheme: str = SCHEME) -> ModelFacts:
    """The figures of a model, found on tensors that have a shape and no content; errors as `build_model`."""
    with torch.device("meta"), torch.no_grad():
        model = build_model(name, input_size, scheme).eval()
        counter = FlopCounterMode(display=False)
        images = torch.empty(1, 3, input_size, input_size)
        with counter:
            model(images)
    count = sum(parameter.numel() for parameter in model.parameters())
    papers = [model.paper, *(paper for start, paper in PAPERS.items() if name.startswith(start))]
    return ModelFacts(name, input_size, count, counter.get_total_flops(), "; ".join(papers))


def timings(input_size: int = INPUT_SIZE, path: Path = TIMINGS) -> dict[str, Any] | None:
    """The measured times, if there are any for crops of that size."""
    if not path.is_file():
        return None
    found = json.loads(path.read_text())
    return found if found["input_size"] == input_size else None


def models_table(input_size: int = INPUT_SIZE) -> str:
    """All registered models, a line each, as text."""
    measured = timings(input_size)
    times = measured["ms"] if measured else {}
    rows = [("model", "input", "parameters", "MFLOPs", "CPU ms", "paper")]
    for facts in (describe(name, input_size) for name in MODELS):
        ms = f"{times[facts.name]:.1f}" if facts.name in times else "–"
        size, parameters = f"{facts.input_size}²", f"{facts.parameters / 1e6:.2f} M"
        rows.append((facts.name, size, parameters, f"{facts.flops / 1e6:,.0f}", ms, facts.paper))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.rjust(w) if 0 < i < 5 else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    notes = ["", f"FLOPs a face of {SCHEME}; a multiply-add is 2. Any other timm backbone works by its name."]
    if measured:
        notes.append(f"CPU ms a face: ONNX Runtime, one thread, {measured['machine']}, {measured['date']}.")
    else:
        notes.append("CPU ms a face: not measured; `python benchmarks/models.py` does it.")
    return "\n".join(line.rstrip() for line in [*lines, *notes])
