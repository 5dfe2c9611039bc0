"""Image sequences: the numbered pictures of a shot, read as a video.

Names: ``shot.%04d.exr`` (printf), ``shot.####.exr`` (a # a digit; one # alone any number of digits),
``shot.1001-1100#.exr`` (a range and any number of digits), ``shot.1001-1100####.exr``. Numbers are as they stand in the
names of the files. A frame's time is its number less the first frame's, over the frames a second.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from fauxface.console import log
from fauxface.images import read_picture
from fauxface.inference.video import MAX_SIDE, VideoFrame, fit

FPS = 24.0
"""Frames a second of image sequences, unless one says otherwise."""
_TOKEN = re.compile(r"(?:(?P<first>\d+)-(?P<last>\d+))?(?P<hashes>#+)|%(?P<digits>0\d+)?d")
_NUMBER = re.compile(r"\d+(?=\D*$)")
_MOST_DIGITS = 9
_NAMED_GAPS = 8
_MOST_MISSING = 1_000_000


@dataclass(frozen=True)
class FrameSequence:
    """The pictures of a shot.

    Attributes:
        pattern: its name, as it was given or made from a folder.
        files: frame number → file, in order.
        missing: frame numbers between the first and the last that have no file.
    """

    pattern: Path
    files: dict[int, Path]
    missing: list[int] = field(default_factory=list)

    @property
    def gaps(self) -> str:
        """A few words on the missing frames, empty if there are none: ``missing frames 1003, 1007-1010``."""
        if not self.missing:
            return ""
        runs = [[number for _, number in run] for _, run in groupby(enumerate(self.missing), lambda p: p[1] - p[0])]
        named = [f"{run[0]}" if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs[:_NAMED_GAPS]]
        more = ", …" if len(runs) > _NAMED_GAPS else ""
        return f"missing frame{'s' * (len(self.missing) > 1)} {', '.join(named)}{more}"


def is_pattern(name: Path) -> bool:
    """True for a name with ``%04d`` or ``####`` in its last part."""
    return _TOKEN.search(name.name) is not None


def find_sequence(pattern: Path) -> FrameSequence:
    """The sequence of a pattern; ValueError, in one line, for a pattern that no file has, or two of one number."""
    tokens = list(_TOKEN.finditer(pattern.name))
    if len(tokens) > 1:
        raise ValueError(f"{pattern}: it has {len(tokens)} places for the frame's number; name one")
    token = tokens[0]
    before, after = pattern.name[: token.start()], pattern.name[token.end() :]
    width = len(token["hashes"]) if token["hashes"] else int(token["digits"] or 1)
    free = token["hashes"] == "#"
    named = re.compile(rf"{re.escape(before)}(\d{{1,{_MOST_DIGITS}}}){re.escape(after)}")
    ends = (int(token["first"]), int(token["last"])) if token["first"] else None
    named_so: dict[str, Path] = {}
    for path in sorted(pattern.parent.iterdir()) if pattern.parent.is_dir() else ():
        match = named.fullmatch(path.name)
        if match is None or not (free or match[1] == match[1].lstrip("0").zfill(width)):
            continue
        if ends is None or ends[0] <= int(match[1]) <= ends[1]:
            named_so[match[1]] = path
    if not named_so:
        raise ValueError(f"{pattern}: no file has such a name{f' in frames {ends[0]}-{ends[1]}' if ends else ''}")
    found = _sequence(pattern.parent, before, after, named_so)
    first, last = ends or (min(found.files), max(found.files))
    return FrameSequence(pattern, found.files, _missing(found.files, first, last))


def sequences_among(photos: Iterable[Path]) -> tuple[list[FrameSequence], list[Path]]:
    """The sequences that these photographs are frames of, and the photographs without a number in their names.

    The last number in a name counts; all else in the name, the number of its digits and the folder are the same in
    frames of one sequence.
    """
    named: dict[tuple[Path, str, str], dict[str, Path]] = defaultdict(dict)
    others: list[Path] = []
    for path in photos:
        match = _NUMBER.search(path.stem)
        if match is None or len(match[0]) > _MOST_DIGITS:
            others.append(path)
        else:
            named[path.parent, path.stem[: match.start()], path.stem[match.end() :] + path.suffix][match[0]] = path
    return [_sequence(*names, files) for names, files in named.items()], others


def _sequence(folder: Path, before: str, after: str, named: dict[str, Path]) -> FrameSequence:
    """The sequence of files named by their digits; ValueError for two of one number."""
    width = min(map(len, named))
    hashes = "#" * width if all(digits == digits.lstrip("0").zfill(width) for digits in named) else "#"
    pattern = folder / f"{before}{hashes}{after}"
    files: dict[int, Path] = {}
    for digits, path in named.items():
        number = int(digits)
        if number in files:
            raise ValueError(f"{pattern}: {files[number].name} and {path.name} are both frame {number}")
        files[number] = path
    return FrameSequence(pattern, dict(sorted(files.items())), _missing(files, min(files), max(files)))


def _missing(files: Iterable[int], first: int, last: int) -> list[int]:
    there = set(files)
    return [number for number in range(first, min(last + 1, first + _MOST_MISSING)) if number not in there]


class SequenceReader:
    """An iterator over the frames of a sequence, and a context manager, as `VideoReader`.

    A frame that cannot be read raises ValueError, or with ``skip_bad`` is named, left out and counted in ``broken``.
    ``exposure`` is for EXR, in stops.
    """

    cut_short = ""

    def __init__(self, sequence: FrameSequence, fps: float = FPS, exposure: float = 0, skip_bad: bool = False) -> None:
        self.path, self.rate, self.count, self.broken = sequence.pattern, fps, len(sequence.files), 0
        self._sequence, self._exposure, self._skip_bad = sequence, exposure, skip_bad

    def __enter__(self) -> SequenceReader:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __iter__(self) -> Iterator[VideoFrame]:
        start = next(iter(self._sequence.files), 0)
        for number, path in self._sequence.files.items():
            try:
                picture = read_picture(path, MAX_SIDE * MAX_SIDE, self._exposure)
            except (ValueError, OSError) as error:
                if not self._skip_bad:
                    raise
                self.broken += 1
                log.warning(f"skipped {error}")
                continue
            image, scale = fit(picture.image, MAX_SIDE)
            yield VideoFrame(image, number, (number - start) / self.rate, picture.scale * scale)
