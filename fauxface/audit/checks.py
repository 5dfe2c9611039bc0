"""Whether a face's labels agree with each other and with the segmentation.

Distances are shares of the face's side (the longer side of its landmarks' box), and never less than ``LEAST`` pixels.
A point is held to its segmentation class only where it can be: it is labelled visible (or, without such labels, the
face is turned by less than ``TURNED``), it is not of the far half of a face that looks aside by more than ``ASIDE``,
it was not slid to an outline, and nothing worn, no hair and no beard lies at its pixel.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from fauxface.audit.records import FaceRecord
from fauxface.landmarks import FACE_SYNTHETICS70, scheme_of
from fauxface.segmentation import COVERS, FACE, WORN, Segment

LEAST = 1.5
"""Pixels that any point may be off: segmentation has no finer grain."""
TURNED = 30.0
"""Degrees of yaw beyond which points of unknown visibility are not held to the segmentation."""
ASIDE = 20.0
"""Degrees between the camera and where a face turned to one side looks, beyond which its far half is not held to the
segmentation: what lies on the outline is neither seen nor hidden for sure."""
PROFILE, SLIVER = 55.0, 1.5
"""Degrees of yaw beyond which one sees but slivers of eyes and lips, and how many times farther off they may be."""
JAW_POSE = 15.0
"""Degrees of yaw and of pitch beyond which the jaw's points are not held to the face's edge."""
_CHIN = range(4, 13)
"""Points of the jaw's lower edge; unless the head looks down one may see the skin below it, which is face as well."""
_DOWN = -5.0  # degrees of pitch
_LASHES = 45.0  # degrees of yaw beyond which lids and lashes may hide all of an eye whose points are seen
_LEFT = [*range(22, 27), 34, 35, *range(42, 48), *range(52, 57), 63, 64, 65, 69]
"""The subject's left half; it is the far one of a head that is turned to the image's right (yaw > 0)."""
_SLID = 1.0  # px between a point as it is clicked and as it is projected, from which on it lies on an outline
FRONTAL = (5.0, 12.0)
"""Degrees of yaw and pitch up to which the two halves of a face must mirror each other.

The ears lie 10 cm behind the nose: by 8° of yaw their middle has moved 9 % of the face's side from its line."""
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
"""Kind → how far off is a finding: shares of the face's side, but for ``reprojection``, which is in pixels."""
_NAMES = {Segment.IGNORE: "ignored"}  # the others go by their class's own name
_ENOUGH = 4  # seen points of a part that must show some of it
_CLOSED = 0.2  # lids this near, in widths of the eye, need not show any eye between them

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
# points of rigid parts: expressions move the others to one side
_STEADY = tuple(FACE_SYNTHETICS70.names[i] for i in (0, 2, 4, 27, 30, 31, 33, 36, 39))
_PAIRED = tuple(FACE_SYNTHETICS70.names[i] for i in (0, 2, 4, 31, 36, 39))


def check_face(face: FaceRecord, labels: np.ndarray | None) -> Iterator[tuple[str, str, float | None]]:
    """What is wrong with a face's labels: kind, words, how far off.

    Args:
        face: the face.
        labels: (H, W) segmentation, or None.
    """
    yield from _check_reprojection(face)
    yield from _check_symmetry(face)
    if labels is not None:
        yield from check_classes(face, labels)


def check_classes(face: FaceRecord, labels: np.ndarray) -> Iterator[tuple[str, str, float | None]]:
    """Points outside their class, or called visible where something hides them: kind, words, how far off."""
    corner, window = _window(face, labels)
    points = face.points - corner
    held = _held(face, points, window)
    still = held if face.projected is None else held & (np.linalg.norm(face.points - face.projected, axis=1) < _SLID)
    covered = np.isin(window, (Segment.BEARD, *COVERS))  # there a part may go on unseen
    distances: dict[tuple[int, ...], np.ndarray | None] = {}
    for kind, indices, classes in _PARTS:
        if kind in ("eyes", "pupils") and _closed(face, indices[0]):
            continue
        if classes not in distances:
            found = np.isin(window, classes).any()
            distances[classes] = _distance_to(np.isin(window, classes) | covered) if found else None
        if distances[classes] is None and abs(face.pose[0]) > _LASHES:
            continue
        yield from _off(face, kind, [i for i in indices if still[i]], points, distances[classes])
    edge = _distance_to(_edge_of_face(window) | covered)  # the edge, too, may go on there
    # a 3-D jaw lies on the bone, which is the face's edge from the front alone
    if abs(face.pose[0]) < JAW_POSE and abs(face.pose[1]) < JAW_POSE:
        edged = [i for i in range(17) if held[i] and (i not in _CHIN or face.pose[1] < _DOWN)]
        yield from _off(face, "jaw", edged, points, edge)
    for i in _called_visible_but_hidden(face, corner, window):
        yield "visibility", f"point {i} is called visible, and something lies over it", None


def face_covers(face: FaceRecord, labels: np.ndarray) -> dict[str, float]:
    """Share of the face, within its points' hull, that lies under each class of ``WORN``, by name."""
    corner, window = _window(face, labels)
    inside = np.zeros(window.shape, np.uint8)
    hull = cv2.convexHull(np.round(face.points[:68] - corner).astype(np.int32))
    cv2.fillConvexPoly(inside, hull, 1)
    within = window[inside > 0]
    counted = np.bincount(within, minlength=256) / max(within.size, 1)
    return {_NAMES.get(segment, segment.name.lower()): float(counted[segment]) for segment in WORN}


def _window(face: FaceRecord, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The part of the segmentation about a face, and its first pixel's place (2,); what lies outside is ``ignore``."""
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


def _held(face: FaceRecord, points: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Which points (70,) can be held to their class."""
    seen = np.full(70, abs(face.pose[0]) < TURNED) if face.visibility is None else face.visibility.copy()
    if abs(face.pose[0]) > ASIDE / 2 and np.hypot(*face.pose[:2]) > ASIDE:
        left = np.array(_LEFT)
        seen[left if face.pose[0] > 0 else np.array(FACE_SYNTHETICS70.mirror)[left]] = False
    covered = cv2.dilate(np.isin(window, WORN).astype(np.uint8), np.ones((3, 3), np.uint8))
    return seen & (covered[_pixels(points, window)] == 0)


def _called_visible_but_hidden(face: FaceRecord, corner: np.ndarray, window: np.ndarray) -> list[int]:
    """Points whose places in space are called visible though something lies before them."""
    if face.visibility is None:
        return []
    points = (face.points if face.projected is None else face.projected) - corner
    reach = 2 * round(max(2.0, 0.03 * face.side)) + 1
    hidden = cv2.erode(np.isin(window, COVERS).astype(np.uint8), np.ones((reach, reach), np.uint8))
    # jaw and brows lie under hair that is let through: the label is of the strand, the point shows between strands
    wrong = face.visibility & (hidden[_pixels(points, window)] > 0)
    return [int(i) for i in np.flatnonzero(wrong) if i < 68]


def _distance_to(mask: np.ndarray) -> np.ndarray | None:
    """Distance (H, W) in px of each pixel to the nearest of the mask, or None without any."""
    if not mask.any():
        return None
    return cv2.distanceTransform(np.logical_not(mask).astype(np.uint8), cv2.DIST_L2, 5)


def _edge_of_face(window: np.ndarray) -> np.ndarray:
    """Pixels of the face next to others: where it ends against neck, ears, hair, background, clothes."""
    face = np.isin(window, FACE).astype(np.uint8)
    return np.logical_and(face, cv2.dilate(1 - face, np.ones((3, 3), np.uint8)))


def _closed(face: FaceRecord, index: int) -> bool:
    """Whether the eye that a point of eye or pupil belongs to is closed, in space where that is told."""
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
        if len(indices) < _ENOUGH:  # a last glimpse of a part that is covered
            return
        yield kind, f"nothing of points {indices[0]}–{indices[-1]} is segmented, though they are seen", None
        return
    away = distance[_pixels(points[indices], distance)]
    sliver = SLIVER if kind in ("eyes", "pupils", "lips") and abs(face.pose[0]) > PROFILE else 1.0
    limit = max(sliver * TOLERANCES[kind] * face.side, LEAST)
    for i, far in zip(indices, away, strict=True):
        if far > limit:
            yield kind, f"point {i} lies {far:.1f} px outside its class", float(far / face.side)


def _check_reprojection(face: FaceRecord) -> Iterator[tuple[str, str, float | None]]:
    camera = face.meta.get("camera")
    if face.projected is None or "landmarks_3d" not in face.meta or not isinstance(camera, dict):
        return
    seen = np.array(face.meta["landmarks_3d"], float) @ np.array(camera["matrix"], float).T
    if (seen[:, 2] <= 0).any():
        yield "reprojection", "points in space lie behind the camera", None
        return
    off = np.linalg.norm(seen[:, :2] / seen[:, 2:] - face.projected, axis=1)
    if off.max() > TOLERANCES["reprojection"]:
        yield (
            "reprojection",
            f"point {off.argmax()} in space falls {off.max():.2f} px beside its label",
            float(off.max()),
        )


def _check_symmetry(face: FaceRecord) -> Iterator[tuple[str, str, float | None]]:
    """Under a nearly frontal pose middles of mirrored points lie on one line, and left is not right."""
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
    if len(steady) < 4 or not len(paired):  # too few to lay a line through
        return
    if abs(face.pose[0]) > FRONTAL[0] or abs(face.pose[1]) > FRONTAL[1]:
        return
    # a point that slides to an outline leaves its twin on the other side where that is
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
