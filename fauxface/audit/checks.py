"""Checks of a face's labels against each other and against the segmentation mask.

Tolerances are shares of the face's side (the longer side of its landmarks' box), and never less than ``LEAST`` pixels.
A point is compared with its segmentation class only if it is labelled visible (or, without visibility labels, the head
is turned by less than ``TURNED``), is not on the far half of a face that looks aside by more than ``ASIDE``, was not
moved to an outline, and has no hair, beard or worn object at its pixel.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from fauxface.audit.records import FaceRecord
from fauxface.landmarks import FACE_SYNTHETICS70, scheme_of
from fauxface.segmentation import COVERS, FACE, WORN, Segment

LEAST = 1.5
"""Least tolerance in pixels: the mask is no more exact."""
TURNED = 30.0
"""Degrees of yaw beyond which points without visibility labels are not compared with the mask."""
ASIDE = 20.0
"""Degrees between the face's direction and the camera beyond which its far half is not compared with the mask, because
points on the outline may be visible or hidden."""
PROFILE, SLIVER = 55.0, 1.5
"""Degrees of yaw beyond which eyes and lips are seen as slivers, and the factor on their tolerances there."""
JAW_POSE = 15.0
"""Degrees of yaw and of pitch beyond which the jaw's points are not compared with the face's edge."""
_CHIN = range(4, 13)
"""Points of the jaw's lower edge. Unless the head looks down, skin below it may be seen, which is also of the face."""
_DOWN = -5.0  # degrees of pitch
_LASHES = 45.0  # degrees of yaw beyond which lids and lashes may hide an eye whose points are visible
_LEFT = [*range(22, 27), 34, 35, *range(42, 48), *range(52, 57), 63, 64, 65, 69]
"""The subject's left half, which is the far one when the head is turned to the image's right (yaw > 0)."""
_SLID = 1.0  # px between the 2d and the projected label, from which on the point was moved to an outline
FRONTAL = (5.0, 12.0)
"""Degrees of yaw and pitch up to which the two halves of a face must mirror each other.

The ears are 10 cm behind the nose: at 8° of yaw their midpoint is 9 % of the face's side off the midline."""
TOLERANCES: dict[str, float] = {
    "eyes": 0.05,
    "pupils": 0.05,
    "brows": 0.08,
    "nose": 0.04,
    "lips": 0.05,
    "jaw": 0.10,
    "symmetry": 0.08,
    "reprojection": 0.05,
}
"""Kind → tolerance: a share of the face's side, but pixels for ``reprojection``."""
_NAMES = {Segment.IGNORE: "ignored"}  # the other classes keep their names
_ENOUGH = 4  # visible points of a part from which on the mask must show some of it
_CLOSED = 0.2  # opening, in widths of the eye, below which the mask need not show an eye

_PARTS: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...] = (
    # FaceSynthetics' "right" eye and brow are those on the image's right, the subject's left
    ("eyes", tuple(range(36, 42)), (Segment.LEFT_EYE,)),
    ("eyes", tuple(range(42, 48)), (Segment.RIGHT_EYE,)),
    ("pupils", (68,), (Segment.LEFT_EYE,)),
    ("pupils", (69,), (Segment.RIGHT_EYE,)),
    ("brows", tuple(range(17, 22)), (Segment.LEFT_BROW,)),
    ("brows", tuple(range(22, 27)), (Segment.RIGHT_BROW,)),
    ("nose", tuple(range(28, 36)), (Segment.NOSE,)),
    ("lips", tuple(range(49, 54)), (Segment.TOP_LIP,)),
    ("lips", tuple(range(55, 60)), (Segment.BOTTOM_LIP,)),
    ("lips", (48, 54, *range(60, 68)), (Segment.MOUTH_INTERIOR, Segment.TOP_LIP, Segment.BOTTOM_LIP)),
)
# points of rigid parts; expressions move the others to one side
_STEADY = tuple(FACE_SYNTHETICS70.names[i] for i in (0, 2, 4, 27, 30, 31, 33, 36, 39))
_PAIRED = tuple(FACE_SYNTHETICS70.names[i] for i in (0, 2, 4, 31, 36, 39))


def check_face(face: FaceRecord, labels: np.ndarray | None) -> Iterator[tuple[str, str, float | None]]:
    """Label errors of a face: kind, message, distance (None without one).

    Args:
        face: the face.
        labels: segmentation mask (H, W), or None.
    """
    yield from _check_reprojection(face)
    yield from _check_symmetry(face)
    if labels is not None:
        yield from check_classes(face, labels)


def check_classes(face: FaceRecord, labels: np.ndarray) -> Iterator[tuple[str, str, float | None]]:
    """Points outside their class, or labelled visible but hidden: kind, message, distance (None without one)."""
    corner, window = _window(face, labels)
    points = face.points - corner
    checked = _checkable(face, points, window)
    fixed = (
        checked if face.projected is None else checked & (np.linalg.norm(face.points - face.projected, axis=1) < _SLID)
    )
    covered = np.isin(window, (Segment.BEARD, *COVERS))  # a part may continue there
    distances: dict[tuple[int, ...], np.ndarray | None] = {}
    for kind, indices, classes in _PARTS:
        if kind in ("eyes", "pupils") and _closed(face, indices[0]):
            continue
        if classes not in distances:
            found = np.isin(window, classes).any()
            distances[classes] = _distance_to(np.isin(window, classes) | covered) if found else None
        if distances[classes] is None and abs(face.pose[0]) > _LASHES:
            continue
        yield from _off(face, kind, [i for i in indices if fixed[i]], points, distances[classes])
    edge = _distance_to(_edge_of_face(window) | covered)
    # the jaw's points lie on the bone, which is the face's edge only when seen from the front
    if abs(face.pose[0]) < JAW_POSE and abs(face.pose[1]) < JAW_POSE:
        edged = [i for i in range(17) if checked[i] and (i not in _CHIN or face.pose[1] < _DOWN)]
        yield from _off(face, "jaw", edged, points, edge)
    for i in _visible_but_hidden(face, corner, window):
        yield "visibility", f"point {i} is labelled visible, but something covers it", None


def face_covers(face: FaceRecord, labels: np.ndarray) -> dict[str, float]:
    """Share of the face, inside its points' hull, under each class of ``WORN``, by name."""
    corner, window = _window(face, labels)
    inside = np.zeros(window.shape, np.uint8)
    hull = cv2.convexHull(np.round(face.points[:68] - corner).astype(np.int32))
    cv2.fillConvexPoly(inside, hull, 1)
    within = window[inside > 0]
    counted = np.bincount(within, minlength=256) / max(within.size, 1)
    return {_NAMES.get(segment, segment.name.lower()): float(counted[segment]) for segment in WORN}


def _window(face: FaceRecord, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mask's window around a face, padded with ``ignore``, and the window's first pixel (2,) x, y."""
    margin = int(np.ceil(0.25 * face.side)) + 3
    x0, y0 = np.floor(face.points.min(0)).astype(int) - margin
    x1, y1 = np.ceil(face.points.max(0)).astype(int) + margin + 1
    height, width = labels.shape
    part = labels[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)]
    top, left = max(-y0, 0), max(-x0, 0)
    bottom, right = max(y1 - max(height, y0), 0), max(x1 - max(width, x0), 0)
    window = np.pad(part, ((top, bottom), (left, right)), constant_values=Segment.IGNORE)[: y1 - y0, : x1 - x0]
    return np.array([x0, y0]), window


def _pixels(points: np.ndarray, window: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    column, row = np.round(points).astype(int).T
    return row.clip(0, window.shape[0] - 1), column.clip(0, window.shape[1] - 1)


def _checkable(face: FaceRecord, points: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Booleans (70,): the points that can be compared with their class."""
    seen = np.full(70, abs(face.pose[0]) < TURNED) if face.visibility is None else face.visibility.copy()
    if abs(face.pose[0]) > ASIDE / 2 and np.hypot(*face.pose[:2]) > ASIDE:
        left = np.array(_LEFT)
        seen[left if face.pose[0] > 0 else np.array(FACE_SYNTHETICS70.mirror)[left]] = False
    covered = cv2.dilate(np.isin(window, WORN).astype(np.uint8), np.ones((3, 3), np.uint8))
    return seen & (covered[_pixels(points, window)] == 0)


def _visible_but_hidden(face: FaceRecord, corner: np.ndarray, window: np.ndarray) -> list[int]:
    """Points that are labelled visible although something is in front of them."""
    if face.visibility is None:
        return []
    points = (face.points if face.projected is None else face.projected) - corner
    reach = 2 * round(max(2.0, 0.03 * face.side)) + 1
    hidden = cv2.erode(np.isin(window, COVERS).astype(np.uint8), np.ones((reach, reach), np.uint8))
    # thin hair over jaw and brows: the mask has the strand, the point is seen between strands
    wrong = face.visibility & (hidden[_pixels(points, window)] > 0)
    return [int(i) for i in np.flatnonzero(wrong) if i < 68]


def _distance_to(mask: np.ndarray) -> np.ndarray | None:
    """Distance (H, W) in px of each pixel to the nearest one of the mask; None for an empty mask."""
    if not mask.any():
        return None
    return cv2.distanceTransform(np.logical_not(mask).astype(np.uint8), cv2.DIST_L2, 5)


def _edge_of_face(window: np.ndarray) -> np.ndarray:
    """Pixels (H, W) of the face next to other classes: its edge against neck, ears, hair, background, clothes."""
    face = np.isin(window, FACE).astype(np.uint8)
    return np.logical_and(face, cv2.dilate(1 - face, np.ones((3, 3), np.uint8)))


def _closed(face: FaceRecord, index: int) -> bool:
    """True if the eye that this point of an eye or pupil belongs to is closed; by 3-D points, if there are any."""
    points = np.array(face.meta["landmarks_3d"], float) if "landmarks_3d" in face.meta else face.points
    first = 36 if index in (36, 68) else 42
    width = np.linalg.norm(points[first + 3] - points[first])
    height = np.linalg.norm(points[first + 1 : first + 3] - points[[first + 5, first + 4]], axis=1).max()
    return bool(height < _CLOSED * width)


def _off(
    face: FaceRecord, kind: str, indices: list[int], points: np.ndarray, distance: np.ndarray | None
) -> Iterator[tuple[str, str, float | None]]:
    if not indices:
        return
    if distance is None:
        if len(indices) < _ENOUGH:  # a part that is nearly covered
            return
        yield kind, f"points {indices[0]}–{indices[-1]} are visible, but the mask lacks their class", None
        return
    away = distance[_pixels(points[indices], distance)]
    sliver = SLIVER if kind in ("eyes", "pupils", "lips") and abs(face.pose[0]) > PROFILE else 1.0
    limit = max(sliver * TOLERANCES[kind] * face.side, LEAST)
    for i, far in zip(indices, away, strict=True):
        if far > limit:
            yield kind, f"point {i} is {far:.1f} px outside its class", float(far / face.side)


def _check_reprojection(face: FaceRecord) -> Iterator[tuple[str, str, float | None]]:
    camera = face.meta.get("camera")
    if face.projected is None or "landmarks_3d" not in face.meta or not isinstance(camera, dict):
        return
    seen = np.array(face.meta["landmarks_3d"], float) @ np.array(camera["matrix"], float).T
    if (seen[:, 2] <= 0).any():
        yield "reprojection", "3-D points are behind the camera", None
        return
    off = np.linalg.norm(seen[:, :2] / seen[:, 2:] - face.projected, axis=1)
    if off.max() > TOLERANCES["reprojection"]:
        yield (
            "reprojection",
            f"3-D point {off.argmax()} is projected {off.max():.2f} px from its label",
            float(off.max()),
        )


def _check_symmetry(face: FaceRecord) -> Iterator[tuple[str, str, float | None]]:
    """For a nearly frontal pose: midpoints of mirrored points are on one line, and left and right are not swapped."""
    scheme = scheme_of(face.scheme)
    mirror = np.array(scheme.mirror)
    across = face.points[mirror] - face.points
    pupil, corner = scheme.index("right_pupil"), scheme.index("right_eye_0")
    if (
        pupil is not None
        and corner is not None
        and abs(face.pose[0]) < 60
        and float(across[pupil] @ across[corner]) < 0
    ):
        yield "symmetry", "the pupils are swapped", None
    steady, paired = (np.array([scheme.index(n) for n in names if n in scheme.names]) for names in (_STEADY, _PAIRED))
    if len(steady) < 4 or not len(paired):  # too few for a line
        return
    if abs(face.pose[0]) > FRONTAL[0] or abs(face.pose[1]) > FRONTAL[1]:
        return
    # a point that is moved to an outline no longer mirrors its twin
    points = face.points if face.projected is None else face.projected
    across = points[mirror] - points
    middles = (points[steady] + points[mirror[steady]]) / 2
    direction = across[paired].sum(0)
    direction = direction / max(float(np.linalg.norm(direction)), 1e-9)
    sides = across[paired] @ direction
    if (sides < 0).any():
        yield "symmetry", "left and right points are swapped", None
        return
    offset = (middles - middles.mean(0)) @ direction
    height = (middles - middles.mean(0)) @ np.array([-direction[1], direction[0]])
    line = np.polyfit(height, offset, 1)
    off = np.abs(offset - np.polyval(line, height)) / face.side
    if off.max() > TOLERANCES["symmetry"]:
        i = int(steady[off.argmax()])
        yield "symmetry", f"points {i} and {mirror[i]} do not mirror each other", float(off.max())
