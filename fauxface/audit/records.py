"""Records of an audit: of each face, each picture, the whole folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fauxface.images import read_image
from fauxface.landmarks import FACE_SYNTHETICS70, scheme_of


@dataclass(frozen=True)
class Finding:
    """A fault of a file or a label.

    Attributes:
        file: its picture, relative to the folder.
        kind: one of ``fauxface.audit.report.KINDS``.
        message: the details, in words.
        value: size of the fault, in the unit of the kind's tolerance; None without a number.
    """

    file: str
    kind: str
    message: str
    value: float | None = None


@dataclass
class FaceRecord:
    """The labels and figures of one face.

    Attributes:
        points: (N, 2) px in the convention ``2d`` (as annotators click them) if the data set has it, else projected.
        projected: (N, 2) px from ``_ldmks.txt``, or None.
        visibility: (N,) booleans, or None.
        pose: yaw, pitch, roll in degrees (> 0: to the image's right, up, clockwise).
        pose_told: True for a labelled pose, False for one estimated from the points.
        meta: the face's entry of the ``.json``, empty without one.
        figures: name → number, for the distributions.
        covers: what covers the face, such as hair → share of the face; empty without a segmentation mask.
        scheme: the landmark scheme of the points.
    """

    points: np.ndarray
    projected: np.ndarray | None
    visibility: np.ndarray | None
    pose: tuple[float, float, float]
    pose_told: bool
    meta: dict[str, Any]
    figures: dict[str, float] = field(default_factory=dict)
    covers: dict[str, float] = field(default_factory=dict)
    scheme: str = FACE_SYNTHETICS70.name

    @property
    def kinds(self) -> Iterator[tuple[str, str]]:
        """Named entries of the labels: (aspect, kind), such as ("worn", "headwear")."""
        identity, place = (self.meta.get(key) for key in ("identity", "place"))
        if isinstance(identity, dict):
            for aspect in ("hair_style", "hair", "beard"):
                if aspect in identity:
                    yield aspect.replace("_", " "), str(identity[aspect] or "none")
            for kind in identity.get("worn") or ():
                yield "worn", str(kind)
        if isinstance(place, dict):
            yield from (
                (aspect, str(place[key])) for aspect, key in (("place", "name"), ("light", "light")) if key in place
            )

    @property
    def side(self) -> float:
        """Longer side, px, of the box of the points without the pupils."""
        return float(np.ptp(self.points[list(scheme_of(self.scheme).outline)], axis=0).max())


@dataclass
class PictureRecord:
    """The figures of one picture, and its faces.

    Attributes:
        path: the picture's file.
        size: height and width, px; None if it cannot be read.
        faces: its faces.
        findings: faults of the picture and its faces.
        figures: name → number.
        fingerprint: perceptual hash, 32 bytes; None for a picture of a single colour.
        crowd: True if its label file has a list of faces.
        reader: gives the picture's pixels if they are not those of its file.
    """

    path: Path
    size: tuple[int, int] | None = None
    faces: list[FaceRecord] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)
    fingerprint: bytes | None = None
    crowd: bool = False
    reader: Callable[[], np.ndarray] | None = None

    def pixels(self) -> np.ndarray:
        """The picture, H×W×3 uint8 RGB; errors of the reader."""
        return read_image(self.path) if self.reader is None else self.reader()


@dataclass(frozen=True)
class Audit:
    """The result of an audit.

    Attributes:
        folder: the data set's folder.
        pictures: every picture, in the order of their names.
        findings: every fault, by picture.
        notes: facts worth knowing that are not faults.
    """

    folder: Path
    pictures: list[PictureRecord]
    findings: list[Finding]
    notes: list[str]

    @property
    def faces(self) -> list[FaceRecord]:
        """The faces of all pictures."""
        return [face for picture in self.pictures for face in picture.faces]

    def summary(self) -> str:
        """A few lines of counts."""
        kinds = Counter(finding.kind for finding in self.findings)
        lines = [f"{len(self.pictures):,} pictures, {len(self.faces):,} faces, {len(self.findings):,} findings"]
        lines += [f"  {kind:<14}{count:>7,}" for kind, count in kinds.most_common()]
        return "\n".join([*lines, *self.notes])
