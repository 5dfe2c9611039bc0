"""300W-LP (Zhu et al. 2016): photographs of 300-W rotated in depth, each with a ``.mat``; 68 points, 1-based.

Two label conventions: ``2d`` is ``pt2d`` next to the image, the annotators' points, with the jaw on the visible
outline; ``projected`` is ``pts_3d`` in the folder ``landmarks``, from a fitted head. Splits are the folders, AFW to
LFPW, and ``flip``, their mirror images; the other splits leave those out.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from fauxface.datasets.base import BadSample, FaceDataset, Format, Labels, check_points, read_sample_image
from fauxface.datasets.matfiles import find_mats, picture_of, read_mat
from fauxface.faces import FaceSample, landmark_box
from fauxface.landmarks import IBUG68

_FOLDERS = ("afw", "helen", "ibug", "lfpw")


def find(files: list[Path]) -> list[Path]:
    """The annotations among ``files``: NAME_N.mat in folders that also have the images."""
    return find_mats(files, r".+_\d+\.mat")


def open_folder(folder: Path, files: list[Path], split: str | None, labels: Labels | None) -> FaceDataset:
    """The faces in a split, or all, by default with ``2d`` labels; errors of `Format.open`."""
    FORMAT.check(folder, split, None)
    chosen, sources, name = labels or "2d", find(files), folder.resolve().name
    if split is not None:
        sources = [path for path in sources if _in_split(path, split)]
        name = f"{name}:{split}"
        if not sources:
            raise ValueError(f"no face of split '{split}' in {folder}: its folders are AFW, AFW_Flip, HELEN, …")
    reader = partial(read_sample, labels=chosen)
    return FaceDataset(name, "300w_lp", IBUG68.name, chosen, tuple(sources), reader, files_of)


def read_sample(source: Path, labels: Labels) -> FaceSample:
    """The sample with the .mat ``source``; BadSample if a part of it is missing or invalid."""
    if labels == "2d":
        points, file = read_mat(source, "pt2d", (2, IBUG68.count)).T, source
    else:
        file = _landmarks_of(source)
        points = read_mat(file, "pts_3d", (IBUG68.count, 2), (IBUG68.count, 3))[:, :2]
    points = check_points(points, IBUG68.count, file) - 1
    picture = picture_of(source)
    if picture is None:
        raise BadSample(source, "no image of that name next to it")
    box = landmark_box(points, IBUG68.name)
    return FaceSample(read_sample_image(picture), points, IBUG68.name, box, None, str(picture), labels)


def files_of(source: Path) -> tuple[Path, ...]:
    """The sample's existing files: its .mat, its image, and the .mat with its projected points."""
    picture, more = picture_of(source), _landmarks_of(source)
    return tuple(path for path in (source, picture, more if more.is_file() else None) if path is not None)


def _landmarks_of(source: Path) -> Path:
    return source.parents[1] / "landmarks" / source.parent.name / f"{source.stem}_pts.mat"


def _in_split(path: Path, split: str) -> bool:
    name, _, flipped = path.parent.name.lower().partition("_")
    return flipped == "flip" if split == "flip" else (name, flipped) == (split, "")


FORMAT = Format("300w_lp", "NAME_N.jpg with NAME_N.mat", find, open_folder, (*_FOLDERS, "flip"))
