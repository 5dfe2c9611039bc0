"""COFW (Burgos-Artizzu et al. 2013): 29 points with occlusion, images and labels in two MATLAB files of version 7.3.

``COFW_train_color.mat`` holds the images ``IsTr`` and ``phisTr`` with one row for each face: 29 x, 29 y, 29 flags that
are 1 for occluded points. ``COFW_test_color.mat`` holds ``IsT`` and ``phisT``. In HDF5 the axes are in reverse order.
MATLAB counts from 1, so 1 is subtracted. Needs h5py: ``pip install 'fauxface[datasets]'``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fauxface.datasets.base import MIN_SIDE, BadSample, FaceDataset, Format, Labels, check_points
from fauxface.extras import install
from fauxface.faces import FaceSample, landmark_box
from fauxface.landmarks import COFW29
from fauxface.parsing import clipped

_FILE = re.compile(r"COFW_(train|test)(_color)?\.mat")
_NAMES = {"train": ("IsTr", "phisTr"), "test": ("IsT", "phisT")}
_MOST_PIXELS, _MOST_FACES = 100_000_000, 1_000_000
NEEDED = f"COFW's files are HDF5, which needs h5py: {install('datasets')}"


def find(files: list[Path]) -> list[Path]:
    """COFW's files among ``files``."""
    return [path for path in files if _FILE.fullmatch(path.name)]


def open_folder(folder: Path, files: list[Path], split: str | None, labels: Labels | None) -> FaceDataset:
    """The faces in a split, or all; errors of `Format.open`; ValueError without h5py; BadSample for a broken file."""
    FORMAT.check(folder, split, labels)
    chosen = [path for path in find(files) if split in (None, _part(path))]
    if not chosen:
        raise ValueError(f"no face of split '{split}' in {folder}: there is no COFW_{split}_color.mat")
    faces = {path: _labels_of(path) for path in chosen}
    table = {
        path.with_name(f"{path.name}#{number}"): (path, number, row)
        for path, rows in faces.items()
        for number, row in enumerate(rows)
    }
    name = folder.resolve().name + (f":{split}" if split else "")
    reader, shared = partial(_read_sample, table), tuple(chosen)
    return FaceDataset(
        name, "cofw", COFW29.name, "annotated", tuple(table), reader, lambda source: (table[source][0],), shared
    )


def _read_sample(table: dict[Path, tuple[Path, int, np.ndarray]], source: Path) -> FaceSample:
    path, number, row = table[source]
    x, y, occluded = row.reshape(3, COFW29.count)
    try:
        points = check_points(np.stack([x, y], 1), COFW29.count, path) - 1
        if not np.isin(occluded, (0, 1)).all():
            raise BadSample(path, "an occlusion flag is not 0 or 1")
    except BadSample as error:
        raise BadSample(path, f"face {number}: {error.reason}") from None
    box = landmark_box(points, COFW29.name)
    return FaceSample(_picture(path, number), points, COFW29.name, box, occluded == 0, str(source), "annotated")


def _labels_of(path: Path) -> np.ndarray:
    """The labels in a file, faces×87."""
    pictures, name = _NAMES[_part(path)]
    with _opened(path) as file:
        labels, cells = file.get(name), file.get(pictures)
        shape = getattr(labels, "shape", ())
        if len(shape) != 2 or shape[0] != 3 * COFW29.count or not 0 < shape[1] <= _MOST_FACES:
            raise BadSample(path, f"{name} is not faces×{3 * COFW29.count} numbers")
        if labels.dtype.kind not in "fiu" or getattr(cells, "size", 0) != shape[1]:
            raise BadSample(path, f"{pictures} does not hold an image for each of the {shape[1]} faces")
        return np.array(labels, np.float64).T


def _picture(path: Path, number: int) -> np.ndarray:
    """A face's image, H×W×3 uint8 RGB."""
    with _opened(path) as file:
        cells = file[_NAMES[_part(path)][0]]
        data = file[np.asarray(cells).reshape(-1)[number]]
        shape = data.shape
        if data.dtype != np.uint8 or len(shape) not in (2, 3) or (len(shape) == 3 and shape[0] != 3):
            raise BadSample(path, f"face {number}: its image is not grey or RGB with 8 bits")
        if not MIN_SIDE**2 <= int(np.prod(shape[-2:])) <= _MOST_PIXELS or min(shape[-2:]) < MIN_SIDE:
            raise BadSample(path, f"face {number}: an image of {shape[-2]}×{shape[-1]} px cannot be used")
        pixels = np.array(data).T
    return np.ascontiguousarray(pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, 2))


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open an HDF5 file; errors become BadSample."""
    try:
        import h5py
    except ImportError:
        raise ValueError(NEEDED) from None
    try:
        with h5py.File(path, "r") as file:
            yield file
    except BadSample:
        raise
    except Exception as error:  # h5py raises nearly anything on broken files
        raise BadSample(path, f"not a MATLAB file of version 7.3 like COFW's ({clipped(error)})") from error


def _part(path: Path) -> str:
    found = _FILE.fullmatch(path.name)
    assert found is not None
    return found[1]


FORMAT = Format("cofw", "COFW_test_color.mat", find, open_folder, tuple(_NAMES))
