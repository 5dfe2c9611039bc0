"""Live: cameras and clips, a window, and a browser page with its server (``fauxface.live.server``)."""

from typing import TYPE_CHECKING

from fauxface.lazy import load_on_use
from fauxface.live.config import LiveConfig

if TYPE_CHECKING:
    from fauxface.live.run import run_live
    from fauxface.live.sources import Camera, Clip, Source, open_source
    from fauxface.live.window import Choices, has_screen, show
else:
    __getattr__ = load_on_use(
        __name__,
        run="run_live",
        sources="Camera Clip Source open_source",
        window="Choices has_screen show",
    )

__all__ = ["Camera", "Choices", "Clip", "LiveConfig", "Source", "has_screen", "open_source", "run_live", "show"]
