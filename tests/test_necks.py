"""The neck of <backbone>-pip: three maps brought together on the one that the model reads."""

from pathlib import Path

import pytest
import torch
from fake_data import write_face_synthetics
from test_models import images_of, model_of, targets_of

from fauxface.checkpoint import read_card
from fauxface.cli import main
from fauxface.models import build_model
from fauxface.models.necks import WIDTHS, Fuse
from fauxface.models.pip import Pip
from fauxface.training.config import TrainingConfig

NAME = "mobilenetv3small-pip"


def pip(size: int, name: str = NAME, **options) -> Pip:
    model = build_model(name, size, "ibug68", **options)
    assert isinstance(model, Pip)
    return model


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.mark.parametrize(
    "backbone",
    ["mobilenetv3small", "mobilenetv3", "resnet18", "resnet34", "resnet18d", "resnet14t", "repvgg_a0", "lcnet_050"],
)
def test_any_backbone_gives_its_three_maps(backbone: str):
    """The map stays as it is without a neck, 8×8 at 128 px and 10×10 at 160 px, and the width within its bounds."""
    for size, side in ((128, 8), (160, 10)):
        with torch.device("meta"):
            model = pip(128, f"{backbone}-pip", neck="fuse")
            assert model.backbone.strides == (8, 16, 32)
            outputs = model(torch.empty(2, 3, size, size))
        assert outputs.score.shape == (2, 68, side, side)
        assert WIDTHS[0] <= model.options["neck_width"] <= WIDTHS[1]


def test_every_cell_of_every_map_is_heard():
    """No cell of the finer map is dropped, and the coarser one reaches all of its cells."""
    neck = Fuse((4, 6, 8), (8, 16, 32), 16, 16)
    maps = [torch.rand(2, c, s, s, requires_grad=True) for c, s in ((4, 16), (6, 8), (8, 4))]
    fused = neck.train()(maps)
    assert fused.shape == (2, 16, 8, 8)
    (fused * torch.rand_like(fused)).sum().backward()
    for one in maps:
        assert one.grad is not None
        assert (one.grad.abs().sum(1) > 0).all()


def test_a_neck_takes_what_maps_there_are():
    """At 256 px the model reads stride 32, and few backbones have a coarser one."""
    model = pip(256, neck="fuse").eval()
    assert model.backbone.strides == (16, 32)
    with torch.no_grad():
        assert model(torch.rand(1, 3, 256, 256)).score.shape == (1, 68, 8, 8)


def test_without_a_neck_the_model_and_its_options_are_as_before():
    plain = pip(96)
    assert dict(plain.options).keys() == {"stride", "neighbours", "visibility"}
    assert not [key for key in plain.state_dict() if key.startswith("neck")]
    assert plain.backbone.strides == (16,)  # no deeper stage is kept


@pytest.mark.parametrize(
    ("size", "options", "message"),
    [
        (96, {"neck": "wide"}, "the neck must be none or fuse, not 'wide'"),
        (96, {"neck_width": 64}, "a neck's width is given, but no neck"),
        (96, {"neck": "fuse", "neck_width": 0}, "a neck has 1 channel or more, not 0"),
        (112, {"neck": "fuse"}, f"{NAME} takes crops of 32 px or a multiple of that, not 112 px"),
    ],
)
def test_necks_that_cannot_be_are_one_clear_line(size: int, options: dict, message: str):
    with pytest.raises(ValueError, match=message):
        build_model(NAME, size, "ibug68", **options)


def test_a_coarser_reading_comes_after_the_neck():
    model = model_of(NAME, neck="fuse", neck_width=32, stride=64).eval()
    with torch.no_grad():
        assert model(images_of(1)).score.shape == (1, 70, 3, 3)
    assert model.loss(model(images_of(2)), targets_of(2)).isfinite()


def test_train_with_a_neck_and_finish_at_a_larger_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    faces = write_face_synthetics(tmp_path / "faces", 8)
    told = ["train", "--data", str(faces), "--model", NAME, "--steps", "1", "--batch", "4", "--in-memory"]
    small, large = tmp_path / "small", tmp_path / "large"
    assert main([*told, "--out", str(small), "--input-size", "64", "--neck", "fuse", "--neck-width", "48"]) == 0
    assert {k: v for k, v in read_card(small).options.items() if "neck" in k} == {"neck": "fuse", "neck_width": 48}
    assert main([*told, "--out", str(large), "--input-size", "80", "--init", str(small)]) == 0
    assert read_card(large).options["neck_width"] == 48
    assert main([*told, "--out", str(tmp_path / "other"), "--init", str(small), "--neck", "none"]) == 2
    assert "--neck of --init" in capsys.readouterr().err.splitlines()[-1]
    assert not TrainingConfig(faces, large).model_options()
