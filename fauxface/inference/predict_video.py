"""A video or image sequence in; a drawn one, a table and JSON out: what ``fauxface predict clip.mp4`` does."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress

from fauxface.console import progress_console
from fauxface.files import atomic_path
from fauxface.images import write_image
from fauxface.inference.config import DEFAULT_SMOOTH, Smooth
from fauxface.inference.following import Follower
from fauxface.inference.landmarker import Face
from fauxface.inference.offline import smooth_footage
from fauxface.inference.result import Origin
from fauxface.inference.sequence import SequenceReader
from fauxface.inference.sources import Sources
from fauxface.inference.styles import Style, draw_faces
from fauxface.inference.video import VideoFrame, VideoReader, fit, write_video
from fauxface.inference.writing import Outputs, Targets, open_outputs
from fauxface.landmarks import scheme_of
from fauxface.names import label
from fauxface.pose import Camera, Pose, head_pose

Pair = tuple[VideoFrame, list[Face]]
Sink = Callable[[VideoFrame, list[Face]], None]
DRAWN_SIDE = 1920
"""The drawn video's longer side at most (px)."""


@dataclass
class VideoPredictions:
    """Results of a video: frames, shots, ids of faces, most faces in a frame, broken ``unit``s, and further notes."""

    source: Path
    frames: int = 0
    shots: int = 1
    ids: set[int] = field(default_factory=set)
    most: int = 0
    broken: int = 0
    unit: str = "packet"
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
        line += f", {self.broken} {self.unit}{'s' * (self.broken != 1)} that cannot be decoded" if self.broken else ""
        return [line + "".join(f"; {note}" for note in self.notes)]


def check_video(found: Sources, source: Path) -> None:
    """FileNotFoundError or ValueError, in one line, for a video or sequence whose first frame cannot be read."""
    with found.open(source) as reader:
        next(iter(reader))


def predict_video(
    source: Path,
    follower: Follower,
    origin: Origin,
    out: Path | None = None,
    json_file: Path | None = None,
    style: Style = "all",
    smooth: Smooth = DEFAULT_SMOOTH,
) -> VideoPredictions:
    """Landmarks of every face in every frame of a video, found by ``follower``, which ``origin`` names.

    ``out`` and ``json_file`` are as in `Targets`. Raises ValueError or OSError, in one line, for a video that cannot be
    read.
    """
    found = Sources([source], {source}, named=[source])
    with open_outputs(found, origin, Targets(out, json_file)) as outputs:
        return follow_video(found, source, follower, outputs, style, smooth)


def follow_video(
    found: Sources,
    source: Path,
    follower: Follower,
    outputs: Outputs,
    style: Style = "all",
    smooth: Smooth = DEFAULT_SMOOTH,
    skip_bad: bool = False,
) -> VideoPredictions:
    """Landmarks of every face in every frame, in the source's own pixels, and seconds from its first frame.

    An output folder gets a table with a row a face a frame (CSV, and Parquet where pyarrow is installed), and the drawn
    video (H.264, at most 1920 px), or of a sequence a drawn picture a frame. Memory does not grow with the number of
    frames, but for the faces themselves with ``smooth`` "offline", which reads the frames anew to draw them.
    """
    result = VideoPredictions(source, unit="picture" if source in found.sequences else "packet")
    follower.smooth = smooth == "live"
    with ExitStack() as stack:
        reader = stack.enter_context(found.open(source, skip_bad))
        records: list[Sink] = [_items(source, outputs)]
        draw: Sink | None = None
        if (drawing := outputs.drawing(source)) is not None:
            table = drawing.with_suffix(".csv")
            stack.callback(_write_parquet, table, outputs.origin.scheme)
            draw = _drawing(stack, found, reader, drawing, outputs, style, result)
            records.append(stack.enter_context(_table(table, outputs.origin.scheme)))
        frames = ((frame, follower.update(frame.image, frame.seconds)) for frame in _shown(reader, "following faces"))
        if smooth == "offline":
            steady = _steady(list((_without_pixels(frame), faces) for frame, faces in frames), outputs.origin)
            if draw is not None:
                _draw_again(found, source, steady, draw)
            frames, draw = iter(steady), None
        for frame, faces in frames:
            for sink in [*records, draw] if draw is not None else records:
                sink(frame, faces)
            result.frames += 1
            result.most = max(result.most, sum(face.reliable for face in faces))
            result.ids |= {face.id for face in faces if face.id is not None and face.reliable}
        result.shots = follower.shots
        result.notes += [follower.note] if follower.note else []
        result.broken = reader.broken
        result.notes += [reader.cut_short] if reader.cut_short else []
        result.notes += [gaps] if (gaps := found.gaps(source)) else []
    return result


def _steady(frames: list[Pair], origin: Origin) -> list[Pair]:
    """Frames and their faces, the faces smoothed with what comes later in view."""

    def pose(number: int, landmarks: np.ndarray) -> Pose | None:
        height, width = frames[number][0].image.shape[:2]
        return head_pose(landmarks, origin.scheme, origin.camera or Camera.guess(width, height))

    faces = smooth_footage([frame.seconds for frame, _ in frames], [faces for _, faces in frames], pose)
    return [(frame, steady) for (frame, _), steady in zip(frames, faces, strict=True)]


def _without_pixels(frame: VideoFrame) -> VideoFrame:
    """The frame with an image of the same size that takes no memory."""
    return replace(frame, image=np.broadcast_to(np.zeros((1, 1, 3), np.uint8), frame.image.shape))


def _draw_again(found: Sources, source: Path, steady: list[Pair], draw: Sink) -> None:
    """Read the frames for a second time and draw their smoothed faces."""
    faces = {frame.index: (frame, faces) for frame, faces in steady}
    with found.open(source, only=faces) as reader:
        for frame in _shown(reader, "drawing faces"):
            if frame.index in faces:
                before, found_then = faces[frame.index]
                draw(replace(before, image=frame.image), found_then)


def _drawing(
    stack: ExitStack,
    found: Sources,
    reader: VideoReader | SequenceReader,
    drawing: Path,
    outputs: Outputs,
    style: Style,
    result: VideoPredictions,
) -> Sink:
    """Draws the faces of each frame: into a video, or a picture for each frame of a sequence."""
    if (sequence := found.sequences.get(reader.path)) is not None:

        def picture(frame: VideoFrame, faces: list[Face]) -> None:
            file = outputs.drawing(sequence.files[frame.index])
            assert file is not None
            write_image(file, draw_faces(frame.image, faces, style))

        return picture
    video = stack.enter_context(write_video(drawing, reader.rate, reader.path))
    result.notes += video.sound_lost

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
def _table(path: Path, scheme: str) -> Iterator[Sink]:
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


def _items(source: Path, outputs: Outputs) -> Sink:
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


def _shown(reader: VideoReader | SequenceReader, doing: str) -> Iterator[VideoFrame]:
    """The reader's frames, with a progress bar on standard error."""
    console = progress_console()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(label(f"{doing} in {reader.path.name}"), total=reader.count)
        for frame in reader:
            yield frame
            progress.advance(task)
