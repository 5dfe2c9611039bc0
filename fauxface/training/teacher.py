"""Distillation: a student learns a frozen model's predictions in addition to the labels (Hinton et al. 2015).

Both see the same augmented crops. The student learns the teacher's points; if both use the method ``pip``, the
teacher's score maps replace the labels' hard ones. The student's loss is that against the labels plus
``teacher_weight`` times the same loss against the teacher's predictions.
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
    """A frozen model that predicts on a student's crops.

    Attributes:
        model: the model, in eval mode, on the student's device.
        card: the card of its checkpoint.
        digest: SHA-256 of its checkpoint's weights file.
        bf16: compute its forward pass in bf16.
    """

    model: LandmarkModel
    card: Card
    digest: str
    bf16: bool

    def loss(self, student: FaceNetwork, outputs: Any, images: Tensor) -> Tensor:
        """The loss, a scalar, of a student's raw outputs on crops B×3×S×S against the teacher's predictions."""
        assert isinstance(student, LandmarkModel)
        return student.distil(outputs, *self.predict(images))

    @torch.no_grad()
    def predict(self, images: Tensor) -> tuple[Prediction, Tensor | None]:
        """Predictions for crops B×3×S×S float in [0, 1], in their pixels; and score maps B×N×H×W, if it has any."""
        size, side = images.shape[-1], self.model.input_size
        resized = images if size == side else interpolate(images, (side, side), mode="bilinear", antialias=True)
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self.bf16):
            outputs = self.model(resized.contiguous(memory_format=torch.channels_last))
        found = self.model.decode(outputs)
        found = replace(found, landmarks=(found.landmarks + 0.5) * (size / side) - 0.5)
        return found, outputs.score if isinstance(outputs, PipOutputs) else None

    def provenance(self) -> dict[str, Any]:
        """The teacher's entry in a student's card."""
        return {"model": self.card.model, "sha256": self.digest, "lane": self.card.lane, **self.card.provenance}


def load_teacher(config: Scheduled, scheme: str, labels: str, device: torch.device) -> Teacher | None:
    """The run's teacher, on the device; None if it has none.

    ValueError if the teacher learned other points, labels or crops than the student, or if its weights have changed
    since the run began; errors of `load_checkpoint`.
    """
    if config.teacher is None:
        return None
    model, card = load_checkpoint(config.teacher)
    student = {"points": scheme, "labels": labels, "crop": config.crop, "crop margin": config.crop_margin}
    learned = {"points": card.scheme, "labels": card.labels, "crop": card.crop, "crop margin": card.crop_margin}
    for name, wanted in student.items():
        if learned[name] != wanted:
            raise ValueError(f"--teacher {config.teacher} learned {name} {learned[name]}, the student learns {wanted}")
    digest = file_hash(find_checkpoint(config.teacher) / WEIGHTS_FILE)
    if (config.out / "checkpoint" / CARD_FILE).is_file():
        before = read_card(config.out / "checkpoint").provenance.get("teacher", {}).get("sha256", digest)
        if before != digest:
            raise ValueError(f"--teacher {config.teacher} has other weights than when {config.out} began")
    bf16 = config.precision != "32" and gains_by_bf16(model, config.accelerator)
    model = model.requires_grad_(False).to(device).to(memory_format=torch.channels_last)  # pyright: ignore
    return Teacher(model, card, digest, bf16)
