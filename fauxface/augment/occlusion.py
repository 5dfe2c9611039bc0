"""Occlusion: flat, textured or picture-like pieces over the face; what they cover is no longer visible.

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
    """``strength``: the longest side of a piece, as a share of the crop's side.

    Attributes:
        shortest: the shortest side, likewise.
        pieces: the most pieces a sample gets (each after the first in half of the cases).
    """

    strength: float = 0.5
    probability: float = 0.5
    shortest: float = 0.08
    pieces: int = 2

    def change(self, batch: Batch, draws: Draws) -> Batch:
        """See `Pixelwise.change`."""
        for piece in range(self.pieces):
            name = f"occlusion.{piece}"
            shape = self._shape(draws, name, batch.images)
            cover = _cover(shape, _pixels(batch.images)).unflatten(1, batch.images.shape[-2:])
            images = batch.images.lerp(_content(batch.images, draws, name), cover[:, None])
            visibility = batch.visibility
            if visibility is not None:
                visibility = visibility & (_cover(shape, batch.landmarks) < 0.5)
            batch = replace(batch, images=images, visibility=visibility)
        return batch

    def _shape(self, draws: Draws, name: str, images: Tensor) -> Tensor:
        """(B, 7): centre x and y, half sides, cosine and sine of the angle, 1 for an ellipse and 0 for a box."""
        size = images.shape[-1]
        values = draws.uniform(f"{name}.shape", 7)
        centre = (values[:, :2] * 1.1 - 0.05) * size
        half = (self.shortest + (self.strength - self.shortest) * values[:, 2:4]) * size / 2
        if name != "occlusion.0":
            half[values[:, 6] < 0.5] = 0
        angle = values[:, 4] * torch.pi
        ellipse = (values[:, 5] < 0.5).float()
        shape = torch.cat([centre, half, angle.cos()[:, None], angle.sin()[:, None], ellipse[:, None]], 1)
        return shape.to(images.device, non_blocking=True)


def _pixels(images: Tensor) -> Tensor:
    """1×(H·W)×2: x and y of every pixel."""
    height, width = images.shape[-2:]
    y, x = torch.meshgrid(
        torch.arange(height, device=images.device), torch.arange(width, device=images.device), indexing="ij"
    )
    return torch.stack([x, y], -1).flatten(0, 1)[None].to(images.dtype)


def _cover(shape: Tensor, points: Tensor) -> Tensor:
    """How far points (B or 1, P, 2) are covered, (B, P) in [0, 1]; the edge is about a pixel wide."""
    x0, y0, half_x, half_y, cos, sin, ellipse = shape[:, None].unbind(-1)
    x, y = points[..., 0] - x0, points[..., 1] - y0
    along = (cos * x + sin * y).abs() / half_x.clamp(min=1e-3)
    across = (cos * y - sin * x).abs() / half_y.clamp(min=1e-3)
    distance = torch.where(ellipse > 0, torch.hypot(along, across), torch.maximum(along, across))
    return ((1 - distance) * torch.minimum(half_x, half_y) + 0.5).clamp(0, 1) * (half_x > 0)


def _content(images: Tensor, draws: Draws, name: str) -> Tensor:
    """What the pieces show, B×3×H×W: flat or blotched colour (free, or one of the image's own), or the image itself."""
    batch, channels, height, width = images.shape
    values = draws.uniform(f"{name}.content", 10)
    device = images.device

    at = (values[:, :2] * torch.tensor([height, width])).long().to(device)
    own = images[torch.arange(batch, device=device), :, at[:, 0], at[:, 1]]
    free, is_free, is_picture, blotches = (
        values[:, 2:5].to(device),
        (values[:, 5:6] < 0.5).to(device),
        (values[:, 6] < 0.4).to(device),
        (0.25 * (values[:, 7] - 0.5).clamp(min=0)).to(device),
    )
    colour = torch.where(is_free, free, own)[:, :, None, None]
    texture = gaussian_pieces(channels * _TEXTURE**2, values[:, 8], device)
    texture = texture.view(batch, channels, _TEXTURE, _TEXTURE) * blotches[:, None, None, None] + colour
    texture = interpolate(texture, (height, width), mode="bilinear", align_corners=False)
    tint = (0.6 + 0.8 * free)[:, :, None, None]
    return torch.where(is_picture[:, None, None, None], images.flip(2) * tint, texture).clamp_(0, 1)
