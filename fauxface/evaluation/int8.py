"""Eight-bit exports: their error and speed, compared with float32, on renders that were not used to calibrate them."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from fauxface.checkpoint import load_network
from fauxface.datasets import open_dataset
from fauxface.datasets.packed import PackedCrops, pack
from fauxface.export import Exported, quantised, to_onnx
from fauxface.export.file import check_export, write_exported
from fauxface.faces import Framing
from fauxface.inference import OnnxModel, predict_crops
from fauxface.landmarks import common_scheme, convert
from fauxface.metrics import nme, usual_normaliser
from fauxface.models import LandmarkModel
from fauxface.ranges import ExportBatch, in_range

CALIBRATE, MEASURE = 128, 512
"""Most renders to calibrate with, and to measure on."""
ALLOWED = 0.2
"""Largest increase of NME, in points of percent, that an eight-bit export may have."""


@in_range
def export_int8(
    checkpoint: str | Path, out: Path, calibrate: Path, batch: ExportBatch = 0, force: bool = False
) -> Exported:
    """Write a checkpoint as an eight-bit ONNX file, calibrated on some renders of ``calibrate`` and measured on others.

    ValueError, and no file, if NME rises by more than ``ALLOWED``, unless ``force`` is set.
    """
    check_export(out)
    dataset = open_dataset(calibrate)
    if len(dataset) < 4:
        raise ValueError(f"{calibrate}: {len(dataset)} faces are too few to calibrate with and to measure on")
    model, card = load_network(checkpoint)
    if not isinstance(model, LandmarkModel):
        raise ValueError("a one-stage detector runs in float32 only: leave out --int8")
    proto = to_onnx(model, card, batch)
    count = min(len(dataset), CALIBRATE + MEASURE)
    packed = pack(dataset.subset(count, seed=0), card.input_size, Framing(card.crop, card.crop_margin))
    first = min(CALIBRATE, count // 2)
    small = quantised(proto, packed.images[:first])
    runs = [OnnxModel(p.SerializeToString(), threads=1) for p in (proto, small)]
    before, after = (_error(run, packed, first, card.scheme) for run in runs)
    if after - before > ALLOWED and not force:
        raise ValueError(
            f"int8 raises the error on held-out renders from {before:.2f} to {after:.2f} %, by more than {ALLOWED} "
            "points; nothing written (--force writes it anyway)"
        )
    return write_exported(out, small, (before, after), _times(runs, packed.images[first:], batch or 1))


def _error(model: OnnxModel, packed: PackedCrops, first: int, scheme: str) -> float:
    """NME in percent on the crops after the first ``first``, which calibrated."""
    points = predict_crops(model, packed.images[first:]).landmarks
    truth = packed.landmarks[first:].astype(np.float64)
    common = common_scheme(scheme, packed.scheme)
    errors = nme(
        convert(points, scheme, common), convert(truth, packed.scheme, common), common, usual_normaliser(common)
    )
    return float(errors.mean())


def _times(models: list[OnnxModel], crops: np.ndarray, batch: int, repeats: int = 60) -> tuple[float, float]:
    """Median milliseconds a face of each of two models, ``batch`` faces at a time, measured in turns."""
    times: list[list[float]] = [[] for _ in models]
    for i in range(repeats):
        some = crops[(i + np.arange(batch)) % len(crops)]
        for model, spent in zip(models, times, strict=True):
            start = time.perf_counter()
            model.predict(some)
            spent.append(1000 * (time.perf_counter() - start) / batch)
    return float(np.median(times[0])), float(np.median(times[1]))
