"""Guide curves of the locks: grown from the scalp, combed, pulled down by gravity, kept outside of the head.

Numbers here are by eye, on renders.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fauxface.rendering.hair.scalp import CENTRE, Skull, directions
from fauxface.rendering.hair.styles import Hair

NODES = 13
"""Points of a lock's curve."""
_STEPS = 2 * (NODES - 1)
_STRIDES = np.interp(np.arange(_STEPS), [0, _STEPS - 1], [0.5, 1.5]) / _STEPS
"""Steps along a curve as shares of its length: short ones where it bends round the skull, long ones where it hangs."""
_ARCS = np.concatenate([[0.0], _STRIDES.cumsum()])
_WHORL = CENTRE + 0.1 * np.array([0.08, 0.78, -0.62])
"""Place from which hair on the crown is combed away, head frame, metres."""
_LOOSE = ("dense", "clumped", "wavy", "curly")
"""Tiles that wisps replace on some locks at the hairline."""
_TIES = {
    "low": (0.0, -0.03, -0.155),
    "middle": (0.0, 0.035, -0.178),
    "high": (0.0, 0.115, -0.125),
    "top": (0.0, 0.15, -0.07),
}
"""Places of the knot of tied hair, head frame, metres."""


@dataclass(frozen=True)
class Locks:
    """Curves of locks, N of them with `NODES` points each, from root to tip; head frame, metres.

    Attributes:
        points: (N, NODES, 3).
        width: (N,).
        tile: (N,) names of the pictures on them.
        depth: (N,) 0 next to the skin … 1 outermost.
        twist: (N,) turn of the ribbon about its curve, from lying flat, radians.
    """

    points: np.ndarray
    width: np.ndarray
    tile: np.ndarray
    depth: np.ndarray
    twist: np.ndarray

    def of(self, chosen: np.ndarray) -> Locks:
        """The locks at the indices ``chosen``."""
        return Locks(*(getattr(self, name)[chosen] for name in Locks.__dataclass_fields__))


@dataclass(frozen=True)
class Manner:
    """Stiffness, rise and curl of locks; see `Hair`."""

    stiff: float
    rise: float = 0.3
    curl: float = 0.0
    turns: float = 1.0
    curtain: float = 1.0


def manner(hair: Hair) -> Manner:
    """The manner of a style."""
    return Manner(hair.stiff, hair.rise, hair.curl, hair.turns, hair.curtain)


def join(parts: list[Locks]) -> Locks:
    """All locks of the parts."""
    return Locks(*(np.concatenate([getattr(p, name) for p in parts]) for name in Locks.__dataclass_fields__))


def grow(
    hair: Hair, roots: np.ndarray, places: np.ndarray, skull: Skull, down: np.ndarray, rng: np.random.Generator
) -> Locks:
    """Locks of a head of hair.

    Args:
        hair: the style.
        roots: (R, 3) points of the skin where hair may grow, head frame; any first few are spread evenly.
        places: (R, 3) the same points on the template.
        skull: locks stay outside of it.
        down: (3,) unit, direction of gravity, head frame.
        rng: the strands' stream.
    """
    inside = hair.hairline.inside(places)
    able = np.flatnonzero(inside > 0.001)
    grown = able[: hair.locks]
    if 0 < hair.locks < len(able):
        # the hairline over the forehead is seen from near: more locks begin there
        late = able[hair.locks :]
        rim = (inside[late] < 0.014) & (places[late, 2] > -0.09) & (places[late, 1] > 0.03)
        grown = np.concatenate([grown, late[rim][: hair.locks // 4]])
    parts = []
    if len(grown):
        parts.append(_body(hair, roots[grown], places[grown], inside[grown], skull, down, rng))
    front = np.flatnonzero(
        (inside > 0) & (inside < 0.05) & (np.abs(places[:, 0]) < 0.062) & (places[:, 2] > -0.07) & (places[:, 1] > 0.05)
    )
    if hair.fringe < 0.1 and len(front):
        chosen = front[:170]
        parts.append(_fringe(hair, roots[chosen], inside[chosen], skull, down, rng))
    if hair.across and len(front):
        parts.append(_across(hair, roots[front[rng.integers(len(front), size=hair.across)]], skull, down, rng))
    if hair.wisps and len(grown):
        parts.append(_wisps(hair, roots[grown[rng.integers(len(grown), size=hair.wisps)]], skull, down, rng))
    if hair.tie:
        parts.append(_tied(hair, skull, down, rng))
    if not parts:
        empty = np.zeros(0)
        return Locks(np.zeros((0, NODES, 3)), empty, np.zeros(0, str), empty, empty)
    return join(parts)


def ties(hair: Hair) -> np.ndarray:
    """Points (1 or 2, 3) where tied hair is gathered; a phase of the hairline chooses them, at random."""
    if hair.tie == "tails":
        return np.array([[-0.082, -0.01, -0.1], [0.082, -0.01, -0.1]])
    names = ("low", "middle", "high", "top")
    return np.array([_TIES[names[int(hair.hairline.waves[1, 0] / (2 * np.pi) * 3.999)]]])


def unit(v: np.ndarray) -> np.ndarray:
    """Vectors (…, 3) scaled to length 1; a zero vector stays zero."""
    return v / np.sqrt((v**2).sum(-1, keepdims=True) + 1e-12)


def follow(
    roots: np.ndarray,
    start: np.ndarray,
    comb: np.ndarray,
    length: np.ndarray,
    off: np.ndarray,
    way: Manner,
    skull: Skull,
    down: np.ndarray,
    side: np.ndarray | None = None,
    goal: np.ndarray | None = None,
) -> np.ndarray:
    """Curves (N, _STEPS + 1, 3) that leave ``roots`` along ``start`` and turn to ``comb`` at first and then ``down``.

    ``off`` (N,) is their distance from the skin, ``side`` (N,) the side (±1) of the face on which they stay, ``goal``
    (N, 3) a point that they run to.
    """
    points = np.empty((len(roots), _STEPS + 1, 3))
    points[:, 0] = roots
    direction = unit(start)
    hold = max(way.stiff, 1e-3)
    for k in range(_STEPS):
        at = points[:, k]
        step, arc = (length * _STRIDES[k])[:, None], (length * _ARCS[k])[:, None]
        outward = unit(at - CENTRE)
        if goal is not None:
            comb = unit(goal - at)
        wanted = comb - (comb * outward).sum(1, keepdims=True) * outward
        pull = np.minimum(arc / hold, 1.0) ** 2 if goal is None else 0 * arc
        # directions turn on a scale of a few centimetres, towards the comb near the root and down farther out
        held = np.exp(-arc / 0.09) * (1 - pull) if goal is None else 1.5
        direction = unit(direction + 45.0 * step * (held * wanted + 0.9 * pull * down))
        to = at + step * direction
        if side is not None:
            ahead = np.clip((to[:, 2] - (CENTRE[2] + 0.03)) / 0.03, 0, 1) * np.clip((0.065 - to[:, 1]) / 0.03, 0, 1)
            least = 0.066 * way.curtain * ahead + 0.004
            to[:, 0] = side * np.maximum(side * to[:, 0], np.minimum(least, side * to[:, 0] + 1.2 * step[:, 0] + 0.002))
        distance, reach = skull(to)
        ramp = np.minimum((arc[:, 0] + step[:, 0]) / 0.025, 1.0)
        lack = reach + 0.0015 + off * ramp - distance
        # a point far inside is before a hollow, such as the neck's, whose farther side the direction also meets
        lack = np.where(lack < step[:, 0] + 0.02, lack, 0)
        # combed hair lies on the head; hanging hair leaves it
        lies = 0.6 * (1 - way.rise / 3) * (1 - pull[:, 0]) if goal is None else 0.8
        to = to + np.where(lack > 0, np.minimum(lack, 0.7 * step[:, 0]), lies * lack)[:, None] * unit(to - CENTRE)
        direction = unit(to - at)
        points[:, k + 1] = to
    return points


def _cut(points: np.ndarray, level: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Curves (N, K, 3) resampled to `NODES` points that end where they first come below a height (N,) along ``up``."""
    count, last = len(points), points.shape[1] - 1
    height = points @ up
    below = height < level[:, None]
    below[:, 0] = False
    first = np.where(below.any(1), below.argmax(1), last)
    rows = np.arange(count)
    high, low = height[rows, np.maximum(first - 1, 0)], height[rows, first]
    part = np.clip((high - level) / np.maximum(high - low, 1e-6), 0.05, 1)
    length = np.where(below.any(1), first - 1 + part, last)
    place = np.linspace(0, 1, NODES)[None] * length[:, None]
    lower = np.minimum(place.astype(int), last - 1)
    share = (place - lower)[..., None]
    return points[rows[:, None], lower] * (1 - share) + points[rows[:, None], lower + 1] * share


def curled(points: np.ndarray, way: Manner, skull: Skull, rng: np.random.Generator) -> np.ndarray:
    """The curves wound into curls, still outside of the skin."""
    if way.curl > 0:
        outward = unit(points - CENTRE)
        across = unit(np.cross(np.gradient(points, axis=1), outward))
        along = np.linspace(0, 1, NODES)
        # neighbours curl together: otherwise they would pass through one another
        phase = points[:, NODES // 2] @ rng.normal(0, 45, 3) + rng.normal(0, 0.8, len(points))
        turn = 2 * np.pi * way.turns * along[None] * rng.uniform(0.9, 1.1, (len(points), 1)) + phase[:, None]
        size = (way.curl * rng.uniform(0.5, 1.3, (len(points), 1)) * np.minimum(along * 4, 1))[..., None]
        points = points + size * (np.cos(turn)[..., None] * across + np.sin(turn)[..., None] * outward)
    distance, reach = skull(points)
    lack = reach + 0.0012 - distance
    points = points + np.where((lack > 0) & (lack < 0.03), lack, 0)[..., None] * unit(points - CENTRE)
    # curves that were pushed out of a hollow, such as the neck's, may zigzag there
    ahead, behind = np.diff(points, axis=1)[:, 1:], np.diff(points, axis=1)[:, :-1]
    sharp = (ahead * behind).sum(-1) < 0.4 * np.sqrt((ahead**2).sum(-1) * (behind**2).sum(-1))
    return _smoothed(points, sharp.any(1))


def gathered(curves: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """The curves (N ≥ 1, NODES, 3), evenly spread in order, run together towards their tips in clumps of about six.

    ``share`` of the way to the clump's middle is gone at the tips.
    """
    count = len(curves)
    middles = curves[: max(1, count // 6)]
    # neighbours are those near half way down: hair on both sides of a parting does not run together
    way = curves[:, None, NODES // 2] - middles[None, :, NODES // 2]
    distance = np.sqrt((way**2).sum(-1))
    nearest = distance.argmin(1)
    pull = share * rng.uniform(0.5, 1.0, count) * np.clip(2 - distance[np.arange(count), nearest] / 0.02, 0, 1)
    along = np.linspace(0, 1, NODES) ** 1.5
    return curves + (pull[:, None] * along)[..., None] * (middles[nearest] - curves)


def waved(curves: np.ndarray, size: float, rng: np.random.Generator) -> np.ndarray:
    """The curves (N, NODES, 3) swung by up to about ``size`` metres, neighbours alike, and a little each on its own."""
    if size == 0:
        return curves
    along = np.concatenate([[0.0], np.linspace(0.2, 1, NODES - 1)])[None, :, None]
    swing = np.zeros_like(curves)
    for frequency, weight in ((22.0, 0.7), (55.0, 0.4)):
        swing += weight * np.sin(curves @ rng.normal(0, frequency, (3, 3)) + rng.uniform(0, 6.3, 3))
    alone = rng.normal(0, 0.25, (len(curves), 1, 3)) * along
    return curves + size * along * (swing + alone)


def _smoothed(curves: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Smooth the ``chosen`` (N,) ones of curves (N, NODES, 3); roots and tips stay."""
    smooth = curves[chosen]
    for _ in range(6):
        smooth[:, 1:-1] = 0.5 * smooth[:, 1:-1] + 0.25 * (smooth[:, 2:] + smooth[:, :-2])
    result = curves.copy()
    result[chosen] = smooth
    return result


def _up(down: np.ndarray) -> np.ndarray:
    """Axis along which cuts are measured: half way between the head's and the vertical."""
    return unit(np.array([0.0, 1.0, 0.0]) - down)


def _body(
    hair: Hair,
    roots: np.ndarray,
    places: np.ndarray,
    inside: np.ndarray,
    skull: Skull,
    down: np.ndarray,
    rng: np.random.Generator,
) -> Locks:
    """Locks of the whole scalp except the fringe.

    Args:
        hair: the style.
        roots, places: (N, 3) points of the skin in the head frame, and the same on the template.
        inside: (N,) distance inside the hairline, metres.
        skull, down, rng: as in `grow`.
    """
    count = len(roots)
    outward = unit(roots - CENTRE)
    _, azimuth = directions(places - CENTRE)
    front = np.abs(azimuth)
    top = np.clip((places[:, 1] - 0.05) / 0.035, 0, 1)
    length = _lengths(hair, top, front, inside, rng)
    depth = _layers(hair, places, rng)
    off = hair.lift * (0.15 + 0.85 * depth) * np.clip(inside / 0.016, 0.2, 1) * (0.6 + 0.4 * top)
    side = np.where(places[:, 0] > hair.part + 0.3 * (places[:, 2] + 0.06) * np.sign(hair.part), 1.0, -1.0)
    goal = None
    if hair.tie:
        points = ties(hair)
        chosen = points[0][None] if len(points) == 1 else points[(side > 0).astype(int)]
        goal = np.broadcast_to(chosen, (count, 3)) + rng.normal(0, 0.006, (count, 3))
        length = 1.25 * np.linalg.norm(goal - roots, axis=1) + 0.01
    comb = _combed(hair, places, roots, top, side, rng) if goal is None else unit(goal - roots)
    start = unit(comb) + hair.rise * outward * (0.5 + 0.5 * top[:, None])
    patches = rng.random(count) < hair.puffs
    start[patches] = rng.normal(size=(patches.sum(), 3))
    off = np.where(patches, hair.lift * np.sqrt(rng.uniform(0.2, 1.1, count)) * np.clip(inside / 0.025, 0.15, 1), off)
    from_outside = np.where(patches, off, 0)[:, None] * outward
    length = np.where(patches, hair.width * rng.uniform(0.7, 1.3, count), length)
    facing = None if hair.tie or hair.comb in ("up", "out", "forward") else side
    curves = follow(
        roots + from_outside,
        start,
        comb,
        length,
        np.where(patches, 0.6 * off, off),
        manner(hair),
        skull,
        down,
        facing,
        goal,
    )
    ends = _ends(hair, front, (facing is None) & ~patches, rng)
    curves = waved(gathered(_cut(curves, ends, _up(down)), hair.gather, rng), hair.wave, rng)
    curves = curled(curves, manner(hair), skull, rng)
    locks = _ribboned(hair, curves, depth, inside, patches, rng)
    if not hair.tie:
        return locks
    # the shortest way from a sideburn to a high knot leads over the cheek and the eye
    return locks.of(np.flatnonzero(~((curves[..., 2] > -0.012) & (curves[..., 1] < 0.045)).any(1)))


def _lengths(
    hair: Hair, top: np.ndarray, front: np.ndarray, inside: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Lengths (N,) of locks, metres.

    They follow the share ``top`` (N,), the angle from the ``front`` (N,; radians) and the way ``inside`` (N,; metres).
    """
    back = np.clip((front - 1.8) / 0.5, 0, 1)
    length = top * hair.lengths[0] + (1 - top) * (back * hair.lengths[2] + (1 - back) * hair.lengths[1])
    length = length * rng.uniform(0.75, 1.25, len(top)) * np.clip(0.35 + inside / 0.02, 0, 1)
    if max(hair.lengths) < 0.2:
        # short hair is cut shorter still towards the ears and the nape
        length = length * np.where(front > 1.1, np.clip(0.2 + inside / 0.05, 0, 1), 1)
    return length


def _ends(hair: Hair, front: np.ndarray, free: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Heights (N,) at which locks are cut; ``free`` (N,) ones are kept off the forehead without a fringe."""
    near = np.clip((1.7 - front) / 0.5, 0, 1)
    ends = near * hair.cut[0] + (1 - near) * hair.cut[1] + rng.normal(0, hair.ragged, len(front))
    if hair.fringe > 0.1 or hair.comb == "forward":
        ends = np.where((front < 0.75) & free, np.maximum(ends, min(0.058, hair.fringe)), ends)
    return ends


def _ribboned(
    hair: Hair,
    curves: np.ndarray,
    depth: np.ndarray,
    inside: np.ndarray,
    patches: np.ndarray,
    rng: np.random.Generator,
) -> Locks:
    """Locks along curves (N, NODES, 3), with widths, pictures and twists sampled at random."""
    count = len(curves)
    width = np.where(
        patches, hair.width * 1.2, hair.width * rng.uniform(0.7, 1.2, count) * np.clip(0.65 + inside / 0.03, 0, 1)
    )
    tile = rng.choice(("dense",) if hair.tie else hair.tiles, count)
    wispy = np.isin(tile, _LOOSE) & (inside < 0.006) & (rng.random(count) < 0.4)
    tile = np.where(wispy, "wispy", tile)
    twist = rng.normal(0, 0.25 + 0.4 * hair.messy, count) + np.where(patches, rng.uniform(-1.2, 1.2, count), 0)
    long_enough = np.clip(np.linalg.norm(curves[:, -1] - curves[:, 0], axis=1) / 0.012 - 0.3, 0, 1)
    return Locks(curves, width * np.where(patches, 1.0, long_enough), tile, depth, twist)


def _layers(hair: Hair, places: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Layers (N,) of locks, from 0 inside the hair to 1 outside; combed ones overlap like shingles."""
    upper = {
        "down": places[:, 1] + 0.06,
        "part": places[:, 1] + 0.06,
        "forward": 0.05 - places[:, 2],
        "back": places[:, 2] + 0.13,
        "tie": places[:, 2] + 0.13,
    }.get(hair.comb)
    chance = rng.random(len(places))
    return chance if upper is None else 0.3 * chance + 0.7 * np.clip(upper / 0.17, 0, 1)


def _combed(
    hair: Hair, places: np.ndarray, roots: np.ndarray, top: np.ndarray, side: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Unit vectors (N, 3) along which locks are combed at their roots."""
    away = unit(roots - _WHORL)
    sideways, forward = np.stack([side, 0 * side, 0 * side], 1), np.array([0.0, 0.0, 1.0])
    over = top[:, None]
    falling = np.array([0.0, -1.0, -0.25])
    comb = {
        "down": away,
        "part": over * (sideways + 0.25 * away - 0.25 * forward) + (1 - over) * (falling + 0.3 * sideways),
        "back": over * (-forward + 0.12 * sideways) + (1 - over) * (falling - 0.8 * forward),
        "forward": over * (forward + 0.15 * sideways) + (1 - over) * (falling + 0.5 * forward),
        "up": over * (np.array([0.0, 0.7, 0.0]) + (0.3 - hair.rise) * 0.7 * forward) + (1 - over) * falling,
        "out": unit(roots - CENTRE) + 0.3 * away,
    }[hair.comb]
    # neighbours stray together, and each a little on its own
    wave = rng.uniform(0, 6.3, (3, 3))
    drift = np.sin(places @ rng.normal(0, 70, (3, 3)) + wave[0]) + np.sin(places @ rng.normal(0, 140, (3, 3)) + wave[1])
    return unit(comb) + hair.messy * (0.4 * drift + 0.15 * rng.normal(size=roots.shape))


def _fringe(
    hair: Hair, roots: np.ndarray, inside: np.ndarray, skull: Skull, down: np.ndarray, rng: np.random.Generator
) -> Locks:
    """Locks over the forehead from roots (N, 3) that lie ``inside`` (N,) the hairline, metres."""
    count = len(roots)
    comb = np.array([0.8 * np.sign(hair.slant) * min(abs(hair.slant) * 4, 1), -0.4, 1.0]) + rng.normal(
        0, 0.15, (count, 3)
    )
    depth = 0.3 * rng.random(count) + 0.7 * inside / 0.05  # those from farther back lie over the others
    off = hair.lift * (0.2 + 0.6 * depth)
    loose = Manner(stiff=min(hair.stiff, 0.05))
    curves = follow(roots, comb + 0.5 * unit(roots - CENTRE), comb, np.full(count, 0.16), off, loose, skull, down)
    level = hair.fringe + rng.normal(0, 0.005, count) - hair.slant * np.clip(roots[:, 0], -0.045, 0.045)
    curves = gathered(_cut(curves, level, _up(down)), 0.3 * hair.gather, rng)
    curves = curled(curves, manner(hair), skull, rng)
    tile = rng.choice([t for t in hair.tiles if t not in ("coily", "rope", "braid")] or ["dense"], count)
    return Locks(curves, 0.8 * hair.width * rng.uniform(0.5, 1.1, count), tile, depth, rng.normal(0, 0.3, count))


def _across(hair: Hair, roots: np.ndarray, skull: Skull, down: np.ndarray, rng: np.random.Generator) -> Locks:
    """A few thin locks that fall over the face."""
    count = len(roots)
    comb = np.stack([rng.normal(0, 1.0, count), np.full(count, -0.3), np.ones(count)], axis=1)
    loose = Manner(stiff=float(rng.uniform(0.02, 0.06)), curl=0.004, turns=1.0)
    length = rng.uniform(0.08, 0.22, count)
    curves = follow(roots, comb + 0.6 * unit(roots - CENTRE), comb, length, np.full(count, 0.004), loose, skull, down)
    curves = curled(curves[:, ::2], loose, skull, rng)
    return Locks(
        curves, rng.uniform(0.0025, 0.006, count), np.full(count, "wispy"), np.ones(count), rng.normal(0, 0.5, count)
    )


def _wisps(hair: Hair, roots: np.ndarray, skull: Skull, down: np.ndarray, rng: np.random.Generator) -> Locks:
    """Stray hairs that stand out from the outline."""
    count = len(roots)
    outward = unit(roots - CENTRE)
    away = unit(roots - _WHORL) + 0.7 * rng.normal(size=(count, 3))
    stray = Manner(stiff=0.15, curl=0.004, turns=1.3)
    length = rng.uniform(0.03, 0.11, count) * min(1.0, 0.3 + 6 * max(hair.lengths))
    begin = roots + hair.lift * rng.uniform(0.3, 1, (count, 1)) * outward
    curves = follow(
        begin,
        away + rng.uniform(0.4, 1.3, (count, 1)) * outward,
        away,
        length,
        np.full(count, hair.lift),
        stray,
        skull,
        down,
    )
    curves = curled(curves[:, ::2], stray, skull, rng)
    # none of them over the face: `_across` makes those
    over = (curves[..., 2] > 0.0) & (curves[..., 1] < 0.06)
    kept = ~over.any(1)
    curves = curves[kept]
    count = len(curves)
    return Locks(
        curves, rng.uniform(0.008, 0.02, count), np.full(count, "wispy"), np.ones(count), rng.uniform(-1.5, 1.5, count)
    )


def _tied(hair: Hair, skull: Skull, down: np.ndarray, rng: np.random.Generator) -> Locks:
    """Tails, plaits or a bun, from the points where hair is tied."""
    parts = []
    for point in ties(hair):
        outward = unit(point - CENTRE)
        if hair.tie == "bun":
            count, size = 40, hair.tail
            a = unit(rng.normal(size=(count, 3)))
            b = unit(np.cross(a, rng.normal(size=(count, 3))))
            turn = np.linspace(0, 1, NODES)[None, :, None] * rng.uniform(1.5, 3.2, (count, 1, 1))
            radius = size * rng.uniform(0.75, 1.05, (count, 1, 1)) * np.array([1.0, 1.0, 0.85])
            curves = point + outward * 0.4 * size + radius * (np.cos(turn) * a[:, None] + np.sin(turn) * b[:, None])
            width, tile = rng.uniform(0.4, 0.7, count) * size, np.full(count, "dense")
            parts.append(Locks(curves, width, tile, rng.random(count), rng.normal(0, 0.2, count)))
            continue
        plaited = "braid" in hair.tiles
        count = 3 if plaited else 26
        begin = point + rng.normal(0, 0.002 if plaited else 0.007, (count, 3))
        start = 0.6 * outward + 0.4 * down + rng.normal(0, 0.05 if plaited else 0.12, (count, 3))
        loose = Manner(stiff=0.05)
        length = hair.tail * rng.uniform(0.98 if plaited else 0.7, 1.0, count)
        curves = follow(begin, start, outward[None], length, np.full(count, 0.012), loose, skull, down)[:, ::2]
        curves = curves if plaited else waved(gathered(curves, 0.4, rng), 0.004, rng)
        width = np.full(count, 0.028 if plaited else 0.02)
        twist = np.linspace(0, np.pi, count, endpoint=False) if plaited else rng.uniform(-1.5, 1.5, count)
        tile = np.full(count, "braid") if plaited else rng.choice(["dense", "clumped", "wavy"], count)
        parts.append(Locks(curves, width, tile, rng.uniform(0.3, 1, count), twist))
    return join(parts)
