"""Fit adapters with cross-validation: a ridge regression and a small network, both in the adapter frame.

The loss is the reported error: the mean distance of the points in percent of the distance between the outer eye
corners. Faces are mirrored at random. Folds consist of faces: a face's predictions under both box protocols are in the
same fold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from fauxface.evaluation.adapter import Adapter, AdapterCard, adapter_frames, mean_shape_of
from fauxface.landmarks import conversion, scheme_of
from fauxface.metrics import normalising_distance, usual_normaliser

HIDDEN = 256
BATCH = 256
LEARNING_RATE = 1e-3
AVERAGE = 0.98
"""Share of the weights' running average that each step keeps."""
PENALTIES = tuple(float(v) for v in 10.0 ** np.arange(0, 5.5, 0.5))
"""Ridge penalties that cross-validation chooses from."""


@dataclass(frozen=True)
class Settings:
    """Regularisation of the network.

    Attributes:
        dropout: share of the hidden values dropped in training; for the inputs, a third of it.
        weight_decay: weight decay of AdamW.
        epochs: passes over the data; cross-validation finds the best number up to this.
    """

    dropout: float = 0.1
    weight_decay: float = 0.05
    epochs: int = 60


CHOICES = tuple(Settings(dropout, decay) for dropout, decay in ((0.0, 0.05), (0.1, 0.05), (0.3, 0.05)))
"""Settings that cross-validation chooses from, each with every number of epochs up to its own."""


@dataclass(frozen=True)
class Pairs:
    """Training data of an adapter: predictions of M faces, under one or two box protocols, and their annotations.

    Attributes:
        predicted: M×N×2, image pixels, all finite.
        truth: M×K×2, image pixels.
        face: (M,) number of the face in the data set, the same under both protocols.
        source: scheme of the predictions.
        target: scheme of the annotations.
    """

    predicted: np.ndarray
    truth: np.ndarray
    face: np.ndarray
    source: str
    target: str

    def __len__(self) -> int:
        return len(self.predicted)

    def taken(self, which: np.ndarray) -> Pairs:
        """The pairs where ``which`` (M,) is true."""
        return replace(self, predicted=self.predicted[which], truth=self.truth[which], face=self.face[which])

    def folds(self, count: int, seed: int) -> np.ndarray:
        """Fold (M,) of each pair, by its face."""
        faces = np.unique(self.face)
        number = np.random.default_rng(seed).permutation(len(faces)) % count
        return number[np.searchsorted(faces, self.face)]


@dataclass(frozen=True)
class _Framed:
    """Pairs in the adapter frame: standardised inputs, target shifts, and the distances that errors are divided by.

    Inputs M×2N, shifts M×2K, distances (M,) in the frame's unit; ``empty`` is an adapter without any shift.
    """

    inputs: np.ndarray
    shifts: np.ndarray
    distances: np.ndarray
    empty: Adapter


def _framed(pairs: Pairs) -> _Framed:
    shape = mean_shape_of(pairs.predicted, pairs.source)
    frame = adapter_frames(pairs.predicted, shape)
    aligned = frame.enter(pairs.predicted)
    values = aligned.reshape(len(pairs), -1)
    mirrored = (aligned[:, list(scheme_of(pairs.source).mirror)] * [-1, 1]).reshape(len(pairs), -1)
    both = np.concatenate([values, mirrored])
    mean, deviation = both.mean(0), both.std(0)
    scale = np.maximum(deviation, 0.2 * float(np.median(deviation)) + 1e-9)
    truth = frame.enter(pairs.truth)
    shifts = (truth - aligned[:, conversion(pairs.source, pairs.target)]).reshape(len(pairs), -1)
    card = AdapterCard(pairs.source, pairs.target, "", "")
    empty = Adapter(
        card, shape, mean, scale, ((np.zeros((shifts.shape[1], values.shape[1])), np.zeros(shifts.shape[1])),)
    )
    distances = normalising_distance(truth, pairs.target, usual_normaliser(pairs.target))
    return _Framed((values - mean) / scale, shifts, distances, empty)


def fit_ridge(pairs: Pairs, penalties: tuple[float, ...]) -> list[Adapter]:
    """An adapter of one linear layer for each penalty (Hoerl & Kennard 1970); mirrored faces count as well."""
    framed = _framed(pairs)
    weight = (1 / framed.distances)[:, None]
    inputs, shifts = _with_mirrored(framed, pairs)
    weight = np.concatenate([weight, weight]) / weight.mean()
    inputs = np.concatenate([inputs, np.ones((len(inputs), 1))], 1) * weight
    products, wanted = inputs.T @ inputs, inputs.T @ (shifts * weight)
    shrunk = np.diag([1.0] * (inputs.shape[1] - 1) + [0.0])  # all but the bias
    found = []
    for penalty in penalties:
        solution = np.linalg.solve(products + penalty * shrunk, wanted)
        found.append(replace(framed.empty, layers=((solution[:-1].T, solution[-1]),)))
    return found


def fit_network(
    pairs: Pairs, settings: Settings, seed: int = 0, watch: Callable[[Adapter], None] | None = None
) -> Adapter:
    """An adapter with two hidden layers, at its last averaged weights; ``watch`` gets the adapter after each epoch."""
    framed = _framed(pairs)
    source, target = scheme_of(pairs.source), scheme_of(pairs.target)
    inputs, shifts = (
        torch.from_numpy(np.stack(part, 1)).float() for part in _pairs_of(framed, source.mirror, target.mirror)
    )
    distances = torch.from_numpy(framed.distances).float()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = _network(inputs.shape[-1], shifts.shape[-1], settings.dropout)
        optimizer = torch.optim.AdamW(model.parameters(), LEARNING_RATE, weight_decay=settings.weight_decay)
        average = [p.detach().clone() for p in model.parameters()]
        adapter, step = framed.empty, 0
        for _ in range(settings.epochs):
            for rows in torch.randperm(len(pairs)).split(BATCH):
                side = torch.randint(2, (len(rows),))
                away = model(inputs[rows, side]) - shifts[rows, side]
                distance = away.view(len(rows), -1, 2).square().sum(-1).add(1e-10).sqrt()
                loss = (distance.mean(1) / distances[rows]).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                keep = min(AVERAGE, (1 + step) / (10 + step))
                for mean, value in zip(average, model.parameters(), strict=True):
                    mean.lerp_(value.detach(), 1 - keep)
                step += 1
            numbers = [value.double().numpy() for value in average]  # copies, because the average continues
            adapter = replace(framed.empty, layers=tuple(zip(numbers[::2], numbers[1::2], strict=True)))
            if watch is not None:
                watch(adapter)
    return adapter


@dataclass(frozen=True)
class CrossValidation:
    """Result of cross-validation: the chosen settings, and each kind of adapter's points for held-out faces.

    Attributes:
        settings: of the network, with the number of epochs of the smallest error.
        penalty: of the ridge regression.
        network: M×K×2, image pixels, by the network.
        ridge: M×K×2, image pixels, by the ridge regression.
    """

    settings: Settings
    penalty: float
    network: np.ndarray
    ridge: np.ndarray


def cross_validate(
    pairs: Pairs,
    folds: int = 5,
    choices: tuple[Settings, ...] = CHOICES,
    seed: int = 0,
    tick: Callable[[], None] = lambda: None,
) -> CrossValidation:
    """Choose settings, epochs and penalty by the mean error on held-out folds; ``tick`` is called after each fit."""
    number = pairs.folds(folds, seed)
    ridge = np.empty((len(PENALTIES), *pairs.truth.shape))
    for fold in range(folds):
        out = number == fold
        for level, adapter in enumerate(fit_ridge(pairs.taken(~out), PENALTIES)):
            ridge[level, out] = adapter(pairs.predicted[out])
    penalty = int(np.argmin([_error(ridge[i], pairs) for i in range(len(ridge))]))

    best: tuple[float, Settings, np.ndarray] | None = None
    for settings in choices:
        predicted = np.empty((settings.epochs, *pairs.truth.shape), np.float32)
        for fold in range(folds):
            out = number == fold
            history: list[Adapter] = []
            fit_network(pairs.taken(~out), settings, seed, history.append)
            for epoch, adapter in enumerate(history):
                predicted[epoch, out] = adapter(pairs.predicted[out])
            tick()
        errors = [_error(predicted[i], pairs) for i in range(len(predicted))]
        epoch = int(np.argmin(errors))
        if best is None or errors[epoch] < best[0]:
            best = (errors[epoch], replace(settings, epochs=epoch + 1), predicted[epoch].astype(np.float64))
    assert best is not None, "no settings to choose from"
    return CrossValidation(best[1], PENALTIES[penalty], best[2], ridge[penalty])


def _network(inputs: int, outputs: int, dropout: float) -> nn.Module:
    """Make the network; its last layer starts at zero, so at first it shifts nothing."""
    last = nn.Linear(HIDDEN, outputs)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(
        nn.Dropout(dropout / 3),
        nn.Linear(inputs, HIDDEN),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(HIDDEN, HIDDEN),
        nn.ReLU(),
        nn.Dropout(dropout),
        last,
    )


def _pairs_of(
    framed: _Framed, source: tuple[int, ...], target: tuple[int, ...]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Inputs and shifts, each as a list: as they are, and mirrored."""
    empty = framed.empty
    values = (framed.inputs * empty.input_scale + empty.input_mean).reshape(len(framed.inputs), -1, 2)
    mirrored = ((values[:, list(source)] * [-1, 1]).reshape(len(values), -1) - empty.input_mean) / empty.input_scale
    shifts = framed.shifts.reshape(len(values), -1, 2)
    shifts_mirrored = (shifts[:, list(target)] * [-1, 1]).reshape(len(values), -1)
    return [framed.inputs, mirrored], [framed.shifts, shifts_mirrored]


def _with_mirrored(framed: _Framed, pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and shifts with 2M rows: as they are, then mirrored."""
    inputs, shifts = _pairs_of(framed, scheme_of(pairs.source).mirror, scheme_of(pairs.target).mirror)
    return np.concatenate(inputs), np.concatenate(shifts)


def _error(points: np.ndarray, pairs: Pairs) -> float:
    """Mean error, in percent of the outer eye corners' distance."""
    outline = list(scheme_of(pairs.target).outline)
    distance = np.linalg.norm(points - pairs.truth, axis=-1)[:, outline].mean(1)
    unit = normalising_distance(pairs.truth, pairs.target, usual_normaliser(pairs.target))
    return float(100 * (distance / unit).mean())
