"""A video in; a drawn video, a table and JSON out: what ``fauxface predict clip.mp4`` does."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress

from fauxface.console import progress_console
from fauxface.files import atomic_path
from fauxface.inference.following import Follower
from fauxface.inference.landmarker import Face
from fauxface.inference.result import Origin
from fauxface.inference.sources import Sources
from fauxface.inference.styles import Style, draw_faces
from fauxface.inference.video import VideoFrame, VideoReader, VideoWriter, fit, write_video
from fauxface.inference.writing import Outputs, Targets, open_outputs
from fauxface.landmarks import scheme_of
from fauxface.names import label

DRAWN_SIDE = 1920
"""The drawn video's longer side at most (px)."""


@dataclass
class VideoPredictions:
    """Results of a video: frames, shots, ids of the faces, most faces in a frame, broken packets, further notes."""

    source: Path
    frames: int = 0
    shots: int = 1
    ids: set[int] = field(default_factory=set)
    most: int = 0
    broken: int = 0
    notes: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """One line, in a list: ``clip.mp4: 300 frames, 2 faces``, or ``…, 3 shots, 5 faces, at most 2 at a time``.

        A person counts once a shot: nobody is known again after a cut.
        """
        count = len(self.ids) or self.most
        line = f"{self.source}: {self.frames} frame{'s' * (self.frames != 1)}"
        line += f", {self.shots} shots" if self.shots > 1 else ""
        line += f", {count} face{'s' * (count != 1)}"
        line += f", at most {self.most} at a time" if count > self.most else ""
        line += f", {self.broken} packet{'s' * (self.broken != 1)} that cannot be decoded" if self.broken else ""
        return [line + "".join(f"; {note}" for note in self.notes)]


def check_video(source: Path) -> None:
    """FileNotFoundError or ValueError, in one line, for a file that is no video that can be read."""
    with VideoReader(source) as reader:
        next(iter(reader))


def predict_video(
    source: Path,
    follower: Follower,
    origin: Origin,
    out: Path | None = None,
    json_file: Path | None = None,
    style: Style = "all",
) -> VideoPredictions:
    """Landmarks of every face in every frame of a video, found by ``follower``, which ``origin`` names.

    ``out`` and ``json_file`` are as in `Targets`. Raises ValueError or OSError, in one line, for a video that cannot be
    read.
    """
    found = Sources([source], {source}, named=[source])
    with open_outputs(found, origin, Targets(out, json_file)) as outputs:
        return follow_video(source, follower, outputs, style)


def follow_video(source: Path, follower: Follower, outputs: Outputs, style: Style = "all") -> VideoPredictions:
    """Landmarks of every face in every frame, in the video's own pixels, and seconds from its first frame.

    An output folder gets the drawn video (H.264, at most 1920 px) and a table with a row a face a frame (CSV, and
    Parquet where pyarrow is installed). Memory does not grow with the video's length.
    """
    found, scheme = VideoPredictions(source), outputs.origin.scheme
    with ExitStack() as stack:
        reader = stack.enter_context(VideoReader(source))
        sinks: list[Any] = [_items(source, outputs)]
        if (drawing := outputs.drawing(source)) is not None:
            table = drawing.with_suffix(".csv")
            stack.callback(_write_parquet, table, scheme)
            video = stack.enter_context(write_video(drawing, reader.rate, source))
            sinks.append(_drawn(video, style))
            found.notes += video.sound_lost
            sinks.append(stack.enter_context(_table(table, scheme)))
        for frame in _shown(reader):
            faces = follower.update(frame.image, frame.seconds)
            for sink in sinks:
                sink(frame, faces)
            found.frames += 1
            found.most = max(found.most, sum(face.reliable for face in faces))
            found.ids |= {face.id for face in faces if face.id is not None and face.reliable}
        found.shots = follower.shots
        found.notes += [follower.note] if follower.note else []
        found.broken = reader.broken
        found.notes += [reader.cut_short] if reader.cut_short else []
    return found


def _drawn(video: VideoWriter, style: Style) -> Any:
    """Draws the faces of each frame into a video."""

    def draw(frame: VideoFrame, faces: list[Face]) -> None:
        image, scale = fit(frame.image, DRAWN_SIDE)
        video.write(draw_faces(image, [face.scaled(1 / scale) for face in faces], style), frame.seconds)

    return draw


def table_columns(scheme: str) -> list[str]:
    """The table's columns: frame, seconds, id, box, pose in degrees, the mean score, and each point."""
    points = [f"{axis}{i}" for i in range(scheme_of(scheme).count) for axis in "xy"]
    return [
        *("frame", "seconds", "id", "box_x0", "box_y0", "box_x1", "box_y1"),
        *("yaw", "pitch", "roll", "score", *points),
    ]


@contextmanager
def _table(path: Path, scheme: str) -> Iterator[Any]:
    with atomic_path(path) as temporary, temporary.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(table_columns(scheme))

        def write(frame: VideoFrame, faces: list[Face]) -> None:
            for face in (face.scaled(frame.scale) for face in faces):
                angles = (face.pose.yaw, face.pose.pitch, face.pose.roll) if face.pose is not None else ("", "", "")
                numbers = [*face.box, *angles, np.mean(face.scores), *face.landmarks.ravel()]
                identity = "" if face.id is None else face.id
                rows.writerow([frame.index, f"{frame.seconds:.6f}", identity, *map(_short, numbers)])

        yield write


def _items(source: Path, outputs: Outputs) -> Any:
    """Adds an item a frame to the JSON."""

    def add(frame: VideoFrame, faces: list[Face]) -> None:
        height, width = (round(side * frame.scale) for side in frame.image.shape[:2])
        found = [face.scaled(frame.scale) for face in faces]
        place = {"frame": frame.index, "seconds": round(frame.seconds, 6)}
        outputs.add(outputs.origin.item(source, (width, height), found, **place))

    return add


def _write_parquet(table: Path, scheme: str) -> None:
    """The same table as Parquet beside the CSV, a part at a time, where pyarrow is installed."""
    if find_spec("pyarrow") is None or not table.is_file():
        return
    import pyarrow  # pyright: ignore[reportMissingImports]
    from pyarrow import csv as arrow_csv  # pyright: ignore[reportMissingImports]
    from pyarrow import parquet  # pyright: ignore[reportMissingImports]

    # said, not guessed: a column's first values may be missing
    kinds = {name: pyarrow.int64() if name in ("frame", "id") else pyarrow.float64() for name in table_columns(scheme)}
    options = arrow_csv.ConvertOptions(column_types=kinds)
    with (
        atomic_path(table.with_suffix(".parquet")) as path,
        arrow_csv.open_csv(table, convert_options=options) as parts,
        parquet.ParquetWriter(path, parts.schema) as writer,
    ):
        for part in parts:
            writer.write_batch(part)


def _short(number: Any) -> str:
    return number if isinstance(number, str) else f"{float(number):.3f}"


def _shown(reader: VideoReader) -> Iterator[VideoFrame]:
    """The reader's frames, with a progress bar on standard error."""
    console = progress_console()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(label(f"following faces in {reader.path.name}"), total=reader.count)
        for frame in reader:
            yield frame
            progress.advance(task)
