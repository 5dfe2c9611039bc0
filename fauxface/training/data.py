"""A run's data: crops to learn from and crops to validate on."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from fauxface.datasets import FaceDataset, PackedCrops, open_dataset, pack
from fauxface.training.config import TrainingConfig

PADDING = 3 / 16
"""Border of the crops, as a share of their side, that augmentation may turn and move into view."""
MOST_HELD_OUT = 500
_GENERATOR = re.compile(r'"generator": *"(\d+(?:\.\d+)*)"')
"""What our renders' ``.json`` begin with: the generator's version."""
_RENDERED: dict[str, Literal["2d", "projected"]] = {"2d": "2d", "projected": "projected"}


@dataclass(frozen=True)
class RunData:
    """What a run learns from and is checked on.

    Attributes:
        train: padded crops.
        val: crops without padding.
        labels: the labels' convention.
        generator: our generator's version if every training image is our render, else None.
    """

    train: PackedCrops
    val: PackedCrops
    labels: str
    generator: str | None


def load_data(config: TrainingConfig) -> RunData:
    """Read and crop the run's images; errors as ``open_dataset`` and ``pack``."""
    dataset = open_dataset(config.data, labels=config.labels)
    count = len(dataset) if config.images is None else config.images
    chosen = dataset.subset(count, config.seed)
    if config.val_data is None:
        held_out = min(MOST_HELD_OUT, max(1, round(count * config.val_fraction))) if count > 1 else 0
        learned = dataset.subset(count - held_out, config.seed)
        known = set(learned.sources)
        # a single image is its own validation: there is no other
        val = replace(chosen, sources=tuple(s for s in chosen.sources if s not in known) or chosen.sources)
    else:
        # annotated labels, unlike rendered ones, have no other convention to choose
        learned, val = chosen, open_dataset(config.val_data, labels=_RENDERED.get(dataset.labels))
        if val.scheme != dataset.scheme:
            raise ValueError(f"{config.val_data} has {val.scheme} points, but {config.data} has {dataset.scheme}")

    def crops(part: FaceDataset, padding: int) -> PackedCrops:
        return pack(part, config.input_size, config.framing, padding, config.skip_bad, config.workers or None)

    train = crops(learned, round(PADDING * config.input_size))
    return RunData(train, crops(val, 0), dataset.labels, our_generator(learned))


def our_generator(dataset: FaceDataset) -> str | None:
    """The version of our generator that, as their ``.json`` say, rendered every image; None if any is another's."""
    versions = {_generator(source) for source in dataset.sources}
    return None if None in versions else ", ".join(sorted(v for v in versions if v is not None))


def _generator(source: Path) -> str | None:
    try:
        with source.with_suffix(".json").open() as file:
            found = _GENERATOR.search(file.read(4096))
    except (OSError, UnicodeDecodeError):
        return None
    return found and found[1]
