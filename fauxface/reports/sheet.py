"""Contact sheets for reports."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def sheet(tiles: Sequence[np.ndarray], columns: int, gap: int = 4) -> np.ndarray:
    """One picture of all tiles (side, side, 3) uint8, in rows of ``columns``, ``gap`` px apart, on white."""
    side = tiles[0].shape[0]
    rows = -(-len(tiles) // columns)
    step = side + gap
    whole = np.full((rows * step - gap, min(columns, len(tiles)) * step - gap, 3), 255, np.uint8)
    for i, tile in enumerate(tiles):
        row, column = divmod(i, columns)
        whole[row * step : row * step + side, column * step : column * step + side] = tile
    return whole
