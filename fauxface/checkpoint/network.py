"""Networks to and from checkpoints, with PyTorch."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import safetensors.torch
import torch
import yaml
from torch import Tensor

from fauxface.checkpoint.card import (
    CARD_FILE,
    LICENCES,
    WEIGHTS_FILE,
    Card,
    CropKind,
    check_identity,
    conflict,
    find_checkpoint,
    identity_of,
    read_card,
    readable_weights,
    stored_identity,
)
from fauxface.files import write_bytes, write_text
from fauxface.models import FaceNetwork, LandmarkModel, build_network
from fauxface.models.one_stage import OneStage
from fauxface.models.registry import check_options
from fauxface.parsing import clipped

_LARGEST_FP16 = torch.finfo(torch.float16).max


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
    write_bytes(folder / WEIGHTS_FILE, safetensors.torch.save(weights, {"card": json.dumps(identity_of(card))}))
    write_text(folder / CARD_FILE, yaml.safe_dump(asdict(card), sort_keys=False, allow_unicode=True))


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
    with readable_weights(path):
        weights, identity = safetensors.torch.load_file(path), stored_identity(path)
    try:
        check_options(card.model, card.options)
        model = build_network(card.model, card.input_size, card.scheme, **card.options)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{folder / CARD_FILE}: {clipped(error, 160)}") from error
    _check_agreement(folder, model, card, weights, identity)
    model.load_state_dict(weights)
    return model.eval(), card


def _check_agreement(
    folder: Path, model: FaceNetwork, card: Card, weights: dict[str, Tensor], identity: dict[str, Any]
) -> None:
    """Raise a ValueError of one line unless the weights are those of the model on the card."""
    wanted = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in weights.items()}
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            what = f"has {_shape(name, wanted)}, the weights have {_shape(name, found)}"
            raise ValueError(f"{conflict(folder, card)} {what}")
    check_identity(folder, card, identity)
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
