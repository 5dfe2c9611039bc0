"""Label adaptation (Wood et al. 2021, §4.3): predicted landmarks moved to where annotators would click them.

An adapter never sees pixels, boxes or annotations. It works in the adapter frame, made from a face's *predicted* points
alone: the similarity transform that brings them nearest to the mean predicted shape is applied, and undone afterwards.
So it cannot learn a crop's position or size, which under ``--box landmarks`` would reveal the annotation's extremes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import safetensors.numpy
import yaml
from safetensors import SafetensorError

from fauxface.checkpoint import LICENCES
from fauxface.files import read_bytes, write_bytes, write_text
from fauxface.landmarks import conversion, scheme_of
from fauxface.outputs import filled_folder
from fauxface.parsing import as_record, clipped, read_yaml_mapping

WEIGHTS_FILE, CARD_FILE = "adapter.safetensors", "adapter.yaml"
MAX_BYTES = 256 << 20
_TENSORS = ("mean_shape", "input_mean", "input_scale")


@dataclass(frozen=True)
class AdapterCard:
    """The content of ``adapter.yaml``.

    Attributes:
        source: scheme of the predictions.
        target: scheme of the annotations.
        checkpoint: name of the checkpoint whose predictions it was fitted to.
        weights: a hash of that checkpoint's weights.
        fitted_on: data set, faces, box protocols, folds, seed.
        settings: regularisation of the network, chosen by cross-validation.
        scores: cross-validated errors, by name.
        lane: always ``research``, because it is fitted to annotated photographs.
        licence: the licence of the adapter.
    """

    source: str
    target: str
    checkpoint: str
    weights: str
    fitted_on: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, Any] = field(default_factory=dict)
    lane: str = "research"
    licence: str = LICENCES["research"]


class AdapterFrame(NamedTuple):
    """The similarity transforms of M faces: image point (x + iy) = ``unit`` · adapter frame's point + ``centre``."""

    unit: np.ndarray
    centre: np.ndarray

    def enter(self, points: np.ndarray) -> np.ndarray:
        """Image points (M, N, 2) in the adapter frames (M, N, 2)."""
        return _as_points((_as_numbers(points) - self.centre[:, None]) / self.unit[:, None])

    def leave(self, points: np.ndarray) -> np.ndarray:
        """Points (M, N, 2) in the adapter frames as image points (M, N, 2)."""
        return _as_points(_as_numbers(points) * self.unit[:, None] + self.centre[:, None])


def adapter_frames(points: np.ndarray, mean_shape: np.ndarray) -> AdapterFrame:
    """The adapter frames in which faces' points (M, N, 2) are nearest, by least squares, to ``mean_shape`` (N, 2).

    ``mean_shape`` is centred (Umeyama 1991). Points that all lie in one place get the unit 1.
    """
    numbers, shape = _as_numbers(points), _as_numbers(mean_shape)
    centre = numbers.mean(1)
    unit = (numbers - centre[:, None]) @ shape.conj() / np.vdot(shape, shape).real
    return AdapterFrame(np.where(np.abs(unit) > 1e-9, unit, 1), centre)


def mean_shape_of(points: np.ndarray, scheme: str, rounds: int = 10) -> np.ndarray:
    """The mean shape (N, 2) of faces (M, N, 2): upright, centred, mirror-symmetric, with root mean square radius 1.

    Generalised Procrustes analysis (Gower 1975). ValueError for faces without extent.
    """
    mirror = list(scheme_of(scheme).mirror)
    shape = (points - points.mean(1, keepdims=True)).mean(0)
    for _ in range(rounds):
        mirrored = shape[mirror] * [-1, 1]
        shape = (shape + mirrored) / 2
        shape = shape - shape.mean(0)
        size = np.sqrt((shape**2).sum(1).mean())
        if not size > 1e-9:
            raise ValueError("the checkpoint predicts all points in one place: there is nothing to adapt")
        shape = shape / size
        shape_next = adapter_frames(points, shape).enter(points).mean(0)
        if np.abs(shape_next - shape).max() < 1e-12:
            break
        shape = shape_next
    shape = (shape + shape[mirror] * [-1, 1]) / 2
    shape = shape - shape.mean(0)
    return shape / np.sqrt((shape**2).sum(1).mean())


@dataclass(frozen=True)
class Adapter:
    """A small network from predicted landmarks to annotated ones, in the adapter frame.

    It also sees each face mirrored and averages the two, so that left and right are treated alike.

    Attributes:
        card: schemes, origin, settings, scores, licence.
        mean_shape: N×2, the mean predicted shape that faces are aligned to.
        input_mean: (2N,) means of the aligned coordinates.
        input_scale: (2N,) divisors of the aligned coordinates.
        layers: (weight (out, in), bias (out,)) of each layer, with ReLUs between them.
    """

    card: AdapterCard
    mean_shape: np.ndarray
    input_mean: np.ndarray
    input_scale: np.ndarray
    layers: tuple[tuple[np.ndarray, np.ndarray], ...]

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Points (M, K, 2) as annotators would click them, from predicted ones (M, N, 2); image pixels; NaN stays."""
        source, target = scheme_of(self.card.source), scheme_of(self.card.target)
        assert points.shape[1:] == (source.count, 2), points.shape
        out = np.full((len(points), target.count, 2), np.nan)
        found = np.isfinite(points).all((1, 2))
        if not found.any():
            return out
        frame = adapter_frames(points[found], self.mean_shape)
        aligned = frame.enter(points[found])
        mirrored = self._shift(aligned[:, list(source.mirror)] * [-1, 1])[:, list(target.mirror)] * [-1, 1]
        shift = (self._shift(aligned) + mirrored) / 2
        out[found] = frame.leave(aligned[:, conversion(self.card.source, self.card.target)] + shift)
        return out

    def _shift(self, aligned: np.ndarray) -> np.ndarray:
        """Shifts (M, K, 2) of the target's points for aligned points (M, N, 2), adapter frame."""
        values = (aligned.reshape(len(aligned), -1) - self.input_mean) / self.input_scale
        for number, (weight, bias) in enumerate(self.layers):
            values = (np.maximum(values, 0) if number else values) @ weight.T + bias
        return values.reshape(len(aligned), -1, 2)

    def check(self, checkpoint: str | Path, scheme: str, weights: str) -> None:
        """Raise ValueError unless it was fitted to this checkpoint's predictions, with this hash of the weights."""
        if self.card.source != scheme:
            raise ValueError(f"the adapter is for {self.card.source} points, but {checkpoint} predicts {scheme}")
        if self.card.weights != weights:
            raise ValueError(
                f"the adapter was fitted to the predictions of other weights ({self.card.checkpoint}), not to those of "
                f"{checkpoint}: run fauxface adapt {checkpoint}"
            )


def save_adapter(folder: Path, adapter: Adapter, sources: Sequence[Path] = ()) -> None:
    """Write ``adapter.safetensors`` and ``adapter.yaml``; an earlier adapter there is replaced.

    Errors as `fauxface.outputs.check_folder`'s; ``sources`` are the folders that the adapter was made from.
    """
    tensors = {name: getattr(adapter, name) for name in _TENSORS}
    for number, (weight, bias) in enumerate(adapter.layers):
        tensors |= {f"layer{number}.weight": weight, f"layer{number}.bias": bias}
    data = safetensors.numpy.save({name: np.ascontiguousarray(value, np.float32) for name, value in tensors.items()})
    with filled_folder(folder, "adapt", sources) as temporary:
        write_bytes(temporary / WEIGHTS_FILE, data)
        write_text(temporary / CARD_FILE, yaml.safe_dump(asdict(adapter.card), sort_keys=False, allow_unicode=True))


def load_adapter(path: Path) -> Adapter:
    """Load the adapter in a folder, or the one that a file in it belongs to.

    FileNotFoundError without an adapter; ValueError, in one line, for a broken one.
    """
    folder = path.parent if path.is_file() and path.name in (WEIGHTS_FILE, CARD_FILE) else path
    if not (folder / CARD_FILE).is_file():
        raise FileNotFoundError(f"no adapter: {path} has no {CARD_FILE} (fauxface adapt makes one)")
    try:
        card = as_record(AdapterCard, read_yaml_mapping(folder / CARD_FILE), "its card")
        tensors = safetensors.numpy.load(read_bytes(folder / WEIGHTS_FILE, MAX_BYTES))
        tensors = {name: value.astype(np.float64) for name, value in tensors.items()}
        if not all(np.isfinite(value).all() for value in tensors.values()):
            raise ValueError("its numbers are not all finite")
        count = sum(name.endswith(".weight") for name in tensors)
        layers = tuple((tensors[f"layer{i}.weight"], tensors[f"layer{i}.bias"]) for i in range(count))
        adapter = Adapter(card, *(tensors[name] for name in _TENSORS), layers=layers)
        _check_shapes(adapter)
    except (OSError, TypeError, KeyError, ValueError, SafetensorError) as error:
        raise ValueError(f"{folder}: a broken adapter ({clipped(error, 120)})") from error
    return adapter


def _check_shapes(adapter: Adapter) -> None:
    """Raise ValueError unless the tensors' shapes are those of the card's schemes."""
    count, width = scheme_of(adapter.card.source).count, 2 * scheme_of(adapter.card.source).count
    conversion(adapter.card.source, adapter.card.target)
    shapes = [adapter.mean_shape.shape, adapter.input_mean.shape, adapter.input_scale.shape]
    if shapes != [(count, 2), (width,), (width,)] or not adapter.layers or not adapter.input_scale.all():
        raise ValueError(f"its tensors do not have the shapes of {adapter.card.source}")
    for weight, bias in adapter.layers:
        if weight.ndim != 2 or weight.shape[1] != width or bias.shape != weight.shape[:1]:
            raise ValueError("its layers do not fit together")
        width = len(bias)
    if width != 2 * scheme_of(adapter.card.target).count:
        raise ValueError(f"its last layer does not give the points of {adapter.card.target}")


def _as_numbers(points: np.ndarray) -> np.ndarray:
    """Points (..., 2) as complex numbers (...,), for which a similarity transform is one factor and one summand."""
    return np.asarray(points, np.float64) @ np.array([1, 1j])


def _as_points(numbers: np.ndarray) -> np.ndarray:
    return np.stack([np.real(numbers), np.imag(numbers)], -1)
