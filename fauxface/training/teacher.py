"""Distillation: a trained model, frozen, whose answers a student learns beside the labels (Hinton et al. 2015).

Both see the same augmented crops. The teacher says where the points lie, and where a student of the method ``pip``
learns from another, its score maps take the place of the labels' hard ones. A student's loss is the labels' plus
``teacher_weight`` times the same loss, with the method's own weights, against the teacher's answers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from fauxface.checkpoint import CARD_FILE, WEIGHTS_FILE, Card, find_checkpoint, load_checkpoint, read_card
from fauxface.hashing import file_hash
from fauxface.models import FaceNetwork, LandmarkModel, Prediction
from fauxface.models.pip import PipOutputs
from fauxface.training.config import Scheduled
from fauxface.training.step import gains_by_bf16


@dataclass(frozen=True)
class Teacher:
    """A frozen model that answers on a student's crops.

    Attributes:
        model: in eval mode, on the student's device.
        card: its checkpoint's.
        digest: SHA-256 of its checkpoint's weights.
        bf16: whether its forward pass is in bf16.
    """

    model: LandmarkModel
    card: Card
    digest: str
    bf16: bool

    def loss(self, student: FaceNetwork, outputs: Any, images: Tensor) -> Tensor:
        """The loss, a scalar, of a student's raw outputs on crops B×3×S×S against what the teacher says of them."""
        assert isinstance(student, LandmarkModel)
        return student.distil(outputs, *self.answers(images))

    @torch.no_grad()
    def answers(self, images: Tensor) -> tuple[Prediction, Tensor | None]:
        """What it says of crops B×3×S×S float in [0, 1], in their pixels; score maps B×N×H×W, if it has them."""
        size, own = images.shape[-1], self.model.input_size
        seen = images if size == own else interpolate(images, (own, own), mode="bilinear", antialias=True)
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self.bf16):
            outputs = self.model(seen.contiguous(memory_format=torch.channels_last))
        found = self.model.decode(outputs)
        found = replace(found, landmarks=(found.landmarks + 0.5) * (size / own) - 0.5)
        return found, outputs.score if isinstance(outputs, PipOutputs) else None

    def provenance(self) -> dict[str, Any]:
        """What a student's card says of it."""
        return {"model": self.card.model, "sha256": self.digest, "lane": self.card.lane, **self.card.provenance}


def load_teacher(config: Scheduled, scheme: str, labels: str, device: torch.device) -> Teacher | None:
    """The run's teacher, on the device; None if it has none.

    ValueError if it learned other points, labels or crops than the student shall, or if its weights are not those that
    the run began with; errors of `load_checkpoint`.
    """
    if config.teacher is None:
        return None
    model, card = load_checkpoint(config.teacher)
    student = {"points": scheme, "labels": labels, "crop": config.crop, "crop margin": config.crop_margin}
    taught = {"points": card.scheme, "labels": card.labels, "crop": card.crop, "crop margin": card.crop_margin}
    for name, wanted in student.items():
        if taught[name] != wanted:
            raise ValueError(f"--teacher {config.teacher} learned {name} {taught[name]}, the student {wanted}")
    digest = file_hash(find_checkpoint(config.teacher) / WEIGHTS_FILE)
    if (config.out / "checkpoint" / CARD_FILE).is_file():
        before = read_card(config.out / "checkpoint").provenance.get("teacher", {}).get("sha256", digest)
        if before != digest:
            raise ValueError(f"--teacher {config.teacher} has other weights than when {config.out} began")
    bf16 = config.precision != "32" and gains_by_bf16(model, config.accelerator)
    model = model.requires_grad_(False).to(device).to(memory_format=torch.channels_last)  # pyright: ignore
    return Teacher(model, card, digest, bf16)
