"""A data set's faces as one array of crops: what training draws its batches from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from fauxface.datasets.base import BadSample, FaceDataset
from fauxface.datasets.reading import map_samples
from fauxface.faces import FaceSample, Framing
from fauxface.landmarks import five_points, scheme_of
from fauxface.targets import target_of

PADDING = 3 / 16
"""Border of training's crops, as a share of their side, that augmentation may turn and move into view."""


@dataclass(frozen=True)
class ShardedCrops:
    """M crops in several arrays that are read as they lie (memory-mapped files), so that processes share their pages.

    ``crops[rows]`` gives copies, as an array's fancy index does.

    Attributes:
        shards: arrays n×S×S×3 uint8, each of ``length`` crops but for the last.
        length: crops a shard.
        slots: (M,) int64: where each of the M lies, counted through all shards.
        held: what must live as long as the crops are read (a lock on their files).
    """

    shards: Sequence[np.ndarray]
    length: int
    slots: np.ndarray
    held: object = None

    def __len__(self) -> int:
        return len(self.slots)

    @property
    def shape(self) -> tuple[int, ...]:
        """M×S×S×3, as an array would say."""
        return len(self), *self.shards[0].shape[1:]

    @property
    def nbytes(self) -> int:
        """Bytes of all M crops."""
        return int(np.prod(self.shape))

    def __getitem__(self, rows: np.ndarray | slice) -> np.ndarray:
        slots = self.slots[rows]
        return self.take(rows, np.empty((len(slots), *self.shape[1:]), np.uint8))

    def take(self, rows: np.ndarray | slice, out: np.ndarray) -> np.ndarray:
        """Copy the crops of ``rows`` into ``out`` (as many ×S×S×3 uint8) and return it."""
        for place, slot in enumerate(self.slots[rows].tolist()):
            shard, row = divmod(slot, self.length)
            out[place] = self.shards[shard][row]
        return out


@dataclass(frozen=True)
class PackedCrops:
    """M faces cut out with a border, so that augmentation can move and turn them without black corners.

    Attributes:
        images: M×S×S×3 uint8 RGB, S = size + 2·padding.
        targets: the arrays M×… of every target that all samples have, in the padded crop's frame, by the names of
            `fauxface.targets`; ``landmarks`` M×N×2 float32 may lie outside the crop.
        indices: (M,) int64, which samples of the data set these are.
        scheme: the landmarks' scheme.
        labels: the labels' convention.
        size: side of the crop proper, pixels.
        framing: how the crops proper lie about the faces.
        padding: border on each side, pixels.
        skipped: the samples left out, and why.
    """

    images: np.ndarray | ShardedCrops
    targets: Mapping[str, np.ndarray]
    indices: np.ndarray
    scheme: str
    labels: str
    size: int
    framing: Framing
    padding: int
    skipped: list[BadSample] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def landmarks(self) -> np.ndarray:
        """M×N×2 float32, pixels of the padded crop."""
        return self.targets["landmarks"]

    @property
    def visibility(self) -> np.ndarray | None:
        """M×N booleans, or None unless every sample says."""
        return self.targets.get("visibility")


@dataclass(frozen=True)
class Cutter:
    """Cuts a sample's face out: the one way, whether its crop stays in memory or goes into a file."""

    framing: Framing
    size: int
    padding: int

    @property
    def side(self) -> int:
        """Side of what comes out, border included, pixels."""
        return self.size + 2 * self.padding

    def __call__(self, sample: FaceSample) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """The crop side×side×3 uint8, and all targets that the sample has, in the crop's frame.

        BadSample for a face without extent.
        """
        place = self.framing.place(sample.box, five_points(sample.landmarks, scheme_of(sample.scheme)))
        try:
            frame = self.framing.crop(place, self.size).padded(self.padding)
        except ValueError as error:  # points at one place
            raise BadSample(Path(sample.source), str(error)) from None
        there = {name: target_of(name).to_crop(value, frame) for name, value in sample.targets.items()}
        return frame.extract(sample.image), there


def pack(
    dataset: FaceDataset,
    size: int,
    framing: Framing | None = None,
    padding: int = 0,
    skip_bad: bool = False,
    workers: int | None = None,
) -> PackedCrops:
    """Crop every face of ``dataset`` by ``framing`` (None: by its box) and pad it by ``padding``, all in memory.

    `fauxface.datasets.packs.open_pack` gives the same out of files. BadSample at the first that cannot be read unless
    ``skip_bad``; ValueError when none can be.
    """
    cutter = Cutter(framing or Framing(), size, padding)
    count = len(dataset)
    images = np.empty((count, cutter.side, cutter.side, 3), np.uint8)
    targets: list[dict[str, np.ndarray]] = []
    indices: list[int] = []
    skipped: list[BadSample] = []
    faces = map_samples(dataset, cutter, skip_bad=skip_bad, skipped=skipped, workers=workers, description="cropping")
    for index, (image, there) in faces:
        images[len(indices)] = image
        targets.append(there)
        indices.append(index)
    common = [name for name in targets[0] if all(name in there for there in targets)]
    return PackedCrops(
        images=images[: len(indices)],
        targets={name: np.stack([t[name] for t in targets]).astype(target_of(name).dtype) for name in common},
        indices=np.array(indices, np.int64),
        scheme=dataset.scheme,
        labels=dataset.labels,
        size=size,
        framing=cutter.framing,
        padding=padding,
        skipped=skipped,
    )
