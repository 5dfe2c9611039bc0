"""Size and cost of a model, as `fauxface models` lists them."""

from __future__ import annotations

from dataclasses import dataclass

INPUT_SIZE = 128
SCHEME = "face_synthetics70"
FRAME = (640, 480)
"""Width and height of the frame on which one-stage is measured, pixels."""


@dataclass(frozen=True)
class ModelFacts:
    """Size and cost of a model.

    Attributes:
        name: its name, with options.
        input_size: width and height of its input, pixels.
        parameters: number of learned parameters.
        flops: floating-point operations of convolutions and matrix products for one face (or frame); a multiply-add
            counts as 2.
        paper: sources of the method and the backbone.
    """

    name: str
    input_size: tuple[int, int]
    parameters: int
    flops: int
    paper: str
