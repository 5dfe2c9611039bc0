"""AFLW2000-3D (Zhu et al. 2016, "Face Alignment Across Large Poses"): ``image00002.jpg`` with ``image00002.mat``.

The points are ``pt3d_68``, the 68 points of a fitted head, so they are projections, also where hidden. They count from
1, as MATLAB does (the authors' scripts draw a fitted head at row height + 1 − y), so 1 is subtracted. Splits are the
ranges of yaw that papers report, from ``Pose_Para``: pitch, yaw, roll in radians, three shifts, a scale.
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
    """The annotations among ``files``: imageNNNNN.mat in folders that also have the images."""
    return find_mats(files, r"image\d{5}\.mat")


def open_folder(folder: Path, files: list[Path], split: str | None, labels: Labels | None) -> FaceDataset:
    """The faces in a range of yaw, for which every .mat is read, or all; errors of `Format.open`."""
    FORMAT.check(folder, split, None)
    if labels == "2d":
        raise ValueError(f"{folder} is of format aflw2000, whose 68 points are projected; it has no '2d' labels")
    sources, name = tuple(find(files)), folder.resolve().name
    if split is not None:
        least, most = _RANGES[split]
        # a bound belongs to the lower range, as in the papers' tables
        sources = tuple(p for p in sources if least < _yaw(p) <= most or (least == 0 and _yaw(p) == 0))
        name = f"{name}:{split}"
        if not sources:
            raise ValueError(f"no face of split '{split}' in {folder}")
    return FaceDataset(name, "aflw2000", IBUG68.name, "projected", sources, read_sample, files_of)


def read_pose(source: Path) -> tuple[float, float, float]:
    """Pitch, yaw and roll of a .mat in degrees; BadSample if it has none."""
    pitch, yaw, roll = (math.degrees(angle) for angle in read_mat(source, "Pose_Para", (1, 7))[0, :3])
    return pitch, yaw, roll


def read_sample(source: Path) -> FaceSample:
    """The sample with the annotation ``source``; BadSample if that or its image is missing or invalid."""
    points = check_points(read_mat(source, "pt3d_68", (3, IBUG68.count))[:2].T, IBUG68.count, source) - 1
    picture = picture_of(source)
    if picture is None:
        raise BadSample(source, "no image of that name next to it")
    box = landmark_box(points, IBUG68.name)
    return FaceSample(read_sample_image(picture), points, IBUG68.name, box, None, str(picture), "projected")


def files_of(source: Path) -> tuple[Path, ...]:
    """The sample's annotation and, if it exists, its image."""
    picture = picture_of(source)
    return (source,) if picture is None else (source, picture)


def _yaw(source: Path) -> float:
    """Absolute yaw in degrees; NaN, which is in no range, if the .mat has none."""
    try:
        return abs(read_pose(source)[1])
    except BadSample:
        return math.nan


FORMAT = Format("aflw2000", "imageNNNNN.jpg with imageNNNNN.mat", find, open_folder, tuple(_RANGES))
