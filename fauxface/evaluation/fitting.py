"""Fitting adapters: a ridge regression and a small network, in the frame of the predictions, with cross-validation.

What is minimised is the error that is reported: the mean distance of the points in percent of the distance between the
outer eye corners. Faces are mirrored at random. Folds are of faces: what both box protocols say of one face is never on
both sides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from fauxface.evaluation.adapter import Adapter, AdapterCard, frames, mean_shape_of
from fauxface.landmarks import conversion, scheme_of
from fauxface.metrics import normalising_distance, usual_normaliser

HIDDEN = 256
BATCH = 256
LEARNING_RATE = 1e-3
AVERAGE = 0.98
"""How much of the weights' running average is kept each step."""
PENALTIES = tuple(float(v) for v in 10.0 ** np.arange(0, 5.5, 0.5))
"""Ridge penalties that cross-validation chooses from."""


@dataclass(frozen=True)
class Settings:
    """How the network is regularised.

    Attributes:
        dropout: share of the hidden values, and a third of it of the inputs, that are dropped in training.
        weight_decay: AdamW's.
        epochs: passes over the data; cross-validation stops early at the best of them.
    """

    dropout: float = 0.1
    weight_decay: float = 0.05
    epochs: int = 60


CHOICES = tuple(Settings(dropout, decay) for dropout, decay in ((0.0, 0.05), (0.1, 0.05), (0.3, 0.05)))
"""What cross-validation chooses from; each with every number of epochs up to its own."""


@dataclass(frozen=True)
class Pairs:
    """What an adapter is fitted to: predictions of M faces, under one or two box protocols, and their annotations.

    Attributes:
        predicted: M×N×2, image pixels, all finite.
        truth: M×K×2, image pixels.
        face: (M,) which face of the data set each is; both protocols say the same number.
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
        """Those where ``which`` (M,) is true."""
        return replace(self, predicted=self.predicted[which], truth=self.truth[which], face=self.face[which])

    def folds(self, count: int, seed: int) -> np.ndarray:
        """(M,) the fold of each, by its face."""
        faces = np.unique(self.face)
        number = np.random.default_rng(seed).permutation(len(faces)) % count
        return number[np.searchsorted(faces, self.face)]


@dataclass(frozen=True)
class _Framed:
    """Pairs in the frame of the predictions: standardised inputs, wanted shifts, the distance that errors divide by.

    Inputs M×2N, shifts M×2K, distances (M,) in the frame's unit; ``empty`` is an adapter that moves nothing.
    """

    inputs: np.ndarray
    shifts: np.ndarray
    distances: np.ndarray
    empty: Adapter


def _framed(pairs: Pairs) -> _Framed:
    shape = mean_shape_of(pairs.predicted, pairs.source)
    frame = frames(pairs.predicted, shape)
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
    """An adapter of one linear layer for each penalty (Hoerl & Kennard 1970); each face counts mirrored too."""
    framed = _framed(pairs)
    weight = (1 / framed.distances)[:, None]
    inputs, shifts = _with_mirrored(framed, pairs)
    weight = np.concatenate([weight, weight]) / weight.mean()
    inputs = np.concatenate([inputs, np.ones((len(inputs), 1))], 1) * weight
    products, wanted = inputs.T @ inputs, inputs.T @ (shifts * weight)
    shrunk = np.diag([1.0] * (inputs.shape[1] - 1) + [0.0])  # not the bias
    found = []
    for penalty in penalties:
        solution = np.linalg.solve(products + penalty * shrunk, wanted)
        found.append(replace(framed.empty, layers=((solution[:-1].T, solution[-1]),)))
    return found


def fit_network(
    pairs: Pairs, settings: Settings, seed: int = 0, watch: Callable[[Adapter], None] | None = None
) -> Adapter:
    """An adapter with two hidden layers, at its last averaged weights; ``watch`` is given it after each epoch."""
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
            numbers = [value.double().numpy() for value in average]  # copies: the average goes on
            adapter = replace(framed.empty, layers=tuple(zip(numbers[::2], numbers[1::2], strict=True)))
            if watch is not None:
                watch(adapter)
    return adapter


@dataclass(frozen=True)
class CrossValidation:
    """What cross-validation chose, and what each kind of adapter says of faces that it was not fitted to.

    Attributes:
        settings: the network's, its epochs those of the smallest error.
        penalty: the ridge's.
        network: M×K×2, image pixels.
        ridge: M×K×2.
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
    """Choose settings, epochs and penalty by the mean error on the folds left out; ``tick`` is called fit by fit."""
    number = pairs.folds(folds, seed)
    ridge = np.empty((len(PENALTIES), *pairs.truth.shape))
    for fold in range(folds):
        out = number == fold
        for level, adapter in enumerate(fit_ridge(pairs.taken(~out), PENALTIES)):
            ridge[level, out] = adapter(pairs.predicted[out])
    penalty = int(np.argmin([_error(ridge[i], pairs) for i in range(len(ridge))]))

    best: tuple[float, Settings, np.ndarray] | None = None
    for settings in choices:
        said = np.empty((settings.epochs, *pairs.truth.shape), np.float32)
        for fold in range(folds):
            out = number == fold
            history: list[Adapter] = []
            fit_network(pairs.taken(~out), settings, seed, history.append)
            for epoch, adapter in enumerate(history):
                said[epoch, out] = adapter(pairs.predicted[out])
            tick()
        errors = [_error(said[i], pairs) for i in range(len(said))]
        epoch = int(np.argmin(errors))
        if best is None or errors[epoch] < best[0]:
            best = (errors[epoch], replace(settings, epochs=epoch + 1), said[epoch].astype(np.float64))
    assert best is not None, "no settings to choose from"
    return CrossValidation(best[1], PENALTIES[penalty], best[2], ridge[penalty])


def _network(inputs: int, outputs: int, dropout: float) -> nn.Module:
    """It begins by moving nothing."""
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
    """Inputs and shifts, each as it is and mirrored."""
    empty = framed.empty
    values = (framed.inputs * empty.input_scale + empty.input_mean).reshape(len(framed.inputs), -1, 2)
    mirrored = ((values[:, list(source)] * [-1, 1]).reshape(len(values), -1) - empty.input_mean) / empty.input_scale
    shifts = framed.shifts.reshape(len(values), -1, 2)
    shifts_mirrored = (shifts[:, list(target)] * [-1, 1]).reshape(len(values), -1)
    return [framed.inputs, mirrored], [framed.shifts, shifts_mirrored]


def _with_mirrored(framed: _Framed, pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and shifts, 2M rows: as they are, then mirrored."""
    inputs, shifts = _pairs_of(framed, scheme_of(pairs.source).mirror, scheme_of(pairs.target).mirror)
    return np.concatenate(inputs), np.concatenate(shifts)


def _error(points: np.ndarray, pairs: Pairs) -> float:
    """Mean error, in percent of the outer eye corners' distance."""
    outline = list(scheme_of(pairs.target).outline)
    distance = np.linalg.norm(points - pairs.truth, axis=-1)[:, outline].mean(1)
    unit = normalising_distance(pairs.truth, pairs.target, usual_normaliser(pairs.target))
    return float(100 * (distance / unit).mean())
