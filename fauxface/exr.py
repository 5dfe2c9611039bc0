"""OpenEXR pictures brought to display, through the package ``openexr``.

The transform is the same for every file and every frame: linear red, green and blue × 2^exposure, clipped to 0…1, the
sRGB curve (IEC 61966-2-1: 12.92 x up to 0.0031308, above it 1.055 x^(1/2.4) − 0.055), × 255, rounded. Primaries are
taken as they are. The file's colours count as multiplied by its alpha, as EXR asks, so the picture lies on black.
Pixels are those of the display window; what the data window does not cover is black. NaN is black, infinity white.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from fauxface.extras import install

MAGIC = struct.pack("<I", 20000630)
"""The first bytes of every OpenEXR file."""
_RGB = ("R", "G", "B")
_KINDS = {"HALF": np.dtype(np.float16), "FLOAT": np.dtype(np.float32), "UINT": np.dtype(np.uint32)}


def is_exr(path: Path) -> bool:
    """True for a file that begins as OpenEXR files do; OSError if it cannot be opened."""
    with path.open("rb") as file:
        return file.read(4) == MAGIC


def read_display(path: Path, max_side: int, max_pixels: int, exposure: float = 0) -> np.ndarray:
    """The picture H×W×3 uint8 RGB of the display window of the first part that has red, green and blue.

    ``exposure`` is in stops. ValueError, with the reason, for deep data, other channels, a picture beyond
    ``max_side`` or ``max_pixels``, a damaged file, and where openexr is not installed.
    """
    try:
        import OpenEXR
    except ImportError:
        raise ValueError(f"EXR files need OpenEXR: {install('sequences')}") from None
    with _damage(), _silent():
        headers = [part.header for part in OpenEXR.File(str(path), separate_channels=True, header_only=True).parts]
    number = _rgb_part(headers)
    (left, top), (right, bottom) = _window(headers[number], "displayWindow")
    width, height = right - left + 1, bottom - top + 1
    for wide, high in ((width, height), _size(headers[number])):
        if max(wide, high) > max_side or wide * high > max_pixels or min(wide, high) < 1:
            raise ValueError(
                f"{wide}×{high} px are too large: at most {max_side:,} px a side and {max_pixels:,} in all"
            )
    with _damage(), _silent():
        planes = _first_part(path, headers[0]) if number == 0 else _other_part(path, number)
    if any(plane.dtype.kind != "f" for plane in planes):
        raise ValueError("its red, green and blue are whole numbers: half or float is read")
    shown = np.zeros((height, width, 3), np.uint8)
    (x, y), _ = _window(headers[number], "dataWindow")
    x, y = x - left, y - top
    inside = np.stack(planes, -1)[max(0, -y) : max(0, height - y), max(0, -x) : max(0, width - x)]
    y, x = max(0, y), max(0, x)
    shown[y : y + inside.shape[0], x : x + inside.shape[1]] = to_display(inside, exposure)
    return shown


def to_display(linear: np.ndarray, exposure: float = 0) -> np.ndarray:
    """Scene-linear values of any shape as uint8, by the transform at the head of this file."""
    values = np.nan_to_num(np.asarray(linear, np.float32), nan=0, posinf=np.inf, neginf=0)
    values = np.clip(values * np.float32(2**exposure), 0, 1)
    curved = np.where(values <= 0.0031308, 12.92 * values, 1.055 * values ** np.float32(1 / 2.4) - 0.055)
    return np.round(255 * curved).astype(np.uint8)


def _first_part(path: Path, header: dict[str, Any]) -> list[np.ndarray]:
    """Red, green and blue, H×W each, of the first part; its other channels, often dozens, are not decoded."""
    import OpenEXR

    file, (width, height) = OpenEXR.InputFile(str(path)), _size(header)
    try:
        kinds = {name: _KINDS[str(channel.type)] for name, channel in file.header()["channels"].items()}
        return [np.frombuffer(file.channel(name), kinds[name]).reshape(height, width) for name in _RGB]
    finally:
        file.close()


def _other_part(path: Path, number: int) -> list[np.ndarray]:
    import OpenEXR

    channels = OpenEXR.File(str(path), separate_channels=True).parts[number].channels
    return [channels[name].pixels for name in _RGB]


@contextmanager
def _damage() -> Iterator[None]:
    """Turn any error of the library into a ValueError."""
    try:
        yield
    except Exception:  # it raises nearly anything on broken files
        raise ValueError("it is damaged") from None


@contextmanager
def _silent() -> Iterator[None]:
    """Keep the library's own lines about broken files from standard output and standard error."""
    kept = [os.dup(number) for number in (1, 2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for number in (1, 2):
            os.dup2(nowhere, number)
        yield
    finally:
        for number, copy in zip((1, 2), kept, strict=True):
            os.dup2(copy, number)
            os.close(copy)
        os.close(nowhere)


def _rgb_part(headers: list[dict[str, Any]]) -> int:
    """Number of the first part with red, green and blue in full size; ValueError if there is none."""
    flat = [i for i, header in enumerate(headers) if "deep" not in str(header.get("type", ""))]
    if not flat:
        raise ValueError("it holds deep data: flatten it first")
    for i in flat:
        found = {channel.name: channel for channel in headers[i]["channels"]}
        if set(_RGB) <= found.keys():
            if any((found[name].xSampling, found[name].ySampling) != (1, 1) for name in _RGB):
                raise ValueError("its red, green and blue are subsampled: save them in full size")
            return i
    names = sorted({channel.name for i in flat for channel in headers[i]["channels"]})
    raise ValueError(f"it has no channels R, G and B; it has {', '.join(names[:12])}{', …' if len(names) > 12 else ''}")


def _window(header: dict[str, Any], name: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """First and last pixel (x, y) of a window."""
    first, last = header[name]
    return (int(first[0]), int(first[1])), (int(last[0]), int(last[1]))


def _size(header: dict[str, Any]) -> tuple[int, int]:
    (left, top), (right, bottom) = _window(header, "dataWindow")
    return right - left + 1, bottom - top + 1
