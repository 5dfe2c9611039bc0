"""Prediction for photographs and videos: drawn pictures and JSON of their faces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from rich.progress import Progress

from fauxface.console import log, progress_console
from fauxface.images import Picture, read_picture, write_image
from fauxface.inference.config import DEFAULT_SMOOTH, Smooth
from fauxface.inference.landmarker import Face, Landmarker
from fauxface.inference.predict_video import check_video, follow_video
from fauxface.inference.sources import Sources, find_sources
from fauxface.inference.styles import Style, draw_faces
from fauxface.inference.tracker import Tracker, TrackerSettings
from fauxface.inference.writing import Outputs, Targets, open_outputs

BATCH_PIXELS = 32_000_000
"""Pixels of a batch of photographs at most, unless a single one has more."""
BATCH_IMAGES = 32
"""Photographs of a batch at most."""
WHOLE_PIXELS = 64_000_000
"""Larger photographs are searched and drawn at a reduced size; results stay in the pixels of the file."""
MIN_SIDE = 16
"""Photographs with a side shorter than this are refused (px)."""


@dataclass
class Predictions:
    """Results: (photograph, its faces) in order, a line about each source, and one for each that could not be read."""

    faces: list[tuple[Path, list[Face]]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """A line for each photograph or video: its name and its number of faces."""
        return self.told

    def tell(self, line: str) -> None:
        """Add the line about a photograph or video that is done."""
        self.told.append(line)
        log.debug(line)

    def skip(self, reason: str) -> None:
        """Leave out a photograph or video."""
        self.skipped.append(reason)
        log.warning(f"skipped {reason}")


def predict_files(
    sources: Path | Sequence[str | Path],
    landmarker: Landmarker,
    out: Path | None = None,
    json_file: Path | None = None,
    skip_bad: bool = False,
    style: Style = "all",
) -> Predictions:
    """Landmarks of every face in photographs and videos: files, folders, patterns (see `find_sources`).

    ``out`` and ``json_file`` are as in `Targets`. Raises ValueError or OSError, in one line, for a source that is
    missing, empty or (without ``skip_bad``) cannot be read, and as `Targets.check`.
    """
    found = find_sources([sources] if isinstance(sources, str | Path) else sources)
    with open_outputs(found, landmarker.origin, Targets(out, json_file)) as outputs:
        return predict_found(found, landmarker, outputs, skip_bad, style)


def predict_found(
    found: Sources,
    landmarker: Landmarker,
    outputs: Outputs,
    skip_bad: bool = False,
    style: Style = "all",
    settings: TrackerSettings | None = None,
    smooth: Smooth = DEFAULT_SMOOTH,
) -> Predictions:
    """Landmarks of every face in these photographs and videos, in order; errors as `predict_files`.

    ``settings``: of the tracker in videos.
    """
    result = Predictions()
    for line in found.left_out:
        log.info(line)
    for moving, group in groupby(found.files, found.videos.__contains__):
        files = list(group)
        if moving:
            for video in _readable(found, files, skip_bad, result):
                tracker = Tracker(landmarker, settings=settings)
                done = follow_video(found, video, tracker, outputs, style, smooth, skip_bad)
                for line in done.lines():
                    result.tell(line)
            continue
        most = 1 if outputs.streams else BATCH_IMAGES
        batches = _batches(files, skip_bad, result, most, found.reading.exposure)
        for paths, pictures in _shown(batches, len(files)):
            for path, picture, faces in zip(paths, pictures, landmarker([p.image for p in pictures]), strict=True):
                whole = [face.scaled(picture.scale) for face in faces]
                result.faces.append((path, whole))
                outputs.add(outputs.origin.item(path, picture.size, whole))
                if (drawing := outputs.drawing(path)) is not None:
                    write_image(drawing, draw_faces(picture.image, faces, style))
                result.tell(f"{path}: {len(faces)} face{'s' * (len(faces) != 1)}")
    return result


def _readable(found: Sources, videos: list[Path], skip_bad: bool, result: Predictions) -> Iterator[Path]:
    """The videos that can be read; ValueError at the first other one, unless ``skip_bad``."""
    for video in videos:
        try:
            if not (skip_bad and video in found.sequences):  # bad frames of a sequence are left out one by one
                check_video(found, video)
        except ValueError as error:
            if not skip_bad:
                raise
            result.skip(str(error))
            continue
        yield video


def _batches(
    photos: list[Path], skip_bad: bool, result: Predictions, most: int, exposure: float
) -> Iterator[tuple[list[Path], list[Picture]]]:
    paths: list[Path] = []
    pictures: list[Picture] = []
    for path in photos:
        try:
            picture = read_picture(path, WHOLE_PIXELS, exposure)
            height, width = picture.image.shape[:2]
            if min(height, width) < MIN_SIDE:
                raise ValueError(f"{path}: {width}×{height} px is too small to hold a face")
        except ValueError as error:
            if not skip_bad:
                hint = "; --skip-bad goes on without such files" if len(photos) > 1 else ""
                raise ValueError(f"{error}{hint}") from None
            result.skip(str(error))
            continue
        paths.append(path)
        pictures.append(picture)
        if len(pictures) == most or sum(p.image.size // 3 for p in pictures) > BATCH_PIXELS:
            yield paths, pictures
            paths, pictures = [], []
    if pictures:
        yield paths, pictures


def _shown(
    batches: Iterator[tuple[list[Path], list[Picture]]], total: int
) -> Iterator[tuple[list[Path], list[Picture]]]:
    """The same batches, with a progress bar on standard error where there is more than one photograph."""
    console = progress_console()
    with Progress(console=console, transient=True, disable=total == 1 or not console.is_terminal) as progress:
        task = progress.add_task("looking for faces", total=total)
        for paths, pictures in batches:
            yield paths, pictures
            progress.advance(task, len(paths))
