"""Landmark schemes as data: names, groups, mirror permutations, conversions.

A *scheme* defines the N points of an array of landmarks (..., N, 2). "Right" and "left" are the subject's: the right
eye is on the image's left. Points are image pixels, 0-based, pixel centres at whole numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import lru_cache
from types import MappingProxyType

import numpy as np

from fauxface.plugins import load_plugin, plugin_names


@dataclass(frozen=True)
class Line:
    """A line through points: its facial part, its points in order, and whether it returns to the first."""

    group: str
    points: tuple[int, ...]
    closed: bool = False

    @property
    def edges(self) -> list[tuple[int, int]]:
        """Pairs of points that the line joins."""
        following = (*self.points[1:], *(self.points[:1] if self.closed else ()))
        return list(zip(self.points, following, strict=False))


@dataclass(frozen=True)
class Scheme:
    """The meaning of each point of a landmark array.

    Attributes:
        name: the scheme's name in checkpoints and commands.
        names: the points' names; points with the same name in two schemes are the same place of the face.
        groups: facial part → indices of its points; every index belongs to exactly one group.
        mirror: permutation; point i of a mirrored face is point ``mirror[i]`` of the original.
        eye_corners: right and left *outer* eye corner, whose distance normalises NME ("inter-ocular"), or None.
        pupils: for each eye, right first, the points whose mean is its centre ("inter-pupil" normalisation).
        nose_tip: index of the tip of the nose.
        mouth_corners: right and left corner of the mouth.
        lines: lines through the points, for drawings.
    """

    name: str
    names: tuple[str, ...]
    groups: Mapping[str, tuple[int, ...]]
    mirror: tuple[int, ...]
    eye_corners: tuple[int, int] | None
    pupils: tuple[tuple[int, ...], tuple[int, ...]]
    nose_tip: int
    mouth_corners: tuple[int, int]
    lines: tuple[Line, ...] = ()

    @property
    def count(self) -> int:
        """Number of points N."""
        return len(self.names)

    def index(self, name: str) -> int | None:
        """Index of the point with this name; None if there is none."""
        return self.names.index(name) if name in self.names else None

    @property
    def outline(self) -> tuple[int, ...]:
        """Indices of the points that span the face's box: all but the pupils."""
        return tuple(i for group, indices in self.groups.items() if group != "pupils" for i in indices)


def _span(first: int, last: int) -> tuple[int, ...]:
    return tuple(range(first, last + 1))


def _mirror(count: int, pairs: list[tuple[int, int]]) -> tuple[int, ...]:
    order = list(range(count))
    for a, b in pairs:
        order[a], order[b] = b, a
    return tuple(order)


def _reversed_pairs(first: int, last: int) -> list[tuple[int, int]]:
    """Pairs that a mirror swaps in a run of points: first ↔ last, first + 1 ↔ last − 1, …"""
    return [(first + i, last - i) for i in range((last - first + 1) // 2)]


class Point(IntEnum):
    """Names of single points of ``ibug68`` and ``face_synthetics70``, as indices into their arrays.

    ``UPPER``, ``LOWER``, ``INNER`` and ``OUTER`` of an eye are its lids and the sides towards and away from the nose;
    ``INNER`` of a lip is its edge at the opening of the mouth.
    """

    JAW_RIGHT = 0
    JAW_RIGHT_CORNER = 4
    CHIN = 8
    JAW_LEFT_CORNER = 12
    JAW_LEFT = 16
    RIGHT_BROW_INNER = 20
    LEFT_BROW_INNER = 23
    NOSE_ROOT = 27
    NOSE_UPPER_RIDGE = 28
    NOSE_LOWER_RIDGE = 29
    NOSE_TIP = 30
    NOSE_RIGHT_WING = 31
    NOSE_BASE = 33
    NOSE_LEFT_WING = 35
    RIGHT_EYE_OUTER = 36
    RIGHT_EYE_UPPER_OUTER = 37
    RIGHT_EYE_UPPER_INNER = 38
    RIGHT_EYE_INNER = 39
    RIGHT_EYE_LOWER_INNER = 40
    RIGHT_EYE_LOWER_OUTER = 41
    LEFT_EYE_INNER = 42
    LEFT_EYE_UPPER_INNER = 43
    LEFT_EYE_UPPER_OUTER = 44
    LEFT_EYE_OUTER = 45
    LEFT_EYE_LOWER_OUTER = 46
    LEFT_EYE_LOWER_INNER = 47
    MOUTH_RIGHT = 48
    UPPER_LIP_RIGHT = 50
    UPPER_LIP = 51
    UPPER_LIP_LEFT = 52
    MOUTH_LEFT = 54
    LOWER_LIP = 57
    INNER_MOUTH_RIGHT = 60
    INNER_UPPER_LIP_RIGHT = 61
    INNER_UPPER_LIP = 62
    INNER_UPPER_LIP_LEFT = 63
    INNER_MOUTH_LEFT = 64
    INNER_LOWER_LIP_LEFT = 65
    INNER_LOWER_LIP = 66
    INNER_LOWER_LIP_RIGHT = 67
    RIGHT_PUPIL = 68
    LEFT_PUPIL = 69


JAW, BROWS, NOSE, EYES = slice(0, 17), slice(17, 27), slice(27, 36), slice(36, 48)
RIGHT_EYE, LEFT_EYE, MOUTH = slice(36, 42), slice(42, 48), slice(48, 68)
INNER_LIPS, PUPILS = slice(60, 68), slice(68, 70)
"""Runs of points of ``ibug68`` and ``face_synthetics70``."""
CANTHI = (Point.RIGHT_EYE_OUTER, Point.RIGHT_EYE_INNER, Point.LEFT_EYE_INNER, Point.LEFT_EYE_OUTER)
"""Corners of the eyes, from the subject's right to the left."""
INNER_UPPER_LIP = (Point.INNER_UPPER_LIP_RIGHT, Point.INNER_UPPER_LIP, Point.INNER_UPPER_LIP_LEFT)
INNER_LOWER_LIP = (Point.INNER_LOWER_LIP_RIGHT, Point.INNER_LOWER_LIP, Point.INNER_LOWER_LIP_LEFT)
"""Opposite points on both sides of the mouth's opening, from the subject's right to the left."""

_IBUG_GROUPS = {
    "jaw": _span(0, 16),
    "right_brow": _span(17, 21),
    "left_brow": _span(22, 26),
    "nose": _span(27, 35),
    "right_eye": _span(36, 41),
    "left_eye": _span(42, 47),
    "mouth": _span(48, 67),
}
_IBUG_PAIRS = [
    *_reversed_pairs(0, 16),
    *_reversed_pairs(17, 26),
    *_reversed_pairs(31, 35),
    *[(36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46)],
    *_reversed_pairs(48, 54),
    *_reversed_pairs(55, 59),
    *_reversed_pairs(60, 64),
    *_reversed_pairs(65, 67),
]
_IBUG_LINES = (
    Line("jaw", _span(0, 16)),
    Line("right_brow", _span(17, 21)),
    Line("left_brow", _span(22, 26)),
    Line("nose", _span(27, 30)),
    Line("nose", _span(31, 35)),
    Line("right_eye", _span(36, 41), closed=True),
    Line("left_eye", _span(42, 47), closed=True),
    Line("mouth", _span(48, 59), closed=True),
    Line("mouth", _span(60, 67), closed=True),
)
_WFLW_PAIRS = [
    *_reversed_pairs(0, 32),
    *[(33 + i, 46 - i) for i in range(5)],
    *[(38 + i, 50 - i) for i in range(4)],
    *_reversed_pairs(55, 59),
    *[(60 + i, 72 - i) for i in range(5)],
    *[(65, 75), (66, 74), (67, 73)],
    *_reversed_pairs(76, 82),
    *_reversed_pairs(83, 87),
    *_reversed_pairs(88, 92),
    *_reversed_pairs(93, 95),
    (96, 97),
]
# 1-based pairs of Burgos-Artizzu et al. 2013, "Robust face landmark estimation under occlusion"
_COFW_PAIRS = [
    (a - 1, b - 1)
    for a, b in [(1, 2), (3, 4), (5, 7), (6, 8), (9, 10), (11, 12), (13, 15), (14, 16), (17, 18), (19, 20), (23, 24)]
]

# for each point of iBUG, the same point of WFLW
_WFLW_OF_IBUG = (
    *range(0, 33, 2),
    *_span(33, 37),
    *_span(42, 46),
    *_span(51, 59),
    *(60, 61, 63, 64, 65, 67),
    *(68, 69, 71, 72, 73, 75),
    *_span(76, 95),
)
# COFW's point → the same point of iBUG: corners of brows, eyes and mouth, the middles of the lips' edges, tip and base
# of the nose, chin. iBUG has no points where COFW marks the wings of the nose and the middles of the brows.
_COFW_IN_IBUG = {0: 17, 1: 26, 2: 21, 3: 22, 8: 36, 9: 45, 10: 39, 11: 42, 20: 30, 21: 33}
_COFW_IN_IBUG |= {22: 48, 23: 54, 24: 51, 25: 62, 26: 66, 27: 57, 28: 8}
_PUPILS = ("right_pupil", "left_pupil")
_LIDS = ("right_eye_top", "right_eye_bottom", "left_eye_top", "left_eye_bottom")
_IBUG_NAMES = tuple(f"{group}_{i}" for group, indices in _IBUG_GROUPS.items() for i in range(len(indices)))


def _names(prefix: str, count: int, known: Mapping[int, str]) -> tuple[str, ...]:
    """Names of ``count`` points: the known ones, and ``PREFIX_NUMBER`` for the others."""
    return tuple(known.get(i, f"{prefix}_{i}") for i in range(count))


IBUG68 = Scheme(
    name="ibug68",
    names=_IBUG_NAMES,
    groups=MappingProxyType(_IBUG_GROUPS),
    mirror=_mirror(68, _IBUG_PAIRS),
    eye_corners=(Point.RIGHT_EYE_OUTER, Point.LEFT_EYE_OUTER),
    pupils=(_span(36, 41), _span(42, 47)),
    nose_tip=Point.NOSE_TIP,
    mouth_corners=(Point.MOUTH_RIGHT, Point.MOUTH_LEFT),
    lines=_IBUG_LINES,
)
"""Sagonas et al. 2013, "300 Faces in-the-Wild Challenge"."""

FACE_SYNTHETICS70 = Scheme(
    name="face_synthetics70",
    names=(*_IBUG_NAMES, *_PUPILS),
    groups=MappingProxyType({**_IBUG_GROUPS, "pupils": (68, 69)}),
    mirror=_mirror(70, [*_IBUG_PAIRS, (68, 69)]),
    eye_corners=(Point.RIGHT_EYE_OUTER, Point.LEFT_EYE_OUTER),
    pupils=((Point.RIGHT_PUPIL,), (Point.LEFT_PUPIL,)),
    nose_tip=Point.NOSE_TIP,
    mouth_corners=(Point.MOUTH_RIGHT, Point.MOUTH_LEFT),
    lines=_IBUG_LINES,
)
"""Wood et al. 2021, "Fake It Till You Make It": iBUG's 68 and the pupils (68 in the eye 36–41, 69 in the other)."""

WFLW98 = Scheme(
    name="wflw98",
    names=_names(
        "wflw",
        98,
        dict(zip((*_WFLW_OF_IBUG, 62, 66, 70, 74, 96, 97), (*_IBUG_NAMES, *_LIDS, *_PUPILS), strict=True)),
    ),
    groups=MappingProxyType(
        {
            "jaw": _span(0, 32),
            "right_brow": _span(33, 41),
            "left_brow": _span(42, 50),
            "nose": _span(51, 59),
            "right_eye": _span(60, 67),
            "left_eye": _span(68, 75),
            "mouth": _span(76, 95),
            "pupils": (96, 97),
        }
    ),
    mirror=_mirror(98, _WFLW_PAIRS),
    eye_corners=(60, 72),
    pupils=((96,), (97,)),
    nose_tip=54,
    mouth_corners=(76, 82),
    lines=(
        Line("jaw", _span(0, 32)),
        Line("right_brow", _span(33, 41), closed=True),
        Line("left_brow", _span(42, 50), closed=True),
        Line("nose", _span(51, 54)),
        Line("nose", _span(55, 59)),
        Line("right_eye", _span(60, 67), closed=True),
        Line("left_eye", _span(68, 75), closed=True),
        Line("mouth", _span(76, 87), closed=True),
        Line("mouth", _span(88, 95), closed=True),
    ),
)
"""Wu et al. 2018, "Look at Boundary" (WFLW)."""

COFW29 = Scheme(
    name="cofw29",
    names=_names(
        "cofw",
        29,
        {i: _IBUG_NAMES[same] for i, same in _COFW_IN_IBUG.items()}
        | dict(zip((12, 13, 14, 15, 16, 17), (*_LIDS, *_PUPILS), strict=True)),
    ),
    groups=MappingProxyType(
        {
            "right_brow": (0, 2, 4, 5),
            "left_brow": (1, 3, 6, 7),
            "right_eye": (8, 10, 12, 13),
            "left_eye": (9, 11, 14, 15),
            "pupils": (16, 17),
            "nose": _span(18, 21),
            "mouth": _span(22, 27),
            "jaw": (28,),
        }
    ),
    mirror=_mirror(29, _COFW_PAIRS),
    eye_corners=(8, 9),
    pupils=((16,), (17,)),
    nose_tip=20,
    mouth_corners=(22, 23),
    lines=(
        Line("right_brow", (0, 4, 2, 5), closed=True),
        Line("left_brow", (1, 6, 3, 7), closed=True),
        Line("right_eye", (8, 12, 10, 13), closed=True),
        Line("left_eye", (9, 14, 11, 15), closed=True),
        Line("nose", (18, 20, 19, 21), closed=True),
        Line("mouth", (22, 24, 23, 27), closed=True),
    ),
)
"""Burgos-Artizzu et al. 2013 (COFW)."""

FIVE = Scheme(
    name="five5",
    names=("right_eye", "left_eye", _IBUG_NAMES[30], _IBUG_NAMES[48], _IBUG_NAMES[54]),
    groups=MappingProxyType({"right_eye": (0,), "left_eye": (1,), "nose": (2,), "mouth": (3, 4)}),
    mirror=(1, 0, 2, 4, 3),
    eye_corners=None,
    pupils=((0,), (1,)),
    nose_tip=2,
    mouth_corners=(3, 4),
)
"""Points that face detectors find: centres of the eyes, tip of the nose, corners of the mouth (see `five_points`)."""

GROUP = "fauxface.schemes"
"""Group of the entry points with which other packages add schemes; each names a `Scheme`."""

SCHEMES: Mapping[str, Scheme] = MappingProxyType({s.name: s for s in (IBUG68, FACE_SYNTHETICS70, WFLW98, COFW29, FIVE)})
FEWEST_COMMON = 5
"""Least number of points that two schemes must share to be compared."""


def scheme_of(name: str) -> Scheme:
    """The scheme with this name, built in or from another package; ``a&b`` has the points that a and b share.

    ValueError for an unknown name; the message lists the known ones.
    """
    first, both, second = name.partition("&")
    if both and _listed(first) and _listed(second):
        return _shared(first, second)
    found = _listed(name)
    if found is None:
        raise ValueError(f"unknown landmark scheme '{name}'; there are {', '.join((*SCHEMES, *plugin_names(GROUP)))}")
    return found


def _listed(name: str) -> Scheme | None:
    found = SCHEMES.get(name) or load_plugin(GROUP, name, Scheme)
    if found is not None and found.name != name:
        raise ValueError(f"the landmark scheme '{name}' of another package calls itself '{found.name}'")
    return found


@lru_cache
def _shared(first: str, second: str) -> Scheme:
    """The scheme of those points of ``first`` that ``second`` has too; ValueError if they share too few."""
    whole, names = scheme_of(first), set(scheme_of(second).names)
    kept = [i for i, j in enumerate(whole.mirror) if {whole.names[i], whole.names[j]} <= names]
    place = {old: new for new, old in enumerate(kept)}
    needed = {*(whole.eye_corners or ()), whole.nose_tip, *whole.mouth_corners}
    if len(kept) < FEWEST_COMMON or not needed <= place.keys():
        raise ValueError(f"{first} and {second} share too few points to be compared")
    groups = {group: tuple(place[i] for i in indices if i in place) for group, indices in whole.groups.items()}
    right, left = (
        # where the pupil is not shared, the eye's centre is the mean of its shared points
        tuple(place[i] for i in indices if i in place) or groups[eye]
        for indices, eye in zip(whole.pupils, ("right_eye", "left_eye"), strict=True)
    )
    return Scheme(
        name=f"{first}&{second}",
        names=tuple(whole.names[i] for i in kept),
        groups=MappingProxyType({group: indices for group, indices in groups.items() if indices}),
        mirror=tuple(place[whole.mirror[i]] for i in kept),
        eye_corners=whole.eye_corners and (place[whole.eye_corners[0]], place[whole.eye_corners[1]]),
        pupils=(right, left),
        nose_tip=place[whole.nose_tip],
        mouth_corners=(place[whole.mouth_corners[0]], place[whole.mouth_corners[1]]),
        lines=tuple(shared for line in whole.lines if (shared := _shared_line(line, place)) is not None),
    )


def _shared_line(line: Line, place: Mapping[int, int]) -> Line | None:
    """The line through those of its points that have a new ``place``; None if fewer than two have."""
    kept = tuple(place[i] for i in line.points if i in place)
    return replace(line, points=kept, closed=line.closed and len(kept) > 2) if len(kept) > 1 else None


def edges(scheme: str) -> list[tuple[int, int]]:
    """Pairs of points that lines of a drawn face join, as indices from 0; errors of `scheme_of`."""
    return [edge for line in scheme_of(scheme).lines for edge in line.edges]


def conversion(source: str, target: str) -> np.ndarray:
    """Indices (N of the target,) of the source's points, in the target's order; ValueError if the source lacks one."""
    place = {name: i for i, name in enumerate(scheme_of(source).names)}
    try:
        return np.array([place[name] for name in scheme_of(target).names])
    except KeyError:
        raise ValueError(f"no conversion of landmarks from '{source}' to '{target}'") from None


def convert(points: np.ndarray, source: str, target: str) -> np.ndarray:
    """Landmarks (..., N, D) of one scheme as those of another (..., M, D); ValueError if they cannot be converted."""
    if target == FIVE.name and source != FIVE.name:
        return five_points(points, scheme_of(source))
    return points[..., conversion(source, target), :]


def common_scheme(model: str, truth: str) -> str:
    """The scheme to which a model's points and the annotated ones can both be converted.

    The annotated scheme where possible, else the model's or iBUG's, else the points that both have. ValueError for
    schemes that share too few points.
    """
    for target in (truth, model, IBUG68.name):
        try:
            for source in (model, truth):
                convert(np.empty((0, scheme_of(source).count, 2)), source, target)
        except ValueError:
            continue
        return target
    shared = f"{truth}&{model}"
    scheme_of(shared)
    return shared


def flip(points: np.ndarray, scheme: Scheme, width: int) -> np.ndarray:
    """Landmarks (..., N, 2) of the mirrored image; ``width`` is that of the image, in pixels."""
    flipped = points[..., list(scheme.mirror), :].copy()
    flipped[..., 0] = width - 1 - flipped[..., 0]
    return flipped


def five_points(points: np.ndarray, scheme: Scheme) -> np.ndarray:
    """The five points (..., 5, 2) that detectors find, from landmarks (..., N, 2) of a scheme.

    Centres of the right and the left eye, tip of the nose, right and left corner of the mouth. The centre of an eye is
    the mean of its outline, because the pupil moves with the gaze.
    """
    eyes = [points[..., list(scheme.groups[eye]), :].mean(-2) for eye in ("right_eye", "left_eye")]
    return np.stack([*eyes, *(points[..., i, :] for i in (scheme.nose_tip, *scheme.mouth_corners))], -2)
