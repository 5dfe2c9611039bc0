"""The readers of the formats that researchers have: what a sample holds, splits, and what is refused in which words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
from fake_data import draw_face, write_ibug
from fake_formats import (
    ATTRIBUTES,
    SCHEMES,
    WRITERS,
    coco_face,
    dlib_box,
    picture,
    points_of,
    write_300w_lp,
    write_aflw2000,
    write_coco,
    write_cofw,
    write_dlib,
    write_wflw,
)

from fauxface.datasets import FORMATS, BadSample, identity_of, open_dataset, read_samples
from fauxface.datasets.aflw2000 import read_pose
from fauxface.datasets.formats import format_of
from fauxface.datasets.naming import recognise_points
from fauxface.faces import landmark_box
from fauxface.landmarks import common_scheme, convert, scheme_of
from fauxface.plugins import load_plugin

TEST_SPLIT = {"wflw": "test", "cofw": "test", "300w_lp": "afw"}
"""Format → the split whose i-th face is the i-th drawn one, where there is more than one."""


@pytest.mark.parametrize("name", WRITERS)
def test_a_sample_is_what_was_written(name: str, tmp_path: Path):
    """Found without being told the format; points to the rounding of the format, 0-based."""
    folder = WRITERS[name](tmp_path / "data", 3)
    dataset = open_dataset(folder, split=TEST_SPLIT.get(name))
    scheme = SCHEMES.get(name, "ibug68")
    assert (len(dataset), dataset.format, dataset.scheme) == (3, name, scheme)
    assert len(set(dataset.sources)) == 3
    for index, sample in read_samples(dataset):
        expected = points_of(index, scheme)
        np.testing.assert_allclose(sample.landmarks, expected, atol=0.5 if name == "dlib" else 1e-5)
        np.testing.assert_allclose(sample.box, landmark_box(sample.landmarks, scheme))
        assert (sample.scheme, sample.labels) == (scheme, dataset.labels)
        jpeg, grey = name in ("aflw2000", "300w_lp"), name == "cofw" and index == 1
        image = draw_face(index).image
        if grey:
            np.testing.assert_array_equal(sample.image, np.repeat(image[..., :1], 3, 2))
        else:
            assert np.abs(sample.image.astype(int) - image).mean() <= (12 if jpeg else 0)
        assert all(path.is_file() for path in (*dataset.files(dataset.sources[index]), *dataset.shared))
        assert Path(sample.source.split("#")[0]).is_relative_to(folder)


@pytest.mark.parametrize("name", WRITERS)
def test_a_changed_label_is_another_pack(name: str, tmp_path: Path):
    folder = WRITERS[name](tmp_path / "data", 2)
    before = identity_of(open_dataset(folder))
    assert identity_of(open_dataset(folder)) == before
    dataset = open_dataset(folder)
    labels = next(path for path in (*dataset.shared, *dataset.files(dataset.sources[0])) if path.suffix != ".png")
    content = labels.read_bytes()
    if name == "cofw":
        labels.write_bytes(content + b"\0")
    elif labels.suffix == ".mat":
        points = {key: value + 1 for key, value in scipy.io.loadmat(labels).items() if not key.startswith("_")}
        scipy.io.savemat(labels, points)
    else:
        labels.write_bytes(content.replace(b"1", b"2", 1) if labels.suffix == ".txt" else content + b"\n")
    assert identity_of(open_dataset(folder)) != before


def test_every_format_has_what_the_list_needs():
    for name, format in FORMATS.items():
        assert format.name == name
        assert format_of(name) is format
        assert format.sign


# WFLW


def test_wflw_splits_are_the_test_faces_with_an_attribute(tmp_path: Path):
    folder = write_wflw(tmp_path / "WFLW", 6)
    assert len(open_dataset(folder)) == 12
    assert len(open_dataset(folder, split="train")) == 6
    for bit, name in enumerate(ATTRIBUTES):
        having = [i for i in range(6) if i >> bit & 1]
        if not having:
            with pytest.raises(ValueError, match=f"no labelled face of split '{name}'"):
                open_dataset(folder, split=name)
            continue
        samples = [sample for _, sample in read_samples(open_dataset(folder, split=name))]
        for index, sample in zip(having, samples, strict=True):
            np.testing.assert_allclose(sample.landmarks, points_of(index, "wflw98"), atol=1e-5)


def test_wflw_subsets_from_their_own_lists(tmp_path: Path):
    """Without the lists that tell attributes, those of the test folder say the same."""
    folder = write_wflw(tmp_path / "WFLW", 6)
    full = {name: len(open_dataset(folder, split=name)) for name in ("test", "pose", "expression", "illumination")}
    for path in folder.rglob("list_98pt_rect_attr_*.txt"):
        path.unlink()
    assert {name: len(open_dataset(folder, split=name)) for name in full} == full
    assert len(open_dataset(folder)) == 6
    with pytest.raises(ValueError, match="no labelled face of split 'train'"):
        open_dataset(folder, split="train")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (" 10 10 80 80", " 10 10 80", "206 fields, not 207"),
        ("1--Parade/1_Parade_1.png", "../1_Parade_1.png", r"'\.\./1_Parade_1\.png' is not an image below"),
        ("1--Parade/1_Parade_1.png", "/etc/passwd.png", r"the image '/etc/passwd\.png' is outside"),
        ("1--Parade/1_Parade_1.png", "nobody.png", r"no image 'nobody\.png' in the folder"),
        ("FIRST", "here", "its points hold something that is not a number"),
        ("FIRST", "-1e7", r"point 0 is more than 1e\+06 px away"),
        ("FIRST", "nan", "point 0 has a coordinate that is not a finite number"),
    ],
)
def test_a_bad_line_is_named_and_may_be_left_out(old: str, new: str, reason: str, tmp_path: Path):
    folder = write_wflw(tmp_path / "WFLW", 3)
    path = next(folder.rglob("list_98pt_rect_attr_test.txt"))
    lines = path.read_text().splitlines()
    lines[1] = lines[1].replace(lines[1].split()[0] if old == "FIRST" else old, new, 1)
    path.write_text("\n".join(lines))
    dataset = open_dataset(folder, split="test")
    with pytest.raises(BadSample, match=rf"list_98pt_rect_attr_test\.txt: line 2: {reason}"):
        dataset[1]
    assert [index for index, _ in read_samples(dataset, skip_bad=True)] == [0, 2]


# COFW


def test_cofw_occlusion_and_parts(tmp_path: Path):
    folder = write_cofw(tmp_path / "COFW", 3)
    test, train = open_dataset(folder, split="test"), open_dataset(folder, split="train")
    assert (len(open_dataset(folder)), len(test), len(train)) == (6, 3, 3)
    for index in range(3):
        seen = test[index].visibility
        assert seen is not None
        assert np.flatnonzero(~seen).tolist() == ([3] if index % 2 else [])
    np.testing.assert_allclose(train[0].landmarks, points_of(3, "cofw29"), atol=1e-9)
    (folder / "COFW_train_color.mat").unlink()
    with pytest.raises(ValueError, match=r"no face of split 'train'.*COFW_train_color\.mat"):
        open_dataset(folder, split="train")


@pytest.mark.parametrize("content", [b"", b"MATLAB 7.3 MAT-file", b"\x89HDF\r\n\x1a\n" + b"\0" * 4000])
def test_a_broken_cofw_file_is_one_line(content: bytes, tmp_path: Path):
    path = write_cofw(tmp_path / "COFW", 1) / "COFW_test_color.mat"
    path.write_bytes(content)
    with pytest.raises(BadSample, match=r"COFW_test_color\.mat: not a MATLAB file of version 7\.3"):
        open_dataset(path.parent, split="test")


# AFLW2000-3D and 300W-LP


def test_aflw2000_ranges_of_yaw(tmp_path: Path):
    folder = write_aflw2000(tmp_path / "AFLW2000", 8)
    counts = {split: len(open_dataset(folder, split=split)) for split in FORMATS["aflw2000"].splits}
    assert counts == {"yaw-0-30": 4, "yaw-30-60": 2, "yaw-60-90": 2}
    dataset = open_dataset(folder)
    assert dataset.labels == "projected"
    assert read_pose(dataset.sources[3]) == pytest.approx((np.degrees(0.1), -75, np.degrees(0.2)))
    with pytest.raises(ValueError, match="no '2d' labels"):
        open_dataset(folder, labels="2d")


def test_what_a_mat_may_hold_instead(tmp_path: Path):
    folder = write_aflw2000(tmp_path / "AFLW2000", 4)
    dataset = open_dataset(folder)
    scipy.io.savemat(dataset.sources[0], {"pt3d_68": np.zeros((3, 21))})
    scipy.io.savemat(dataset.sources[1], {"pt2d": np.zeros((2, 68))})
    dataset.sources[2].write_bytes(b"MATLAB 5.0 MAT-file" + bytes(range(200)))
    for index, reason in enumerate(["pt3d_68 is not 3×68 numbers", "has no pt3d_68", "not a MATLAB file of version 5"]):
        with pytest.raises(BadSample, match=rf"image0000{index + 2}\.mat: {reason}"):
            dataset[index]


def test_300w_lp_has_two_conventions_and_its_folders(tmp_path: Path):
    folder = write_300w_lp(tmp_path / "300W_LP", 2)
    dataset, projected = open_dataset(folder), open_dataset(folder, labels="projected")
    assert (len(dataset), dataset.labels, projected.labels) == (4, "2d", "projected")
    np.testing.assert_allclose(projected[0].landmarks - dataset[0].landmarks, np.tile([0, 2], (68, 1)))
    assert [len(open_dataset(folder, split=split)) for split in ("afw", "flip")] == [2, 2]
    with pytest.raises(ValueError, match="no face of split 'helen'"):  # the mirrored ones are of flip
        open_dataset(folder, split="helen")


# COCO


def test_coco_visibility_and_unlabelled_points(tmp_path: Path):
    faces = [coco_face(i, "ibug68", i + 1) for i in range(3)]
    points: list[list[float]] = [face["keypoints"] for face in faces]  # pyright: ignore[reportAssignmentType]
    points[1][3 * 5 : 3 * 6] = [0, 0, 0]
    points[2][3 * 5 + 2] = 0  # as CVAT may tell of a point that is outside
    dataset = open_dataset(write_coco(tmp_path / "coco", 3, annotations=faces))
    seen = dataset[0].visibility
    assert seen is not None
    assert np.flatnonzero(~seen).tolist() == [2]
    for index in (1, 2):
        told = rf"default\.json: annotation {index}: point 5 is not labelled \(v = 0\)"
        with pytest.raises(BadSample, match=told):
            dataset[index]


@pytest.mark.parametrize("scheme", ["ibug68", "face_synthetics70", "wflw98", "cofw29", "five5"])
def test_coco_schemes_by_number(scheme: str, tmp_path: Path):
    dataset = open_dataset(write_coco(tmp_path / "coco", 1, scheme))
    assert dataset.scheme == scheme
    np.testing.assert_allclose(dataset[0].landmarks, points_of(0, scheme))
    assert landmark_box(dataset[0].landmarks, scheme)[2:].min() > 0


def test_points_are_put_in_the_schemes_order():
    numbered = [str(i) for i in sorted(range(1, 69), key=str)]  # "1", "10", "11", …, as a form sorts them
    found = recognise_points(numbered)
    assert found is not None
    assert [numbered[i] for i in found[1]] == [str(i) for i in range(1, 69)]
    five = ["left_eye", "right_eye", "nose", "mouthLeft", "Mouth Right"]
    found = recognise_points(five)
    assert found is not None
    assert [five[i] for i in found[1]] == ["right_eye", "left_eye", "nose", "Mouth Right", "mouthLeft"]
    names = list(scheme_of("wflw98").names)[::-1]
    found = recognise_points(names)
    assert found is not None
    assert found[1].tolist() == list(range(98))[::-1]
    found = recognise_points(["a", "b", "c", "d", "e"])
    assert found is not None
    assert found[1].tolist() == [0, 1, 2, 3, 4]
    assert recognise_points([str(i) for i in range(17)]) is None


@pytest.mark.parametrize(
    ("labels", "pictures", "written"),
    [
        ("labels.json", "data", "{name}"),  # FiftyOne
        ("result.json", "images", "images/{name}"),  # Label Studio
        ("result.json", "images", "images\\{name}"),  # Label Studio on Windows
        ("annotations/person_keypoints_val.json", "images/val", "{name}"),  # CVAT
        ("_annotations.coco.json", ".", "{name}"),
    ],
)
def test_where_exports_put_pictures(labels: str, pictures: str, written: str, tmp_path: Path):
    for index in range(2):
        picture(tmp_path / pictures / f"f{index}.png", index)
    images = [{"id": f"i{i}", "file_name": written.format(name=f"f{i}.png")} for i in range(2)]
    faces = [coco_face(i, "ibug68", i) | {"image_id": f"i{i}"} for i in range(2)]
    (tmp_path / labels).parent.mkdir(parents=True, exist_ok=True)
    # neither FiftyOne nor Label Studio need say what the points are called
    record = {"images": images, "categories": [{"id": 1, "name": "face"}], "annotations": faces}
    (tmp_path / labels).write_text(json.dumps(record))
    dataset = open_dataset(tmp_path)
    assert dataset.format == "coco"
    for index in range(2):
        np.testing.assert_array_equal(dataset[index].image, draw_face(index).image)


def test_coco_leaves_out_what_is_no_face_and_takes_files_as_splits(tmp_path: Path):
    body = {"id": 9, "image_id": 1, "category_id": 2, "keypoints": [1, 2, 2] * 17, "iscrowd": 0}
    crowd = coco_face(1, "ibug68", 1) | {"iscrowd": 1}
    nothing = coco_face(1, "ibug68", 1) | {"keypoints": [0] * 204, "num_keypoints": 0}
    faces = [body, crowd, nothing, {"id": 5, "image_id": 1, "bbox": [1, 2, 3, 4]}, coco_face(0, "ibug68", 1)]
    folder = write_coco(tmp_path / "coco", 1, annotations=faces)
    path = folder / "annotations" / "person_keypoints_default.json"
    (path.parent / "person_keypoints_more.json").write_text(path.read_text())
    assert len(open_dataset(folder)) == 1  # the same face in two files is one
    assert len(open_dataset(folder, split="more")) == len(open_dataset(folder, split=path.stem)) == 1
    with pytest.raises(
        ValueError, match=r"no split 'val'.*person_keypoints_default\.json, person_keypoints_more\.json"
    ):
        open_dataset(folder, split="val")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"annotations": 3}, "annotations is not a list of objects"),
        ({"images": [7]}, "images is not a list of objects"),
        ({"annotations": []}, "no face; known numbers of key points are 5"),
        ({"annotations": [{"image_id": 1, "category_id": 1, "keypoints": [1, 2, 2] * 17}]}, "no face; known"),
    ],
)
def test_what_coco_may_hold_instead(changes: dict[str, Any], reason: str, tmp_path: Path):
    with pytest.raises(BadSample, match=rf"default\.json: {reason}"):
        open_dataset(write_coco(tmp_path / "coco", 1, **changes))


@pytest.mark.parametrize("value", [None, "x", [1], {}, True, float("nan"), float("inf")])
def test_odd_numbers_in_coco_are_one_face_each(value: object, tmp_path: Path):
    faces = [coco_face(i, "ibug68", i + 1) for i in range(2)]
    faces[1]["keypoints"] = [value, *faces[1]["keypoints"][1:]]  # pyright: ignore[reportIndexIssue]
    dataset = open_dataset(write_coco(tmp_path / "coco", 2, annotations=faces))
    with pytest.raises(BadSample, match=r"annotation 1: (its key points hold something|point 0 has a coordinate)"):
        dataset[1]
    assert len(list(read_samples(dataset, skip_bad=True))) == 1


@pytest.mark.parametrize(
    "content",
    ['{"images": [', '{"images": ' + "[" * 100_000, '{"images": [], "annotations": \x00}', '{"images": [1' + "0" * 400],
)
def test_json_that_is_none_is_one_line(content: str, tmp_path: Path):
    (tmp_path / "labels.json").write_text(content)
    with pytest.raises(BadSample, match=r"labels\.json: (not valid JSON|a number of 401 digits)") as error:
        open_dataset(tmp_path)
    assert "\n" not in str(error.value)


# dlib


def test_dlib_boxes_pictures_and_splits(tmp_path: Path):
    body = (
        f"  <image file='faces/0.png'>\n{dlib_box(0)}{dlib_box(1)}    <box top='1' left='1' width='9' height='9'/>\n"
        f"{dlib_box(1, more=chr(32) + 'ignore=' + chr(39) + '1' + chr(39))}  </image>\n"
        f"  <image file='{tmp_path}/dlib/faces/1.png'>\n{dlib_box(1)}  </image>\n"
    )
    folder = write_dlib(tmp_path / "dlib", 2, body=body)
    write_dlib(folder, 1, "labels_test.xml")
    assert len(open_dataset(folder, split="train")) == 3
    assert len(open_dataset(folder)) == 3  # labels_test.xml's face is one of them
    assert len(open_dataset(folder, split="labels_test")) == 1
    np.testing.assert_array_equal(open_dataset(folder, split="train")[2].image, draw_face(1).image)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("faces/1.png", "/root/1.png", r"line 79: the image '/root/1\.png' is outside"),
        ("faces/1.png", "faces/../../1.png", r"line 79: 'faces/\.\./\.\./1\.png' is not an image"),
        ("x='", "x='z", "line 79: its parts hold something"),
        ("name='67'", "name='66'", "line 79: two parts have the same name"),
    ],
)
def test_a_bad_box_is_named(old: str, new: str, reason: str, tmp_path: Path):
    folder = write_dlib(tmp_path / "dlib", 2)
    path = folder / "labels_train.xml"
    first, second = path.read_text().split("  <image file='faces/1.png'>")
    path.write_text(first + ("  <image file='faces/1.png'>" + second).replace(old, new, 1))
    with pytest.raises(BadSample, match=rf"labels_train\.xml: {reason}"):
        open_dataset(folder)[1]


def test_dlib_refuses_document_types_and_broken_xml(tmp_path: Path):
    folder = write_dlib(tmp_path / "dlib", 1)
    path = folder / "labels_train.xml"
    whole = path.read_text()
    bomb = "<!DOCTYPE d [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]>\n<dataset>"
    path.write_text(whole.replace("<dataset>", bomb, 1))
    with pytest.raises(BadSample, match=r"labels_train\.xml: line 3: a document type"):
        open_dataset(folder)
    path.write_text(whole[: len(whole) // 2])
    with pytest.raises(BadSample, match=r"labels_train\.xml: line \d+: not valid XML"):
        open_dataset(folder)
    for encoding in ("ISO-59-1", "utf-7", "big5"):
        path.write_text(whole.replace("ISO-8859-1", encoding))
        with pytest.raises(BadSample, match=r"labels_train\.xml: line 1: "):
            open_dataset(folder)


# what they share


def test_a_part_that_is_missing_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """300-W's common without HELEN is not common."""
    write_ibug(tmp_path / "300w" / "lfpw" / "testset", 2)
    dataset = open_dataset(tmp_path / "300w", split="common")
    assert (len(dataset), dataset.name) == (2, "300w:lfpw/testset")
    assert "lacks helen/testset of split 'common'" in caplog.text
    caplog.clear()
    write_ibug(tmp_path / "300w" / "helen" / "testset", 1)
    assert open_dataset(tmp_path / "300w", split="common").name == "300w:common"
    assert caplog.text == ""


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "face_synthetics"])
def test_splits_and_labels_that_there_are_not(name: str, tmp_path: Path):
    folder = (WRITERS | {"ibug": write_ibug})[name](tmp_path / "data", 1)
    with pytest.raises(ValueError, match="split 'nosuch'"):
        open_dataset(folder, name, split="nosuch")
    if name not in ("aflw2000", "300w_lp"):
        with pytest.raises(ValueError, match="has no 'projected' labels"):
            open_dataset(folder, name, labels="projected")
    others = [other for other in FORMATS if other != name]
    for other in others:
        with pytest.raises(ValueError, match=f"no labelled faces in .* \\(format {other}: "):
            open_dataset(folder, other)


def test_points_that_two_schemes_share():
    """The same face's points of every scheme agree where they are compared; how many there are is as the docs say."""
    counts = {}
    for model in ("ibug68", "face_synthetics70", "wflw98", "cofw29"):
        for truth in ("ibug68", "wflw98", "cofw29", "five5"):
            scheme = common_scheme(model, truth)
            counts[model, truth] = len(scheme_of(scheme).outline)
            one, other = (convert(points_of(0, name), name, scheme) for name in (model, truth))
            # of five points, eyes' centres are the outline's, of which not every scheme has all points
            np.testing.assert_allclose(one, other, atol=3 if truth == "five5" else 1e-9)
    assert counts["face_synthetics70", "wflw98"] == counts["ibug68", "wflw98"] == 68
    assert counts["face_synthetics70", "cofw29"] == counts["ibug68", "cofw29"] == 17
    assert counts["wflw98", "cofw29"] == counts["cofw29", "wflw98"] == 21
    assert counts["cofw29", "five5"] == 5


def test_shared_points_mirror_and_have_their_eyes():
    scheme = scheme_of("cofw29&ibug68")
    mirror = np.array(scheme.mirror)
    np.testing.assert_array_equal(mirror[mirror], np.arange(scheme.count))
    assert scheme.eye_corners is not None
    assert mirror[scheme.eye_corners[0]] == scheme.eye_corners[1]
    assert [scheme.names[i] for i in scheme.eye_corners] == ["right_eye_0", "left_eye_3"]
    with pytest.raises(ValueError, match="unknown landmark scheme 'cofw29&aflw21'"):
        scheme_of("cofw29&aflw21")


def bring_format(folder: Path, code: str) -> Path:
    """A package on a path that brings a format by an entry point."""
    load_plugin.cache_clear()
    (folder / "fauxface_lab.py").write_text(code)
    about = folder / "fauxface_lab-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: fauxface-lab\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[fauxface.datasets]\nlab = fauxface_lab:FORMAT\n")
    return folder


LAB = """
from fauxface.datasets import Format
from fauxface.datasets import ibug
def find(files):
    return [path for path in files if path.suffix == ".lab"]
def open_folder(folder, files, split, labels):
    if not any(path.suffix == ".pts" for path in files):
        raise ValueError("the lab looked")
    return ibug.open_folder(folder, [p for p in files if p.suffix == ".pts"], split, labels)
FORMAT = Format("lab", "a file NAME.lab", find, open_folder)
"""


def test_another_package_brings_a_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """It is found by name and by looking, where none of ours is there; loaded only when it is asked for."""
    (tmp_path / "site").mkdir()
    monkeypatch.syspath_prepend(str(bring_format(tmp_path / "site", LAB)))
    photos = write_ibug(tmp_path / "photos", 2)
    assert open_dataset(photos).format == "ibug"
    with pytest.raises(ValueError, match=r"unknown format 'labb'; there are face_synthetics, .*dlib, lab$"):
        open_dataset(photos, "labb")
    with pytest.raises(ValueError, match=r"\(format lab: a file NAME\.lab\)"):
        open_dataset(photos, "lab")
    (photos / "here.lab").write_text("")
    assert len(open_dataset(photos, "lab")) == 2
    for path in photos.glob("*.pts"):
        path.unlink()
    with pytest.raises(ValueError, match="the lab looked"):
        open_dataset(photos)


@pytest.mark.parametrize(
    ("code", "reason"), [("FORMAT = 3", "is not a Format"), ("1 / 0", "cannot be loaded: division")]
)
def test_another_packages_broken_format_is_one_line(
    code: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.syspath_prepend(str(bring_format(tmp_path, code)))
    monkeypatch.delitem(__import__("sys").modules, "fauxface_lab", raising=False)
    with pytest.raises(
        ValueError, match=rf"'lab' of the package fauxface-lab \(fauxface\.datasets: fauxface_lab:FORMAT\) {reason}"
    ):
        format_of("lab")
