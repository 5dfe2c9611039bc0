"""Random numbers that depend on (seed, epoch, sample index) alone, not on order, batches or resuming."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

_MASK = np.uint64(0xFFFFFFFF)
_WORD = np.uint64(32)
_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL = 0x9E3779B9, 0xBB67AE85
_ROUNDS = 10


def philox(counter: np.ndarray, key: tuple[int, int]) -> np.ndarray:
    """Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").

    Four 32-bit counter words (4, …) uint64 and two key words give four random 32-bit words (4, …) uint64.
    """
    a, b, c, d = counter
    for turn in range(_ROUNDS):
        key0, key1 = (np.uint64((k + turn * weyl) & 0xFFFFFFFF) for k, weyl in zip(key, _WEYL, strict=True))
        product0, product1 = a * _MULTIPLIERS[0], c * _MULTIPLIERS[1]
        a, b, c, d = (product1 >> _WORD) ^ b ^ key0, product1 & _MASK, (product0 >> _WORD) ^ d ^ key1, product0 & _MASK
    return np.stack([a, b, c, d])


@dataclass(frozen=True)
class Draws:
    """The random numbers of a batch of B samples.

    Attributes:
        seed: the run's seed, any whole number ≥ 0 (its lowest 64 bits count).
        epoch: the epoch, ≥ 0.
        indices: B sample indices, whole numbers in [0, 2³²), int64.
    """

    seed: int
    epoch: int
    indices: np.ndarray

    @classmethod
    def of(cls, seed: int, epoch: int, indices: Sequence[int] | np.ndarray | Tensor) -> Draws:
        """The random numbers of samples (B,) in an epoch."""
        return cls(seed, epoch, np.asarray(indices, dtype=np.int64))

    def rows(self, rows: Tensor) -> Draws:
        """The random numbers of some samples; ``rows`` (R,) are positions in the batch."""
        return Draws(self.seed, self.epoch, self.indices[rows.numpy()])

    def _uniform64(self, name: str, count: int) -> np.ndarray:
        """Float64 (B, count) in [0, 1); another ``name`` gives independent numbers."""
        blocks = -(-count // 4)
        counter = np.empty((4, len(self.indices), blocks), np.uint64)
        counter[0] = self.indices[:, None].astype(np.uint64) & _MASK
        counter[1] = self.epoch
        counter[2] = zlib.crc32(name.encode())
        counter[3] = np.arange(blocks)
        words = philox(counter, (self.seed & 0xFFFFFFFF, self.seed >> 32 & 0xFFFFFFFF))
        return np.moveaxis(words, 0, -1).reshape(len(self.indices), 4 * blocks)[:, :count] * 2.0**-32

    def uniform(self, name: str, count: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Float32 (B, count) on the CPU, uniform between ``low`` and ``high``."""
        return torch.from_numpy(low + (high - low) * self._uniform64(name, count)).float()

    def normal(self, name: str, count: int, limit: float = 3.0) -> Tensor:
        """Float32 (B, count) on the CPU from the standard normal distribution, clamped to ±``limit``."""
        radius, angle = np.split(self._uniform64(name, 2 * count), 2, axis=1)
        values = np.sqrt(-2 * np.log1p(-radius)) * np.cos(2 * np.pi * angle)
        return torch.from_numpy(values.clip(-limit, limit)).float()
