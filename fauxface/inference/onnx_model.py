"""Landmark models on ONNX Runtime; their files come from the checkpoint or from the user's cache."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import numpy as np
import onnx
import onnxruntime

from fauxface.checkpoint import MAX_INPUT_SIZE, Card, find_checkpoint
from fauxface.files import cache_folder, regular_size, tell_damaged, write_bytes
from fauxface.hashing import add_code, add_weights
from fauxface.inference.crops import Landmarks
from fauxface.landmarks import scheme_of
from fauxface.models import FaceNetwork, LandmarkModel
from fauxface.parsing import clipped, shown, whole
from fauxface.targets import TARGETS

Opened = TypeVar("Opened")
ONNX_FILE = "model.onnx"
_CODE = ("models/**/*.py", "targets/**/*.py", "export/onnx.py")
"""Code that an exported file depends on, as patterns inside the package."""


class OnnxModel:
    """A landmark model that ONNX Runtime runs on the CPU.

    Attributes:
        input_size: side of the crops, pixels.
        scheme: the landmark scheme's name.
    """

    def __init__(self, file: Path | bytes, threads: int = 0) -> None:
        """Load an ONNX file that ``fauxface export`` wrote; ValueError, in one line, for any other."""
        name = file if isinstance(file, Path) else "the ONNX model"
        self._session = session(file, threads)
        metadata = self._session.get_modelmeta().custom_metadata_map
        self._outputs = [output.name for output in self._session.get_outputs()]
        known = {"scores", "sigma", *TARGETS}
        if (
            not {"scheme", "input_size"} <= metadata.keys()
            or not {"landmarks", "scores"} <= set(self._outputs) <= known
        ):
            raise ValueError(f"{name}: not a model that fauxface exported")
        self.scheme = metadata["scheme"]
        self.input_size = whole(metadata["input_size"], f"{name}: input_size", 32, MAX_INPUT_SIZE)
        side, scheme = self.input_size, scheme_of(self.scheme)
        shapes = {target.name: (None, *target.shape_of(scheme)) for target in TARGETS.values()}
        batch = check_ends(name, self._session, {"image": (None, side, side, 3), **shapes}, other=(None, scheme.count))
        self._batch = batch if isinstance(batch, int) and batch > 0 else None

    def predict(self, crops: np.ndarray) -> Landmarks:
        """Landmarks in crop pixels of crops M×S×S×3 uint8 RGB."""
        crops = np.ascontiguousarray(crops)
        step = self._batch or len(crops)
        found = [self._run(crops[i : i + step], step) for i in range(0, len(crops), step)]
        outputs = zip(self._outputs, zip(*found, strict=True), strict=True)
        return Landmarks.from_names({name: np.concatenate(parts).astype(np.float64) for name, parts in outputs})

    def _run(self, crops: np.ndarray, step: int) -> list[np.ndarray]:
        missing = step - len(crops)  # of a file with a fixed batch
        batch = np.concatenate([crops, np.zeros((missing, *crops.shape[1:]), np.uint8)]) if missing else crops
        return [np.asarray(part)[: len(crops)] for part in self._session.run(self._outputs, {"image": batch})]


def load_onnx(model: LandmarkModel, card: Card, checkpoint: str | Path | None, threads: int = 0) -> OnnxModel:
    """The model on ONNX Runtime: its checkpoint's ``model.onnx``, or else an export, kept in the cache."""

    def open_model(file: Path | bytes) -> OnnxModel:
        found = OnnxModel(file, threads)
        if (found.scheme, found.input_size) != (card.scheme, card.input_size):
            raise ValueError(f"{file}: not this checkpoint's model: {found.scheme} at {found.input_size} px")
        return found

    def export() -> onnx.ModelProto:
        from fauxface.export.onnx import to_onnx

        return to_onnx(model, card)

    return open_exported(model, card, checkpoint, export, open_model)


def open_exported(
    model: FaceNetwork,
    card: Card,
    checkpoint: str | Path | None,
    export: Callable[[], onnx.ModelProto],
    open_file: Callable[[Path | bytes], Opened],
) -> Opened:
    """Open the checkpoint's ``model.onnx`` or else the cached export, made at first use, by ``open_file``."""
    if checkpoint is not None:
        shipped = find_checkpoint(checkpoint) / ONNX_FILE
        if shipped.is_file():
            return open_file(shipped)
    path = cache_folder() / "onnx" / f"{_key(model, card)}.onnx"
    if path.is_file():
        try:
            return open_file(path)
        except ValueError:
            tell_damaged(path)
            path.unlink(missing_ok=True)
    data = export().SerializeToString()
    try:
        write_bytes(path, data)
    except OSError:  # without a cache the next start takes some seconds longer
        return open_file(data)
    return open_file(path)


def session(file: Path | bytes, threads: int = 0) -> onnxruntime.InferenceSession:
    """Open an ONNX file on the CPU with this many threads (0: all); ValueError, in one line, if it cannot run."""
    name = file if isinstance(file, Path) else "the ONNX model"
    if isinstance(file, Path):
        regular_size(file)
    try:
        return onnxruntime.InferenceSession(
            str(file) if isinstance(file, Path) else file, _options(threads), providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # ONNX Runtime's exceptions share no base class
        raise ValueError(f"{name}: not a model that ONNX Runtime can run: {clipped(error, 160)}") from error


def check_ends(
    name: str | Path,
    run: onnxruntime.InferenceSession,
    shapes: dict[str, tuple[int | None, ...]],
    other: tuple[int | None, ...],
) -> int | str | None:
    """The batch length of the only input, ``image``; ValueError unless inputs and outputs have these shapes.

    ``shapes`` are by name, ``other`` is the shape of every other output; None stands for any length.
    """
    inputs, outputs = run.get_inputs(), run.get_outputs()
    if [(one.name, one.type) for one in inputs] != [("image", "tensor(uint8)")]:
        raise ValueError(f"{name}: not a model that fauxface exported: its only input is not an image of bytes")
    for end in (*inputs, *outputs):
        wanted = shapes.get(end.name, other)
        shape = list(end.shape or ())
        same = len(shape) == len(wanted) and all(w in (None, s) for w, s in zip(wanted, shape, strict=True))
        if not same or (end.name != "image" and end.type != "tensor(float)"):
            raise ValueError(f"{name}: not a model that fauxface exported: {clipped(end.name)} is {shown(shape)}")
    return inputs[0].shape[0]


def _key(model: FaceNetwork, card: Card) -> str:
    """A hash of everything that the exported file depends on: weights, card, code, libraries."""
    digest = hashlib.blake2b(digest_size=20)
    add_weights(digest, model)
    add_code(digest, _CODE)
    digest.update(repr((card, [version(library) for library in ("onnx", "onnxscript", "timm", "torch")])).encode())
    return digest.hexdigest()


def _options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    options.add_session_config_entry(
        "session.intra_op.allow_spinning", "0"
    )  # the rest of a frame's work needs the cores
    return options
