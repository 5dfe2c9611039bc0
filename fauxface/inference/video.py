"""Video files in and out, with PyAV: frames as a player shows them (turned as the file says), with their real times."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from fauxface.files import atomic_path

VIDEO_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".mjpeg", ".y4m", ".ts")
MAX_SIDE = 3840
"""Frames with a longer side are scaled down to it: a face's crop is small anyway, and 8K frames are 100 MB each."""
_TICKS = 90_000  # of the drawn video's clock, a second
_ENCODERS = ("libx264", "h264", "mpeg4")
_MAX_BROKEN = 100  # packets in a row that cannot be decoded


def is_video(path: Path) -> bool:
    """Whether the name is a video's."""
    return path.suffix.lower() in VIDEO_SUFFIXES


@dataclass(frozen=True)
class VideoFrame:
    """One frame.

    Attributes:
        image: H×W×3 uint8 RGB, upright, its longer side at most what the reader was asked for.
        index: its number, from 0.
        seconds: its time since the first frame.
        scale: the video's own pixels a pixel of ``image``; 1 unless the frame was scaled down.
    """

    image: np.ndarray
    index: int
    seconds: float
    scale: float


class VideoReader:
    """The frames of a video file, one after the other; a context manager.

    Greyscale becomes RGB, transparent is laid on white, rotation in the metadata is honoured. Packets that cannot be
    decoded are left out and counted in ``broken``; a file that is cut short ends there.

    Raises ``FileNotFoundError``, or ``ValueError`` that names the file and the reason: not a video, no video stream in
    it, a codec that cannot be decoded, no frame that can be.
    """

    def __init__(self, path: Path, max_side: int = MAX_SIDE) -> None:
        if not path.is_file():
            raise FileNotFoundError(f"{path}: there is no such file")
        av = _av()
        self.path, self.max_side, self.broken = path, max_side, 0
        try:
            self._container = av.open(str(path), metadata_errors="ignore")
        except (av.FFmpegError, ValueError) as error:
            raise ValueError(f"{path}: not a video that can be read ({_reason(error)})") from None
        try:
            self._stream = self._video_stream()
        except BaseException:
            self._container.close()
            raise
        rate = self._stream.average_rate or self._stream.guessed_rate
        self.rate: float = float(rate) if rate and 0 < rate <= 1000 else 25.0
        """Frames a second, as the file says; 25 where it does not."""
        self.count: int | None = self._stream.frames or self._count_by_length()
        """How many frames, as the file says; None where it does not."""

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    def __iter__(self) -> Iterator[VideoFrame]:
        start, last = None, -1.0
        for index, frame in enumerate(self._frames()):
            time = float(frame.time) if frame.time is not None else index / self.rate
            start = time if start is None else start
            seconds = time - start if time - start > last else last + 1 / self.rate  # a clock that stands or jumps back
            last = seconds
            image, scale = _upright(frame, self.max_side)
            yield VideoFrame(image, index, seconds, scale)

    def _video_stream(self) -> Any:
        streams = self._container.streams.video
        if not streams:
            raise ValueError(f"{self.path}: there is no video in it")
        stream = streams[0]
        if stream.codec_context is None:
            raise ValueError(f"{self.path}: its codec cannot be decoded here; convert it to H.264")
        stream.thread_type = "AUTO"
        return stream

    def _count_by_length(self) -> int | None:
        if self._stream.duration is None or self._stream.time_base is None:
            return None
        return max(1, round(float(self._stream.duration * self._stream.time_base) * self.rate))

    def _frames(self) -> Iterator[Any]:
        """Decoded frames; broken packets are left out."""
        av = _av()
        found, broken_in_a_row, reason = 0, 0, "it holds no frame"
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    break
                for frame in packet.decode():
                    found, broken_in_a_row = found + 1, 0
                    yield frame
            except av.EOFError:
                break
            except (av.FFmpegError, ValueError) as error:
                reason, self.broken, broken_in_a_row = _reason(error), self.broken + 1, broken_in_a_row + 1
                if broken_in_a_row >= _MAX_BROKEN:
                    break
        if not found:
            raise ValueError(f"{self.path}: no frame of it can be decoded ({reason})")


class VideoWriter:
    """Writes H.264 (MPEG-4 where there is no H.264 encoder) frame by frame; see ``write_video``."""

    def __init__(self, path: Path, rate: float) -> None:
        av = _av()
        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        self._rate = Fraction(rate).limit_denominator(1001)
        self._stream: Any = None
        self._last = -1

    def write(self, image: np.ndarray, seconds: float) -> None:
        """Add a frame H×W×3 uint8 RGB, of the first one's size, shown from ``seconds`` (later than the one before)."""
        av = _av()
        even = np.pad(image, ((0, image.shape[0] % 2), (0, image.shape[1] % 2), (0, 0)), mode="edge")
        if self._stream is None:
            self._stream = self._new_stream(even.shape[1], even.shape[0])
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")
        if (frame.width, frame.height) != (self._stream.width, self._stream.height):  # a stream may change its size
            frame = frame.reformat(self._stream.width, self._stream.height)
        self._last = max(self._last + 1, round(seconds * _TICKS))
        frame.pts, frame.time_base = self._last, Fraction(1, _TICKS)
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Write what is left and end the file."""
        if self._stream is not None:
            self._container.mux(self._stream.encode(None))
        self._container.close()

    def _new_stream(self, width: int, height: int) -> Any:
        name = next(name for name in _ENCODERS if name in _av().codecs_available)
        options = {"crf": "18", "preset": "veryfast"} if name == "libx264" else {}
        stream = self._container.add_stream(name, rate=self._rate, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = Fraction(1, _TICKS)
        if name == "mpeg4":
            stream.bit_rate = 4 * width * height
        return stream


@contextmanager
def write_video(path: Path, rate: float) -> Iterator[VideoWriter]:
    """A ``VideoWriter`` for ``path`` (.mp4), there wholly or not at all; ``rate``: frames a second, about."""
    with atomic_path(path) as temporary, ExitStack() as stack:
        writer = VideoWriter(temporary, rate)
        stack.callback(writer.close)
        yield writer


def _upright(frame: Any, max_side: int) -> tuple[np.ndarray, float]:
    scale = max(1.0, max(frame.width, frame.height) / max_side)
    width, height = max(1, round(frame.width / scale)), max(1, round(frame.height / scale))
    clear = any(component.is_alpha for component in frame.format.components)
    image = frame.to_ndarray(format="rgba" if clear else "rgb24", width=width, height=height)
    if clear:
        alpha = image[..., 3:].astype(np.uint16)
        image = ((image[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    turns = round((getattr(frame, "rotation", 0) or 0) / 90) % 4  # counter-clockwise, as np.rot90's
    return np.ascontiguousarray(np.rot90(image, turns)), scale


def fit(image: np.ndarray, max_side: int) -> tuple[np.ndarray, float]:
    """An image H×W×3 scaled down to ``max_side`` if its longer side is more, and its pixels a pixel of that."""
    scale = max(image.shape[:2]) / max_side
    if scale <= 1:
        return image, 1.0
    size = (max(1, round(image.shape[1] / scale)), max(1, round(image.shape[0] / scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA), scale


def _av() -> Any:
    try:
        import av
    except ImportError:
        raise ValueError("videos need PyAV: pip install 'fauxface[live]'") from None
    return av


def _reason(error: Exception) -> str:
    return " ".join(str(getattr(error, "strerror", None) or error).split())[:120]
