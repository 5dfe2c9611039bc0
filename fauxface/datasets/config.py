"""Settings of `fauxface pack`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from fauxface.datasets.base import Labels
from fauxface.datasets.formats import FormatName
from fauxface.faces import CROP_MARGIN, CropKind, Framing
from fauxface.ranges import InputSide, Margin, Workers


@dataclass(frozen=True)
class PackConfig:
    """Settings of a pack; the names are those of `fauxface train`, except ``size`` (there ``input_size``)."""

    data: Annotated[Positional[Path | None], arg(metavar="[DIR]")] = None
    """Folder of labelled faces; its subfolders are searched too."""
    format: FormatName = "auto"
    """Format of the data; auto recognises it (train's --format)."""
    split: Annotated[str | None, arg(metavar="NAME")] = None
    """Official part of the data; by default all of it (train's --split)."""
    size: InputSide = 128
    """Side of the crops that the model sees, pixels (train's --input-size)."""
    crop: CropKind = "box"
    """Way to crop the faces: by the face's box, by five points, or by the box turned level (train's
    --crop)."""
    crop_margin: Margin = CROP_MARGIN
    """Side of the crop in units of the face box's longer side (train's --crop-margin)."""
    labels: Labels | None = None
    """Convention of rendered labels. Default: 2d where every image has it, else projected."""
    out: Path | None = None
    """Folder for packs instead of the cache folder; give it to train as --packs."""
    skip_bad: bool = False
    """Skip images that cannot be read, and name them, instead of stopping at the first."""
    workers: Workers = 0
    """CPU threads that decode; 0 uses one for each core, at most 8."""

    @property
    def framing(self) -> Framing:
        """The crop's kind and margin."""
        return Framing(self.crop, self.crop_margin)
