"""The list of formats, built in and from other packages.

A new built-in format is one file with a ``FORMAT``, and its name in the list here. Another package adds one with an
entry point of the group ``fauxface.datasets`` that names a `Format`; it is loaded when it is first used.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import tyro

from fauxface.datasets import aflw2000, coco, cofw, dlib, face_synthetics, ibug, wflw, wlp
from fauxface.datasets.base import Format
from fauxface.plugins import load_plugin, plugin_names

GROUP = "fauxface.datasets"
"""Group of the entry points with which other packages add formats."""
FORMATS: Mapping[str, Format] = MappingProxyType(
    {module.FORMAT.name: module.FORMAT for module in (face_synthetics, ibug, wflw, cofw, aflw2000, wlp, coco, dlib)}
)
"""Name → built-in format."""
FormatName = Annotated[str, tyro.conf.arg(metavar="{" + ",".join(("auto", *FORMATS)) + "}")]
"""Type of options that name a format; ``auto`` finds it out."""


def format_of(name: str) -> Format:
    """The format with this name, built in or from another package; ValueError, with the known names, if unknown."""
    found = FORMATS.get(name) or load_plugin(GROUP, name, Format)
    if found is None:
        raise ValueError(f"unknown format '{name}'; there are {', '.join((*FORMATS, *plugin_names(GROUP)))}")
    return found


def recognise(folder: Path, files: list[Path]) -> Format:
    """The format of the faces among ``files``; those of other packages are tried only if no built-in one fits.

    ValueError, in one line, if no format fits, or several.
    """
    found = [format for format in FORMATS.values() if format.find(files)]
    others = (format_of(name) for name in plugin_names(GROUP) if name not in FORMATS)
    found = found or [format for format in others if format.find(files)]
    if not found:
        signs = "; ".join(f"{format.name}: {format.sign}" for format in FORMATS.values())
        raise ValueError(f"no labelled faces in {folder} ({signs})")
    if len(found) > 1:
        names = ", ".join(format.name for format in found)
        raise ValueError(f"{folder} holds faces of several formats ({names}): choose one with --format")
    return found[0]
