"""Sources of live frames: a camera or a video file, in real time; late frames are dropped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from fauxface.images import is_image
from fauxface.inference.video import VideoFrame, VideoReader, fit, is_video

MAX_SIDE = 1280
"""Live frames are scaled down to this longer side (px), because 8K takes time and shows nothing more."""
_PATIENCE = 5.0  # seconds without a picture after which a camera counts as gone
_PAUSE = 0.5  # seconds without a read after which a clip continues where it was left


class Source(Protocol):
    """Frames in order of time."""

    name: str

    def read(self) -> VideoFrame | None:
        """The newest unread frame, as soon as there is one; None at the end."""
        ...

    def close(self) -> None:
        """Close the camera or file."""
        ...


class Clip:
    """A video file played in real time: ``read`` waits until a frame is due and drops late ones.

    ``clock`` and ``sleep`` are for tests. FileNotFoundError or ValueError, as from ``VideoReader``, for a file whose
    first frame cannot be read.
    """

    def __init__(
        self,
        path: Path,
        max_side: int = MAX_SIDE,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        if is_image(path) and not is_video(path):
            raise ValueError(f"{path} is a picture; live takes videos and cameras (`fauxface predict` takes pictures)")
        self.name = path.name
        self._closing = threading.Event()
        self._clock, self._sleep = clock, sleep or self._closing.wait
        self._reader = VideoReader(path, max_side)
        self._frames = iter(self._reader)
        try:
            self._ahead: VideoFrame | None = next(self._frames, None)
        except BaseException:
            self._reader.__exit__()
            raise
        self._lock = threading.Lock()  # a client may leave while its next frame is being read
        self._closed = False
        self._start: float | None = None
        self._last_read = 0.0

    def read(self) -> VideoFrame | None:
        """The newest frame that is due; None at the end. The first call starts the clip's time."""
        with self._lock:
            return None if self._closed else self._next()

    def _next(self) -> VideoFrame | None:
        now = self._clock()
        if self._start is None:
            self._start = now
        elif now - self._last_read > _PAUSE:  # a pause: continue where the clip was left, and drop nothing
            self._start += now - self._last_read
        frame = self._ahead
        if frame is None:
            return None
        wait = self._start + frame.seconds - now
        if wait > 0:
            self._sleep(wait)
        self._ahead = next(self._frames, None)
        due = self._clock() - self._start
        while self._ahead is not None and self._ahead.seconds <= due:
            frame, self._ahead = self._ahead, next(self._frames, None)
        self._last_read = self._clock()
        return frame

    def close(self) -> None:
        """Close the file after the read in progress; a read that waits for a frame returns at once."""
        self._closing.set()
        with self._lock:
            if not self._closed:
                self._closed = True
                self._reader.__exit__()


class Camera:
    """A camera of this machine, by its number. A thread reads it, so that ``read`` never returns an old picture.

    OSError, in one line, for a missing camera, and from ``read`` for one that sends no more pictures.
    """

    def __init__(self, index: int = 0, max_side: int = MAX_SIDE, capture: Any = None) -> None:
        if index < 0:
            raise ValueError(f"cameras are numbered from 0; there is no camera {index}")
        self.name, self._max_side = f"camera {index}", max_side
        self._capture = capture if capture is not None else _open_camera(index)
        if not self._capture.isOpened():
            self._capture.release()
            raise OSError(
                f"no camera {index}: it is missing, in use by another program, or not permitted; "
                "`--source FILE` takes a video, `--browser` the browser's camera"
            )
        self._news = threading.Condition()
        self._newest: VideoFrame | None = None
        self._gone = self._closed = False
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    def read(self) -> VideoFrame | None:
        """The newest picture; OSError when the camera is gone (unplugged, or no picture for five seconds)."""
        with self._news:
            came = self._news.wait_for(lambda: self._newest is not None or self._gone or self._closed, _PATIENCE)
            frame, self._newest = self._newest, None
        if frame is None and self._closed:
            return None
        if frame is None:
            why = "unplugged?" if came else f"none for {_PATIENCE:.0f} s"
            raise OSError(f"{self.name} sends no more pictures ({why})")
        return frame

    def close(self) -> None:
        """Release the camera."""
        with self._news:
            self._closed = True
            self._news.notify_all()
        self._thread.join(_PATIENCE)

    def _run(self) -> None:
        start, index = time.monotonic(), 0
        while not self._closed:
            done, picture = self._capture.read()
            seconds = time.monotonic() - start
            if not done or picture is None or not picture.size:
                break
            image, scale = fit(to_rgb(picture), self._max_side)
            with self._news:
                self._newest = VideoFrame(image, index, seconds, scale)
                self._news.notify_all()
            index += 1
        self._capture.release()
        with self._news:
            self._gone = True
            self._news.notify_all()


def open_source(source: Path | None = None, camera: int = 0, max_side: int = MAX_SIDE) -> Source:
    """The video file ``source``, or without one the camera with this number."""
    return Camera(camera, max_side) if source is None else Clip(source, max_side)


def to_rgb(picture: np.ndarray) -> np.ndarray:
    """A camera's picture, H×W or H×W×1 grey, H×W×3 BGR or H×W×4 BGRA, uint8 or uint16, as H×W×3 uint8 RGB."""
    if picture.dtype == np.uint16:
        picture = (picture >> 8).astype(np.uint8)
    if picture.ndim == 2 or picture.shape[2] == 1:
        return cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)
    return cv2.cvtColor(picture, cv2.COLOR_BGRA2RGB if picture.shape[2] == 4 else cv2.COLOR_BGR2RGB)


def _open_camera(index: int) -> Any:
    cv2.utils.logging.setLogLevel(0)  # OpenCV prints lines about every backend; the error here is one line
    return cv2.VideoCapture(index)
