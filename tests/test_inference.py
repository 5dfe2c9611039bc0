"""From pixels to landmarks: crops and back, detectors, drawing, photographs of every kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data as photographs

from fauxface.faces import box_iou
from fauxface.images import read_image, write_image
from fauxface.inference import (
    Detection,
    Landmarker,
    RetinaFace,
    contact_sheet,
    draw_box,
    draw_landmarks,
    landmark_crops,
    load_detector,
    to_landmark_frame,
)
from fauxface.inference.drawing import COLOURS
from fauxface.inference.predict import predict_files
from fauxface.landmarks import SCHEMES
from fauxface.models import Prediction
from fauxface.outputs import MANIFEST

ASTRONAUT = np.array([175, 60, 275, 180])  # where her face is


class Centroid(torch.nn.Module):
    """A "model" that finds the brightest spot: landmark i lies i/10 crop pixels to the right of it."""

    scheme = "face_synthetics70"
    input_size = 64

    def __init__(self, visible: bool = False, sigma: bool = False) -> None:
        super().__init__()
        self.nothing = torch.nn.Parameter(torch.zeros(()))
        self.visible, self.sigma = visible, sigma
        self.batches: list[int] = []

    def forward(self, images_B3HW: torch.Tensor) -> torch.Tensor:
        assert images_B3HW.shape[1:] == (3, 64, 64)
        assert images_B3HW.min() >= 0
        assert images_B3HW.max() <= 1
        self.batches.append(len(images_B3HW))
        weight_BHW = images_B3HW.mean(1) ** 4
        weight_BHW = weight_BHW / weight_BHW.sum((1, 2), keepdim=True)
        at = torch.arange(64, dtype=torch.float32)
        return torch.stack([(weight_BHW.sum(1) * at).sum(1), (weight_BHW.sum(2) * at).sum(1)], 1)

    def decode(self, outputs_B2: torch.Tensor) -> Prediction:
        along_N2 = torch.stack([torch.arange(70) / 10, torch.zeros(70)], 1)
        ones_BN = torch.ones(len(outputs_B2), 70)
        sigma = (2 + torch.arange(70) / 10).expand(len(outputs_B2), 70) if self.sigma else None
        return Prediction(outputs_B2[:, None] + along_N2, ones_BN / 2, ones_BN if self.visible else None, sigma)


class Fixed:
    """A detector that finds the same boxes everywhere."""

    name, licence = "fixed", "none"

    def __init__(self, *boxes: tuple[float, float, float, float]) -> None:
        self.boxes = boxes

    def __call__(self, image: np.ndarray) -> list[Detection]:
        return [Detection(np.array(box), 0.9) for box in self.boxes]


def spot(x: float, y: float, size: tuple[int, int] = (150, 200)) -> np.ndarray:
    """A soft white spot at (x, y) on black; height and width in ``size``."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    bright = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 5.0**2))
    return np.repeat(bright[:, :, None], 3, axis=2).round().astype(np.uint8)


def landmarker(detector: Any, **options: Any) -> Landmarker:
    from types import SimpleNamespace

    model: Any = Centroid(options.pop("visible", False), options.pop("sigma", False))
    card: Any = SimpleNamespace(crop="box", crop_margin=1.3, licence="Apache-2.0", lane="clean")
    return Landmarker(model, card, detector, **options)


def test_landmarks_come_back_in_image_pixels():
    model: Any = Centroid()
    boxes = np.array([[60.0, 40, 120, 90], [80.5, 52.5, 100, 76]])
    found = landmark_crops(model, spot(91.3, 66.6), boxes)
    assert found.landmarks.shape == (2, 70, 2)
    np.testing.assert_allclose(found.landmarks[:, 0], [[91.3, 66.6]] * 2, atol=0.05)
    scale = 1.3 * 60 / 64
    np.testing.assert_allclose(found.landmarks[0, 10, 0], 91.3 + scale, atol=0.05)
    assert found.visibility is None
    assert found.sigma is None


def test_sigma_comes_in_image_pixels_whichever_way_faces_are_seen():
    model: Any = Centroid(sigma=True)
    boxes = np.array([[60.0, 40, 120, 90], [80.5, 52.5, 100, 76]])
    scale = 1.3 * np.array([[60], [23.5]]) / 64
    plain, both = (landmark_crops(model, spot(91.3, 66.6), boxes, flip=flip).sigma for flip in (False, True))
    assert plain is not None
    assert both is not None
    np.testing.assert_allclose(plain, scale * (2 + np.arange(70) / 10), rtol=1e-6)
    mirror = np.array(SCHEMES["face_synthetics70"].mirror)
    np.testing.assert_allclose(both, scale * (2 + (np.arange(70) + mirror) / 20), rtol=1e-6)
    [face] = landmarker(Fixed((60, 40, 120, 90)), sigma=True)(spot(91.3, 66.6))
    np.testing.assert_allclose(face.sigma, plain[0])


def test_many_boxes_go_in_batches_and_images_may_differ():
    model: Any = Centroid()
    centres = [(50 + i % 90, 60.0) for i in range(130)]
    images = [spot(*centre) for centre in centres]
    boxes = np.array([[x - 20, y - 20, x + 22, y + 20] for x, y in centres])
    found = landmark_crops(model, images, boxes)
    assert model.batches == [64, 64, 2]
    np.testing.assert_allclose(found.landmarks[:, 0], centres, atol=0.05)


def test_no_boxes_no_landmarks():
    model: Any = Centroid()
    assert landmark_crops(model, spot(1, 1), np.zeros((0, 4))).landmarks.shape == (0, 70, 2)


def test_flip_averaging_mirrors_and_permutes():
    # unmirrored: spot + i/10; mirrored back: spot − mirror(i)/10
    model: Any = Centroid(visible=True)
    found = landmark_crops(model, spot(91.3, 66.6), np.array([[60.0, 40, 120, 90]]), flip=True)
    mirror = np.array(SCHEMES["face_synthetics70"].mirror)
    scale = 1.3 * 60 / 64
    wanted = 91.3 + scale * (np.arange(70) - mirror) / 20
    np.testing.assert_allclose(found.landmarks[0, :, 0], wanted, atol=0.05)
    np.testing.assert_allclose(found.landmarks[0, :, 1], 66.6, atol=0.05)
    assert found.visibility is not None
    np.testing.assert_allclose(found.scores, 0.5)


def test_a_landmarker_takes_one_image_or_many():
    find = landmarker(Fixed((60, 40, 120, 90), (70, 50, 110, 80)))
    one = find(spot(91, 66))
    many = find([spot(91, 66), spot(85, 61)])
    assert [len(faces) for faces in many] == [2, 2]
    np.testing.assert_allclose(one[0].landmarks, many[0][0].landmarks)
    np.testing.assert_allclose(many[1][1].landmarks[0], [85, 61], atol=0.05)
    assert one[0].scheme == "face_synthetics70"
    assert one[0].detection_score == 0.9
    assert landmarker(Fixed())(spot(91, 66)) == []
    assert find([]) == []


@pytest.mark.parametrize("wrong", [np.zeros((5, 5), np.uint8), np.zeros((5, 5, 3)), np.zeros((0, 5, 3), np.uint8)])
def test_a_landmarker_refuses_other_arrays(wrong: np.ndarray):
    with pytest.raises(ValueError, match="H×W×3 of uint8"):
        landmarker(Fixed())(wrong)


# --- detectors


@pytest.fixture(scope="module")
def retinaface() -> RetinaFace:
    return RetinaFace(threads=1)


@pytest.mark.parametrize("side", [256, 512, 1400])
def test_retinaface_finds_a_face_at_any_size(retinaface: RetinaFace, side: int):
    import cv2

    image = cv2.resize(photographs.astronaut(), (side, side), interpolation=cv2.INTER_AREA)
    boxes, scores, points = retinaface.raw(image)
    right_eye, left_eye, nose, right_mouth, left_mouth = points[0]
    assert right_eye[0] < nose[0] < left_eye[0]
    assert right_mouth[0] < left_mouth[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])
    assert len(boxes) == 1
    assert scores[0] > 0.95
    assert box_iou(boxes * 512 / side, ASTRONAUT[None])[0, 0] > 0.75


def test_retinaface_finds_a_face_that_is_small_in_a_large_photograph(retinaface: RetinaFace):
    import cv2

    large = np.full((1500, 2400, 3), 90, np.uint8)
    large[200:400, 2000:2200] = cv2.resize(photographs.astronaut(), (200, 200), interpolation=cv2.INTER_AREA)
    large[500:1500, 300:1300] = cv2.resize(photographs.astronaut(), (1000, 1000), interpolation=cv2.INTER_CUBIC)
    boxes = retinaface.raw(large).boxes
    wanted = np.array([ASTRONAUT / 512 * 200 + [2000, 200] * 2, ASTRONAUT / 512 * 1000 + [300, 500] * 2])
    assert (box_iou(boxes, wanted).max(axis=0) > 0.6).all()
    assert len(boxes) == 2


@pytest.mark.parametrize("shape", [(1, 1), (3, 900), (17, 33), (240, 320)])
def test_retinaface_finds_nothing_where_nothing_is(retinaface: RetinaFace, shape: tuple[int, int]):
    assert retinaface(np.full((*shape, 3), 120, np.uint8)) == []


def test_the_package_and_we_decode_alike(retinaface: RetinaFace):
    from retinaface import detect_faces

    [theirs] = detect_faces(photographs.astronaut())
    found = retinaface.raw(photographs.astronaut())
    [ours] = found.boxes
    # they truncate to whole pixels, and their pixel corners are our centres
    np.testing.assert_allclose(ours[:2] + 0.5, [theirs.x, theirs.y], atol=1)
    np.testing.assert_allclose(ours[2:] - ours[:2], [theirs.width, theirs.height], atol=1)
    np.testing.assert_allclose(found.points[0] + 0.5, [(p.x, p.y) for p in theirs.landmarks], atol=1)


def test_the_landmark_frame_scales_and_shifts():
    frame = (0.5, 0.8, 0.0, 0.1)
    np.testing.assert_allclose(to_landmark_frame(np.array([[10.0, 20, 30, 70]]), frame), [[15, 30, 25, 70]])


def test_an_unknown_detector_is_refused():
    with pytest.raises(ValueError, match="unknown detector 'haar'; there are own, retinaface, "):
        load_detector("haar")


# --- drawing


@pytest.mark.parametrize("name", SCHEMES)
def test_every_scheme_can_be_drawn(name: str):
    scheme = SCHEMES[name]
    assert scheme.groups.keys() <= COLOURS.keys()
    for line in scheme.lines:
        assert set(line.points) <= set(scheme.groups[line.group]), line
    rng = np.random.default_rng(0)
    image = np.zeros((80, 100, 3), np.uint8)
    points = rng.uniform([5, 5], [95, 75], (scheme.count, 2))
    points[0] = [-1e9, 50]
    points[1] = np.nan
    drawn = draw_landmarks(image, points, name)
    assert drawn.shape == image.shape
    assert drawn.any()
    assert not image.any()


def test_points_are_drawn_where_they_are_and_hidden_ones_dim():
    image = np.full((60, 60, 3), 30, np.uint8)
    points = np.full((68, 2), -100.0)
    points[30] = [20, 40]
    points[8] = [45.0, 15.0]
    visible = np.ones(68)
    visible[8] = 0
    drawn = draw_landmarks(image, points, "ibug68", visible, lines=False)
    assert tuple(drawn[40, 20]) == COLOURS["nose"]
    assert drawn[15, 45].sum() < sum(COLOURS["jaw"])
    big = draw_landmarks(image, points, "ibug68", lines=False, zoom=3)
    assert big.shape == (180, 180, 3)
    assert tuple(big[121, 61]) == COLOURS["nose"]


def test_boxes_and_sheets():
    image = np.zeros((40, 50, 3), np.uint8)
    assert draw_box(image, np.array([5, 6, 30, 31]))[6, 10].max() > 200
    assert contact_sheet([image] * 5, columns=3, tile=20, gap=2).shape == (42, 64, 3)


# --- photographs


def test_photographs_are_read_as_a_viewer_shows_them(tmp_path: Path):
    rng = np.random.default_rng(1)
    image = np.kron(rng.integers(0, 256, (5, 7, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    grey = image[:, :, 0]
    turned = Image.fromarray(np.rot90(image).copy())
    exif = turned.getexif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    turned.save(tmp_path / "turned.png", exif=exif)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    alpha = np.dstack([image, np.where(np.arange(56) < 16, 0, 255)[None].repeat(40, 0)]).astype(np.uint8)
    Image.fromarray(alpha).save(tmp_path / "alpha.png")
    Image.fromarray(image).convert("CMYK").save(tmp_path / "cmyk.tif")
    Image.fromarray(image).convert("P").save(tmp_path / "palette.png")

    np.testing.assert_array_equal(read_image(tmp_path / "turned.png"), image)
    for name in ("grey", "deep"):
        np.testing.assert_array_equal(read_image(tmp_path / f"{name}.png"), np.repeat(grey[:, :, None], 3, 2))
    shown = read_image(tmp_path / "alpha.png")
    np.testing.assert_array_equal(shown[:, 16:], image[:, 16:])
    assert (shown[:, :16] == 255).all()
    for name in ("cmyk.tif", "palette.png"):
        assert read_image(tmp_path / name).shape == image.shape


def test_a_broken_photograph_is_named_with_the_reason(tmp_path: Path):
    write_image(tmp_path / "whole.png", photographs.astronaut())
    data = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "short.png").write_bytes(data[: len(data) // 2])
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "empty.png").touch()
    for name in ("short.png", "text.jpg", "empty.png"):
        with pytest.raises(ValueError, match=name) as error:
            read_image(tmp_path / name)
        assert "\n" not in str(error.value)
    with pytest.raises(FileNotFoundError, match=r"gone\.png"):
        read_image(tmp_path / "gone.png")


def photo_folder(folder: Path) -> Path:
    for i in range(3):
        write_image(folder / f"{i}.png", spot(80 + i, 60))
    write_image(folder / "3.jpg", spot(83, 60))
    return folder


def test_predictions_are_drawn_and_written(tmp_path: Path):
    photos = photo_folder(tmp_path / "photos")
    (photos / "notes.txt").write_text("not a photograph")
    find = landmarker(Fixed((60, 40, 120, 90)))
    predict_files(photos, find, tmp_path / "out", tmp_path / "faces.json")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        MANIFEST,
        "0.png",
        "1.png",
        "2.png",
        "3.jpg",
        "predictions.json",
    ]
    rows = json.loads((tmp_path / "faces.json").read_text())["images"]
    assert [Path(row["image"]).name for row in rows] == ["0.png", "1.png", "2.png", "3.jpg"]
    [face] = rows[1]["faces"]
    assert (face["visibility"], face["sigma"]) == (None, None)
    assert face["detector_box"] == [60, 40, 120, 90]
    assert np.shape(face["landmarks"]) == (70, 2)
    assert len(face["scores"]) == 70
    assert face["landmarks"][0] == pytest.approx([81, 60], abs=0.1)
    # again, into the same folder, by a model that tells more; never into one that is not ours
    find = landmarker(Fixed((60, 40, 120, 90)), visible=True, sigma=True)
    predict_files(photos, find, tmp_path / "out")
    [face] = json.loads((tmp_path / "out" / "predictions.json").read_text())["images"][1]["faces"]
    assert face["visibility"] == [1] * 70
    assert face["sigma"][10] == pytest.approx(3 * 1.3 * 60 / 64, abs=1e-3)
    with pytest.raises(ValueError, match="is the source"):
        predict_files(photos, find, photos)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(FileExistsError, match="mine already holds something else"):
        predict_files(photos, find, tmp_path / "mine")


def test_no_face_is_an_empty_list(tmp_path: Path):
    photos = photo_folder(tmp_path / "photos")
    predict_files(photos / "0.png", landmarker(Fixed()), json_file=tmp_path / "faces.json")
    [row] = json.loads((tmp_path / "faces.json").read_text())["images"]
    assert (row["image"], row["faces"]) == (str(photos / "0.png"), [])


def test_bad_photographs_stop_it_or_are_named_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    photos = photo_folder(tmp_path / "photos")
    (photos / "1.png").write_bytes((photos / "1.png").read_bytes()[:60])
    write_image(photos / "2.png", np.zeros((1, 1, 3), np.uint8))
    find = landmarker(Fixed((60, 40, 120, 90)))
    with pytest.raises(ValueError, match=r"1\.png.*--skip-bad"):
        predict_files(photos, find, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["photos"]
    found = predict_files(photos, find, tmp_path / "out", skip_bad=True)
    assert [path.name for path, _ in found.faces] == ["0.png", "3.jpg"]
    assert len(found.skipped) == 2
    said = caplog.text
    assert "1.png" in said
    assert "2.png: 1×1 px" in said


def test_two_photographs_of_one_name_get_two_drawings(tmp_path: Path):
    write_image(tmp_path / "photos" / "a.png", spot(80, 60))
    write_image(tmp_path / "photos" / "a.bmp", spot(80, 60))
    predict_files(tmp_path / "photos", landmarker(Fixed()), tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out").glob("*.png")) == ["a.png", "a.png.png"]


@pytest.mark.parametrize(
    ("name", "message"), [("gone", "no such file"), ("empty", "no photographs"), ("a.mp4", "video")]
)
def test_a_source_that_will_not_do_is_one_clear_line(tmp_path: Path, name: str, message: str):
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.mp4").touch()
    with pytest.raises((ValueError, OSError), match=message):
        predict_files(tmp_path / name, landmarker(Fixed()), tmp_path / "out")
    assert not (tmp_path / "out").exists()
