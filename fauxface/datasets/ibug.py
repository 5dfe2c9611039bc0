"""iBUG's ``.pts`` files next to their images: 300-W (Sagonas et al. 2013), with splits by official folder names."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fauxface.datasets.base import (
    BadSample,
    FaceDataset,
    Format,
    Labels,
    check_points,
    parse_points,
    read_sample_image,
    read_text,
)
from fauxface.faces import FaceSample, landmark_box
from fauxface.landmarks import IBUG68

NAME = "ibug"
_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")
_PARTS = {
    "lfpw/trainset": ("lfpw", "trainset"),
    "lfpw/testset": ("lfpw", "testset"),
    "helen/trainset": ("helen", "trainset"),
    "helen/testset": ("helen", "testset"),
    "afw": ("afw",),
    "ibug": ("ibug",),
    "indoor": ("01_indoor",),
    "outdoor": ("02_outdoor",),
}
"""Part of 300-W → the folders that lead to it, in upper or lower case."""

SPLITS: dict[str, tuple[str, ...]] = {
    "common": ("lfpw/testset", "helen/testset"),
    "challenging": ("ibug",),
    "full": ("lfpw/testset", "helen/testset", "ibug"),
    "private": ("indoor", "outdoor"),
    # the official training set includes AFW; here AFW is the development set and has its own name
    "train": ("lfpw/trainset", "helen/trainset"),
    **{part: (part,) for part in _PARTS},
}
"""Split → its parts of 300-W."""


def find(files: list[Path]) -> tuple[Path, ...]:
    """The ``.pts`` files among ``files``, one for each face."""
    return tuple(path for path in files if path.suffix.lower() == ".pts")


def open_folder(folder: Path, files: list[Path], split: str | None, labels: Labels | None) -> FaceDataset:
    """The faces among ``files`` of ``folder`` that belong to ``split`` (None: all).

    If parts of the split are missing, the data set is named by the present ones, and a note names the missing ones.
    ValueError for an unknown split, a split without faces, or a label convention other than the annotators'.
    """
    FORMAT.check(folder, split, labels)
    sources, name, notes = find(files), folder.resolve().name, ()
    if split is not None:
        parts = {path: part_of(path, folder) for path in sources}
        sources = tuple(path for path in sources if parts[path] in SPLITS[split])
        present = [part for part in SPLITS[split] if part in parts.values()]
        missing = [part for part in SPLITS[split] if part not in present]
        if not present:
            folders = ", ".join("/".join(_PARTS[part]) for part in SPLITS[split])
            raise ValueError(f"no face of split '{split}' in {folder}: its folders are {folders}")
        if missing:
            parts_in_use = " and ".join(present)
            notes = (f"{folder} lacks {' and '.join(missing)} of split '{split}': this is {parts_in_use} alone",)
        name = f"{name}:{'+'.join(present) if missing else split}"
    return FaceDataset(name, NAME, IBUG68.name, "annotated", sources, read_sample, files_of, notes=notes)


def part_of(path: Path, folder: Path) -> str | None:
    """The part of 300-W that a file below ``folder`` belongs to, by the innermost official folder name; None if none.

    ``folder`` may itself be such a folder, or ``testset`` in one; names of folders further up are ignored.
    """
    above = folder.resolve().parts[-2:]
    names = [name.lower() for name in (*above, *path.relative_to(folder).parent.parts)]
    for end in range(len(names), len(above) - 1, -1):
        for part, official in _PARTS.items():
            if tuple(names[max(0, end - len(official)) : end]) == official:
                return part
    return None


def read_sample(source: Path) -> FaceSample:
    """The sample with the annotation ``source``; BadSample if that or its image is missing or invalid.

    ``.pts`` are 1-based, so 1 is subtracted; nothing is rounded. The sample's box is the tight box of the 68 points.
    """
    landmarks = read_pts(source)
    image_path = image_of(source)
    if image_path is None:
        raise BadSample(source, f"no image of that name next to it ({', '.join(_SUFFIXES)})")
    image = read_sample_image(image_path)
    return FaceSample(
        image, landmarks, IBUG68.name, landmark_box(landmarks, IBUG68.name), None, str(image_path), "annotated"
    )


def image_of(source: Path) -> Path | None:
    """The image next to an annotation, None if there is none."""
    names = (source.with_suffix(suffix) for lower in _SUFFIXES for suffix in (lower, lower.upper()))
    return next((path for path in names if path.exists()), None)


def files_of(source: Path) -> tuple[Path, ...]:
    """The sample's annotation and, if it exists, its image."""
    image = image_of(source)
    return (source,) if image is None else (source, image)


def read_pts(path: Path) -> np.ndarray:
    """The 68 points (68, 2) of a ``.pts`` file in image pixels, 0-based; BadSample if it holds anything else."""
    _, opened, rest = read_text(path).partition("{")
    inside, closed, _ = rest.partition("}")
    if not (opened and closed):
        raise BadSample(path, "not a .pts file: it has no points between { and }")
    lines = [line for line in inside.splitlines() if line.strip()]
    return check_points(parse_points(lines, path), IBUG68.count, path) - 1


FORMAT = Format(NAME, "images with .pts", find, open_folder, tuple(SPLITS))
