"""Found faces for other programs, from the JSON of ``predict``; over OSC and VMC from ``live``.

Where a format has a third dimension, the frame is that of the assumed camera turned upright: the camera stands in the
origin and looks along −z, x is to the picture's right, y up; metres. docs/interchange.md has a table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fauxface.lazy import load_on_use

if TYPE_CHECKING:
    from fauxface.interchange.osc import OscFollower
    from fauxface.interchange.run import run_conversion
    from fauxface.interchange.shot import Shot, Track, read_predictions, shot_of
else:
    __getattr__ = load_on_use(
        __name__, osc="OscFollower", run="run_conversion", shot="Shot Track read_predictions shot_of"
    )

__all__ = ["OscFollower", "Shot", "Track", "read_predictions", "run_conversion", "shot_of"]
