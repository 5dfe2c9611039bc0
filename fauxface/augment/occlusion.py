"""Occlusion: a flat, blotched or picture-like piece over the face; what it covers is no longer visible.

Where other recipes paste patches of other samples, a piece here shows the sample's own crop upside down and tinted:
(seed, epoch, index) alone decides it, whatever else is in the batch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from fauxface.augment.base import Batch, Pixelwise
from fauxface.augment.draws import Draws
from fauxface.augment.noise import gaussian_pieces

_TEXTURE = 8


@dataclass(frozen=True)
class Occlusion(Pixelwise):
    """``strength``: the longest side of a piece, as a share of the crop's side; ``shortest``: the shortest."""

    strength: float = 0.5
    probability: float = 0.5
    shortest: float = 0.08

    def change(self, batch: Batch, draws: Draws) -> Batch:
        """See `Pixelwise.change`."""
        height, width = batch.images.shape[-2:]
        shape = self._shape(draws, width).to(batch.images.device, non_blocking=True)
        rows, columns = (torch.arange(n, device=shape.device, dtype=shape.dtype) for n in (height, width))
        cover = _cover(shape[..., None, None], columns, rows[:, None])
        images = batch.images.lerp(_content(batch.images, draws), cover[:, None])
        if batch.visibility is None:
            return replace(batch, images=images)
        hidden = _cover(shape[..., None], *batch.landmarks.unbind(-1)) > 0.5
        return Batch(images, {**batch.targets, "visibility": batch.visibility & ~hidden})

    def _shape(self, draws: Draws, size: int) -> Tensor:
        """(7, B): centre x and y, half sides, cosine and sine of the angle, 1 for an ellipse and 0 for a box."""
        values = draws.uniform("occlusion.shape", 6).T
        centre = (values[:2] * 1.1 - 0.05) * size
        half = (self.shortest + (self.strength - self.shortest) * values[2:4]) * size / 2
        angle = values[4] * torch.pi
        return torch.cat([centre, half, angle.cos()[None], angle.sin()[None], (values[5:] < 0.5).float()])


def _cover(shape: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """How far points are covered, in [0, 1]; the edge is about a pixel wide. All arguments broadcast."""
    x0, y0, half_x, half_y, cos, sin, ellipse = shape
    # the points in the piece's own frame, ±1 at its sides; sums of a row's and a column's share
    along = ((x - x0) * (cos / half_x) + (y - y0) * (sin / half_x)).square()
    across = ((y - y0) * (cos / half_y) - (x - x0) * (sin / half_y)).square()
    distance = torch.where(ellipse > 0, along + across, torch.maximum(along, across)).sqrt_()
    return ((1 - distance) * torch.minimum(half_x, half_y) + 0.5).clamp_(0, 1)


def _content(images: Tensor, draws: Draws) -> Tensor:
    """What the piece shows, B×3×H×W: flat or blotched colour (free, or one of the image's own), or the image itself."""
    batch, channels, height, width = images.shape
    values = draws.uniform("occlusion.content", 9)
    device = images.device

    at = (values[:, :2] * torch.tensor([height, width])).long().to(device, non_blocking=True)
    own = images[torch.arange(batch, device=device), :, at[:, 0], at[:, 1]]
    there = values.to(device, non_blocking=True)
    free, is_free, is_picture = there[:, 2:5], there[:, 5:6] < 0.5, there[:, 6] < 0.4
    blotches = 0.25 * (there[:, 7] - 0.5).clamp(min=0)
    colour = torch.where(is_free, free, own)[:, :, None, None]
    texture = gaussian_pieces(channels * _TEXTURE**2, values[:, 8], device)
    texture = texture.view(batch, channels, _TEXTURE, _TEXTURE) * blotches[:, None, None, None] + colour
    texture = interpolate(texture, (height, width), mode="bilinear", align_corners=False)
    tint = (0.6 + 0.8 * free)[:, :, None, None]
    return torch.where(is_picture[:, None, None, None], images.flip(2) * tint, texture).clamp_(0, 1)
