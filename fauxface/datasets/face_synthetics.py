"""FaceSynthetics' layout, of Microsoft's data and of renders: ``000000.png``, ``000000_ldmks.txt``, ``000000.json``.

Wood et al. 2021, "Fake It Till You Make It". The 70 points of ``_ldmks.txt`` are projections of 3-D points. Only
renders of Fauxface have the ``.json``, with visibility, the points as annotators would place them in 2-D, and other
targets (`fauxface.targets`).
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import numpy as np

from fauxface.datasets.base import (
    FaceDataset,
    Format,
    Labels,
    check_points,
    parse_points,
    read_array,
    read_record,
    read_sample_image,
    read_targets,
    read_text,
)
from fauxface.faces import FaceSample, landmark_box
from fauxface.files import read_bytes
from fauxface.landmarks import FACE_SYNTHETICS70
from fauxface.parsing import LABEL_BYTES
from fauxface.targets import TARGETS

NAME = "face_synthetics"
SETTINGS = "render.yaml"
"""File with the settings of `fauxface render` beside its renders; Microsoft's data have none."""
_POINTS = FACE_SYNTHETICS70.count


def find(files: list[Path]) -> tuple[Path, ...]:
    """The images among ``files``; those without ``_ldmks.txt`` count if another image in their folder has one."""
    labelled = {path.with_name(path.name.replace("_ldmks.txt", ".png")) for path in files if _is_labels(path)}
    folders = {path.parent for path in labelled}
    images = {path for path in files if re.fullmatch(r"\d+\.png", path.name) and path.parent in folders}
    return tuple(sorted(labelled | images))


def open_folder(folder: Path, files: list[Path], split: str | None, labels: Labels | None) -> FaceDataset:
    """The faces among ``files`` of ``folder``; ``labels`` None: ``2d`` if every sample has them, else ``projected``.

    ValueError for a split, and for ``2d`` if a sample has no such labels.
    """
    FORMAT.check(folder, split, None)
    sources = find(files)
    if labels != "projected":
        without = next((path for path in sources if not _may_have_2d(path.with_suffix(".json"))), None)
        if labels == "2d" and without is not None:
            raise ValueError(f"no 2-D landmarks for {without}: it needs landmarks_2d in {without.stem}.json")
        labels = "projected" if without else "2d"
    reader = partial(read_sample, labels=labels)
    return FaceDataset(folder.resolve().name, NAME, FACE_SYNTHETICS70.name, labels, sources, reader, files_of)


def read_sample(source: Path, labels: Labels) -> FaceSample:
    """The sample with the image ``source``; BadSample if a part of it is missing or invalid."""
    _, text_path, json_path, *_ = files_of(source)
    image = read_sample_image(source)
    lines = [line for line in read_text(text_path).splitlines() if line.strip()]
    landmarks = check_points(parse_points(lines, text_path), _POINTS, text_path)
    targets: dict[str, np.ndarray] = {}
    if labels == "2d" or json_path.exists():
        record = read_record(json_path)
        if labels == "2d":
            landmarks = check_points(read_array(record, "landmarks_2d", json_path), _POINTS, json_path)
        targets = read_targets(record, source, FACE_SYNTHETICS70)
    box, visibility = landmark_box(landmarks, FACE_SYNTHETICS70.name), targets.pop("visibility", None)
    return FaceSample(image, landmarks, FACE_SYNTHETICS70.name, box, visibility, str(source), labels, targets)


def files_of(source: Path) -> tuple[Path, ...]:
    """The sample's image, its projected points, its ``.json``, and further files of targets."""
    endings = ("_ldmks.txt", ".json", *(ending for target in TARGETS.values() for ending in target.files))
    return source, *(source.with_name(source.stem + ending) for ending in endings)


def _is_labels(path: Path) -> bool:
    return re.fullmatch(r"\d+_ldmks\.txt", path.name) is not None


def _may_have_2d(path: Path) -> bool:
    """True unless a .json lacks 2-D landmarks; a broken file counts too, so that it cannot change the convention."""
    if not path.exists():
        return False
    try:
        content = read_bytes(path, LABEL_BYTES)
    except (OSError, ValueError):
        return True
    # not parsed, as that takes minutes for 100,000 files
    return b'"landmarks_2d"' in content or not content.rstrip().endswith(b"}")


FORMAT = Format(NAME, "NNNNNN.png with NNNNNN_ldmks.txt", find, open_folder)
