"""Hashes of files, of the package's code and of a network's weights, for caches, manifests and cards."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch.nn import Module

_PACKAGE = Path(__file__).parent


def file_hash(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def weights_hash(weights: Mapping[str, np.ndarray]) -> str:
    """A hash of a network's weights as float32, the same for weights stored in another precision."""
    digest = hashlib.blake2b(digest_size=16)
    for name, value in sorted(weights.items()):
        digest.update(name.encode() + np.ascontiguousarray(value, np.float32).tobytes())
    return digest.hexdigest()


def weights_of(network: Module) -> dict[str, np.ndarray]:
    """The weights of a network as float32, by name."""
    return {name: tensor.detach().cpu().float().numpy() for name, tensor in network.state_dict().items()}


def add_code(digest: hashlib.blake2b, patterns: Iterable[str]) -> None:
    """Add names and content of the package's files that match ``patterns`` (``models/**/*.py``) to a hash."""
    for pattern in patterns:
        for path in sorted(_PACKAGE.glob(pattern)):
            digest.update(path.relative_to(_PACKAGE).as_posix().encode() + path.read_bytes())
