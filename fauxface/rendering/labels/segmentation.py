"""Segmentation classes for the shaders."""

from __future__ import annotations

from fauxface.segmentation import Segment


def glsl_constants() -> str:
    """Source lines that define ``SEGMENT_SKIN``, … as integers for the shaders."""
    return "".join(f"#define SEGMENT_{segment.name} {segment.value}\n" for segment in Segment)
