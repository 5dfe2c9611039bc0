"""What every data set is, and what its readers share: listing files, reading images, checking points."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from fauxface.faces import FaceSample
from fauxface.images import read_image

FARTHEST = 1_000_000
"""Pixels beyond which no picture reaches."""
Labels = Literal["2d", "projected"]
"""The conventions of points of which a data set may have both: as annotators click them, or projected from space."""
MIN_SIDE = 16
"""Images with a side shorter than this hold no face that one could label (px)."""


class BadSample(ValueError):  # noqa: N818 – the sample is bad, not the program
    """A sample that cannot be used: which file, and why."""

    def __init__(self, path: Path, reason: str):
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


@dataclass(frozen=True)
class FaceDataset:
    """Labelled faces in a folder; ``dataset[i]`` reads the i-th as a FaceSample, or raises BadSample.

    Attributes:
        name: the folder's name, and the split's.
        format: the name of its format.
        scheme: the landmark scheme of every sample.
        labels: the labels' convention: ``projected``, ``2d`` or ``annotated``.
        sources: the file of each sample, in the data set's order; where one file holds several, NAME#NUMBER beside it.
        reader: reads one sample from its source.
        files: the files that a sample is read from, whether they are there or not; its labels' are small.
        shared: label files that tell of many samples.
        notes: what the user must know of what this is, a line each.
    """

    name: str
    format: str
    scheme: str
    labels: str
    sources: tuple[Path, ...]
    reader: Callable[[Path], FaceSample]
    files: Callable[[Path], tuple[Path, ...]]
    shared: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, index: int) -> FaceSample:
        return self.reader(self.sources[index])

    def subset(self, count: int, seed: int) -> FaceDataset:
        """``count`` samples drawn by ``seed``, in the data set's order; those of a smaller count are among them.

        ValueError when there are not so many.
        """
        if not 1 <= count <= len(self):
            raise ValueError(f"cannot take {count} samples of {self.name}, which has {len(self)}")
        order = np.random.default_rng(np.random.SeedSequence(seed)).permutation(len(self))
        return replace(self, sources=tuple(self.sources[i] for i in sorted(order[:count])))


@dataclass(frozen=True)
class Format:
    """How labelled faces lie in a folder.

    Attributes:
        name: what ``--format`` calls it.
        sign: what a folder of it holds, in words that end the sentence "no labelled faces in it (…)".
        find: of a folder's files those that are of this format; cheap, for it is asked of every folder.
        open: the faces among ``files`` of ``folder`` that belong to a split (None: all), with labels of a convention
            (None: the format's own). ValueError for a split or a convention that there is not.
        splits: names of the official splits.
    """

    name: str
    sign: str
    find: Callable[[list[Path]], Sequence[Path]]
    open: Callable[[Path, list[Path], str | None, Labels | None], FaceDataset]
    splits: tuple[str, ...] = ()

    def check(self, folder: Path, split: str | None, labels: Labels | None) -> None:
        """ValueError for a split that is none of ``splits``, and for any convention of labels."""
        if split is not None and not self.splits:
            raise ValueError(f"{folder} is of format {self.name}, which has no splits such as '{split}'")
        if split is not None and split not in self.splits:
            raise ValueError(f"unknown split '{split}'; there are {', '.join(self.splits)} (format {self.name})")
        if labels is not None:
            raise ValueError(f"{folder} is of format {self.name}, which has no '{labels}' labels")


def list_files(folder: Path) -> list[Path]:
    """All files below ``folder``, sorted, links followed, hidden ones left out.

    FileNotFoundError when there is no such folder, ValueError when it is a file or holds nothing.
    """
    if not folder.exists():
        raise FileNotFoundError(f"no such folder: {folder}")
    if not folder.is_dir():
        raise ValueError(f"{folder} is a file, not a folder of faces")
    found: list[Path] = []
    visited: set[str] = set()
    for root, folders, names in os.walk(folder, followlinks=True):
        # a link to a folder above would never end
        real = os.path.realpath(root)
        if real in visited:
            folders.clear()
            continue
        visited.add(real)
        folders[:] = [name for name in folders if not name.startswith((".", "__MACOSX"))]
        found += [Path(root, name) for name in names if not name.startswith(".")]
    if not found:
        raise ValueError(f"{folder} is empty")
    return sorted(found)


def read_sample_image(path: Path) -> np.ndarray:
    """The image in a file, H×W×3 RGB uint8; BadSample if it is missing, broken or tiny."""
    try:
        pixels = read_image(path)
    except FileNotFoundError:
        raise BadSample(path, "no such image") from None
    except Exception as error:  # decoders raise nearly anything on broken files
        raise BadSample(path, _one_line(str(error).removeprefix(f"{path}: "))) from error
    height, width = pixels.shape[:2]
    if min(height, width) < MIN_SIDE:
        raise BadSample(path, f"an image of {width}×{height} px is too small; {MIN_SIDE}×{MIN_SIDE} is the least")
    return pixels


def read_text(path: Path) -> str:
    """A text file's content; BadSample if it is missing or not text."""
    try:
        return path.read_text()
    except FileNotFoundError:
        raise BadSample(path, "no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadSample(path, f"cannot be read as text ({_one_line(str(error))})") from error


def parse_points(lines: list[str], path: Path) -> np.ndarray:
    """Lines ``x y`` as points (N, 2) float64; BadSample, naming ``path`` and the line, where one is not two numbers."""
    points = np.empty((len(lines), 2))
    for i, line in enumerate(lines):
        try:
            x, y = line.split()
            points[i] = float(x), float(y)
        except ValueError:
            raise BadSample(path, f"point {i} is not two numbers: '{line.strip()[:40]}'") from None
    return points


def check_points(points: np.ndarray, count: int, path: Path) -> np.ndarray:
    """The points, if there are ``count`` (count, 2), all finite, that span a box; else BadSample naming ``path``."""
    if points.shape != (count, 2):
        raise BadSample(path, f"{len(points)} points, not {count}")
    wrong = np.flatnonzero(~np.isfinite(points).all(1))
    if len(wrong):
        raise BadSample(path, f"point {wrong[0]} has a coordinate that is not a finite number")
    far = np.flatnonzero((np.abs(points) > FARTHEST).any(1))
    if len(far):
        raise BadSample(path, f"point {far[0]} lies more than {FARTHEST:,} pixels away")
    if max(np.ptp(points, axis=0)) <= 0:
        raise BadSample(path, "all points lie at one place")
    return points


def _one_line(text: str) -> str:
    return " ".join(text.split())[:120]
