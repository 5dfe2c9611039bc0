"""Level crops: the box's square turned by the face's roll, from training to a followed face."""

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fake_data import draw_face, write_face_synthetics
from test_five_points import Nodding

from fauxface import augment
from fauxface.augment.policies import LEVEL_ROTATION
from fauxface.augment.rotation import Rotation
from fauxface.checkpoint import load_checkpoint, read_card
from fauxface.cli import main
from fauxface.datasets import open_dataset, pack
from fauxface.evaluation import evaluate
from fauxface.export.onnx import metadata
from fauxface.faces import FRONTAL_POINTS, Crop, Framing, landmark_box, roll_of
from fauxface.inference import Landmarker, Landmarks, Tracker
from fauxface.landmarks import FACE_SYNTHETICS70, five_points
from fauxface.training import TrainingConfig, train

SCHEME = FACE_SYNTHETICS70.name
LEVEL = Framing("level", 1.3)


@pytest.fixture(scope="module")
def renders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_face_synthetics(tmp_path_factory.mktemp("renders") / "faces", 8)


@pytest.fixture(scope="module")
def run(renders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "run"
    small: dict[str, Any] = {"input_size": 64, "steps": 2, "batch": 4, "threads": 1, "augment": "strong"}
    return train(TrainingConfig(data=renders, out=out, model="lcnet_050-pip", crop="level", **small))


def turned(points: np.ndarray, angle: float) -> np.ndarray:
    """Points of the image turned clockwise as seen, about (60, 60)."""
    cosine, sine = math.cos(angle), math.sin(angle)
    return (points - 60) @ np.array([[cosine, sine], [-sine, cosine]]) + 60


@pytest.mark.parametrize("angle", [-2.5, -0.4, 0.0, 0.3, 1.2, 3.0])
def test_roll_is_how_far_the_face_is_turned(angle: float):
    five = turned(np.array(FRONTAL_POINTS) * 40 + 60, angle)
    assert roll_of(five) == pytest.approx(angle, abs=1e-6)
    assert roll_of(five * 3 + 7) == pytest.approx(angle, abs=1e-6)
    squeezed = (np.array(FRONTAL_POINTS) * [0.3, 1] * 40) + 60  # as a head turned far to the side
    assert roll_of(turned(squeezed, angle)) == pytest.approx(angle, abs=1e-6)


def test_points_that_show_no_face_have_no_roll():
    for five in (np.full((5, 2), 7.0), np.full((5, 2), np.nan)):
        assert roll_of(five) == 0
    box = np.array([10.0, 20, 50, 60])
    assert LEVEL.place(box, None) is box
    assert LEVEL.crop(box, 64) == Framing("box", 1.3).crop(box, 64)


def test_the_square_is_the_boxes_turned_about_its_centre():
    box = np.array([10.0, 20, 50, 70])
    upright = Crop.around(box, 64)
    for angle in (-1.0, 0.5, 3.0):
        crop = LEVEL.crop(np.append(box, angle), 64)
        assert (crop.angle, crop.scale) == (angle, upright.scale)
        middle = np.array([31.5, 31.5])
        np.testing.assert_allclose(crop.to_image(middle), upright.to_image(middle), atol=1e-9)
        some = np.random.default_rng(0).random((9, 2)) * 100
        np.testing.assert_allclose(crop.to_image(crop.to_crop(some)), some, atol=1e-9)


def test_packed_crops_have_no_roll(renders: Path):
    dataset = open_dataset(renders)
    packed = pack(dataset, 64, LEVEL, padding=8)
    rolls = [roll_of(five) for five in five_points(packed.landmarks.astype(float), FACE_SYNTHETICS70)]
    there = [roll_of(five_points(dataset[i].landmarks, FACE_SYNTHETICS70)) for i in range(len(dataset))]
    assert np.abs(rolls).max() < 1e-3
    assert np.abs(there).max() > 0.05


def test_only_the_rolls_error_is_left_to_the_policys_rotation():
    given = augment.policy("strong")
    level = augment.levelled(given)
    parts = [(a, b) for a, b in zip(given.augmentations, level.augmentations, strict=True) if a != b]
    assert parts == [(Rotation(15.0), Rotation(LEVEL_ROTATION))]
    assert augment.levelled(augment.policy("none")) == augment.policy("none")


def test_card_and_exported_file_say_what_the_crop_is(run: Path):
    _, card = load_checkpoint(run)
    assert card.crop == "level"
    said = metadata(card)
    assert said["crop"] == "level"
    shown = np.array(json.loads(said["five_points"]))
    assert roll_of(shown) == pytest.approx(0, abs=1e-6)
    crop = LEVEL.crop(np.array([10.0, 10, 50, 50, 0.0]), 64)  # a frontal face's points in the crop of its box
    np.testing.assert_allclose(shown, crop.to_crop(np.array(FRONTAL_POINTS) * 40 + 30), atol=1e-2)


def test_evaluate_and_predict_take_it(run: Path, renders: Path, tmp_path: Path):
    assert np.isfinite(evaluate(run, renders, threads=1).nme)
    out = tmp_path / "found.json"
    assert main(["predict", str(renders / "000000.png"), "--checkpoint", str(run), "--json", str(out)]) == 0
    assert out.is_file()
    assert main(["pack", str(renders), "--crop", "level", "--size", "32", "--out", str(tmp_path / "packs")]) == 0
    assert read_card(run).training["crop"] == "level"


class Knows:
    """A model that says the same points, whatever it sees."""

    scheme, input_size = SCHEME, 64

    def __init__(self, points: np.ndarray):
        self.points = points

    def predict(self, crops: np.ndarray) -> Landmarks:
        return Landmarks(self.points[None], np.ones((1, 70)), None)


def test_a_models_points_come_back_from_a_level_crop():
    """Turn the picture as one may: a model that sees an upright face says where its points lie in the image."""
    face = draw_face(3)
    for angle in (-0.7, 0.2, 2.0):
        points = turned(face.landmarks, angle)
        place = LEVEL.place(landmark_box(points, SCHEME), five_points(points, FACE_SYNTHETICS70))
        crop = LEVEL.crop(place, 64)
        assert roll_of(five_points(crop.to_crop(points), FACE_SYNTHETICS70)) == pytest.approx(0, abs=1e-6)

        card: Any = SimpleNamespace(crop="level", crop_margin=1.3)
        knowing: Any = Knows(crop.to_crop(points))
        found = Landmarker(knowing, card, knowing).landmarks(face.image, [place])
        np.testing.assert_allclose(found.landmarks[0], points, atol=1e-6)


def test_a_followed_face_is_turned_by_its_last_landmarks():
    nodding: Any = Nodding()
    card: Any = SimpleNamespace(crop="level", crop_margin=1.3)
    landmarker = Landmarker(nodding, card, nodding)
    rolls = [roll_of(five_points(nodding.points, FACE_SYNTHETICS70))]

    def find(image: np.ndarray, places: Any) -> Any:
        found = nodding.find(image, places)
        rolls.append(roll_of(five_points(nodding.points, FACE_SYNTHETICS70)))
        return found

    landmarker.landmarks = find  # type: ignore[method-assign]
    tracker = Tracker(landmarker, smooth=False)
    for step in range(4):
        assert len(tracker.update(np.zeros((100, 100, 3), np.uint8), step / 30)) == 1
    assert [place[4] for place in nodding.places] == pytest.approx(rolls[:-1])
    assert abs(rolls[-1] - rolls[0]) > 0.2
