"""Box noise: crop the face by a slightly wrong box, like a detector's.

The edges of a box around true landmarks are annotated coordinates; a model must not learn to rely on them.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from fauxface.augment.base import Geometric, about_centre, scaling
from fauxface.augment.draws import Draws
from fauxface.landmarks import Scheme


@dataclass(frozen=True)
class BoxNoise(Geometric):
    """``strength``: standard deviation of each of the four edges, as a share of the box's side."""

    strength: float = 0.03
    probability: float = 1.0

    def matrix(self, draws: Draws, landmarks: Tensor, scheme: Scheme, size: int) -> Tensor:
        """See `Geometric.matrix`; the crop of the noisy box replaces that of the true box."""
        points = landmarks[:, list(scheme.outline)].cpu().float()
        corner0, corner1 = points.amin(1), points.amax(1)
        extent = (corner1 - corner0).clamp(min=1e-3)
        noise = self.strength * draws.normal("box_noise", 4)
        noisy0, noisy1 = corner0 + noise[:, :2] * extent, corner1 + noise[:, 2:] * extent
        factor = extent.amax(1) / (noisy1 - noisy0).amax(1).clamp(min=1e-3)
        shift = (corner0 + corner1 - noisy0 - noisy1) / 2
        # the crop's centre moves by −shift in pixels of the old crop, then everything is scaled about the new centre
        return about_centre(scaling(factor), factor[:, None] * shift, size)
