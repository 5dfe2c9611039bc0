"""A data set's faces as one array of crops: what training draws its batches from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from fauxface.datasets.base import BadSample, FaceDataset
from fauxface.datasets.reading import map_samples
from fauxface.faces import FaceSample, Framing
from fauxface.landmarks import five_points, scheme_of


@dataclass(frozen=True)
class PackedCrops:
    """M faces cut out with a border, so that augmentation can move and turn them without black corners.

    Attributes:
        images: M×S×S×3 uint8 RGB, S = size + 2·padding.
        landmarks: M×N×2 float32, pixels of the padded crop; may lie outside it.
        visibility: M×N booleans, or None unless every sample says.
        indices: (M,) int64, which samples of the data set these are.
        scheme: the landmarks' scheme.
        labels: the labels' convention.
        size: side of the crop proper, pixels.
        framing: how the crops proper lie about the faces.
        padding: border on each side, pixels.
        skipped: the samples left out, and why.
    """

    images: np.ndarray
    landmarks: np.ndarray
    visibility: np.ndarray | None
    indices: np.ndarray
    scheme: str
    labels: str
    size: int
    framing: Framing
    padding: int
    skipped: list[BadSample] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.images)


def pack(
    dataset: FaceDataset,
    size: int,
    framing: Framing | None = None,
    padding: int = 0,
    skip_bad: bool = False,
    workers: int | None = None,
) -> PackedCrops:
    """Crop every face of ``dataset`` by ``framing`` (None: by its box) and pad it by ``padding``, all in memory.

    BadSample at the first that cannot be read unless ``skip_bad``; ValueError when none can be.
    """
    framing, scheme = framing or Framing(), scheme_of(dataset.scheme)
    side, count = size + 2 * padding, len(dataset)
    images = np.empty((count, side, side, 3), np.uint8)
    landmarks = np.empty((count, scheme.count, 2), np.float32)
    visibilities: list[np.ndarray | None] = []
    indices: list[int] = []
    skipped: list[BadSample] = []

    def crop(sample: FaceSample) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        place = framing.place(sample.box, five_points(sample.landmarks, scheme))
        frame = framing.crop(place, size).padded(padding)
        return frame.extract(sample.image), frame.to_crop(sample.landmarks), sample.visibility

    faces = map_samples(dataset, crop, skip_bad=skip_bad, skipped=skipped, workers=workers, description="cropping")
    for index, (image, points, visibility) in faces:
        images[len(indices)] = image
        landmarks[len(indices)] = points
        visibilities.append(visibility)
        indices.append(index)
    seen = [visibility for visibility in visibilities if visibility is not None]
    return PackedCrops(
        images=images[: len(indices)],
        landmarks=landmarks[: len(indices)],
        visibility=np.stack(seen) if len(seen) == len(indices) else None,
        indices=np.array(indices, np.int64),
        scheme=dataset.scheme,
        labels=dataset.labels,
        size=size,
        framing=framing,
        padding=padding,
        skipped=skipped,
    )
