"""``fauxface convert``: the JSON of found faces into another program's format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fauxface.interchange import blender, bvh, gltf, nuke, usd
from fauxface.interchange.coco import write_coco
from fauxface.interchange.config import ConversionConfig
from fauxface.interchange.shot import Shot, read_predictions, shot_of
from fauxface.outputs import check_file
from fauxface.ranges import in_range

FORMATS: dict[str, tuple[tuple[str, ...], Callable[[Shot, Path], None]]] = {
    "usd": (usd.SUFFIXES, usd.write_usd),
    "gltf": (gltf.SUFFIXES, gltf.write_gltf),
    "bvh": (bvh.SUFFIXES, bvh.write_bvh),
    "nuke": (nuke.SUFFIXES, nuke.write_nuke),
    "blender": (blender.SUFFIXES, blender.write_blender),
}
"""Formats of shots: suffixes and writers; ``coco`` is one of images."""


@in_range
def run_conversion(config: ConversionConfig) -> str:
    """Write the file, and return a line about it.

    ValueError or OSError, in one line, for a JSON of something else, for an image or face that it has not, for a suffix
    that the format has not, for a file that must not be overwritten, and for a missing package.
    """
    suffixes = (".json",) if config.to == "coco" else FORMATS[config.to][0]
    if config.out.suffix.lower() not in suffixes:
        raise ValueError(f"--out {config.out}: the name of a {config.to} file ends in {' or '.join(suffixes)}")
    check_file(config.out, "--out", [config.predictions], own=True)
    items = read_predictions(config.predictions)
    if config.to == "coco":
        chosen = [item for item in items if config.image in (None, item["image"])]
        if not chosen:
            raise ValueError(f"{config.predictions}: it holds no image {config.image}")
        write_coco(chosen, config.out, config.face)
        return f"{len(chosen)} image{'s' * (len(chosen) != 1)}"
    shot = shot_of(items, config.image, config.fps).only(config.face)
    FORMATS[config.to][1](shot, config.out)
    faces, frames = len(shot.tracks), len(shot.frames)
    count = f"{faces} face{'s' * (faces != 1)}, {frames} frame{'s' * (frames != 1)}"
    return f"{shot.image}: {count}, {shot.fps:g} a second"
