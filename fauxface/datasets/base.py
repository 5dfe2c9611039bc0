"""What every data set is, and what its readers share: listing files, reading images, checking points."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from fauxface import parsing
from fauxface.faces import FaceSample
from fauxface.images import read_image
from fauxface.landmarks import Scheme
from fauxface.outputs import is_output
from fauxface.targets import TARGETS

Labels = Literal["2d", "projected"]
"""The conventions of points of which a data set may have both: as annotators click them, or projected from space."""
MIN_SIDE = 16
"""Images with a side shorter than this hold no face that one could label (px)."""
MAX_POINTS = 10_000
"""More points than any scheme has."""
MIN_EXTENT = 1e-3
"""Points closer together than this lie at one place (px)."""


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
    """All files below ``folder``, sorted, links followed; hidden ones, and folders that commands filled, left out.

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
        folders[:] = [name for name in folders if not is_output(Path(root, name))]
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
        raise BadSample(path, parsing.clipped(str(error).removeprefix(f"{path}: "), 120)) from error
    height, width = pixels.shape[:2]
    if min(height, width) < MIN_SIDE:
        raise BadSample(path, f"an image of {width}×{height} px is too small; {MIN_SIDE}×{MIN_SIDE} is the least")
    return pixels


def read_text(path: Path, limit: int = parsing.LABEL_BYTES) -> str:
    """A label file's text; BadSample if it is missing, longer than ``limit`` bytes, or not text."""
    try:
        return parsing.read_text(path, limit)
    except FileNotFoundError:
        raise BadSample(path, "no such file") from None
    except (OSError, ValueError) as error:
        raise BadSample(path, parsing.clipped(str(error).removeprefix(f"{path}: "), 120)) from error


def read_record(path: Path, limit: int = parsing.LABEL_BYTES) -> dict[str, Any]:
    """The JSON object in a label file; BadSample if the file is missing, too long, or holds anything else."""
    try:
        record = parsing.parse_json(read_text(path, limit))
    except BadSample:
        raise
    except ValueError as error:
        raise BadSample(path, str(error)) from error
    if not isinstance(record, dict):
        raise BadSample(path, "not a JSON object")
    return record


def read_array(record: Any, key: str, path: Path) -> np.ndarray:
    """The numbers, in lists or not, that a record calls ``key``, float64; BadSample, naming ``path``, without them."""
    if not isinstance(record, dict) or key not in record:
        raise BadSample(path, f"has no {key}")
    try:
        return parsing.numbers(record[key], key)
    except ValueError as error:
        raise BadSample(path, str(error)) from None


def parse_points(lines: list[str], path: Path) -> np.ndarray:
    """Lines ``x y`` as points (N, 2) float64; BadSample, naming ``path`` and the line, where one is not two numbers."""
    if len(lines) > MAX_POINTS:
        raise BadSample(path, f"{len(lines)} points; {MAX_POINTS} are the most")
    points = np.empty((len(lines), 2))
    for i, line in enumerate(lines):
        try:
            x, y = line.split()
            points[i] = float(x), float(y)
        except ValueError:
            raise BadSample(path, f"point {i} is not two numbers: '{line.strip()[:40]}'") from None
    return points


def check_points(points: np.ndarray, count: int, path: Path) -> np.ndarray:
    """The points, if there are ``count`` (count, 2), all near a picture, that span a box; or BadSample."""
    if points.shape != (count, 2):
        there = f"{len(points)} points" if points.ndim == 2 and points.shape[1] == 2 else "no list of points x, y"
        raise BadSample(path, f"{there}, not {count}")
    wrong = np.flatnonzero(~np.isfinite(points).all(1))
    if len(wrong):
        raise BadSample(path, f"point {wrong[0]} has a coordinate that is not a finite number")
    if (far := np.flatnonzero(np.abs(points).max(1) > parsing.FAR)).size:
        raise BadSample(path, f"point {far[0]} is more than {parsing.FAR:g} px away")
    if max(np.ptp(points, axis=0)) < MIN_EXTENT:
        raise BadSample(path, "all points lie at one place")
    return points


@contextmanager
def broken_in(path: Path) -> Iterator[None]:
    """Turn a ValueError into a BadSample that names ``path``."""
    try:
        yield
    except ValueError as error:
        raise BadSample(path, str(error)) from error


def read_targets(record: Mapping[str, Any], image: Path, scheme: Scheme) -> dict[str, np.ndarray]:
    """Name → value, in the image's frame, of every target but landmarks that a render tells of its face.

    ``record`` is what the ``.json`` of the image's file says. BadSample, naming that, if one of them is broken.
    """
    with broken_in(image.with_suffix(".json")):
        found = {name: target.of_face(record, image, scheme) for name, target in TARGETS.items() if name != "landmarks"}
    return {name: value for name, value in found.items() if value is not None}
