"""Box noise: the face is cut out by a box that is a little wrong, as a detector's is.

A box cut from true landmarks has annotated coordinates for edges; a model that trusts them flatters itself.
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
        """See `Geometric.matrix`. The noisy box's crop takes the place of the true box's."""
        points = landmarks[:, list(scheme.outline)].cpu().float()
        corner0, corner1 = points.amin(1), points.amax(1)
        extent = (corner1 - corner0).clamp(min=1e-3)
        noise = self.strength * draws.normal("box_noise", 4)
        noisy0, noisy1 = corner0 + noise[:, :2] * extent, corner1 + noise[:, 2:] * extent
        factor = extent.amax(1) / (noisy1 - noisy0).amax(1).clamp(min=1e-3)
        shift = (corner0 + corner1 - noisy0 - noisy1) / 2
        # the crop's centre moves by −shift in the old crop's pixels, then all grows by the factor about the new centre
        return about_centre(scaling(factor), factor[:, None] * shift, size)
