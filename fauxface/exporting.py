"""What ``fauxface export`` does: a checkpoint as an ONNX file, and what eight bits cost in error and save in time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from fauxface.checkpoint import load_network
from fauxface.datasets import open_dataset
from fauxface.datasets.packed import PackedCrops, pack
from fauxface.faces import Framing
from fauxface.files import write_bytes
from fauxface.inference import OnnxModel, predict_crops
from fauxface.inference.export import detector_to_onnx, to_onnx
from fauxface.inference.quantise import quantised
from fauxface.landmarks import convert
from fauxface.metrics import nme
from fauxface.models import LandmarkModel
from fauxface.models.one_stage import OneStage
from fauxface.ranges import ExportBatch, in_range

CALIBRATE, MEASURE = 128, 512
"""How many renders calibrate, and how many others measure, at most."""
ALLOWED = 0.2
"""Points of NME that eight bits may cost."""


@dataclass(frozen=True)
class Exported:
    """The file, and of an eight-bit one: NME in percent, and milliseconds a face on one thread, before and after."""

    path: Path
    size: int
    nme: tuple[float, float] | None = None
    milliseconds: tuple[float, float] | None = None

    def table(self) -> str:
        """What the command prints."""
        lines = [f"wrote {self.path} ({self.size / 1e6:.1f} MB)"]
        if self.nme and self.milliseconds:
            lines += [
                f"NME on held-out renders: float32 {self.nme[0]:.2f} %, int8 {self.nme[1]:.2f} %",
                f"one face, one thread: float32 {self.milliseconds[0]:.2f} ms, int8 {self.milliseconds[1]:.2f} ms",
            ]
        return "\n".join(lines)


@in_range
def export(
    checkpoint: str | Path,
    out: Path,
    batch: ExportBatch = 0,
    int8: bool = False,
    calibrate: Path | None = None,
    force: bool = False,
) -> Exported:
    """Write a checkpoint as ONNX; ``batch`` 0 takes batches of any size.

    ValueError for ``int8`` without ``calibrate``, and if eight bits cost more than ``ALLOWED`` points of NME, unless
    ``force``: then nothing is written.
    """
    if out.suffix != ".onnx" or out.is_dir():
        raise ValueError(f"--out {out}: the file is to be named *.onnx")
    if int8 != (calibrate is not None):
        raise ValueError("--int8 and --calibrate DIR (a folder of renders) go together")
    dataset = None if calibrate is None else open_dataset(calibrate)
    if dataset is not None and len(dataset) < 4:
        raise ValueError(f"{calibrate}: {len(dataset)} faces are too few to calibrate with and to measure on")
    model, card = load_network(checkpoint)
    if isinstance(model, OneStage):
        if int8 or batch > 1:
            raise ValueError("a one-stage detector takes a frame at a time, in float32: leave out --batch and --int8")
        return _write(out, detector_to_onnx(model, card))
    assert isinstance(model, LandmarkModel)
    proto = to_onnx(model, card, batch)
    if dataset is None:
        return _write(out, proto)
    count = min(len(dataset), CALIBRATE + MEASURE)
    packed = pack(dataset.subset(count, seed=0), card.input_size, Framing(card.crop, card.crop_margin))
    first = min(CALIBRATE, count // 2)
    small = quantised(proto, packed.images[:first])
    runs = [OnnxModel(p.SerializeToString(), threads=1) for p in (proto, small)]
    before, after = (_error(run, packed, first, card.scheme) for run in runs)
    if after - before > ALLOWED and not force:
        raise ValueError(
            f"int8 raises the error on held-out renders from {before:.2f} to {after:.2f} %, by more than {ALLOWED} "
            "points; nothing written (--force writes it all the same)"
        )
    return _write(out, small, (before, after), _times(runs, packed.images[first:], batch or 1))


def _write(
    out: Path, proto: onnx.ModelProto, error: tuple[float, float] | None = None, ms: tuple[float, float] | None = None
) -> Exported:
    data = proto.SerializeToString()
    write_bytes(out, data)
    return Exported(out, len(data), error, ms)


def _error(model: OnnxModel, packed: PackedCrops, first: int, scheme: str) -> float:
    """NME in percent on the crops that did not calibrate."""
    points = predict_crops(model, packed.images[first:]).landmarks
    truth = packed.landmarks[first:].astype(np.float64)
    return float(nme(convert(points, scheme, packed.scheme), truth, packed.scheme).mean())


def _times(models: list[OnnxModel], crops: np.ndarray, batch: int, repeats: int = 60) -> tuple[float, float]:
    """Median milliseconds a face of each, ``batch`` faces at a time, in turns."""
    times: list[list[float]] = [[] for _ in models]
    for i in range(repeats):
        some = crops[(i + np.arange(batch)) % len(crops)]
        for model, own in zip(models, times, strict=True):
            start = time.perf_counter()
            model.predict(some)
            own.append(1000 * (time.perf_counter() - start) / batch)
    return float(np.median(times[0])), float(np.median(times[1]))
