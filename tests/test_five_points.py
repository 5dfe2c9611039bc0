"""Crops by five points, from training to a followed face."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fake_data import canonical_face, draw_face, write_face_synthetics

from fauxface.checkpoint import load_checkpoint, read_card
from fauxface.cli import main
from fauxface.datasets import open_dataset, pack
from fauxface.evaluation import evaluate
from fauxface.export.onnx import to_onnx
from fauxface.faces import FRONTAL_POINTS, REACH, Framing
from fauxface.inference import Detection, Landmarker, Landmarks, OnnxModel, Tracker
from fauxface.landmarks import FACE_SYNTHETICS70, five_points
from fauxface.training import TrainingConfig, train

SCHEME = FACE_SYNTHETICS70.name


@pytest.fixture(scope="module")
def renders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_face_synthetics(tmp_path_factory.mktemp("renders") / "faces", 12)


@pytest.fixture(scope="module")
def run(renders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = TrainingConfig(
        data=renders,
        out=tmp_path_factory.mktemp("runs") / "run",
        model="mobilenetv3small-coordinates",
        crop="five-points",
        crop_margin=1.2,
        input_size=64,
        steps=2,
        batch=4,
        threads=1,
    )
    return train(config)


def test_packed_crops_have_upright_faces(renders: Path):
    """A least-squares similarity leaves no turn between the five points and where a frontal face has them."""
    packed = pack(open_dataset(renders), 64, Framing("five-points", 1.2), padding=8)
    found = five_points(packed.landmarks - 8.0, FACE_SYNTHETICS70) @ np.array([1, 1j])
    wanted = ((np.array(FRONTAL_POINTS) / (1.2 * REACH) + 0.5) * 64 - 0.5) @ np.array([1, 1j])
    here, there = found - found.mean(1, keepdims=True), wanted - wanted.mean()
    turns = np.angle((here * there.conj()).sum(1))
    assert np.abs(turns).max() < 1e-3
    np.testing.assert_allclose(found.mean(1), wanted.mean(), atol=1e-3)


def test_card_and_exported_file_say_what_the_crop_is(run: Path):
    card = read_card(run)
    assert (card.crop, card.crop_margin) == ("five-points", 1.2)
    model, card = load_checkpoint(run)
    proto = to_onnx(model, card)
    said = {prop.key: prop.value for prop in proto.metadata_props}
    assert said["crop"] == "five-points"
    crop = Framing("five-points", 1.2).crop(np.array(FRONTAL_POINTS) * 40 + 60, 64)
    expected = crop.to_crop(np.array(FRONTAL_POINTS) * 40 + 60)
    np.testing.assert_allclose(json.loads(said["five_points"]), expected, atol=1e-2)
    assert OnnxModel(proto.SerializeToString(), threads=1).input_size == 64


def test_a_card_that_names_another_crop_is_refused(run: Path, tmp_path: Path):
    for name in ("model.safetensors", "model.yaml"):
        (tmp_path / name).write_bytes((run / "checkpoint" / name).read_bytes())
    text = (tmp_path / "model.yaml").read_text()
    (tmp_path / "model.yaml").write_text(text.replace("\ncrop: five-points", "\ncrop: box"))
    with pytest.raises(ValueError, match="has crop box, the weights have five-points"):
        load_checkpoint(tmp_path)
    (tmp_path / "model.yaml").write_text(text.replace("\ncrop: five-points", "\ncrop: ears"))
    with pytest.raises(ValueError, match="crop cannot be 'ears'"):
        read_card(tmp_path)


def test_evaluate_and_predict_take_it(run: Path, renders: Path, tmp_path: Path):
    assert np.isfinite(evaluate(run, renders, threads=1).nme)
    assert (
        main(["predict", str(renders / "000000.png"), "--checkpoint", str(run), "--json", str(tmp_path / "f.json")])
        == 0
    )
    assert len(json.loads((tmp_path / "f.json").read_text())["images"]) == 1


class Nodding:
    """A detector and a model for a face that turns; it keeps the places that crops were laid by."""

    name, licence = "nodding", "none"

    def __init__(self) -> None:
        self.points, self.places = canonical_face() * 20 + 50, []
        self.scheme, self.input_size = SCHEME, 64

    def __call__(self, image: np.ndarray) -> list[Detection]:
        box = np.array([30.0, 30, 70, 70])
        return [Detection(box, 0.9, five_points(self.points, FACE_SYNTHETICS70))]

    def find(self, image: np.ndarray, places: list[np.ndarray]) -> Landmarks:
        self.places += places
        turn = 0.1 * len(self.places)
        matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        self.points = canonical_face() * 20 @ matrix + 50
        return Landmarks(self.points[None], np.full((1, 70), 0.8), None)


def test_a_followed_face_is_cropped_by_its_last_landmarks():
    nodding: Any = Nodding()
    card: Any = SimpleNamespace(crop="five-points", crop_margin=1.3)
    landmarker = Landmarker(nodding, card, nodding)
    expected = [five_points(nodding.points, FACE_SYNTHETICS70)]

    def find(image: np.ndarray, places: Any) -> Any:
        found = nodding.find(image, places)
        expected.append(five_points(nodding.points, FACE_SYNTHETICS70))
        return found

    landmarker.landmarks = find  # type: ignore[method-assign]
    tracker, seen = Tracker(landmarker, smooth=False), []
    for step in range(4):
        seen.append(tracker.update(np.zeros((100, 100, 3), np.uint8), step / 30))
    np.testing.assert_allclose(nodding.places, expected[:-1])
    assert [len(faces) for faces in seen] == [1] * 4


def test_the_models_points_come_back_from_a_turned_crop():
    """A model that knows where the five points lie in its crop: they come back where they are in the image."""
    face = draw_face(3)
    framing = Framing("five-points", 1.3)
    place = five_points(face.landmarks, FACE_SYNTHETICS70)
    crop = framing.crop(place, 64)

    class Knows:
        scheme, input_size = SCHEME, 64

        def predict(self, crops: np.ndarray) -> Landmarks:
            return Landmarks(crop.to_crop(face.landmarks)[None], np.ones((1, 70)), None)

    card: Any = SimpleNamespace(crop="five-points", crop_margin=1.3)
    knowing: Any = Knows()
    found = Landmarker(knowing, card, knowing).landmarks(face.image, [place])
    np.testing.assert_allclose(found.landmarks[0], face.landmarks, atol=1e-6)
