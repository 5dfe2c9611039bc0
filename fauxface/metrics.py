"""Errors of landmarks, in percent: NME, failure rate, AUC, CED, bootstrap intervals. Arrays in, numbers out.

A face's error is the normalised mean error (NME) of Sagonas et al. 2013: the mean distance of its points from the true
ones, in percent of a distance on the face. This is the distance between the outer eye corners (``inter-ocular``),
between the centres of the eyes (``inter-pupil``), or √(width · height) of the box of its points (``box``; as for
AFLW2000-3D, Zhu et al. 2016, since in profile the eyes are close together). A miss, a face that the detector did not
find, is a prediction of NaNs; its error is infinite. Misses are left out of means; they count in failure rate, CED and
AUC.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np

from fauxface.landmarks import scheme_of

Normaliser = Literal["inter-ocular", "inter-pupil", "box"]


def normalising_distance(truth: np.ndarray, scheme: str, normaliser: Normaliser = "inter-ocular") -> np.ndarray:
    """The distance (M,), in pixels, by which errors against ``truth`` (M, N, 2) are divided.

    ValueError for a distance of 0, and for ``inter-ocular`` with a scheme that has no eye corners.
    """
    if normaliser not in get_args(Normaliser):
        raise ValueError(f"unknown normaliser '{normaliser}'; there are {', '.join(get_args(Normaliser))}")
    points = scheme_of(scheme)
    if normaliser == "inter-ocular" and points.eye_corners is None:
        raise ValueError(f"{scheme} has no outer eye corners: normalise by inter-pupil or box")
    if normaliser == "box":
        distance = np.sqrt(np.prod(np.ptp(truth[:, list(points.outline)], axis=1), axis=-1))
    else:
        ends = [
            truth[:, list(indices)].mean(axis=1)
            for indices in (points.pupils if normaliser == "inter-pupil" else [[i] for i in points.eye_corners or ()])
        ]
        distance = np.linalg.norm(ends[0] - ends[1], axis=-1)
    if not (distance > 0).all():
        raise ValueError(f"face {int(np.flatnonzero(~(distance > 0))[0])} has no {normaliser} distance to normalise by")
    return distance


def usual_normaliser(scheme: str) -> Normaliser:
    """The default normaliser of a scheme: ``inter-ocular``, or ``inter-pupil`` if it has no eye corners."""
    return "inter-pupil" if scheme_of(scheme).eye_corners is None else "inter-ocular"


def point_errors(
    pred: np.ndarray, truth: np.ndarray, scheme: str, normaliser: Normaliser | np.ndarray = "inter-ocular"
) -> np.ndarray:
    """The error (M, N) of every point of ``pred`` against ``truth`` (M, N, 2), in percent; infinite for a miss.

    ``normaliser`` may also be distances (M,) in pixels.
    """
    assert pred.shape == truth.shape, f"{pred.shape} predicted points against {truth.shape} true ones"
    missed = np.asarray(np.isnan(pred).any(axis=(1, 2)))
    distance = normaliser if isinstance(normaliser, np.ndarray) else normalising_distance(truth, scheme, normaliser)
    errors = 100 * np.linalg.norm(pred - truth, axis=-1) / distance[:, None]
    return np.where(missed[:, None], np.inf, errors)


def nme(
    pred: np.ndarray,
    truth: np.ndarray,
    scheme: str,
    normaliser: Normaliser | np.ndarray = "inter-ocular",
    indices: Sequence[int] | None = None,
) -> np.ndarray:
    """Each face's error (M,) in percent, over the points ``indices`` (None: all); infinite for a miss."""
    errors = point_errors(pred, truth, scheme, normaliser)
    return (errors if indices is None else errors[:, list(indices)]).mean(axis=1)


def group_nme(
    pred: np.ndarray, truth: np.ndarray, scheme: str, normaliser: Normaliser | np.ndarray = "inter-ocular"
) -> dict[str, float]:
    """Facial part → mean error of its points over the found faces, in percent (NaN if none is found)."""
    errors = point_errors(pred, truth, scheme, normaliser)
    return {
        group: mean_found(errors[:, list(indices)].mean(axis=1)) for group, indices in scheme_of(scheme).groups.items()
    }


def mean_found(errors: np.ndarray) -> float:
    """Mean of the finite errors (M,), those of found faces; NaN if there are none."""
    found = errors[np.isfinite(errors)]
    return float(found.mean()) if len(found) else float("nan")


def failure_rate(errors: np.ndarray, threshold: float) -> float:
    """Share of faces, in percent, with an error (M,) above ``threshold`` percent; misses count as above."""
    return float(100 * np.mean(_some(errors) > threshold))


def auc(errors: np.ndarray, threshold: float) -> float:
    """Area under the CED of errors (M,) from 0 to ``threshold`` percent, divided by the threshold; in percent.

    Exact: the CED is a staircase, in which a face with error e contributes a step of width threshold − e.
    """
    return float(100 * np.mean(np.clip(threshold - _some(errors), 0, None)) / threshold)


def ced(errors: np.ndarray, limit: float, steps: int = 201) -> tuple[np.ndarray, np.ndarray]:
    """Cumulative error distribution: ``steps`` thresholds from 0 to ``limit``, and the percent of faces within each."""
    thresholds = np.linspace(0, limit, steps)
    return thresholds, 100 * np.searchsorted(np.sort(_some(errors)), thresholds, side="right") / len(errors)


class RiskCoverage(NamedTuple):
    """Areas under risk–coverage curves, in the unit of the errors; the lower, the better the scores rank the errors.

    Attributes:
        aurc: mean error of the items kept, averaged over the number kept, with the worst scores dropped first.
        random: the same when items are dropped at random, which is the mean error.
        oracle: the same when the largest errors are dropped first; no scores do better.
    """

    aurc: float
    random: float
    oracle: float


def risk_coverage(errors: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Mean error (K,) of the 1, 2, … K items with the best scores; ``errors`` and ``scores`` hold K numbers each.

    Geifman & El-Yaniv 2017, "Selective classification for deep neural networks". Items with equal scores have no order:
    each counts with their mean error, as a random order gives on average.
    """
    assert errors.shape == scores.shape, f"{errors.shape} errors, {scores.shape} scores"
    values, group = np.unique(-scores.ravel(), return_inverse=True)
    count = np.bincount(group, minlength=len(values))
    means = np.bincount(group, weights=_some(errors.ravel()), minlength=len(values)) / count
    return np.cumsum(np.repeat(means, count)) / np.arange(1, errors.size + 1)


def aurc(errors: np.ndarray, scores: np.ndarray) -> RiskCoverage:
    """Areas under the risk–coverage curve of finite errors and scores (same shape); NaN if they are empty."""
    if not errors.size:
        return RiskCoverage(*[float("nan")] * 3)
    return RiskCoverage(
        float(risk_coverage(errors, scores).mean()), float(errors.mean()), float(risk_coverage(errors, -errors).mean())
    )


def bootstrap_interval(
    errors: np.ndarray,
    statistic: Callable[[np.ndarray], float] = mean_found,
    confidence: float = 0.95,
    repeats: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """Bootstrap interval of ``statistic`` of errors (M,): percentiles over samples of the faces with replacement."""
    random = np.random.default_rng(seed)
    values = [statistic(random.choice(_some(errors), len(errors))) for _ in range(repeats)]
    if np.isnan(values).all():
        return float("nan"), float("nan")
    low, high = np.nanquantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _some(errors: np.ndarray) -> np.ndarray:
    if not len(errors):
        raise ValueError("there are no faces to measure errors on")
    return errors
