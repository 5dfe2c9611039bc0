"""Faces in label files that list many of them: find their images and read samples.

Names of images come from untrusted files, so only files below the data set's folder are opened.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from fauxface.datasets.base import BadSample, FaceDataset, Format, check_points, read_sample_image
from fauxface.faces import FaceSample, landmark_box
from fauxface.landmarks import scheme_of
from fauxface.parsing import clipped

LARGEST = 1 << 30
"""Most bytes of a label file."""
PICTURES = frozenset((".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"))
"""Suffixes of images."""

Points = tuple[np.ndarray, np.ndarray | None]
"""Points (N, 2) in image pixels, 0-based; visibility (N,) booleans, or None if unknown."""


@dataclass(frozen=True)
class Entry:
    """One face in a label file.

    Attributes:
        file: the label file.
        place: its position in the file, such as ``line 7``.
        picture: the image's name in the file.
        labels: the labels in the file, hashable, for the format's ``parse``.
    """

    file: Path
    place: str
    picture: str
    labels: Any

    def bad(self, reason: str) -> BadSample:
        """An error with the file and the place."""
        return BadSample(self.file, f"{self.place}: {reason}")


def open_listed(
    folder: Path,
    files: list[Path],
    format: Format,
    split: str | None,
    scheme: str,
    entries: Iterable[Entry],
    parse: Callable[[Entry], Points],
) -> FaceDataset:
    """The faces of the entries, without exact duplicates.

    ``parse`` turns an entry's labels into points when the sample is read; it may raise ValueError with the reason.
    ValueError if there are no entries.
    """
    pictures = _Pictures(folder, files)
    table: dict[Path, tuple[Entry, Path | BadSample]] = {}
    known: set[tuple[object, object]] = set()
    label_files: dict[Path, None] = {}
    for entry in entries:
        label_files[entry.file] = None
        picture = pictures.find(entry)
        key = (picture if isinstance(picture, Path) else entry.picture, entry.labels)
        if key not in known:
            known.add(key)
            beside = picture if isinstance(picture, Path) else entry.file
            table[beside.with_name(f"{beside.name}#{len(table)}")] = (entry, picture)
    if not table:
        of_split = f" of split '{split}'" if split else ""
        raise ValueError(f"no labelled face{of_split} in {folder} (format {format.name})")

    def read(source: Path) -> FaceSample:
        entry, picture = table[source]
        points, seen = points_of(entry, scheme, parse)
        if isinstance(picture, BadSample):
            raise picture
        image = read_sample_image(picture)
        return FaceSample(image, points, scheme, landmark_box(points, scheme), seen, str(picture), "annotated")

    def files_of(source: Path) -> tuple[Path, ...]:
        picture = table[source][1]
        return (picture,) if isinstance(picture, Path) else ()

    name = folder.resolve().name + (f":{split}" if split else "")
    return FaceDataset(name, format.name, scheme, "annotated", tuple(table), read, files_of, tuple(label_files))


def points_of(entry: Entry, scheme: str, parse: Callable[[Entry], Points]) -> Points:
    """An entry's points, checked; BadSample with file, place and reason if they are invalid."""
    try:
        points, seen = parse(entry)
        return check_points(points, scheme_of(scheme).count, entry.file), seen
    except BadSample as error:
        raise entry.bad(error.reason) from None
    except (ValueError, OverflowError) as error:
        raise entry.bad(clipped(error, 160)) from None


class _Pictures:
    """The images of a folder, found by the ends of their paths."""

    def __init__(self, folder: Path, files: list[Path]):
        self._roots = (folder, folder.resolve())
        self._files = set(files)
        self._named: dict[str, list[Path]] = defaultdict(list)
        for path in files:
            if path.suffix.lower() in PICTURES:
                self._named[path.name].append(path)

    def find(self, entry: Entry) -> Path | BadSample:
        """An entry's image: at its path from the label file's folder, or else the only file whose path ends like it."""
        written = entry.picture.replace("\\", "/")
        name = PurePosixPath(written)
        if name.is_absolute():
            inside = next((root for root in self._roots if name.is_relative_to(root.as_posix())), None)
            if inside is None or ".." in name.parts:
                return entry.bad(f"the image '{_short(written)}' is outside the data set's folder")
            name = name.relative_to(inside.as_posix())
        if ".." in name.parts or not name.name:
            return entry.bad(f"'{_short(written)}' is not an image below the data set's folder")
        for root in (entry.file.parent, self._roots[0]):
            if root / name in self._files:
                return root / name
        parts = name.parts
        ending = [path for path in self._named.get(name.name, ()) if path.parts[-len(parts) :] == parts]
        if len(ending) == 1:
            return ending[0]
        return entry.bad(f"{'no' if not ending else 'more than one'} image '{_short(written)}' in the folder")


def _short(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)[:80]
