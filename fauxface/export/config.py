"""Settings of `fauxface export`. No torch here: the command line reads this for its help."""

from __future__ import annotations

from typing import Literal

Format = Literal["onnx", "openvino", "coreml", "litert"]
"""File formats that a checkpoint can be written in."""
