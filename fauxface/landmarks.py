"""Landmark schemes as data: names, groups, mirror permutations, conversions.

A *scheme* says what the N points of an array of landmarks (..., N, 2) mean. "Right" and "left" are the subject's, so
the right eye is on the image's left. Points are image pixels, 0-based, pixel centres at whole numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from fauxface.plugins import load_plugin, plugin_names


@dataclass(frozen=True)
class Scheme:
    """What the points of a landmark array mean.

    Attributes:
        name: the scheme's name, as checkpoints and commands write it.
        count: number of points N.
        groups: facial part → indices of its points; every index belongs to exactly one group.
        mirror: permutation; point i of a mirrored face is point ``mirror[i]`` of the original.
        eye_corners: right and left *outer* eye corner, whose distance normalises NME ("inter-ocular").
        pupils: for each eye, the points whose mean is its centre ("inter-pupil" normalisation).
        nose_tip: the nose's tip.
        mouth_corners: right and left corner of the mouth.
    """

    name: str
    count: int
    groups: Mapping[str, tuple[int, ...]]
    mirror: tuple[int, ...]
    eye_corners: tuple[int, int]
    pupils: tuple[tuple[int, ...], tuple[int, ...]]
    nose_tip: int
    mouth_corners: tuple[int, int]

    @property
    def outline(self) -> tuple[int, ...]:
        """Indices that span the face's box: every point but the pupils."""
        return tuple(i for group, indices in self.groups.items() if group != "pupils" for i in indices)


def _span(first: int, last: int) -> tuple[int, ...]:
    return tuple(range(first, last + 1))


def _mirror(count: int, pairs: list[tuple[int, int]]) -> tuple[int, ...]:
    order = list(range(count))
    for a, b in pairs:
        order[a], order[b] = b, a
    return tuple(order)


def _reversed_pairs(first: int, last: int) -> list[tuple[int, int]]:
    """Pairs of a run that a mirror reverses: first ↔ last, first + 1 ↔ last − 1, …"""
    return [(first + i, last - i) for i in range((last - first + 1) // 2)]


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

IBUG68 = Scheme(
    name="ibug68",
    count=68,
    groups=MappingProxyType(_IBUG_GROUPS),
    mirror=_mirror(68, _IBUG_PAIRS),
    eye_corners=(36, 45),
    pupils=(_span(36, 41), _span(42, 47)),
    nose_tip=30,
    mouth_corners=(48, 54),
)
"""Sagonas et al. 2013, "300 Faces in-the-Wild Challenge"."""

FACE_SYNTHETICS70 = Scheme(
    name="face_synthetics70",
    count=70,
    groups=MappingProxyType({**_IBUG_GROUPS, "pupils": (68, 69)}),
    mirror=_mirror(70, [*_IBUG_PAIRS, (68, 69)]),
    eye_corners=(36, 45),
    pupils=((68,), (69,)),
    nose_tip=30,
    mouth_corners=(48, 54),
)
"""Wood et al. 2021, "Fake It Till You Make It": iBUG's 68 and the pupils (68 in the eye 36–41, 69 in the other)."""

WFLW98 = Scheme(
    name="wflw98",
    count=98,
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
)
"""Wu et al. 2018, "Look at Boundary" (WFLW)."""

COFW29 = Scheme(
    name="cofw29",
    count=29,
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
)
"""Burgos-Artizzu et al. 2013 (COFW)."""

GROUP = "fauxface.schemes"
"""The entry points by which other packages add schemes: each names a `Scheme`."""
SCHEMES: Mapping[str, Scheme] = MappingProxyType({s.name: s for s in (IBUG68, FACE_SYNTHETICS70, WFLW98, COFW29)})

# Which point of the source scheme each point of the target scheme is.
_WFLW_TO_IBUG = (
    *range(0, 33, 2),
    *_span(33, 37),
    *_span(42, 46),
    *_span(51, 59),
    *(60, 61, 63, 64, 65, 67),
    *(68, 69, 71, 72, 73, 75),
    *_span(76, 95),
)
_CONVERSIONS: Mapping[tuple[str, str], tuple[int, ...]] = MappingProxyType(
    {
        ("face_synthetics70", "ibug68"): _span(0, 67),
        ("wflw98", "ibug68"): _WFLW_TO_IBUG,
        ("wflw98", "face_synthetics70"): (*_WFLW_TO_IBUG, 96, 97),
    }
)


def scheme_of(name: str) -> Scheme:
    """The scheme of that name, ours or another package's; ValueError, naming those there are, if there is none."""
    found = SCHEMES.get(name) or load_plugin(GROUP, name, Scheme)
    if found is None:
        raise ValueError(f"unknown landmark scheme '{name}'; there are {', '.join((*SCHEMES, *plugin_names(GROUP)))}")
    if found.name != name:
        raise ValueError(f"the landmark scheme '{name}' of another package calls itself '{found.name}'")
    return found


def conversion(source: str, target: str) -> np.ndarray:
    """Indices (N of the target,) of the source's points that make the target's; ValueError if there is no such map."""
    if source == target:
        return np.arange(scheme_of(source).count)
    if (source, target) not in _CONVERSIONS:
        raise ValueError(f"no conversion of landmarks from '{source}' to '{target}'")
    return np.array(_CONVERSIONS[source, target])


def convert(points: np.ndarray, source: str, target: str) -> np.ndarray:
    """Landmarks (..., N, D) of one scheme as those of another (..., M, D); ValueError if there is no such map."""
    return points[..., conversion(source, target), :]


def flip(points: np.ndarray, scheme: Scheme, width: int) -> np.ndarray:
    """Landmarks (..., N, 2) of the image mirrored left to right; ``width`` is the image's, in pixels."""
    flipped = points[..., list(scheme.mirror), :].copy()
    flipped[..., 0] = width - 1 - flipped[..., 0]
    return flipped


def five_points(points: np.ndarray, scheme: Scheme) -> np.ndarray:
    """Of landmarks (..., N, 2) the five (..., 5, 2) that detectors find: eyes' centres, nose tip, mouth's corners.

    Right before left. An eye's centre is that of its outline: the pupil goes where the eye looks.
    """
    eyes = [points[..., list(scheme.groups[eye]), :].mean(-2) for eye in ("right_eye", "left_eye")]
    return np.stack([*eyes, *(points[..., i, :] for i in (scheme.nose_tip, *scheme.mouth_corners))], -2)
