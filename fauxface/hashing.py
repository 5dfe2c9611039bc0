"""Hashes of files, of code and of a network's weights: the keys of caches, and what cards say of other weights."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

_PACKAGE = Path(__file__).parent


def file_hash(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def add_weights(digest: hashlib._Hash, weights: Mapping[str, Tensor]) -> None:
    """Feed names, types, shapes and values of a network's ``state_dict`` to a hash."""
    import torch

    for name, tensor in sorted(weights.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())


def add_code(digest: hashlib._Hash, patterns: Iterable[str]) -> None:
    """Feed names and content of the package's files that match ``patterns`` (``models/**/*.py``) to a hash."""
    for pattern in patterns:
        for path in sorted(_PACKAGE.glob(pattern)):
            digest.update(path.relative_to(_PACKAGE).as_posix().encode() + path.read_bytes())
