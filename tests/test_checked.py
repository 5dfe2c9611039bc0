"""The own detector, whose finds a landmark network checks: with stand-ins, and with the shipped weights."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skimage import data as photographs

from fauxface.checkpoint import SHIPPED, load_network, save_checkpoint
from fauxface.faces import Framing, box_iou, landmark_box
from fauxface.inference import Detection, Landmarks, load_detector
from fauxface.inference.detectors import CheckedDetector, OneStageDetector
from fauxface.inference.detectors.checked import CANDIDATE, CHECKER, FACE
from fauxface.inference.detectors.one_stage import SHIPPED_NAME
from fauxface.landmarks import five_points, scheme_of
from fauxface.pose import mean_head

SCHEME = "face_synthetics70"
HEAD = mean_head()[:, :2] * [1, -1]
"""A frontal head's points, about the origin."""


@dataclass
class Finds:
    """A detector that finds these candidates everywhere."""

    candidates: list[Detection]

    def __call__(self, image: np.ndarray) -> list[Detection]:
        return self.candidates


class Spots:
    """A landmark network that lays a head of half its crop about the bright pixels; it is sure where there are some."""

    scheme, input_size = SCHEME, 64

    def __init__(self, sure: float = 0.81) -> None:
        self.sure, self.calls = sure, 0

    def predict(self, crops: np.ndarray) -> Landmarks:
        self.calls += 1
        bright = (crops.mean(3) > 200).astype(float)
        count = bright.sum((1, 2))
        at = np.arange(crops.shape[1])
        middles = np.stack([bright.sum(1) @ at, bright.sum(2) @ at], 1) / np.maximum(count, 1)[:, None]
        points = middles[:, None] + 32 * (HEAD - HEAD.mean(0)) / np.ptp(HEAD, axis=0).max()
        scores = np.where(count > 0, self.sure, 0.01)[:, None].repeat(len(HEAD), 1)
        return Landmarks(points, scores)


def picture(*spots: tuple[int, int]) -> np.ndarray:
    """Black, with white squares of 5 px about these places."""
    image = np.zeros((200, 300, 3), np.uint8)
    for x, y in spots:
        image[y - 2 : y + 3, x - 2 : x + 3] = 255
    return image


def candidate(x: float, y: float, half: float = 40, score: float = 0.36) -> Detection:
    return Detection(np.array([x - half, y - half, x + half, y + half]), score)


def checked(*candidates: Detection, model: Any = None, **options: Any) -> CheckedDetector:
    detector: Any = Finds(list(candidates))
    return CheckedDetector(detector, model or Spots(), Framing(), "stand-in", "none", **options)


def test_a_candidate_without_landmarks_is_dropped():
    find = checked(candidate(60, 60, score=0.9), candidate(220, 120))
    [face] = find(picture((220, 120)))
    assert face.score == pytest.approx(np.cbrt(0.36 * 0.81**2))
    assert box_iou(face.box[None], np.array([[195, 95, 245, 145]]))[0, 0] > 0.6
    assert find(picture()) == []


def test_box_and_points_are_those_of_the_landmarks():
    [face] = checked(candidate(215, 110))(picture((220, 120)))
    # the crop has 1.3 · 80 px: the head, half of it, has 52
    points = [220, 120] + 52 * (HEAD - HEAD.mean(0)) / np.ptp(HEAD, axis=0).max()
    np.testing.assert_allclose(face.box, landmark_box(points, SCHEME), atol=0.5)
    assert face.points is not None
    np.testing.assert_allclose(face.points, five_points(points, scheme_of(SCHEME)), atol=0.5)


def test_candidates_that_turn_out_to_be_one_face_are_one_and_the_best_comes_first():
    # the first two hardly overlap (IoU 0.2), and the spot between them is in both crops
    candidates = [candidate(190, 100, score=0.5), candidate(243, 100, score=0.7), candidate(60, 60, score=0.6)]
    image = picture((217, 100), (60, 60))
    assert [round(face.score**3 / 0.81**2, 6) for face in checked(*candidates)(image)] == [0.7, 0.6]
    assert len(checked(*candidates, overlap=1.0)(image)) == 3


def test_a_face_must_reach_the_threshold_after_the_check():
    score = float(np.cbrt(0.36 * 0.81**2))
    for threshold, count in ((score + 1e-6, 0), (score - 1e-6, 1)):
        assert len(checked(candidate(220, 120), threshold=threshold)(picture((220, 120)))) == count


@pytest.mark.parametrize("wrong", [np.nan, 0.0])
def test_landmarks_that_are_no_face_are_dropped(wrong: float):
    class Broken(Spots):
        def predict(self, crops: np.ndarray) -> Landmarks:
            found = super().predict(crops)
            return Landmarks(found.landmarks * wrong, found.scores)

    assert checked(candidate(220, 120), model=Broken())(picture((220, 120))) == []


@pytest.mark.parametrize("first", [0.05, 0.3, 0.8])
def test_what_is_neither_clearly_a_face_nor_clearly_none_is_looked_at_again_where_its_landmarks_lie(first: float):
    class Doubts(Spots):
        """Sure of a head in the crop's middle; elsewhere its mean score is given."""

        def predict(self, crops: np.ndarray) -> Landmarks:
            found = super().predict(crops)
            aside = np.abs(found.landmarks.mean(1) - (crops.shape[1] - 1) / 2).max(1) > 4
            return Landmarks(found.landmarks, np.where(aside[:, None], first, found.scores))

    score = 1 / first**2 * 0.3**3 if first == 0.3 else 0.9  # of the first look: 0.3, or clearly none, or clearly one
    model, image = Doubts(sure=0.9), picture((220, 120))
    faces = checked(candidate(210, 112, score=score), model=model, threshold=0.0)(image)
    [face] = faces
    assert model.calls == (2 if first == 0.3 else 1)
    assert face.score == pytest.approx(float(np.cbrt(score * (0.9 if first == 0.3 else first) ** 2)))
    if first == 0.3:
        np.testing.assert_allclose((face.box[:2] + face.box[2:]) / 2, [220, 120], atol=4)


def test_nothing_is_looked_at_again_where_there_is_no_candidate():
    model = Spots()
    assert checked(model=model)(picture((220, 120))) == []
    assert model.calls == 0


def test_all_candidates_are_looked_at_together():
    model = Spots()
    checked(*(candidate(30 + 20 * i, 60) for i in range(10)), model=model)(picture())
    assert model.calls == 1


# --- the shipped weights


@pytest.fixture(scope="module")
def own() -> CheckedDetector:
    found = load_detector("own", threads=1)
    assert isinstance(found, CheckedDetector)
    return found


def test_own_is_the_shipped_detector_checked_by_the_shipped_landmarks(own: CheckedDetector):
    assert (own.detector.threshold, own.threshold) == (CANDIDATE, FACE)
    assert own.licence == "Apache-2.0 (ours)"
    plain = load_detector(str(SHIPPED / SHIPPED_NAME), threads=1)
    assert isinstance(plain, OneStageDetector)
    assert own.name.startswith(f"{plain.name} ")
    assert plain.threshold == OneStageDetector.threshold


def test_own_finds_a_rendered_face_and_nothing_in_an_empty_picture(own: CheckedDetector):
    from fauxface.rendering import Recipe, render_frame

    frame = render_frame(9, 0, 256, Recipe())
    [face] = own(frame.image)
    points = np.array(frame.meta["landmarks_2d"])
    side = np.ptp(landmark_box(points, SCHEME).reshape(2, 2), axis=0).max()
    assert face.score > FACE
    assert box_iou(face.box[None], landmark_box(points, SCHEME)[None])[0, 0] > 0.8
    assert face.points is not None
    assert np.abs(face.points - five_points(points, scheme_of(SCHEME))).max() < 0.1 * side
    for shape in ((1, 1), (3, 900), (240, 320)):
        assert own(np.full((*shape, 3), 120, np.uint8)) == []


def test_own_finds_the_face_of_a_photograph(own: CheckedDetector):
    [face] = own(photographs.astronaut())
    assert box_iou(face.box[None], np.array([[176.0, 70, 268, 186]]))[0, 0] > 0.6


def other(name: str, folder: Path) -> Path:
    """Shipped weights, one of them changed a little, with their ONNX file."""
    model, card = load_network(name)
    next(model.parameters()).data += 0.5
    save_checkpoint(folder, model, card)
    shutil.copy(SHIPPED / name / "model.onnx", folder)
    return folder


def test_the_name_differs_with_either_weights(own: CheckedDetector, tmp_path: Path):
    eyes, checker = other(SHIPPED_NAME, tmp_path / "eyes"), other(CHECKER, tmp_path / "checker")
    changed = [CheckedDetector.load(eyes, threads=1), CheckedDetector.load(checker=checker, threads=1)]
    assert len({own.name, *(one.name for one in changed)}) == 3
    assert CheckedDetector.load(threads=1).name == own.name


def test_both_networks_keep_to_the_threads(monkeypatch: pytest.MonkeyPatch):
    import onnxruntime

    asked: list[int] = []
    opened = onnxruntime.InferenceSession

    def listening(file: Any, options: Any, **more: Any) -> Any:
        asked.append(options.intra_op_num_threads)
        return opened(file, options, **more)

    monkeypatch.setattr(onnxruntime, "InferenceSession", listening)
    load_detector("own", threads=1)
    assert asked == [1, 1]
