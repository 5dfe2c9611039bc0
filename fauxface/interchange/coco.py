"""COCO key points (Lin et al. 2014), as CVAT, Label Studio and FiftyOne import them.

Image pixels, 0-based, with pixel centres at whole numbers, y down: the numbers of ``predict``'s JSON. Visibility v is 2
(seen), or 1 (hidden) where the weights say that a point is more likely hidden. ``bbox`` is x, y, width, height of the
landmarks' box, ``segmentation`` their convex hull. A frame of a video has the video's name as ``file_name``, and
``frame`` and ``seconds`` beside it. Times and poses have no place in COCO.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from fauxface.files import write_text
from fauxface.landmarks import edges, scheme_of
from fauxface.outputs import MARKS
from fauxface.parsing import numbers


def write_coco(items: list[dict[str, Any]], path: Path, face: int | None = None) -> None:
    """Write items of ``predict``'s JSON, all or those of one face; ValueError, in one line, for damaged ones."""
    try:
        write_text(path, json.dumps(_content(items, face)) + "\n")
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the predictions are damaged: {type(error).__name__} {error}") from None


def _content(items: list[dict[str, Any]], only: int | None) -> dict[str, Any]:
    images: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    schemes: dict[str, int] = {}
    for number, item in enumerate(items, 1):
        place = {name: item[name] for name in ("frame", "seconds") if name in item}
        image = {"id": number, "file_name": item["image"], "width": item["width"], "height": item["height"], **place}
        images.append(image)
        for face in item["faces"]:
            if only is None or face["id"] == only:
                category = schemes.setdefault(face["scheme"], len(schemes) + 1)
                found.append({"id": len(found) + 1, "image_id": number, "category_id": category, **_annotation(face)})
    categories = [_category(scheme, number) for scheme, number in schemes.items()]
    return {"info": {"description": MARKS[0]}, "images": images, "annotations": found} | {"categories": categories}


def _annotation(face: dict[str, Any]) -> dict[str, Any]:
    points = numbers(face["landmarks"], "landmarks")
    x0, y0, x1, y1 = (float(edge) for edge in face["box"])
    seen = np.full(len(points), 2)
    if face["visibility"] is not None:
        seen = np.where(numbers(face["visibility"], "visibility") >= 0.5, 2, 1)
    hull = cv2.convexHull(points.astype(np.float32))[:, 0]
    track = {} if face["id"] is None else {"track_id": face["id"]}
    return {
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "area": float(cv2.contourArea(hull)),
        "iscrowd": 0,
        "segmentation": [hull.round(3).astype(float).ravel().round(3).tolist()],
        "keypoints": [value for (x, y), v in zip(points.tolist(), seen.tolist(), strict=True) for value in (x, y, v)],
        "num_keypoints": len(points),
        "score": face["detection_score"],
        **track,
    }


def _category(scheme: str, number: int) -> dict[str, Any]:
    return {
        "id": number,
        "name": "face",
        "supercategory": scheme,
        "keypoints": list(scheme_of(scheme).names),
        "skeleton": [[a + 1, b + 1] for a, b in edges(scheme)],  # COCO counts points from 1
    }
