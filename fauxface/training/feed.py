"""Move crops to the model's device: all at once if they fit there, otherwise batch by batch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from fauxface.datasets import ShardedCrops

RESIDENT_SHARE = 0.5
"""Largest share of the GPU's free memory for crops; weights, activations and the optimiser need the rest."""
_CHUNK = 1024


class CropFeed:
    """Batches of crops on a device, without waiting for it.

    Attributes:
        resident: all crops M×S×S×3 uint8 on the device, or None if they stay on the host.
    """

    def __init__(self, images: np.ndarray | ShardedCrops, device: torch.device, resident: bool | None = None):
        """Keep all crops on the device if ``resident``; None: on a GPU, if they fit into half of its free memory."""
        self._images = images
        self._pinned = device.type == "cuda"
        self.resident: Tensor | None = None
        if resident or (resident is None and self._pinned and _fits(images, device)):
            self.resident = torch.empty(images.shape, dtype=torch.uint8, device=device)
            for first in range(0, len(images), _CHUNK):
                part = slice(first, first + _CHUNK)
                self.resident[part] = torch.from_numpy(images[part]).to(device)

    def __call__(self, rows: Tensor, to_device: Callable[[Tensor], Tensor]) -> Tensor:
        """The crops B×S×S×3 uint8 with the indices ``rows`` (B,), a tensor on the CPU."""
        if self.resident is not None:
            return self.resident.index_select(0, to_device(rows))
        if not self._pinned:
            return to_device(torch.from_numpy(self._images[rows.numpy()]))
        # torch reuses pinned memory only after the copy out of it has ended
        batch = torch.empty((len(rows), *self._images.shape[1:]), dtype=torch.uint8, pin_memory=True)
        if isinstance(self._images, ShardedCrops):
            self._images.take(rows.numpy(), batch.numpy())
        else:
            np.take(self._images, rows.numpy(), 0, batch.numpy())
        return to_device(batch)


def _fits(images: np.ndarray | ShardedCrops, device: torch.device) -> bool:
    return images.nbytes <= RESIDENT_SHARE * torch.cuda.mem_get_info(device)[0]
