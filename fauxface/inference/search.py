"""Faces that a detector alone does not find: small ones, those cut by the frame, those turned far in the plane.

Works with every detector: each further look is a call with another view of the picture, and its detections are brought
back. Two views see one face if its boxes overlap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from fauxface.faces import box_iou, longer_side
from fauxface.inference.config import Detail
from fauxface.inference.detectors import Detection, Detector
from fauxface.inference.detectors.base import suppress

SEEN = 1280
"""Longer side of the largest view that a detector looks at as it is, px; finer views are cut into tiles."""
FINEST = 4000
"""Longer side of the finest view with ``auto``, px."""
OVERLAP = 160
"""Overlap of tiles, px."""
SMALL = 80
"""Longer side of the largest new face of a finer view, in its pixels: coarser views show larger faces better."""
SAME = 0.3
"""IoU above which two boxes show one face."""
UPSIDE_DOWN = 0.1
"""The same for two faces that are turned against each other."""
PORTRAIT = 1 / 6
"""A picture of at most `SEEN` px with a face longer than this share of it is not enlarged to search for tiny ones."""
COARSE, BORDER = 640, 0.25
"""Longer side of the view with a border, px, and the width of the border in shares of it."""


def find_faces(detector: Detector, image: np.ndarray, detail: Detail = "auto") -> list[Detection]:
    """Faces in an image H×W×3 uint8 RGB, best first: those that the detector finds alone, and with more ``detail``
    small ones and those that the frame cuts.
    """
    found = detector(image)
    if detail == "low":
        return found
    found = _merged(found, _cut_by_the_frame(detector, image))
    longer = max(image.shape[:2])
    largest = max((longer_side(one.box) for one in found), default=0.0)
    if detail == "auto" and longer <= SEEN and largest > PORTRAIT * longer:
        return found
    return _merged(found, _small(detector, image, detail))


def turned_views(image: np.ndarray) -> Iterator[tuple[np.ndarray, int]]:
    """The image turned by 90°, 180° and 270°, at most `SEEN` px large, and the number of quarters counterclockwise."""
    for quarters in (1, 3, 2):
        yield np.ascontiguousarray(np.rot90(image, quarters)), quarters


def turned_back(found: Sequence[Detection], quarters: int, shape: tuple[int, ...]) -> list[Detection]:
    """Detections in an image turned by `turned_views`, in the pixels of the image of this shape."""
    height, width = shape[:2]

    def back(points: np.ndarray) -> np.ndarray:
        x, y = points[..., 0], points[..., 1]
        ways = {1: (width - 1 - y, x), 2: (width - 1 - x, height - 1 - y), 3: (y, height - 1 - x)}
        return np.stack(ways[quarters], axis=-1)

    def one(detection: Detection) -> Detection:
        corners = back(detection.box.reshape(2, 2))
        points = None if detection.points is None else back(detection.points)
        return replace(detection, box=np.concatenate([corners.min(0), corners.max(0)]), points=points)

    return [one(detection) for detection in found]


def one_head(box: np.ndarray, others: Sequence[np.ndarray], turned: Sequence[bool]) -> np.ndarray:
    """True (M,) for others that show the same head as a box: they overlap, or one has its middle within the other.

    A face that is seen upside down has its box beside the right one, about forehead or chin, so that for others that
    are ``turned`` against it a small overlap is enough.
    """
    boxes = np.array(others).reshape(-1, 4)
    middle, middles = (box[:2] + box[2:]) / 2, (boxes[:, :2] + boxes[:, 2:]) / 2
    within = ((middle > boxes[:, :2]) & (middle < boxes[:, 2:])).all(1)
    around = ((middles > box[:2]) & (middles < box[2:])).all(1)
    return (overlaps(box, others) > np.where(np.array(turned, bool), UPSIDE_DOWN, SAME)) | within | around


def overlaps(box: np.ndarray, others: Sequence[np.ndarray]) -> np.ndarray:
    """IoU (M,) of a box with others."""
    return box_iou(box[None], np.array(others).reshape(-1, 4))[0]


@dataclass(frozen=True)
class _View:
    """A part of the image at another size: view pixel u is image pixel corner + (u + 0.5) / scale − 0.5."""

    image: np.ndarray
    corner: tuple[float, float]
    scale: float

    def back(self, found: list[Detection]) -> list[Detection]:
        """Detections in this view, in the image's pixels."""

        def place(points: np.ndarray) -> np.ndarray:
            return (points + 0.5) / self.scale - 0.5 + np.array(self.corner)

        return [
            replace(
                one,
                box=place(one.box.reshape(2, 2)).ravel(),
                points=None if one.points is None else place(one.points),
            )
            for one in found
        ]


def _merged(found: list[Detection], more: list[Detection]) -> list[Detection]:
    """The detections, and those of ``more`` that show other faces, best first."""
    kept = [one for one in more if overlaps(one.box, [other.box for other in found]).max(initial=0) < SAME]
    if not kept:
        return found
    boxes, scores = np.array([one.box for one in kept]), np.array([one.score for one in kept])
    return sorted([*found, *(kept[i] for i in suppress(boxes, scores, SAME))], key=lambda one: -one.score)


def finest_side(longer: int, detail: Detail) -> int:
    """Longer side of the finest view of a picture with this longer side, px."""
    finest = min(2 * longer, SEEN) if longer <= SEEN else min(longer, FINEST)
    return min(2 * finest, 4 * longer) if detail == "high" else finest


def _small(detector: Detector, image: np.ndarray, detail: Detail) -> list[Detection]:
    """Faces that are small in a finer view than the detector's own."""
    longer = max(image.shape[:2])
    scale = finest_side(longer, detail) / longer
    if min(longer, SEEN) * 1.2 > scale * longer:  # no finer than what the detector has seen
        return []
    found: list[Detection] = []
    for view in _tiles(image, scale):
        near = [one for one in detector(view.image) if longer_side(one.box) < SMALL]
        found += view.back(near)
    return found


def _tiles(image: np.ndarray, scale: float) -> Iterator[_View]:
    """The image at this scale, in tiles of at most `SEEN` px."""
    height, width = image.shape[:2]
    for y in _starts(height * scale):
        for x in _starts(width * scale):
            left, top = int(x / scale), int(y / scale)
            part = image[top : top + int(SEEN / scale) + 1, left : left + int(SEEN / scale) + 1]
            yield _View(_resized(part, scale), (left, top), scale)


def _starts(length: float) -> np.ndarray:
    """Starts of overlapping tiles along this length."""
    count = max(1, int(np.ceil((length - OVERLAP) / (SEEN - OVERLAP))))
    return np.linspace(0, max(0.0, length - SEEN), count)


def _cut_by_the_frame(detector: Detector, image: np.ndarray) -> list[Detection]:
    """Faces across the frame, which are seen better with a border about the picture.

    The border is grey, or the picture's mirror image, which makes a whole face of a half.
    """
    height, width = image.shape[:2]
    scale = min(1.0, COARSE / (1 + 2 * BORDER) / max(height, width))
    small = _resized(image, scale)
    border = round(BORDER * max(small.shape[:2]))
    mean = small.mean((0, 1)).tolist()
    grey = cv2.copyMakeBorder(small, border, border, border, border, cv2.BORDER_CONSTANT, value=mean)
    mirrored = cv2.copyMakeBorder(small, border, border, border, border, cv2.BORDER_REFLECT)
    found: list[Detection] = []
    for wide in (grey, mirrored):
        found = _merged(found, _View(wide, (-border / scale, -border / scale), scale).back(detector(wide)))
    ends = np.array([width, height]) - 1

    def near(box: np.ndarray) -> bool:
        margin, middle = 0.1 * longer_side(box), (box[:2] + box[2:]) / 2
        inside = (middle > -margin).all() and (middle < ends + margin).all()  # not a face of the mirror image alone
        return bool(inside and ((box[:2] < margin).any() or (box[2:] > ends - margin).any()))

    return [one for one in found if near(one.box)]


def _resized(image: np.ndarray, scale: float) -> np.ndarray:
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    if size == image.shape[1::-1]:
        return np.ascontiguousarray(image)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
