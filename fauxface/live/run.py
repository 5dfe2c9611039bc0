"""``fauxface live``: faces of a camera or video, in a window or a browser page."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np

from fauxface.extras import advice
from fauxface.inference import Landmarker
from fauxface.inference.following import Follower
from fauxface.inference.tracker import Tracker
from fauxface.interchange.osc import OscFollower, check_address
from fauxface.live.config import LiveConfig
from fauxface.live.sources import Clip, open_source
from fauxface.live.window import HELP, check_screen, show
from fauxface.names import printable
from fauxface.ranges import in_range


@in_range
def run_live(config: LiveConfig) -> None:
    """Follow the faces of a camera or video, in a window or on a browser page, until it ends or the user stops it.

    ValueError or OSError, in one line, for options that exclude each other, no camera, no screen, an unreadable video,
    an address in use, or a missing checkpoint. Screen and source are checked before the checkpoint is loaded.
    """
    if config.source is not None and config.camera is not None:
        raise ValueError("--camera and --source exclude each other")
    if config.browser and config.camera is not None:
        raise ValueError("--browser uses the camera chosen in the browser; leave out --camera")
    if config.osc is not None:
        check_address(config.osc)
    if config.static is not None:
        _write_page(config.static, config)
        return
    if config.browser:
        _serve(config)
        return
    check_screen()
    with closing(open_source(config.source, config.camera or 0)) as opened:
        landmarker = _ready(config)
        print(HELP)
        count = show(opened, followers(landmarker, config.osc)())
        print(f"{printable(opened.name)}: {count} frames")


def followers(landmarker: Landmarker, osc: str | None = None) -> Callable[[], Follower]:
    """A function that makes a tracker, which sends what it finds to ``osc`` (HOST:PORT) if that is given."""
    return lambda: Tracker(landmarker) if osc is None else OscFollower(Tracker(landmarker), osc)


def _ready(config: LiveConfig) -> Landmarker:
    """A landmarker that has processed one picture, so that one-time setup does not delay the first frame."""
    landmarker = Landmarker.load(config.checkpoint, config.detector, threads=config.threads, detail="low")
    blank = np.zeros((96, 96, 3), np.uint8)
    landmarker.detector(blank)
    landmarker.landmarks(blank, np.array([[16.0, 16.0, 80.0, 80.0]]))
    return landmarker


def _write_page(out: Path, config: LiveConfig) -> None:
    if config.browser or config.source is not None or config.camera is not None:
        raise ValueError("--static writes a page; leave out --browser, --source and --camera")
    from fauxface.live.static import write_static

    write_static(out, config.checkpoint, config.detector)
    print(f"wrote {out}; `python -m http.server --directory {out} --bind 127.0.0.1` offers it at port 8000")


def _serve(config: LiveConfig) -> None:
    try:
        from fauxface.live.server import serve
    except ModuleNotFoundError as error:
        raise ValueError(advice(error, "the page") or str(error)) from None
    if config.source is not None:
        Clip(config.source).close()
    landmarker = _ready(config)

    def announce(address: str) -> None:
        print(f"open {address} in a browser; Ctrl-C ends", flush=True)

    serve(
        landmarker,
        config.source,
        config.host,
        config.port,
        announce=announce,
        new_follower=followers(landmarker, config.osc),
    )
