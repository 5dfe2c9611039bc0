"""Data sets and formats, and the functions that all readers share: list files, read images, check points."""

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
"""Label conventions of which a data set may have both: as annotators click, or projections of 3-D points."""
MIN_SIDE = 16
"""Shortest side of an image that can show a face well enough to label it, px."""
MAX_POINTS = 10_000
"""Most points read of a face; no scheme has so many."""
MIN_EXTENT = 1e-3
"""Shortest side of a box of distinct points, px."""


class BadSample(ValueError):  # noqa: N818 – the sample is bad, not the program
    """A sample that cannot be used, with its file and the reason."""

    def __init__(self, path: Path, reason: str):
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


@dataclass(frozen=True)
class FaceDataset:
    """Labelled faces in a folder; ``dataset[i]`` reads the i-th as a FaceSample, or raises BadSample.

    Attributes:
        name: the folder's name, with the split's.
        format: the name of its format.
        scheme: the landmark scheme of every sample.
        labels: the label convention: ``projected``, ``2d`` or ``annotated``.
        sources: the file of each sample, in order; NAME#NUMBER next to a file that holds several.
        reader: function that reads one sample from its source.
        files: function that lists the files of a sample, existing or not; its label files are small.
        shared: label files with the labels of many samples.
        notes: remarks for the user about the data, one line each.
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
        """``count`` random samples, in the data set's order; with the same seed, a larger count includes a smaller one.

        ValueError if there are fewer samples.
        """
        if not 1 <= count <= len(self):
            raise ValueError(f"cannot take {count} samples of {self.name}, which has {len(self)}")
        order = np.random.default_rng(np.random.SeedSequence(seed)).permutation(len(self))
        return replace(self, sources=tuple(self.sources[i] for i in sorted(order[:count])))


@dataclass(frozen=True)
class Format:
    """A file layout of labelled faces.

    Attributes:
        name: the name for ``--format``.
        sign: typical files of the format, for the message "no labelled faces in FOLDER (…)".
        find: function that picks the files of this format out of a folder's files; cheap, since every format is tried.
        open: function that opens the faces among ``files`` of ``folder`` in a split (None: all), with a label
            convention (None: the format's default). ValueError for an unknown split or convention.
        splits: names of the official splits.
    """

    name: str
    sign: str
    find: Callable[[list[Path]], Sequence[Path]]
    open: Callable[[Path, list[Path], str | None, Labels | None], FaceDataset]
    splits: tuple[str, ...] = ()

    def check(self, folder: Path, split: str | None, labels: Labels | None) -> None:
        """Raise a ValueError for a split that is not in ``splits``, and for any label convention."""
        if split is not None and not self.splits:
            raise ValueError(f"{folder} is of format {self.name}, which has no splits, so no '{split}'")
        if split is not None and split not in self.splits:
            raise ValueError(f"unknown split '{split}'; there are {', '.join(self.splits)} (format {self.name})")
        if labels is not None:
            raise ValueError(f"{folder} is of format {self.name}, which has no '{labels}' labels")


def list_files(folder: Path) -> list[Path]:
    """All files below ``folder``, sorted, with links followed, without hidden files and output folders of commands.

    FileNotFoundError if there is no such folder; ValueError if it is a file or empty.
    """
    if not folder.exists():
        raise FileNotFoundError(f"no such folder: {folder}")
    if not folder.is_dir():
        raise ValueError(f"{folder} is a file, not a folder of faces")
    found: list[Path] = []
    visited: set[str] = set()
    for root, folders, names in os.walk(folder, followlinks=True):
        # a link to a folder above would lead round and round
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
    """The image in a file, H×W×3 RGB uint8; BadSample if it is missing, broken or too small."""
    try:
        pixels = read_image(path)
    except FileNotFoundError:
        raise BadSample(path, "no such image") from None
    except Exception as error:  # decoders raise nearly anything on broken files
        raise BadSample(path, parsing.clipped(str(error).removeprefix(f"{path}: "), 120)) from error
    height, width = pixels.shape[:2]
    if min(height, width) < MIN_SIDE:
        raise BadSample(
            path, f"an image of {width}×{height} px is too small; it needs {MIN_SIDE}×{MIN_SIDE} px or more"
        )
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
    """The float64 array under ``key`` of a JSON object; BadSample, with ``path``, if it is missing or not numbers."""
    if not isinstance(record, dict) or key not in record:
        raise BadSample(path, f"has no {key}")
    try:
        return parsing.numbers(record[key], key)
    except ValueError as error:
        raise BadSample(path, str(error)) from None


def parse_points(lines: list[str], path: Path) -> np.ndarray:
    """Points (N, 2) float64 from lines ``x y``; BadSample, with ``path`` and the point's index, for any other line."""
    if len(lines) > MAX_POINTS:
        raise BadSample(path, f"{len(lines)} points, more than {MAX_POINTS}")
    points = np.empty((len(lines), 2))
    for i, line in enumerate(lines):
        try:
            x, y = line.split()
            points[i] = float(x), float(y)
        except ValueError:
            raise BadSample(path, f"point {i} is not two numbers: '{line.strip()[:40]}'") from None
    return points


def check_points(points: np.ndarray, count: int, path: Path) -> np.ndarray:
    """The ``points``, if they are (count, 2), finite, plausible and not all the same; otherwise BadSample."""
    if points.shape != (count, 2):
        found = f"{len(points)} points" if points.ndim == 2 and points.shape[1] == 2 else "no list of points x, y"
        raise BadSample(path, f"{found}, not {count}")
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
    """Turn a ValueError into a BadSample with ``path``."""
    try:
        yield
    except ValueError as error:
        raise BadSample(path, str(error)) from error


def read_targets(record: Mapping[str, Any], image: Path, scheme: Scheme) -> dict[str, np.ndarray]:
    """Name → value, in the image frame, of each target in a render's ``record``, without landmarks.

    ``record`` is the content of the ``.json`` next to ``image``. BadSample, with that file, for an invalid value.
    """
    with broken_in(image.with_suffix(".json")):
        found = {name: target.of_face(record, image, scheme) for name, target in TARGETS.items() if name != "landmarks"}
    return {name: value for name, value in found.items() if value is not None}
