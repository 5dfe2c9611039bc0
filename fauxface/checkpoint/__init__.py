"""Checkpoints: folders with weights (``model.safetensors``) and a card (``model.yaml``) with their origin and licence.

Licence lanes: *clean* weights were learned from Fauxface's renders alone, starting from random weights or a clean
checkpoint; all others are *research*. Nothing is pickled. Only networks need PyTorch; cards do not.
"""

from typing import TYPE_CHECKING

from fauxface.checkpoint.card import (
    CARD_FILE,
    LICENCES,
    MAX_INPUT_SIZE,
    ONNX_FILE,
    SHIPPED,
    WEIGHTS_FILE,
    Card,
    CropKind,
    find_checkpoint,
    identity_of,
    lane_of,
    parameter_count,
    read_card,
    stored_weights,
)
from fauxface.lazy import load_on_use

if TYPE_CHECKING:
    from fauxface.checkpoint.network import card_of, load_checkpoint, load_network, load_one_stage, save_checkpoint
else:
    __getattr__ = load_on_use(__name__, network="card_of load_checkpoint load_network load_one_stage save_checkpoint")

__all__ = [
    "CARD_FILE",
    "LICENCES",
    "MAX_INPUT_SIZE",
    "ONNX_FILE",
    "SHIPPED",
    "WEIGHTS_FILE",
    "Card",
    "CropKind",
    "card_of",
    "find_checkpoint",
    "identity_of",
    "lane_of",
    "load_checkpoint",
    "load_network",
    "load_one_stage",
    "parameter_count",
    "read_card",
    "save_checkpoint",
    "stored_weights",
]
