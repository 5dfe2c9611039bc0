"""Video files read and written with PyAV: frames upright, as a player shows them, with their real times."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from fauxface.extras import install
from fauxface.files import atomic_path, regular_size
from fauxface.images import IMAGE_SUFFIXES, is_animated, is_readable
from fauxface.parsing import clipped

VIDEO_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".mjpeg", ".y4m", ".ts")
MAX_SIDE = 3840
"""Larger frames are scaled down to this longer side (px): crops are small anyway, and an 8K frame takes 100 MB."""
_TICKS = 90_000  # time units a second in written videos
_ENCODERS = ("libx264", "h264", "mpeg4")
_MP4_SOUND = ("aac", "mp3", "mp3float", "ac3", "eac3", "alac", "opus", "libopus")
_MAX_BROKEN = 100  # packets in a row that cannot be decoded


def is_video(path: Path) -> bool:
    """True for a video: by its name, or else if it opens as a video and not as a picture."""
    if path.suffix.lower() in VIDEO_SUFFIXES:
        return True
    if not path.is_file():
        return False
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return is_animated(path)
    if is_readable(path):
        return False
    try:
        VideoReader(path).__exit__()
    except (ValueError, OSError):
        return False
    return True


LEADING_ELSEWHERE = frozenset(
    ["applehttp", "concat", "dash", "hls", "image2", "imf", "lavfi", "rtsp", "sap", "sdp", "tty", "webm_dash_manifest"]
)
"""Formats that are lists of other files, addresses or devices."""


@dataclass(frozen=True)
class VideoFrame:
    """One frame of a video.

    Attributes:
        image: H×W×3 uint8 RGB, upright, its longer side at most the reader's ``max_side``.
        index: its number, from 0.
        seconds: its time since the first frame.
        scale: pixels of the video per pixel of ``image``; 1 unless the frame was scaled down.
    """

    image: np.ndarray
    index: int
    seconds: float
    scale: float


class VideoReader:
    """An iterator over the frames of a video file, and a context manager.

    Frames look as in a player: rotated as the file asks, with square pixels, greyscale as RGB, transparency on white.
    Packets that cannot be decoded are left out and counted in ``broken``; a truncated file ends early.

    Raises FileNotFoundError, or ValueError with the file and the reason: not a video, no video stream, an unknown
    codec, no frame that can be decoded.
    """

    def __init__(self, path: Path, max_side: int = MAX_SIDE) -> None:
        regular_size(path)
        av = _av()
        self.path, self.max_side, self.broken = path, max_side, 0
        try:
            self._container = open_container(path)
        except (av.FFmpegError, ValueError) as error:
            raise ValueError(f"{path}: not a video that can be read ({_reason(error)})") from None
        try:
            self._stream = self._video_stream()
        except BaseException:
            self._container.close()
            raise
        rate = self._stream.average_rate or self._stream.guessed_rate
        self.rate: float = float(rate) if rate and 0 < rate <= 1000 else 25.0
        """Frames a second, by the file's header; 25 without one there."""
        self._begin: float | None = None
        self._reached = 0.0
        self.count: int | None = self._stream.frames or self._count_by_length()
        """Number of frames, by the file's header; None without one there."""

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    def __iter__(self) -> Iterator[VideoFrame]:
        start, last = None, -1.0
        for index, frame in enumerate(self._frames()):
            time = float(frame.time) if frame.time is not None else index / self.rate
            start = time if start is None else start
            seconds = (
                time - start if time - start > last else last + 1 / self.rate
            )  # for time stamps that repeat or jump back
            last = seconds
            image, scale = _upright(frame, self._wide, self.max_side)
            yield VideoFrame(image, index, seconds, scale)

    @property
    def cut_short(self) -> str:
        """After the last frame: a few words if the file is shorter than its header says, else an empty text."""
        length = self._length()
        if length is None or self._reached > 0.97 * length - 0.5:
            return ""
        return f"cut off after {self._reached:.1f} s of {length:.1f} s"

    @property
    def _wide(self) -> float:
        """Width of a pixel in units of its height; 1 where the file gives no sensible value."""
        ratio = float(self._stream.sample_aspect_ratio or 1)
        return ratio if 1 / 8 <= ratio <= 8 else 1.0

    def _length(self) -> float | None:
        """Length of the video in seconds, by the file's header."""
        if self._stream.duration is not None and self._stream.time_base is not None:
            return float(self._stream.duration * self._stream.time_base)
        # else the longest stream's
        alone = len(self._container.streams) == 1
        return self._container.duration / 1e6 if alone and self._container.duration is not None else None

    def _video_stream(self) -> Any:
        streams = self._container.streams.video
        if not streams:
            raise ValueError(f"{self.path}: holds no video")
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
        """Decoded frames, without broken packets."""
        av = _av()
        found, broken_in_a_row, reason = 0, 0, "it holds no frame"
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    break
                self._note(packet)
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
            raise ValueError(f"{self.path}: no frame can be decoded ({reason})")

    def _note(self, packet: Any) -> None:
        """Keep the time up to which the file has been read."""
        time = packet.pts if packet.pts is not None else packet.dts
        if time is None or packet.time_base is None:
            return
        begin, end = float(time * packet.time_base), float((time + (packet.duration or 0)) * packet.time_base)
        self._begin = begin if self._begin is None else min(begin, self._begin)
        self._reached = max(self._reached, end - self._begin)


class VideoWriter:
    """A writer of H.264 video (MPEG-4 without an H.264 encoder), frame by frame; see ``write_video``.

    Attributes:
        sound_lost: one line if the sound cannot be kept, else empty.
    """

    def __init__(self, path: Path, rate: float, sound: Path | None = None) -> None:
        av = _av()
        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        self._rate = Fraction(rate).limit_denominator(1001)
        self._stream: Any = None
        self._sound = Sound(sound, self._container) if sound is not None else None
        self.sound_lost: list[str] = [self._sound.lost] if self._sound is not None and self._sound.lost else []
        self._last = -1

    def write(self, image: np.ndarray, seconds: float) -> None:
        """Add a frame H×W×3 uint8 RGB, shown from ``seconds`` on (later than the last), in the first one's size."""
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
        if self._sound is not None:
            self._sound.copy(seconds)

    def close(self) -> None:
        """Write the remaining packets and end the file."""
        if self._stream is not None:
            self._container.mux(self._stream.encode(None))
        if self._sound is not None:
            self._sound.close(self._stream is not None)
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


class Sound:
    """The sound of a clip, copied packet by packet, without new encoding, into the video drawn from it.

    Attributes:
        lost: a few words if the clip has sound that .mp4 files cannot hold, else an empty text.
    """

    def __init__(self, path: Path, container: Any) -> None:
        self.lost, self._out, self._container = "", None, container
        self._in = open_container(path)
        streams, pictures = self._in.streams.audio, self._in.streams.video
        self._packets: Iterator[Any] = iter(())
        if not streams or streams[0].codec_context is None:
            return
        if streams[0].codec_context.name not in _MP4_SOUND:
            self.lost = f"its sound ({streams[0].codec_context.name}) cannot be kept"
            return
        stream = streams[0]
        self._start = float((pictures[0].start_time or 0) * pictures[0].time_base) if pictures else 0.0
        self._out = container.add_stream_from_template(stream)
        self._packets = self._in.demux(stream)
        self._next = self._take()

    def copy(self, until: float) -> None:
        """Write the sound up to this many seconds after the video's first frame."""
        while self._out is not None and self._next is not None and self._time(self._next) <= until:
            packet, self._next = self._next, self._take()
            if self._time(packet) >= 0:
                packet.pts -= round(self._start / packet.time_base)
                packet.dts -= round(self._start / packet.time_base)
                packet.stream = self._out
                self._container.mux(packet)

    def close(self, rest: bool) -> None:
        """Write the rest, if ``rest`` is true, and close the clip."""
        if rest:
            self.copy(math.inf)
        self._in.close()

    def _take(self) -> Any:
        """The next packet with a time; None at the end, or where the file is broken."""
        try:
            return next((p for p in self._packets if p.pts is not None and p.dts is not None and p.size), None)
        except (_av().FFmpegError, ValueError):
            return None

    def _time(self, packet: Any) -> float:
        return float(packet.pts * packet.time_base) - self._start


@contextmanager
def write_video(path: Path, rate: float, sound: Path | None = None) -> Iterator[VideoWriter]:
    """A ``VideoWriter`` for ``path`` (.mp4); the file appears once it is complete.

    Args:
        path: the video's file.
        rate: approximate frames a second.
        sound: a clip whose sound is copied.
    """
    with atomic_path(path) as temporary, ExitStack() as stack:
        writer = VideoWriter(temporary, rate, sound)
        stack.callback(writer.close)
        yield writer


def _upright(frame: Any, wide: float, max_side: int) -> tuple[np.ndarray, float]:
    """A frame as a player shows it, with square pixels, and its scale; ``wide`` is a pixel's width over its height."""
    shown = frame.width * max(wide, 1), frame.height / min(wide, 1)
    scale = max(1.0, max(shown) / max_side)
    width, height = (max(1, round(side / scale)) for side in shown)
    clear = any(component.is_alpha for component in frame.format.components)
    image = frame.to_ndarray(format="rgba" if clear else "rgb24", width=width, height=height)
    if clear:
        alpha = image[..., 3:].astype(np.uint16)
        image = ((image[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    turns = round((getattr(frame, "rotation", 0) or 0) / 90) % 4  # counter-clockwise, as np.rot90's
    return np.ascontiguousarray(np.rot90(image, turns)), scale


def fit(image: np.ndarray, max_side: int) -> tuple[np.ndarray, float]:
    """An image H×W×3 scaled down to a longer side of at most ``max_side``, and its pixels per pixel of the result."""
    scale = max(image.shape[:2]) / max_side
    if scale <= 1:
        return image, 1.0
    size = (max(1, round(image.shape[1] / scale)), max(1, round(image.shape[0] / scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA), scale


def open_container(path: Path) -> Any:
    """Open a file with PyAV, which may read no other file; PyAV's errors."""
    options = {"protocol_whitelist": "file", "format_whitelist": _containers()}
    return _av().open(f"file:{path}", metadata_errors="ignore", options=options)


@cache
def _containers() -> str:
    """PyAV's formats but for those that lead elsewhere, joined by commas.

    A playlist's reader tries the addresses in it for a hundred seconds, even where no protocol is allowed.
    """
    return ",".join(name for name in sorted(_av().formats_available) if LEADING_ELSEWHERE.isdisjoint(name.split(",")))


def _av() -> Any:
    try:
        import av
    except ImportError:
        raise ValueError(f"videos need PyAV: {install('live')}") from None
    return av


def _reason(error: Exception) -> str:
    return clipped(getattr(error, "strerror", None) or error, 120)
