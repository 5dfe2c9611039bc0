"""A new target is one file and one line: gaze, defined in `gaze_target`, from a render's label to a face's JSON."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from fake_data import write_face_synthetics, write_ibug
from gaze_target import TARGET as GAZE

from fauxface import augment
from fauxface.augment.box_noise import BoxNoise
from fauxface.augment.flip import Flip
from fauxface.augment.rotation import Rotation
from fauxface.augment.scale import Scale
from fauxface.augment.translation import Translation
from fauxface.checkpoint import CARD_FILE, load_checkpoint, read_card
from fauxface.cli import main
from fauxface.datasets import BadSample, open_dataset, open_pack, pack
from fauxface.datasets.pack_labels import PackLabels
from fauxface.faces import Crop, Framing
from fauxface.inference import Detection, Landmarker, OnnxModel, Tracker, predict_crops
from fauxface.landmarks import FACE_SYNTHETICS70
from fauxface.models import METHODS, Targets, build_model
from fauxface.rendering import Recipe, render_frame
from fauxface.targets import TARGETS, Points, Target, Values, Vectors, target_of
from fauxface.training import TrainingConfig, train

SCHEME = FACE_SYNTHETICS70
SMALL = {"coordinates": "mobilenetv3small", "heatmaps": "mobilenetv2", "pip": "mobilenetv3small"}
COUNT = 12


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def gaze(monkeypatch) -> Target:
    monkeypatch.setitem(TARGETS, "gaze", GAZE)  # the one line where it is listed
    return GAZE


@pytest.fixture(scope="module")
def faces(tmp_path_factory) -> Path:
    """Faces whose eyes look, so their labels say, anywhere; their heads are rolled."""
    folder = write_face_synthetics(tmp_path_factory.mktemp("data") / "faces", COUNT, size=64)
    random = np.random.default_rng(0)
    for path in folder.glob("*.json"):
        edit(path, expression={"gaze": random.normal(0, 0.4, 2).tolist()})
    return folder


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("FAUXFACE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "packs"


def edit(path: Path, **changes) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def settings(faces: Path, out: Path, **changes) -> TrainingConfig:
    common = {"steps": 4, "batch": 4, "input_size": 64, "threads": 1, "workers": 1, "accelerator": "cpu"}
    return TrainingConfig(**{"data": faces, "out": out, "augment": "strong", **common, **changes})


def test_every_render_says_where_the_eyes_look(gaze):
    frame = render_frame(3, 0, 64, Recipe())
    found = gaze.of_face(frame.meta, Path("000000.png"), SCHEME)
    assert found is not None
    assert np.linalg.norm(found) == pytest.approx(1)
    yaw, pitch = frame.meta["expression"]["gaze"]
    facing = np.array(frame.meta["head_pose"]["rotation"])[:, 2]
    assert found @ facing == pytest.approx(np.cos(yaw) * np.cos(pitch))  # as far from straight ahead as it says


def test_it_is_read_and_a_broken_one_is_named(gaze, faces, tmp_path):
    sample = open_dataset(faces)[0]
    assert list(sample.targets) == ["landmarks", "visibility", "gaze"]
    assert sample.targets["landmarks"] is sample.landmarks
    np.testing.assert_allclose(np.linalg.norm(sample.extra["gaze"]), 1)
    for wrong, message in (([1, 2, 3], "values to unpack"), (["left", 0], "gaze is not an array of numbers")):
        broken = write_face_synthetics(tmp_path / message, 1, size=64)
        edit(broken / "000000.json", expression={"gaze": wrong})
        with pytest.raises(BadSample, match=rf"000000\.json: .*{message}"):
            open_dataset(broken)[0]


def test_it_is_packed_in_memory_and_on_the_disk(gaze, faces, cache):
    dataset = open_dataset(faces)
    for framing in (Framing(), Framing("five-points")):
        packed, expected = open_pack(dataset, 32, framing, 6), pack(dataset, 32, framing, 6)
        assert list(packed.targets) == list(expected.targets) == ["landmarks", "visibility", "gaze"]
        for name, values in expected.targets.items():
            assert packed.targets[name].dtype == values.dtype
            np.testing.assert_array_equal(packed.targets[name], values)
    assert packed.targets["gaze"].shape == (COUNT, 3)


def test_faces_without_it_are_packed_without_it(gaze, faces, tmp_path, cache):
    some = write_face_synthetics(tmp_path / "some", 4, size=64)
    edit(some / "000001.json", expression={"gaze": [0.1, 0.2]})
    dataset = open_dataset(some)
    assert "gaze" not in open_pack(dataset, 32).targets
    alone = open_pack(dataset, 32, part=replace(dataset, sources=dataset.sources[1:2]))
    assert alone.targets["gaze"].shape == (1, 3)
    assert "gaze" not in pack(open_dataset(write_ibug(tmp_path / "ibug", 2, size=64)), 32).targets


def test_a_target_may_lie_in_a_file_of_its_own(tmp_path, cache, monkeypatch):
    """As dense points do; packs notice when it changes, and a broken one is named."""

    def read(record, image):
        path = image.with_name(f"{image.stem}_mesh.npz")
        return np.load(path)["points"] if path.is_file() else None

    mesh = Points("mesh", (5, 2), read, files=("_mesh.npz",))
    monkeypatch.setitem(TARGETS, "mesh", mesh)
    data, points = write_face_synthetics(tmp_path / "data", 2, size=64), np.arange(10.0).reshape(5, 2)
    assert "mesh" not in open_pack(open_dataset(data), 32).targets
    for index in range(2):
        np.savez(data / f"{index:06d}_mesh.npz", points=points + index)
    packed, sample = open_pack(open_dataset(data), 32), open_dataset(data)[1]
    np.testing.assert_array_equal(sample.targets["mesh"], points + 1)
    expected = Crop.around(sample.box, 32).to_crop(points + 1)
    np.testing.assert_allclose(packed.targets["mesh"][1], expected, atol=1e-4)
    np.savez(data / "000001_mesh.npz", points=points[:4])
    with pytest.raises(BadSample, match=r"000001.*mesh is not 5 × 2 numbers"):
        open_pack(open_dataset(data), 32)


def test_packs_made_before_it_was_listed_are_made_anew_and_the_others_stay(faces, cache, monkeypatch):
    before = open_pack(open_dataset(faces), 32)
    assert "gaze" not in before.targets
    names = {path.name for path in cache.glob("faces-*")}
    open_pack(open_dataset(faces), 32)
    assert {path.name for path in cache.glob("faces-*")} == names
    monkeypatch.setitem(TARGETS, "gaze", GAZE)
    assert "gaze" in open_pack(open_dataset(faces), 32).targets
    assert len(list(cache.glob("faces-*"))) == 2
    monkeypatch.setitem(TARGETS, "gaze", replace(GAZE, revision=2))
    open_pack(open_dataset(faces), 32)
    assert len(list(cache.glob("faces-*"))) == 3


def test_a_packs_labels_of_before_there_were_targets_are_read(tmp_path):
    path, points = tmp_path / "00000.npz", np.random.default_rng(0).random((3, 70, 2)).astype(np.float32)
    seen = np.ones((3, 70), bool)
    np.savez(path, landmarks=points, visibility=seen, state=np.array([0, 1, 2], np.uint8))
    labels = PackLabels.read(path, 3, SCHEME)
    assert labels.packed.tolist() == [False, True, True]
    assert labels.has["visibility"].tolist() == [False, False, True]
    assert list(labels.rows(np.array([1, 2])).common()) == ["landmarks"]
    assert list(labels.rows(np.array([2])).common()) == ["landmarks", "visibility"]
    np.testing.assert_array_equal(labels.values["landmarks"], points)


def test_a_crop_turns_directions_as_it_turns_the_picture():
    random = np.random.default_rng(1)
    for angle in (0.0, 0.7, -2.0):
        crop = Crop(3.0, -8.0, 1.7, 40, angle)
        start, way = random.normal(0, 20, 2), random.normal(0, 1, 3)
        across = crop.to_crop(start + way[:2]) - crop.to_crop(start)
        turned = GAZE.to_crop(way, crop)
        np.testing.assert_allclose(turned[:2], across * crop.scale, atol=1e-9)
        assert turned[2] == way[2]
        np.testing.assert_allclose(GAZE.to_image(turned, crop), way, atol=1e-12)


MOVES = (Flip(probability=0.5), Rotation(40), Scale(0.3), Translation(), BoxNoise(0.1))


def test_augmentation_moves_it_with_the_picture(gaze):
    count, size, padding = 32, 48, 9
    random = np.random.default_rng(2)
    points = random.uniform(10, 50, (count, 70, 2)).astype(np.float32)
    ways = random.normal(0, 1, (count, 3))
    ways = (ways / np.linalg.norm(ways, axis=1, keepdims=True)).astype(np.float32)
    points[:, 30] = points[:, 27] + 8 * ways[:, :2]  # both on the face's middle line: a mirror keeps their names
    targets = {"landmarks": torch.from_numpy(points), "gaze": torch.from_numpy(ways)}
    images = torch.zeros((count, 3, size + 2 * padding, size + 2 * padding), dtype=torch.uint8)
    keys = {"scheme": SCHEME, "size": size, "padding": padding, "seed": 1, "epoch": 0, "indices": range(count)}
    batch = augment.apply(augment.Policy("moves", MOVES), images, targets, **keys)
    across = batch.landmarks[:, 30] - batch.landmarks[:, 27]
    across = across / across.norm(dim=1, keepdim=True)
    found = batch.targets["gaze"]
    flat = found[:, :2] / found[:, :2].norm(dim=1, keepdim=True)
    torch.testing.assert_close(flat, across, atol=1e-4, rtol=0)
    torch.testing.assert_close(found[:, 2], targets["gaze"][:, 2])
    torch.testing.assert_close(found.norm(dim=1), torch.ones(count))
    assert (flat - torch.from_numpy(ways[:, :2])).norm(dim=1).median() > 0.3  # it did move


KINDS = [
    Points("dense", (3, 2), lambda *_: None, mirror=(1, 0, 2)),
    Points("again", ("points", 2), lambda *_: None, mirror="scheme"),
    Vectors("shape", (3, 3), lambda *_: None, mirror=(1, 0, 2), unit=False),
    Values("units", (4,), lambda *_: None, mirror=(1, 0, 2, 3)),
    Values("age", (), lambda *_: None),
    GAZE,
]


@pytest.mark.parametrize("target", KINDS, ids=lambda target: target.name)
def test_kinds_mirror_alike_in_numpy_and_in_torch(target, monkeypatch):
    monkeypatch.setitem(TARGETS, target.name, target)
    width, shape = 40, target.shape_of(SCHEME)
    values = np.random.default_rng(0).normal(20, 9, (2, *shape)).astype(np.float32)
    mirrored = target.flipped(values, SCHEME, width)
    if shape:
        assert not np.array_equal(mirrored, values)
    np.testing.assert_allclose(target.flipped(mirrored, SCHEME, width), values, atol=1e-4)
    points = torch.full((2, 70, 2), 7.0)
    batch = augment.apply(
        augment.Policy("flip", (Flip(probability=1.0),)),
        torch.zeros((2, 3, width, width), dtype=torch.uint8),
        {"landmarks": points, target.name: torch.from_numpy(values)},
        **{"scheme": SCHEME, "size": width, "padding": 0, "seed": 0, "epoch": 0, "indices": range(2)},
    )
    np.testing.assert_allclose(batch.targets[target.name], mirrored, atol=1e-4)


@pytest.mark.parametrize(
    "target", [*KINDS, Values("glasses", (), lambda *_: None, probability=True)], ids=lambda t: t.name
)
def test_kinds_are_learned_by_a_head(target, monkeypatch):
    """What the loss asks for is what decoding tells, and a head learns it by heart."""
    monkeypatch.setitem(TARGETS, target.name, target)
    torch.manual_seed(0)
    shape = target.shape_of(SCHEME)
    truth = torch.randn((4, *shape))
    if isinstance(target, Points):
        truth = truth * 8 + 16
    elif target.dtype is np.bool_:
        truth = truth > 0
    elif isinstance(target, Vectors) and target.unit:
        truth = torch.nn.functional.normalize(truth, dim=-1)
    raw = torch.nn.Parameter(0.1 * torch.randn(4, target.outputs(SCHEME)))
    optimizer = torch.optim.Adam([raw], lr=0.03)
    first = None
    for _ in range(500):
        loss = target.loss(raw, truth, 32)
        first = loss.item() if first is None else first
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.05 * first
    found = target.decode(raw.detach(), shape, 32)
    assert found.shape == truth.shape
    torch.testing.assert_close(found, truth.float(), atol=0.5 if isinstance(target, Points) else 0.15, rtol=0)


@pytest.mark.parametrize("method", METHODS)
def test_a_head_leaves_all_other_weights_as_they_are(gaze, method):
    name, models = f"{SMALL[method]}-{method}", []
    for targets in ([], ["gaze"]):
        torch.manual_seed(4)
        models.append(build_model(name, 64, SCHEME.name, visibility=True, **({"targets": targets} if targets else {})))
    plain, more = models
    assert plain.targets == ("landmarks", "visibility")
    assert more.targets == ("landmarks", "visibility", "gaze")
    assert "targets" not in plain.options  # as cards of before have it
    heads = more.state_dict().keys() - plain.state_dict().keys()
    assert {key.split(".")[0] for key in heads} == {"extra"}
    assert all(torch.equal(value, more.state_dict()[key]) for key, value in plain.state_dict().items())
    images, points = torch.rand(2, 3, 64, 64), torch.rand(2, 70, 2) * 64
    extra = {"gaze": torch.tensor([[0.0, 0.0, -1.0], [0.6, 0.0, -0.8]])}
    loss = more.loss(more.train()(images), Targets(points, None, extra))
    loss.backward()
    assert all(p.grad is not None and p.grad.any() for key, p in more.named_parameters() if key in heads)
    with torch.no_grad():
        assert plain.eval().decode(plain(images)).told().keys() == more.eval().decode(more(images)).told().keys() - {
            "gaze"
        }


class Box:
    """A detector that finds one face in the middle."""

    name, licence = "box", "none"

    def __call__(self, image: np.ndarray) -> list[Detection]:
        return [Detection(np.array([14.0, 12.0, 50.0, 52.0]), 0.9)]


@pytest.mark.parametrize("method", METHODS)
def test_from_the_command_to_a_face(gaze, faces, tmp_path, cache, capsys, method):
    run, file = tmp_path / "run", tmp_path / "run.onnx"
    listed = ["--targets", "landmarks", "visibility", "gaze"]
    budget = ["--steps", "4", "--batch", "4", "--input-size", "64", "--threads", "1", "--workers", "1"]
    model = ["--model", f"{SMALL[method]}-{method}", "--augment", "strong", "--accelerator", "cpu"]
    assert main(["train", "--data", str(faces), "--out", str(run), *listed, *budget, *model]) == 0
    card = read_card(run)
    assert card.targets == ["landmarks", "visibility", "gaze"]
    assert (card.options["targets"], card.training["targets"]) == (["gaze"], ["landmarks", "visibility", "gaze"])

    assert main(["export", str(run), "--out", str(file)]) == 0
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    shapes = {output.name: output.shape[1:] for output in session.get_outputs()}
    assert shapes == {"landmarks": [70, 2], "scores": [70], "visibility": [70], "gaze": [3]}
    crops = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)
    torchs, onnxs = predict_crops(load_checkpoint(run)[0], crops), predict_crops(OnnxModel(file, 1), crops)
    np.testing.assert_allclose(onnxs.extra["gaze"], torchs.extra["gaze"], atol=1e-4)

    image = open_dataset(faces)[0].image
    landmarker = replace(Landmarker.load(run, threads=1, backend="torch", detail="low", turned=False), detector=Box())
    [face] = landmarker(image)
    assert list(face.targets) == ["landmarks", "visibility", "gaze"]
    np.testing.assert_allclose(np.linalg.norm(face.targets["gaze"]), 1)
    assert face.to_dict()["targets"]["gaze"] == face.targets["gaze"].round(4).tolist()
    [followed] = Tracker(landmarker).update(image, 0.0)
    np.testing.assert_allclose(np.linalg.norm(followed.targets["gaze"]), 1)  # its crop comes from the points
    np.testing.assert_allclose(face.scaled(2.0).targets["gaze"], face.targets["gaze"])
    # of a mirrored picture a mirrored answer, when both are seen
    both = replace(landmarker, flip=True)
    square = np.ascontiguousarray(image[:64, :64])
    here, there = (both.landmarks(p, [np.array([12.0, 12, 51, 51])]) for p in (square, square[:, ::-1].copy()))
    np.testing.assert_allclose(there.extra["gaze"][0] * [-1, 1, 1], here.extra["gaze"][0], atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(here.extra["gaze"]), 1)


def test_a_turned_crop_tells_the_gaze_in_the_image(gaze):
    """A model of five-point crops, which turn with the face, still tells the image's own right and left."""
    model = build_model("mobilenetv3small-coordinates", 64, SCHEME.name, targets=["gaze"]).eval()
    with torch.no_grad():
        model.extra.heads["gaze"][-1].bias.copy_(torch.tensor([1.0, 0.0, 0.0]))  # always to the crop's right
        model.extra.heads["gaze"][-1].weight.zero_()
    from fauxface.inference import landmark_crops

    upright = np.array([[20.0, 20], [40, 20], [30, 30], [22, 40], [38, 40]])
    for angle in (0.0, 0.6, -1.3):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        place = (upright - 30) @ turn.T + 30
        found = landmark_crops(model, np.zeros((64, 64, 3), np.uint8), [place], Framing("five-points"))
        np.testing.assert_allclose(found.extra["gaze"][0], [*turn[:, 0], 0], atol=1e-5)


def test_without_the_option_nothing_more_is_learned(gaze, faces, tmp_path, cache):
    run = train(settings(faces, tmp_path / "run", model="mobilenetv3small-coordinates"))
    assert read_card(run).targets == ["landmarks", "visibility"]
    alone = train(settings(faces, tmp_path / "alone", model="mobilenetv3small-coordinates", targets=("landmarks",)))
    assert read_card(alone).targets == ["landmarks"]
    assert read_card(alone).options["visibility"] is False


def test_a_run_goes_on_with_a_new_target_and_keeps_its_own(gaze, faces, tmp_path, cache):
    model = {"model": "mobilenetv3small-pip", "lr": 1e-9, "weight_decay": 0.0}
    first = train(settings(faces, tmp_path / "first", **model))
    all_three = ("landmarks", "visibility", "gaze")
    more = train(settings(faces, tmp_path / "more", init=str(first), targets=all_three, **model))
    again = train(settings(faces, tmp_path / "again", init=str(more), **model))
    (old, _), (new, card), (_, kept) = (load_checkpoint(run) for run in (first, more, again))
    assert card.targets == kept.targets == list(all_three)
    assert torch.allclose(old.score.weight, new.score.weight, atol=1e-6)
    resumed = train(settings(faces, tmp_path / "more", init=str(first), targets=all_three, resume=True, **model))
    assert resumed == more


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--targets", "gaze"], "--targets must include landmarks, which every model learns, not only gaze"),
        (["--targets", "landmarks", "smell"], "unknown target 'smell'; there are landmarks, visibility, gaze"),
        (["--targets", "landmarks", "--model", "one-stage"], "one-stage does not accept --targets"),
        (["--targets", "landmarks", "gaze"], "--targets: not every face of the data has gaze"),
    ],
)
def test_what_cannot_be_learned_is_one_line(gaze, tmp_path, cache, capsys, options, message):
    data = write_face_synthetics(tmp_path / "blind", 3, size=64)
    run = ["train", "--data", str(data), "--out", str(tmp_path / "run"), "--steps", "1", "--input-size", "64"]
    assert main([*run, *options, "--accelerator", "cpu"]) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "run").exists()


def test_a_card_that_lost_a_target_is_refused(gaze, faces, tmp_path, cache):
    run = train(settings(faces, tmp_path / "run", model="mobilenetv3small-coordinates"))
    path = run / "checkpoint" / CARD_FILE
    path.write_text(path.read_text().replace("- visibility", "- gaze"))
    with pytest.raises(ValueError, match="has targets"):
        load_checkpoint(run)


def test_unknown_targets_are_one_clear_line():
    with pytest.raises(ValueError, match="unknown target 'gaze'; there are landmarks, visibility"):
        target_of("gaze")
    with pytest.raises(ValueError, match="name each extra target once"):
        build_model("mobilenetv3small-pip", 64, SCHEME.name, targets=["visibility"])
