"""Evaluation: which box each face gets, what the cache answers, and the scores against answers worked out by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch
from fake_data import canonical_face, write_face_synthetics, write_ibug

from fauxface import metrics
from fauxface.checkpoint import card_of, save_checkpoint
from fauxface.datasets import BadSample, open_dataset
from fauxface.evaluation import Evaluation, evaluate
from fauxface.evaluation.predictions import predict, read_faces
from fauxface.evaluation.run import FILES
from fauxface.faces import REACH, Crop
from fauxface.images import read_image, write_image
from fauxface.inference import Detection, Landmarker
from fauxface.landmarks import IBUG68, common_scheme, five_points
from fauxface.models import Prediction, build_model
from fauxface.outputs import MANIFEST

AREAS = [f"aurc{of}{order}" for of in ("", "_faces") for order in ("", "_random", "_oracle")]
KEYS = ["n", "nme", "nme_inner", "fr8", "fr10", "auc8", "auc10", *AREAS]
KEYS += ["missed", "box", "normaliser", "data", "points", "checkpoint", "licence"]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FAUXFACE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_ibug(tmp_path / "photos", 4)


class Centre(torch.nn.Module):
    """A "model" that puts every landmark in the middle of the crop, plus ``offset`` crop pixels."""

    scheme, input_size = "face_synthetics70", 32

    def __init__(self):
        super().__init__()
        self.offset = torch.nn.Parameter(torch.zeros(()), requires_grad=False)
        self.calls = 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return images

    def decode(self, images: torch.Tensor) -> Prediction:
        points = torch.full((len(images), 70, 2), 15.5) + self.offset
        return Prediction(points, torch.ones(len(images), 70), None)


class Finds:
    """A detector that finds the same boxes in every image."""

    licence = "none"

    def __init__(self, *boxes: np.ndarray):
        self.boxes = boxes
        self.name = f"finds {np.array(boxes).tolist()}"  # predictions are cached by it

    def __call__(self, image: np.ndarray) -> list[Detection]:
        return [Detection(box, 0.9) for box in self.boxes]


def landmarker(*boxes: np.ndarray, flip: bool = False) -> Landmarker:
    model: Any = Centre()
    card = card_of(build_model("mobilenetv3small-coordinates", 64, "face_synthetics70"), "2d", 1.3, "clean")
    return Landmarker(model, replace(card, input_size=32), Finds(*boxes), flip)


def middles(boxes: np.ndarray) -> np.ndarray:
    return np.repeat(((boxes[:, :2] + boxes[:, 2:]) / 2)[:, None], 70, 1)


def test_landmark_boxes(photos: Path):
    faces = read_faces(open_dataset(photos))
    points = predict(landmarker(), faces, "landmarks").landmarks
    np.testing.assert_allclose(points, middles(faces.boxes), atol=1e-3)


def test_detector_boxes_are_the_best_overlapping_ones_and_else_misses(photos: Path):
    """The detector finds, everywhere, something like face 1's box, face 1's box, and a box far from all."""
    faces = read_faces(open_dataset(photos))
    own = faces.boxes[1]
    points = predict(landmarker(own + 3, own, own + 1000), faces, "detector").landmarks
    np.testing.assert_allclose(points[1], middles(own[None])[0], atol=1e-3)
    points = predict(landmarker(own + 3, own + 1000), faces, "detector").landmarks
    np.testing.assert_allclose(points[1], middles(own[None] + 3)[0], atol=1e-3)
    assert np.isnan(predict(landmarker(own + 1000), faces, "detector").landmarks).all()
    assert np.isnan(predict(landmarker(), faces, "detector").landmarks).all()


def test_an_overlap_under_three_tenths_is_another_face(photos: Path):
    """A box as wide, shifted by half its width, overlaps by 1/3; by 0.56 of it, by 0.28."""
    faces = read_faces(open_dataset(photos))
    width = faces.boxes[0, 2] - faces.boxes[0, 0]
    for shift, found in ((0.5, True), (0.56, False)):
        points = predict(landmarker(faces.boxes[0] + [shift * width, 0, shift * width, 0]), faces, "detector").landmarks
        assert np.isfinite(points[0]).all() == found


def test_the_cache_answers_the_same_question_only(photos: Path, cache: Path):
    asker = landmarker()
    model: Any = asker.model
    faces = read_faces(open_dataset(photos))
    first = predict(asker, faces, "landmarks").landmarks
    assert model.calls == 1
    np.testing.assert_array_equal(predict(asker, faces, "landmarks").landmarks, first)
    assert model.calls == 1
    assert len(list((cache / "predictions").iterdir())) == 1

    predict(replace(asker, flip=True), faces, "landmarks")  # both ways round
    assert model.calls == 3
    model.offset += 1
    moved = predict(asker, faces, "landmarks").landmarks
    assert model.calls == 4
    assert (moved > first).all()
    picture = read_image(photos / "face_0002.png")
    picture[0, 0] += 1
    write_image(photos / "face_0002.png", picture)
    faces = read_faces(open_dataset(photos))
    predict(asker, faces, "landmarks")
    assert model.calls == 5
    predict(asker, replace(faces, boxes=faces.boxes + 1), "landmarks")
    assert model.calls == 6
    assert {path.suffix for path in photos.iterdir()} == {".png", ".pts"}


def test_scores_are_kept_with_the_points_and_a_cache_without_them_is_made_anew(photos: Path, cache: Path):
    asker, faces = landmarker(), read_faces(open_dataset(photos))
    first = predict(asker, faces, "landmarks")
    assert first.scores.shape == (len(faces), 70)
    np.testing.assert_array_equal(predict(asker, faces, "landmarks").scores, first.scores)
    np.testing.assert_array_equal(first.converted("ibug68").scores, first.scores[:, :68])
    [path] = (cache / "predictions").iterdir()
    path.write_bytes(safetensors.numpy.save({"landmarks": first.landmarks}))
    np.testing.assert_array_equal(predict(asker, faces, "landmarks").scores, first.scores)
    assert "scores" in safetensors.numpy.load(path.read_bytes())


def test_a_model_of_five_point_crops_gets_the_annotated_or_the_detected_points(photos: Path):
    """The model says the crop's centre: that of the frontal face which the points would be."""
    asker, faces = landmarker(), read_faces(open_dataset(photos))
    asker = replace(asker, card=replace(asker.card, crop="five-points"))
    points = predict(asker, faces, "landmarks").landmarks
    for i, truth in enumerate(faces.truth):
        crop = Crop.on_points(five_points(truth, IBUG68), 32, 1.3 * REACH)
        np.testing.assert_allclose(points[i, 0], crop.to_image(np.full(2, 15.5)), atol=1e-3)
    asker.detector = Finds(faces.boxes[0])  # which knows no points: the box has to do
    np.testing.assert_allclose(predict(asker, faces, "detector").landmarks[0], middles(faces.boxes[:1])[0], atol=1e-3)


def test_misses_come_out_of_the_cache_too(photos: Path):
    faces = read_faces(open_dataset(photos))
    asker = landmarker(faces.boxes[1] + 30)
    first = predict(asker, faces, "detector").landmarks
    assert np.isnan(first).any()
    calls = asker.model.calls  # pyright: ignore[reportAttributeAccessIssue]
    np.testing.assert_array_equal(predict(asker, faces, "detector").landmarks, first)
    assert asker.model.calls == calls  # pyright: ignore[reportAttributeAccessIssue]


def test_a_broken_cache_file_is_made_anew(photos: Path, cache: Path):
    asker, faces = landmarker(), read_faces(open_dataset(photos))
    first = predict(asker, faces, "landmarks").landmarks
    [path] = (cache / "predictions").iterdir()
    path.write_bytes(path.read_bytes()[:100])
    np.testing.assert_array_equal(predict(asker, faces, "landmarks").landmarks, first)
    assert path.stat().st_size > 100


def test_a_cache_that_cannot_be_written_is_named(photos: Path, cache: Path):
    cache.write_text("a file where the folder should be")
    with pytest.raises(OSError, match=r"cannot keep predictions in .*FAUXFACE_CACHE"):
        predict(landmarker(), read_faces(open_dataset(photos)), "landmarks")


def test_nan_from_the_model_is_no_miss(photos: Path):
    asker = landmarker()
    asker.model.offset.fill_(torch.nan)  # pyright: ignore[reportCallIssue, reportAttributeAccessIssue]
    with pytest.raises(ValueError, match="not finite"):
        predict(asker, read_faces(open_dataset(photos)), "landmarks")


def result(**changes: Any) -> Evaluation:
    """Five faces with outer eye corners 124 px apart: all points 2, 4, 8, 10 % off, and a miss."""
    truth = np.tile(canonical_face()[:68] * 100 + 150, (5, 1, 1))
    predictions = truth.copy()
    for face, error in enumerate([2, 4, 8, 10]):
        predictions[face, :, 1] += 1.24 * error
    predictions[4] = np.nan
    same = truth.copy()
    same[:4, :, 0] += 1.24
    same[4] += 1000
    parts: dict[str, Any] = {
        "checkpoint": "run",
        "licence": "clean",
        "data": "photos (annotated)",
        "box": "detector",
        "normaliser": "inter-ocular",
        "scheme": "ibug68",
        "sources": tuple(Path(f"{i}.png") for i in range(5)),
        "truth": truth,
        "predictions": predictions,
        "scores": np.repeat([[0.9], [0.8], [0.7], [0.6], [np.nan]], 68, 1),
        "same_faces": same,
    }
    return Evaluation(**{**parts, **changes})


def test_the_scores_of_the_protocol():
    scores = result().as_json()
    assert scores == {
        "n": 5,
        "nme": pytest.approx(6),
        "nme_inner": pytest.approx(6),
        "nme_landmarks_box_same_faces": pytest.approx(1),
        "fr8": pytest.approx(40),
        "fr10": pytest.approx(20),
        "auc8": pytest.approx(25),
        "auc10": pytest.approx(32),
        # of 68 points a face about the integral over kept faces t: 2, then 4 − 2/t, 8 − 10/t, 10 − 16/t
        "aurc": pytest.approx((24 - 2 * np.log(2) - 10 * np.log(3 / 2) - 16 * np.log(4 / 3)) / 4, abs=0.01),
        "aurc_random": pytest.approx(6),
        "aurc_oracle": pytest.approx((24 - 2 * np.log(2) - 10 * np.log(3 / 2) - 16 * np.log(4 / 3)) / 4, abs=0.01),
        "aurc_faces": pytest.approx((2 + 3 + 14 / 3 + 6) / 4, abs=1e-4),
        "aurc_faces_random": pytest.approx(6),
        "aurc_faces_oracle": pytest.approx((2 + 3 + 14 / 3 + 6) / 4, abs=1e-4),
        "missed": 1,
        "box": "detector",
        "normaliser": "inter-ocular",
        "data": "photos (annotated)",
        "points": 68,
        "checkpoint": "run",
        "licence": "clean",
    }


def test_inner_points_and_parts():
    predictions = result().truth.copy()
    predictions[:, :17, 0] += 12.4
    scored = result(predictions=predictions, same_faces=None)
    assert scored.as_json()["nme_inner"] == 0
    assert scored.as_json()["nme"] == pytest.approx(10 * 17 / 68)
    assert "nme_landmarks_box_same_faces" not in scored.as_json()
    assert scored.groups == pytest.approx({group: 10 if group == "jaw" else 0 for group in scored.groups})


def test_pupils_count_in_their_own_row_alone():
    truth = np.tile(canonical_face() * 100, (2, 1, 1))
    predictions = truth.copy()
    predictions[:, 68:, 0] += 12.4
    scored = result(
        truth=truth, predictions=predictions, same_faces=None, scheme="face_synthetics70", sources=(Path(), Path())
    )
    assert scored.nme == 0
    assert scored.groups["pupils"] == pytest.approx(10)


def test_all_missed():
    scores = result(predictions=np.full((5, 68, 2), np.nan)).as_json()
    assert (scores["nme"], scores["nme_landmarks_box_same_faces"]) == (None, None)
    assert (scores["missed"], scores["fr10"], scores["auc10"]) == (5, 100, 0)
    json.dumps(scores, allow_nan=False)
    assert "missed" in result(predictions=np.full((5, 68, 2), np.nan)).table()


def test_what_was_left_out_is_in_the_scores():
    assert result(skipped=[BadSample(Path("x"), "y")]).as_json()["skipped"] == 1
    assert "skipped" not in result().as_json()


def test_the_scheme_of_comparison():
    assert common_scheme("face_synthetics70", "ibug68") == "ibug68"
    assert common_scheme("face_synthetics70", "face_synthetics70") == "face_synthetics70"
    assert common_scheme("ibug68", "face_synthetics70") == "ibug68"
    assert common_scheme("face_synthetics70", "wflw98") == "face_synthetics70"
    assert common_scheme("face_synthetics70", "cofw29") == "cofw29&face_synthetics70"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "checkpoint"
    torch.manual_seed(0)
    model = build_model("mobilenetv3small-coordinates", 64, "face_synthetics70")
    save_checkpoint(folder, model, card_of(model, "2d", 1.3, "research"))
    return folder.parent


def test_evaluate_photos(checkpoint: Path, photos: Path, tmp_path: Path):
    """The truth has 68 points, the model 70."""
    found = evaluate(checkpoint, photos, "ibug", json=tmp_path / "scores.json", out=tmp_path / "out", threads=1)
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert list(scores) == KEYS
    assert scores == found.as_json()
    assert (scores["n"], scores["missed"], scores["licence"]) == (4, 0, "research")
    assert scores["nme"] == pytest.approx(metrics.nme(found.predictions, found.truth, "ibug68").mean(), abs=1e-4)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {MANIFEST, *FILES}
    assert read_image(tmp_path / "out" / "worst_faces.png").shape[1] > 800
    assert len((tmp_path / "out" / "faces.csv").read_text().splitlines()) == 5
    assert f"{found.nme:.2f} %" in found.table()
    again = evaluate(checkpoint, photos, out=tmp_path / "out", normaliser="inter-pupil", threads=1)
    assert again.nme > found.nme


def test_evaluate_renders_with_the_detector(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    renders = write_face_synthetics(tmp_path / "renders", 3)
    box = read_faces(open_dataset(renders)).boxes[0]
    monkeypatch.setattr("fauxface.inference.landmarker.load_detector", lambda name, threads: Finds(box))
    found = evaluate(checkpoint, renders, box="detector", out=tmp_path / "out", threads=1)
    scores = found.as_json()
    after_box = KEYS.index("box") + 1
    assert list(scores) == [
        *KEYS[:3],
        "nme_landmarks_box_same_faces",
        *KEYS[3:after_box],
        "detector",
        *KEYS[after_box:],
    ]
    assert (scores["box"], scores["detector"]) == ("detector", Finds(box).name)
    assert f"box from detector {Finds(box).name}, inter-ocular" in found.table()
    np.testing.assert_allclose(found.errors[0], found._nme(found.same_faces, range(68))[0])  # pyright: ignore
    projected = evaluate(checkpoint, renders, labels="projected", threads=1)
    assert (projected.truth[:, :17] != found.truth[:, :17]).any()


def test_bad_samples(checkpoint: Path, photos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (photos / "face_0001.png").write_bytes((photos / "face_0001.png").read_bytes()[:1000])
    with pytest.raises(BadSample, match=r"face_0001\.png: .*truncated"):
        evaluate(checkpoint, photos, json=tmp_path / "scores.json", out=tmp_path / "out", threads=1)
    assert not (tmp_path / "scores.json").exists()
    assert not (tmp_path / "out").exists()
    found = evaluate(checkpoint, photos, skip_bad=True, threads=1)
    assert found.as_json()["n"] == 3
    assert found.as_json()["skipped"] == 1
    assert [path.name for path in found.sources] == ["face_0000.pts", "face_0002.pts", "face_0003.pts"]
    assert "skipped 1 of 4 samples" in caplog.text


def test_outputs_that_are_in_the_way(checkpoint: Path, photos: Path, tmp_path: Path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    with pytest.raises(FileExistsError, match="mine already holds something else"):
        evaluate(checkpoint, photos, out=tmp_path / "mine")
    with pytest.raises(FileExistsError, match=r"thesis\.tex is a file"):
        evaluate(checkpoint, photos, out=tmp_path / "mine" / "thesis.tex")
    with pytest.raises(ValueError, match="mine is a folder"):
        evaluate(checkpoint, photos, json=tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.tex"]
