"""AFLW2000-3D (Zhu et al. 2016, "Face Alignment Across Large Poses"): ``image00002.jpg`` with ``image00002.mat``.

The points are ``pt3d_68``, a fitted head's 68, so they are projections, also where hidden. MATLAB counts from 1: the
authors' own scripts draw a fitted head at row height + 1 − y, so 1 is subtracted. Splits are the papers' ranges of yaw,
by ``Pose_Para``: pitch, yaw, roll in radians, three shifts, a scale.
"""

from __future__ import annotations

import math
from pathlib import Path

from fauxface.datasets.base import BadSample, FaceDataset, Format, Labels, check_points, read_sample_image
from fauxface.datasets.matfiles import find_mats, picture_of, read_mat
from fauxface.faces import FaceSample, landmark_box
from fauxface.landmarks import IBUG68

_RANGES = {"yaw-0-30": (0, 30), "yaw-30-60": (30, 60), "yaw-60-90": (60, 90)}


def find(files: list[Path]) -> list[Path]:
    """The annotations among ``files``: imageNNNNN.mat in folders where they have pictures."""
    return find_mats(files, r"image\d{5}\.mat")


def open_folder(folder: Path, files: list[Path], split: str | None, labels: Labels | None) -> FaceDataset:
    """The faces of a range of yaw (which reads every .mat), or all; errors as `Format.open`."""
    FORMAT.check(folder, split, None)
    if labels == "2d":
        raise ValueError(f"{folder} is of format aflw2000, whose 68 points are projected; it has no '2d' labels")
    sources, name = tuple(find(files)), folder.resolve().name
    if split is not None:
        least, most = _RANGES[split]
        # in [least, most], a bound counted to the lower range, as the papers' tables have it
        sources = tuple(p for p in sources if least < _turned(p) <= most or (least == 0 and _turned(p) == 0))
        name = f"{name}:{split}"
        if not sources:
            raise ValueError(f"no face of split '{split}' in {folder}")
    return FaceDataset(name, "aflw2000", IBUG68.name, "projected", sources, read_sample, files_of)


def read_pose(source: Path) -> tuple[float, float, float]:
    """Pitch, yaw and roll in degrees as a .mat has them; BadSample if it has none."""
    pitch, yaw, roll = (math.degrees(angle) for angle in read_mat(source, "Pose_Para", (1, 7))[0, :3])
    return pitch, yaw, roll


def read_sample(source: Path) -> FaceSample:
    """The sample whose annotation is ``source``; BadSample if that or its picture is missing or wrong."""
    points = check_points(read_mat(source, "pt3d_68", (3, IBUG68.count))[:2].T, IBUG68.count, source) - 1
    picture = picture_of(source)
    if picture is None:
        raise BadSample(source, "no picture of that name beside it")
    box = landmark_box(points, IBUG68.name)
    return FaceSample(read_sample_image(picture), points, IBUG68.name, box, None, str(picture), "projected")


def files_of(source: Path) -> tuple[Path, ...]:
    """The sample's annotation and its picture, if that is there."""
    picture = picture_of(source)
    return (source,) if picture is None else (source, picture)


def _turned(source: Path) -> float:
    """Degrees that a face is turned by, to either side; NaN, which no range holds, where the .mat does not tell."""
    try:
        return abs(read_pose(source)[1])
    except BadSample:
        return math.nan


FORMAT = Format("aflw2000", "imageNNNNN.jpg with imageNNNNN.mat", find, open_folder, tuple(_RANGES))
