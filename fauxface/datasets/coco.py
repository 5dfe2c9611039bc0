"""COCO key points (Lin et al. 2014): JSON that lists images and faces; CVAT, Label Studio and FiftyOne export it.

A face's ``keypoints`` are ``x, y, v`` for each point; v is 2 for a visible point, 1 for a hidden one and 0 for one that
is not labelled. A face with a point that is not labelled cannot be used. Coordinates are 0-based pixels and are not
changed. The number of points and their names in the category determine the scheme (see ``naming``). A split is a label
file, by its name or the end of its name: ``person_keypoints_train.json`` is ``train``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fauxface.datasets.base import BadSample, FaceDataset, Format, Labels, read_record
from fauxface.datasets.listed import Entry, Points, open_listed
from fauxface.datasets.naming import COUNTS, recognise_points
from fauxface.landmarks import Scheme
from fauxface.parsing import number_list, parse_json

_START = re.compile(rb'\s*\{\s*"(info|licenses|images|annotations|categories|videos|type)"\s*:')
LARGEST = 320 << 20
"""Most bytes of a label file, which needs many times as much memory; the largest of COCO itself has 240 MiB."""
_Known = dict[Any, tuple[Scheme, np.ndarray]]


def find(files: list[Path]) -> list[Path]:
    """The JSON files among ``files`` that begin like COCO's; the labels of renders, NNNNNN.json, are skipped."""
    return [path for path in files if path.suffix.lower() == ".json" and not path.stem.isdecimal() and _begins(path)]


def open_folder(folder: Path, files: list[Path], split: str | None, labels: Labels | None) -> FaceDataset:
    """The faces in the label files; errors of `Format.open`, and BadSample for a file that is not COCO's."""
    FORMAT.check(folder, None, labels)
    chosen = of_split(find(files), split, folder)
    entries: list[Entry] = []
    schemes: dict[str, Path] = {}
    for path in chosen:
        scheme, faces = _read(path)
        schemes.setdefault(scheme, path)
        entries += faces
    if len(schemes) > 1:
        found = ", ".join(f"{path.name} has {scheme}" for scheme, path in schemes.items())
        raise ValueError(f"{folder} holds faces of several landmark schemes ({found}): choose one with --split")
    return open_listed(folder, files, FORMAT, split, next(iter(schemes)), entries, _points)


def of_split(label_files: list[Path], split: str | None, folder: Path) -> list[Path]:
    """The label files whose name is the split's or ends with it; ValueError, with all label files, if there is none."""
    if split is None:
        return label_files
    found = [path for path in label_files if path.stem == split]
    found = found or [path for path in label_files if re.search(rf"[^A-Za-z0-9]{re.escape(split)}$", path.stem)]
    if not found:
        raise ValueError(
            f"no split '{split}' in {folder}: its label files are {', '.join(p.name for p in label_files)}"
        )
    return found


def _begins(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return _START.match(file.read(4096)) is not None
    except OSError:
        return False


def _read(path: Path) -> tuple[str, list[Entry]]:
    """The landmark scheme of the faces in a file, and the faces."""
    record = read_record(path, LARGEST)
    lists = {key: record.get(key) for key in ("images", "annotations")}
    for key, value in lists.items():
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise BadSample(path, f"{key} is not a list of objects")
    pictures = {_key(image.get("id")): image.get("file_name") for image in lists["images"] or ()}
    categories = record.get("categories")
    named = _categories(categories if isinstance(categories, list) else [])
    known: _Known = {}
    faces = list(_entries(path, lists["annotations"] or [], pictures, named, known))
    schemes = {scheme.name for scheme, _ in known.values()}
    if not faces or len(schemes) != 1:
        what = f"faces of {' and '.join(sorted(schemes))}" if len(schemes) > 1 else "no face"
        raise BadSample(path, f"{what}; known numbers of key points are {COUNTS}")
    return schemes.pop(), faces


def _categories(categories: list[Any]) -> dict[Any, list[str]]:
    """Category's id → names of its points."""
    objects = [category for category in categories if isinstance(category, dict)]
    return {
        _key(category.get("id")): [str(name) for name in category["keypoints"]]
        for category in objects
        if isinstance(category.get("keypoints"), list)
    }


def _entries(
    path: Path, annotations: list[dict[str, Any]], pictures: dict[Any, Any], named: dict[Any, list[str]], known: _Known
) -> Iterator[Entry]:
    """The annotations with a known number of points, without crowds and those without any labelled point.

    ``known`` receives the schemes, by category and number of points.
    """
    for number, annotation in enumerate(annotations):
        points = annotation.get("keypoints")
        if not isinstance(points, list) or not points or annotation.get("iscrowd") in (1, True):
            continue
        category = _key(annotation.get("category_id"))
        names = named.get(category, [])
        key = (category, len(points) // 3)
        if key not in known:
            same = len(names) * 3 == len(points)
            found = recognise_points(names if same else [""] * (len(points) // 3))
            if found is None and recognise_points(names) is None:
                continue  # such as the points of a body
            if found is not None:
                known[key] = found
        order = tuple(known[key][1].tolist()) if key in known else ()
        if any(points[2::3]) or not points[2::3]:
            name = pictures.get(_key(annotation.get("image_id")))
            labels = (json.dumps(points), order)
            yield Entry(path, f"annotation {number}", name if isinstance(name, str) else "", labels)


def _points(entry: Entry) -> Points:
    text, order = entry.labels
    values = number_list(parse_json(text), "its key points")
    if not order or len(values) != 3 * len(order):
        raise ValueError(f"{len(values)} key-point values, which fit no scheme ({COUNTS})")
    points = values.reshape(-1, 3)[list(order)]
    flags, places = points[:, 2], points[:, :2]
    if not np.isin(flags, (0, 1, 2)).all():
        raise ValueError("a visibility flag is not 0, 1 or 2")
    missing = np.flatnonzero(flags == 0)
    if len(missing):
        raise ValueError(f"point {missing[0]} is not labelled (v = 0)")
    return places, flags == 2


def _key(value: Any) -> Any:
    """An id as a hashable key."""
    return value if isinstance(value, int | str) else repr(value)[:80]


FORMAT = Format("coco", "a COCO key-points .json with its pictures", find, open_folder)
