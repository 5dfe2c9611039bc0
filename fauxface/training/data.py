"""The data of a run: crops for training and crops for validation."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from fauxface import augment, metrics
from fauxface.datasets import PADDING, FaceDataset, PackedCrops, identity_of, open_dataset, open_pack, pack
from fauxface.files import regular_size
from fauxface.landmarks import scheme_of
from fauxface.models import FaceNetwork, LandmarkModel, Targets
from fauxface.targets import OWN
from fauxface.training.config import Scheduled
from fauxface.training.feed import CropFeed

MOST_HELD_OUT = 500
VAL_BATCH = 128
_GENERATOR = re.compile(r'"generator": *"(\d+(?:\.\d+)*)"')
"""The generator's version at the start of a render's ``.json``."""
_RENDERED: dict[str, Literal["2d", "projected"]] = {"2d": "2d", "projected": "projected"}


@dataclass(frozen=True)
class RunData:
    """Training and validation data of a run.

    Attributes:
        train: padded crops.
        val: crops without padding.
        labels: the label convention.
        generator: the generator's version if all training images are renders of Fauxface, otherwise None.
        policy: augmentation of the training crops.
        seed: the run's seed.
        feed: moves the training crops to the device.
    """

    train: PackedCrops
    val: PackedCrops
    labels: str
    generator: str | None
    policy: augment.Policy
    seed: int
    feed: CropFeed

    def batch(self, chosen: Tensor, epoch: int, to_device: Callable[[Tensor], Tensor]) -> tuple[Tensor, Targets]:
        """Augmented crops B×3×S×S float in [0, 1] and targets of the samples ``chosen`` (B,) in an epoch."""
        train, rows = self.train, chosen.numpy()
        crops = augment.apply(
            self.policy,
            self.feed(chosen, to_device).permute(0, 3, 1, 2),
            {name: torch.from_numpy(values[rows]) for name, values in train.targets.items()},
            scheme=scheme_of(train.scheme),
            size=train.size,
            padding=train.padding,
            seed=self.seed,
            epoch=epoch,
            indices=chosen,
        )
        return crops.images, Targets.of(crops.targets)

    @torch.no_grad()
    def validate(self, model: FaceNetwork) -> tuple[float, float]:
        """Loss and mean NME in percent of a model, in eval mode, on the validation crops."""
        assert isinstance(model, LandmarkModel)
        faces = self.val
        device, total, predicted = next(model.parameters()).device, 0.0, []
        for first in range(0, len(faces), VAL_BATCH):
            part = slice(first, first + VAL_BATCH)
            images = torch.from_numpy(faces.images[part]).to(device).permute(0, 3, 1, 2).float() / 255
            outputs = model(images)
            truth = {name: torch.from_numpy(values[part]).to(device) for name, values in faces.targets.items()}
            total += model.loss(outputs, Targets.of(truth)).item() * len(images)
            predicted.append(model.decode(outputs).landmarks.cpu().numpy())
        normaliser = metrics.usual_normaliser(faces.scheme)
        errors = metrics.nme(np.concatenate(predicted), faces.landmarks, faces.scheme, normaliser)
        return total / len(faces), float(errors.mean())


def load_data(config: Scheduled, device: torch.device | None = None) -> RunData:
    """The run's crops for a model on ``device`` (None: the CPU), from packs or in memory.

    ValueError if the validation data has another landmark scheme; errors of `open_dataset` and `open_pack`.
    """
    dataset = open_dataset(config.data, config.format, config.split, config.labels)
    count = len(dataset) if config.images is None else config.images
    chosen = dataset.subset(count, config.seed)
    if config.val_data is None:
        held_out = held_out_count(config, count)
        learned = dataset.subset(count - held_out, config.seed)
        known = set(learned.sources)
        # a single image is also the validation image, as there is no other
        val = replace(chosen, sources=tuple(s for s in chosen.sources if s not in known) or chosen.sources)
    else:
        learned, val = chosen, open_dataset(config.val_data)
        # renders offer a choice of label conventions, annotated data does not
        if val.labels in _RENDERED and dataset.labels in _RENDERED and val.labels != dataset.labels:
            val = open_dataset(config.val_data, labels=_RENDERED[dataset.labels])
        if val.scheme != dataset.scheme:
            raise ValueError(f"{config.val_data} has {val.scheme} points, but {config.data} has {dataset.scheme}")

    size, framing, workers = config.input_size, config.framing, config.workers or None
    padding, whole_val = round(PADDING * size), dataset if config.val_data is None else val
    if config.in_memory:
        train = pack(learned, size, framing, padding, config.skip_bad, workers)
        held_out_crops = pack(val, size, framing, 0, config.skip_bad, workers)
    else:
        identity = identity_of(dataset, workers)

        def crops(whole: FaceDataset, part: FaceDataset, padding: int) -> PackedCrops:
            hashed = identity if whole is dataset else None
            options = {"skip_bad": config.skip_bad, "workers": workers, "folder": config.packs, "identity": hashed}
            return open_pack(whole, size, framing, padding, part=part, **options)

        train, held_out_crops = crops(dataset, learned, padding), crops(whole_val, val, 0)
    train, held_out_crops = (only_wanted(faces, config.targets) for faces in (train, held_out_crops))
    policy = augment.policy(config.augment)
    policy = augment.levelled(policy) if config.crop == "level" else policy
    feed = CropFeed(train.images, device or torch.device("cpu"))
    # only this format is written by the generator
    generator = generator_of(learned.sources) if dataset.format == "face_synthetics" else None
    return RunData(train, held_out_crops, dataset.labels, generator, policy, config.seed, feed)


def only_wanted(faces: PackedCrops, names: Sequence[str] | None) -> PackedCrops:
    """The crops with these targets alone; None means landmarks and, if known, visibility.

    ValueError, with its name, for a target that some faces lack.
    """
    if names is None:
        names = [name for name in OWN if name in faces.targets]
    for name in names:
        if name not in faces.targets:
            raise ValueError(f"--targets: not every face of the data has {name}; all have {', '.join(faces.targets)}")
    return replace(faces, targets={name: faces.targets[name] for name in names})


def held_out_count(config: Scheduled, count: int) -> int:
    """Number of the ``count`` images that are held out for validation."""
    return min(MOST_HELD_OUT, max(1, round(count * config.val_fraction))) if count > 1 else 0


def generator_of(sources: Sequence[Path]) -> str | None:
    """The generator's version, from the images' ``.json``; None unless Fauxface rendered all images."""
    versions = {_generator(source) for source in sources}
    return None if None in versions else ", ".join(sorted(v for v in versions if v is not None))


def _generator(source: Path) -> str | None:
    path = source.with_suffix(".json")
    try:
        regular_size(path)
        with path.open(encoding="utf-8") as file:
            found = _GENERATOR.search(file.read(4096))
    except (OSError, ValueError):
        return None
    return found and found[1]
