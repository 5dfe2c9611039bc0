"""Identities: age, gender, ancestry and the shape of each part of the head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fauxface.rendering.head.makehuman import AGES, ANCESTRIES, MUSCLES
from fauxface.rendering.recipe import Recipe

_OPPOSITES = {
    "incr": "decr",
    "up": "down",
    "out": "in",
    "forward": "backward",
    "convex": "concave",
    "uncompress": "compress",
}
_SPREAD = {"asym": 0.35, "eye": 0.25, "eyes": 0.25, "ear": 0.4, "neck": 0.2, "head": 0.12, "eyebrows": 0.3}
"""Standard deviations of the local targets by the first word of their name. They give the spreads that people have,
4–6 % of a length (Farkas 1994, "Anthropometry of the head and face"), as `benchmarks/proportions.py` measures."""
_USUAL_SPREAD = 0.28
"""… of targets with other names."""
_SPREADS = {
    "chin-height": 0.13,
    "chin-triangle": 0.15,
    "ear-trans-forward": 0.12,
    "eye-push1": 0.18,
    "eye-push2": 0.18,
    "eye-trans-out": 0.2,
    "eyebrows-trans-forward": 0.05,
    "head-age": 0.3,
    "head-angle": 0.15,
    "head-back-scale-depth": 0.3,
    "head-fat": 0.18,
    "head-scale-depth": 0.3,
    "head-scale-vert": 0.1,
    "head-trans-forward": 0.05,
    "head-trans-out": 0.02,
    "mouth-scale-horiz": 0.2,
    "mouth-trans-forward": 0.12,
    "mouth-trans-out": 0.08,
    "mouth-upperlip-width": 0.2,
    "nose-nostrils-width": 0.2,
    "nose-point": 0.2,
    "nose-scale-vert": 0.3,
    "nose-trans-forward": 0.15,
    "nose-trans-out": 0.12,
    "nose-width3": 0.2,
    "neck-trans-forward": 0.1,
    "neck-trans-out": 0.03,
}
"""… and of single axes."""
_CENTRE = {
    "chin-height": (0.3, 0.6),
    "eye-height1": (0.25, 0.2),
    "eye-height2": (0.0, -0.1),
    "eye-height3": (0.35, 0.2),
    "eye-push1": (0.8, 0.0),
    "eye-push2": (0.85, 1.15),
    "eye-scale": (0.6, 1.35),
    "eye-trans-out": (0.45, 0.45),
    "forehead-temple": (-0.1, -0.1),
    "head-fat": (-0.2, -0.15),
    "head-round": (0.15, 0.35),
    "head-scale-horiz": (-0.1, -0.05),
    "head-square": (0.1, 0.35),
    "mouth-cupidsbow": (0.8, 0.8),
    "mouth-lowerlip-height": (0.1, 0.15),
    "mouth-philtrum-volume": (-0.4, -0.4),
    "mouth-scale-horiz": (0.75, 0.7),
    "mouth-trans": (-0.5, -0.6),
    "mouth-upperlip-height": (-0.38, -0.38),
    "nose-nostrils-angle": (-0.8, -0.9),
    "nose-point": (-0.3, -0.22),
    "nose-scale-depth": (0.1, 0.3),
    "nose-scale-horiz": (-0.45, -0.1),
    "nose-scale-vert": (0.05, 0.15),
    "nose-septumangle": (0.3, 0.3),
    "nose-width3": (-0.6, -0.1),
}
"""Means of axes for women and men; others 0. MakeHuman's average has small eyes, a narrow mouth and a wide, flat nose:
these bring grown persons of Caucasian ancestry to Farkas' mean lengths, from which the ancestry targets depart; the
upper lip's red as low as it is in the middle on photographs from the front (Pietruski & Majak 2022, "The concept of
ideal Caucasian male lips", and their study of women's), between the two peaks of its bow. The outline is as wide as
ANSUR II says (bitragion and soft bigonial breadth; Gordon et al. 2014): Farkas' breadths are a caliper's, pressed to
the bone."""
_AFRICAN = {
    "mouth-lowerlip-height": (-0.12, -0.45),
    "mouth-scale-horiz": (0.35, 0.45),
    "mouth-upperlip-height": (0.4, 0.5),
    "nose-scale-vert": (-0.65, -0.6),
}
"""Amounts that African ancestry adds to axes of women and men, towards lengths of Virdi et al. 2019, "Normative
anthropometry and proportions of the Kenyan-African face": MakeHuman's target alone has noses 3 mm too high, mouths 4 mm
too narrow and men's lower lips 2 mm too thick."""
_HEAVY = {"head-fat": 0.8, "l-cheek-volume": 0.4, "r-cheek-volume": 0.4, "neck-scale-horiz": 0.25}
_DOUBLE_CHIN = 0.6
"""Amounts that weight adds to axes: a heavy face is rounder, wider below and has fuller cheeks (Mayer et al. 2017, "BMI
and WHR are reflected in female facial shape and texture"), and the chin's fold beneath it, which the lean lack.
MakeHuman's own weight leaves the head alone: all faces were lean, and the breadth of jaws had a spread of 4 % instead
of 6 (Farkas 1994, go–go)."""
_GROWN = ("chin", "mouth", "nose")
"""Parts whose proportions come with age: their means count from nothing in a toddler to all in a grown person."""
_FARTHEST = 1.6
"""Largest coefficient of a target, by eye; 1 is the shape that MakeHuman's artists made."""
_AGE_ANCHORS = (1.0, 10.0, 25.0, 75.0)
"""Years of MakeHuman's four age targets."""


@dataclass(frozen=True)
class Identity:
    """One person.

    Attributes:
        age: years.
        gender: 0 female … 1 male.
        ancestry: weights of ``ANCESTRIES``, summing to 1.
        weight: −1 thin … 1 heavy.
        muscle: −1 … 1.
        local: morph target name → coefficient, 0–1.6.
    """

    age: float
    gender: float
    ancestry: tuple[float, float, float]
    weight: float
    muscle: float
    local: dict[str, float]


def sample_identity(rng: np.random.Generator, recipe: Recipe, names: tuple[str, ...]) -> Identity:
    """Sample a person; ``names`` are those of the available morph targets.

    By eye: the old are rarer, as in a population (ages of grown people have a mean of 42 years), ancestries come
    equally often and one of them mostly prevails, and few bodies are very thin, heavy or muscular.
    """
    child = rng.random() < recipe.children
    age = rng.uniform(2, 14) if child else 14 + 71 * rng.beta(1.3, 2.0)
    gender = float(np.clip(rng.choice([0.1, 0.9]) + rng.normal(0, 0.12), 0, 1))
    african, asian, caucasian = (float(share) for share in rng.dirichlet([0.45, 0.45, 0.45]))
    weight, muscle = np.clip(rng.normal(0, 0.45, 2), -1, 1)
    local = _sample_local(rng, recipe.shape, float(age), gender, names)
    return Identity(float(age), gender, (african, asian, caucasian), float(weight), float(muscle), local)


def grown(age: float) -> float:
    """Share of a grown face's proportions that a person of that age has, 0–1; from 3 to 16 years, by eye."""
    return float(np.interp(age, [3, 16], [0, 1]))


def _axes(names: tuple[str, ...]) -> dict[str, list[str]]:
    """Shape axes → the targets (positive, then negative) that span them.

    An axis is named by the common part of its targets' names (``mouth-trans`` moves up and down); where two axes share
    it, the later one adds its positive end (``mouth-trans-forward``).
    """
    axes: dict[str, list[str]] = {}
    present = set(names)
    for name in sorted(names, key=lambda name: (not name.endswith(("-up", "-down")), name)):
        if not name.startswith("local:"):
            continue
        stem, _, suffix = name.rpartition("-")
        if suffix in _OPPOSITES and f"{stem}-{_OPPOSITES[suffix]}" in present:
            axes[name if stem in axes else stem] = [name, f"{stem}-{_OPPOSITES[suffix]}"]
        elif suffix not in _OPPOSITES.values():
            axes[name] = [name]
    return axes


def _sample_local(
    rng: np.random.Generator, strength: float, age: float, gender: float, names: tuple[str, ...]
) -> dict[str, float]:
    local: dict[str, float] = {}
    shared: dict[str, float] = {}
    share = grown(age)
    for axis, targets in _axes(names).items():
        word = axis.removeprefix("local:")
        side, common = (word[0], word[2:]) if word[:2] in ("l-", "r-") else ("", word)
        spread = strength * _SPREADS.get(common, _SPREAD.get(common.split("-")[0], _USUAL_SPREAD))
        value = rng.normal(0, spread)
        if side:  # the two sides of a face differ by about 1 % of its width
            value = shared.setdefault(common, value) + 0.3 * value
        if common in _CENTRE:
            woman, man = _CENTRE[common]
            value += (woman + (man - woman) * gender) * (share if common.startswith(_GROWN) else 1.0)
        value = float(min(max(value, -_FARTHEST), _FARTHEST))
        if value > 0:
            local[targets[0]] = value
        elif len(targets) == 2 and value < 0:
            local[targets[1]] = -value
    return local


def macro_coefficients(identity: Identity) -> dict[str, float]:
    """Coefficients of the ``universal:`` and ``ancestry:`` targets: a product of linear interpolations."""
    ages = _hat(identity.age, _AGE_ANCHORS)
    genders = {"female": 1 - identity.gender, "male": identity.gender}
    weights = dict(zip(MUSCLES, _hat(identity.weight, (-1, 0, 1)), strict=True))
    muscles = dict(zip(MUSCLES, _hat(identity.muscle, (-1, 0, 1)), strict=True))
    result: dict[str, float] = {}
    for (gender, g), (age, a) in ((gs, as_) for gs in genders.items() for as_ in zip(AGES, ages, strict=True)):
        for muscle, m in muscles.items():
            for weight, w in weights.items():
                result[f"universal:{gender}-{age}-{muscle}-{weight}"] = g * a * m * w
        for ancestry, share in zip(ANCESTRIES, identity.ancestry, strict=True):
            result[f"ancestry:{ancestry}-{gender}-{age}"] = g * a * share
    return {name: value for name, value in result.items() if value > 0}


def shape_coefficients(identity: Identity) -> dict[str, float]:
    """Coefficients of all targets that shape this person's calm face."""
    local = dict(identity.local)
    african, gender, weight = identity.ancestry[0] * grown(identity.age), identity.gender, identity.weight
    added = {axis: african * (woman + (man - woman) * gender) for axis, (woman, man) in _AFRICAN.items()}
    added |= {axis: weight * much for axis, much in _HEAVY.items()}
    added["neck-double"] = max(weight, 0.0) * _DOUBLE_CHIN
    for axis, more in added.items():
        up, down = f"local:{axis}-incr", f"local:{axis}-decr"
        value = local.pop(up, 0.0) - local.pop(down, 0.0) + more
        local[up if value > 0 else down] = min(abs(value), _FARTHEST)
    return {**macro_coefficients(identity), **local}


def _hat(value: float, anchors: tuple[float, ...]) -> np.ndarray:
    """Weights of linear interpolation between the anchors."""
    return np.array([np.interp(value, anchors, row) for row in np.eye(len(anchors))])
