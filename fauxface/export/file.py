"""Write a checkpoint as an ONNX file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import onnx

from fauxface.export.onnx import exported
from fauxface.files import write_bytes
from fauxface.outputs import check_file
from fauxface.ranges import ExportBatch, in_range


@dataclass(frozen=True)
class Exported:
    """An exported file; for 8 bits with NME in percent and milliseconds per face on one thread, before and after."""

    path: Path
    size: int
    nme: tuple[float, float] | None = None
    milliseconds: tuple[float, float] | None = None

    def table(self) -> str:
        """The lines that the command prints."""
        lines = [f"wrote {self.path} ({self.size / 1e6:.1f} MB)"]
        if self.nme and self.milliseconds:
            lines += [
                f"NME on held-out renders: float32 {self.nme[0]:.2f} %, int8 {self.nme[1]:.2f} %",
                f"one face, one thread: float32 {self.milliseconds[0]:.2f} ms, int8 {self.milliseconds[1]:.2f} ms",
            ]
        return "\n".join(lines)


@in_range
def export(checkpoint: str | Path, out: Path, batch: ExportBatch = 0) -> Exported:
    """Write a checkpoint as ONNX in float32; with ``batch`` 0 the file accepts batches of any size.

    ValueError for a file that is not named ``*.onnx``, and for a batch that the model cannot accept.
    """
    check_export(out)
    return write_exported(out, exported(checkpoint, batch))


def check_export(out: Path) -> None:
    """Raise a ValueError or OSError for a file that is not named ``*.onnx`` or cannot be written."""
    if out.suffix != ".onnx":
        raise ValueError(f"--out {out}: the name must end in .onnx")
    check_file(out, "--out")


def write_exported(
    out: Path, proto: onnx.ModelProto, error: tuple[float, float] | None = None, ms: tuple[float, float] | None = None
) -> Exported:
    """Write the model to ``out``; ``error`` and ``ms`` as in `Exported`."""
    data = proto.SerializeToString()
    write_bytes(out, data)
    return Exported(out, len(data), error, ms)
