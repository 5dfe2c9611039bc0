"""OpenEXR pictures: scan lines of half or float, plain or zipped; other kinds with the ``openexr`` package."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np

from fauxface.extras import install

_LINES = {0: 1, 2: 1, 3: 16}
"""Compression (none, zip of one line, zip of sixteen) → lines a block."""
_NEEDS = f"need `{install('sequences')}`; or save it as .hdr"
_TYPES = {1: np.dtype("<f2"), 2: np.dtype("<f4")}


def read_exr(path: Path) -> np.ndarray:
    """Read linear RGB (H, W, 3) float32; ValueError for anything else."""
    try:
        return _read(path.read_bytes())
    except (struct.error, IndexError, KeyError, zlib.error, ValueError) as error:
        if not isinstance(error, _UnknownKindError):
            raise ValueError(f"{path} cannot be read as OpenEXR: it is damaged") from None
        try:
            import OpenEXR  # pyright: ignore[reportMissingImports]
        except ImportError:
            raise ValueError(f"{path} cannot be read as OpenEXR: {error}") from None
    try:
        channels = OpenEXR.File(str(path)).channels()
        return np.asarray((channels.get("RGB") or channels["RGBA"]).pixels[..., :3], np.float32)
    except (RuntimeError, KeyError, ValueError, IndexError):
        raise ValueError(f"{path} cannot be read as OpenEXR: it is damaged, or has no red, green and blue") from None


class _UnknownKindError(ValueError):
    pass


def _read(data: bytes) -> np.ndarray:
    magic, version = struct.unpack_from("<II", data)
    if magic != 20000630:
        raise _UnknownKindError("it is something else")
    if version & 0x1A00:
        raise _UnknownKindError(f"tiles and several parts {_NEEDS}")
    header, place = _header(data, 8)
    x0, y0, x1, y1 = struct.unpack("<4i", header["dataWindow"])
    width, height = x1 - x0 + 1, y1 - y0 + 1
    compression = header["compression"][0]
    if compression not in _LINES:
        raise _UnknownKindError(f"compressions other than none and zip {_NEEDS}")
    channels = _channels(header["channels"])
    names = [name for name, _ in channels]
    if not {"R", "G", "B"} <= set(names) or not 0 < width * height < 2**27:
        raise _UnknownKindError("it has no red, green and blue")
    lines = _LINES[compression]
    blocks = -(-height // lines)
    image = np.zeros((height, width, 3), np.float32)
    for offset in struct.unpack_from(f"<{blocks}Q", data, place):
        row, size = struct.unpack_from("<iI", data, offset)
        row -= y0
        count = min(lines, height - row)
        packed = data[offset + 8 : offset + 8 + size]
        expected = count * width * sum(kind.itemsize for _, kind in channels)
        raw = _unzipped(packed) if compression and size < expected else packed
        position = 0
        for line in range(count):
            for name, kind in channels:
                values = np.frombuffer(raw, kind, width, position)
                position += values.nbytes
                if name in ("R", "G", "B"):
                    image[row + line, :, "RGB".index(name)] = values
    return image


def _header(data: bytes, place: int) -> tuple[dict[str, bytes], int]:
    attributes: dict[str, bytes] = {}
    while data[place]:
        name, place = _word(data, place)
        _, place = _word(data, place)
        (size,) = struct.unpack_from("<I", data, place)
        attributes[name] = data[place + 4 : place + 4 + size]
        place += 4 + size
    return attributes, place + 1


def _word(data: bytes, place: int) -> tuple[str, int]:
    end = data.index(b"\0", place)
    return data[place:end].decode("latin-1"), end + 1


def _channels(data: bytes) -> list[tuple[str, np.dtype]]:
    found, place = [], 0
    while data[place]:
        name, place = _word(data, place)
        kind, _, across, down = struct.unpack_from("<iiii", data, place)
        if kind not in _TYPES or (across, down) != (1, 1):
            raise _UnknownKindError(f"channels that are not half or float, of full size, {_NEEDS}")
        found.append((name, _TYPES[kind]))
        place += 16
    return found


def _unzipped(data: bytes) -> bytes:
    """A zipped block: differences of neighbours, even and odd bytes apart."""
    apart = np.frombuffer(zlib.decompress(data), np.uint8)
    summed = (np.cumsum(apart.astype(np.int64) - 128) + 128).astype(np.uint8)
    half = (len(summed) + 1) // 2
    together = np.empty(len(summed), np.uint8)
    together[0::2], together[1::2] = summed[:half], summed[half:]
    return together.tobytes()
