"""Pictures as programs have them: paths, PIL images, arrays."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np
from PIL import Image

from fauxface.images import from_pil, read_image
from fauxface.inference.face import check_image

PictureLike = str | PathLike[str] | Image.Image | np.ndarray
"""A path, a PIL image, or an array H×W×3 uint8."""
PICTURES = (str, PathLike, Image.Image, np.ndarray)


def to_image(picture: PictureLike, bgr: bool = False) -> np.ndarray:
    """The image H×W×3 uint8 RGB of a path, a PIL image (both upright as EXIF says) or an array.

    ``bgr`` says that arrays have blue first, as OpenCV's. ValueError or OSError, in one line, for anything else.
    """
    if isinstance(picture, np.ndarray):
        check_image(picture)
        return np.ascontiguousarray(picture[..., ::-1]) if bgr else picture
    if isinstance(picture, Image.Image):
        return from_pil(picture)
    if isinstance(picture, str | PathLike):
        return read_image(Path(picture))
    raise refusal(picture)


def refusal(given: object) -> ValueError:
    """The error, in one line, for something that is no picture."""
    kinds = "a path, a PIL image, an array H×W×3 of uint8, or a list or generator of these"
    return ValueError(f"an image is {kinds}, not {type(given).__name__}")
