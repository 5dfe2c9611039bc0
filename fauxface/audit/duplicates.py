"""Near duplicates: a perceptual hash of pictures, and pairs whose hashes differ in a few bits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import cv2
import numpy as np

BITS = 256
NEAR = 7
"""Most bits, of ``BITS``, that differ between two copies: enough for another compression or size."""
_BANDS = 8  # one more than NEAR, so that two near hashes have at least one band in common


def fingerprint(grey: np.ndarray) -> bytes:
    """The difference hash (Krawetz 2013, "Kind of like that"), 32 bytes, of a picture (H, W).

    A bit for each of 16×16 cells: darker than the cell to its right.
    """
    small = cv2.resize(grey, (17, 16), interpolation=cv2.INTER_AREA)
    return np.packbits(small[:, :-1] < small[:, 1:]).tobytes()


def near_pairs(fingerprints: Sequence[bytes | None]) -> list[tuple[int, int, int]]:
    """Pairs of pictures whose hashes differ in at most ``NEAR`` bits: (first, second, bits), sorted."""
    buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    width = BITS // 8 // _BANDS
    for i, bits in enumerate(fingerprints):
        if bits is not None:
            for band in range(_BANDS):
                buckets[band, bits[band * width : (band + 1) * width]].append(i)
    candidates = {(a, b) for same in buckets.values() for n, a in enumerate(same) for b in same[n + 1 :]}
    pairs = []
    for a, b in sorted(candidates):
        differing = (int.from_bytes(fingerprints[a] or b"") ^ int.from_bytes(fingerprints[b] or b"")).bit_count()
        if differing <= NEAR:
            pairs.append((a, b, differing))
    return pairs
