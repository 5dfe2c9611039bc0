"""Frames with any number of labelled faces, from ``fauxface render --faces``; renders of one face count too.

Next to ``000000.png`` is ``000000.json``, in which ``faces`` lists everybody in the frame: ``landmarks_2d`` (70×2) and
``visibility`` (70). A render of one face has no such list and is a frame with one face.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fauxface.datasets.base import BadSample, check_points, list_files, read_array, read_record, read_sample_image
from fauxface.faces import landmark_box
from fauxface.images import is_image
from fauxface.landmarks import FACE_SYNTHETICS70
from fauxface.parsing import read_json

SCHEME = FACE_SYNTHETICS70.name
SOURCES = "sources.json"
"""File in a folder of pictures without faces: a list of texts that say where they come from and under which terms."""


@dataclass(frozen=True)
class FrameSample:
    """One frame and its F faces.

    Attributes:
        image: H×W×3 uint8, RGB.
        landmarks: F×70×2 float64, image pixels, as annotators would place them; may lie outside the image.
        boxes: F×4 float64, tight boxes of the landmarks.
        visibility: F×70 booleans (True = seen).
        source: the image's file.
    """

    image: np.ndarray
    landmarks: np.ndarray
    boxes: np.ndarray
    visibility: np.ndarray
    source: Path


def find_frames(folder: Path) -> tuple[Path, ...]:
    """The images of renders in ``folder`` and below, sorted.

    FileNotFoundError if there is no such folder; ValueError, in one line, if it holds none.
    """
    files = list_files(folder)
    known = set(files)
    found = tuple(p for p in files if re.fullmatch(r"\d+\.png", p.name) and p.with_suffix(".json") in known)
    if not found:
        raise ValueError(
            f"no frames in {folder} (NNNNNN.png with NNNNNN.json, as `fauxface render --faces` writes them)"
        )
    return found


def find_empty(folder: Path) -> tuple[Path, ...]:
    """The pictures in ``folder`` and below that show no faces, sorted; errors as `find_frames`."""
    found = tuple(path for path in list_files(folder) if is_image(path))
    if not found:
        raise ValueError(f"no pictures in {folder}")
    return found


def read_sources(folder: Path) -> list[str]:
    """What the folder's `SOURCES` says; an empty list without that file. ValueError, in one line, for other content."""
    path = folder / SOURCES
    if not path.is_file():
        return []
    told = read_json(path)
    if not isinstance(told, list) or not all(isinstance(text, str) for text in told):
        raise ValueError(f"{path}: not a list of texts")
    return told


def read_empty(source: Path) -> FrameSample:
    """A picture without faces as a frame; BadSample if it cannot be read."""
    count = FACE_SYNTHETICS70.count
    nobody = np.zeros((0, count, 2)), np.zeros((0, 4)), np.zeros((0, count), bool)
    return FrameSample(read_sample_image(source), *nobody, source)


def read_frame(source: Path) -> FrameSample:
    """The frame with the image ``source``; BadSample if a part of it is missing or invalid."""
    path = source.with_suffix(".json")
    record = read_record(path)
    faces = record.get("faces", [record])
    if not isinstance(faces, list):
        raise BadSample(path, "faces is not a list")
    count = FACE_SYNTHETICS70.count
    landmarks = np.zeros((len(faces), count, 2))
    visibility = np.ones((len(faces), count), bool)
    for i, face in enumerate(faces):
        landmarks[i] = check_points(read_array(face, "landmarks_2d", path), count, path)
        if "visibility" in face:
            seen = read_array(face, "visibility", path)
            if seen.shape != (count,):
                raise BadSample(path, f"visibility of face {i} is not {count} numbers")
            visibility[i] = seen > 0
    boxes = np.array([landmark_box(points, SCHEME) for points in landmarks]).reshape(-1, 4)
    return FrameSample(read_sample_image(source), landmarks, boxes, visibility, source)
