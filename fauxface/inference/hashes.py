"""Hashes of what cached files depend on: a model's weights and the package's code."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import torch

_PACKAGE = Path(__file__).parents[1]


def add_weights(digest: hashlib.blake2b, model: torch.nn.Module) -> None:
    """Add a model's weights to a hash: names, types, shapes and bytes."""
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())


def add_code(digest: hashlib.blake2b, patterns: Iterable[str]) -> None:
    """Add the package's files that match these patterns to a hash: paths and contents."""
    for pattern in patterns:
        for path in sorted(_PACKAGE.glob(pattern)):
            digest.update(path.relative_to(_PACKAGE).as_posix().encode() + path.read_bytes())
