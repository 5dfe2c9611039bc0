"""Settings of `fauxface convert`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from fauxface.ranges import FaceNumber, FrameRate

Kind = Literal["usd", "gltf", "bvh", "nuke", "blender", "coco"]


@dataclass(frozen=True)
class ConversionConfig:
    """Settings of a conversion: the JSON, the format, the file."""

    predictions: Annotated[Positional[Path], arg(metavar="PREDICTIONS.json")]
    """The JSON that `fauxface predict` wrote."""
    to: Kind
    """Format: usd (.usd, .usda, .usdc), gltf (.glb, .gltf), bvh (.bvh), nuke (.nk), blender (a .py that Blender runs),
    coco (.json)."""
    out: Path
    """The file to write."""
    image: str | None = None
    """The video, sequence or photograph, as it is named in the JSON, if that has several (coco takes all)."""
    face: FaceNumber | None = None
    """Take only the face with this id. bvh, which holds one head, else takes the face that is seen longest."""
    fps: FrameRate | None = None
    """Frames a second, if not those that the times in the JSON give."""
