"""The formats: which there are, ours and those that other packages bring. The one list of them.

A new format of ours is one file with a ``FORMAT``, and its name in the list here. Another package brings one by an
entry point of the group ``fauxface.datasets`` that names a `Format`; it is loaded when it is asked for.
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
"""The entry points' group."""
FORMATS: Mapping[str, Format] = MappingProxyType(
    {module.FORMAT.name: module.FORMAT for module in (face_synthetics, ibug, wflw, cofw, aflw2000, wlp, coco, dlib)}
)
"""Our formats by name."""
FormatName = Annotated[str, tyro.conf.arg(metavar="{" + ",".join(("auto", *FORMATS)) + "}")]
"""An option that names a format; ``auto`` looks."""


def format_of(name: str) -> Format:
    """The format of that name, ours or another package's; ValueError, naming those there are, if there is none."""
    found = FORMATS.get(name) or load_plugin(GROUP, name, Format)
    if found is None:
        raise ValueError(f"unknown format '{name}'; there are {', '.join((*FORMATS, *plugin_names(GROUP)))}")
    return found


def recognise(folder: Path, files: list[Path]) -> Format:
    """The one format of which there are faces among ``files``; others' are asked only where none of ours is.

    ValueError, in one line, for a folder of none or of several.
    """
    found = [format for format in FORMATS.values() if format.find(files)]
    others = (format_of(name) for name in plugin_names(GROUP) if name not in FORMATS)
    found = found or [format for format in others if format.find(files)]
    if not found:
        signs = "; ".join(f"{format.name}: {format.sign}" for format in FORMATS.values())
        raise ValueError(f"no labelled faces in {folder} ({signs})")
    if len(found) > 1:
        names = ", ".join(format.name for format in found)
        raise ValueError(f"{folder} holds faces of several formats ({names}): say which with --format")
    return found[0]
