"""Tiny data sets in the official layouts of the formats that researchers have; faces of `fake_data`, 0-based."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import scipy.io
from fake_data import draw_face

from fauxface.landmarks import FACE_SYNTHETICS70, five_points, scheme_of

_LIDS = {
    "right_eye_top": [37, 38],
    "right_eye_bottom": [40, 41],
    "left_eye_top": [43, 44],
    "left_eye_bottom": [46, 47],
}
ATTRIBUTES = ("pose", "expression", "illumination", "make-up", "occlusion", "blur")


def points_of(index: int, scheme: str) -> np.ndarray:
    """A drawn face's points of any scheme (N, 2); points that iBUG's 70 do not have lie near others of their group."""
    face, known = scheme_of(scheme), draw_face(index).landmarks
    if scheme == "five5":
        return five_points(known, FACE_SYNTHETICS70)
    points = np.full((face.count, 2), np.nan)
    for i, name in enumerate(face.names):
        if (same := FACE_SYNTHETICS70.index(name)) is not None:
            points[i] = known[same]
        elif name in _LIDS:
            points[i] = known[_LIDS[name]].mean(0)
    for indices in face.groups.values():
        there = [i for i in indices if np.isfinite(points[i, 0])]
        for i in set(indices) - set(there):
            near = sorted(there, key=lambda j: abs(i - j))[:2]
            points[i] = points[near].mean(0) + 0.01 * i
    return points


def picture(path: Path, index: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), draw_face(index).image[..., ::-1])
    return path


def write_wflw(folder: Path, count: int) -> Path:
    """``count`` faces to learn from, ``count`` to test on; test face i has the attributes whose bit is set in i."""
    rect, short = (folder / "WFLW_annotations" / name for name in ("list_98pt_rect_attr_train_test", "list_98pt_test"))
    for part in (rect, short):
        part.mkdir(parents=True, exist_ok=True)
    subsets: dict[str, list[str]] = {name: [] for name in ("", *ATTRIBUTES)}
    for part, first in (("train", count), ("test", 0)):
        lines = []
        for index in range(first, first + count):
            name = f"{index}--Parade/{index}_Parade_{index}.png"
            picture(folder / "WFLW_images" / name, index)
            points = " ".join(f"{v:f}" for v in points_of(index, "wflw98").ravel())
            flags = [index - first >> bit & 1 for bit in range(6)]
            lines.append(f"{points} 10 10 80 80 {' '.join(map(str, flags))} {name}\n")
            if part == "test":
                for subset, has in zip(("", *ATTRIBUTES), (1, *flags), strict=True):
                    subsets[subset] += [f"{points} {name}\n"] * has
        (rect / f"list_98pt_rect_attr_{part}.txt").write_text("".join(lines))
    for subset, lines in subsets.items():
        name = {"": "", "pose": "_largepose", "make-up": "_makeup"}.get(subset, f"_{subset}")
        (short / f"list_98pt_test{name}.txt").write_text("".join(lines))
    return folder


def write_cofw(folder: Path, count: int) -> Path:
    """``count`` faces in each file; face 1 of each is grey, point 3 of face i is occluded where i is odd."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, (images, labels), first in (("train", ("IsTr", "phisTr"), count), ("test", ("IsT", "phisT"), 0)):
        with h5py.File(folder / f"COFW_{part}_color.mat", "w", userblock_size=512) as file:
            cells = file.create_dataset(images, (1, count), h5py.ref_dtype)
            rows = []
            for number in range(count):
                pixels = draw_face(first + number).image
                pixels = pixels[..., 0] if number == 1 else pixels
                data = file.create_dataset(f"#refs#/{part}{number}", data=pixels.T)
                cells[0, number] = data.ref
                occluded = np.zeros(29)
                occluded[3] = number % 2
                rows.append(np.concatenate([*(points_of(first + number, "cofw29") + 1).T, occluded]))
            file.create_dataset(labels, data=np.array(rows).T)
            file.create_dataset(f"bboxes{labels.removeprefix('phis')}", data=np.ones((4, count)))
    return folder


def write_aflw2000(folder: Path, count: int) -> Path:
    """``count`` faces that are turned by 0°, 25°, 50°, 75°, to and fro."""
    for index in range(count):
        path = picture(folder / f"image{index + 2:05d}.jpg", index)
        points = np.concatenate([points_of(index, "ibug68").T + 1, np.zeros((1, 68))])
        pose = np.array([[0.1, np.radians(25 * (index % 4)) * (-1) ** index, 0.2, 10, 20, 0, 1e-3]])
        content = {"pt3d_68": points, "Pose_Para": pose, "Shape_Para": np.zeros((199, 1))}
        scipy.io.savemat(path.with_suffix(".mat"), content, do_compression=True)
    return folder


def write_300w_lp(folder: Path, count: int) -> Path:
    """``count`` faces in AFW and as many in HELEN_Flip; projected points lie 2 px below the annotators'."""
    for part, first in (("AFW", 0), ("HELEN_Flip", count)):
        for index in range(first, first + count):
            path = picture(folder / part / f"{part}_{index}_0.jpg", index)
            points = points_of(index, "ibug68") + 1
            scipy.io.savemat(path.with_suffix(".mat"), {"pt2d": points.T, "Pose_Para": np.zeros((1, 7))})
            more = folder / "landmarks" / part / f"{path.stem}_pts.mat"
            more.parent.mkdir(parents=True, exist_ok=True)
            scipy.io.savemat(more, {"pts_2d": points, "pts_3d": points + [0, 2]})
    (folder / "Code").mkdir()
    scipy.io.savemat(folder / "Code" / "Model_Exp_1.mat", {"mu": np.zeros(3)})
    return folder


def coco_face(index: int, scheme: str, image: int, category: int = 1) -> dict[str, Any]:
    """An annotation of a drawn face; point 2 is hidden."""
    points = points_of(index, scheme)
    flags = np.full((len(points), 1), 2.0)
    flags[2] = 1
    keypoints = np.concatenate([points, flags], 1).ravel().tolist()
    box = [*points.min(0).tolist(), *np.ptp(points, axis=0).tolist()]
    return {"id": index + 1, "image_id": image, "category_id": category, "keypoints": keypoints, "bbox": box} | {
        "num_keypoints": len(points),
        "iscrowd": 0,
    }


def write_coco(folder: Path, count: int, scheme: str = "ibug68", **changes: object) -> Path:
    """As CVAT exports it: images/default/ and annotations/person_keypoints_default.json."""
    names = [str(i) for i in range(scheme_of(scheme).count)]
    for index in range(count):
        picture(folder / "images" / "default" / f"face_{index}.png", index)
    record = {
        "licenses": [{"name": "", "id": 0, "url": ""}],
        "info": {"contributor": "", "year": ""},
        "categories": [{"id": 1, "name": "face", "supercategory": "", "keypoints": names, "skeleton": []}],
        "images": [{"id": i + 1, "width": 96, "height": 96, "file_name": f"face_{i}.png"} for i in range(count)],
        "annotations": [coco_face(i, scheme, i + 1) for i in range(count)],
        **changes,
    }
    path = folder / "annotations" / "person_keypoints_default.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record))
    return folder


def dlib_box(index: int, more: str = "") -> str:
    parts = points_of(index, "ibug68").round().astype(int)
    inside = "".join(f"      <part name='{i:02d}' x='{x}' y='{y}'/>\n" for i, (x, y) in enumerate(parts))
    return f"    <box top='10' left='10' width='70' height='70'{more}>\n{inside}    </box>\n"


def write_dlib(folder: Path, count: int, name: str = "labels_train.xml", body: str | None = None) -> Path:
    """As imglab writes it; ``body`` replaces the images."""
    if body is None:
        body = "".join(f"  <image file='faces/{i}.png'>\n{dlib_box(i)}  </image>\n" for i in range(count))
    for index in range(count):
        picture(folder / "faces" / f"{index}.png", index)
    folder.mkdir(parents=True, exist_ok=True)
    head = (
        "<?xml version='1.0' encoding='ISO-8859-1'?>\n"
        "<?xml-stylesheet type='text/xsl' href='image_metadata_stylesheet.xsl'?>\n"
    )
    content = f"{head}<dataset>\n<name>faces</name>\n<images>\n{body}</images>\n</dataset>\n"
    (folder / name).write_text(content, encoding="latin-1")
    return folder


WRITERS = {
    "wflw": write_wflw,
    "cofw": write_cofw,
    "aflw2000": write_aflw2000,
    "300w_lp": write_300w_lp,
    "coco": write_coco,
    "dlib": write_dlib,
}
"""Format → its writer: folder and number of faces (a part)."""
SCHEMES = {"wflw": "wflw98", "cofw": "cofw29"}
"""Format → scheme, where it is not ibug68."""
