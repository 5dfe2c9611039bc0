"""Landmark models on ONNX Runtime; their files come from the checkpoint or from the user's cache."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import onnxruntime

from fauxface.checkpoint import MAX_INPUT_SIZE, ONNX_FILE, Card, find_checkpoint, identity_of, read_card, stored_weights
from fauxface.extras import require, versions
from fauxface.files import cache_folder, regular_size, tell_damaged, write_bytes
from fauxface.hashing import add_code, file_hash, weights_hash
from fauxface.inference.crops import Landmarks
from fauxface.landmarks import scheme_of
from fauxface.models.names import ONE_STAGE
from fauxface.parsing import clipped, shown, whole
from fauxface.targets import TARGETS


class Exported(Protocol):
    """A model that an ONNX file holds."""

    metadata: Mapping[str, str]


Opened = TypeVar("Opened", bound=Exported)
_CODE = ("models/**/*.py", "targets/**/*.py", "export/onnx.py")
"""Code that an exported file depends on, as patterns inside the package."""


class OnnxModel:
    """A landmark model that ONNX Runtime runs on the CPU.

    Attributes:
        input_size: side of the crops, pixels.
        scheme: the landmark scheme's name.
        metadata: as `fauxface.export.onnx.metadata` wrote them.
    """

    def __init__(self, file: Path | bytes, threads: int = 0) -> None:
        """Load an ONNX file that ``fauxface export`` wrote; ValueError, in one line, for any other."""
        name = file if isinstance(file, Path) else "the ONNX model"
        self._session = session(file, threads)
        self._file = file
        self.metadata = metadata = self._session.get_modelmeta().custom_metadata_map
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

    @property
    def digest(self) -> str:
        """A hash of the file."""
        return file_hash(self._file) if isinstance(self._file, Path) else hashlib.sha256(self._file).hexdigest()

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


def load_onnx(checkpoint: str | Path, threads: int = 0) -> OnnxModel:
    """The landmark model of a checkpoint on ONNX Runtime, on this many threads (0: all); see `open_exported`.

    ValueError for a checkpoint that is a face detector.
    """
    if read_card(checkpoint).model == ONE_STAGE:
        raise ValueError(f"{checkpoint} is a face detector ({ONE_STAGE}), not a landmark model: pass it to --detector")
    return open_exported(checkpoint, lambda file: OnnxModel(file, threads))


def open_exported(checkpoint: str | Path, open_file: Callable[[Path | bytes], Opened]) -> Opened:
    """Open the checkpoint's ``model.onnx`` or else its export in the cache, made at first use, by ``open_file``.

    Only the first use without a ``model.onnx`` imports torch. ValueError, in one line, for a file that is not of this
    checkpoint, and where torch is not installed but needed.
    """
    folder, card = find_checkpoint(checkpoint), read_card(checkpoint)

    def opened(file: Path | bytes) -> Opened:
        found = open_file(file)
        check_card(file, found.metadata, card)
        return found

    if (folder / ONNX_FILE).is_file():
        return opened(folder / ONNX_FILE)
    path = cache_folder() / "onnx" / f"{_key(checkpoint, card)}.onnx"
    if path.is_file():
        try:
            return opened(path)
        except ValueError:
            tell_damaged(path)
            path.unlink(missing_ok=True)
    require("train", f"{folder} has no {ONNX_FILE}; making one")
    from fauxface.export.onnx import exported

    data = exported(checkpoint).SerializeToString()
    try:
        write_bytes(path, data)
    except OSError:  # without a cache the next start takes some seconds longer
        return opened(data)
    return opened(path)


def check_card(file: Path | bytes, metadata: Mapping[str, str], card: Card) -> None:
    """Raise a ValueError of one line unless the metadata of an ONNX file agree with the card."""
    name = file if isinstance(file, Path) else "the ONNX model"
    for key, value in identity_of(card).items():
        if metadata.get(key, str(value)) != str(value):
            raise ValueError(
                f"{name}: not this checkpoint's model: its {key} is {clipped(metadata[key])}, the card's {value}"
            )


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


def _key(checkpoint: str | Path, card: Card) -> str:
    """A hash of everything that the exported file depends on: weights, card, code, libraries."""
    digest = hashlib.blake2b(weights_hash(stored_weights(checkpoint)).encode(), digest_size=20)
    add_code(digest, _CODE)
    digest.update(repr((card, versions("onnx", "onnxscript", "timm", "torch"))).encode())
    return digest.hexdigest()


def _options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    options.add_session_config_entry(
        "session.intra_op.allow_spinning", "0"
    )  # the rest of a frame's work needs the cores
    return options
