"""Statistics of the results: means and deviations over seeds, paired differences, the law of a learning curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import least_squares

from fauxface.study.config import Cell
from fauxface.study.results import Key, Results, Row, key_of

REPEATS = 1000
LAW_REPEATS = 200
FEWEST_COUNTS = 4
"""Fewest numbers of images that a law with three constants is fitted to."""


class Where(NamedTuple):
    """Conditions of a comparison: a test set, a box protocol, raw or adapted."""

    test_set: str
    box: str
    adapted: str

    def __str__(self) -> str:
        return f"{self.test_set}, box from {self.box}, {'label-adapted' if self.adapted == 'yes' else 'raw'}"


class Group(NamedTuple):
    """Cells that differ only in their seed."""

    model: str
    images: int
    policy: str


Seeds = dict[int, Row]
Table = dict[Where, dict[Group, Seeds]]


def tabulate(results: Results, cells: Sequence[Cell], wanted: Sequence[Key]) -> dict[int | None, Table]:
    """The wanted rows (`KEY` without the cell) by samples of training, conditions, group and seed.

    Beside the rows of ``cells`` these are all that differ from them in model, images, policy, seed and samples alone.
    """
    settings, own = {_settings(vars(cell)) for cell in cells}, {cell.identity for cell in cells}
    tables: dict[int | None, Table] = {}
    rest = set(wanted)
    for key, row in sorted(results.rows.items(), key=lambda item: item[0][0] in own):  # a cell's own row is the last
        if key[1:] in rest and (key[0] in own or _settings(row) in settings):
            where = Where(str(row["test_set"]), str(row["box"]), str(row["adapted"]))
            group = Group(str(row["model"]), int(row["images"]), str(row["policy"]))
            tables.setdefault(row["samples"], {}).setdefault(where, {}).setdefault(group, {})[int(row["seed"])] = row
    return tables


def _settings(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Settings in which the rows of one report agree."""
    return tuple(str(row[name] or "") for name in ("schedule", "input_size", "batch", "labels", "data"))


def mean_sd(seeds: Seeds, column: str) -> tuple[float, float]:
    """Mean and standard deviation of a column over seeds; NaN deviation for one seed."""
    values = np.array([float(row[column]) for row in seeds.values() if row.get(column) is not None])
    if not len(values):
        return float("nan"), float("nan")
    return float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else float("nan")


class SeedSpread(NamedTuple):
    """Variation of the mean error between training runs that differ only in their seed.

    Attributes:
        sd: standard deviation, points of NME; NaN without any group of several seeds.
        freedom: degrees of freedom of the estimate.
    """

    sd: float
    freedom: int


def seed_spread(model: str, policy: str, groups: Mapping[Group, Seeds]) -> SeedSpread:
    """Estimate the variation between seeds, pooled over the model's groups, because each has only a few seeds.

    Groups without augmentation are pooled separately: they overfit to the images drawn, and so vary several times as
    much as the others.
    """
    squares, freedom = 0.0, 0
    for group, seeds in groups.items():
        values = [float(row["nme"]) for row in seeds.values() if row.get("nme") is not None]
        if group.model == model and (group.policy == "none") == (policy == "none") and len(values) > 1:
            squares += float(np.var(values)) * len(values)
            freedom += len(values) - 1
    return SeedSpread(float(np.sqrt(squares / freedom)) if freedom else float("nan"), freedom)


@dataclass(frozen=True)
class Difference:
    """Error of ``a`` minus error of ``b``, in points of NME.

    Attributes:
        a, b: the groups compared.
        seeds: the seeds that both have.
        mean: mean over faces and these seeds.
        low, high: ends of the 95 % interval.
        faces_only: True if the interval covers faces only, because the variation between runs is unknown.
    """

    a: Group
    b: Group
    seeds: tuple[int, ...]
    mean: float
    low: float
    high: float
    faces_only: bool

    @property
    def shown(self) -> bool:
        """True if the interval excludes 0 and covers other runs too."""
        return not self.faces_only and (self.low > 0 or self.high < 0)

    @property
    def interval(self) -> str:
        """The mean and, in brackets, the interval's ends."""
        return f"{signed(self.mean)} ({signed(self.low)} to {signed(self.high)})"

    def __str__(self) -> str:
        text = self.interval
        if self.faces_only:
            return f"{text} over faces only: with one seed per group, other runs may differ"
        return text if self.shown else f"{text}: no difference shown"


def signed(value: float) -> str:
    """The value with a sign and two decimals."""
    return f"{value:+.2f}".replace("-", "−")


def difference(
    a: Group, b: Group, groups: Mapping[Group, Seeds], errors: Mapping[Key, np.ndarray]
) -> Difference | None:
    """Paired difference of two groups on the faces that all their runs found; None without errors by face.

    Bootstrap over test faces (Efron 1979), the same draw for both sides. Each draw is shifted by the variation between
    training runs (`SeedSpread`), by Student's t, as if the runs of the two sides were independent.
    """
    common = sorted(groups.get(a, {}).keys() & groups.get(b, {}).keys())
    pairs = {seed: (errors.get(key_of(groups[a][seed])), errors.get(key_of(groups[b][seed]))) for seed in common}
    whole = {seed: (x, y) for seed, (x, y) in pairs.items() if x is not None and y is not None and len(x) == len(y)}
    if not whole or len({len(x) for x, _ in whole.values()}) > 1:
        return None
    away = np.stack([_minus(x, y) for x, y in whole.values()])
    away = away[:, np.isfinite(away).all(0)]
    if not away.shape[1]:
        return None
    random = np.random.default_rng(0)
    faces, by_face = away.shape[1], away.mean(0)
    means = by_face[random.integers(faces, size=(REPEATS, faces))].mean(1)
    spreads = [seed_spread(group.model, group.policy, groups) for group in (a, b)]
    faces_only = any(spread.freedom == 0 for spread in spreads)
    variances = [spread.sd**2 / len(whole) for spread in spreads]
    if not faces_only and sum(variances) > 0:
        # Welch 1947, Satterthwaite 1946
        freedom = sum(variances) ** 2 / sum(v**2 / spread.freedom for v, spread in zip(variances, spreads, strict=True))
        means += np.sqrt(sum(variances)) * random.standard_t(freedom, REPEATS)
    low, high = np.quantile(means, [0.025, 0.975])
    return Difference(a, b, tuple(whole), float(by_face.mean()), float(low), float(high), faces_only)


def _minus(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x − y, NaN for a face that either missed."""
    found = np.isfinite(x) & np.isfinite(y)
    return np.where(found, np.where(found, x, 0) - np.where(found, y, 0), np.nan)


@dataclass(frozen=True)
class PowerLaw:
    """error = a·n^−b + c, with 95 % intervals by bootstrap over faces and seeds.

    Attributes:
        a, b, c: the fitted constants; c is the floor that no number of images gets below.
        b_interval, c_interval: intervals of exponent and floor.
        enough: least number of images whose error is within 5 % of the error at the largest number tried.
        enough_interval: its interval.
        counts: numbers of images in the fit.
        falls: True if the error at the most images is shown to be below that at the fewest.
    """

    a: float
    b: float
    c: float
    b_interval: tuple[float, float]
    c_interval: tuple[float, float]
    enough: float
    enough_interval: tuple[float, float]
    counts: tuple[int, ...]
    falls: bool

    def __call__(self, n: np.ndarray | float) -> np.ndarray | float:
        """The error at n images."""
        return self.a * np.asarray(n, float) ** -self.b + self.c


def power_law(curve: Mapping[int, Sequence[np.ndarray]], spread: SeedSpread) -> PowerLaw | None:
    """Fit a law to a learning curve: number of images → errors (M,) of each seed; None for too few numbers.

    Least squares of relative residuals, with a ≥ 0, b in [0, 3], c ≥ 0. Intervals by bootstrap over faces, where each
    mean is also shifted by the variation between training runs, as in `difference`.
    """
    counts = np.array(sorted(curve), float)
    if len(counts) < FEWEST_COUNTS:
        return None
    found = np.all([np.isfinite(errors) for seeds in curve.values() for errors in seeds], axis=0)
    table = [np.stack([errors[found] for errors in curve[int(n)]]) for n in counts]
    random = np.random.default_rng(0)
    moved = np.array([(spread.sd if spread.freedom else 0.0) / np.sqrt(len(seeds)) for seeds in table])
    fits, falls = [], []
    for _ in range(LAW_REPEATS):
        faces = random.integers(int(found.sum()), size=int(found.sum()))
        means = np.array([seeds[:, faces].mean() for seeds in table])
        means += moved * random.standard_t(max(1, spread.freedom), len(means))
        fits.append(_fit(counts, np.maximum(means, 1e-3)))
        falls.append(means[-1] < means[0])
    a, b, c = _fit(counts, np.array([seeds.mean() for seeds in table]))
    low, high = np.quantile(np.array(fits), [0.025, 0.975], axis=0)
    enough = [_enough(fit[0], fit[1], fit[2], counts) for fit in fits]
    between = np.quantile(enough, [0.025, 0.975])
    return PowerLaw(
        a=a,
        b=b,
        c=c,
        b_interval=(float(low[1]), float(high[1])),
        c_interval=(float(low[2]), float(high[2])),
        enough=_enough(a, b, c, counts),
        enough_interval=(float(between[0]), float(between[1])),
        counts=tuple(int(n) for n in counts),
        falls=float(np.mean(falls)) >= 0.975,
    )


def _fit(counts: np.ndarray, errors: np.ndarray) -> tuple[float, float, float]:
    """a, b, c. The fit measures n in units of the smallest count, which keeps all constants near the errors' size."""
    unit, floor = counts[0], 0.7 * errors.min()

    def residuals(values: np.ndarray) -> np.ndarray:
        a, b, c = values
        return (a * (counts / unit) ** -b + c) / errors - 1

    starts = [(max(errors[0] - c, 1e-3), b, c) for b in (0.2, 0.7) for c in (0.01, floor)]
    bounds = ([0, 0, 0], [np.inf, 3, max(errors.max(), 0.02)])
    fits = [least_squares(residuals, start, bounds=bounds) for start in starts]
    a, b, c = min(fits, key=lambda fit: fit.cost).x
    return float(a * unit**b), float(b), float(c)


def _enough(a: float, b: float, c: float, counts: np.ndarray) -> float:
    """The least n, between the numbers tried, whose error is at most 1.05 × that at the largest."""
    fewest, most = float(counts[0]), float(counts[-1])
    if a <= 0 or b <= 1e-6:
        return fewest
    room = 1.05 * (a * most**-b + c) - c
    return float(np.clip((a / room) ** (1 / b), fewest, most))
