"""Segmentation classes of FaceSynthetics (Wood et al. 2021)."""

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
    """Occluders that nobody wears: hands, objects, another person in front of the face."""


COVERS = (Segment.HAIR, Segment.HEADWEAR, Segment.FACEWEAR, Segment.IGNORE)
"""Classes that hide a point. Beards and glasses are not among them: a point may show through."""
WORN = (Segment.HAIR, Segment.BEARD, Segment.GLASSES, Segment.HEADWEAR, Segment.FACEWEAR, Segment.IGNORE)
"""Classes of everything that may lie over a face."""
FACE = (
    *(Segment.SKIN, Segment.NOSE, Segment.RIGHT_EYE, Segment.LEFT_EYE, Segment.RIGHT_BROW, Segment.LEFT_BROW),
    *(Segment.MOUTH_INTERIOR, Segment.TOP_LIP, Segment.BOTTOM_LIP),
)
"""Classes of the bare face, without ears and neck."""
EYES = (Segment.RIGHT_EYE, Segment.LEFT_EYE)
"""Classes at a visible pupil: lids are too thin for depth to decide, and clear lenses have no class."""
