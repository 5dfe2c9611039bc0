"""``fauxface calibrate``: scale a probabilistic model's σ so that it matches the errors, and measure how well it does.

One factor is fitted on half of the held-out renders. The shares of errors within σ and 2σ are measured on the other
half, and on further faces, which nothing is fitted to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from fauxface.checkpoint import ONNX_FILE, Card, find_checkpoint, load_checkpoint, save_checkpoint
from fauxface.datasets import open_dataset, pack
from fauxface.faces import Framing
from fauxface.landmarks import common_scheme, convert
from fauxface.models import EXPECTED_COVERAGE, calibration_factor, coverage
from fauxface.models.coordinates import Coordinates
from fauxface.ranges import Threads, in_range

FEWEST = 20
"""Fewest faces for calibration."""
BATCH = 64
_RENDERED: dict[str, Literal["2d", "projected"]] = {"2d": "2d", "projected": "projected"}

Shares = tuple[float, float]
"""Shares of errors within σ and within 2σ."""


@dataclass(frozen=True)
class Calibration:
    """The factor, and the shares of errors before and after.

    Attributes:
        factor: multiplies σ.
        data: name of the held-out renders' folder.
        faces: number of faces that the factor was fitted on, and number that it was measured on.
        before: shares of the measured half without the factor.
        after: the same with the factor.
        others: data set → number of faces, and shares with the factor.
    """

    factor: float
    data: str
    faces: tuple[int, int]
    before: Shares
    after: Shares
    others: dict[str, tuple[int, Shares]] = field(default_factory=dict)

    def table(self) -> str:
        """The result as lines of text."""
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
        """The entry on the checkpoint's card; ``total`` is the weights' factor after all calibrations."""
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
        checkpoint: folder of a checkpoint or a run, trained with the loss ``gaussian``.
        data: folder of renders that the model was not trained on.
        others: further folders of labelled faces, renders or photographs, to measure shares on.
        skip_bad: leave out faces that cannot be read.
        threads: CPU threads; 0 uses all.

    An exported ``model.onnx`` beside the weights has the old σ, so it is removed; it is made again at its next use.
    ValueError for a model without σ, for too few faces, and for folders with the same name, which the card could not
    distinguish; errors as `load_checkpoint` and `open_dataset`.
    """
    names = [folder.resolve().name for folder in (data, *others)]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two of the folders are called '{name}': the card lists shares by that name")
    if threads:
        torch.set_num_threads(threads)
    model, card = load_checkpoint(checkpoint)
    if not isinstance(model, Coordinates) or model.sigma_factor is None:
        raise ValueError(f"{checkpoint} predicts no σ to calibrate: it was not trained with --loss gaussian")
    errors, sigmas = _errors(model, card, data, skip_bad)
    if len(errors) < FEWEST:
        raise ValueError(f"{data}: {len(errors)} faces are too few to calibrate with; at least {FEWEST} are needed")
    order = np.random.default_rng(0).permutation(len(errors))
    fit, rest = order[: len(order) // 2], order[len(order) // 2 :]
    factor = calibration_factor(errors[fit], sigmas[fit])
    others_shares: dict[str, tuple[int, Shares]] = {}
    for name, other in zip(names[1:], others, strict=True):
        other_errors, other_sigmas = _errors(model, card, other, skip_bad)
        others_shares[name] = (len(other_errors), coverage(other_errors, other_sigmas, factor))
    result = Calibration(
        factor=factor,
        data=names[0],
        faces=(len(fit), len(rest)),
        before=coverage(errors[rest], sigmas[rest]),
        after=coverage(errors[rest], sigmas[rest], factor),
        others=others_shares,
    )
    model.calibrate(factor)
    card.calibration = result.as_card(float(model.sigma_factor))
    folder = find_checkpoint(checkpoint)
    (folder / ONNX_FILE).unlink(missing_ok=True)
    save_checkpoint(folder, model, card)
    return result


@torch.inference_mode()
def _errors(model: Coordinates, card: Card, data: Path, skip_bad: bool) -> tuple[np.ndarray, np.ndarray]:
    """Errors ‖e‖ and predicted σ, each M×N, crop pixels, in the scheme that model and data have in common."""
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
