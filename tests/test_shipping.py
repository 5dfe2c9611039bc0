"""Weights for the package: fp16, an ONNX file that casts them, and how large they may be."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "tools")]

import gpu
import ship

from fauxface.checkpoint import card_of, load_checkpoint, read_card, save_checkpoint
from fauxface.inference import OnnxModel, predict_crops
from fauxface.models import build_model
from fauxface.models.pip import Pip
from fauxface.models.table import VARIANTS, describe, parse


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained dense network with a neck, small enough for a test, whose answers depend on the picture."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = build_model("resnet10t-pip", 64, "ibug68", neck="fuse", neck_width=32).eval()
    assert isinstance(model, Pip)
    for layer in (model.score, model.x, model.y, model.neighbour_x, model.neighbour_y):
        torch.nn.init.normal_(layer.weight, std=0.03)
    folder = tmp_path_factory.mktemp("run")
    save_checkpoint(folder, model, card_of(model, "2d", 1.3, "clean"))
    return folder


def test_a_larger_network_is_stored_in_half_and_computes_in_whole(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ship, "scores_on_afw", lambda *_: {"afw_landmarks": {"nme": 4.5}})
    monkeypatch.setitem(ship.MOST_EACH, "fauxface-m", 1000)
    told = [str(run), "fauxface-m", "--afw", str(tmp_path), "--into", str(tmp_path / "weights")]
    with pytest.raises(SystemExit, match=r"a file of .* MB: at most 0"):
        ship.main(told)
    assert not (tmp_path / "weights").exists()
    monkeypatch.undo()
    monkeypatch.setattr(ship, "scores_on_afw", lambda *_: {"afw_landmarks": {"nme": 4.5}})
    ship.main(told)
    made = tmp_path / "weights" / "fauxface-m"
    assert read_card(made).options["neck"] == "fuse"
    assert read_card(made).scores == {"afw_landmarks": {"nme": 4.5}}
    for name in ("model.safetensors", "model.onnx"):
        assert (made / name).stat().st_size < 0.6 * (run / "model.safetensors").stat().st_size
    proto = onnx.load(made / "model.onnx")
    assert {node.op_type for node in proto.graph.node if node.op_type == "Conv"}
    stored = sum(np.prod(w.dims) for w in proto.graph.initializer if w.data_type == onnx.TensorProto.FLOAT16)
    assert stored > 0.95 * sum(np.prod(w.dims) for w in proto.graph.initializer)
    crops = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)
    theirs, ours = OnnxModel(made / "model.onnx", threads=1), load_checkpoint(made)[0]
    difference = predict_crops(theirs, crops).landmarks - predict_crops(ours, crops).landmarks
    assert np.abs(difference).max() < 0.05


def test_a_network_with_a_neck_is_listed_and_fits():
    assert parse("resnet18-pip --neck fuse") == ("resnet18-pip", {"neck": "fuse"})
    for label in VARIANTS:
        facts = describe(label)
        assert facts.name == label
        assert facts.parameters > describe(parse(label)[0]).parameters
    assert 2 * describe("resnet18-pip --neck fuse").parameters < ship.MOST_EACH["fauxface-m"]


def test_parts_of_weights_are_put_together(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gpu, "PART", 2**20)
    trained = tmp_path / "run"
    save_checkpoint(trained / "checkpoint", *load_checkpoint(run))
    (trained / "log.csv").write_text("epoch\n")
    out = tmp_path / "out"
    out.mkdir()
    gpu.store(trained, out)
    parts = list(out.glob(f"{gpu.PARTS}*"))
    assert len(parts) > 2
    assert all(part.stat().st_size <= 2**20 for part in parts)
    gpu.join(out)
    a, b = (load_checkpoint(folder)[0].state_dict() for folder in (run, out))
    assert all(torch.allclose(a[name], b[name], atol=1e-2) for name in a)
    with pytest.raises(SystemExit, match="holds no"):
        gpu.join(out)
