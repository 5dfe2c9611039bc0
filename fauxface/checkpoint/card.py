"""The card of a checkpoint (``model.yaml``), and its weights as plain arrays: all that needs no PyTorch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError, safe_open

from fauxface.files import regular_size
from fauxface.hub import hub_folder, is_on_hub
from fauxface.parsing import as_record, clipped, number, parse_json, read_yaml_mapping, whole

WEIGHTS_FILE, CARD_FILE, ONNX_FILE = "model.safetensors", "model.yaml", "model.onnx"
SHIPPED = Path(__file__).parent.parent / "weights"
"""Folder of the weights that come with the package, one folder for each name."""
CropKind = Literal["box", "five-points", "level"]
LICENCES = {
    "clean": "Apache-2.0",
    "research": "research only: made with data or weights under other terms, see provenance",
}
MAX_INPUT_SIZE = 4096
"""Largest input size of a checkpoint, px."""
BUFFERS = ("running_mean", "running_var", "num_batches_tracked", "mean_face", "neighbours", "sigma_factor")
"""Last parts of the names of tensors that are stored with a network but not learned by its optimiser."""


@dataclass
class Card:
    """The content of a checkpoint's ``model.yaml``.

    Attributes:
        model: the model's registered name.
        input_size: side of the crops, pixels.
        scheme: name of the landmark scheme.
        labels: the label convention that it learned: ``projected``, ``2d`` or ``annotated``.
        crop_margin: side of the crop in units of the box's longer side.
        calibration: for a probabilistic model: the factor of its σ, and the shares of errors within σ and 2σ.
        crop: the kind of crop, ``box``, ``five-points`` or ``level`` (`fauxface.faces.Framing`).
        options: the other arguments that ``build_model`` needs to rebuild the model.
        reliable: limits of a reliable face (`fauxface.inference.reliability`); empty for the general ones.
        targets: the names of its targets (`fauxface.targets`); empty on old cards.
        normalisation: ``mean`` and ``deviation`` of RGB in [0, 1], as built into the model.
        training: the training configuration.
        provenance: generator version, data, images, seed, versions, machine.
        lane: ``clean`` or ``research``.
        licence: the licence of the weights.
        scores: measured errors, by name.
    """

    model: str
    input_size: int
    scheme: str
    labels: str
    crop_margin: float
    lane: Literal["clean", "research"]
    licence: str
    options: dict[str, Any] = field(default_factory=dict)
    normalisation: dict[str, list[float]] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, Any] = field(default_factory=dict)
    crop: CropKind = "box"
    calibration: dict[str, Any] = field(default_factory=dict)
    reliable: dict[str, Any] = field(default_factory=dict)
    targets: list[str] = field(default_factory=list)


def lane_of(
    ours: bool, start: Literal["random", "hub"] | Card, teacher: Card | None = None
) -> Literal["clean", "research"]:
    """The lane of weights trained from ``start``, maybe with a ``teacher``; ``ours``: on Fauxface's renders alone."""
    clean_start = start == "random" or (isinstance(start, Card) and start.lane == "clean")
    return "clean" if ours and clean_start and (teacher is None or teacher.lane == "clean") else "research"


def find_checkpoint(name: str | Path) -> Path:
    """The folder of a checkpoint, given that folder, a run's folder, the name of shipped weights, or a hub's name.

    FileNotFoundError, with the names of all shipped weights, if ``name`` is none of these; errors of `hub_folder`.
    """
    folder = hub_folder(str(name)) if is_on_hub(name) else Path(name)
    for candidate in (folder, folder / "checkpoint", SHIPPED / str(name)):
        if (candidate / CARD_FILE).is_file():
            return candidate
    shipped = sorted(path.parent.name for path in SHIPPED.glob(f"*/{CARD_FILE}"))
    reason = f"has no {CARD_FILE}" if folder.is_dir() else "is not a folder"
    names = ", ".join(shipped) or "there are none"
    raise FileNotFoundError(f"no checkpoint: {name} {reason}, nor the name of shipped weights ({names})")


def read_card(name: str | Path) -> Card:
    """The card of a checkpoint; FileNotFoundError, or ValueError with the file's name if it is invalid."""
    path = find_checkpoint(name) / CARD_FILE
    card = as_record(Card, read_yaml_mapping(path), f"{path}: the card")
    whole(card.input_size, f"{path}: input_size", 32, MAX_INPUT_SIZE)
    number(card.crop_margin, f"{path}: crop_margin", 0.1, 10)
    return card


def stored_weights(name: str | Path) -> dict[str, np.ndarray]:
    """The weights of a checkpoint by name, as they are stored.

    Errors as `read_card`; ValueError, in one line, for a broken file, and for one that says it belongs to another card.
    """
    folder, card = find_checkpoint(name), read_card(name)
    path = folder / WEIGHTS_FILE
    with readable_weights(path):
        weights, identity = safetensors.numpy.load_file(path), stored_identity(path)
    check_identity(folder, card, identity)
    return weights


def stored_identity(path: Path) -> dict[str, Any]:
    """The part of the card that a weights file repeats; ValueError if its metadata hold no mapping."""
    with safe_open(path, "np") as file:
        identity = parse_json((file.metadata() or {}).get("card", "{}"))
    if not isinstance(identity, dict):
        raise ValueError("the card in its metadata is not a mapping")
    return identity


@contextmanager
def readable_weights(path: Path) -> Iterator[None]:
    """Turn errors of reading the weights file ``path`` into a FileNotFoundError or ValueError of one line."""
    try:
        regular_size(path)
        yield
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is missing, though {CARD_FILE} is there") from None
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: not readable as safetensors ({clipped(error, 160)})") from error


def parameter_count(name: str | Path) -> int:
    """Number of a checkpoint's learned numbers, without statistics and tables; errors as `stored_weights`."""
    return sum(value.size for key, value in stored_weights(name).items() if key.rpartition(".")[2] not in BUFFERS)


def check_identity(folder: Path, card: Card, identity: Mapping[str, Any]) -> None:
    """Raise a ValueError of one line unless what a weights file says of itself agrees with the card."""
    for name, value in identity_of(card).items():
        if identity.get(name, value) != value:
            raise ValueError(f"{conflict(folder, card)} has {name} {value}, the weights have {clipped(identity[name])}")


def conflict(folder: Path, card: Card) -> str:
    """The beginning of the line about a card and weights that disagree."""
    return f"{folder}: {CARD_FILE} and {WEIGHTS_FILE} disagree: {card.model} for {card.scheme} at {card.input_size} px"


def identity_of(card: Card) -> dict[str, Any]:
    """The part of the card that the weights file repeats: shapes alone cannot tell 120 px from 128 px."""
    names = ("model", "input_size", "scheme", "labels", "crop_margin", "crop", "lane")
    return {name: getattr(card, name) for name in names}
