"""Ranges of the numbers that commands and functions take; the one place that defines them.

`in_range` and `check_fields` check parameters and dataclass fields with these types (``threads: Threads = 0``). An
optional number may be None; the numbers of a tuple are checked one by one.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from functools import cache, wraps
from numbers import Integral, Real
from typing import Annotated, Any, ParamSpec, TypeVar, get_args, get_origin, get_type_hints

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Range:
    """The numbers from ``low`` to ``high``.

    Attributes:
        low: the least.
        high: the greatest.
        whole: accept whole numbers only.
        open_low: exclude ``low`` itself.
        open_high: exclude ``high`` itself.
        unit: unit of the numbers, for messages.
    """

    low: float
    high: float
    whole: bool = True
    open_low: bool = False
    open_high: bool = False
    unit: str = ""

    def holds(self, value: Any) -> bool:
        """True if ``value`` is a number in the range."""
        if not isinstance(value, Integral if self.whole else Real):
            return False
        number: Any = value
        above = number > self.low if self.open_low else number >= self.low
        return bool(above and (number < self.high if self.open_high else number <= self.high))

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        low = f"above {self.low:,}" if self.open_low else f"from {self.low:,}"
        high = f"below {self.high:,}" if self.open_high else f"to {self.high:,}"
        return " ".join(part for part in (kind, low, high, self.unit) if part)


MOST = 10**12
"""Most steps or faces of a training run: more than anybody waits for."""
PictureSide = Annotated[int, Range(32, 4096, unit="px")]
InputSide = Annotated[int, Range(32, 2048, unit="px")]
Count = Annotated[int, Range(1, 10**9)]
MaxFaces = Annotated[int, Range(1, 1000)]
Amount = Annotated[int, Range(1, MOST)]
Warmup = Annotated[int, Range(0, MOST)]
Seed = Annotated[int, Range(0, 10**15)]
Batch = Annotated[int, Range(1, 65_536)]
ExportBatch = Annotated[int, Range(0, 1024)]
Threads = Annotated[int, Range(0, 1024)]
Workers = Annotated[int, Range(0, 1024)]
Together = Annotated[int, Range(1, 1024)]
"""Processes, machines, parts of a batch, or cells at a time."""
Images = Annotated[int, Range(2, 10**9)]
"""Images of a cell of the study, one of which is held out."""
Seeds = Annotated[int, Range(1, 10_000)]
Folds = Annotated[int, Range(2, 1000)]
Neighbours = Annotated[int, Range(0, 1000)]
NeckWidth = Annotated[int, Range(1, 4096)]
Port = Annotated[int, Range(0, 65_535)]
CameraNumber = Annotated[int, Range(0, 9_999)]
Fraction = Annotated[float, Range(0, 1, whole=False, open_high=True)]
Margin = Annotated[float, Range(0.1, 10, whole=False)]
Rate = Annotated[float, Range(0, 10, whole=False, open_low=True)]
Decay = Annotated[float, Range(0, 100, whole=False)]
FaceNumber = Annotated[int, Range(0, 10**9)]
FrameRate = Annotated[float, Range(0, 1000, whole=False, open_low=True)]
Exposure = Annotated[float, Range(-20, 20, whole=False, unit="stops")]
Weight = Annotated[float, Range(0, 1000, whole=False)]
"""Weight of a loss."""


def in_range(function: Callable[P, T]) -> Callable[P, T]:
    """Decorate a function to check the numbers in its arguments first, including those in dataclasses.

    ValueError, in one line, for a number out of its range.
    """
    signature = inspect.signature(function)

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> T:
        given = signature.bind_partial(*args, **kwargs).arguments
        _check(_ranges(function), given)
        for value in given.values():
            if is_dataclass(value):
                check_fields(value)
        return function(*args, **kwargs)

    return checked


def check_fields(config: Any) -> None:
    """Raise a ValueError of one line for a field of a dataclass that is out of its range."""
    _check(_ranges(type(config)), vars(config))


def check_words(function: Callable[..., Any], words: Sequence[str]) -> None:
    """Raise a ValueError of one line for a numeric option whose word is not a number (``--batch many``).

    ``function`` is the command; its options are its parameters and the fields of the dataclasses among them.
    """
    ranges = dict(_ranges(function))
    for hint in get_type_hints(function).values():
        ranges |= _ranges(hint) if is_dataclass(hint) else {}
    for option, following in zip(words, [*words, "None"][1:], strict=True):
        name, equals, word = option.partition("=")
        allowed = ranges.get(name[2:].replace("-", "_")) if name.startswith("--") else None
        word = word if equals else following
        if allowed is None or word == "None":
            continue
        try:
            int(word) if allowed.whole else float(word)
        except ValueError:
            raise ValueError(f"{name} is {allowed}, not {_shown(word)}") from None


def _check(ranges: Mapping[str, Range], given: Mapping[str, Any]) -> None:
    for name, allowed in ranges.items():
        value = given.get(name)
        for one in value if isinstance(value, tuple | list) else (value,):
            if one is not None and not allowed.holds(one):
                raise ValueError(f"--{name.replace('_', '-')} is {allowed}, not {_shown(one)}")


@cache
def _ranges(owner: Any) -> Mapping[str, Range]:
    """Name → range, for the parameters of a function or the fields of a dataclass that have one."""
    hints = get_type_hints(owner, include_extras=True)
    return {name: found for name, hint in hints.items() if (found := next(_in_hint(hint), None)) is not None}


def _in_hint(hint: Any) -> Iterator[Range]:
    if get_origin(hint) is Annotated:
        yield from (extra for extra in hint.__metadata__ if isinstance(extra, Range))
    for part in get_args(hint):
        yield from _in_hint(part)


def _shown(value: Any) -> str:
    """The value for a message: short, even for a number of 400 digits."""
    if isinstance(value, Integral) and abs(int(value)) >= 10**20:
        digits = math.ceil(int(value).bit_length() * math.log10(2))
        return f"a {'negative ' if int(value) < 0 else ''}number of about {digits:,} digits"
    text = repr(value) if isinstance(value, str) else f"{value}"
    return text if len(text) <= 60 else f"{text[:56]} ..."
