"""Every format through the commands: trained on, evaluated on, adapted to, looked at, packed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from fake_data import write_face_synthetics
from fake_formats import SCHEMES, WRITERS, coco_face, write_aflw2000, write_coco, write_wflw

from fauxface.checkpoint import read_card
from fauxface.cli import main
from fauxface.training import train
from fauxface.training.config import TrainingConfig

MODEL = "mobilenetv3small-coordinates"
SPLITS = {"wflw": ("train", "test"), "cofw": ("train", "test"), "300w_lp": ("flip", "afw")}
"""Format → the splits to learn from and to test on."""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    torch.set_num_threads(1)
    monkeypatch.setenv("FAUXFACE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def trained(data: Path, out: Path, **settings: Any) -> Path:
    """A run of two steps."""
    config = TrainingConfig(
        data, out, MODEL, steps=2, batch=2, input_size=32, threads=1, workers=1, accelerator="cpu", **settings
    )
    return train(config)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that learned our 70 points."""
    folder = tmp_path_factory.mktemp("rendered")
    return trained(
        write_face_synthetics(folder / "faces", 4, size=64),
        folder / "run",
    )


def scores(arguments: list[str], tmp_path: Path) -> dict[str, object]:
    file = tmp_path / "scores.json"
    assert main(["evaluate", *arguments, "--threads", "1", "--json", str(file)]) == 0
    return json.loads(file.read_text())


@pytest.mark.parametrize("name", WRITERS)
def test_train_and_evaluate(name: str, tmp_path: Path, rendered: Path, capsys: pytest.CaptureFixture[str]):
    """Learned in its own points; a checkpoint of our 70 is compared on those that both have, and it is said."""
    folder = WRITERS[name](tmp_path / "data", 4)
    learn, test = SPLITS.get(name, (None, None))
    run = trained(folder, tmp_path / "run", format=name, split=learn)
    card, scheme = read_card(run), SCHEMES.get(name, "ibug68")
    assert (card.scheme, card.lane) == (scheme, "research")
    assert (card.training["format"], card.training["split"]) == (name, learn)
    where = ["--data", str(folder), *(["--split", test] if test else [])]
    own = scores([str(run), *where], tmp_path)
    assert (own["n"], own["points"]) == (4, {"wflw98": 96, "cofw29": 27}.get(scheme, 68))
    capsys.readouterr()
    other = scores([str(rendered), *where, "--normaliser", "box"], tmp_path)
    assert (other["n"], other["points"], other["normaliser"]) == (4, 17 if name == "cofw" else 68, "box")
    said = capsys.readouterr().out
    assert (f"the {other['points']} points that face_synthetics70 and {scheme} both have" in said) == (
        scheme != "ibug68"
    )


def test_the_distance_is_of_all_annotated_points(tmp_path: Path, rendered: Path):
    """Between the annotated pupils, though iBUG's points, in which faces are compared, have none."""
    folder = write_coco(tmp_path / "data", 2, "face_synthetics70")
    run = trained(write_coco(tmp_path / "learn", 4), tmp_path / "run")
    found = [
        scores([str(run), "--data", str(folder), "--normaliser", normaliser], tmp_path)["nme"]
        for normaliser in ("inter-ocular", "inter-pupil", "box")
    ]
    assert len(set(found)) == 3
    assert all(isinstance(value, float) and value > 0 for value in found)


def test_five_points(tmp_path: Path, rendered: Path, capsys: pytest.CaptureFixture[str]):
    """They have no eye corners: the message says what to divide by; a model of them learns and is scored."""
    folder = write_coco(tmp_path / "data", 4, "five5")
    assert main(["evaluate", str(rendered), "--data", str(folder), "--threads", "1"]) == 2
    assert "five5 has no outer eye corners: normalise by inter-pupil or box" in capsys.readouterr().err
    run = trained(folder, tmp_path / "run")
    for checkpoint in (run, rendered):
        found = scores([str(checkpoint), "--data", str(folder), "--normaliser", "inter-pupil"], tmp_path)
        assert (found["n"], found["points"]) == (4, 5)


@pytest.mark.parametrize(("writer", "target"), [(write_wflw, "face_synthetics70"), (write_aflw2000, "ibug68")])
def test_adapt(writer, target: str, tmp_path: Path, rendered: Path, capsys: pytest.CaptureFixture[str]):
    """To 98 points an adapter learns those that the checkpoint has; `evaluate --adapter` takes it."""
    folder = writer(tmp_path / "data", 8)
    split = ["--split", "train"] if writer is write_wflw else []
    command = ["adapt", str(rendered), "--data", str(folder), *split, "--box", "landmarks", "--folds", "2"]
    assert main([*command, "--threads", "1", "--out", str(tmp_path / "adapter")]) == 0
    assert f"target: {target}" in (tmp_path / "adapter" / "adapter.yaml").read_text()
    found = scores([str(rendered), "--data", str(folder), "--adapter", str(tmp_path / "adapter")], tmp_path)
    assert (found["points"], found["licence"]) == (68, "research")


@pytest.mark.parametrize("writer", [write_wflw, write_aflw2000])
def test_audit(writer, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Pictures, faces and poses are told; a face that cannot be read is a finding."""
    folder = writer(tmp_path / "data", 4)
    pictures = 8 if writer is write_wflw else 4
    assert main(["audit", str(folder), "--out", str(tmp_path / "audit"), "--workers", "1"]) == 0
    record = json.loads((tmp_path / "audit" / "audit.json").read_text())
    assert (record["pictures"], record["faces"]) == (pictures, pictures)
    assert {"yaw", "mouth opening", "right eye opening", "sharpness"} <= record["distributions"].keys()
    assert not [f for f in record["findings"] if f["kind"] in ("unreadable", "symmetry")]
    next(folder.rglob("*2*.[pj][np]g")).unlink()
    capsys.readouterr()
    with pytest.raises(SystemExit, match="1"):
        main(["audit", str(folder), "--out", str(tmp_path / "audit"), "--workers", "1", "--strict"])
    assert f"{pictures} pictures, {pictures - 1} faces, 1 findings\n  unreadable" in capsys.readouterr().out


def test_audit_gathers_the_faces_of_a_picture(tmp_path: Path):
    folder = write_coco(tmp_path / "data", 1, annotations=[coco_face(i, "cofw29", 1) for i in range(3)])
    assert main(["audit", str(folder), "--out", str(tmp_path / "audit"), "--workers", "1"]) == 0
    record = json.loads((tmp_path / "audit" / "audit.json").read_text())
    assert (record["pictures"], record["faces"], record["faces_a_picture"]) == (1, 3, {"3": 1})


def test_pack_and_help(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = write_wflw(tmp_path / "data", 2)
    assert main(["pack", str(folder), "--format", "wflw", "--split", "test", "--size", "32"]) == 0
    assert "2 faces of" in capsys.readouterr().out
    assert main(["pack", str(folder), "--format", "wfwl"]) == 2
    assert "unknown format 'wfwl'; there are face_synthetics, ibug, wflw" in capsys.readouterr().err
    for command in ("train", "evaluate", "adapt", "audit", "pack"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        assert "{auto,face_synthetics,ibug,wflw,cofw,aflw2000,300w_lp,coco,dlib}" in capsys.readouterr().out
