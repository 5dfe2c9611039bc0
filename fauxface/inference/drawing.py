"""Landmarks, lines and boxes drawn on pictures: anti-aliased, at sub-pixel positions, in widths that fit the face."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import cv2
import numpy as np

from fauxface.landmarks import scheme_of

Colour = tuple[int, int, int]

COLOURS: Mapping[str, Colour] = MappingProxyType(
    {
        "jaw": (120, 200, 255),
        "right_brow": (255, 196, 77),
        "left_brow": (255, 196, 77),
        "nose": (150, 240, 150),
        "right_eye": (255, 255, 255),
        "left_eye": (255, 255, 255),
        "mouth": (255, 120, 140),
        "pupils": (255, 80, 255),
    }
)
"""RGB of each facial part."""
BOX_COLOUR: Colour = (255, 255, 255)
DOUBTFUL: Colour = (150, 150, 150)
"""RGB of a face that is not reliable."""
_DASHES = 8  # on each side of the box of a face that is not reliable
_HIDDEN = 0.45  # brightness of points that the model predicts hidden


def draw_landmarks(
    image: np.ndarray,
    landmarks: np.ndarray,
    scheme: str,
    visibility: np.ndarray | None = None,
    points: bool = True,
    lines: bool = True,
    zoom: float = 1.0,
    reliable: bool = True,
) -> np.ndarray:
    """A copy of the image H×W×3 uint8 RGB with landmarks (N, 2), image pixels, drawn on it.

    Hidden points (visibility below 0.5, or False) are drawn dim, a face that is not ``reliable`` grey. ``zoom``
    enlarges the picture first, which keeps the points of a small face apart.
    """
    picture = _enlarged(image, zoom)
    place = (landmarks + 0.5) * zoom - 0.5
    width = stroke(place)
    seen = np.ones(len(place)) if visibility is None else np.asarray(visibility, np.float64)
    groups = _group_of(scheme, len(place))
    colours = COLOURS if reliable else dict.fromkeys(COLOURS, DOUBTFUL)
    if lines:
        for line in scheme_of(scheme).lines:
            _draw_line(picture, place[list(line.points)], line.closed, colours[line.group], width)
    if points:
        for point, visible, group in zip(place, seen, groups, strict=True):
            colour = tuple(int(v * (1 if visible >= 0.5 else _HIDDEN)) for v in colours[group])
            _draw_dot(picture, point, 1.2 * width, colour)
    return picture


def draw_box(image: np.ndarray, box: np.ndarray, colour: Colour = BOX_COLOUR, reliable: bool = True) -> np.ndarray:
    """A copy of the image H×W×3 uint8 RGB with the box (4,) drawn on it, dashed if the face is not ``reliable``."""
    picture = np.ascontiguousarray(image).copy()
    corners = np.array([[box[0], box[1]], [box[2], box[1]], [box[2], box[3]], [box[0], box[3]]])
    if reliable:
        _draw_line(picture, corners, True, colour, stroke(corners))
        return picture
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        for dash in range(0, 2 * _DASHES, 2):
            part = np.array([[dash], [dash + 1]]) / (2 * _DASHES - 1)
            _draw_line(picture, start + part * (end - start), False, colour, stroke(corners))
    return picture


def stroke(points: np.ndarray) -> float:
    """Line width in pixels for a face with these points (N, 2): 1/150 of its extent, from 1 to 40."""
    finite = points[np.isfinite(points).all(axis=1)]
    return float(np.clip(np.ptp(finite, axis=0).max() / 150, 1, 40)) if len(finite) else 1.0


def contact_sheet(pictures: Iterable[np.ndarray], columns: int, tile: int, gap: int = 4) -> np.ndarray:
    """One picture of all, in rows of ``columns``: each H×W×3 uint8 is fitted into a white square of ``tile`` px."""
    tiles = [_fit(picture, tile) for picture in pictures]
    rows = -(-len(tiles) // columns)
    step = tile + gap
    sheet = np.full((max(rows * step - gap, 1), min(columns, max(len(tiles), 1)) * step - gap, 3), 255, np.uint8)
    for i, picture in enumerate(tiles):
        row, column = divmod(i, columns)
        sheet[row * step : row * step + tile, column * step : column * step + tile] = picture
    return sheet


_SHIFT = 4  # OpenCV draws at 1/16 px


def _fixed(points: np.ndarray) -> np.ndarray:
    return np.round(np.clip(points, -1e5, 1e5) * (1 << _SHIFT)).astype(np.int32)


def _draw_line(picture: np.ndarray, points: np.ndarray, closed: bool, colour: Colour, width: float) -> None:
    if not np.isfinite(points).all():
        return
    curve = [_fixed(points).reshape(-1, 1, 2)]
    cv2.polylines(picture, curve, closed, (0, 0, 0), round(1.4 * width) + 1, cv2.LINE_AA, _SHIFT)
    cv2.polylines(picture, curve, closed, colour, max(1, round(width)), cv2.LINE_AA, _SHIFT)


def _draw_dot(picture: np.ndarray, point: np.ndarray, radius: float, colour: tuple[int, ...]) -> None:
    if not np.isfinite(point).all():
        return
    x, y = (int(v) for v in _fixed(point))
    size = 1 << _SHIFT
    cv2.circle(picture, (x, y), round((1.25 * radius + 0.4) * size), (0, 0, 0), -1, cv2.LINE_AA, _SHIFT)
    cv2.circle(picture, (x, y), round(radius * size), colour, -1, cv2.LINE_AA, _SHIFT)


def _group_of(scheme: str, count: int) -> list[str]:
    groups = {i: group for group, indices in scheme_of(scheme).groups.items() for i in indices}
    return [groups[i] for i in range(count)]


def _enlarged(image: np.ndarray, zoom: float) -> np.ndarray:
    if zoom == 1:
        return np.ascontiguousarray(image).copy()
    size = (round(image.shape[1] * zoom), round(image.shape[0] * zoom))
    return cv2.resize(image, size, interpolation=cv2.INTER_CUBIC if zoom > 1 else cv2.INTER_AREA)


def _fit(picture: np.ndarray, tile: int) -> np.ndarray:
    scale = tile / max(picture.shape[:2])
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    square = np.full((tile, tile, 3), 255, np.uint8)
    top, left = (tile - size[1]) // 2, (tile - size[0]) // 2
    square[top : top + size[1], left : left + size[0]] = small
    return square
