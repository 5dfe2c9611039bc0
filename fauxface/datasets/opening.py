"""Open a folder of labelled faces, whatever its format. A new format is one file and one line of ``FORMATS``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from fauxface.datasets import face_synthetics, ibug
from fauxface.datasets.base import FaceDataset, list_files

FORMATS = {module.NAME: module for module in (face_synthetics, ibug)}
"""Format → the module that finds and reads it."""


def open_dataset(
    folder: Path,
    format: Literal["auto", "face_synthetics", "ibug"] = "auto",
    split: str | None = None,
    labels: Literal["2d", "projected"] | None = None,
) -> FaceDataset:
    """The labelled faces in ``folder`` and below it.

    Args:
        folder: where they are.
        format: how they lie there; ``auto`` looks.
        split: of 300-W, by official folder names: common, challenging, full, private, train, afw, …; None is all.
        labels: the convention of rendered labels; None is ``2d`` where every sample has it, else ``projected``.

    FileNotFoundError without such a folder; ValueError, in one line, when it holds no such faces.
    """
    files = list_files(folder)
    if format != "auto" and format not in FORMATS:
        raise ValueError(f"unknown format '{format}'; there are {', '.join(FORMATS)}")
    formats = [name for name in FORMATS if format in ("auto", name) and FORMATS[name].find(files)]
    if not formats:
        wanted = "NNNNNN.png with NNNNNN_ldmks.txt, or images with .pts" if format == "auto" else f"format '{format}'"
        raise ValueError(f"no labelled faces in {folder} ({wanted})")
    if len(formats) > 1:
        raise ValueError(f"{folder} holds faces of several formats ({', '.join(formats)}): say which")
    return FORMATS[formats[0]].open_folder(folder, files, split, labels)
