"""The one-stage detector: what its cells answer for, its loss, the frames it learns from, and the way to a detector."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest
import torch
from fake_data import draw_face, write_face_synthetics

from fauxface.checkpoint import card_of, load_checkpoint, load_one_stage, read_card, save_checkpoint
from fauxface.cli import main
from fauxface.datasets import BadSample
from fauxface.datasets.frames import FrameSample, find_empty, find_frames, read_empty, read_frame, read_sources
from fauxface.faces import landmark_box
from fauxface.images import read_image, write_image
from fauxface.inference import load_detector
from fauxface.inference.detectors import OneStageDetector
from fauxface.inference.detectors.base import RawFaces, at_sizes
from fauxface.landmarks import FACE_SYNTHETICS70, five_points
from fauxface.models.one_stage import BEST, FrameTargets, OneStage, OneStageOutputs, assign, giou
from fauxface.training import TrainingConfig, train
from fauxface.training.frames import Composed, Frames, collate, compose, cut, frame_errors, load_frames, whole

SCHEME = FACE_SYNTHETICS70.name


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def model_of(size: int = 128) -> OneStage:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return OneStage(size, SCHEME).eval()


def write_frames(folder: Path, count: int = 4, faces: int = 2, size: int = 96) -> Path:
    """Frames of fake faces side by side, 2·size wide and high, the second half of the picture empty."""
    folder.mkdir(parents=True)
    for index in range(count):
        image = np.full((2 * size, 2 * size, 3), 90, np.uint8)
        told = []
        for number in range(faces):
            face = draw_face(10 * index + number, size=size)
            image[:size, number * size : (number + 1) * size] = face.image
            points = face.landmarks + [number * size, 0]
            box = landmark_box(points, SCHEME).tolist()
            seen = face.visibility.astype(int).tolist()
            told.append({"box": box, "landmarks_2d": points.tolist(), "visibility": seen})
        assert cv2.imwrite(str(folder / f"{index:06d}.png"), image[..., ::-1])
        (folder / f"{index:06d}.json").write_text(json.dumps({"generator": "1", "seed": 0, "faces": told}))
    return folder


def targets_of(*boxes: list[float], kind: int = 1) -> FrameTargets:
    """One frame with faces whose points fill their boxes evenly."""
    places = torch.tensor([boxes])
    shares = torch.rand(70, 2, generator=torch.Generator().manual_seed(1))
    landmarks = places[:, :, None, :2] + shares * (places[..., 2:] - places[..., :2])[:, :, None]
    return FrameTargets(places, landmarks, torch.full(places.shape[:2], kind))


def test_each_face_has_the_cells_about_its_centre_on_the_grids_of_its_size():
    cells = model_of()(torch.zeros(1, 3, 256, 256)).cells
    assert cells.shape == (32 * 32 + 16 * 16 + 8 * 8, 3)
    assert cells[0].tolist() == [3.5, 3.5, 8]
    assert cells[-1].tolist() == [239.5, 239.5, 32]
    sizes = {4.0: {8}, 30.0: {8}, 56.0: {8, 16}, 100.0: {16}, 140.0: {16, 32}, 230.0: {32}}
    for side, strides in sizes.items():
        face, held, counted = assign(cells, targets_of([120 - side / 2] * 2 + [120 + side / 2] * 2))
        assert set(cells[held[0], 2].tolist()) == strides
        assert (face[held] == 0).all()
        assert counted.all()
        near = (cells[held[0], :2] - 120).abs().amax(1)
        assert (near <= 1.5 * cells[held[0], 2]).all()


def test_the_smaller_face_has_a_cell_that_two_claim_and_doubtful_ones_do_not_count():
    cells = model_of()(torch.zeros(1, 3, 256, 256)).cells
    face, held, _ = assign(cells, targets_of([100.0, 100, 140, 140], [112.0, 112, 128, 128]))
    at = int((cells - torch.tensor([123.5, 123.5, 8])).abs().sum(1).argmin())
    assert held[0, at]
    assert face[0, at] == 1
    _, held, counted = assign(cells, targets_of([100.0, 100, 140, 140], kind=-1))
    assert not held.any()
    inside = ((cells[:, :2] > 100) & (cells[:, :2] < 140)).all(1)
    assert (counted[0] == (~inside).float()).all()
    assert not assign(cells, targets_of([100.0, 100, 140, 140], kind=0))[1].any()


def test_giou_by_hand():
    """[0, 2]² and [1, 3]²: 1 of 7, in a hull of 9; [0, 1]² and [2, 3] × [0, 1]: none, a third of the hull empty."""
    a = torch.tensor([[0.0, 0, 2, 2], [0, 0, 1, 1], [0, 0, 4, 4]])
    b = torch.tensor([[1.0, 1, 3, 3], [2, 0, 3, 1], [0, 0, 4, 4]])
    generalised, plain = giou(a, b)
    assert plain.tolist() == pytest.approx([1 / 7, 0, 1])
    assert generalised.tolist() == pytest.approx([1 / 7 - 2 / 9, -1 / 3, 1])


def test_the_loss_of_the_truth_is_nothing_and_of_anything_else_more():
    model = model_of()
    outputs = model(torch.zeros(1, 3, 256, 256))
    targets = targets_of([60.0, 70, 160, 190], [200.0, 20, 230, 44])
    face, held, _ = assign(outputs.cells, targets)
    boxes = targets.boxes[0, face[0]][None]
    side = (boxes[..., 2:] - boxes[..., :2]).amax(-1)[..., None, None]
    points = (targets.landmarks[0, face[0]][None] - outputs.cells[None, :, None, :2]) / side
    heat = torch.where(held, 12.0, -12.0)
    model.place = torch.nn.Identity()  # the features are the landmarks themselves
    true = OneStageOutputs(heat, boxes, held, points.flatten(2), outputs.cells)
    assert model.loss(true, targets).item() == pytest.approx(0, abs=1e-3)
    for wrong in (
        true._replace(heat=-heat),
        true._replace(boxes=boxes + 8),
        true._replace(features=points.flatten(2) + 0.1),
    ):
        assert model.loss(wrong, targets).item() > 0.1
    nobody = replace(targets, kind=torch.zeros_like(targets.kind))
    assert model.loss(true._replace(heat=torch.full_like(heat, -12.0)), nobody).item() == pytest.approx(0, abs=1e-3)
    assert model.loss(true, nobody).item() > 1


def test_what_is_found_is_what_the_best_cells_say():
    model, images = model_of(), torch.rand(2, 3, 96, 160, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        found, outputs = model.find(images), model(images)
        offsets = model.offsets(outputs.features[1])
    assert found.boxes.shape == (2, BEST, 4)
    assert found.landmarks.shape == (2, BEST, 70, 2)
    assert (found.scores.diff(dim=1) <= 0).all()
    best = int(outputs.heat[1].argmax())
    box = outputs.boxes[1, best]
    torch.testing.assert_close(found.boxes[1, 0], box)
    points = outputs.cells[best, :2] + offsets[best] * (box[2:] - box[:2]).amax()
    torch.testing.assert_close(found.landmarks[1, 0], points)


def test_a_face_takes_one_place_among_the_best_however_many_cells_see_it():
    """Else the cells of some fourteen faces would fill them all."""
    model = model_of(512)
    heat = torch.full((1, 1, 64, 64), -5.0)
    for row in range(8):
        for column in range(8):  # 64 faces, each seen by nine cells
            y, x = 4 + 7 * row, 4 + 7 * column
            heat[0, 0, y - 1 : y + 2, x - 1 : x + 2] = 1 + 0.01 * row
            heat[0, 0, y, x] = 2
    model.heat = _Told([torch.full((1, 1, 16, 16), -9.0), torch.full((1, 1, 32, 32), -9.0), heat][::-1])
    with torch.no_grad():
        found = model.find(torch.zeros(1, 3, 512, 512))
    assert (found.scores > 0.5).sum() == 64


class _Told(torch.nn.Module):
    """Gives these maps one after the other."""

    def __init__(self, maps: list[torch.Tensor]) -> None:
        super().__init__()
        self.maps = maps

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.maps.pop(0)


def test_gradients_reach_every_parameter():
    model = model_of().train()
    targets = targets_of([20.0, 20, 60, 60], [10.0, 10, 120, 120])
    model.loss(model(torch.rand(1, 3, 128, 128)), targets).backward()
    assert [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []


@pytest.mark.parametrize(("size", "options"), [(100, {}), (64, {}), (128, {"stride": 3})])
def test_what_cannot_be_built(size: int, options: dict):
    with pytest.raises(ValueError, match="one-stage"):
        OneStage(size, SCHEME, **options)


def test_frames_are_read_with_all_their_faces_and_single_renders_too(tmp_path: Path):
    frames = find_frames(write_frames(tmp_path / "frames"))
    assert len(frames) == 4
    frame = read_frame(frames[1])
    assert (frame.landmarks.shape, frame.boxes.shape, frame.visibility.shape) == ((2, 70, 2), (2, 4), (2, 70))
    np.testing.assert_allclose(frame.landmarks[1], draw_face(11).landmarks + [96, 0])
    empty = read_frame(find_frames(write_frames(tmp_path / "empty", 1, faces=0))[0])
    assert (empty.landmarks.shape, empty.boxes.shape) == ((0, 70, 2), (0, 4))
    single = read_frame(find_frames(write_face_synthetics(tmp_path / "single", 1))[0])
    assert len(single.landmarks) == 1
    (tmp_path / "frames" / "000002.json").write_text('{"faces": [{"landmarks_2d": [[1, 2]]}]}')
    with pytest.raises(BadSample, match=r"000002.json"):
        read_frame(frames[2])
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "a.txt").touch()
    with pytest.raises(ValueError, match="no frames"):
        find_frames(tmp_path / "none")


def test_mosaics_follow_the_seed_and_their_faces_lie_where_they_are_drawn(tmp_path: Path):
    """Of faces drawn in one colour: that colour lies within their boxes alone."""
    points = np.random.default_rng(0).uniform(60, 120, (1, 70, 2))
    image = np.full((200, 200, 3), 20, np.uint8)
    box = landmark_box(points[0], SCHEME)
    cv2.fillConvexPoly(image, cv2.convexHull(points[0].round().astype(np.int32)), (250, 250, 250))
    frame = FrameSample(image, points, box[None], np.ones((1, 70), bool), tmp_path)
    frames = Frames((tmp_path,))
    frames._kept[0] = frame
    shares, proportions = set(), []
    for index in range(30):
        found = compose(frames, 0, 128, np.random.default_rng([3, index]))
        proportions += list((found.boxes[:, 2] - found.boxes[:, 0]) / (found.boxes[:, 3] - found.boxes[:, 1]))
        again = compose(frames, 0, 128, np.random.default_rng([3, index]))
        np.testing.assert_array_equal(found.image, again.image)
        np.testing.assert_array_equal(found.boxes, again.boxes)
        bright = found.image[..., 0] > 180
        y, x = np.mgrid[:128, :128]
        covered = np.zeros((128, 128), bool)
        for left, top, right, bottom in found.boxes:
            covered |= (x > left - 1.5) & (x < right + 1.5) & (y > top - 1.5) & (y < bottom + 1.5)
        assert not (bright & ~covered).any()
        shares.add(len(found.kind))
    assert 1 in shares
    assert max(shares) == 9
    assert np.std(proportions) > 0.02  # turned


def test_a_quarter_of_the_pieces_come_from_pictures_without_faces(tmp_path: Path):
    points = np.random.default_rng(0).uniform(60, 120, (1, 70, 2))
    box = landmark_box(points[0], SCHEME)
    frames = Frames((tmp_path,))
    frames._kept[0] = FrameSample(
        np.full((200, 200, 3), 250, np.uint8), points, box[None], np.ones((1, 70), bool), tmp_path
    )
    write_image(tmp_path / "wall.png", np.full((64, 64, 3), 10, np.uint8))
    empty = Frames(find_empty(tmp_path), read=read_empty)
    composed = [compose(frames, 0, 96, np.random.default_rng([5, index]), empty) for index in range(200)]
    dark = np.mean([(found.image[..., 0] < 130).mean() for found in composed])
    assert 0.18 < dark < 0.32
    for found in composed:
        for left, top, right, bottom in found.boxes[found.kind == 1].clip(0, 95).round().astype(int):
            assert found.image[(top + bottom) // 2, (left + right) // 2, 0] > 130


@pytest.mark.parametrize("told", [True, False])
def test_the_card_says_where_pictures_without_faces_are_from(tmp_path: Path, told: bool):
    """Weights that learned from pictures of unknown origin are for research only."""
    data = write_frames(tmp_path / "frames", 4, faces=1)
    (tmp_path / "walls").mkdir()
    write_image(tmp_path / "walls" / "0.png", np.full((64, 64, 3), 10, np.uint8))
    if told:
        (tmp_path / "walls" / "sources.json").write_text('["walls of our own, CC0"]')
    options = [str(word) for word in ("--data", data, "--out", tmp_path / "run", "--without-faces", tmp_path / "walls")]
    assert main(["train", *options, "--model", "one-stage", "--input-size", "96", "--steps", "1", "--batch", "2"]) == 0
    card = read_card(tmp_path / "run")
    assert card.lane == ("clean" if told else "research")
    sources = ["walls of our own, CC0"] if told else []
    assert card.provenance["without_faces"] == {"images": 1, "sources": sources}
    (tmp_path / "walls" / "sources.json").write_text('{"walls": "mine"}')
    with pytest.raises(ValueError, match=r"sources.json: not a list of texts"):
        read_sources(tmp_path / "walls")


def test_pictures_without_faces_are_for_one_stage_and_must_be_there(tmp_path: Path):
    with pytest.raises(ValueError, match="--without-faces is for the model one-stage"):
        TrainingConfig(data=tmp_path, out=tmp_path / "run", without_faces=tmp_path).scheduled().check()
    (tmp_path / "notes.txt").write_text("none")
    with pytest.raises(ValueError, match="no pictures"):
        find_empty(tmp_path)


def test_faces_that_are_cut_hidden_or_tiny_may_be_found_or_not():
    face = draw_face(0, size=96)
    box = landmark_box(face.landmarks, SCHEME)
    frame = FrameSample(face.image, face.landmarks[None], box[None], np.ones((1, 70), bool), Path())
    assert whole(frame, 96).kind.tolist() == [1]
    np.testing.assert_allclose(whole(frame, 48).boxes[0], (box + 0.5) / 2 - 0.5)
    assert whole(frame, 8).kind.tolist() == [-1]
    assert whole(replace(frame, visibility=np.zeros((1, 70), bool)), 96).kind.tolist() == [-1]
    from fauxface.faces import Crop

    half = cut(frame, Crop(float((box[0] + box[2]) / 2), 0, 1, 96))
    assert half.kind.tolist() == [-1]
    assert half.boxes[0, 0] == -0.5  # no farther than the picture
    assert cut(frame, Crop(200, 0, 1, 96)).kind.tolist() == []
    mirrored = cut(frame, Crop(0, 0, 1, 96), mirrored=True)
    np.testing.assert_array_equal(mirrored.image, face.image[:, ::-1])
    np.testing.assert_allclose(landmark_box(mirrored.landmarks[0], SCHEME), mirrored.boxes[0])


def test_errors_count_what_is_not_found_as_a_hundred():
    face = draw_face(0, size=96)
    box = landmark_box(face.landmarks, SCHEME)
    frame = Composed(face.image, box[None], face.landmarks[None], np.ones(1, int))
    boxes, points = np.stack([box + 200, box + 1]), np.stack([face.landmarks, face.landmarks])
    assert frame_errors(frame, boxes, np.array([0.9, 0.8]), points) == [0]
    assert frame_errors(frame, boxes, np.array([0.9, 0.1]), points) == [100]


def test_batches_are_the_same_whatever_the_threads(tmp_path: Path):
    data = write_frames(tmp_path / "frames", 6)
    config = TrainingConfig(data=data, out=tmp_path / "run", model="one-stage", input_size=128, seed=4)
    first, second = load_frames(replace(config, workers=1)), load_frames(replace(config, workers=3))
    chosen = torch.tensor([2, 0, 4])
    for a, b in zip(first.batch(chosen, 3, lambda t: t), second.batch(chosen, 3, lambda t: t), strict=True):
        if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
            assert a.shape == (3, 3, 128, 128)
            assert torch.equal(a, b)
        elif isinstance(a, FrameTargets) and isinstance(b, FrameTargets):
            assert torch.equal(a.landmarks, b.landmarks)
    assert len(first.train) == 5
    assert first.generator == "1"
    with pytest.raises(ValueError, match="cannot take 7"):
        load_frames(replace(config, images=7))


def test_train_checkpoint_export_detect(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    data = write_frames(tmp_path / "frames", 6)
    run = train(
        TrainingConfig(data=data, out=tmp_path / "run", model="one-stage", steps=2, batch=2, input_size=96, threads=1)
    )
    model, card = load_one_stage(run)
    assert (card.model, card.lane, card.labels, card.provenance["generator"]) == ("one-stage", "clean", "2d", "1")
    with pytest.raises(ValueError, match="is a face detector"):
        load_checkpoint(run)
    assert main(["info", str(run)]) == 0
    assert "one-stage" in capsys.readouterr().out

    assert main(["export", str(run), "--out", str(run / "checkpoint" / "model.onnx")]) == 0
    session = onnxruntime.InferenceSession(str(run / "checkpoint" / "model.onnx"), providers=["CPUExecutionProvider"])
    # noise, so that no two cells see the same: of equal ones either may come first
    image = np.random.default_rng(4).integers(0, 256, (1, 128, 192, 3), np.uint8)
    boxes, scores, landmarks = (np.asarray(part) for part in session.run(None, {"image": image}))
    with torch.no_grad():
        found = model.find(torch.from_numpy(image).permute(0, 3, 1, 2).float() / 255)
    np.testing.assert_allclose(scores, found.scores[0], atol=1e-5)
    told = scores > 1e-9
    assert 10 < told.sum() < BEST
    np.testing.assert_allclose(boxes[told], found.boxes[0][told], atol=1e-2)
    np.testing.assert_allclose(landmarks[told], found.landmarks[0][told], atol=1e-2)

    detector = load_detector(str(run), threads=1)
    assert isinstance(detector, OneStageDetector)
    photograph = read_image(data / "000000.png")[:150, :101]  # of no round size
    detector = replace(detector, threshold=0.0)
    raw = detector.raw(photograph)
    assert len(raw.boxes) > 0
    assert (np.diff(raw.scores) <= 0).all()
    first = detector(photograph)[0]
    assert first.points is not None
    np.testing.assert_allclose(first.points, five_points(raw.points[0], FACE_SYNTHETICS70))
    with pytest.raises(ValueError, match="not a face detector"):
        load_detector("fauxface-s")


def test_training_goes_on_as_if_never_broken(tmp_path: Path):
    data = write_frames(tmp_path / "frames", 5)
    config = TrainingConfig(
        data=data, out=tmp_path / "a", model="one-stage", steps=3, batch=2, input_size=96, threads=1, warmup=0, lr=1e-3
    )
    whole_run, _ = load_one_stage(train(config))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fauxface.training.loop.SAVE_SECONDS", 0.0)
        patch.setattr("fauxface.training.frames.FrameData.validate", interrupted_after(1))
        with pytest.raises(KeyboardInterrupt):
            train(replace(config, out=tmp_path / "b"))
    resumed, _ = load_one_stage(train(replace(config, out=tmp_path / "b", resume=True)))
    for a, b in zip(whole_run.state_dict().values(), resumed.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def interrupted_after(count: int):
    """A validation that, from the ``count``-th call on, ends the program instead."""
    left = [count]

    def validate(self, model) -> tuple[float, float]:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return 1.0, 100.0

    return validate


def test_looking_at_several_sizes():
    """The finer look adds faces that are small in the picture and new; places come back in the picture's pixels."""
    image, sizes = np.zeros((600, 1000, 3), np.uint8), []

    def look(small: np.ndarray) -> RawFaces:
        sizes.append(small.shape[:2])
        at = small.shape[1] / 1000
        boxes = np.array([[100.0, 100, 400, 400], [800, 500, 840, 540]])[: len(sizes)] * at - 0.5 * (1 - at)
        points = np.repeat(boxes[:, None, :2], 5, 1)
        return RawFaces(boxes, np.array([0.9, 0.95])[: len(boxes)], points)

    found = at_sizes(image, (500, 1000), 0.4, look, 5)
    assert sizes == [(300, 500), (600, 1000)]
    np.testing.assert_allclose(found.boxes, [[800, 500, 840, 540], [100, 100, 400, 400]], atol=0.6)
    assert found.scores.tolist() == [0.95, 0.9]
    assert (
        at_sizes(
            image[:100, :100],
            (500, 1000),
            0.4,
            lambda _: RawFaces(np.zeros((0, 4)), np.zeros(0), np.zeros((0, 5, 2))),
            5,
        ).scores.tolist()
        == []
    )


@pytest.mark.slow
def test_it_learns_eight_frames_by_heart_and_keeps_them_through_saving_and_export(tmp_path: Path):
    data = write_frames(tmp_path / "frames", 8)
    composed = [whole(read_frame(path), 192) for path in find_frames(data)]
    images, targets = collate(composed, lambda tensor: tensor)
    model, steps = model_of(192).train(), 600
    optimizer = torch.optim.AdamW(model.parameters(), lr=8e-3, weight_decay=0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 8e-3, total_steps=steps)
    for _ in range(steps):
        optimizer.zero_grad()
        model.loss(model(images), targets).backward()
        optimizer.step()
        schedule.step()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
            module.reset_running_stats()
    with torch.no_grad():
        model(images.repeat(4, 1, 1, 1))
        found = model.eval().find(images)
    errors = [e for i, frame in enumerate(composed) for e in frame_errors(frame, *(part[i].numpy() for part in found))]
    assert len(errors) == 16
    assert np.mean(errors) < 1

    save_checkpoint(tmp_path / "run", model, card_of(model, "2d", 1.3, "clean"))
    exported = OneStageDetector.load(tmp_path / "run", threads=1)
    loaded, _ = load_one_stage(tmp_path / "run")
    for i, frame in enumerate(composed):
        sure = found.scores[i] > 0.4
        again = loaded.find(images[i : i + 1])
        _, scores, points = exported.session.run(None, {"image": frame.image[None]})
        for told, landmarks in ((again.scores[0], again.landmarks[0]), (scores, points)):
            torch.testing.assert_close(
                torch.as_tensor(landmarks)[torch.as_tensor(told) > 0.4], found.landmarks[i][sure], atol=0.0192, rtol=0
            )
        assert len(exported(frame.image)) == 2
