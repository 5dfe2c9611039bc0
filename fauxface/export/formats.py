"""The network in formats of other runtimes, by these runtimes' own converters, where they are installed."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import requires, version
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import onnx
import torch
from torch import Tensor, nn

from fauxface.checkpoint import load_network
from fauxface.export.config import Format
from fauxface.export.file import Exported
from fauxface.export.onnx import EndToEnd, exported, quiet
from fauxface.extras import install, installed
from fauxface.files import atomic_folder, write_bytes
from fauxface.models import LandmarkModel
from fauxface.models.backbones import folded
from fauxface.outputs import check_file, empty_or_new
from fauxface.ranges import ExportBatch, in_range


class _Kind(NamedTuple):
    """A format: the converter's module, its package on PyPI, the file's suffix, and the function that writes it."""

    module: str
    package: str
    suffix: str
    write: Callable[[str | Path, Path, int], int]


@in_range
def export_as(checkpoint: str | Path, out: Path, kind: Format, batch: ExportBatch = 0) -> Exported:
    """Write a checkpoint in the format ``kind``, one of `FORMATS`; errors as `export`.

    ``batch`` 0 allows any batch in OpenVINO's format, and 1 in the others.

    ValueError, with the package's name, where the converter is not installed or takes no torch of this version; for
    another suffix; and where the converter fails.
    """
    form = FORMATS[kind]
    if out.suffix != form.suffix:
        raise ValueError(f"--out {out}: the name of --format {kind} must end in {form.suffix}")
    if not installed(form.module):
        raise ValueError(f"--format {kind} needs {form.package}: {install('train')} {form.package}")
    _check_torch(form.package, kind)
    return Exported(out, form.write(checkpoint, out, batch))


def _check_torch(package: str, kind: Format) -> None:
    """Raise ValueError where a converter asks for another torch: with a wrong one it may end the whole process."""
    from packaging.requirements import Requirement

    here = version("torch")
    for line in requires(package) or ():
        asked = Requirement(line)
        meant = asked.name == "torch" and (asked.marker is None or asked.marker.evaluate({"extra": ""}))
        if meant and not asked.specifier.contains(here, prereleases=True):
            raise ValueError(
                f"--format {kind}: {package} {version(package)} takes torch {asked.specifier}, and here is {here}: "
                f"in an environment of its own, {install('train')} {package}"
            )


@contextlib.contextmanager
def _converting(kind: Format) -> Iterator[None]:
    """Silence a converter, and raise ValueError, in one line, for the many ways in which it may fail."""
    package = FORMATS[kind].package
    try:
        with quiet(), contextlib.redirect_stderr(io.StringIO()):  # progress bars
            yield
    except Exception as error:
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        raise ValueError(f"--format {kind}: {package} {version(package)} failed: {reason}") from error


def _openvino(checkpoint: str | Path, out: Path, batch: int) -> int:
    """Write OpenVINO's .xml, and its .bin beside it; their bytes."""
    weights = out.with_suffix(".bin")
    for path in (out, weights):
        check_file(path, "--out")
    proto = exported(checkpoint, batch)
    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder) / "model.onnx", Path(folder) / "made.xml"
        onnx.save(proto, str(source))
        with _converting("openvino"):
            import openvino  # pyright: ignore[reportMissingImports]

            openvino.save_model(openvino.convert_model(str(source)), str(made), compress_to_fp16=False)
        parts = made.with_suffix(".bin").read_bytes(), made.read_bytes()
    for path, data in zip((weights, out), parts, strict=True):
        write_bytes(path, data)
    return sum(map(len, parts))


def _coreml(checkpoint: str | Path, out: Path, batch: int) -> int:
    """Write a Core ML package, a folder, which only Apple's systems run; its bytes."""
    empty_or_new(out, "the Core ML package")
    whole, images, names = _network(checkpoint, batch)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.mlpackage"
        with _converting("coreml"):
            import coremltools  # pyright: ignore[reportMissingImports]

            made: Any = coremltools.convert(
                torch.export.export(whole, (images,)).run_decompositions({}),
                inputs=[coremltools.TensorType("image", images.shape)],
                outputs=[coremltools.TensorType(name) for name in names],
                convert_to="mlprogram",
                compute_precision=coremltools.precision.FLOAT32,
                skip_model_load=True,
            )
            made.save(str(path))
        files = {file.relative_to(path): file.read_bytes() for file in path.rglob("*") if file.is_file()}
    with atomic_folder(out) as staging:
        for name, data in files.items():
            (staging / name).parent.mkdir(parents=True, exist_ok=True)
            (staging / name).write_bytes(data)
    return sum(map(len, files.values()))


def _litert(checkpoint: str | Path, out: Path, batch: int) -> int:
    """Write a LiteRT (TensorFlow Lite) file; its bytes."""
    check_file(out, "--out")
    whole, images, _ = _network(checkpoint, batch)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        with _converting("litert"):
            import litert_torch  # pyright: ignore[reportMissingImports]

            litert_torch.convert(whole, sample_kwargs={"image": images}).export(str(path))
        data = path.read_bytes()
    write_bytes(out, data)
    return len(data)


class _Named(nn.Module):
    """A landmark model with its pre- and post-processing; its outputs are a dictionary, which gives them names."""

    def __init__(self, model: LandmarkModel) -> None:
        super().__init__()
        self.whole = EndToEnd(model)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Crops N×S×S×3 → name → output."""
        return self.whole.outputs(image)


def _network(checkpoint: str | Path, batch: int) -> tuple[nn.Module, Tensor, list[str]]:
    """A landmark network end to end, an input B×S×S×3 float32 in 0…255, and the outputs' names."""
    model, _ = load_network(checkpoint)
    if not isinstance(model, LandmarkModel):
        raise ValueError("only landmark networks are written in this format, not detectors")
    whole = folded(_Named(model).eval())
    images = torch.zeros((batch or 1, model.input_size, model.input_size, 3))
    with torch.inference_mode():
        return whole, images, list(whole(images))


FORMATS: Mapping[str, _Kind] = MappingProxyType(
    {
        "openvino": _Kind("openvino", "openvino", ".xml", _openvino),
        "coreml": _Kind("coremltools", "coremltools", ".mlpackage", _coreml),
        "litert": _Kind("litert_torch", "litert-torch", ".tflite", _litert),
    }
)
"""Formats other than ONNX."""
