"""Settings of `fauxface live`. No torch here: the command line reads this for its help."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fauxface.inference.config import DEFAULT_CHECKPOINT, DETECTORS, DetectorName
from fauxface.ranges import CameraNumber, Port, Threads


@dataclass(frozen=True)
class LiveConfig:
    """Settings of a live view."""

    checkpoint: str = DEFAULT_CHECKPOINT
    """A checkpoint's folder, a run's folder, or the name of shipped weights."""
    camera: CameraNumber | None = None
    """Number of this machine's camera. Default: 0."""
    source: Path | None = None
    """Video file to play instead of a camera."""
    browser: bool = False
    """Serve a page for the browser instead of opening a window."""
    static: Path | None = None
    """Folder to fill with a page that any web server can offer and that needs none of ours: it runs in the
    browser. Its runtime, onnxruntime-web, is fetched with npm at first (33 MB)."""
    host: str = "127.0.0.1"
    """Address at which the page is served; the default can be reached from this machine only."""
    port: Port = 8470
    """Port of the page; 0 takes any free one."""
    osc: str | None = None
    """HOST:PORT to which each picture's faces are sent as OSC and VMC (for avatars), over UDP."""
    detector: DetectorName = DETECTORS[0]
    """Face detector: one of these names, or the folder of a one-stage checkpoint."""
    threads: Threads = 0
    """CPU threads; 0 uses all."""
