"""Occlusion: a piece over the face, flat, blotchy or like an image; points under it are no longer visible.

Other recipes paste patches of other samples. Here a piece shows the sample's own crop upside down and tinted, so that
it depends on (seed, epoch, index) alone and not on the batch.
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
        """Shapes (7, B): centre x and y, half sides, cosine and sine of the angle, 1 for an ellipse and 0 for a box."""
        values = draws.uniform("occlusion.shape", 6).T
        centre = (values[:2] * 1.1 - 0.05) * size
        half = (self.shortest + (self.strength - self.shortest) * values[2:4]) * size / 2
        angle = values[4] * torch.pi
        return torch.cat([centre, half, angle.cos()[None], angle.sin()[None], (values[5:] < 0.5).float()])


def _cover(shape: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Coverage of points in [0, 1], with an edge about a pixel wide. All arguments broadcast."""
    x0, y0, half_x, half_y, cos, sin, ellipse = shape
    # squared coordinates in the piece's frame, ±1 at its sides, as sums of a row's and a column's part
    along = ((x - x0) * (cos / half_x) + (y - y0) * (sin / half_x)).square()
    across = ((y - y0) * (cos / half_y) - (x - x0) * (sin / half_y)).square()
    distance = torch.where(ellipse > 0, along + across, torch.maximum(along, across)).sqrt_()
    return ((1 - distance) * torch.minimum(half_x, half_y) + 0.5).clamp_(0, 1)


def _content(images: Tensor, draws: Draws) -> Tensor:
    """Content of the pieces, B×3×H×W: flat or blotchy colour (any, or one from the image), or the image itself."""
    batch, channels, height, width = images.shape
    values = draws.uniform("occlusion.content", 9)
    device = images.device

    at = (values[:, :2] * torch.tensor([height, width])).long().to(device, non_blocking=True)
    image_colour = images[torch.arange(batch, device=device), :, at[:, 0], at[:, 1]]
    on_device = values.to(device, non_blocking=True)
    free, is_free, is_picture = on_device[:, 2:5], on_device[:, 5:6] < 0.5, on_device[:, 6] < 0.4
    blotches = 0.25 * (on_device[:, 7] - 0.5).clamp(min=0)
    colour = torch.where(is_free, free, image_colour)[:, :, None, None]
    texture = gaussian_pieces(channels * _TEXTURE**2, values[:, 8], device)
    texture = texture.view(batch, channels, _TEXTURE, _TEXTURE) * blotches[:, None, None, None] + colour
    texture = interpolate(texture, (height, width), mode="bilinear", align_corners=False)
    tint = (0.6 + 0.8 * free)[:, :, None, None]
    return torch.where(is_picture[:, None, None, None], images.flip(2) * tint, texture).clamp_(0, 1)
