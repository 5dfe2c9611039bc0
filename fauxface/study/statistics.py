"""What may be said of the results: means and deviations over seeds, paired differences, the learning curve's law."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import least_squares

from fauxface.study.results import Key, Results, Row, key_of

REPEATS = 1000
LAW_REPEATS = 200
FEWEST_COUNTS = 4
"""Numbers of images below which no law with three constants is fitted."""


class Where(NamedTuple):
    """What is compared with what: a test set, a box protocol, raw or adapted."""

    test_set: str
    box: str
    adapted: str

    def __str__(self) -> str:
        return f"{self.test_set}, box from {self.box}, {'label-adapted' if self.adapted == 'yes' else 'raw'}"


class Group(NamedTuple):
    """Cells that differ in their seed alone."""

    model: str
    images: int
    policy: str


Seeds = dict[int, Row]
Table = dict[Where, dict[Group, Seeds]]


def tabulate(results: Results, cells: Sequence[str], tests: Sequence[str]) -> Table:
    """The rows of these cells on these test sets (hashes), by what they are compared in, group and seed."""
    table: Table = {}
    known, sets = set(cells), set(tests)
    for row in results.rows.values():
        if row["cell"] in known and row["test_id"] in sets:
            where = Where(str(row["test_set"]), str(row["box"]), str(row["adapted"]))
            group = Group(str(row["model"]), int(row["images"]), str(row["policy"]))
            table.setdefault(where, {}).setdefault(group, {})[int(row["seed"])] = row
    return table


def mean_sd(seeds: Seeds, column: str) -> tuple[float, float]:
    """Mean of a column over the seeds, and its standard deviation (NaN for one seed)."""
    values = np.array([float(row[column]) for row in seeds.values() if row.get(column) is not None])
    if not len(values):
        return float("nan"), float("nan")
    return float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else float("nan")


@dataclass(frozen=True)
class Difference:
    """Error of ``a`` minus error of ``b``, in points of NME.

    Attributes:
        a, b: the groups compared.
        seeds: how many seeds both have.
        mean: over faces and seeds.
        low, high: ends of the 95 % interval.
    """

    a: Group
    b: Group
    seeds: int
    mean: float
    low: float
    high: float

    @property
    def shown(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        text = f"{self.mean:+.2f} ({self.low:+.2f} to {self.high:+.2f})"
        return text if self.shown else f"{text}: no difference shown"


def difference(
    a: Group, b: Group, groups: Mapping[Group, Seeds], errors: Mapping[Key, np.ndarray]
) -> Difference | None:
    """The paired difference of two groups on the faces that all their runs found; None where errors are not there.

    Bootstrap (Efron 1979): test faces are drawn again, the same for both sides, and so are the seeds where there are
    several.
    """
    common = sorted(groups.get(a, {}).keys() & groups.get(b, {}).keys())
    pairs = [(errors.get(key_of(groups[a][seed])), errors.get(key_of(groups[b][seed]))) for seed in common]
    whole = [(x, y) for x, y in pairs if x is not None and y is not None and len(x) == len(y)]
    if not whole or len({len(x) for x, _ in whole}) > 1:
        return None
    away = np.stack([_minus(x, y) for x, y in whole])
    away = away[:, np.isfinite(away).all(0)]
    if not away.shape[1]:
        return None
    random = np.random.default_rng(0)
    count, faces = away.shape
    means = np.empty(REPEATS)
    for repeat in range(REPEATS):
        by_face = away[random.integers(count, size=count)].mean(0) if count > 1 else away[0]
        means[repeat] = by_face[random.integers(faces, size=faces)].mean()
    low, high = np.quantile(means, [0.025, 0.975])
    return Difference(a, b, count, float(away.mean()), float(low), float(high))


def _minus(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x − y, NaN where either was missed."""
    found = np.isfinite(x) & np.isfinite(y)
    return np.where(found, np.where(found, x, 0) - np.where(found, y, 0), np.nan)


@dataclass(frozen=True)
class PowerLaw:
    """error = a·n^−b + c, with 95 % intervals by bootstrap over faces and seeds.

    Attributes:
        a, b, c: the fit; c is what no number of images goes below.
        b_interval, c_interval: of the exponent and of the floor.
        enough: the least number of images whose error is within 5 % of that at the largest number tried.
        enough_interval: of it.
        counts: numbers of images that it was fitted to.
    """

    a: float
    b: float
    c: float
    b_interval: tuple[float, float]
    c_interval: tuple[float, float]
    enough: float
    enough_interval: tuple[float, float]
    counts: tuple[int, ...]

    def __call__(self, n: np.ndarray | float) -> np.ndarray | float:
        """The error at n images."""
        return self.a * np.asarray(n, float) ** -self.b + self.c


def power_law(curve: Mapping[int, Sequence[np.ndarray]]) -> PowerLaw | None:
    """The law of a learning curve: number of images → each seed's errors (M,) of the same faces; None for too few.

    The relative residuals' squares are minimised, with a ≥ 0, b in [0, 3], c ≥ 0.
    """
    counts = np.array(sorted(curve), float)
    if len(counts) < FEWEST_COUNTS:
        return None
    found = np.all([np.isfinite(errors) for seeds in curve.values() for errors in seeds], axis=0)
    table = [np.stack([errors[found] for errors in curve[int(n)]]) for n in counts]
    random = np.random.default_rng(0)
    fits = []
    for _ in range(LAW_REPEATS):
        faces = random.integers(int(found.sum()), size=int(found.sum()))
        means = [seeds[random.integers(len(seeds), size=len(seeds))][:, faces].mean() for seeds in table]
        fits.append(_fit(counts, np.array(means)))
    a, b, c = _fit(counts, np.array([seeds.mean() for seeds in table]))
    low, high = np.quantile(np.array(fits), [0.025, 0.975], axis=0)
    enough = [_enough(*fit, largest=float(counts[-1])) for fit in fits]
    between = np.quantile(enough, [0.025, 0.975])
    return PowerLaw(
        a,
        b,
        c,
        (float(low[1]), float(high[1])),
        (float(low[2]), float(high[2])),
        _enough(a, b, c, float(counts[-1])),
        (float(between[0]), float(between[1])),
        tuple(int(n) for n in counts),
    )


def _fit(counts: np.ndarray, errors: np.ndarray) -> tuple[float, float, float]:
    """a, b, c; n is measured in units of the smallest count meanwhile, so that all are about as large as errors."""
    unit, floor = counts[0], 0.7 * errors.min()

    def residuals(values: np.ndarray) -> np.ndarray:
        a, b, c = values
        return (a * (counts / unit) ** -b + c) / errors - 1

    starts = [(max(errors[0] - c, 1e-3), b, c) for b in (0.2, 0.7) for c in (0.01, floor)]
    bounds = ([0, 0, 0], [np.inf, 3, max(errors.max(), 0.02)])
    fits = [least_squares(residuals, start, bounds=bounds) for start in starts]
    a, b, c = min(fits, key=lambda fit: fit.cost).x
    return float(a * unit**b), float(b), float(c)


def _enough(a: float, b: float, c: float, largest: float) -> float:
    """The least n whose error is at most 1.05 × that at ``largest``."""
    room = 1.05 * (a * largest**-b + c) - c
    if a <= 0 or b <= 1e-6:
        return 1.0
    return float(min(largest, max(1.0, (a / room) ** (1 / b))))
