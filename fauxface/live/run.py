"""``fauxface live``: faces of a camera or video, in a window or a browser page."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np

from fauxface.inference import Landmarker
from fauxface.inference.tracker import Tracker
from fauxface.live.sources import Clip, open_source
from fauxface.live.window import HELP, check_screen, show
from fauxface.names import printable
from fauxface.ranges import CameraNumber, Port, Threads, in_range


@in_range
def run_live(
    checkpoint: str = "fauxface-s",
    camera: CameraNumber | None = None,
    source: Path | None = None,
    browser: bool = False,
    host: str = "127.0.0.1",
    port: Port = 8470,
    detector: str = "retinaface",
    threads: Threads = 0,
) -> None:
    """Follow the faces of a camera or video, in a window or on a browser page, until it ends or the user stops it.

    ValueError or OSError, in one line, for options that exclude each other, no camera, no screen, an unreadable video,
    an address in use, or a missing checkpoint. Screen and source are checked before the checkpoint is loaded.
    """
    if source is not None and camera is not None:
        raise ValueError("--camera and --source exclude each other")
    if browser and camera is not None:
        raise ValueError("--browser uses the camera chosen in the browser; leave out --camera")
    if browser:
        _serve(checkpoint, source, host, port, detector, threads)
        return
    check_screen()
    with closing(open_source(source, camera or 0)) as opened:
        landmarker = _ready(checkpoint, detector, threads)
        print(HELP)
        count = show(opened, Tracker(landmarker))
        print(f"{printable(opened.name)}: {count} frames")


def _ready(checkpoint: str, detector: str, threads: int) -> Landmarker:
    """A landmarker that has processed one picture, so that one-time setup does not delay the first frame."""
    landmarker = Landmarker.load(checkpoint, detector, threads=threads)
    blank = np.zeros((96, 96, 3), np.uint8)
    landmarker.detector(blank)
    landmarker.landmarks(blank, np.array([[16.0, 16.0, 80.0, 80.0]]))
    return landmarker


def _serve(checkpoint: str, source: Path | None, host: str, port: int, detector: str, threads: int) -> None:
    try:
        from fauxface.live.server import serve
    except ImportError as error:
        raise ValueError(f"the page needs {error.name}: pip install 'fauxface[live]'") from None
    if source is not None:
        Clip(source).close()
    landmarker = _ready(checkpoint, detector, threads)

    def announce(address: str) -> None:
        print(f"open {address} in a browser; Ctrl-C ends", flush=True)

    serve(landmarker, source, host, port, announce=announce)
