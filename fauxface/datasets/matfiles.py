"""Small MATLAB files with the annotation of one image (AFLW2000-3D, 300W-LP); damaged ones are errors."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from fauxface.datasets.base import BadSample
from fauxface.parsing import clipped

LARGEST = 1 << 20
"""Most bytes of one image's .mat; the official ones have about ten thousand."""


def read_mat(path: Path, key: str, *shapes: tuple[int, ...]) -> np.ndarray:
    """The array ``key`` of a .mat of version 5, float64, in one of the shapes; BadSample if there is none."""
    from scipy.io import loadmat

    try:
        if path.stat().st_size > LARGEST:
            raise BadSample(path, f"more than {LARGEST >> 20} MiB, too much for the annotation of one image")
        content = loadmat(path, variable_names=[key])
    except BadSample:
        raise
    except FileNotFoundError:
        raise BadSample(path, "no such file") from None
    except Exception as error:  # scipy raises nearly anything on broken files
        raise BadSample(path, f"not a MATLAB file of version 5 ({clipped(error)})") from error
    if key not in content:
        raise BadSample(path, f"has no {key}")
    array = content[key]
    if array.shape not in shapes or array.dtype.kind not in "fiu":
        raise BadSample(path, f"{key} is not {'×'.join(map(str, shapes[0]))} numbers")
    return array.astype(np.float64)


def find_mats(files: list[Path], pattern: str) -> list[Path]:
    """The .mat files among ``files`` with matching names, in folders where at least one has its image."""
    found = [path for path in files if re.fullmatch(pattern, path.name)]
    known = set(files) if found else set()
    folders = {path.parent for path in found if picture_of(path, known)}
    return [path for path in found if path.parent in folders]


def picture_of(mat: Path, known: set[Path] | None = None) -> Path | None:
    """The image next to a .mat, None if there is none; searched for in ``known`` files or, if None, on the disk."""
    beside = (mat.with_suffix(suffix) for suffix in (".jpg", ".png", ".JPG", ".PNG", ".jpeg"))
    return next((path for path in beside if (path in known if known is not None else path.is_file())), None)
