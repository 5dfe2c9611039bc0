"""Sub-pixel heatmaps.

As Earp et al. 2021, "Sub-pixel face landmarks using heatmaps and a bag of tricks": an encoder such as MobileNetV2, then
deconvolution and pixel shuffle up to a quarter of the crop's side, with one heatmap for each landmark. Neither the
target nor the result is rounded to cells: the target is a Gaussian around the exact point, and the peak is the top of
the parabola through the logarithm of the map.

Our own choice: the map is a distribution over its cells (softmax), and its loss is the cross-entropy with the target.
Squared errors would be dominated by the many empty cells.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from fauxface.models.backbones import check_size, create_backbone
from fauxface.models.base import LandmarkModel, Prediction, Targets
from fauxface.models.extra import ExtraHeads, ExtraOutputs
from fauxface.models.grid import cell_of, corner_of, highest, read

SIGMA = 1.0
"""Standard deviation of the target, cells."""
WIDTHS = (128, 64, 64)
"""Channels after the deconvolution and the two pixel shuffles, each of which doubles the resolution."""
SEEN_WEIGHT = 0.1
"""Weight of the loss of visibility, whose gradients reach only its own layer."""


class HeatmapOutputs(NamedTuple):
    """Raw outputs: ``logits`` of the heatmaps and of visibility (``visible``, or None), B×N×H×W each.

    ``extra`` are the outputs of the heads of extra targets.
    """

    logits: Tensor
    visible: Tensor | None
    extra: ExtraOutputs = None


def log_target(points: Tensor, side: int) -> Tensor:
    """Logarithms B×N×side×side of Gaussians with peak 1 at points B×N×2, in cells, not rounded and not clipped."""
    centres = torch.arange(side, device=points.device) + 0.5
    x, y = (-0.5 * ((centres - points[..., i, None]) / SIGMA) ** 2 for i in (0, 1))
    return y[..., :, None] + x[..., None, :]


def peaks(log_heatmaps: Tensor) -> Tensor:
    """Peaks B×N×2, in cells, of heatmaps given by their logarithms B×N×H×H (H ≥ 3).

    The logarithm of a Gaussian is a parabola, which three cells around the highest one determine exactly. At the border
    they are the three outermost cells.
    """
    side = log_heatmaps.shape[-1]
    middle = corner_of(highest(log_heatmaps), side).clamp(1, side - 2)
    steps = torch.arange(-1, 2, device=log_heatmaps.device)
    window = (steps[:, None] * side + steps).flatten() + cell_of(middle, side)[..., None]
    values = log_heatmaps.flatten(2).gather(2, window).unflatten(2, (3, 3))
    rows = torch.stack([values.mean(2), values.mean(3)], 2)  # B×N×(x, y)×3
    slope = (rows[..., 2] - rows[..., 0]) / 2
    bend = (2 * rows[..., 1] - rows[..., 0] - rows[..., 2]).clamp(min=1e-6)
    return middle + 0.5 + (slope / bend).clamp(-1.5, 1.5)


class Heatmaps(LandmarkModel):
    """Backbone → deconvolution → two pixel shuffles → 1×1 convolution."""

    paper = "Earp et al. 2021, sub-pixel heatmaps"

    def __init__(
        self,
        name: str,
        backbone: str,
        input_size: int,
        scheme: str,
        *,
        pretrained: bool = False,
        visibility: bool = False,
        targets: Sequence[str] = (),
    ):
        """See `build_model`; ValueError for an unknown backbone, or a size that is not a multiple of its stride."""
        super().__init__(name, input_size, scheme, {"visibility": visibility})
        self.backbone = create_backbone(backbone, input_size, pretrained)
        check_size(name, input_size, self.backbone.strides[-1])
        first, second, third = WIDTHS
        self.upsample = nn.Sequential(
            nn.ConvTranspose2d(self.backbone.channels[-1], first, 4, 2, 1, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(),
            *_shuffle(first, second),
            *_shuffle(second, third),
        )
        self.locate = nn.Conv2d(third, self.points, 1)
        self.see = nn.Conv2d(third, self.points, 1) if visibility else None
        self.extra = ExtraHeads(self.backbone.channels[-1], targets, scheme, input_size)
        self.options |= self.extra.options

    def forward(self, images: Tensor) -> HeatmapOutputs:
        """See `LandmarkModel.forward`."""
        coarse = self.backbone(self.normalise(images))[-1]
        features = self.upsample(coarse)
        visible = None if self.see is None else self.see(features.detach()).float()
        return HeatmapOutputs(self.locate(features).float(), visible, self.extra(coarse))

    def loss(self, outputs: HeatmapOutputs, targets: Targets) -> Tensor:
        """Mean cross-entropy of the heatmaps of points inside the crop, minus the entropy of the targets."""
        side = outputs.logits.shape[-1]
        points = (targets.landmarks + 0.5) * (side / self.input_size)
        inside = ((points >= 0) & (points < side)).all(-1).float()
        truth = log_target(points, side).flatten(2).log_softmax(2)
        found = outputs.logits.flatten(2).log_softmax(2)
        total = _mean((truth.exp() * (truth - found)).sum(2), inside)
        if outputs.visible is not None and targets.visibility is not None:
            logits = read(outputs.visible, cell_of(points, side))
            seen = binary_cross_entropy_with_logits(logits, targets.visibility.float(), reduction="none")
            total = total + SEEN_WEIGHT * _mean(seen, inside)
        return total + self.extra.loss(outputs.extra, targets)

    def decode(self, outputs: HeatmapOutputs) -> Prediction:
        """Sub-pixel peaks; the score is the height of the distribution's peak, relative to the target's."""
        side = outputs.logits.shape[-1]
        log_share = outputs.logits.flatten(2).log_softmax(2).view_as(outputs.logits)
        cells = highest(log_share)
        landmarks = peaks(log_share) * (self.input_size / side) - 0.5
        scores = (read(log_share, cells).exp() * (2 * math.pi * SIGMA**2)).clamp(0, 1)
        visibility = None if outputs.visible is None else read(outputs.visible, cells).sigmoid()
        return Prediction(landmarks, scores, visibility, extra=self.extra.decode(outputs.extra))


def _shuffle(channels: int, out: int) -> list[nn.Module]:
    """Layers that double the resolution by pixel shuffle (Shi et al. 2016)."""
    return [nn.Conv2d(channels, 4 * out, 3, 1, 1, bias=False), nn.BatchNorm2d(4 * out), nn.ReLU(), nn.PixelShuffle(2)]


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum() / weights.sum().clamp(min=1)
