"""The finished cells as the report's sections read them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from fauxface.study.config import Cell, StudyConfig
from fauxface.study.results import Key, Results, key_of
from fauxface.study.statistics import Group, PowerLaw, Seeds, Table, Where, power_law, seed_spread, tabulate

FIGURES = "figures"
RAW = "no"
KINDS = {RAW: "raw", "yes": "label-adapted"}


@dataclass(frozen=True)
class Material:
    """All that the report's sections read.

    Attributes:
        config: the study's settings.
        cells: the cells that they ask for.
        wanted: the rows of a finished cell, as `wanted_of` gives them.
        results: all rows and errors.
        rendered: names of the test sets that are renders.
        speeds: model → milliseconds a face, as far as measured.
    """

    config: StudyConfig
    cells: Sequence[Cell]
    wanted: Sequence[Key]
    results: Results
    rendered: frozenset[str] = frozenset()
    speeds: Mapping[str, float] | None = None

    @cached_property
    def by_samples(self) -> dict[int | None, Table]:
        """Tables by the samples of training."""
        return tabulate(self.results, self.cells, self.wanted)

    @property
    def samples(self) -> int | None:
        """Samples of the study's cells; None for the schedule's epochs."""
        return self.cells[0].samples

    @property
    def table(self) -> Table:
        """The results of cells with the study's samples."""
        return self.by_samples.get(self.samples, {})

    @property
    def longer(self) -> dict[int, Table]:
        """The results of cells with other numbers of samples."""
        return {n: table for n, table in sorted(self.by_samples.items(), key=str) if n and n != self.samples}

    @property
    def errors(self) -> Mapping[Key, np.ndarray]:
        """Errors (M,) by face of each row."""
        return self.results.errors

    @cached_property
    def groups(self) -> list[Group]:
        """The groups asked for in their order, then others that have results."""
        asked = [Group(cell.model, cell.images, cell.policy) for cell in self.cells]
        others = sorted({group for groups in self.table.values() for group in groups} - set(asked))
        return list(dict.fromkeys([*asked, *others]))

    @property
    def models(self) -> list[str]:
        """Models in the order of the groups."""
        return list(dict.fromkeys(group.model for group in self.groups))

    @cached_property
    def main(self) -> Where | None:
        """Conditions of the answer: the first set of photographs, landmark boxes, adapted unless raw has more rows."""
        names = {where.test_set for where in self.table}
        tests = [name for name in (folder.resolve().name for folder in self.config.test) if name in names]
        first = next(iter(sorted(tests, key=lambda name: name in self.rendered)), None)
        options = [w for w in self.table if w.test_set == (first or w.test_set) and w.box == "landmarks"]
        rows = {where.adapted: sum(map(len, self.table[where].values())) for where in options}
        if rows.get("yes", 0) < rows.get(RAW, 0):
            options = [where for where in options if where.adapted == RAW]
        return max(options, key=lambda where: where.adapted, default=None)

    @property
    def conditions(self) -> list[Where]:
        """All conditions with results: the answer's, others on the same photographs, then other test sets."""
        main = self.main
        if main is None:
            return []

        def rank(where: Where) -> tuple[bool, bool, str, bool, bool]:
            away = where.test_set != main.test_set
            return away, where.test_set in self.rendered, where.test_set, where.box != main.box, where.adapted == RAW

        return sorted(self.table, key=rank)

    @cached_property
    def laws(self) -> dict[Where, dict[str, PowerLaw]]:
        """The learning curves' laws, by conditions and model."""
        found: dict[Where, dict[str, PowerLaw]] = {}
        policy = self.config.curve_policy
        for where, groups in self.table.items():
            for model in {group.model for group in groups}:
                curve = {
                    group.images: self.errors_of(seeds)
                    for group, seeds in groups.items()
                    if group.model == model and group.policy == policy
                }
                whole = {n: errors for n, errors in curve.items() if errors}
                law = power_law(whole, seed_spread(model, policy, groups))
                if law is not None:
                    found.setdefault(where, {})[model] = law
        return found

    def errors_of(self, seeds: Seeds) -> list[np.ndarray]:
        """Errors (M,) by face of each seed that has them."""
        return [self.errors[key_of(row)] for row in seeds.values() if key_of(row) in self.errors]

    def figure(self, *names: str) -> Path:
        """Path of a figure."""
        return self.config.out / FIGURES / f"{slug(*names)}.svg"


def slug(*names: object) -> str:
    """The names as one file name or HTML id."""
    return re.sub(r"[^\w+.-]+", "-", "-".join(map(str, names)))


def faces(groups: Mapping[Group, Seeds]) -> int:
    """Number of faces that the groups were scored on; 0 without groups."""
    return max((int(row["n"] or 0) for seeds in groups.values() for row in seeds.values()), default=0)


def named(groups: Sequence[Group]) -> str:
    """Groups as text: the policies of each model and number of images together."""
    together: dict[tuple[str, int], list[str]] = {}
    for group in groups:
        together.setdefault((group.model, group.images), []).append(group.policy)
    return "; ".join(f"{model} with {images:,} images: {', '.join(p)}" for (model, images), p in together.items())
