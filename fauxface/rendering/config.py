"""Settings of `fauxface render`. No OpenGL here: the command line reads this for its help."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from fauxface.ranges import Count, PictureSide, Seed, Workers


@dataclass(frozen=True)
class RenderConfig:
    """Settings of a folder of renders."""

    out: Annotated[Positional[Path], arg(metavar="OUT")]
    """Folder for the data set. It must be new, empty, or hold an earlier run with the same settings."""
    count: Count
    """Number of pictures that the folder will hold; more than it holds already extend it."""
    seed: Seed = 0
    """Seed of every random choice."""
    size: PictureSide = 512
    """Height and width of the pictures, pixels."""
    workers: Workers = 0
    """Processes; 0 uses one for each CPU core."""
    recipe: Path | None = None
    """YAML file that changes how faces are made."""
    faces: Annotated[str | None, arg(metavar="N|LOW-HIGH")] = None
    """Faces in each picture, of any size, for wide frames: a number or a range such as 0-5. The .json
    of a picture lists them, and there is no _ldmks.txt. Default: one face, with all its labels."""
    pictures_of_each: Count = 1
    """Pictures of each person: that many in a row show the same head, skin and hair, with another pose,
    expression, light and camera."""
    dask: Annotated[str | None, arg(metavar="ADDRESS")] = None
    """Address of a Dask scheduler whose workers render instead of this machine."""
    labels: Annotated[str, arg(metavar="dense,depth,normals")] = ""
    """Additional label files for each face: vertices of the mesh (.npz), depth (16-bit, millimetres) and
    normals (PNG). Give one or more of the names, separated by commas."""
    environments: Path | None = None
    """Folder of equirectangular .hdr or .exr maps, which then light most faces and fill their
    background."""
