"""`fauxface calibrate`: the factor goes into weights and card; shares of the other half and of other faces are told."""

from pathlib import Path

import numpy as np
import pytest
import torch
from fake_data import write_face_synthetics, write_ibug

from fauxface.checkpoint import card_of, load_checkpoint, save_checkpoint
from fauxface.cli import main
from fauxface.evaluation.calibration import calibrate
from fauxface.models import build_model
from fauxface.models.coordinates import Coordinates


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """Says of every face that it is the mean one, and a σ of 0.4 px: far too sure."""
    torch.manual_seed(0)
    model = build_model("mobilenetv3small-coordinates", 64, "face_synthetics70", loss="gaussian", visibility=True)
    assert isinstance(model, Coordinates)
    with torch.no_grad():
        model.doubt.weight.zero_()
        model.doubt.bias.fill_((np.log(0.4 / 64) - np.log(0.05)) / 0.3)
    save_checkpoint(tmp_path / "run", model.eval(), card_of(model, "2d", 1.3, "clean"))
    return tmp_path / "run"


def test_calibrate_makes_sigma_true(checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    renders, photos = write_face_synthetics(tmp_path / "renders", 60), write_ibug(tmp_path / "photos", 5)
    (checkpoint / "model.onnx").write_bytes(b"tells the old sigma")
    assert main(["calibrate", str(checkpoint), "--data", str(renders), "--also", str(photos)]) == 0
    shown = capsys.readouterr().out
    assert "renders, 30 faces, before" in shown
    assert "photos, 5 faces, now" in shown
    model, card = load_checkpoint(checkpoint)
    assert isinstance(model, Coordinates)
    assert model.sigma_factor is not None
    assert card.calibration["factor"] == pytest.approx(float(model.sigma_factor), abs=1e-5)
    assert card.calibration["factor"] > 3
    assert card.calibration["fitted_on"] == "30 faces of renders"
    assert card.calibration["within_percent"]["renders"] == pytest.approx([39.3, 86.5], abs=12)  # not quite Gaussian
    assert set(card.calibration["within_percent"]) == {"renders", "photos"}
    assert not (checkpoint / "model.onnx").exists()

    again = calibrate(checkpoint, renders)
    assert again.factor == pytest.approx(1, abs=1e-3)
    assert again.before == pytest.approx(again.after, abs=0.01)
    assert load_checkpoint(checkpoint)[1].calibration["factor"] == pytest.approx(card.calibration["factor"], rel=1e-3)


def test_what_cannot_be_calibrated(checkpoint: Path, tmp_path: Path):
    few = write_face_synthetics(tmp_path / "few", 4)
    namesake = write_face_synthetics(tmp_path / "elsewhere" / "few", 4)
    with pytest.raises(ValueError, match="two of the folders are called 'few'"):
        calibrate(checkpoint, few, [namesake])
    with pytest.raises(ValueError, match="4 faces are too few"):
        calibrate(checkpoint, few)
    other = build_model("mobilenetv3small-coordinates", 64, "face_synthetics70")
    save_checkpoint(tmp_path / "other", other, card_of(other, "2d", 1.3, "clean"))
    with pytest.raises(ValueError, match="predicts no σ"):
        calibrate(tmp_path / "other", few)
