"""The data of a one-stage run: frames composed of pieces of rendered frames, with faces of every size.

A mosaic (Bochkovskiy et al. 2020, "YOLOv4") of 1, 4 or 9 pieces, each a random square of a frame, turned. So faces have
sizes from a few pixels to most of the frame, are in all places and at many angles, and some are cut off. Some pieces
come from pictures without faces, so that the model learns what is none. Everything depends on (seed, epoch, sample
index) alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fauxface import metrics
from fauxface.augment import Batch, Draws
from fauxface.augment.blur import LowResolution
from fauxface.augment.colour import Colour
from fauxface.augment.noise import Noise
from fauxface.datasets import BadSample
from fauxface.datasets.frames import SCHEME, FrameSample, find_empty, find_frames, read_empty, read_frame, read_sources
from fauxface.faces import Crop, box_iou, landmark_box
from fauxface.landmarks import flip, scheme_of
from fauxface.models import FaceNetwork
from fauxface.models.one_stage import FrameTargets, OneStage
from fauxface.training.config import Scheduled
from fauxface.training.data import generator_of, held_out_count

PIECES = ((1, 0.45), (2, 0.4), (3, 0.15))
"""Pieces along the frame's side → share of the frames."""
CLOSEST = 0.35
"""Smallest piece, as a share of the frame's side."""
UPRIGHT, SLIGHT, MOST = 0.5, 10.0, 60.0
"""Share of the pieces that are turned by a normal angle with a deviation of ``SLIGHT`` degrees; the others by any angle
up to ``MOST``."""
EMPTY = 0.25
"""Share of the pieces from pictures without faces, if there are any."""
SMALLEST = 8.0
"""Faces with a smaller box are ignored in the loss, px."""
LEAST_INSIDE, LEAST_SEEN = 0.6, 0.2
"""Faces are also ignored if a smaller share of their box, or of their points, is visible."""
PIXELS = (Colour(), LowResolution(2.5, 0.2, smallest=1.2), Noise(0.05, 0.4))
KEPT_BYTES = 2 << 30
"""Most memory for frames that were read, bytes."""
BATCH = 16
MATCH = 0.4
"""Least IoU of a predicted box with the face's box."""


@dataclass
class Frames:
    """Frames that are read when they are needed.

    Attributes:
        sources: their files.
        skipped: errors of frames that were left out at the start.
        scheme: the landmark scheme.
        read: reads a file: `read_frame`, or `read_empty` for pictures without faces.
    """

    sources: tuple[Path, ...]
    skipped: list[BadSample] = field(default_factory=list)
    scheme: str = SCHEME
    read: Callable[[Path], FrameSample] = read_frame
    _kept: dict[int, FrameSample] = field(default_factory=dict, repr=False)
    _bytes: int = 0

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, index: int) -> FrameSample:
        if index in self._kept:
            return self._kept[index]
        frame = self.read(self.sources[index])
        if self._bytes + frame.image.nbytes <= KEPT_BYTES:
            self._kept[index] = frame
            self._bytes += frame.image.nbytes
        return frame


@dataclass(frozen=True)
class Composed:
    """A composed frame S×S×3 uint8, its faces' boxes (F, 4), landmarks (F, 70, 2) and kinds (see `FrameTargets`)."""

    image: np.ndarray
    boxes: np.ndarray
    landmarks: np.ndarray
    kind: np.ndarray


@dataclass(frozen=True)
class FrameData:
    """Training and validation data of a one-stage run, like `RunData` for crops."""

    train: Frames
    val: Frames
    labels: str
    generator: str | None
    size: int
    seed: int
    plain: bool
    pool: ThreadPoolExecutor
    empty: Frames | None = None
    empty_sources: tuple[str, ...] = ()

    def batch(self, chosen: Tensor, epoch: int, to_device: Callable[[Tensor], Tensor]) -> tuple[Tensor, FrameTargets]:
        """Images B×3×S×S float in [0, 1] and targets of the samples ``chosen`` (B,) in an epoch."""
        composed = list(self.pool.map(lambda index: self._compose(epoch, index), chosen.tolist()))
        images, targets = collate(composed, to_device)
        if not self.plain:
            draws = Draws.of(self.seed, epoch, chosen)
            batch = Batch(images, {"landmarks": targets.landmarks.flatten(1, 2)})
            for augmentation in PIXELS:
                batch = augmentation(batch, draws)
            images = batch.images
        return images, targets

    def _compose(self, epoch: int, index: int) -> Composed:
        random = np.random.default_rng([self.seed, epoch, index])
        if self.plain:
            return whole(self.train[index], self.size)
        return compose(self.train, index, self.size, random, self.empty)

    @torch.no_grad()
    def validate(self, model: FaceNetwork) -> tuple[float, float]:
        """Loss and mean NME in percent on the validation frames; a face that is not found counts as 100 %."""
        assert isinstance(model, OneStage)
        device, total, errors = next(model.parameters()).device, 0.0, []
        for first in range(0, len(self.val), BATCH):
            numbers = range(first, min(first + BATCH, len(self.val)))
            composed = list(self.pool.map(lambda i: whole(self.val[i], self.size), numbers))
            images, targets = collate(composed, lambda tensor: tensor.to(device))
            total += model.loss(model(images), targets).item() * len(images)
            found = [part.float().cpu().numpy() for part in model.find(images)]
            for frame, boxes, scores, landmarks in zip(composed, *found, strict=True):
                errors += frame_errors(frame, boxes, scores, landmarks)
        return total / len(self.val), float(np.mean(errors)) if errors else 100.0


def load_frames(config: Scheduled) -> FrameData:
    """The frames of a one-stage run; errors of `find_frames`, and ValueError for more images than there are."""
    found = find_frames(config.data)
    count = len(found) if config.images is None else config.images
    if count > len(found):
        raise ValueError(f"cannot take {count} samples of {config.data.name}, which has {len(found)}")
    order = np.random.default_rng(np.random.SeedSequence(config.seed)).permutation(len(found))[:count]
    held_out = held_out_count(config, count) if config.val_data is None else 0
    train = [found[i] for i in sorted(order[: count - held_out])]
    val = [found[i] for i in sorted(order[count - held_out :])] or train
    if config.val_data is not None:
        val = list(find_frames(config.val_data))
    learned, checked = (_readable(s) if config.skip_bad else Frames(tuple(s)) for s in (train, val))
    empty, sources = None, []
    if config.without_faces is not None:
        pictures, sources = find_empty(config.without_faces), read_sources(config.without_faces)
        empty = _readable(pictures, read_empty) if config.skip_bad else Frames(pictures, read=read_empty)
    return FrameData(
        learned,
        checked,
        "2d",
        generator_of(learned.sources),
        config.input_size,
        config.seed,
        config.augment == "none",
        ThreadPoolExecutor(config.workers or min(8, os.cpu_count() or 1)),
        empty,
        tuple(sources),
    )


def _readable(sources: Sequence[Path], read: Callable[[Path], FrameSample] = read_frame) -> Frames:
    kept: list[Path] = []
    skipped: list[BadSample] = []
    for source in sources:
        try:
            read(source)
        except BadSample as error:
            skipped.append(error)
        else:
            kept.append(source)
    if not kept:
        raise ValueError(f"none of the {len(sources)} frames can be read; the first: {skipped[0]}")
    return Frames(tuple(kept), skipped, read=read)


def compose(
    frames: Frames, index: int, size: int, random: np.random.Generator, empty: Frames | None = None
) -> Composed:
    """A composed frame of ``size`` px from frame ``index`` and, in a mosaic, other random frames.

    A share `EMPTY` of the pieces, the first one too, comes from ``empty`` instead.
    """
    counts, shares = zip(*PIECES, strict=True)
    count = int(random.choice(counts, p=shares))
    edges = np.linspace(0, size, count + 1).round().astype(int)
    image = np.empty((size, size, 3), np.uint8)
    parts: list[Composed] = []
    for number in range(count**2):
        row, column = divmod(number, count)
        if empty is not None and random.random() < EMPTY:
            frame = empty[int(random.integers(len(empty)))]
        else:
            frame = frames[index if number == 0 else int(random.integers(len(frames)))]
        x, y, side = edges[column], edges[row], max(edges[row + 1] - edges[row], edges[column + 1] - edges[column])
        part, corner = piece(frame, int(side), random), np.array([x, y], float)
        image[y : edges[row + 1], x : edges[column + 1]] = part.image[: edges[row + 1] - y, : edges[column + 1] - x]
        parts.append(Composed(part.image, part.boxes + np.tile(corner, 2), part.landmarks + corner, part.kind))
    together = (np.concatenate([getattr(p, name) for p in parts]) for name in ("boxes", "landmarks", "kind"))
    return Composed(image, *together)


def piece(frame: FrameSample, side: int, random: np.random.Generator) -> Composed:
    """A random square of a frame, turned and resampled to ``side`` pixels, possibly mirrored."""
    height, width = frame.image.shape[:2]
    extent = min(height, width) * float(np.exp(random.uniform(np.log(CLOSEST), 0)))
    x, y = random.uniform(0, [width - extent, height - extent])
    degrees = random.normal(0, SLIGHT) if random.random() < UPRIGHT else random.uniform(-MOST, MOST)
    box = np.array([x, y, x + extent, y + extent]) - 0.5
    crop = Crop.around(box, side, margin=1.0, angle=float(np.radians(degrees)))
    return cut(frame, crop, mirrored=bool(random.random() < 0.5))


def whole(frame: FrameSample, side: int) -> Composed:
    """The whole frame, with a longer side of ``side`` pixels, at the upper left of a square."""
    return cut(frame, Crop(0, 0, max(frame.image.shape[:2]) / side, side))


def cut(frame: FrameSample, crop: Crop, mirrored: bool = False) -> Composed:
    """The part of a frame in a crop, with the kinds of its faces."""
    image, landmarks = crop.extract(frame.image), crop.to_crop(frame.landmarks)
    if mirrored:
        image, landmarks = image[:, ::-1], flip(landmarks, scheme_of(SCHEME), crop.size)
    boxes = np.array([landmark_box(points, SCHEME) for points in landmarks]).reshape(-1, 4)
    seen = np.clip(boxes, -0.5, crop.size - 0.5)
    inside = np.prod(seen[:, 2:] - seen[:, :2], 1) / np.prod(boxes[:, 2:] - boxes[:, :2], 1)
    sides = (boxes[:, 2:] - boxes[:, :2]).max(1, initial=0)
    shown = (inside >= LEAST_INSIDE) & (frame.visibility.mean(1) >= LEAST_SEEN) & (sides >= SMALLEST)
    kind = np.where(shown, 1, -1)
    # boxes of ignored faces end at this piece, so that they do not affect its neighbours
    boxes = np.where(shown[:, None], boxes, seen)
    kept = inside > 0
    return Composed(np.ascontiguousarray(image), boxes[kept], landmarks[kept], kind[kept])


def collate(composed: Sequence[Composed], to_device: Callable[[Tensor], Tensor]) -> tuple[Tensor, FrameTargets]:
    """Images B×3×S×S float in [0, 1], and targets, padded to the largest number of faces."""
    most = max(1, *(len(c.kind) for c in composed))

    def padded(arrays: Sequence[np.ndarray], rest: tuple[int, ...], kind: type) -> Tensor:
        together = np.zeros((len(arrays), most, *rest), kind)
        for row, array in zip(together, arrays, strict=True):
            row[: len(array)] = array
        return to_device(torch.from_numpy(together))

    images = to_device(torch.from_numpy(np.stack([c.image for c in composed]))).permute(0, 3, 1, 2).float() / 255
    return images, FrameTargets(
        padded([c.boxes for c in composed], (4,), np.float32),
        padded([c.landmarks for c in composed], (scheme_of(SCHEME).count, 2), np.float32),
        padded([c.kind for c in composed], (), np.int64),
    )


def frame_errors(
    frame: Composed, boxes: np.ndarray, scores: np.ndarray, landmarks: np.ndarray, threshold: float = 0.2
) -> list[float]:
    """NME in percent of each face to find, by the box (K, 4) with the best score on it; 100 if there is none."""
    errors = []
    likely = scores >= threshold
    for box, truth in zip(frame.boxes[frame.kind == 1], frame.landmarks[frame.kind == 1], strict=True):
        near = np.flatnonzero(likely & (box_iou(boxes, box[None])[:, 0] >= MATCH))
        points = landmarks[near[:1]]
        errors.append(min(100.0, float(metrics.nme(points, truth[None], SCHEME)[0])) if len(near) else 100.0)
    return errors
