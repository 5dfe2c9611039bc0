"""Read one picture with its label files, check them, and measure the picture and its faces."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from fauxface import parsing
from fauxface.audit.checks import check_face, face_covers
from fauxface.audit.duplicates import fingerprint
from fauxface.audit.records import FaceRecord, Finding, PictureRecord
from fauxface.audit.skin import monk_tone, skin_colour
from fauxface.datasets.base import (
    BadSample,
    check_points,
    parse_points,
    read_array,
    read_record,
    read_sample_image,
    read_text,
)
from fauxface.faces import Crop, landmark_box
from fauxface.files import read_bytes
from fauxface.landmarks import FACE_SYNTHETICS70, scheme_of
from fauxface.pose import rough_angles
from fauxface.segmentation import Segment

SHARPNESS_SIZE = 128
"""Side in px of the crop in which a face's sharpness is measured, so that faces of all sizes can be compared."""
_OPENINGS = {
    "mouth opening": [("mouth_14", "mouth_18")],
    "right eye opening": [("right_eye_1", "right_eye_5"), ("right_eye_2", "right_eye_4")],
    "left eye opening": [("left_eye_1", "left_eye_5"), ("left_eye_2", "left_eye_4")],
}
"""Figure → pairs of points, upper and lower; the figure is their mean distance."""
REACH = 4
"""Largest distance of a point from a picture's corner, in units of the picture's longer side."""
LABELS_BYTES = 256 << 20
_FLAT = 2.0  # standard deviation of grey values below which a picture counts as empty


def look_at(path: Path, root: Path, expected: frozenset[str]) -> PictureRecord:
    """Check one picture and measure it.

    Args:
        path: its file.
        root: the data set's folder; file names in findings are relative to it.
        expected: endings of files that should be beside it: ``_seg.png``, ``_ldmks.txt``, ``.json``.
    """
    record = PictureRecord(path)
    name = str(path.relative_to(root))

    def found(kind: str, message: str, value: float | None = None) -> None:
        record.findings.append(Finding(name, kind, message, value))

    try:
        image = read_sample_image(path)
    except BadSample as error:
        found("unreadable", error.reason)
        return record
    record.size = image.shape[:2]
    for ending in sorted(expected):
        if not path.with_name(path.stem + ending).exists():
            found("missing", f"there is no {path.stem}{ending}")
    grey = take_picture_figures(record, image, found)
    labels = _labels(path, image.shape[:2], found)
    try:
        record.faces, record.crowd = _faces(path)
        _check_near(record, path)
    except BadSample as error:
        record.faces = []
        found("unreadable", f"{error.path.name}: {error.reason}")
        return record
    for face in record.faces:
        take_figures(face, image, grey, labels)
        for kind, message, value in check_face(face, labels):
            found(kind, message, value)
    return record


def take_picture_figures(record: PictureRecord, image: np.ndarray, found: Any) -> np.ndarray:
    """Put figures and fingerprint of a picture H×W×3 into its record; return the picture in grey."""
    record.size = image.shape[:2]
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    deviation = float(grey.std())
    record.figures = {"brightness": float(grey.mean()) / 255, "contrast": deviation / 255}
    if deviation < _FLAT:
        found("empty", "the picture has a single colour", deviation)
    else:
        record.fingerprint = fingerprint(grey)
    return grey


def _labels(path: Path, size: tuple[int, int], found: Any) -> np.ndarray | None:
    """The segmentation mask (H, W); None for a missing or faulty one."""
    file = path.with_name(f"{path.stem}_seg.png")
    if not file.exists():
        return None
    try:
        data = np.frombuffer(read_bytes(file, LABELS_BYTES), np.uint8)
        labels = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    except (OSError, ValueError, cv2.error):
        labels = None
    if labels is None or labels.ndim != 2 or labels.dtype != np.uint8:
        found("unreadable", f"{file.name} is not a grey picture of 8 bits")
        return None
    if labels.shape != size:
        found("size", f"{file.name} has {labels.shape[1]}×{labels.shape[0]} px, the picture {size[1]}×{size[0]}")
        return None
    unknown = np.flatnonzero(np.bincount(labels.ravel(), minlength=256) * ~np.isin(np.arange(256), list(Segment)))
    if len(unknown):
        found("classes", f"{file.name} has the unknown class {unknown[0]}", float(unknown[0]))
    return labels


def _check_near(record: PictureRecord, path: Path) -> None:
    """Raise BadSample for a face too far outside its picture to belong to it."""
    assert record.size is not None
    for face in record.faces:
        if np.abs(face.points).max() > REACH * max(record.size):
            raise BadSample(path, "a face has points far outside the picture")


def _faces(path: Path) -> tuple[list[FaceRecord], bool]:
    """The faces in the files beside a picture, and True if they come from a list in the ``.json``."""
    text, file = path.with_name(f"{path.stem}_ldmks.txt"), path.with_suffix(".json")
    meta: dict[str, Any] = {}
    if file.exists():
        meta = read_record(file)
    if isinstance(meta.get("faces"), list):
        if not all(isinstance(entry, dict) for entry in meta["faces"]):
            raise BadSample(file, "faces is not a list of objects")
        return [_face({"generator": meta.get("generator"), **entry}, None, file) for entry in meta["faces"]], True
    projected = None
    if text.exists():
        lines = [line for line in read_text(text).splitlines() if line.strip()]
        projected = check_points(parse_points(lines, text), FACE_SYNTHETICS70.count, text)
    if projected is None and "landmarks_2d" not in meta:
        return [], False
    return [_face(meta, projected, file)], False


def _face(meta: dict[str, Any], projected: np.ndarray | None, file: Path) -> FaceRecord:
    count = FACE_SYNTHETICS70.count
    for key, value in _numbers(meta):
        if value.dtype.kind == "O" or not np.isfinite(value).all():
            raise BadSample(file, f"{key} holds a number that is not finite")
    points = projected
    if "landmarks_2d" in meta:
        points = check_points(read_array(meta, "landmarks_2d", file), count, file)
    if points is None:
        raise BadSample(file, "a face has no landmarks_2d")
    visibility = None
    if "visibility" in meta:
        visibility = read_array(meta, "visibility", file)
        if visibility.shape != (count,) or not np.isin(visibility, (0, 1)).all():
            raise BadSample(file, f"visibility is not {count} times 0 or 1")
        visibility = visibility.astype(bool)
    if "landmarks_3d" in meta and read_array(meta, "landmarks_3d", file).shape != (count, 3):
        raise BadSample(file, f"landmarks_3d is not {count} points")
    _check_meta(meta, file)
    labelled = meta.get("head_pose")
    if isinstance(labelled, dict) and {"yaw", "pitch", "roll"} <= labelled.keys():
        pose = tuple(read_array(labelled, angle, file) for angle in ("yaw", "pitch", "roll"))
        if any(angle.shape != () or abs(angle) > 360 for angle in pose):
            raise BadSample(file, "head_pose is not three angles")
        pose = (float(pose[0]), float(pose[1]), float(pose[2]))
    else:
        pose = rough_angles(points)
    return FaceRecord(points, projected, visibility, pose, isinstance(labelled, dict), meta)


def _check_meta(meta: dict[str, Any], file: Path) -> None:
    """Raise BadSample for entries of a wrong kind that checks and charts rely on."""
    camera, identity = meta.get("camera"), meta.get("identity")
    if isinstance(camera, dict) and read_array(camera, "matrix", file).shape != (3, 3):
        raise BadSample(file, "the camera's matrix is not 3×3")
    if isinstance(identity, dict) and not isinstance(identity.get("worn") or [], list | dict):
        raise BadSample(file, "worn is neither a list nor a mapping")


def _numbers(value: Any, key: str = "") -> Iterator[tuple[str, np.ndarray]]:
    """Every number and array of numbers in a label file, with its name."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _numbers(part, f"{key}.{name}" if key else str(name))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield key, np.array(value)
    elif isinstance(value, list):
        try:
            yield key, parsing.numbers(value, key)
        except ValueError:
            for part in value:
                yield from _numbers(part, key)


def take_figures(face: FaceRecord, image: np.ndarray, grey: np.ndarray, labels: np.ndarray | None) -> None:
    """Put a face's figures into its record: from its points, the picture H×W×3 (and in grey) and the mask (H, W)."""
    points, figures = face.points, face.figures
    figures["yaw"], figures["pitch"], figures["roll"] = face.pose
    figures["face side"] = face.side / max(grey.shape)
    index = scheme_of(face.scheme).index
    for name, pairs in _OPENINGS.items():
        gaps = [points[i] - points[j] for a, b in pairs if None not in (i := index(a), j := index(b))]
        if gaps:
            figures[name] = float(np.linalg.norm(gaps, axis=1).mean()) / face.side
    crop = Crop.around(landmark_box(points, face.scheme), SHARPNESS_SIZE).extract(grey)
    figures["sharpness"] = float(cv2.Laplacian(crop, cv2.CV_32F).var()) ** 0.5 / 255
    figures["face brightness"], figures["face contrast"] = float(crop.mean()) / 255, float(crop.std()) / 255
    if face.visibility is not None:
        figures["hidden points"] = 1 - float(face.visibility.mean())
    if labels is not None:
        face.covers.update(face_covers(face, labels))
        figures["cover"] = sum(face.covers.values()) - face.covers["beard"]
        colour = skin_colour(face, image, labels)
        if colour is not None:
            figures["pictured tone"] = float(monk_tone(colour))
    identity = face.meta.get("identity")
    if isinstance(identity, dict):
        labelled = {"age": "age", "gender": "gender"}
        if face.meta.get("generator") != "1":  # the first generator had another scale
            labelled["skin_tone"] = "skin tone"
        for key, name in labelled.items():
            if isinstance(identity.get(key), int | float):
                figures[name] = float(identity[key])
