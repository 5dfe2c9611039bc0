"""Live: cameras and clips, a window, and a browser page with its server (``fauxface.live.server``)."""

from fauxface.live.run import run_live
from fauxface.live.sources import Camera, Clip, Source, open_source
from fauxface.live.window import Choices, has_screen, show

__all__ = ["Camera", "Choices", "Clip", "Source", "has_screen", "open_source", "run_live", "show"]
