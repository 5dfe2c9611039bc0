"""Proportions of generated people, compared with measurements of anthropometrists.

    python benchmarks/proportions.py [--quick]

Farkas 1994, "Anthropometry of the head and face", whose means are of Caucasian people: random men
and women, 18 to 60 years old, with neutral expressions, are given that ancestry. Prints the table of
``docs/generator.md`` (millimetres; the spread as a share of the mean); the last line on standard
output is one JSON object.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation

from fauxface.rendering.head.brows import sample_brows
from fauxface.rendering.head.expression import Expression
from fauxface.rendering.head.identity import Identity, sample_identity
from fauxface.rendering.head.model import head_model
from fauxface.rendering.labels.landmarks import landmarks_3d
from fauxface.rendering.recipe import Recipe

SEED = 9
CALM = Expression({}, (0.0, 0.0))
TIPS = 0.04
"""How far about point 30 the nose's tip is looked for, metres."""


@dataclass(frozen=True)
class Measured:
    """A person's landmarks (70, 3) and skin (M, 3), head frame, millimetres."""

    points: np.ndarray
    skin: np.ndarray

    def apart(self, a: int, b: int) -> float:
        return float(np.linalg.norm(self.points[a] - self.points[b]))

    def above(self, a: int, b: int) -> float:
        return float(self.points[a, 1] - self.points[b, 1])

    def from_tip(self, point: int) -> float:
        """From the nose's most protruding point."""
        near = self.skin[np.linalg.norm(self.skin - self.points[30], axis=1) < 1000 * TIPS]
        return float(np.linalg.norm(near[near[:, 2].argmax()] - self.points[point]))

    def breadth(self) -> float:
        """Of the head above the brows."""
        above = self.skin[self.skin[:, 1] > 20]
        return float(np.ptp(above[:, 0]))


LENGTHS: dict[str, tuple[tuple[float, float], Callable[[Measured], float]]] = {
    "outer canthi": ((91, 88), lambda m: m.apart(36, 45)),
    "inner canthi": ((33, 32), lambda m: m.apart(39, 42)),
    "pupils (Dodgson 2004)": ((64, 61.7), lambda m: m.apart(68, 69)),
    "outline at points 0–16 (ANSUR: bitragion)": ((145, 133), lambda m: m.apart(0, 16)),
    "outline at 4–12 (ANSUR: soft bigonial)": ((118, 110), lambda m: m.apart(4, 12)),
    "nasion–chin": ((121, 112), lambda m: m.above(27, 8)),
    "nose height (nasion–subnasale)": ((53, 49), lambda m: m.above(27, 33)),
    "nasal bridge (nasion–tip)": ((50, 45), lambda m: m.from_tip(27)),
    "nose's protrusion (subnasale–tip)": ((19.5, 18.9), lambda m: m.from_tip(33)),
    "skin of the upper lip": ((15.9, 13.9), lambda m: m.above(33, 51)),
    "red of the upper lip (Pietruski & Majak 2022)": ((5.9, 6.5), lambda m: m.above(51, 62)),
    "red of the lower lip": ((9.3, 9.4), lambda m: m.above(66, 57)),
    "mouth to chin": ((51, 43), lambda m: m.above(62, 8)),
    "mouth width": ((53, 50), lambda m: m.apart(48, 54)),
    "eye opening": ((10.8, 11.1), lambda m: (m.apart(37, 41) + m.apart(38, 40)) / 2),
    "head breadth": ((151, 144), Measured.breadth),
}
"""Name → Farkas' (or ANSUR's) means of men and of women, and how it is measured."""


def people(count: int, men: bool) -> list[Identity]:
    """The first ``count`` grown men or women of the generator's draws."""
    rng, names = np.random.default_rng(SEED), head_model().bust.names
    found: list[Identity] = []
    while len(found) < count:
        one = sample_identity(rng, Recipe(children=0), names)
        if 18 <= one.age <= 60 and (one.gender >= 0.5) == men:
            found.append(replace(one, ancestry=(0.0, 0.0, 1.0)))
    return found


def measured(identity: Identity) -> Measured:
    model = head_model()
    posed = model.pose(identity, CALM, Rotation.identity())
    points = landmarks_3d(model, posed, sample_brows(np.random.default_rng(0), identity))
    return Measured(1000 * points, 1000 * posed.vertices[model.part == 0].astype(np.float64))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="10 people of each sex instead of 100")
    options = parser.parse_args()
    groups = [[measured(one) for one in people(10 if options.quick else 100, men)] for men in (True, False)]
    result = {}
    print("| length | Farkas | now |\n| --- | --- | --- |")
    for name, (told, length) in LENGTHS.items():
        values = [np.array([length(one) for one in group]) for group in groups]
        means = [float(v.mean()) for v in values]
        spread = float(np.mean([v.std() / v.mean() for v in values]))
        digits = 0 if all(value == int(value) for value in told) else 1
        shown = " / ".join(f"{mean:.{digits}f}" for mean in means)
        print(f"| {name} | {told[0]:.{digits}f} / {told[1]:.{digits}f} | {shown}, {100 * spread:.0f} % |")
        result[name] = [round(mean, 2) for mean in means]
    print(json.dumps(result))


if __name__ == "__main__":
    main()
