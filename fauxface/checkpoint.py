"""Checkpoints: folders with weights (``model.safetensors``) and a card (``model.yaml``) with their origin and licence.

Licence lanes: *clean* weights were learned from Fauxface's renders alone, starting from random weights or a clean
checkpoint; all others are *research*. Nothing is pickled.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import safetensors.torch
import torch
import yaml
from safetensors import SafetensorError, safe_open
from torch import Tensor

from fauxface.files import regular_size, write_bytes, write_text
from fauxface.models import FaceNetwork, LandmarkModel, build_network
from fauxface.models.one_stage import OneStage
from fauxface.models.registry import check_options
from fauxface.parsing import as_record, clipped, number, parse_json, read_yaml_mapping, whole

WEIGHTS_FILE, CARD_FILE = "model.safetensors", "model.yaml"
SHIPPED = Path(__file__).parent / "weights"
"""Folder of the weights that come with the package, one folder for each name."""
CropKind = Literal["box", "five-points", "level"]
LICENCES = {
    "clean": "Apache-2.0",
    "research": "research only: made with data or weights under other terms, see provenance",
}
MAX_INPUT_SIZE = 4096
"""Largest input size of a checkpoint, px."""
_LARGEST_FP16 = torch.finfo(torch.float16).max


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


def card_of(
    model: FaceNetwork,
    labels: str,
    crop_margin: float,
    lane: Literal["clean", "research"],
    crop: CropKind = "box",
) -> Card:
    """The card of a model; the caller fills in training, provenance and scores."""
    numbers = {name: [round(v, 6) for v in getattr(model, name).flatten().tolist()] for name in ("mean", "deviation")}
    return Card(
        model=model.name,
        input_size=model.input_size,
        scheme=model.scheme,
        labels=labels,
        crop_margin=crop_margin,
        lane=lane,
        licence=LICENCES[lane],
        options=dict(model.options),
        normalisation=numbers,
        crop=crop,
        targets=list(model.targets),
    )


def save_checkpoint(folder: Path, model: FaceNetwork, card: Card, half: bool = False) -> None:
    """Write the model's weights and its card; ``half`` stores parameters as float16 (those that fit in it)."""
    learned = {name for name, _ in model.named_parameters()}
    state = sorted(model.state_dict().items())  # sorted, so that equal weights give equal bytes
    weights = {name: _stored(value, half and name in learned) for name, value in state}
    write_bytes(folder / WEIGHTS_FILE, safetensors.torch.save(weights, {"card": json.dumps(_identity(card))}))
    write_text(folder / CARD_FILE, yaml.safe_dump(asdict(card), sort_keys=False, allow_unicode=True))


def find_checkpoint(name: str | Path) -> Path:
    """The folder of a checkpoint, given that folder, a run's folder, or the name of shipped weights.

    FileNotFoundError, with the names of all shipped weights, if ``name`` is none of these.
    """
    folder = Path(name)
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


def load_checkpoint(name: str | Path) -> tuple[LandmarkModel, Card]:
    """The model, in eval mode and float32, and its card.

    Args:
        name: a checkpoint's folder, a run's folder, or the name of shipped weights.

    Raises:
        FileNotFoundError: no such checkpoint.
        ValueError: in one line: a file is broken, card and weights disagree, or the checkpoint is a face detector.
    """
    model, card = load_network(name)
    if not isinstance(model, LandmarkModel):
        raise ValueError(f"{name} is a face detector ({card.model}), not a landmark model: pass it to --detector")
    return model, card


def load_one_stage(name: str | Path) -> tuple[OneStage, Card]:
    """The face detector, in eval mode and float32, and its card; errors as `load_checkpoint`."""
    model, card = load_network(name)
    if not isinstance(model, OneStage):
        raise ValueError(f"{name} is not a face detector: it finds landmarks in crops ({card.model})")
    return model, card


def load_network(name: str | Path) -> tuple[FaceNetwork, Card]:
    """The model or detector, in eval mode and float32, and its card; errors as `load_checkpoint`."""
    folder, card = find_checkpoint(name), read_card(name)
    path = folder / WEIGHTS_FILE
    try:
        regular_size(path)
        weights = safetensors.torch.load_file(path)
        with safe_open(path, "pt") as file:
            identity = _identity_in(file.metadata() or {})
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is missing, though {CARD_FILE} is there") from None
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: not readable as safetensors ({clipped(error, 160)})") from error
    try:
        check_options(card.model, card.options)
        model = build_network(card.model, card.input_size, card.scheme, **card.options)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{folder / CARD_FILE}: {clipped(error, 160)}") from error
    _check_agreement(folder, model, card, weights, identity)
    model.load_state_dict(weights)
    return model.eval(), card


def _identity_in(metadata: dict[str, str]) -> dict[str, Any]:
    """The identity in the metadata of a weights file; ValueError if it is not a mapping."""
    identity = parse_json(metadata.get("card", "{}"))
    if not isinstance(identity, dict):
        raise ValueError("the card in its metadata is not a mapping")
    return identity


def _identity(card: Card) -> dict[str, Any]:
    """The part of the card that the weights file repeats: shapes alone cannot tell 120 px from 128 px."""
    names = ("model", "input_size", "scheme", "labels", "crop_margin", "crop", "lane")
    return {name: getattr(card, name) for name in names}


def _check_agreement(
    folder: Path, model: FaceNetwork, card: Card, weights: dict[str, Tensor], identity: dict[str, Any]
) -> None:
    """Raise a ValueError of one line unless the weights are those of the model on the card."""
    wanted = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in weights.items()}
    conflict = (
        f"{folder}: {CARD_FILE} and {WEIGHTS_FILE} disagree: {card.model} for {card.scheme} at {card.input_size} px"
    )
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            raise ValueError(f"{conflict} has {_shape(name, wanted)}, the weights have {_shape(name, found)}")
    for name, value in _identity(card).items():
        if identity.get(name, value) != value:
            raise ValueError(f"{conflict} has {name} {value}, the weights have {clipped(identity[name])}")
    if card.targets and list(card.targets) != list(model.targets):
        raise ValueError(f"{folder}: {CARD_FILE} has targets {card.targets}, its model {list(model.targets)}")
    expected = card_of(model, card.labels, card.crop_margin, card.lane).normalisation
    if card.normalisation and card.normalisation != expected:
        raise ValueError(f"{folder}: the normalisation in {CARD_FILE} differs from the model's, {expected}")


def _shape(name: str, shapes: dict[str, tuple[int, ...]]) -> str:
    return f"{name} {shapes[name]}" if name in shapes else f"no {name}"


def _stored(value: Tensor, half: bool) -> Tensor:
    value = value.detach().cpu().contiguous()
    if half and bool((value.abs() <= _LARGEST_FP16).all()):
        return value.half()
    return value
