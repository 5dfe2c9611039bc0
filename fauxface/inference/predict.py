"""Prediction for photographs: drawn pictures and JSON of the faces in a photograph or a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from fauxface.files import regular_size
from fauxface.images import FORMATS, Picture, read_picture, sort_out, write_image
from fauxface.inference.landmarker import Face, Landmarker
from fauxface.inference.result import open_result
from fauxface.inference.styles import Style, draw_faces
from fauxface.inference.video import is_video
from fauxface.names import printable
from fauxface.outputs import check_file, check_folder, distinct_names, filled_folder, in_folder

BATCH_PIXELS = 32_000_000
"""Pixels of a batch of photographs at most, unless a single one has more."""
BATCH_IMAGES = 32
"""Photographs of a batch at most."""
WHOLE_PIXELS = 64_000_000
"""Larger photographs are searched and drawn at a reduced size; results stay in the pixels of the file."""
MIN_SIDE = 16
"""Photographs with a side shorter than this are refused (px)."""
RESULT = "predictions.json"


@dataclass
class Predictions:
    """Results: (photograph, its faces) in order, and a line for each photograph that could not be read."""

    faces: list[tuple[Path, list[Face]]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """A line for each photograph: its name and its number of faces."""
        return [f"{path}: {len(faces)} face{'s' * (len(faces) != 1)}" for path, faces in self.faces]


def predict_files(
    source: Path,
    landmarker: Landmarker,
    out: Path | None = None,
    json_file: Path | None = None,
    skip_bad: bool = False,
    style: Style = "all",
) -> Predictions:
    """Landmarks of every face in a photograph, or in each photograph of a folder.

    ``out`` gets the drawn pictures and ``predictions.json``, as a whole or not at all; it may be new, empty, or wholly
    from an earlier run, which is replaced. ``json_file`` gets the JSON. Raises ValueError or OSError, in one line, for
    a source that is missing, empty or (without ``skip_bad``) cannot be read, and as `check_outputs`.
    """
    photos, left_out = photos_in(source)
    check_outputs(source, out, json_file)
    result = Predictions()
    with ExitStack() as stack:
        drawn = stack.enter_context(filled_folder(out, "predict", [source])) if out is not None else None
        files = [drawn / RESULT] if drawn is not None else []
        files += [in_folder(json_file, out, drawn)] if json_file is not None else []
        origin = landmarker.origin
        sinks = [stack.enter_context(open_result(file, origin)) for file in files]
        names = drawing_names(photos)
        batches = _batches(photos, skip_bad, result.skipped)
        progress = Console(stderr=True)
        if left_out:
            progress.print(printable(left_out), markup=False, highlight=False, soft_wrap=True)
        for paths, pictures in _shown(batches, len(photos), progress):
            found = landmarker([picture.image for picture in pictures])
            for path, picture, faces in zip(paths, pictures, found, strict=True):
                result.faces.append((path, [face.scaled(picture.scale) for face in faces]))
                for sink in sinks:
                    sink(origin.item(path, picture.size, result.faces[-1][1]))
                if drawn is not None:
                    write_image(drawn / names[path], draw_faces(picture.image, faces, style))
        for line in result.skipped:
            progress.print(printable(f"skipped {line}"), markup=False, highlight=False, soft_wrap=True)
    return result


def photos_in(source: Path) -> tuple[list[Path], str]:
    """Photographs of a source, a file or a folder, sorted by name, and a line about the folder's other files.

    ValueError for a source without photographs, FileNotFoundError for one that is missing.
    """
    if source.is_dir():
        photos, left_out = sort_out(list(source.iterdir()))
        if not photos:
            kinds = ", ".join(suffixes[0] for suffixes in FORMATS.values())
            raise ValueError(f"{source} holds no photographs ({kinds}): {left_out or 'it is empty'}")
        return photos, left_out
    if not source.exists():
        raise FileNotFoundError(f"{source}: there is no such file or folder")
    regular_size(source)
    if is_video(source):
        raise ValueError(f"{source} is a video, not a photograph")
    return [source], ""


def check_outputs(source: Path, out: Path | None, json_file: Path | None) -> None:
    """Refuse, in one line, outputs that would overwrite files of the user; see `fauxface.outputs`."""
    photos = photos_in(source)[0] if source.is_dir() else [source]
    if out is not None:
        check_folder(out, "predict", [source])
    if json_file is not None:
        video = [source.stem + suffix for suffix in (".mp4", ".csv", ".parquet")]
        check_file(json_file, "--json", photos, out, [*drawing_names(photos).values(), *video])


def drawing_names(photos: list[Path]) -> dict[Path, str]:
    """The name of each photograph's drawing: its own, as PNG unless it is a JPEG; no name twice."""
    suffixes = [".jpg" if path.suffix.lower() in (".jpg", ".jpeg") else ".png" for path in photos]
    return dict(zip(photos, distinct_names(photos, suffixes, photos[0].parent), strict=True))


def _batches(photos: list[Path], skip_bad: bool, skipped: list[str]) -> Iterator[tuple[list[Path], list[Picture]]]:
    paths: list[Path] = []
    pictures: list[Picture] = []
    for path in photos:
        try:
            picture = read_picture(path, WHOLE_PIXELS)
            height, width = picture.image.shape[:2]
            if min(height, width) < MIN_SIDE:
                raise ValueError(f"{path}: {width}×{height} px is too small to hold a face")
        except ValueError as error:
            if not skip_bad:
                hint = "; --skip-bad goes on without such files" if len(photos) > 1 else ""
                raise ValueError(f"{error}{hint}") from None
            skipped.append(str(error))
            continue
        paths.append(path)
        pictures.append(picture)
        if len(pictures) == BATCH_IMAGES or sum(p.image.size // 3 for p in pictures) > BATCH_PIXELS:
            yield paths, pictures
            paths, pictures = [], []
    if pictures:
        yield paths, pictures


def _shown(
    batches: Iterator[tuple[list[Path], list[Picture]]], total: int, console: Console
) -> Iterator[tuple[list[Path], list[Picture]]]:
    """The same batches, with a progress bar on standard error where there is more than one photograph."""
    with Progress(console=console, transient=True, disable=total == 1) as progress:
        task = progress.add_task("looking for faces", total=total)
        for paths, pictures in batches:
            yield paths, pictures
            progress.advance(task, len(paths))
