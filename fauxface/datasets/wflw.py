"""WFLW (Wu et al. 2018, "Look at Boundary"): 98 points, lists with one face per line, test subsets by six attributes.

A line of ``list_98pt_rect_attr_train.txt`` and ``…_test.txt`` holds 98 × ``x y``, a box of four numbers, six attributes
0 or 1, and the image's name; a line of the lists in ``list_98pt_test`` holds only the points and the name. Coordinates
are 0-based, as in the authors' tools, and are not changed. The box comes from a detector and is not used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from fauxface.datasets.base import FaceDataset, Format, Labels, read_text
from fauxface.datasets.listed import LARGEST, Entry, Points, open_listed
from fauxface.landmarks import WFLW98
from fauxface.parsing import number_list

ATTRIBUTES = ("pose", "expression", "illumination", "make-up", "occlusion", "blur")
"""Attributes in the order of a line; each is also the split of the test faces that have it."""
_COORDINATES = 2 * WFLW98.count
_LIST = re.compile(r"list_98pt_(rect_attr_)?(train|test)(_[a-z]+)?\.txt")
_SUBSETS = {"largepose": "pose", "makeup": "make-up"} | {name: name for name in ATTRIBUTES if name.isalpha()}


def find(files: list[Path]) -> list[Path]:
    """The lists among ``files``."""
    return [path for path in files if _LIST.fullmatch(path.name)]


def open_folder(folder: Path, files: list[Path], split: str | None, labels: Labels | None) -> FaceDataset:
    """The faces in a split, or all; errors of `Format.open`, and BadSample for a list that is not text.

    Subsets of the test faces come from the attributes or, if only the short lists exist, from the subset's list.
    """
    FORMAT.check(folder, split, labels)
    found = {path: match for path in find(files) if (match := _LIST.fullmatch(path.name))}
    full = {match[2] for match in found.values() if match[1]}
    entries: list[Entry] = []
    for path, match in sorted(found.items()):
        part, subset = match[2], match[3] and match[3].removeprefix("_")
        attribute = split if split in ATTRIBUTES else None
        if match[1]:
            if split in (None, part) or (attribute and part == "test"):
                entries += _entries(path, attribute)
        elif part not in full and (_SUBSETS.get(subset) == attribute if attribute else split in (None, part)):
            # the subsets' lists have no faces that are not in the list of all
            entries += _entries(path, None) if attribute or not subset else []
    return open_listed(folder, files, FORMAT, split, WFLW98.name, entries, _points)


def _entries(path: Path, attribute: str | None) -> Iterator[Entry]:
    """The lines of a list with an attribute (None: all), and lines that are too short, for the reader to refuse."""
    for number, line in enumerate(read_text(path, LARGEST).splitlines(), 1):
        fields = line.split(maxsplit=_COORDINATES + 10)
        if not fields:
            continue
        flags = fields[_COORDINATES + 4 : -1]
        if attribute is not None and len(flags) == len(ATTRIBUTES) and flags[ATTRIBUTES.index(attribute)] != "1":
            continue
        yield Entry(path, f"line {number}", fields[-1], line)


def _points(entry: Entry) -> Points:
    fields = str(entry.labels).split()
    wanted = (_COORDINATES + 11,) if "rect_attr" in entry.file.name else (_COORDINATES + 1,)
    if len(fields) not in wanted:
        raise ValueError(f"{len(fields)} fields, not {wanted[0]}")
    return number_list(fields[:_COORDINATES], "its points").reshape(-1, 2), None


FORMAT = Format("wflw", "list_98pt_rect_attr_test.txt", find, open_folder, ("train", "test", *ATTRIBUTES))
