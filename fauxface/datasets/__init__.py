"""Readers for labelled faces, one file for each format, and the crops that training takes from them."""

from fauxface.datasets.base import BadSample, FaceDataset, Format, Labels
from fauxface.datasets.formats import FORMATS, FormatName
from fauxface.datasets.opening import open_dataset
from fauxface.datasets.packed import PADDING, PackedCrops, ShardedCrops, pack
from fauxface.datasets.packs import identity_of, open_pack
from fauxface.datasets.reading import map_samples, read_samples

__all__ = [
    "FORMATS",
    "PADDING",
    "BadSample",
    "FaceDataset",
    "Format",
    "FormatName",
    "Labels",
    "PackedCrops",
    "ShardedCrops",
    "identity_of",
    "map_samples",
    "open_dataset",
    "open_pack",
    "pack",
    "read_samples",
]
