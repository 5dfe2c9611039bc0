"""Direct regression of coordinates.

As in Wood et al. 2021, "Fake It Till You Make It", with any backbone. But the last feature map is flattened, not
pooled, because pooling loses positions.

With the loss ``gaussian`` each point is a distribution, as in Wood et al. 2022, "3D Face Reconstruction with Dense
Landmarks": the network also predicts each point's σ, and learns both by likelihood, Σ log σ² + ‖e‖² / 2σ².
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, smooth_l1_loss, softplus

from fauxface.models.backbones import create_backbone
from fauxface.models.base import LandmarkModel, Prediction, Targets
from fauxface.models.extra import ExtraHeads, ExtraOutputs
from fauxface.models.losses import LOSSES, gaussian

FEATURES = 1024
"""Approximate number of features after flattening."""
GOOD_ERROR = 0.01
"""Expected error with the score 1/2, as a share of the crop's side."""
SIDE_WEIGHT = 0.01
"""Weight of the losses of scores and visibility, whose gradients reach only their own layers."""
FIRST_SIGMA = 0.05
"""First σ of the likelihood, as a share of the crop's side; from a smaller one training gives up on hard faces."""
SIGMA_PACE = 0.3
"""Factor of the layer that predicts log σ: a σ far below the error makes ‖e‖²/2σ² so large that it upsets Adam."""
LEAST_SIGMA = 2e-3
"""Least σ, as a share of the crop's side; without it the likelihood of a memorised point has no bound."""


class CoordinateOutputs(NamedTuple):
    """Raw outputs.

    Attributes:
        points: B×N×2, shares of the crop's side, from 0 at the first pixel's outer edge to 1 at the last pixel's.
        log_error: B×N, logarithm of a point's expected error (of its σ with the loss ``gaussian``), as a share of the
            crop's side.
        visible: B×N logits, or None.
        extra: outputs of the heads of extra targets.
    """

    points: Tensor
    log_error: Tensor
    visible: Tensor | None
    extra: ExtraOutputs = None


def with_least(log_sigma: Tensor) -> Tensor:
    """Soft floor log √(σ² + `LEAST_SIGMA`²) of log σ, so that gradients reach a σ below it, too."""
    least = math.log(LEAST_SIGMA)
    return least + softplus(log_sigma - least, beta=2)


class Coordinates(LandmarkModel):
    """Backbone → 1×1 convolution → flattened → linear.

    Scores, visibility and σ use the same features, detached, so that learning them cannot harm the points; but σ
    weights the error of each point.
    """

    mean_face: Tensor
    sigma_factor: Tensor | None
    paper = "Wood et al. 2021, direct regression"

    def __init__(
        self,
        name: str,
        backbone: str,
        input_size: int,
        scheme: str,
        *,
        pretrained: bool = False,
        loss: str = "smooth_l1",
        visibility: bool = False,
        targets: Sequence[str] = (),
    ):
        """See `build_model`; ``loss`` is one of ``LOSSES`` or ``gaussian``; ValueError for another, or backbone."""
        super().__init__(name, input_size, scheme, {"loss": loss, "visibility": visibility})
        self.gaussian = loss == "gaussian"
        if loss not in LOSSES and not self.gaussian:
            raise ValueError(f"unknown loss '{loss}'; there are {', '.join(LOSSES)}, gaussian")
        self.backbone = create_backbone(backbone, input_size, pretrained)
        cells = self.backbone.sides(input_size)[-1] ** 2
        width = max(8, FEATURES // cells)
        features = width * cells
        self.squeeze = nn.Sequential(
            nn.Conv2d(self.backbone.channels[-1], width, 1, bias=False), nn.BatchNorm2d(width), nn.Hardswish()
        )
        self.locate = nn.Linear(features, 2 * self.points)
        self.doubt = nn.Linear(features, self.points)
        self.see = nn.Linear(features, self.points) if visibility else None
        nn.init.normal_(self.locate.weight, std=0.001)
        nn.init.zeros_(self.locate.bias)
        if self.gaussian:
            nn.init.normal_(self.doubt.weight, std=0.001)
            nn.init.zeros_(self.doubt.bias)
        self.register_buffer("mean_face", torch.full((self.points, 2), 0.5))
        self.register_buffer("sigma_factor", torch.ones(()) if self.gaussian else None)
        self.extra = ExtraHeads(self.backbone.channels[-1], targets, scheme, input_size)
        self.options |= self.extra.options

    def calibrate(self, factor: float) -> None:
        """Multiply the predicted σ by ``factor``, from `calibration_factor` on held-out faces.

        ValueError for a model without σ.
        """
        if self.sigma_factor is None:
            raise ValueError(f"{self.name} was not trained with the loss gaussian: it has no σ to calibrate")
        self.sigma_factor.mul_(factor)

    def learn_statistics(self, landmarks: Tensor) -> None:
        """Store the mean face, from which the network predicts the offset of each point."""
        self.mean_face.copy_((landmarks.mean(0) + 0.5) / self.input_size)

    def forward(self, images: Tensor) -> CoordinateOutputs:
        """See `LandmarkModel.forward`."""
        deepest = self.backbone(self.normalise(images))[-1]
        features = self.squeeze(deepest).flatten(1)
        detached = features.detach()
        points = self.mean_face + self.locate(features).float().unflatten(1, (self.points, 2))
        visible = None if self.see is None else self.see(detached).float()
        if self.gaussian:
            log_error = with_least(SIGMA_PACE * self.doubt(detached).float() + math.log(FIRST_SIGMA))
        else:
            log_error = self.doubt(detached).float() + math.log(GOOD_ERROR)
        return CoordinateOutputs(points, log_error, visible, self.extra(deepest))

    def loss(self, outputs: CoordinateOutputs, targets: Targets) -> Tensor:
        """See `LandmarkModel.loss`."""
        error = outputs.points - (targets.landmarks + 0.5) / self.input_size
        if self.gaussian:
            total = gaussian(error, outputs.log_error).mean()
        else:
            true_error = error.detach().norm(dim=-1).clamp(min=1e-4)
            total = LOSSES[self.options["loss"]](error).mean()
            total = total + SIDE_WEIGHT * smooth_l1_loss(outputs.log_error, true_error.log())
        if outputs.visible is not None and targets.visibility is not None:
            total = total + SIDE_WEIGHT * binary_cross_entropy_with_logits(outputs.visible, targets.visibility.float())
        return total + self.extra.loss(outputs.extra, targets)

    def decode(self, outputs: CoordinateOutputs) -> Prediction:
        """See `LandmarkModel.decode`."""
        landmarks = outputs.points * self.input_size - 0.5
        expected = outputs.log_error.exp() if self.sigma_factor is None else self.sigma_factor * outputs.log_error.exp()
        scores = 1 / (1 + expected / GOOD_ERROR)
        visibility = None if outputs.visible is None else outputs.visible.sigmoid()
        sigma = expected * self.input_size if self.gaussian else None
        return Prediction(landmarks, scores, visibility, sigma, self.extra.decode(outputs.extra))
