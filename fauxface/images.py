"""Image files in and out: RGB uint8 arrays H×W×3, read as a viewer shows them, written completely or not at all.

Only the formats below are opened, and their size is checked first, so that no file can exhaust the memory.
"""

from __future__ import annotations

import io
import math
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError, features

from fauxface.exr import is_exr, read_display
from fauxface.extras import install
from fauxface.files import regular_size, write_bytes
from fauxface.parsing import clipped

FORMATS: dict[str, tuple[str, ...]] = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".jif"),
    "PNG": (".png", ".apng"),
    "WEBP": (".webp",),
    "BMP": (".bmp", ".dib"),
    "TIFF": (".tif", ".tiff"),
    "GIF": (".gif",),
    "AVIF": (".avif",),
    "HEIF": (".heic", ".heif", ".hif"),
    "EXR": (".exr",),
}
"""Formats that are read, by Pillow's names, and their suffixes; `fauxface.exr` reads EXR."""
IMAGE_SUFFIXES = tuple(suffix for suffixes in FORMATS.values() for suffix in suffixes)
JPEG_QUALITY = 92
MAX_SIDE = 65_500
"""Longest side of an image, px: the most that a JPEG can have."""
MAX_PIXELS = 250_000_000
"""Most pixels of an image; phones take 200 million."""
_TOO_LARGE = f"too large: at most {MAX_SIDE:,} px a side and {MAX_PIXELS // 1_000_000} million in all"
_BAND_PIXELS = 4_000_000
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation → the operation that undoes it."""

if Image.MAX_IMAGE_PIXELS is not None:  # Pillow's own limit is below a phone's images; ours is checked first
    Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, MAX_PIXELS)


@dataclass(frozen=True)
class Picture:
    """An image file's pixels.

    Attributes:
        image: H×W×3 uint8 RGB, upright.
        scale: the file's pixels per pixel of ``image``; 1 unless a large image was reduced.
        size: width and height of the file's image, upright, pixels.
    """

    image: np.ndarray
    scale: int
    size: tuple[int, int]


def is_image(path: Path) -> bool:
    """True for the name of an image that is not a hidden file."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def is_readable(path: Path) -> bool:
    """True if the file starts as an image of a format that can be read here."""
    try:
        regular_size(path)
        if is_exr(path):
            return True
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            Image.open(path, formats=_openable()).close()
    except Exception:  # decoders raise nearly anything on broken files
        return False
    return True


def is_animated(path: Path) -> bool:
    """True for a GIF with several images, which is treated as a video."""
    try:
        regular_size(path)
        with path.open("rb") as file:  # Pillow would import all its readers before it says no
            if file.read(4) != b"GIF8":
                return False
        with warnings.catch_warnings(), Image.open(path, formats=["GIF"]) as image:
            warnings.simplefilter("ignore")
            return bool(getattr(image, "is_animated", False))
    except Exception:  # decoders raise nearly anything on broken files
        return False


def sort_out(files: list[Path]) -> tuple[list[Path], str]:
    """The images among a folder's files, sorted, and a line about the files left out (empty if there are none)."""
    kept = sorted(path for path in files if is_image(path) and path.is_file())
    others = set(files) - set(kept)
    left = Counter(path.suffix.lower()[:20] or "no suffix" for path in others if not path.name.startswith("."))
    if not left:
        return kept, ""
    kinds = ", ".join(f"{count} {suffix}" for suffix, count in left.most_common(8)) + (", …" if len(left) > 8 else "")
    count = left.total()
    return kept, f"left out {count} file{'s' * (count != 1)} that {'are' if count != 1 else 'is'} no picture: {kinds}"


def read_image(path: Path) -> np.ndarray:
    """The image H×W×3 uint8 RGB: upright as EXIF says, grey as RGB, 16 bits as 8, transparency over white.

    FileNotFoundError; ValueError, with the file and the reason, for a file that is not an image, of another format,
    truncated, or larger than ``MAX_SIDE`` or ``MAX_PIXELS``.
    """
    return read_picture(path, MAX_PIXELS).image


def read_picture(path: Path, pixels: int, exposure: float = 0) -> Picture:
    """The image as by `read_image`, but reduced by a whole factor if it has more than ``pixels`` pixels.

    Its pixel u is at (u + 0.5) · scale − 0.5 in the pixels of the file. ``exposure``, in stops, is for EXR alone.
    """
    with _reasons(path):
        regular_size(path)
        if is_exr(path):
            return _of_exr(read_display(path, MAX_SIDE, MAX_PIXELS, exposure), pixels)
        with Image.open(path, formats=_openable()) as image:
            width, height = image.size
            if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
                raise ValueError(f"{width}×{height} px are {_TOO_LARGE}")
            factor = math.ceil(math.sqrt(width * height / pixels))
            if factor > 1:
                image.draft(None, (width // factor, height // factor))  # a JPEG decodes to less at once
            image.load()
            coded = round(max(width, height) / max(image.size))
            rest = max(1, -(-factor // coded))
            size = (height, width) if _orientation(image) >= 5 else (width, height)
            return Picture(_turned(image, _reduced(image, rest)), coded * rest, size)


def _of_exr(image: np.ndarray, pixels: int) -> Picture:
    height, width = image.shape[:2]
    factor = math.ceil(math.sqrt(width * height / pixels))
    reduced = image if factor <= 1 else np.asarray(Image.fromarray(image).reduce(factor))
    return Picture(reduced, max(1, factor), (width, height))


def from_pil(image: Image.Image) -> np.ndarray:
    """A PIL image as H×W×3 uint8 RGB, as `read_image` reads its file; ValueError, in one line, if it is damaged."""
    if image.width * image.height > MAX_PIXELS:
        raise ValueError(f"a PIL image of {image.width}×{image.height} px is {_TOO_LARGE}")
    with _reasons(Path(getattr(image, "filename", "") or "PIL image")):
        image.load()
        return _turned(image, _reduced(image, 1))


@contextmanager
def _reasons(path: Path) -> Iterator[None]:
    """Turn any error of a decoder into one line that names the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: there is no such file") from None
    except UnidentifiedImageError:
        missing = path.suffix.lower() in FORMATS["HEIF"] and not _has_heif()
        hint = f": HEIC needs `{install('heic')}`" if missing else ""
        raise ValueError(f"{path}: not an image that can be read{hint}") from None
    except Image.DecompressionBombError:  # Pillow checks the size, too, and first
        raise ValueError(f"{path}: cannot be read: {_TOO_LARGE}") from None
    except MemoryError:
        raise ValueError(f"{path}: cannot be read: not enough memory") from None
    except Exception as error:  # decoders raise nearly anything on broken files
        reason = getattr(error, "strerror", None) or str(error).removeprefix(f"{path}: ") or type(error).__name__
        raise ValueError(f"{path}: cannot be read: {clipped(reason, 120)}") from None


@cache
def _openable() -> tuple[str, ...]:
    """Formats that this installation can read."""
    optional = {"AVIF": features.check("avif"), "HEIF": _has_heif(), "WEBP": features.check("webp"), "EXR": False}
    return tuple(name for name in FORMATS if optional.get(name, True))


@cache
def _has_heif() -> bool:
    try:
        from pillow_heif import register_heif_opener  # pyright: ignore[reportMissingImports]
    except ImportError:
        return False
    register_heif_opener()
    return True


def _reduced(image: Image.Image, factor: int) -> np.ndarray:
    """The image as RGB, each pixel the mean of factor × factor; in bands, as some modes take 16 bytes per pixel."""
    top = _white(image)
    if factor == 1 and image.width * image.height <= _BAND_PIXELS:
        return _to_rgb(image, top)
    height = -(-image.height // factor)
    out = np.empty((height, -(-image.width // factor), 3), np.uint8)
    rows = max(1, _BAND_PIXELS // (image.width * factor))
    for row in range(0, height, rows):
        below = min(image.height, (row + rows) * factor)
        band = _to_rgb(image.crop((0, row * factor, image.width, below)), top)
        out[row : row + rows] = np.asarray(Image.fromarray(band).reduce(factor)) if factor > 1 else band
    return out


def _turned(image: Image.Image, pixels: np.ndarray) -> np.ndarray:
    """The pixels, upright according to the image's EXIF data."""
    turn = _TURNS.get(_orientation(image))
    return pixels if turn is None else np.array(Image.fromarray(pixels).transpose(turn))


def _orientation(image: Image.Image) -> int:
    """Orientation by the image's EXIF data, from 1; from 5 on width and height change places."""
    value = image.getexif().get(0x0112, 1)
    return value if value in _TURNS else 1


def _white(image: Image.Image) -> float:
    """The value of white in an image of integers or floats (Pillow would clip them to 255)."""
    if not (image.mode.startswith("I") or image.mode == "F"):
        return 255.0
    extrema = image.getextrema()
    most = extrema[1] if isinstance(extrema[1], int | float) else 65535.0
    if not math.isfinite(most):
        raise ValueError("it holds numbers that are not finite")
    return 1.0 if image.mode == "F" and most <= 1 else 255.0 if most <= 255 else 65535.0


def _to_rgb(image: Image.Image, top: float) -> np.ndarray:
    if image.mode.startswith("I") or image.mode == "F":
        grey = np.nan_to_num(np.asarray(image, np.float64))
        scaled = np.clip(np.round(grey * (255 / top)), 0, 255).astype(np.uint8)
        return np.repeat(scaled[:, :, None], 3, axis=2)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.array(image.convert("RGB"))


def encode_image(image: np.ndarray, suffix: str = ".png") -> bytes:
    """An image H×W×3 uint8 RGB (or H×W grey) encoded as a file with this suffix."""
    kind = {".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".bmp": "BMP", ".tif": "TIFF", ".tiff": "TIFF"}
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format=kind.get(suffix.lower(), "PNG"), quality=JPEG_QUALITY)
    return buffer.getvalue()


def write_image(path: Path, image: np.ndarray) -> None:
    """Write an image H×W×3 uint8 RGB to ``path`` in the format of its suffix, completely or not at all."""
    write_bytes(path, encode_image(image, path.suffix))
