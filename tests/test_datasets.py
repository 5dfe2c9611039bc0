import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from fake_data import annotators_view, draw_face, write_face_synthetics, write_ibug, write_pts

from fauxface.datasets import BadSample, open_dataset, pack, read_samples
from fauxface.datasets.ibug import read_pts
from fauxface.faces import Crop, Framing, landmark_box


@pytest.fixture
def renders(tmp_path: Path) -> Path:
    return write_face_synthetics(tmp_path / "renders", 5)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_ibug(tmp_path / "photos", 4)


def test_face_synthetics_sample(renders: Path):
    dataset = open_dataset(renders)
    face, sample = draw_face(2), dataset[2]
    assert (len(dataset), dataset.format, dataset.scheme, dataset.labels) == (
        5,
        "face_synthetics",
        "face_synthetics70",
        "2d",
    )
    np.testing.assert_array_equal(sample.image, face.image)
    np.testing.assert_allclose(sample.landmarks, annotators_view(face.landmarks), atol=1e-6)
    np.testing.assert_array_equal(sample.visibility, face.visibility)
    np.testing.assert_allclose(sample.box, landmark_box(sample.landmarks, sample.scheme))
    assert sample.source == str(renders / "000002.png")


def test_projected_labels_on_request_keep_the_visibility(renders: Path):
    sample = open_dataset(renders, labels="projected")[1]
    np.testing.assert_allclose(sample.landmarks, draw_face(1).landmarks, atol=1e-4)
    assert sample.visibility is not None
    assert sample.labels == "projected"


def test_labels_are_projected_unless_every_sample_has_2d(renders: Path):
    (renders / "000003.json").unlink()
    assert open_dataset(renders).labels == "projected"
    with pytest.raises(ValueError, match=r"000003\.png.*landmarks_2d"):
        open_dataset(renders, labels="2d")


def test_a_truncated_json_is_an_error_and_does_not_change_the_convention(renders: Path):
    (renders / "000003.json").write_text((renders / "000003.json").read_text()[:100])
    dataset = open_dataset(renders)
    assert dataset.labels == "2d"
    with pytest.raises(BadSample, match=r"000003\.json: not valid JSON"):
        dataset[3]


def test_microsofts_layout_has_no_json(tmp_path: Path):
    dataset = open_dataset(write_face_synthetics(tmp_path / "fs", 2, with_json=False))
    assert dataset.labels == "projected"
    assert dataset[0].visibility is None


def test_ibug_sample_is_1_based_and_not_rounded(photos: Path):
    dataset = open_dataset(photos)
    face, sample = draw_face(3), dataset[3]
    assert (len(dataset), dataset.format, dataset.scheme, dataset.labels) == (4, "ibug", "ibug68", "annotated")
    np.testing.assert_allclose(sample.landmarks, face.landmarks[:68], atol=1e-4)
    np.testing.assert_allclose(sample.box, landmark_box(sample.landmarks, "ibug68"))
    np.testing.assert_array_equal(sample.image, face.image)
    assert sample.visibility is None


def test_a_grey_photo_is_read_as_rgb(photos: Path):
    grey = cv2.imread(str(photos / "face_0000.png"), cv2.IMREAD_GRAYSCALE)
    assert grey is not None
    cv2.imwrite(str(photos / "face_0000.png"), grey)
    assert open_dataset(photos)[0].image.shape == (96, 96, 3)


SPLIT_SIZES = {
    None: 15,
    "common": 2 + 3,
    "challenging": 1,
    "full": 6,
    "private": 1 + 2,
    "train": 1 + 1,
    "afw": 4,
    "lfpw/testset": 2,
}


@pytest.mark.parametrize("split", SPLIT_SIZES)
def test_splits_by_official_folder_names(tmp_path: Path, split: str | None):
    root = tmp_path / "ibug" / "300W"  # a folder further up that bears an official name says nothing
    parts = {
        "lfpw/testset": 2,
        "helen/testset": 3,
        "ibug": 1,
        "01_Indoor": 1,
        "02_Outdoor": 2,
        "lfpw/trainset": 1,
        "helen/trainset": 1,
        "AFW": 4,
    }
    for part, count in parts.items():
        write_ibug(root / part, count)
    assert len(open_dataset(root, split=split)) == SPLIT_SIZES[split]


def test_the_folder_itself_may_be_a_part(tmp_path: Path):
    folder = write_ibug(tmp_path / "lfpw" / "testset", 2)
    assert len(open_dataset(folder, split="common")) == 2
    assert len(open_dataset(folder.parent, split="common")) == 2
    with pytest.raises(ValueError, match="no face of split 'challenging'"):
        open_dataset(folder, split="challenging")
    with pytest.raises(ValueError, match="unknown split 'comon'; there are common"):
        open_dataset(folder, split="comon")


def test_subsets_are_nested_and_drawn_by_seed(tmp_path: Path):
    dataset = open_dataset(write_face_synthetics(tmp_path / "fs", 12, size=32))
    small, large = dataset.subset(4, seed=1), dataset.subset(9, seed=1)
    assert set(small.sources) < set(large.sources) < set(dataset.sources)
    assert dataset.subset(4, seed=1).sources == small.sources
    assert dataset.subset(4, seed=2).sources != small.sources
    with pytest.raises(ValueError, match="cannot take 13 samples of fs, which has 12"):
        dataset.subset(13, seed=1)
    with pytest.raises(ValueError, match="cannot take 0"):
        dataset.subset(0, seed=1)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _points(path: Path, landmarks: np.ndarray) -> None:
    path.write_text("".join(f"{x} {y}\n" for x, y in landmarks))


BAD_RENDERS = {
    "truncated": (lambda f: _cut(f / "000001.png"), r"000001\.png: cannot be read: image file is truncated"),
    "not an image": (lambda f: (f / "000001.png").write_text("hello"), r"000001\.png: not an image"),
    "empty image": (lambda f: (f / "000001.png").write_bytes(b""), r"000001\.png: not an image"),
    "1×1 px": (
        lambda f: cv2.imwrite(str(f / "000001.png"), np.zeros((1, 1, 3), np.uint8)),
        r"000001\.png: an image of 1×1 px is too small",
    ),
    "no image": (lambda f: (f / "000001.png").unlink(), r"000001\.png: no such image"),
    "no labels": (lambda f: (f / "000001_ldmks.txt").unlink(), r"000001_ldmks\.txt: no such file"),
    "68 points": (
        lambda f: _points(f / "000001_ldmks.txt", np.eye(68, 2)),
        r"000001_ldmks\.txt: 68 points, not 70",
    ),
    "NaN": (
        lambda f: _points(f / "000001_ldmks.txt", np.full((70, 2), np.nan)),
        r"000001_ldmks\.txt: point 0 has a coordinate that is not a finite number",
    ),
    "one place": (lambda f: _points(f / "000001_ldmks.txt", np.ones((70, 2))), r"all points lie at one place"),
    "words": (lambda f: (f / "000001_ldmks.txt").write_text("here there\n"), r"point 0 is not two numbers"),
    "NaN in JSON": (
        lambda f: _edit(f / "000001.json", landmarks_2d=[[float("nan")] * 2] * 70),
        r"000001\.json: point 0 has a coordinate that is not a finite number",
    ),
    "visibility": (lambda f: _edit(f / "000001.json", visibility=[1, 0]), r"000001\.json: visibility is not 70 times"),
}


def _edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize("case", BAD_RENDERS)
def test_bad_renders_are_named_with_their_reason(renders: Path, case: str, caplog: pytest.LogCaptureFixture):
    spoil, message = BAD_RENDERS[case]
    spoil(renders)
    dataset = open_dataset(renders)
    assert len(dataset) == 5
    with pytest.raises(BadSample, match=message) as caught:
        list(read_samples(dataset))
    assert "\n" not in str(caught.value)
    skipped: list[BadSample] = []
    read = [index for index, _ in read_samples(dataset, skip_bad=True, skipped=skipped)]
    assert read == [0, 2, 3, 4]
    assert len(skipped) == 1
    report = caplog.text
    assert "skipped 1 of 5 samples" in report
    assert str(skipped[0]) in report


def test_bad_pts_are_named_with_their_reason(photos: Path):
    dataset = open_dataset(photos)
    points = draw_face(0).landmarks
    write_pts(photos / "face_0000.pts", points[:67])
    with pytest.raises(BadSample, match=r"face_0000\.pts: 67 points, not 68"):
        dataset[0]
    write_pts(photos / "face_0000.pts", np.where(np.arange(68)[:, None] == 5, np.nan, points[:68]))
    with pytest.raises(BadSample, match=r"face_0000\.pts: point 5 has a coordinate that is not a finite number"):
        dataset[0]
    (photos / "face_0001.pts").write_text("version: 1\n")
    with pytest.raises(BadSample, match=r"face_0001\.pts: not a \.pts file"):
        dataset[1]
    (photos / "face_0002.png").unlink()
    with pytest.raises(BadSample, match=r"face_0002\.pts: no image of that name"):
        dataset[2]


def test_a_truncated_jpeg_is_bad(photos: Path):
    path = photos / "face_0000.jpg"
    cv2.imwrite(str(path), draw_face(0).image)
    path.with_suffix(".png").unlink()
    assert open_dataset(photos)[0].image.shape == (96, 96, 3)
    _cut(path)
    with pytest.raises(BadSample, match=r"face_0000\.jpg: cannot be read: image file is truncated"):
        open_dataset(photos)[0]


def test_pts_with_windows_line_ends(tmp_path: Path):
    write_pts(tmp_path / "a.pts", draw_face(0).landmarks[:68])
    (tmp_path / "a.pts").write_bytes((tmp_path / "a.pts").read_bytes().replace(b"\n", b"\r\n"))
    np.testing.assert_allclose(read_pts(tmp_path / "a.pts"), draw_face(0).landmarks[:68], atol=1e-4)


def test_folders_without_faces(tmp_path: Path, renders: Path, photos: Path):
    with pytest.raises(FileNotFoundError, match=r"no such folder: .*nowhere"):
        open_dataset(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty is empty"):
        open_dataset(tmp_path / "empty")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").touch()
    with pytest.raises(ValueError, match=r"no labelled faces in .*other"):
        open_dataset(tmp_path / "other")
    with pytest.raises(ValueError, match=r"no labelled faces in .*photos"):
        open_dataset(photos, format="face_synthetics")
    with pytest.raises(ValueError, match="is a file, not a folder"):
        open_dataset(photos / "face_0000.pts")
    with pytest.raises(ValueError, match="several formats"):
        open_dataset(tmp_path)
    with pytest.raises(ValueError, match="has no splits"):
        open_dataset(renders, split="common")
    with pytest.raises(ValueError, match="no '2d' labels"):
        open_dataset(photos, labels="2d")


def test_all_bad_is_an_error_even_when_skipping(photos: Path):
    for path in photos.glob("*.png"):
        path.write_bytes(b"")
    with pytest.raises(ValueError, match="none of the 4 samples of photos can be read"):
        list(read_samples(open_dataset(photos), skip_bad=True))


def test_pack_crops_with_a_border(renders: Path):
    dataset = open_dataset(renders)
    packed = pack(dataset, size=32, framing=Framing("box", 1.4), padding=8)
    assert packed.images.shape == (5, 48, 48, 3)
    assert packed.landmarks.dtype == np.float32
    assert packed.visibility is not None
    assert packed.visibility.shape == (5, 70)
    crop = Crop.around(dataset[4].box, 32, 1.4).padded(8)
    np.testing.assert_array_equal(packed.images[4], crop.extract(dataset[4].image))
    np.testing.assert_allclose(packed.landmarks[4], crop.to_crop(dataset[4].landmarks), atol=1e-4)


def test_pack_names_what_it_skips(renders: Path):
    _cut(renders / "000002.png")
    with pytest.raises(BadSample, match="000002"):
        pack(open_dataset(renders), size=16)
    packed = pack(open_dataset(renders), size=16, skip_bad=True)
    assert packed.indices.tolist() == [0, 1, 3, 4]
    assert len(packed) == 4
    assert [error.path.name for error in packed.skipped] == ["000002.png"]
