"""Readers for labelled faces, one file a format, and the crops that training takes from them."""

from fauxface.datasets.base import BadSample, FaceDataset
from fauxface.datasets.ibug import SPLITS
from fauxface.datasets.opening import FORMATS, open_dataset
from fauxface.datasets.packed import PackedCrops, pack
from fauxface.datasets.reading import map_samples, read_samples

__all__ = [
    "FORMATS",
    "SPLITS",
    "BadSample",
    "FaceDataset",
    "PackedCrops",
    "map_samples",
    "open_dataset",
    "pack",
    "read_samples",
]
