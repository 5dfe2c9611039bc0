"""Readers for labelled faces, one file a format, and the crops that training takes from them."""

from fauxface.datasets.base import BadSample, FaceDataset
from fauxface.datasets.ibug import SPLITS
from fauxface.datasets.opening import FORMATS, open_dataset
from fauxface.datasets.packed import PADDING, PackedCrops, ShardedCrops, pack
from fauxface.datasets.packs import identity_of, open_pack
from fauxface.datasets.reading import map_samples, read_samples

__all__ = [
    "FORMATS",
    "PADDING",
    "SPLITS",
    "BadSample",
    "FaceDataset",
    "PackedCrops",
    "ShardedCrops",
    "identity_of",
    "map_samples",
    "open_dataset",
    "open_pack",
    "pack",
    "read_samples",
]
