import pytest
import safetensors.torch
import torch
import yaml

from fauxface.checkpoint import card_of, find_checkpoint, lane_of, load_checkpoint, save_checkpoint
from fauxface.models import build_model

SIZE = 64


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def model():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build_model("mobilenetv3small-coordinates", SIZE, "face_synthetics70", visibility=True).eval()


@pytest.fixture
def folder(model, tmp_path):
    save_checkpoint(tmp_path / "c", model, card_of(model, "2d", 1.3, "clean"))
    return tmp_path / "c"


def points_of(model):
    with torch.no_grad():
        return model.decode(model(torch.rand(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0)))).landmarks


def edit(folder, **changes):
    path = folder / "model.yaml"
    content = yaml.safe_load(path.read_text()) | changes
    path.write_text(yaml.safe_dump({k: v for k, v in content.items() if v is not None}))


def test_what_is_saved_comes_back(model, folder):
    loaded, card = load_checkpoint(folder)
    assert torch.equal(points_of(loaded), points_of(model))
    assert not loaded.training
    assert card == card_of(model, "2d", 1.3, "clean")
    assert card.licence == "Apache-2.0"
    assert sorted(path.name for path in folder.iterdir()) == ["model.safetensors", "model.yaml"]


def test_half_weights_are_half_as_large_and_nearly_equal(model, folder, tmp_path):
    save_checkpoint(tmp_path / "half", model, card_of(model, "2d", 1.3, "clean"), half=True)
    sizes = [(f / "model.safetensors").stat().st_size for f in (tmp_path / "half", folder)]
    assert sizes[0] < 0.55 * sizes[1]
    loaded, _ = load_checkpoint(tmp_path / "half")
    assert all(p.dtype == torch.float32 for p in loaded.parameters())
    torch.testing.assert_close(points_of(loaded), points_of(model), atol=0.05, rtol=0)


def test_weights_too_large_for_half_stay_whole(model, tmp_path):
    with torch.no_grad():
        model.locate.bias.fill_(1e6)
    save_checkpoint(tmp_path, model, card_of(model, "2d", 1.3, "clean"), half=True)
    assert load_checkpoint(tmp_path)[0].locate.bias.unique().tolist() == [1e6]


def test_a_run_and_a_shipped_name_are_found(model, folder, tmp_path, monkeypatch):
    run = tmp_path / "run"
    save_checkpoint(run / "checkpoint", model, card_of(model, "2d", 1.3, "research"))
    assert find_checkpoint(run) == run / "checkpoint"
    monkeypatch.setattr("fauxface.checkpoint.card.SHIPPED", tmp_path)
    assert find_checkpoint("c") == folder
    with pytest.raises(FileNotFoundError, match=r"no checkpoint: nowhere is not a folder.*shipped weights \(c"):
        load_checkpoint("nowhere")
    with pytest.raises(FileNotFoundError, match=r"has no model\.yaml"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "resnet18-coordinates"}, "disagree: resnet18-coordinates"),
        ({"model": "nothing-coordinates"}, "unknown backbone 'nothing'"),
        ({"scheme": "ibug68"}, "disagree"),
        ({"scheme": "ibug67"}, "unknown landmark scheme"),
        ({"input_size": 128}, "disagree"),
        ({"input_size": 63}, "disagree.* has input_size 63, the weights have 64"),
        ({"lane": "research"}, "disagree.* the weights have clean"),
        ({"input_size": "big"}, "input_size"),
        ({"options": {"visibility": False}}, r"disagree.* has no see\.bias, the weights have see\.bias \(70,\)"),
        ({"options": {"colour": 1}}, "colour"),
        ({"normalisation": {"mean": [0, 0, 0], "deviation": [1, 1, 1]}}, "normalisation"),
        ({"lane": None}, "lacks lane"),
        ({"lane": "clear"}, "lane"),
        ({"colour": "red"}, "unknown colour"),
    ],
)
def test_disagreement_is_one_clear_line(folder, changes, message):
    edit(folder, **changes)
    with pytest.raises(ValueError, match=message) as error:
        load_checkpoint(folder)
    assert str(folder) in str(error.value)
    assert "\n" not in str(error.value)


def test_broken_files_are_one_clear_line(folder):
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1000])
    with pytest.raises(ValueError, match="not readable as safetensors"):
        load_checkpoint(folder)
    tensors = safetensors.torch.load(whole)
    tensors.pop("locate.bias")
    safetensors.torch.save_file(tensors, weights)
    with pytest.raises(ValueError, match=r"the weights have no locate\.bias"):
        load_checkpoint(folder)
    weights.unlink()
    with pytest.raises(FileNotFoundError, match=r"model\.safetensors is missing"):
        load_checkpoint(folder)
    (folder / "model.yaml").write_text("{")
    with pytest.raises(ValueError, match="not readable as YAML"):
        load_checkpoint(folder)


def test_lanes(model):
    clean, research = (card_of(model, "2d", 1.3, lane) for lane in ("clean", "research"))
    assert lane_of(True, "random") == lane_of(True, clean) == "clean"
    assert lane_of(True, "hub") == lane_of(True, research) == "research"
    assert lane_of(False, "random") == lane_of(False, clean) == "research"
