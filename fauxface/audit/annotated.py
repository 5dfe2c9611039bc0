"""Audits of data sets of other formats, whose readers give faces one by one; here they are grouped by picture."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np

from fauxface.audit.checks import check_face
from fauxface.audit.pictures import take_figures, take_picture_figures
from fauxface.audit.records import FaceRecord, Finding, PictureRecord
from fauxface.datasets import BadSample, FaceDataset
from fauxface.datasets.reading import try_samples
from fauxface.faces import FaceSample
from fauxface.pose import rough_angles


def look_at_samples(dataset: FaceDataset, folder: Path, workers: int) -> list[PictureRecord]:
    """Every picture of a data set in ``folder`` with its faces; an unreadable face is a finding of its file."""
    pictures: dict[str, PictureRecord] = {}
    bad: list[PictureRecord] = []
    with closing(try_samples(dataset, lambda sample: _look_at(sample, folder), workers, "looking at")) as results:
        for index, record in results:
            if isinstance(record, BadSample):
                finding = Finding(_name(record.path, folder), "unreadable", record.reason)
                bad.append(PictureRecord(record.path, findings=[finding]))
                continue
            known = pictures.setdefault(str(record.path), record)
            if known is record:
                record.reader = _reader(dataset, index)
            else:
                known.faces += record.faces
                known.findings += [finding for finding in record.findings if finding not in known.findings]
                known.crowd = True
    return [*pictures.values(), *bad]


def _look_at(sample: FaceSample, folder: Path) -> PictureRecord:
    record = PictureRecord(Path(sample.source))
    name = _name(record.path, folder)

    def found(kind: str, message: str, value: float | None = None) -> None:
        record.findings.append(Finding(name, kind, message, value))

    grey = take_picture_figures(record, sample.image, found)
    pose = rough_angles(sample.landmarks, sample.scheme)
    face = FaceRecord(sample.landmarks, None, sample.visibility, pose, False, {}, scheme=sample.scheme)
    take_figures(face, sample.image, grey, None)
    record.faces = [face]
    for kind, message, value in check_face(face, None):
        found(kind, message, value)
    return record


def _reader(dataset: FaceDataset, index: int) -> Callable[[], np.ndarray]:
    return lambda: dataset[index].image


def _name(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder))
