"""Photographs in, drawn pictures and JSON out: what ``fauxface predict`` does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress

from fauxface.files import write_text
from fauxface.images import is_image, read_image, write_image
from fauxface.inference.landmarker import Face, Landmarker
from fauxface.inference.styles import Style, draw_faces
from fauxface.inference.video import is_video
from fauxface.names import printable
from fauxface.outputs import check_file, check_folder, distinct_names, filled_folder, in_folder

BATCH_PIXELS = 32_000_000
"""Photographs are taken together until they hold so many pixels, or until there are ``BATCH_IMAGES``."""
BATCH_IMAGES = 32
MIN_SIDE = 16
"""Photographs with a side shorter than this are refused (px)."""
RESULT = "predictions.json"


@dataclass
class Predictions:
    """What was found: (photograph, its faces) in order, and the photographs that could not be read, with the reason."""

    faces: list[tuple[Path, list[Face]]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def as_json(self) -> str:
        """The list that ``fauxface predict --json`` writes, as text; a photograph a line."""
        rows = [{"image": str(path), "faces": [face.as_json() for face in faces]} for path, faces in self.faces]
        return "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n"


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
    photos = photos_in(source)
    check_outputs(source, out, json_file)
    result = Predictions()
    with ExitStack() as stack:
        drawn = stack.enter_context(filled_folder(out, "predict", [source])) if out is not None else None
        names = drawing_names(photos)
        batches = _batches(photos, skip_bad, result.skipped)
        progress = Console(stderr=True)
        for paths, images in _shown(batches, len(photos), progress):
            found = landmarker(images)
            for path, image, faces in zip(paths, images, found, strict=True):
                result.faces.append((path, faces))
                if drawn is not None:
                    write_image(drawn / names[path], draw_faces(image, faces, style))
        for line in result.skipped:
            progress.print(printable(f"skipped {line}"), markup=False, highlight=False, soft_wrap=True)
        if drawn is not None:
            write_text(drawn / RESULT, result.as_json())
        if json_file is not None:
            write_text(in_folder(json_file, out, drawn), result.as_json())
    return result


def photos_in(source: Path) -> list[Path]:
    """The photograph, or the folder's photographs by name; one clear error where there are none."""
    if not source.exists():
        raise FileNotFoundError(f"{source}: there is no such file or folder")
    if source.is_dir():
        photos = sorted(path for path in source.iterdir() if path.is_file() and is_image(path))
        if not photos:
            raise ValueError(f"{source} holds no photographs (.jpg, .png, .webp, .bmp, .tif)")
        return photos
    if is_video(source):
        raise ValueError(f"{source} is a video, not a photograph")
    return [source]


def check_outputs(source: Path, out: Path | None, json_file: Path | None) -> None:
    """Refuse, in one line, outputs that would cost something of the user's: see `fauxface.outputs`."""
    photos = photos_in(source) if source.is_dir() else [source]
    if out is not None:
        check_folder(out, "predict", [source])
    if json_file is not None:
        video = [source.stem + suffix for suffix in (".mp4", ".csv", ".parquet")]
        check_file(json_file, "--json", photos, out, [*drawing_names(photos).values(), *video])


def drawing_names(photos: list[Path]) -> dict[Path, str]:
    """The name of each photograph's drawing: its own, as PNG unless it is a JPEG; no name twice."""
    suffixes = [".jpg" if path.suffix.lower() in (".jpg", ".jpeg") else ".png" for path in photos]
    return dict(zip(photos, distinct_names(photos, suffixes, photos[0].parent), strict=True))


def _batches(photos: list[Path], skip_bad: bool, skipped: list[str]) -> Iterator[tuple[list[Path], list[np.ndarray]]]:
    paths: list[Path] = []
    images: list[np.ndarray] = []
    for path in photos:
        try:
            image = read_image(path)
            if min(image.shape[:2]) < MIN_SIDE:
                raise ValueError(f"{path}: {image.shape[1]}×{image.shape[0]} px is too small to hold a face")
        except ValueError as error:
            if not skip_bad:
                hint = "; --skip-bad goes on without such files" if len(photos) > 1 else ""
                raise ValueError(f"{error}{hint}") from None
            skipped.append(str(error))
            continue
        paths.append(path)
        images.append(image)
        if len(images) == BATCH_IMAGES or sum(i.shape[0] * i.shape[1] for i in images) > BATCH_PIXELS:
            yield paths, images
            paths, images = [], []
    if images:
        yield paths, images


def _shown(
    batches: Iterator[tuple[list[Path], list[np.ndarray]]], total: int, console: Console
) -> Iterator[tuple[list[Path], list[np.ndarray]]]:
    """The same batches, with a progress bar on standard error where there is more than one photograph."""
    with Progress(console=console, transient=True, disable=total == 1) as progress:
        task = progress.add_task("looking for faces", total=total)
        for paths, images in batches:
            yield paths, images
            progress.advance(task, len(paths))
