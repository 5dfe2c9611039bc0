"""The faces of a data set as one array of crops, from which training takes its batches."""

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
"""Border of training crops, as a share of their side, that rotation and translation may bring into view."""


@dataclass(frozen=True)
class ShardedCrops:
    """M crops in several memory-mapped files, so that processes share their memory.

    ``crops[rows]`` gives copies, like fancy indexing of an array.

    Attributes:
        shards: arrays n×S×S×3 uint8 of ``length`` crops each; the last may be shorter.
        length: crops in a shard.
        slots: (M,) int64, position of each crop, counted through all shards.
        held: object that must exist as long as the crops are read (a lock on their files).
    """

    shards: Sequence[np.ndarray]
    length: int
    slots: np.ndarray
    held: object = None

    def __len__(self) -> int:
        return len(self.slots)

    @property
    def shape(self) -> tuple[int, ...]:
        """M×S×S×3, as of an array."""
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
    """Crops of M faces with a border, so that augmentation can move and rotate them without black corners.

    Attributes:
        images: M×S×S×3 uint8 RGB, S = size + 2·padding.
        targets: the arrays M×… of every target that all samples have, in the padded crop's frame, by the names of
            `fauxface.targets`; ``landmarks`` M×N×2 float32 may lie outside the crop.
        indices: (M,) int64, indices of the samples in the data set.
        scheme: the landmark scheme.
        labels: the label convention.
        size: side of the crop without border, pixels.
        framing: the way the faces were cropped.
        padding: border on each side, pixels.
        skipped: the samples left out, with reasons.
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
        """Landmarks M×N×2 float32, pixels of the padded crop."""
        return self.targets["landmarks"]

    @property
    def visibility(self) -> np.ndarray | None:
        """Visibility M×N booleans, or None unless every sample has it."""
        return self.targets.get("visibility")


@dataclass(frozen=True)
class Cutter:
    """Crops the face of a sample, in the same way for crops in memory and in files."""

    framing: Framing
    size: int
    padding: int

    @property
    def side(self) -> int:
        """Side of the crop with its border, pixels."""
        return self.size + 2 * self.padding

    def __call__(self, sample: FaceSample) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """The crop side×side×3 uint8, and all targets of the sample in the crop's frame.

        BadSample for a face without extent.
        """
        place = self.framing.place(sample.box, five_points(sample.landmarks, scheme_of(sample.scheme)))
        try:
            crop = self.framing.crop(place, self.size).padded(self.padding)
        except ValueError as error:  # points at one place
            raise BadSample(Path(sample.source), str(error)) from None
        targets = {name: target_of(name).to_crop(value, crop) for name, value in sample.targets.items()}
        return crop.extract(sample.image), targets


def pack(
    dataset: FaceDataset,
    size: int,
    framing: Framing | None = None,
    padding: int = 0,
    skip_bad: bool = False,
    workers: int | None = None,
) -> PackedCrops:
    """Crop every face of ``dataset`` by ``framing`` (None: by its box) with a border of ``padding`` pixels, in memory.

    `fauxface.datasets.packs.open_pack` gives the same from files. BadSample at the first sample that cannot be read,
    unless ``skip_bad``; ValueError if none can be read.
    """
    cutter = Cutter(framing or Framing(), size, padding)
    count = len(dataset)
    images = np.empty((count, cutter.side, cutter.side, 3), np.uint8)
    targets: list[dict[str, np.ndarray]] = []
    indices: list[int] = []
    skipped: list[BadSample] = []
    faces = map_samples(dataset, cutter, skip_bad=skip_bad, skipped=skipped, workers=workers, description="cropping")
    for index, (image, values) in faces:
        images[len(indices)] = image
        targets.append(values)
        indices.append(index)
    common = [name for name in targets[0] if all(name in values for values in targets)]
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
