"""Hashes of files, of the package's code and of a network's weights, for caches, manifests and cards."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch.nn import Module

_PACKAGE = Path(__file__).parent


def file_hash(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def add_weights(digest: hashlib.blake2b, network: Module) -> None:
    """Add names, types, shapes and values of a network's weights to a hash."""
    import torch

    for name, tensor in sorted(network.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())


def add_code(digest: hashlib.blake2b, patterns: Iterable[str]) -> None:
    """Add names and content of the package's files that match ``patterns`` (``models/**/*.py``) to a hash."""
    for pattern in patterns:
        for path in sorted(_PACKAGE.glob(pattern)):
            digest.update(path.relative_to(_PACKAGE).as_posix().encode() + path.read_bytes())
