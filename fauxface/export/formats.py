"""The network in formats of other runtimes, by these runtimes' own converters, where they are installed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import onnx
import torch

from fauxface.checkpoint import load_network
from fauxface.export.file import Exported
from fauxface.export.onnx import EndToEnd, exported
from fauxface.extras import installed
from fauxface.files import atomic_folder, write_bytes
from fauxface.models import LandmarkModel
from fauxface.outputs import check_file, empty_or_new
from fauxface.ranges import ExportBatch, in_range

Format = Literal["onnx", "openvino", "coreml", "litert"]


class _Kind(NamedTuple):
    """A format: the converter's module, its package on PyPI, the file's suffix, and the function that writes it."""

    module: str
    package: str
    suffix: str
    write: Callable[[str | Path, Path, int], int]


@in_range
def export_as(checkpoint: str | Path, out: Path, kind: Format, batch: ExportBatch = 0) -> Exported:
    """Write a checkpoint in the format ``kind``, one of `FORMATS`; errors as `export`.

    ValueError, with the package's name, where the converter is not installed, and for another suffix.
    """
    form = FORMATS[kind]
    if out.suffix != form.suffix:
        raise ValueError(f"--out {out}: the name of --format {kind} must end in {form.suffix}")
    if not installed(form.module):
        raise ValueError(f"--format {kind} needs {form.package}: pip install {form.package}")
    return Exported(out, form.write(checkpoint, out, batch))


def _openvino(checkpoint: str | Path, out: Path, batch: int) -> int:
    """Write OpenVINO's .xml, and its .bin beside it; their bytes."""
    import openvino  # pyright: ignore[reportMissingImports]

    weights = out.with_suffix(".bin")
    for path in (out, weights):
        check_file(path, "--out")
    proto = exported(checkpoint, batch)
    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder) / "model.onnx", Path(folder) / "made.xml"
        onnx.save(proto, str(source))
        openvino.save_model(openvino.convert_model(str(source)), str(made), compress_to_fp16=False)
        parts = made.with_suffix(".bin").read_bytes(), made.read_bytes()
    for path, data in zip((weights, out), parts, strict=True):
        write_bytes(path, data)
    return sum(map(len, parts))


def _coreml(checkpoint: str | Path, out: Path, batch: int) -> int:
    """Write a Core ML package, a folder, which only Apple's systems run; its bytes."""
    import coremltools  # pyright: ignore[reportMissingImports]

    empty_or_new(out, "the Core ML package")
    whole, images, names = _traceable(checkpoint, batch)
    with torch.inference_mode():
        traced = torch.jit.trace(whole, (images,), check_trace=False)
    try:
        made: Any = coremltools.convert(
            traced,
            inputs=[coremltools.TensorType("image", images.shape)],
            outputs=[coremltools.TensorType(name) for name in names],
            convert_to="mlprogram",
            compute_precision=coremltools.precision.FLOAT32,
            skip_model_load=True,
        )
    except Exception as error:  # newer versions of torch than the converter knows make it fail in many ways
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise ValueError(f"--format coreml: coremltools {coremltools.__version__} failed: {reason}") from error
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.mlpackage"
        made.save(str(path))
        files = {file.relative_to(path): file.read_bytes() for file in path.rglob("*") if file.is_file()}
    with atomic_folder(out) as staging:
        for name, data in files.items():
            (staging / name).parent.mkdir(parents=True, exist_ok=True)
            (staging / name).write_bytes(data)
    return sum(map(len, files.values()))


def _litert(checkpoint: str | Path, out: Path, batch: int) -> int:
    """Write a LiteRT (TensorFlow Lite) file; its bytes."""
    import ai_edge_torch  # pyright: ignore[reportMissingImports]

    check_file(out, "--out")
    whole, images, _ = _traceable(checkpoint, batch)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        ai_edge_torch.convert(whole, (images,)).export(str(path))
        data = path.read_bytes()
    write_bytes(out, data)
    return len(data)


def _traceable(checkpoint: str | Path, batch: int) -> tuple[EndToEnd, torch.Tensor, list[str]]:
    """The landmark network end to end, an input B×S×S×3 float32 in 0…255, and the outputs' names."""
    model, _ = load_network(checkpoint)
    if not isinstance(model, LandmarkModel):
        raise ValueError("only landmark networks are written in this format, not detectors")
    whole = EndToEnd(model).eval()
    images = torch.zeros((batch or 1, model.input_size, model.input_size, 3))
    with torch.inference_mode():
        return whole, images, list(whole.outputs(images))


FORMATS: Mapping[str, _Kind] = MappingProxyType(
    {
        "openvino": _Kind("openvino", "openvino", ".xml", _openvino),
        "coreml": _Kind("coremltools", "coremltools", ".mlpackage", _coreml),
        "litert": _Kind("ai_edge_torch", "ai-edge-torch", ".tflite", _litert),
    }
)
"""Formats other than ONNX."""
