"""An optional pack of environment maps: Poly Haven's, CC0, small, as the npm package @pmndrs/assets carries them."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import re
import tarfile
import tempfile
from pathlib import Path

import cv2
import numpy as np

from fauxface.extras import install
from fauxface.files import atomic_folder, cache_folder
from fauxface.npm import download_bar, fetch
from fauxface.rendering.photo.environments.exr import read_exr

PACKAGE, VERSION = "@pmndrs/assets", "1.7.0"
SIZE = 13_774_995
"""Bytes of the tarball."""
SHA512 = "cc798a352fb726fbbd2b7cc90507d840a4fd3e7f4842df2cd2afde242dc25caa56a7283a2016be8af37d3600e7f9f0d3d80563521d98459fff19752e7ae01d0a"  # noqa: E501
"""Of the tarball, as npm publishes it."""
LICENCE = "CC0 1.0"
NEEDED = f"the openexr package: {install('assets')}"
_MODULE = re.compile(r"package/hdri/(\w+)\.exr\.js")
_COUNT = 18
"""Maps in the package."""


def maps_folder() -> Path:
    """Path of the maps' folder, whether or not they are installed."""
    return cache_folder() / "assets" / f"pmndrs-environments-{VERSION}"


def installed_maps() -> Path:
    """The folder of the installed maps; ValueError where none are installed."""
    if not maps_folder().is_dir():
        raise ValueError("environments: 'pack' is not installed; `fauxface assets install` fetches it")
    return maps_folder()


def is_maps_tarball(path: Path) -> bool:
    """True for a file that has the size of the package's tarball."""
    return path.is_file() and path.stat().st_size == SIZE


def install_maps(source: Path | None = None) -> Path:
    """Install the maps, fetched with npm, unless they are there, and return their folder; errors as of `unpack_maps`.

    Args:
        source: the package's tarball; fetched where it is None.
    """
    if maps_folder().is_dir():
        return maps_folder()
    if source is not None:
        return unpack_maps(source)
    with download_bar() as progress, tempfile.TemporaryDirectory(prefix="fauxface-maps-") as folder:
        return unpack_maps(fetch(PACKAGE, VERSION, SIZE, Path(folder), progress))


def can_read_maps() -> bool:
    """True where OpenEXR is installed, which reads the maps' compression."""
    return importlib.util.find_spec("OpenEXR") is not None


def unpack_maps(tarball: Path) -> Path:
    """Put the maps of the package's tarball into the cache folder as ``.hdr`` files, all or nothing.

    Raises:
        FileNotFoundError: no such tarball.
        ValueError: it is another one or damaged; or the ``openexr`` package, which alone reads these maps, is missing.
    """
    if hashlib.sha512(tarball.read_bytes()).hexdigest() != SHA512:
        raise ValueError(f"{tarball} is not {PACKAGE} {VERSION} as published: its SHA-512 differs")
    if not can_read_maps():
        raise ValueError(f"the environment maps need {NEEDED}")
    with atomic_folder(maps_folder()) as folder:
        with tarfile.open(tarball, "r:gz") as archive:
            for member in archive:
                name = _MODULE.fullmatch(member.name)
                content = archive.extractfile(member) if name else None
                if name is None or content is None:
                    continue
                text = content.read().partition(b"base64,")[2].partition(b"'")[0]
                coded = folder / f"{name[1]}.exr"
                coded.write_bytes(base64.b64decode(text))
                image = read_exr(coded)
                coded.unlink()
                done = cv2.imwrite(str(folder / f"{name[1]}.hdr"), np.ascontiguousarray(image[..., ::-1]))
                assert done
        if len(list(folder.iterdir())) != _COUNT:
            raise ValueError(f"{tarball} lacks maps of {PACKAGE} {VERSION}")
    return maps_folder()


def describe_maps() -> str:
    """Describe the installed maps, their folder and licence; or say how to install them."""
    folder = maps_folder()
    if not folder.is_dir():
        return "No environment maps are installed; `fauxface assets install` fetches them with npm (14 MB)."
    names = ", ".join(sorted(path.stem for path in folder.glob("*.hdr")))
    return f"environment maps in {folder}, {LICENCE} (Poly Haven's, from {PACKAGE} {VERSION}): {names}"
