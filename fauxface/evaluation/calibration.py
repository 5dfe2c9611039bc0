"""What ``fauxface calibrate`` does: makes the σ that a probabilistic model tells of its points true, and says how true.

One factor, fitted on half of the held-out renders; the shares of errors within σ and 2σ are told of the other half, and
of other faces, which are never fitted to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from fauxface.checkpoint import Card, find_checkpoint, load_checkpoint, save_checkpoint
from fauxface.datasets import open_dataset, pack
from fauxface.faces import Framing
from fauxface.inference.onnx_model import ONNX_FILE
from fauxface.landmarks import common_scheme, convert
from fauxface.models import EXPECTED_COVERAGE, calibration_factor, coverage
from fauxface.models.coordinates import Coordinates
from fauxface.ranges import Threads, in_range

FEWEST = 20
"""Faces that calibration needs at least."""
BATCH = 64
_RENDERED: dict[str, Literal["2d", "projected"]] = {"2d": "2d", "projected": "projected"}

Shares = tuple[float, float]
"""Of errors within σ and within 2σ."""


@dataclass(frozen=True)
class Calibration:
    """What was found.

    Attributes:
        factor: that σ was multiplied by.
        data: the held-out renders' folder.
        faces: how many of them fitted the factor, and how many others measured.
        before: shares of the measuring half before.
        after: and with the factor.
        others: data set → faces and shares with the factor.
    """

    factor: float
    data: str
    faces: tuple[int, int]
    before: Shares
    after: Shares
    others: dict[str, tuple[int, Shares]] = field(default_factory=dict)

    def table(self) -> str:
        """What the command prints."""
        rows = [
            ("expected of a true σ", EXPECTED_COVERAGE),
            (f"{self.data}, {self.faces[1]} faces, before", self.before),
            (f"{self.data}, the same faces, now", self.after),
            *((f"{name}, {count} faces, now", shares) for name, (count, shares) in self.others.items()),
        ]
        width = max(len(name) for name, _ in rows)
        lines = [f"σ × {self.factor:.3f}, fitted on {self.faces[0]} faces of {self.data}"]
        lines.append(f"{'errors':<{width}}  within σ  within 2σ")
        lines += [f"{name:<{width}}  {100 * a:6.1f} %  {100 * b:7.1f} %" for name, (a, b) in rows]
        return "\n".join(lines)

    def as_card(self, total: float) -> dict[str, object]:
        """What the checkpoint's card keeps; ``total`` is the factor that the weights now hold."""
        shares = {self.data: self.after, **{name: shares for name, (_, shares) in self.others.items()}}
        percent = {name: [round(100 * share, 2) for share in both] for name, both in shares.items()}
        return {
            "factor": round(total, 5),
            "fitted_on": f"{self.faces[0]} faces of {self.data}",
            "within_percent": percent,
        }


@in_range
def calibrate(
    checkpoint: str | Path, data: Path, others: Sequence[Path] = (), skip_bad: bool = False, threads: Threads = 0
) -> Calibration:
    """Fit the factor of σ on half of the faces in ``data``, and write it into the checkpoint, weights and card.

    Args:
        checkpoint: its folder or its run's; trained with the loss ``gaussian``.
        data: folder of renders that the model was not trained on.
        others: more folders of labelled faces, photographs too, whose shares are told.
        skip_bad: leave out what cannot be read.
        threads: CPU threads; 0 takes all there are.

    An exported ``model.onnx`` beside the weights would tell the old σ: it is removed, and made again when needed.
    ValueError for a model that tells no σ, for too few faces, and for two folders of one name, which the card could
    not tell apart; errors as `load_checkpoint` and `open_dataset`.
    """
    names = [folder.resolve().name for folder in (data, *others)]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two of the folders are called '{name}', and their shares are told by that name")
    if threads:
        torch.set_num_threads(threads)
    model, card = load_checkpoint(checkpoint)
    if not isinstance(model, Coordinates) or model.sigma_factor is None:
        raise ValueError(f"{checkpoint} tells no σ to calibrate: it was not trained with --loss gaussian")
    errors, sigmas = _errors(model, card, data, skip_bad)
    if len(errors) < FEWEST:
        raise ValueError(f"{data}: {len(errors)} faces are too few to calibrate with; {FEWEST} are the fewest")
    order = np.random.default_rng(0).permutation(len(errors))
    fit, rest = order[: len(order) // 2], order[len(order) // 2 :]
    factor = calibration_factor(errors[fit], sigmas[fit])
    told: dict[str, tuple[int, Shares]] = {}
    for name, other in zip(names[1:], others, strict=True):
        found, wide = _errors(model, card, other, skip_bad)
        told[name] = (len(found), coverage(found, wide, factor))
    result = Calibration(
        factor,
        names[0],
        (len(fit), len(rest)),
        coverage(errors[rest], sigmas[rest]),
        coverage(errors[rest], sigmas[rest], factor),
        told,
    )
    model.calibrate(factor)
    card.calibration = result.as_card(float(model.sigma_factor))
    folder = find_checkpoint(checkpoint)
    (folder / ONNX_FILE).unlink(missing_ok=True)
    save_checkpoint(folder, model, card)
    return result


@torch.inference_mode()
def _errors(model: Coordinates, card: Card, data: Path, skip_bad: bool) -> tuple[np.ndarray, np.ndarray]:
    """Distances ‖e‖ and the σ told of them, M×N, crop pixels, in the scheme that model and data share."""
    dataset = open_dataset(data)
    if card.labels != dataset.labels and card.labels in _RENDERED and dataset.labels in _RENDERED:
        dataset = open_dataset(data, labels=_RENDERED[card.labels])
    faces = pack(dataset, card.input_size, Framing(card.crop, card.crop_margin), skip_bad=skip_bad)
    scheme = common_scheme(card.scheme, dataset.scheme)
    points, sigmas = [], []
    for first in range(0, len(faces), BATCH):
        images = torch.from_numpy(faces.images[first : first + BATCH]).permute(0, 3, 1, 2).float() / 255
        found = model.decode(model(images))
        assert found.sigma is not None
        points.append(found.landmarks.double().numpy())
        sigmas.append(found.sigma.double().numpy())
    away = convert(np.concatenate(points), card.scheme, scheme) - convert(faces.landmarks, faces.scheme, scheme)
    return np.linalg.norm(away, axis=-1), convert(np.concatenate(sigmas)[..., None], card.scheme, scheme)[..., 0]
