"""Hairstyles as parameters of the growth, sampled by gender, age, ancestry and recipe.

Shares of the styles and the spreads of their parameters are by eye, on renders.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fauxface.rendering.hair.scalp import Hairline, sample_hairline
from fauxface.rendering.head.identity import Identity
from fauxface.rendering.recipe import Recipe

NEVER = -9.0
"""A height that no strand reaches."""


@dataclass(frozen=True)
class Hair:
    """One head of hair; lengths and heights in metres, heights above the eyes.

    Attributes:
        style: its name.
        hairline: edge of the hair.
        shells: (distance from the skin, cover 0–1) of the layers of nap under the locks, outermost last.
        comb: direction in which roots lean: ``down`` from the whorl, ``part``, ``back``, ``forward``, ``up``, ``tie``,
            ``out``.
        part: x of the parting.
        lengths: of hair on top, beside and behind.
        lift: distance of the outermost locks from the skin.
        rise: steepness at which locks leave the skin, 0 along it.
        stiff: the length over which locks hold against gravity.
        messy: share of disorder in the locks' directions.
        curl: radius of the curls; ``turns`` of them along a lock.
        turns: see ``curl``.
        cut: heights at which hair beside the face and behind the head ends.
        ragged: standard deviation of single locks' ends about that.
        fringe: height at which hair over the forehead ends; above 0.1 for no fringe.
        slant: fall of the fringe towards the subject's left, a share.
        curtain: distance from the midline that hair beside the face keeps, as a share of the face's half width.
        wave: swing of hair on its way down, metres.
        gather: share of the way to their clump's middle that locks go towards their tips.
        tie: kind of knot in which hair is gathered: ``""``, ``tail``, ``bun``, ``tails`` (two).
        tail: length of the hair that hangs from there.
        locks: number of locks.
        width: of a lock.
        tiles: names of the pictures on them.
        puffs: share of the locks that are short patches on the hair's outside rather than from its roots.
        wisps: stray thin locks.
        across: strands that fall over the face.
    """

    style: str
    hairline: Hairline
    shells: tuple[tuple[float, float], ...] = ((0.001, 1.0),)
    comb: str = "down"
    part: float = 0.0
    lengths: tuple[float, float, float] = (0.05, 0.03, 0.03)
    lift: float = 0.008
    rise: float = 0.3
    stiff: float = 0.04
    messy: float = 0.2
    curl: float = 0.0
    turns: float = 1.0
    cut: tuple[float, float] = (NEVER, NEVER)
    ragged: float = 0.016
    fringe: float = 1.0
    slant: float = 0.0
    curtain: float = 1.0
    wave: float = 0.0
    gather: float = 0.35
    tie: str = ""
    tail: float = 0.0
    locks: int = 300
    width: float = 0.016
    tiles: tuple[str, ...] = ("dense", "clumped")
    puffs: float = 0.0
    wisps: int = 12
    across: int = 0


SHORT = {"shaved": 0.05, "crew": 0.2, "side": 0.28, "quiff": 0.15, "messy": 0.13, "forward": 0.14, "slicked": 0.08}
LONG = {"bob": 0.26, "long": 0.42, "tail": 0.16, "bun": 0.12, "tails": 0.04}
"""Shares among straight and wavy hair; curls and the styles of coily hair come on top."""


def sample_hair(rng: np.random.Generator, recipe: Recipe, identity: Identity) -> Hair | None:
    """Sample a hairstyle, or None for a bald head."""
    female, age, african = identity.gender < 0.5, identity.age, identity.ancestry[0]
    bare, bald = rng.random(2)
    if bare >= recipe.hair or bald < recipe.bald ** (1 if age > 30 and not female else 2):
        return None
    line = sample_hairline(rng, female, age)
    long = rng.random() < (recipe.long_hair_women if female else recipe.long_hair_men) * (0.5 if age < 4 else 1.0)
    coily = rng.random() < 0.85 * african**1.5
    curly = rng.random() < 0.18
    fringe = rng.random() < recipe.fringe * (1.4 if age < 14 else 1.0)
    if coily:
        names = {"afro": 0.3, "dreads": 0.17, "braids": 0.28, "bun": 0.15, "curls": 0.1} if long else None
        name = _pick(rng, names or {"shaved": 0.2, "crew": 0.35, "afro": 0.3, "curls": 0.15})
    elif long:
        name = _pick(rng, LONG)
    else:
        weights = dict(SHORT)
        if female or age < 14:
            weights |= {"shaved": 0.02, "crew": 0.08, "slicked": 0.05}
        name = "curls" if curly else _pick(rng, weights)
    if line.bald > 0.4 and name not in ("crew", "shaved"):
        name = "crew" if rng.random() < 0.75 else "shaved"
    return _STYLES[name](rng, Hair(name, line), curly or coily, fringe)


def _pick(rng: np.random.Generator, weights: dict[str, float]) -> str:
    share = np.array(list(weights.values()))
    return str(rng.choice(list(weights), p=share / share.sum()))


def _brow_fringe(rng: np.random.Generator) -> float:
    """Sample a fringe's height above the eyes, metres: mostly above the brows, often over them."""
    return float(
        rng.choice([rng.uniform(0.028, 0.05), rng.uniform(0.01, 0.028), rng.uniform(-0.008, 0.01)], p=[0.4, 0.45, 0.15])
    )


def _shaved(rng: np.random.Generator, hair: Hair, curly: bool, fringe: bool) -> Hair:
    return replace(
        hair, shells=((0.0006, float(rng.uniform(0.15, 0.6))),), locks=0, wisps=0, lift=0.001, lengths=(0.001,) * 3
    )


def _crew(rng: np.random.Generator, hair: Hair, curly: bool, fringe: bool) -> Hair:
    height = float(rng.uniform(0.004, 0.011))
    shells = ((0.0008, 0.92), (0.4 * height, 0.7), (0.75 * height, 0.45))
    top = height + float(rng.uniform(0.002, 0.014))
    return replace(
        hair,
        shells=shells,
        comb=str(rng.choice(["forward", "up"])),
        lengths=(top, 0.5 * height, 0.6 * height),
        lift=height,
        rise=1.0,
        stiff=0.3,
        messy=0.5,
        locks=110,
        width=0.012,
        tiles=("coily",) if curly else ("dense", "clumped"),
        wisps=0,
    )


def _side(rng: np.random.Generator, hair: Hair, curly: bool, fringe: bool) -> Hair:
    part = float(rng.choice([-1, 1]) * rng.uniform(0.015, 0.045))
    return replace(
        hair,
        shells=((0.001, 0.97), (0.003, 0.7)),
        comb="part",
        part=part,
        lengths=_lengths(rng, (0.05, 0.11), (0.012, 0.04), (0.015, 0.05)),
        lift=float(rng.uniform(0.008, 0.032)),
        rise=float(rng.uniform(0.3, 1.0)),
        stiff=0.12,
        messy=float(rng.uniform(0.1, 0.4)),
        fringe=_brow_fringe(rng) if fringe else 1.0,
        tiles=("wavy", "clumped") if curly else ("dense", "clumped"),
    )


def _quiff(rng: np.random.Generator, hair: Hair, curly: bool, fringe: bool) -> Hair:
    return replace(
        hair,
        shells=((0.001, 0.95), (0.003, 0.65)),
        comb="up",
        lengths=_lengths(rng, (0.03, 0.08), (0.006, 0.02), (0.006, 0.03)),
        lift=float(rng.uniform(0.015, 0.04)),
        rise=float(rng.uniform(0.8, 1.8)),
        stiff=0.2,
        messy=float(rng.uniform(0.1, 0.4)),
        gather=0.5,
        tiles=("wavy", "curly") if curly else ("dense", "clumped"),
    )


def _messy(rng: np.random.Generator, hair: Hair, curly: bool, fringe: bool) -> Hair:
    return replace(
        hair,
        shells=((0.001, 1.0), (0.004, 0.75)),
        comb=str(rng.choice(["forward", "part", "down"])),
        part=float(rng.normal(0, 0.02)),
        lengths=_lengths(rng, (0.05, 0.12), (0.03, 0.08), (0.04, 0.09)),
        lift=float(rng.uniform(0.015, 0.04)),
        rise=float(rng.uniform(0.5, 1.3)),
        stiff=float(rng.uniform(0.05, 0.12)),
        messy=float(rng.uniform(0.5, 1.0)),
        fringe=_brow_fringe(rng) if fringe else 0.062,
        curtain=1.1,
        curl=float(rng.uniform(0, 0.006)),
        turns=1.5,
        tiles=("curly", "wavy") if curly else ("clumped", "wavy"),
        wisps=24,
    )


def _forward(rng: np.random.Generator, hair: Hair, curly: bool, fringe: bool) -> Hair:
    return replace(
        hair,
        shells=((0.001, 1.0), (0.003, 0.7)),
        comb="forward",
        lengths=_lengths(rng, (0.06, 0.12), (0.015, 0.06), (0.02, 0.07)),
        lift=float(rng.uniform(0.007, 0.02)),
        rise=0.35,
        stiff=0.06,
        messy=float(rng.uniform(0.1, 0.4)),
        fringe=_brow_fringe(rng),
        slant=float(rng.normal(0, 0.15)),
        cut=(-0.02, -0.07),
        tiles=("wavy", "clumped") if curly else ("dense", "clumped"),
    )


def _slicked(rng: np.random.Generator, hair: Hair, curly: bool, fringe: bool) -> Hair:
    return replace(
        hair,
        shells=((0.001, 1.0),),
        comb="back",
        lengths=_lengths(rng, (0.1, 0.17), (0.05, 0.1), (0.04, 0.1)),
        cut=(-0.05, -0.09),
        lift=float(rng.uniform(0.004, 0.018)),
        rise=float(rng.uniform(0.1, 0.7)),
        stiff=0.25,
        messy=float(rng.uniform(0.03, 0.2)),
        tiles=("wavy", "dense") if curly else ("dense", "clumped"),
    )


def _curls(rng: np.random.Generator, hair: Hair, curly: bool, fringe: bool) -> Hair:
    size = float(rng.uniform(0.015, 0.05))
    return replace(
        hair,
        shells=((0.002, 1.0), (0.3 * size, 0.85)),
        comb="out",
        lengths=(1.6 * size, size, 1.3 * size),
        lift=0.8 * size,
        rise=0.9,
        stiff=0.05,
        messy=0.7,
        curl=float(rng.uniform(0.003, 0.009)),
        turns=float(rng.uniform(1, 2)),
        fringe=float(rng.uniform(0.03, 0.06)) if fringe else 1.0,
        cut=(-0.06, -0.1),
        locks=440,
        width=float(rng.uniform(0.01, 0.016)),
        tiles=("curly", "curly", "coily"),
        puffs=0.35,
        wisps=20,
        curtain=1.05,
    )


def _afro(rng: np.random.Generator, hair: Hair, curly: bool, fringe: bool) -> Hair:
    size = float(np.exp(rng.uniform(np.log(0.012), np.log(0.085))))
    shells = ((0.002, 1.0), (0.35 * size, 1.0), (0.7 * size, 0.95))
    return replace(
        hair,
        shells=shells,
        comb="out",
        lengths=(size, size, size),
        lift=size,
        rise=3.0,
        stiff=1.0,
        messy=0.7,
        curl=0.003,
        locks=520,
        width=0.01 + 0.08 * size,
        tiles=("coily",),
        puffs=1.0,
        wisps=0,
    )


def _dreads(rng: np.random.Generator, hair: Hair, curly: bool, fringe: bool) -> Hair:
    length = float(rng.uniform(0.12, 0.4))
    return replace(
        hair,
        shells=((0.001, 0.9),),
        comb=str(rng.choice(["part", "back", "down"])),
        part=float(rng.normal(0, 0.02)),
        lengths=(length,) * 3,
        lift=0.02,
        rise=0.5,
        stiff=0.1,
        messy=0.3,
        curl=0.003,
        gather=0.1,
        locks=140,
        width=float(rng.uniform(0.009, 0.014)),
        tiles=("rope",),
        curtain=float(rng.uniform(0.85, 1.1)),
        wisps=10,
    )


def _braids(rng: np.random.Generator, hair: Hair, curly: bool, fringe: bool) -> Hair:
    if rng.random() < 0.4:
        return replace(_tails(rng, hair, curly, fringe), style="braids", tiles=("braid", "dense"))
    length = float(rng.uniform(0.15, 0.4))
    return replace(
        hair,
        shells=((0.001, 0.8),),
        comb=str(rng.choice(["part", "back"])),
        part=float(rng.normal(0, 0.02)),
        lengths=(length,) * 3,
        lift=0.012,
        rise=0.1,
        stiff=0.08,
        messy=0.1,
        locks=140,
        width=float(rng.uniform(0.007, 0.011)),
        tiles=("braid",),
        curtain=float(rng.uniform(0.9, 1.1)),
        wisps=6,
    )


def _falling(rng: np.random.Generator, hair: Hair, curly: bool, fringe: bool) -> Hair:
    centre = rng.random() < 0.5
    part = float(rng.normal(0, 0.004) if centre else rng.choice([-1, 1]) * rng.uniform(0.015, 0.04))
    wavy = curly or rng.random() < 0.3
    return replace(
        hair,
        comb=str(rng.choice(["part", "back"], p=[0.85, 0.15])),
        part=part,
        lift=float(rng.uniform(0.009, 0.025)),
        rise=float(rng.uniform(0.1, 0.5)),
        stiff=float(rng.uniform(0.02, 0.06)),
        messy=float(rng.uniform(0.08, 0.4)),
        curl=float(rng.uniform(0.006, 0.014)) if curly else 0.005 * wavy,
        turns=float(rng.uniform(1.2, 2.2)),
        fringe=_brow_fringe(rng) if fringe else 1.0,
        slant=float(rng.normal(0, 0.13)),
        curtain=float(rng.uniform(0.62, 1.12)),
        wave=float(rng.uniform(0.003, 0.009)),
        gather=float(rng.uniform(0.1, 0.45)),
        locks=420,
        width=0.017,
        tiles=("curly", "wavy") if curly else ("wavy", "clumped") if wavy else ("dense", "dense", "clumped"),
        wisps=int(rng.integers(8, 30)),
        across=int(rng.integers(1, 6)) if rng.random() < 0.18 else 0,
    )


def _bob(rng: np.random.Generator, hair: Hair, curly: bool, fringe: bool) -> Hair:
    level = float(rng.uniform(-0.14, -0.065))
    cut = (level, level + float(rng.uniform(-0.02, 0.03)))
    return replace(
        _falling(rng, hair, curly, fringe), lengths=(0.3, 0.2, 0.18), cut=cut, ragged=float(rng.uniform(0.003, 0.012))
    )


def _long(rng: np.random.Generator, hair: Hair, curly: bool, fringe: bool) -> Hair:
    level = float(rng.uniform(-0.34, -0.14))
    return replace(_falling(rng, hair, curly, fringe), lengths=(0.48, 0.42, 0.4), cut=(level, level))


def _tail(rng: np.random.Generator, hair: Hair, curly: bool, fringe: bool) -> Hair:
    return replace(
        _falling(rng, hair, curly, fringe),
        comb="tie",
        tie="tail",
        tail=float(rng.uniform(0.08, 0.3)),
        lift=float(rng.uniform(0.004, 0.012)),
        rise=0.1,
        stiff=0.1,
        messy=0.06,
        curl=0.0,
        locks=200,
        tiles=("dense", "clumped"),
        across=int(rng.integers(0, 3)),
    )


def _bun(rng: np.random.Generator, hair: Hair, curly: bool, fringe: bool) -> Hair:
    return replace(_tail(rng, hair, curly, fringe), tie="bun", tail=float(rng.uniform(0.025, 0.045)))


def _tails(rng: np.random.Generator, hair: Hair, curly: bool, fringe: bool) -> Hair:
    plaited = rng.random() < 0.5
    return replace(
        _tail(rng, hair, curly, fringe),
        tie="tails",
        tail=float(rng.uniform(0.1, 0.28)),
        part=float(rng.normal(0, 0.003)),
        tiles=("braid", "dense") if plaited else ("dense", "clumped"),
    )


def _lengths(rng: np.random.Generator, *spans: tuple[float, float]) -> tuple[float, float, float]:
    top, side, back = (float(rng.uniform(*span)) for span in spans)
    return top, side, back


_STYLES = {
    "shaved": _shaved,
    "crew": _crew,
    "side": _side,
    "quiff": _quiff,
    "messy": _messy,
    "forward": _forward,
    "slicked": _slicked,
    "curls": _curls,
    "afro": _afro,
    "dreads": _dreads,
    "braids": _braids,
    "bob": _bob,
    "long": _long,
    "tail": _tail,
    "bun": _bun,
    "tails": _tails,
}
STYLES = tuple(_STYLES)
"""Names of all styles."""


def style(
    rng: np.random.Generator, name: str, female: bool, age: float, curly: bool = False, fringe: bool = False
) -> Hair:
    """Sample a head of hair of one style (``STYLES``)."""
    return _STYLES[name](rng, Hair(name, sample_hairline(rng, female, age)), curly, fringe)
