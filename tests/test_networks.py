"""The table of networks: rows that are trained, scored, kept and not run again."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest
from fake_data import write_face_synthetics, write_ibug

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import networks


def test_a_row_is_trained_scored_and_not_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("FAUXFACE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    tiny = networks.Row("tiny", "lcnet_050-pip", {"neck": "fuse", "input_size": 64, "batch": 4})
    monkeypatch.setattr(networks, "ROWS", (tiny, networks.Row("other", "resnet18-pip")))
    monkeypatch.setattr(networks, "milliseconds_of", lambda *_: 1.5)
    write_face_synthetics(tmp_path / "train", 8)
    write_face_synthetics(tmp_path / "held_out", 3, seed=1)
    write_ibug(tmp_path / "300w" / "afw", 3)
    told = [str(tmp_path / "work"), "--data", str(tmp_path / "train"), "--held-out", str(tmp_path / "held_out")]
    told += ["--afw", str(tmp_path / "300w"), "--images", "6", "--samples", "8", "--threads", "1"]
    told += ["--out", str(tmp_path / "table"), "--rows", "tiny"]
    networks.main(told)
    with (tmp_path / "table" / "results.csv").open() as file:
        [row] = csv.DictReader(file)
    assert (row["row"], row["model"], row["neck"], row["input_size"]) == ("tiny", "lcnet_050-pip", "fuse", "64")
    assert (row["batch"], row["lr"], row["samples"], row["images"], row["ms"]) == ("4", "0.0015", "8", "6", "1.5")
    assert float(row["minutes"]) > 0
    assert float(row["held_out"]) > 0
    assert float(row["afw"]) > 0
    assert len(list((tmp_path / "work" / "first-6").glob("*_ldmks.txt"))) == 6
    assert "| tiny | 64 | 4, 0.0015 | 6, 8 |" in (tmp_path / "table" / "table.md").read_text()
    assert (tmp_path / "table" / "networks.png").stat().st_size > 1000
    monkeypatch.setattr(networks, "trained", None)  # would be called to run it again
    networks.main(told)
    assert "tiny" in capsys.readouterr().out


def test_too_few_renders_are_told(tmp_path: Path):
    write_face_synthetics(tmp_path / "train", 2)
    with pytest.raises(SystemExit, match="has 2 faces, not 3"):
        networks.first_images(tmp_path / "train", tmp_path / "first", 3)


def test_every_row_is_a_model_that_can_be_built():
    assert len({row.name for row in networks.ROWS}) == len(networks.ROWS) <= 12
    for row in networks.ROWS:
        settled = networks.settle(networks.TrainingConfig(Path("a"), Path("b"), row.model, **row.settings))
        settled.check()
        networks.precision_of(settled)  # builds its outline
