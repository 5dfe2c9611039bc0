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


def tabulate(results: Results, cells: Sequence[str], wanted: Sequence[Key]) -> Table:
    """The rows wanted (`KEY` but the cell) of these cells, by what they are compared in, group and seed."""
    table: Table = {}
    known, rest = set(cells), set(wanted)
    for key, row in results.rows.items():
        if key[0] in known and key[1:] in rest:
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


class Luck(NamedTuple):
    """How far one training run's mean error lies from another's that differs in its seed alone.

    Attributes:
        sd: standard deviation, points of NME; NaN where nothing was trained with several seeds.
        freedom: degrees of freedom that it was estimated with.
    """

    sd: float
    freedom: int


def luck_of(model: str, policy: str, groups: Mapping[Group, Seeds]) -> Luck:
    """Pooled over the model's groups that have several seeds: two or three seeds of one group would tell little.

    Those without augmentation are pooled for themselves: which images they happen to learn by heart makes them vary
    several times as much as others.
    """
    squares, freedom = 0.0, 0
    for group, seeds in groups.items():
        values = [float(row["nme"]) for row in seeds.values() if row.get("nme") is not None]
        if group.model == model and (group.policy == "none") == (policy == "none") and len(values) > 1:
            squares += float(np.var(values)) * len(values)
            freedom += len(values) - 1
    return Luck(float(np.sqrt(squares / freedom)) if freedom else float("nan"), freedom)


@dataclass(frozen=True)
class Difference:
    """Error of ``a`` minus error of ``b``, in points of NME.

    Attributes:
        a, b: the groups compared.
        seeds: the seeds that both have.
        mean: over faces and these seeds.
        low, high: ends of the 95 % interval.
        lucky: whether the interval leaves the luck of the training runs out, which then is not known.
    """

    a: Group
    b: Group
    seeds: tuple[int, ...]
    mean: float
    low: float
    high: float
    lucky: bool

    @property
    def shown(self) -> bool:
        """Whether the interval leaves 0 out, and tells of other runs too."""
        return not self.lucky and (self.low > 0 or self.high < 0)

    def __str__(self) -> str:
        text = f"{signed(self.mean)} ({signed(self.low)} to {signed(self.high)})"
        if self.lucky:
            return f"{text} over faces alone: with one seed a group, another run may differ"
        return text if self.shown else f"{text}: no difference shown"


def signed(value: float) -> str:
    """Two digits, with a sign."""
    return f"{value:+.2f}".replace("-", "−")


def difference(
    a: Group, b: Group, groups: Mapping[Group, Seeds], errors: Mapping[Key, np.ndarray]
) -> Difference | None:
    """The paired difference of two groups on the faces that all their runs found; None where errors are not there.

    Bootstrap (Efron 1979): test faces are drawn again, the same for both sides. To each draw comes what other training
    runs would have changed, by Student's t: the models' `Luck`, as if the two sides' runs had nothing in common.
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
    lucks = [luck_of(group.model, group.policy, groups) for group in (a, b)]
    lucky = any(luck.freedom == 0 for luck in lucks)
    variances = [luck.sd**2 / len(whole) for luck in lucks]
    if not lucky and sum(variances) > 0:
        # Welch 1947, Satterthwaite 1946
        freedom = sum(variances) ** 2 / sum(v**2 / luck.freedom for v, luck in zip(variances, lucks, strict=True))
        means += np.sqrt(sum(variances)) * random.standard_t(freedom, REPEATS)
    low, high = np.quantile(means, [0.025, 0.975])
    return Difference(a, b, tuple(whole), float(by_face.mean()), float(low), float(high), lucky)


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
        falls: whether the error at the most images is shown to be below that at the fewest.
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


def power_law(curve: Mapping[int, Sequence[np.ndarray]], luck: Luck) -> PowerLaw | None:
    """The law of a learning curve: number of images → each seed's errors (M,) of the same faces; None for too few.

    The relative residuals' squares are minimised, with a ≥ 0, b in [0, 3], c ≥ 0. Faces are drawn again for the
    intervals, and each number's mean is moved by what other training runs would have changed (as in `difference`).
    """
    counts = np.array(sorted(curve), float)
    if len(counts) < FEWEST_COUNTS:
        return None
    found = np.all([np.isfinite(errors) for seeds in curve.values() for errors in seeds], axis=0)
    table = [np.stack([errors[found] for errors in curve[int(n)]]) for n in counts]
    random = np.random.default_rng(0)
    moved = np.array([(luck.sd if luck.freedom else 0.0) / np.sqrt(len(seeds)) for seeds in table])
    fits, falls = [], []
    for _ in range(LAW_REPEATS):
        faces = random.integers(int(found.sum()), size=int(found.sum()))
        means = np.array([seeds[:, faces].mean() for seeds in table])
        means += moved * random.standard_t(max(1, luck.freedom), len(means))
        fits.append(_fit(counts, np.maximum(means, 1e-3)))
        falls.append(means[-1] < means[0])
    a, b, c = _fit(counts, np.array([seeds.mean() for seeds in table]))
    low, high = np.quantile(np.array(fits), [0.025, 0.975], axis=0)
    enough = [_enough(fit[0], fit[1], fit[2], counts) for fit in fits]
    between = np.quantile(enough, [0.025, 0.975])
    return PowerLaw(
        a,
        b,
        c,
        (float(low[1]), float(high[1])),
        (float(low[2]), float(high[2])),
        _enough(a, b, c, counts),
        (float(between[0]), float(between[1])),
        tuple(int(n) for n in counts),
        float(np.mean(falls)) >= 0.975,
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


def _enough(a: float, b: float, c: float, counts: np.ndarray) -> float:
    """The least n of those between the numbers tried whose error is at most 1.05 × that at the largest."""
    fewest, most = float(counts[0]), float(counts[-1])
    if a <= 0 or b <= 1e-6:
        return fewest
    room = 1.05 * (a * most**-b + c) - c
    return float(np.clip((a / room) ** (1 / b), fewest, most))
