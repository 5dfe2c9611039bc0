"""Segmentation classes of FaceSynthetics (Wood et al. 2021), for Python and for the shaders."""

from __future__ import annotations

from enum import IntEnum


class Segment(IntEnum):
    """A pixel's class, as ``NNNNNN_seg.png`` stores it.

    Right and left are the image's on a face that looks into the camera, as in Microsoft's frames: ``RIGHT_EYE`` is the
    subject's left eye. (Everywhere else in the package right and left are the subject's.)
    """

    BACKGROUND = 0
    SKIN = 1
    NOSE = 2
    RIGHT_EYE = 3
    LEFT_EYE = 4
    RIGHT_BROW = 5
    LEFT_BROW = 6
    RIGHT_EAR = 7
    LEFT_EAR = 8
    MOUTH_INTERIOR = 9
    TOP_LIP = 10
    BOTTOM_LIP = 11
    NECK = 12
    HAIR = 13
    BEARD = 14
    CLOTHING = 15
    GLASSES = 16
    HEADWEAR = 17
    FACEWEAR = 18
    IGNORE = 255
    """Occluders that are no part of a person's dress: hands, objects, somebody before the face."""


COVERS = (Segment.HAIR, Segment.HEADWEAR, Segment.FACEWEAR, Segment.IGNORE)
"""Classes that hide a point, however near to it they lie."""
EYES = (Segment.RIGHT_EYE, Segment.LEFT_EYE)
"""Classes about a pupil that is seen: lids are thinner than depth can tell, and clear lenses have no class."""


def glsl_constants() -> str:
    """Source lines that define ``SEGMENT_SKIN``, … as integers for the shaders."""
    return "".join(f"#define SEGMENT_{segment.name} {segment.value}\n" for segment in Segment)
