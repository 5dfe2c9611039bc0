"""Pixel-in-pixel regression.

Jin et al. 2021, "Pixel-in-Pixel Net: Towards Efficient Facial Landmark Detection in the Wild": on a coarse grid a score
selects the cell of each point. The same cell predicts the point's position in it and the positions of the point's
neighbours on the face; a point is the mean of its own prediction and those of its neighbours. All layers are
convolutions, without up-sampling. Neighbours are nearest on the mean face, which is computed from the training labels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, interpolate, l1_loss, mse_loss, one_hot

from fauxface.models.backbones import check_size, create_backbone
from fauxface.models.base import LandmarkModel, Prediction, Targets
from fauxface.models.extra import ExtraHeads, ExtraOutputs
from fauxface.models.grid import cell_of, corner_of, highest, read
from fauxface.models.necks import Fuse, NeckName

SIDE = 8
"""Cells along a side of the finest map: the paper's 256 px at stride 32."""
SCORE_WEIGHT = 10.0
"""Weight of the score map's loss."""
SEEN_WEIGHT = 0.1
"""Weight of the loss of visibility, whose gradients reach only its own layer."""


class PipOutputs(NamedTuple):
    """Raw outputs, on a map of H×W cells.

    Attributes:
        score: B×N×H×W, 1 at the point's cell, 0 elsewhere.
        offset: B×N×2×H×W, the point from the cell's corner, in cells.
        neighbour: B×N×2K×H×W, the landmark's K neighbours from the cell's corner, in cells, first every x, then every
            y (Core ML has no more than five dimensions); None without neighbours.
        visible: B×N×H×W logits, or None.
        extra: outputs of the heads of extra targets.
    """

    score: Tensor
    offset: Tensor
    neighbour: Tensor | None
    visible: Tensor | None
    extra: ExtraOutputs = None


class Pip(LandmarkModel):
    """Backbone → (neck) → (3×3 convolutions of stride 2) → five parallel 1×1 convolutions.

    The feature map is the backbone's map with a side nearest to 8 cells: stride 32 at 256 px as in the paper, stride 16
    at 128 px. Without a neck the backbone ends there; the neck adds the next finer and the next coarser map.
    """

    mean_face: Tensor
    neighbours: Tensor
    paper = "Jin et al. 2021, PIPNet"

    def __init__(
        self,
        name: str,
        backbone: str,
        input_size: int,
        scheme: str,
        *,
        pretrained: bool = False,
        stride: Literal[32, 64, 128] = 32,
        neighbours: int = 10,
        visibility: bool = False,
        neck: NeckName = "none",
        neck_width: int | None = None,
        targets: Sequence[str] = (),
    ):
        """See `build_model`; ``stride`` is the paper's, at 256 px: 8, 4 or 2 cells per side; ``neighbours`` may be 0.

        ``neck_width`` are the channels of the neck, by default as in `Fuse`.

        ValueError for an unknown backbone or neck, another stride, a size that is not a whole number of cells, or more
        neighbours than other points.
        """
        options = {"stride": stride, "neighbours": neighbours, "visibility": visibility}
        super().__init__(name, input_size, scheme, options)
        _check_options(self.points, stride, neighbours, neck, neck_width)
        target = input_size / SIDE
        wanted = (target,) if neck == "none" else (target / 2, target, 2 * target)
        self.backbone = create_backbone(backbone, input_size, pretrained, wanted)
        channels, strides = self.backbone.channels, self.backbone.strides
        read_at = min(strides, key=lambda s: abs(math.log(s / target)))
        self.neck, width = None, channels[-1]
        if neck == "fuse":
            self.neck = Fuse(channels, strides, read_at, neck_width)
            width = self.neck.width
            self.options |= {"neck": neck, "neck_width": width}
        check_size(name, input_size, max(read_at * stride // 32, strides[-1]))
        self.coarser = nn.Sequential()
        for _ in range((32, 64, 128).index(stride)):
            self.coarser.extend([nn.Conv2d(width, width, 3, 2, 1), nn.BatchNorm2d(width), nn.ReLU()])
        self.score, self.x, self.y = (nn.Conv2d(width, self.points, 1) for _ in range(3))
        count = neighbours * self.points
        self.neighbour_x, self.neighbour_y = (nn.Conv2d(width, count, 1) if count else None for _ in range(2))
        self.see = nn.Conv2d(width, self.points, 1) if visibility else None
        for layer in (*self.coarser, self.score, self.x, self.y, self.neighbour_x, self.neighbour_y, self.see):
            if isinstance(layer, nn.Conv2d):
                nn.init.normal_(layer.weight, std=0.001)
                nn.init.zeros_(layer.bias)  # pyright: ignore[reportArgumentType]
        self.register_buffer("mean_face", torch.full((self.points, 2), 0.5))
        ring = torch.arange(self.points)[:, None] + torch.arange(1, neighbours + 1)
        self.register_buffer("neighbours", ring % self.points)
        self.extra = ExtraHeads(width, targets, scheme, input_size)
        self.options |= self.extra.options

    def learn_statistics(self, landmarks: Tensor) -> None:
        """Store the mean face (shares of the crop's side) and each point's nearest neighbours on it."""
        self.mean_face.copy_((landmarks.mean(0) + 0.5) / self.input_size)
        distance = torch.cdist(self.mean_face, self.mean_face).fill_diagonal_(torch.inf)
        self.neighbours.copy_(distance.argsort(dim=1, stable=True)[:, : self.neighbours.shape[1]])

    def forward(self, images: Tensor) -> PipOutputs:
        """See `LandmarkModel.forward`."""
        maps = self.backbone(self.normalise(images))
        features = self.coarser(maps[-1] if self.neck is None else self.neck(maps))
        offset = torch.stack([self.x(features).float(), self.y(features).float()], 2)
        neighbour = None
        if self.neighbour_x is not None and self.neighbour_y is not None:
            ways = [layer(features).float() for layer in (self.neighbour_x, self.neighbour_y)]
            neighbour = torch.cat([way.unflatten(1, self.neighbours.shape) for way in ways], 2)
        visible = None if self.see is None else self.see(features.detach()).float()
        return PipOutputs(self.score(features).float(), offset, neighbour, visible, self.extra(features))

    def loss(self, outputs: PipOutputs, targets: Targets) -> Tensor:
        """10 · MSE of the score map + L1 of x, y and the neighbours' x, y at the cell that holds the point."""
        return self._loss(outputs, targets, None)

    def distil(self, outputs: PipOutputs, teacher: Prediction, score: Tensor | None = None) -> Tensor:
        """The loss against a teacher's points and, if it has them, its score maps, resampled to this model's cells."""
        if score is not None and score.shape != outputs.score.shape:
            score = interpolate(score, outputs.score.shape[-2:], mode="bilinear")
        return self._loss(outputs, Targets(teacher.landmarks), score)

    def _loss(self, outputs: PipOutputs, targets: Targets, score: Tensor | None) -> Tensor:
        side = outputs.score.shape[-1]
        points = (targets.landmarks + 0.5) * (side / self.input_size)
        cells = cell_of(points, side)
        corner = corner_of(cells, side)
        truth = one_hot(cells, side * side).float().view_as(outputs.score) if score is None else score
        # a mean over x and y together is half the sum of the paper's two means
        total = SCORE_WEIGHT * mse_loss(outputs.score, truth) + 2 * l1_loss(
            read(outputs.offset, cells), points - corner
        )
        if outputs.neighbour is not None:
            ways = points[:, self.neighbours] - corner[:, :, None]
            total = total + 2 * l1_loss(_pairs(read(outputs.neighbour, cells)), ways)
        if outputs.visible is not None and targets.visibility is not None:
            seen = binary_cross_entropy_with_logits(read(outputs.visible, cells), targets.visibility.float())
            total = total + SEEN_WEIGHT * seen
        return total + self.extra.loss(outputs.extra, targets)

    def decode(self, outputs: PipOutputs) -> Prediction:
        """Each point is the mean of its own prediction and those of all points that have it as a neighbour."""
        side = outputs.score.shape[-1]
        cells = highest(outputs.score)
        corner = corner_of(cells, side)
        points = corner + read(outputs.offset, cells)
        if outputs.neighbour is not None:
            corners = torch.cat([corner[:, :, None]] * self.neighbours.shape[1], 2)  # broadcast, as OpenCV 4.6 does not
            others = (corners + _pairs(read(outputs.neighbour, cells))).flatten(1, 2)
            every = torch.arange(self.points, device=self.neighbours.device)
            about = (self.neighbours.flatten()[:, None] == every).to(others.dtype)  # N·K × N, 1 for the point meant
            points = (points + (others.mT @ about).mT) / (1 + about.sum(0))[:, None]
        landmarks = points * (self.input_size / side) - 0.5
        visibility = None if outputs.visible is None else read(outputs.visible, cells).sigmoid()
        extra = self.extra.decode(outputs.extra)
        return Prediction(landmarks, read(outputs.score, cells).clamp(0, 1), visibility, extra=extra)


def _pairs(ways: Tensor) -> Tensor:
    """B×N×K×2 of neighbours B×N×2K."""
    return ways.unflatten(2, (2, -1)).mT


def _check_options(points: int, stride: int, neighbours: int, neck: str, neck_width: int | None) -> None:
    """Raise a ValueError for options of `Pip` that are unknown or do not fit each other."""
    if stride not in (32, 64, 128):
        raise ValueError(f"the stride must be 32, 64 or 128, not {stride}")
    if not 0 <= neighbours < points:
        raise ValueError(f"each of {points} points can have 0 to {points - 1} neighbours, not {neighbours}")
    if neck not in ("none", "fuse"):
        raise ValueError(f"the neck must be none or fuse, not {neck!r}")
    if neck == "none" and neck_width is not None:
        raise ValueError("a neck's width is given, but no neck")
