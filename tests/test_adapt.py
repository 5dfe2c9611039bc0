"""Label adapters: their frame is the predictions' own, what they learn, what the command writes and refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from fake_data import canonical_face, write_ibug

from fauxface.checkpoint import card_of, save_checkpoint
from fauxface.cli import main
from fauxface.datasets import FaceDataset
from fauxface.datasets.ibug import files_of, read_sample
from fauxface.evaluation import load_adapter
from fauxface.evaluation.adapter import Adapter, AdapterCard, adapter_frames, mean_shape_of, save_adapter
from fauxface.evaluation.fitting import Pairs, Settings, cross_validate, fit_network, fit_ridge
from fauxface.evaluation.predictions import AnnotatedFaces, Predictions
from fauxface.evaluation.run import judge
from fauxface.landmarks import FACE_SYNTHETICS70, IBUG68
from fauxface.models import build_model
from fauxface.outputs import MANIFEST

MIRROR = list(FACE_SYNTHETICS70.mirror)


def placed(shapes: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Shapes (M, N, 2) turned, sized and moved at random."""
    angle = random.normal(0, 0.3, len(shapes))
    unit = random.uniform(20, 90, len(shapes)) * np.exp(1j * angle)
    numbers = (shapes @ [1, 1j]) * unit[:, None] + (random.uniform(0, 400, (len(shapes), 2)) @ [1, 1j])[:, None]
    return np.stack([numbers.real, numbers.imag], -1)


def faces(count: int, seed: int = 0, boxes: int = 1) -> Pairs:
    """Predictions of faces whose annotators put the jaw lower the wider the mouth is open, a bent (not linear) rule."""
    random = np.random.default_rng(seed)
    opened = np.repeat(random.uniform(0.02, 0.4, count), boxes)
    shapes = np.stack([canonical_face(mouth) for mouth in opened]) + random.normal(0, 0.004, (count * boxes, 70, 2))
    clicked = shapes[:, :68].copy()
    clicked[:, :17, 1] += (1.5 * (opened - 0.2) ** 2 + 0.1 * opened + 0.05)[:, None]
    both = placed(np.concatenate([shapes, clicked], 1), random)
    return Pairs(both[:, :70], both[:, 70:], np.repeat(np.arange(count), boxes), "face_synthetics70", "ibug68")


def error(points: np.ndarray, pairs: Pairs) -> float:
    size = np.linalg.norm(pairs.truth[:, 36] - pairs.truth[:, 45], axis=-1)
    return float((np.linalg.norm(points - pairs.truth, axis=-1).mean(1) / size).mean())


@pytest.fixture(scope="module")
def adapter() -> Adapter:
    torch.set_num_threads(1)
    return fit_network(faces(300), Settings(0.0, 0.05, 40))


def similar(points: np.ndarray, factor: complex, shift: complex) -> np.ndarray:
    numbers = points @ [1, 1j] * factor + shift
    return np.stack([numbers.real, numbers.imag], -1)


def test_the_frame_is_made_of_the_predictions_alone(adapter: Adapter):
    """Image or box moved, scaled or turned, predictions moved with it: so is the answer, and nothing else changes."""
    points = faces(5, 1).predicted
    said = adapter(points)
    assert np.abs(said - points[:, :68]).max() > 1
    for factor, shift in ((1, 300 - 40j), (0.2, 0), (3.5, 10 + 10j), (np.exp(2j), 0), (0.7 * np.exp(-0.4j), 55j)):
        np.testing.assert_allclose(adapter(similar(points, factor, shift)), similar(said, factor, shift), atol=1e-6)


def test_the_company_of_other_faces_changes_nothing(adapter: Adapter):
    pairs = faces(6, 2)
    said = adapter(pairs.predicted)
    for i in range(6):
        np.testing.assert_allclose(adapter(pairs.predicted[i : i + 1])[0], said[i], atol=1e-9)


def test_boxes_moved_or_scaled_around_fixed_predictions_change_nothing(adapter: Adapter):
    """What is scored with an adapter: predictions alone go in, never the box or the annotation."""
    pairs = faces(6, 2)
    sources = tuple(Path(f"{i}.pts") for i in range(6))
    dataset = FaceDataset("afw", "ibug", "ibug68", "annotated", sources, read_sample, files_of)
    boxes = np.stack([np.r_[truth.min(0), truth.max(0)] for truth in pairs.truth])
    said = Predictions(pairs.predicted, np.ones((6, 70)), "face_synthetics70")

    def judged(boxes: np.ndarray, truth: np.ndarray) -> np.ndarray:
        there = AnnotatedFaces(dataset, truth, boxes, ("",) * 6, [])
        return judge(there, said, "model", "clean", "landmarks", adapter=(adapter, "adapter")).predictions

    first = judged(boxes, pairs.truth)
    assert np.abs(first - pairs.predicted[:, :68]).max() > 1
    np.testing.assert_array_equal(judged(1.7 * boxes + 31, pairs.truth), first)
    np.testing.assert_array_equal(judged(boxes, pairs.truth + np.random.default_rng(0).normal(0, 5, (6, 68, 2))), first)


def test_faces_moved_scaled_or_turned_with_their_annotations_fit_the_same_adapter():
    """Nothing of where a face lies in its picture, how large or how it is turned goes into the fit."""
    pairs = faces(60, 6)
    random = np.random.default_rng(7)
    factors = random.uniform(0.3, 3, 60) * np.exp(1j * random.uniform(-0.6, 0.6, 60))
    shifts = random.normal(0, 90, (60, 2)) @ [1, 1j]

    def moved(points: np.ndarray) -> np.ndarray:
        return np.stack([similar(p, *how) for p, *how in zip(points, factors, shifts, strict=True)])

    elsewhere = replace(pairs, predicted=moved(pairs.predicted), truth=moved(pairs.truth))
    one, other = (fit_network(some, Settings(0.0, 0.05, 3)) for some in (pairs, elsewhere))
    np.testing.assert_allclose(other(pairs.predicted), one(pairs.predicted), atol=0.02)


def test_a_mirrored_face_gets_the_mirrored_answer(adapter: Adapter):
    points = faces(4, 3).predicted
    mirrored = points[:, MIRROR] * [-1, 1]
    np.testing.assert_allclose(adapter(mirrored), adapter(points)[:, list(IBUG68.mirror)] * [-1, 1], atol=1e-6)


def test_a_miss_stays_a_miss(adapter: Adapter):
    points = faces(3, 4).predicted
    points[1] = np.nan
    said = adapter(points)
    assert np.isnan(said[1]).all()
    assert np.isfinite(said[[0, 2]]).all()
    assert np.isnan(adapter(points[[1]])).all()
    assert np.isfinite(adapter(np.full((1, 70, 2), 7.0))).all()  # all at one place: there is no shape to go by


def test_frames_undo_themselves_and_align():
    points = faces(20, 5).predicted
    shape = mean_shape_of(points, "face_synthetics70")
    frame = adapter_frames(points, shape)
    np.testing.assert_allclose(frame.leave(frame.enter(points)), points, atol=1e-9)
    assert np.abs(frame.enter(points) - shape).max() < 0.5
    np.testing.assert_allclose(shape[MIRROR] * [-1, 1], shape, atol=1e-12)
    assert shape[30, 1] > shape[27, 1]  # upright


def test_the_network_learns_what_a_line_cannot(adapter: Adapter):
    held_out = faces(100, 6)
    [ridge] = fit_ridge(faces(300), (1.0,))
    raw, straight, bent = (
        error(p, held_out) for p in (held_out.predicted[:, :68], ridge(held_out.predicted), adapter(held_out.predicted))
    )
    assert straight < 0.7 * raw
    assert bent < 0.7 * straight


def test_cross_validation_keeps_a_face_on_one_side():
    pairs = faces(30, 7, boxes=2)
    folds = pairs.folds(5, 0)
    assert all(len(set(folds[pairs.face == face])) == 1 for face in range(30))
    assert sorted(np.bincount(folds)) == [12] * 5
    # what is learned by heart does not pay: every face clicked at random
    random = np.random.default_rng(0)
    noise = replace(pairs, truth=pairs.predicted[:, :68] + np.repeat(random.normal(0, 3, (30, 68, 2)), 2, 0))
    found = cross_validate(noise, 5, (Settings(0.0, 0.05, 15),))
    raw = error(noise.predicted[:, :68], noise)
    assert error(found.network, noise) > 0.97 * raw
    assert error(found.ridge, noise) > 0.97 * raw


def test_the_same_seed_fits_the_same_adapter():
    pairs = faces(40, 8)
    first, second = (fit_network(pairs, Settings(0.1, 0.05, 2), seed=3) for _ in range(2))
    np.testing.assert_array_equal(first(pairs.predicted), second(pairs.predicted))


# --- the command


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    model = build_model("mobilenetv3small-coordinates", 64, "face_synthetics70")
    save_checkpoint(tmp_path / "run", model.eval(), card_of(model, "2d", 1.3, "clean"))
    return tmp_path / "run"


def test_adapt_and_evaluate_with_it(checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch):
    monkeypatch.setattr("fauxface.evaluation.adaptation.CHOICES", (Settings(0.1, 0.05, 3),))
    train, test = write_ibug(tmp_path / "train", 24), write_ibug(tmp_path / "test", 4, seed=1)
    place = tmp_path / "adapter"
    line = ["adapt", str(checkpoint), "--data", str(train), "--format", "ibug", "--box", "landmarks", "--threads", "1"]
    assert main([*line, "--out", str(place)]) == 0
    shown = capsys.readouterr().out
    assert {word for word in ("jaw", "brows", "nose", "eyes", "mouth") if word in shown} == {
        "jaw",
        "brows",
        "nose",
        "eyes",
        "mouth",
    }
    assert "ridge, landmarks" in shown
    assert {path.name for path in place.iterdir()} == {MANIFEST, "adapter.safetensors", "adapter.yaml"}
    card = yaml.safe_load((place / "adapter.yaml").read_text())
    assert (card["lane"], card["target"], card["fitted_on"]["faces"]) == ("research", "ibug68", 24)
    assert card["scores"]["landmarks"].keys() == {"raw", "ridge", "adapted"}

    scored = ["evaluate", str(checkpoint), "--data", str(test), "--threads", "1", "--json", str(tmp_path / "s.json")]
    assert main(scored) == 0
    raw = json.loads((tmp_path / "s.json").read_text())
    assert main([*scored, "--adapter", str(place)]) == 0
    adapted = json.loads((tmp_path / "s.json").read_text())
    assert f"adapted by {place}" in capsys.readouterr().out
    assert (raw["licence"], adapted["licence"]) == ("clean", "research")
    assert "adapter" not in raw
    assert adapted["adapter"] == str(place)
    assert adapted["nme"] < raw["nme"]  # of a model that knows nothing, the mean face alone is a gain


def test_what_is_refused(checkpoint: Path, tmp_path: Path, adapter: Adapter, capsys: pytest.CaptureFixture[str]):
    few = write_ibug(tmp_path / "few", 3)
    line = ["adapt", str(checkpoint), "--data", str(few), "--box", "landmarks", "--threads", "1", "--out"]

    def says(args: list[str]) -> str:
        assert main(args) == 2
        return capsys.readouterr().err.splitlines()[-1]

    assert "3 faces are too few" in says([*line, str(tmp_path / "a")])
    assert not (tmp_path / "a").exists()
    assert "--folds is a whole number from 2 " in says([*line, str(tmp_path / "a"), "--folds", "1"])
    assert "is the source" in says([*line, str(few)])
    evaluate = ["evaluate", str(checkpoint), "--data", str(few), "--threads", "1", "--adapter"]
    assert "no adapter" in says([*evaluate, str(tmp_path / "nowhere")])
    save_adapter(tmp_path / "other", adapter)
    assert "other weights" in says([*evaluate, str(tmp_path / "other")])
    (tmp_path / "other" / "adapter.safetensors").write_bytes(b"half of")
    assert "a broken adapter" in says([*evaluate, str(tmp_path / "other")])


def test_an_adapter_comes_back_as_it_was(adapter: Adapter, tmp_path: Path):
    save_adapter(tmp_path / "a", replace(adapter, card=AdapterCard("face_synthetics70", "ibug68", "run", "abc")))
    points = faces(3, 9).predicted
    for path in (tmp_path / "a", tmp_path / "a" / "adapter.safetensors", tmp_path / "a" / "adapter.yaml"):
        again = load_adapter(path)
        np.testing.assert_allclose(again(points), adapter(points), atol=1e-3)
    assert again.card.checkpoint == "run"
    with pytest.raises(ValueError, match="other weights"):
        again.check("run", "face_synthetics70", "abd")
    with pytest.raises(ValueError, match="predicts ibug68"):
        again.check("run", "ibug68", "abc")
