"""Picture files in and out: RGB uint8 arrays H×W×3, read as a viewer would show them, written whole or not at all."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from fauxface.files import write_bytes

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
JPEG_QUALITY = 92


def is_image(path: Path) -> bool:
    """Whether the name is an image's, and no hidden file's."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def read_image(path: Path) -> np.ndarray:
    """The picture H×W×3 uint8 RGB: turned as EXIF says, grey made RGB, 16 bits made 8, transparent laid on white.

    Raises ValueError, naming the file and the reason, for one that is no image or is cut short; FileNotFoundError.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                image.load()
                return _to_rgb(ImageOps.exif_transpose(image))
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: there is no such file") from None
    except UnidentifiedImageError:
        raise ValueError(f"{path}: not an image that can be read") from None
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise ValueError(f"{path}: cannot be read: {reason}") from None


def _to_rgb(image: Image.Image) -> np.ndarray:
    if image.mode.startswith("I") or image.mode == "F":  # Pillow would clip these to 255
        grey = np.asarray(image, np.float64)
        top = (
            1.0 if image.mode == "F" and grey.max(initial=0) <= 1 else 255.0 if grey.max(initial=0) <= 255 else 65535.0
        )
        scaled = np.clip(np.round(grey * (255 / top)), 0, 255).astype(np.uint8)
        return np.repeat(scaled[:, :, None], 3, axis=2)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.array(image.convert("RGB"))


def encode_image(image: np.ndarray, suffix: str = ".png") -> bytes:
    """An image H×W×3 uint8 RGB (or H×W grey) as the bytes of a file with that suffix."""
    kind = {".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".bmp": "BMP", ".tif": "TIFF", ".tiff": "TIFF"}
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format=kind.get(suffix.lower(), "PNG"), quality=JPEG_QUALITY)
    return buffer.getvalue()


def write_image(path: Path, image: np.ndarray) -> None:
    """Write an image H×W×3 uint8 RGB to ``path``, in the format that its suffix names, wholly or not at all."""
    write_bytes(path, encode_image(image, path.suffix))
