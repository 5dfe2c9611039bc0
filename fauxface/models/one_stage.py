"""Detection of faces and their landmarks in one pass over the whole frame.

Kim et al. 2021, "One-stage face region and landmark detection": one network finds every face's region and landmarks.
This one has no anchors (Tian et al. 2019, "FCOS"): on grids of 8, 16 and 32 px, every cell predicts whether a face is
centred there, the distances of the box's edges, and the landmarks. Its score also rates the box (Li et al. 2020,
"Generalized focal loss"), and the box is trained with GIoU (Rezatofighi et al. 2019). The network consists of depthwise
convolutions (Howard et al. 2017) and a feature pyramid (Lin et al. 2017), slim enough to take half the time of usual
detectors on a frame of 640×480. Landmarks are computed only at the best cells; 70 landmarks at thousands of cells would
cost more than all the rest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, interpolate, max_pool2d, smooth_l1_loss

from fauxface.models.base import FaceNetwork
from fauxface.models.names import ONE_STAGE

NAME = ONE_STAGE
STRIDES = (8, 16, 32)
SIDES = ((0.0, 64.0), (48.0, 160.0), (128.0, math.inf))
"""Range of the boxes' longer sides, px, for each grid; in overlaps both grids are used."""
CENTRE = 1.5
"""Radius of a face's cells around its box's centre, in strides; the cells are also inside the box."""
STAGES = ((32, 2), (64, 4), (128, 5), (256, 3))
"""Channels and blocks of the backbone at strides 4, 8, 16 and 32."""
WIDTH = 64
"""Channels of the pyramid."""
HIDDEN = 192
"""Width of the hidden layer for landmarks."""
BEST = 128
"""Number of cells with the best scores, of those that no neighbour exceeds, at which landmarks are computed."""
BOX_WEIGHT, LANDMARK_WEIGHT = 2.0, 8.0
LANDMARK_BETA = 0.02
"""Error at which the landmarks' loss changes from squared to linear: 2 % of the face."""
NONE = -30.0
"""Logit of a cell that is no candidate."""
PRIOR = 0.01
"""First predicted probability of a face in a cell."""


@dataclass(frozen=True)
class FrameTargets:
    """True labels of B frames with at most F faces each.

    Attributes:
        boxes: B×F×4 float32, frame pixels.
        landmarks: B×F×N×2 float32.
        kind: B×F int64: 1 for a face to find, 0 for no face, −1 for a face to ignore (cut off, hidden or too small).
    """

    boxes: Tensor
    landmarks: Tensor
    kind: Tensor


class OneStageOutputs(NamedTuple):
    """Raw outputs of A cells, all grids one after the other.

    Attributes:
        heat: B×A logits of the IoU of the cell's box with a face, 0 without a face.
        boxes: B×A×4 frame pixels.
        peaks: B×A, true for a cell whose heat no neighbour on its grid exceeds.
        features: B×A×C, from which `OneStage.offsets` computes a cell's landmarks.
        cells: A×3, centre x and y in frame pixels, and stride.
    """

    heat: Tensor
    boxes: Tensor
    peaks: Tensor
    features: Tensor
    cells: Tensor


class Candidates(NamedTuple):
    """The best K cells of B frames: ``boxes`` B×K×4, ``scores`` B×K decreasing, ``landmarks`` B×K×N×2; frame pixels."""

    boxes: Tensor
    scores: Tensor
    landmarks: Tensor


class Block(nn.Module):
    """A depthwise and a 1×1 convolution, added to the input if the shapes agree."""

    def __init__(self, channels: int, out: int, stride: int = 1, kernel: int = 3):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, kernel, stride, kernel // 2, groups=channels, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, out, 1, bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU(),
        )
        self.same = stride == 1 and channels == out

    def forward(self, maps: Tensor) -> Tensor:
        """Maps B×out×H×W from maps B×channels×H×W; half the size with stride 2."""
        return maps + self.layers(maps) if self.same else self.layers(maps)


class OneStage(FaceNetwork):
    """Backbone → pyramid → a tower for each of the three grids → one head for all.

    ``input_size`` is the side of the training frames; it accepts all frames with sides that are multiples of 32.
    """

    paper = "Kim et al. 2021, region and landmarks at once"

    def __init__(self, input_size: int, scheme: str, **options: Any):
        """Build the network; ValueError for a size that is not a multiple of 32, and for any option."""
        super().__init__(NAME, input_size, scheme, {})
        if options:
            raise ValueError(f"{NAME} has no option '{next(iter(options))}'; it belongs to another method")
        if input_size % STRIDES[-1] or input_size < 96:
            raise ValueError(f"{NAME} takes frames of 96 px or more, in steps of {STRIDES[-1]} px, not {input_size}")
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.stages, width = nn.ModuleList(), 16
        for number, (channels, blocks) in enumerate(STAGES):
            kernel = 5 if number == len(STAGES) - 1 else 3  # so that the receptive field covers the largest faces
            first = Block(width, channels, 2, kernel)
            self.stages.append(nn.Sequential(first, *(Block(channels, channels, 1, kernel) for _ in range(blocks - 1))))
            width = channels
        self.lateral = nn.ModuleList(nn.Conv2d(channels, WIDTH, 1) for channels, _ in STAGES[1:])
        self.smooth = nn.ModuleList(Block(WIDTH, WIDTH) for _ in STRIDES)
        # a shared tower's batch norms would train with each grid's statistics and run with their mean
        self.towers = nn.ModuleList(nn.Sequential(Block(WIDTH, WIDTH), Block(WIDTH, WIDTH)) for _ in STRIDES)
        self.heat = nn.Conv2d(WIDTH, 1, 1)
        self.edges = nn.Conv2d(WIDTH, 4, 1)
        self.place = nn.Sequential(nn.Linear(WIDTH, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2 * self.points))
        for layer in (self.heat, self.edges, self.place[-1]):
            assert isinstance(layer, nn.Conv2d | nn.Linear)
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)  # pyright: ignore[reportArgumentType]
        nn.init.constant_(self.heat.bias, math.log(PRIOR / (1 - PRIOR)))  # pyright: ignore[reportArgumentType]
        nn.init.constant_(self.edges.bias, math.log(2.0))  # pyright: ignore[reportArgumentType]

    def forward(self, images: Tensor) -> OneStageOutputs:
        """Raw outputs for images B×3×H×W float in [0, 1]."""
        maps, features = self.stem(self.normalise(images)), []
        for stage in self.stages:
            maps = stage(maps)
            features.append(maps)
        above: Tensor | None = None
        levels = []
        grids = list(zip(self.lateral, self.smooth, self.towers, features[1:], strict=True))
        for lateral, smooth, tower, maps in reversed(grids):
            wide = lateral(maps)
            above = smooth(wide if above is None else wide + interpolate(above, scale_factor=2.0, mode="nearest"))
            levels.append(tower(above))
        heat, boxes, peaks, read, cells = [], [], [], [], []
        for maps, stride in zip(reversed(levels), STRIDES, strict=True):
            rows, columns = (torch.arange(n, device=maps.device, dtype=torch.float32) for n in maps.shape[-2:])
            y, x = torch.meshgrid(rows, columns, indexing="ij")
            centre = torch.stack([x, y], -1).flatten(0, 1) * stride + (stride - 1) / 2
            reach = self.edges(maps).float().clamp(max=5.0).exp().flatten(2).mT * stride
            boxes.append(torch.cat([centre - reach[..., :2], centre + reach[..., 2:]], -1))
            hot = self.heat(maps).float()
            heat.append(hot.flatten(1))
            peaks.append((hot >= max_pool2d(hot, 3, 1, 1)).flatten(1))
            read.append(maps.flatten(2).mT)
            cells.append(torch.cat([centre, torch.full_like(centre[:, :1], stride)], -1))
        hot, edges, highest, features = (torch.cat(parts, 1) for parts in (heat, boxes, peaks, read))
        return OneStageOutputs(hot, edges, highest, features, torch.cat(cells))

    def offsets(self, features: Tensor) -> Tensor:
        """Landmarks …×N×2 of cells with features …×C, from their centres, in shares of the boxes' longer sides."""
        return self.place(features).float().unflatten(-1, (self.points, 2))

    def find(self, images: Tensor) -> Candidates:
        """The best cells for images B×3×H×W float in [0, 1] with at least `BEST` cells."""
        heat, boxes, peaks, features, cells = self(images)
        # all cells of a few faces would leave no room for a crowd's other faces
        best, index = heat.masked_fill(~peaks, NONE).topk(BEST, dim=1)
        boxes, features = (_taken(values, index) for values in (boxes, features))
        far = self.offsets(features) * longer_side(boxes)[..., None, None]
        return Candidates(boxes, best.sigmoid(), cells[index, None, :2] + far)

    def loss(self, outputs: OneStageOutputs, targets: FrameTargets) -> Tensor:
        """Quality focal loss of heat + GIoU loss of boxes + smooth L1 of landmarks in shares of the face, a scalar."""
        face, held, counted = assign(outputs.cells, targets)
        boxes, truth = outputs.boxes[held], _taken(targets.boxes, face)[held]
        overlap, quality = giou(boxes, truth)
        aim = torch.zeros_like(outputs.heat)
        aim[held] = quality.detach()
        focal = binary_cross_entropy_with_logits(outputs.heat, aim, reduction="none")
        focal = focal * (aim - outputs.heat.sigmoid()).square() * counted
        count = max(1, len(boxes))
        total = focal.sum() / count + BOX_WEIGHT * (1 - overlap).sum() / count
        centres = outputs.cells[:, :2].expand(*held.shape, 2)[held]
        points = _taken(targets.landmarks.flatten(2), face)[held].unflatten(1, (self.points, 2))
        wanted = (points - centres[:, None]) / longer_side(truth)[:, None, None]
        told = self.offsets(outputs.features[held])  # there alone: most of the cells show no face
        far = smooth_l1_loss(told, wanted, reduction="none", beta=LANDMARK_BETA)
        return total + LANDMARK_WEIGHT * far.mean(dim=(1, 2)).sum() / count


def assign(cells: Tensor, targets: FrameTargets) -> tuple[Tensor, Tensor, Tensor]:
    """Assign faces to cells (A×3).

    Returns, B×A each: the index of the cell's face, a boolean that is true if it has one, and the weight of its heat (0
    over faces of kind −1, otherwise 1). If two faces compete for a cell, the smaller gets it.
    """
    boxes = targets.boxes[:, None]
    size = (boxes[..., 2:] - boxes[..., :2]).clamp(min=1e-3)
    away = (cells[:, None, :2] - (boxes[..., :2] + boxes[..., 2:]) / 2).abs()
    stride = cells[:, None, 2:]
    # the cell at the face's centre always counts, however small the face
    near = (away <= torch.maximum(torch.minimum(CENTRE * stride, size / 2), stride / 2)).all(-1)
    low, high = (cells.new_tensor(SIDES)[_level(cells[:, 2])].T)[..., None]
    side = size.amax(-1)
    fits = (side >= low) & (side < high)
    claimed = near & fits & (targets.kind == 1)[:, None]
    area = torch.where(claimed, size.prod(-1).expand(claimed.shape), torch.inf)
    smallest, face = area.min(-1)
    held = smallest.isfinite()
    over = ((away <= size / 2).all(-1) & (targets.kind == -1)[:, None]).any(-1)
    return face, held, (held | ~over).float()


def giou(boxes: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Generalised IoU (M,) and IoU (M,) of boxes (M, 4) with true boxes (M, 4)."""
    both = (torch.minimum(boxes[:, 2:], truth[:, 2:]) - torch.maximum(boxes[:, :2], truth[:, :2])).clamp(min=0).prod(1)
    hull = (torch.maximum(boxes[:, 2:], truth[:, 2:]) - torch.minimum(boxes[:, :2], truth[:, :2])).prod(1)
    union = sum((b[:, 2:] - b[:, :2]).prod(1) for b in (boxes, truth)) - both
    iou = both / union.clamp(min=1e-6)
    return iou - (hull - union) / hull.clamp(min=1e-6), iou


def longer_side(boxes: Tensor) -> Tensor:
    """Longer sides (...) of boxes (..., 4)."""
    return (boxes[..., 2:] - boxes[..., :2]).amax(-1)


def _taken(values: Tensor, index: Tensor) -> Tensor:
    """Values B×K×C at the indices B×K of values B×A×C."""
    return values.gather(1, index[..., None].expand(-1, -1, values.shape[2]))


def _level(stride: Tensor) -> Tensor:
    return (stride / STRIDES[0]).log2().round().long()
