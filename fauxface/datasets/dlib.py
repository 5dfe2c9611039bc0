"""dlib's XML (imglab; King 2009): images, boxes in them, named parts in a box: ``<part name='00' x='12' y='34'/>``.

Coordinates are whole pixels, 0-based. Boxes without parts, and those that imglab marks ``ignore``, are skipped. The box
itself comes from a detector and is not used. The number of parts and their names determine the scheme (see ``naming``).
A split is a label file, by its name or the end of its name: ``labels_ibug_300W_train.xml`` is ``train``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

import numpy as np

from fauxface.datasets.base import BadSample, FaceDataset, Format, Labels
from fauxface.datasets.coco import of_split
from fauxface.datasets.listed import LARGEST, Entry, Points, open_listed
from fauxface.datasets.naming import COUNTS, recognise_points
from fauxface.parsing import number_list


def find(files: list[Path]) -> list[Path]:
    """The XML files among ``files`` that begin like imglab's."""
    return [path for path in files if path.suffix.lower() == ".xml" and _begins(path)]


def open_folder(folder: Path, files: list[Path], split: str | None, labels: Labels | None) -> FaceDataset:
    """The faces in the label files; errors of `Format.open`, and BadSample for a file that is not imglab's."""
    FORMAT.check(folder, None, labels)
    entries = [entry for path in of_split(find(files), split, folder) for entry in _read(path)]
    names = {tuple(name for name, _, _ in entry.labels): entry for entry in entries}
    schemes = {found[0].name: entry for parts, entry in names.items() if (found := recognise_points(parts))}
    if len(schemes) != 1:
        what = " and ".join(f"{name} in {entry.file.name}" for name, entry in schemes.items())
        raise ValueError(f"{folder} holds {what or 'no face'}; known numbers of parts are {COUNTS}; see --split")
    return open_listed(folder, files, FORMAT, split, next(iter(schemes)), entries, _points)


def _begins(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return b"<dataset" in file.read(4096)
    except OSError:
        return False


def _read(path: Path) -> list[Entry]:
    reader = _Reader(path)
    parser = expat.ParserCreate()
    reader.line = lambda: parser.CurrentLineNumber
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.StartDoctypeDeclHandler = reader.doctype
    try:
        if path.stat().st_size > LARGEST:
            raise BadSample(path, f"more than {LARGEST >> 20} MiB of labels")
        with path.open("rb") as file:
            parser.ParseFile(file)
    except expat.ExpatError as error:
        raise BadSample(path, f"line {error.lineno}: not valid XML ({expat.ErrorString(error.code)})") from None
    except OSError as error:
        raise BadSample(path, error.strerror or "cannot be read") from error
    except (LookupError, ValueError) as error:
        if isinstance(error, BadSample):
            raise
        raise BadSample(path, f"line {parser.CurrentLineNumber}: {error}") from None  # an unknown encoding
    return reader.entries


@dataclass
class _Reader:
    """State of the parser: the faces so far, the current image and the parts of the current box."""

    path: Path
    entries: list[Entry] = field(default_factory=list)
    picture: str = ""
    parts: list[tuple[str, str, str]] | None = None
    first_line: int = 0

    def line(self) -> int:
        """The parser's current line."""
        return 0

    def doctype(self, *_: object) -> None:
        """Refuse a document type: its entities could grow to gigabytes, and dlib writes none."""
        raise BadSample(self.path, f"line {self.line()}: a document type, which dlib's files do not have")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Handle the start of an element."""
        if name == "image":
            self.picture = attributes.get("file", "")
        elif name == "box":
            self.parts = None if attributes.get("ignore") == "1" else []
            self.first_line = self.line()
        elif name == "part" and self.parts is not None:
            if len(self.parts) >= 1000:
                raise BadSample(self.path, f"line {self.line()}: a box with more than 1000 parts")
            self.parts.append((attributes.get("name", ""), attributes.get("x", ""), attributes.get("y", "")))

    def end(self, name: str) -> None:
        """Handle the end of an element."""
        if name == "box" and self.parts:
            self.entries.append(Entry(self.path, f"line {self.first_line}", self.picture, tuple(self.parts)))
        if name == "box":
            self.parts = None


def _points(entry: Entry) -> Points:
    names, x, y = zip(*entry.labels, strict=True)
    found = recognise_points(names)
    if found is None:
        raise ValueError(f"{len(names)} parts, which fit no scheme ({COUNTS})")
    if len(set(names)) < len(names):
        raise ValueError("two parts have the same name")
    return np.stack([number_list(axis, "its parts") for axis in (x, y)], 1)[found[1]], None


FORMAT = Format("dlib", "imglab's .xml with its images", find, open_folder)
