"""The user's own environment maps: equirectangular ``.hdr`` or ``.exr`` files, of a folder."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from fauxface.files import cache_folder, read_bytes
from fauxface.rendering.photo.environments.exr import read_exr
from fauxface.rendering.photo.environments.pack import installed_maps
from fauxface.rendering.photo.environments.place import FORMAT, is_stored, store_place
from fauxface.rendering.photo.environments.spheres import resampled

SUFFIXES = (".hdr", ".exr")
MAP_BYTES = 1 << 30
"""Largest file that is read."""


def find_maps(folder: Path) -> list[Path]:
    """The maps under a folder, sorted by their names.

    Raises:
        NotADirectoryError: no such folder.
        ValueError: the folder holds no maps.
    """
    if not folder.is_dir():
        raise NotADirectoryError(f"environments: {folder} is no folder")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise ValueError(f"environments: {folder} holds no .hdr or .exr file")
    return found


def read_map(path: Path) -> np.ndarray:
    """An equirectangular map (H, 2H, 3) float32, linear RGB; ValueError for anything else, FileNotFoundError."""
    if not path.is_file():
        raise FileNotFoundError(f"environments: {path} is missing")
    if path.suffix.lower() == ".exr":
        image = read_exr(path)
    else:
        data = np.frombuffer(read_bytes(path, MAP_BYTES), np.uint8)
        try:
            coded = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if len(data) else None
        except cv2.error:  # a picture that claims to be too large
            coded = None
        if coded is None or coded.dtype != np.float32 or coded.ndim != 3:
            raise ValueError(f"{path} cannot be read as Radiance HDR")
        image = np.ascontiguousarray(coded[..., 2::-1])
    height, width = image.shape[:2]
    if width != 2 * height or height < 32:
        raise ValueError(f"{path} is {width}×{height}; a map of all around is twice as wide as high, 64×32 at least")
    if not np.isfinite(image).all() or image.max() <= 0 or image.min() < -1e-3:
        raise ValueError(f"{path} holds no light: its numbers are negative, infinite or all zero")
    return np.maximum(image, 0)


@cache
def stored_map(path: Path) -> Path:
    """A map as a place in the cache folder, made on first use and named by the hash of the file."""
    digest = hashlib.sha256(read_bytes(path, MAP_BYTES)).hexdigest()[:24]
    stored = cache_folder() / f"places-{FORMAT}" / f"map-{digest}.npz"
    if not is_stored(stored):
        image = read_map(path)
        levels = [image]
        while levels[-1].shape[0] > 64:
            levels.append(cv2.resize(levels[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))

        def radiance(directions: np.ndarray, pixel: float) -> np.ndarray:
            level = int(np.clip(np.round(np.log2(pixel * image.shape[0] / np.pi)), 0, len(levels) - 1))
            return resampled(levels[level], directions.reshape(16, -1, 3)).reshape(-1, 3)

        rng = np.random.default_rng(int(digest[:8], 16))
        # a small map shows nothing more when it is looked at closely
        store_place(stored, path.stem, radiance, [], rng, narrowest=120 * np.pi / image.shape[0])
    return stored


def prepare_maps(folder: str) -> None:
    """Read every map of a folder that is not in the cache yet; errors as of `find_maps` and `read_map`."""
    for path in maps_of(folder):
        stored_map(path)


@cache
def maps_of(folder: str) -> list[Path]:
    """The maps that a recipe's ``environments`` names: a folder's, or with ``pack`` those of the installed pack."""
    return find_maps(installed_maps() if folder == "pack" else Path(folder))
