"""Drawing styles for faces: over the picture, or as landmark sketches on black."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, get_args

import cv2
import numpy as np

from fauxface.inference.config import Style
from fauxface.inference.drawing import COLOURS, Colour, draw_box, draw_landmarks, stroke
from fauxface.inference.face import Face
from fauxface.landmarks import scheme_of
from fauxface.pose import HEAD_SCHEMES, mean_head

STYLES: tuple[Style, ...] = get_args(Style)

SKETCH_COLOURS: Mapping[str, Colour] = MappingProxyType(
    {
        "jaw": (0, 128, 0),
        "right_brow": (255, 165, 0),
        "left_brow": (255, 165, 0),
        "nose": (0, 0, 255),
        "right_eye": (255, 0, 0),
        "left_eye": (255, 0, 0),
        "mouth": (128, 0, 128),
    }
)
"""RGB of each facial part, as in implementations of Zakharov et al. 2019."""
_SHIFT = 4  # OpenCV draws at 1/16 px


def draw_faces(image: np.ndarray, faces: Iterable[Face], style: Style = "all") -> np.ndarray:
    """A copy of the image H×W×3 uint8 RGB with the faces drawn on it or, with ``sketch``, on black.

    ``all`` draws box, lines and points. Faces that are not reliable are grey, with a dashed box. ValueError for an
    unknown style.
    """
    if style not in STYLES:
        raise ValueError(f"unknown drawing style '{style}'; there are {', '.join(STYLES)}")
    picture = np.zeros_like(image) if style == "sketch" else np.ascontiguousarray(image).copy()
    for face in faces:
        if style == "sketch":
            _sketch(picture, face)
            continue
        if style == "all":
            picture = draw_box(picture, face.box, reliable=face.reliable)
        picture = draw_landmarks(
            picture,
            face.landmarks,
            face.scheme,
            face.visibility,
            points=style != "lines",
            lines=style != "points",
            reliable=face.reliable,
        )
    return picture


def _sketch(picture: np.ndarray, face: Face) -> None:
    """Draw the landmark sketch that talking-head models take (Zakharov et al. 2019, arXiv 1905.08233, section 3.1).

    Each part's points are joined in order by lines of its colour; single points (pupils) are not drawn.
    """
    width = max(1, round(1.5 * stroke(face.landmarks)))
    for line in scheme_of(face.scheme).lines:
        points = face.landmarks[list(line.points)]
        if np.isfinite(points).all():
            curve = np.round(np.clip(points, -1e5, 1e5) * (1 << _SHIFT)).astype(np.int32).reshape(-1, 1, 2)
            cv2.polylines(picture, [curve], line.closed, SKETCH_COLOURS[line.group], width, cv2.LINE_AA, _SHIFT)


def point_colours(scheme: str) -> list[Colour]:
    """RGB of each point of a scheme."""
    groups = {i: group for group, indices in scheme_of(scheme).groups.items() for i in indices}
    return [COLOURS[groups[i]] for i in range(scheme_of(scheme).count)]


def drawing_facts(scheme: str) -> dict[str, Any]:
    """Colours, lines and mesh of a scheme's points, as a page's JavaScript takes them."""
    return {
        "colours": point_colours(scheme),
        "lines": [{"points": line.points, "closed": line.closed} for line in scheme_of(scheme).lines],
        "mesh": mesh_edges(scheme),
    }


@cache
def mesh_edges(scheme: str) -> list[tuple[int, int]]:
    """Edges, as pairs of points, of a triangle mesh of the face: the Delaunay triangulation of the frontal mean head.

    Empty for a scheme that the mean head does not cover.
    """
    count = scheme_of(scheme).count
    if scheme not in HEAD_SCHEMES:
        return []
    points = mean_head()[:count, :2]
    points = (points - points.min(0)) / np.ptp(points)  # 0 to 1, because OpenCV wants a rectangle that holds them
    plane = cv2.Subdiv2D((-1, -1, 3, 3))
    plane.insert(points.astype(np.float32).tolist())
    corners = np.array(plane.getTriangleList(), np.float64).reshape(-1, 3, 2)
    away = np.linalg.norm(corners[:, :, None] - points, axis=-1)
    triangles = away.argmin(-1)[(away.min(-1) < 1e-6).all(1)]  # without those of the rectangle's own corners
    edges = {tuple(sorted((int(t[i]), int(t[i - 1])))) for t in triangles for i in range(3)}
    return sorted((a, b) for a, b in edges)
