"""The list of models as text: parameters and FLOPs, and the last measured CPU times. No torch at the usual size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fauxface.models.facts import INPUT_SIZE, SCHEME, ModelFacts
from fauxface.parsing import read_json, read_json_object
from fauxface.ranges import InputSide, in_range

TIMINGS = Path(__file__).parent / "timings.json"
"""The file that ``benchmarks/models.py`` writes: ``machine``, ``date``, ``input_size`` and ``ms`` by model."""
FACTS = Path(__file__).parent / "facts.json"
"""The file that ``tools/model_facts.py`` writes: `ModelFacts` of every listed model at `INPUT_SIZE`."""


def listed_facts(input_size: int = INPUT_SIZE) -> list[ModelFacts]:
    """Size and cost of every listed model: from `FACTS` at `INPUT_SIZE`, computed with torch at another size."""
    if input_size != INPUT_SIZE:
        from fauxface.models.table import describe_all

        return describe_all(input_size)
    rows: Any = read_json(FACTS)
    return [ModelFacts(**{**row, "input_size": tuple(row["input_size"])}) for row in rows]


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
    for facts in listed_facts(input_size):
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
