"""Hair on heads and chins: where it grows, which way it falls, and the ribbons and sheets that show it."""

from fauxface.rendering.hair.beard import Beard, beard_colours, beard_meshes, sample_beard
from fauxface.rendering.hair.mesh import HairMesh, hair_meshes
from fauxface.rendering.hair.styles import STYLES, Hair, sample_hair, style

__all__ = [
    "STYLES",
    "Beard",
    "Hair",
    "HairMesh",
    "beard_colours",
    "beard_meshes",
    "hair_meshes",
    "sample_beard",
    "sample_hair",
    "style",
]
