"""ONNX files: what they take and give, parity with torch, eight bits, the cache."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from fake_data import write_face_synthetics

from fauxface.checkpoint import SHIPPED, card_of, load_checkpoint, load_network, save_checkpoint
from fauxface.evaluation.int8 import export_int8
from fauxface.export import export
from fauxface.export.onnx import halved, to_onnx
from fauxface.faces import Crop, landmark_box
from fauxface.files import cache_folder
from fauxface.inference import Landmarker, OnnxModel, predict_crops
from fauxface.models import LandmarkModel, build_model
from fauxface.models.pip import Pip
from fauxface.rendering import Recipe, render_frame

MODEL = "mobilenetv3small-coordinates"
PARITY = 1e-4 * 64
"""How far ONNX Runtime's points may lie from torch's: 1e-4 of the crop's side, in its pixels."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained checkpoint whose answers do depend on the picture."""
    torch.manual_seed(0)
    model = build_model(MODEL, 64, "face_synthetics70", visibility=True, loss="gaussian").eval()
    for name, weight in model.named_parameters():
        if name.startswith(("locate.", "see.")):
            torch.nn.init.normal_(weight, std=0.1)
    path = tmp_path_factory.mktemp("checkpoint")
    save_checkpoint(path, model, replace(card_of(model, "2d", 1.3, "clean"), provenance={"seed": 0}))
    return path


@pytest.fixture(scope="module")
def whole(folder: Path) -> onnx.ModelProto:
    return to_onnx(*load_checkpoint(folder))


def crops(count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, 64, 64, 3), np.uint8)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_the_file_is_what_others_expect(whole: onnx.ModelProto):
    session = onnxruntime.InferenceSession(whole.SerializeToString(), providers=["CPUExecutionProvider"])
    [image] = session.get_inputs()
    assert (image.name, image.type, image.shape[1:]) == ("image", "tensor(uint8)", [64, 64, 3])
    shapes = {output.name: output.shape[1:] for output in session.get_outputs()}
    assert shapes == {"landmarks": [70, 2], "scores": [70], "visibility": [70], "sigma": [70]}
    assert isinstance(image.shape[0], str)
    said = session.get_modelmeta().custom_metadata_map
    assert said["licence"] == "Apache-2.0"
    assert said["lane"] == "clean"
    assert said["scheme"] == "face_synthetics70"
    assert str(Path(__file__).parents[1]) not in str(whole)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_it_says_what_torch_says(folder: Path, whole: onnx.ModelProto, count: int):
    model, _ = load_checkpoint(folder)
    ours, theirs = (predict_crops(m, crops(count)) for m in (model, OnnxModel(whole.SerializeToString(), 1)))
    for name, error in (("landmarks", PARITY), ("scores", 1e-4), ("visibility", 1e-4), ("sigma", PARITY)):
        np.testing.assert_allclose(getattr(theirs, name), getattr(ours, name), atol=error, rtol=0, err_msg=name)
    assert np.ptp(ours.landmarks, axis=0).max() > 10 * PARITY or count == 1


def test_a_fixed_batch_takes_that_many_and_we_fill_it_up(folder: Path, tmp_path: Path):
    found = export(folder, tmp_path / "two.onnx", batch=2)
    session = onnxruntime.InferenceSession(str(found.path), providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].shape[0] == 2
    model, _ = load_checkpoint(folder)
    ours, theirs = (predict_crops(m, crops(5)) for m in (model, OnnxModel(found.path, 1)))
    assert np.abs(ours.landmarks - theirs.landmarks).max() < PARITY


def test_halved_weights_are_half_the_bytes(whole: onnx.ModelProto):
    small = halved(whole).SerializeToString()
    assert len(small) < 0.6 * len(whole.SerializeToString())
    a, b = (predict_crops(OnnxModel(data, 1), crops(2)) for data in (whole.SerializeToString(), small))
    assert np.abs(a.landmarks - b.landmarks).max() < 0.5


def test_eight_bits_are_measured_and_refused_if_they_cost_too_much(
    folder: Path, whole: onnx.ModelProto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("fauxface.evaluation.int8.to_onnx", lambda *_: whole)
    write_face_synthetics(tmp_path / "faces", 12)
    out = tmp_path / "small.onnx"
    found = export_int8(folder, out, tmp_path / "faces", force=True)
    assert "int8" in found.table()
    ops = {node.op_type for node in onnx.load(out).graph.node}
    assert {"QuantizeLinear", "DequantizeLinear"} <= ops
    scales = [w for w in onnx.load(out).graph.initializer if w.name.endswith("_scale") and len(w.dims) == 1]
    assert scales  # a scale a channel
    assert found.nme is not None
    out.unlink()
    monkeypatch.setattr("fauxface.evaluation.int8.ALLOWED", -100.0)
    with pytest.raises(ValueError, match="nothing written"):
        export_int8(folder, out, tmp_path / "faces")
    assert not out.exists()


def test_parallel_branches_are_folded_into_plain_convolutions():
    """RepVGG's block is three branches in training and one convolution in the file, which says the same."""
    torch.manual_seed(0)
    model = build_model("repvgg_a0-pip", 64, "ibug68", neck="fuse")
    assert isinstance(model, Pip)
    assert model.neck is not None
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):  # else folding them would change nothing
                module.weight.uniform_(0.4, 0.6)
                module.bias.uniform_(-0.1, 0.1)
        for layer in (model.score, model.x, model.y, model.neighbour_x, model.neighbour_y):
            torch.nn.init.normal_(layer.weight, std=0.03)
        model.train()(torch.rand(8, 3, 64, 64))  # statistics
    branches = sum(isinstance(module, torch.nn.Conv2d) for module in model.eval().backbone.modules())
    whole = to_onnx(model, card_of(model, "2d", 1.3, "clean"))
    ops = [node.op_type for node in whole.graph.node]
    assert ops.count("Conv") <= branches // 2 + len(model.neck.laterals) + 6  # the mixing one and five heads
    assert "BatchNormalization" not in ops
    ours, theirs = (predict_crops(m, crops(3)) for m in (model, OnnxModel(whole.SerializeToString(), 1)))
    assert np.abs(ours.landmarks - theirs.landmarks).max() < PARITY
    assert np.ptp(ours.landmarks, axis=0).max() > 10 * PARITY
    assert sum(isinstance(module, torch.nn.Conv2d) for module in model.backbone.modules()) == branches  # as it was


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"out": "a.txt"}, r"must end in \.onnx"),
        ({"batch": -1}, "--batch"),
        ({"checkpoint": "gone"}, "no checkpoint"),
    ],
)
def test_what_cannot_be_exported_is_one_line(folder: Path, tmp_path: Path, options: dict, message: str):
    out = tmp_path / options.pop("out", "a.onnx")
    with pytest.raises((ValueError, OSError), match=message):
        export(options.pop("checkpoint", folder), out, **options)
    assert list(tmp_path.iterdir()) == []


def test_a_landmarker_exports_once_into_the_cache(
    folder: Path, whole: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    exports: list[object] = []

    def exported(*given: object) -> onnx.ModelProto:
        exports.append(given)
        return whole

    monkeypatch.setenv("FAUXFACE_CACHE", str(tmp_path))
    monkeypatch.setattr("fauxface.export.onnx.to_onnx", exported)
    image, box = crops(1)[0], np.array([[5.0, 5, 60, 60]])
    wanted = Landmarker.load(folder, threads=1, backend="torch").landmarks(image, box)
    assert exports == []
    for _ in range(2):
        found = Landmarker.load(folder, threads=1).landmarks(image, box)
        assert np.abs(found.landmarks - wanted.landmarks).max() < PARITY
        assert found.visibility is not None
    assert len(exports) == 1
    [cached] = (cache_folder() / "onnx").iterdir()
    cached.write_bytes(b"cut short")
    again = Landmarker.load(folder, threads=1).landmarks(image, box)
    np.testing.assert_array_equal(again.landmarks, found.landmarks)
    assert len(exports) == 2


def test_a_checkpoint_may_hold_its_onnx_file_and_loses_nothing_by_it(folder: Path, tmp_path: Path):
    model, card = load_checkpoint(folder)
    save_checkpoint(tmp_path, model, card)
    export(folder, tmp_path / "model.onnx")
    place = crops(1)[0], np.array([[5.0, 5, 60, 60]])
    found, wanted = (Landmarker.load(tmp_path, threads=1, backend=b).landmarks(*place) for b in ("onnx", "torch"))
    for name in ("landmarks", "scores", "visibility", "sigma"):
        np.testing.assert_allclose(getattr(found, name), getattr(wanted, name), atol=PARITY, err_msg=name)
    unseeing = build_model(MODEL, 64, "face_synthetics70").eval()
    (tmp_path / "model.onnx").write_bytes(to_onnx(unseeing, card).SerializeToString())
    assert Landmarker.load(tmp_path, threads=1).landmarks(*place).visibility is None
    (tmp_path / "model.onnx").write_bytes(b"rubbish")
    with pytest.raises(ValueError, match=r"model\.onnx: not a model"):
        Landmarker.load(tmp_path, threads=1).landmarks(*place)


def test_an_unknown_backend_is_refused(folder: Path):
    with pytest.raises(ValueError, match="onnx"):
        Landmarker.load(folder, backend="tensorrt")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="onnx"):
        Landmarker.load(folder, backend="onnx", device="cuda")


@pytest.mark.parametrize("name", sorted(path.parent.name for path in SHIPPED.glob("*/model.onnx")))
def test_shipped_onnx_files_hold_the_shipped_weights(name: str):
    network, _ = load_network(name)
    if isinstance(network, LandmarkModel):
        # faces, since on noise two cells of a score map may be equal but for rounding, and then either may win
        frames = [render_frame(5, index, 192, Recipe()) for index in range(4)]
        boxes = [landmark_box(np.array(frame.meta["landmarks_2d"]), network.scheme) for frame in frames]
        some = np.stack(
            [Crop.around(b, network.input_size).extract(f.image) for b, f in zip(boxes, frames, strict=True)]
        )
        theirs = predict_crops(OnnxModel(SHIPPED / name / "model.onnx", threads=1), some).landmarks
        np.testing.assert_allclose(theirs, predict_crops(network, some).landmarks, atol=0.05)


def test_shipped_weights_are_small():
    sizes = {path: path.stat().st_size for path in SHIPPED.glob("*/*")}
    assert sum(sizes.values()) <= 64_000_000
    for name, most in {"fauxface-s": 3_000_000, "fauxface-m": 25_000_000}.items():
        assert max((size for path, size in sizes.items() if path.parent.name == name), default=0) <= most
