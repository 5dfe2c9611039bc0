"""Distillation: a student learns what a frozen teacher says of the same crops."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from fake_data import write_face_synthetics
from test_models import images_of, model_of, targets_of

from fauxface.checkpoint import Card, card_of, lane_of, read_card, save_checkpoint
from fauxface.cli import main
from fauxface.models import LandmarkModel, Targets, build_model
from fauxface.models.pip import Pip
from fauxface.training import TrainingConfig, loop, train
from fauxface.training.config import Scheduled
from fauxface.training.teacher import Teacher, load_teacher

NAME, SCHEME = "lcnet_050-pip", "face_synthetics70"
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_face_synthetics(tmp_path_factory.mktemp("data") / "faces", 12)


def teacher_at(folder: Path, size: int = 64, lane: str = "clean", seed: int = 1, **card: Any) -> Path:
    torch.manual_seed(seed)
    model = build_model(NAME, size, SCHEME, neck="fuse").eval()
    said: Any = card_of(model, "2d", 1.3, lane)  # type: ignore[arg-type]
    save_checkpoint(folder, model, replace(said, **card))
    return folder


def told(faces: Path, out: Path, teacher: Path | None, **options: Any) -> TrainingConfig:
    settings: dict[str, Any] = {"input_size": 64, "batch": 4, "threads": 1, "in_memory": True, "augment": "strong"}
    settings |= {"labels": "2d", "model": NAME, "steps": 3}
    return TrainingConfig(faces, out, **(settings | options), teacher=None if teacher is None else str(teacher))


def weights(run: Path) -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(run / "checkpoint" / "model.safetensors")


def teach(model: LandmarkModel) -> Teacher:
    return Teacher(model.eval(), Card(model.name, model.input_size, SCHEME, "2d", 1.3, "clean", ""), "", False)


def test_a_student_that_says_what_its_teacher_says_has_nothing_to_learn():
    model = model_of("mobilenetv3small-pip", neighbours=0).eval()
    assert isinstance(model, Pip)
    for layer in (model.score, model.x, model.y):
        torch.nn.init.normal_(layer.weight, std=0.2)
    with torch.no_grad():
        outputs = model(images_of(3))
        found, score = teach(model).predict(images_of(3))
        inside = outputs._replace(offset=outputs.offset.sigmoid())
        found = replace(model.decode(inside))
        assert model.distil(inside, found, score).item() == pytest.approx(0, abs=1e-5)
        assert model.distil(inside._replace(score=inside.score + 0.5), found, score).item() == pytest.approx(
            2.5, rel=1e-3
        )


def test_score_maps_of_another_grid_are_resampled():
    student = model_of("mobilenetv3small-pip")
    outputs, targets = student(images_of(2)), targets_of(2)
    found = student.decode(outputs)
    flat = torch.full((2, 70, 10, 10), 0.25)
    there = outputs._replace(score=torch.full_like(outputs.score, 0.25))
    low = student.distil(there, replace(found, landmarks=targets.landmarks), flat)
    assert low < student.distil(there, replace(found, landmarks=targets.landmarks), flat + 0.5)
    assert low.item() == pytest.approx(
        student.loss(there, targets).item() - 10 * (there.score - one_hot(student, targets)).square().mean().item(),
        rel=1e-4,
    )


def one_hot(model: LandmarkModel, targets: Targets) -> torch.Tensor:
    cells = ((targets.landmarks + 0.5) / model.input_size * 6).floor().clamp(0, 5).long()
    return torch.nn.functional.one_hot(cells[..., 1] * 6 + cells[..., 0], 36).float().view(*cells.shape[:2], 6, 6)


@pytest.mark.parametrize("size", [64, 128])
def test_a_teacher_may_see_larger_or_smaller_crops(size: int):
    """Its points come back in the student's pixels."""
    model = build_model(NAME, size, SCHEME).eval()
    found, score = teach(model).predict(images_of(2))
    with torch.no_grad():
        resized = torch.nn.functional.interpolate(images_of(2), (size, size), mode="bilinear", antialias=True)
        own = model.decode(model(resized)).landmarks
    torch.testing.assert_close((found.landmarks + 0.5) / 96, (own + 0.5) / size, atol=1e-4, rtol=1e-4)
    assert score is not None
    assert not score.requires_grad


def test_any_method_learns_a_teachers_points():
    student, found = (
        model_of("mobilenetv3small-coordinates"),
        teach(model_of("mobilenetv3small-pip")).predict(images_of(2)),
    )
    outputs = student(images_of(2))
    expected = student.loss(outputs, Targets(found[0].landmarks))
    torch.testing.assert_close(student.distil(outputs, *found), expected)


def test_what_a_student_learns_is_its_teachers_and_the_card_says_whose(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("fauxface.training.data.generator_of", lambda _: "11")  # as if they were our renders
    teacher = teacher_at(tmp_path / "teacher", 96)
    plain, taught = train(told(faces, tmp_path / "plain", None)), train(told(faces, tmp_path / "taught", teacher))
    unweighted = train(told(faces, tmp_path / "unweighted", teacher, teacher_weight=0.0))
    assert all(torch.equal(a, b) for a, b in zip(weights(plain).values(), weights(unweighted).values(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(weights(plain).values(), weights(taught).values(), strict=True))
    card = read_card(taught)
    assert card.lane == "clean"
    assert len(card.provenance["teacher"]["sha256"]) == 64
    assert card.provenance["teacher"]["model"] == NAME
    assert card.training["teacher_weight"] == 1.0
    research = teacher_at(tmp_path / "research", lane="research")
    assert read_card(train(told(faces, tmp_path / "bound", research, steps=1))).lane == "research"


def test_a_teacher_is_never_changed(tmp_path: Path):
    teacher = load_teacher(Scheduled(tmp_path, tmp_path, teacher=str(teacher_at(tmp_path / "t"))), SCHEME, "2d", CPU)
    assert teacher is not None
    before = {name: value.clone() for name, value in teacher.model.state_dict().items()}
    student = model_of("mobilenetv3small-pip").train()
    teacher.loss(student, student(images_of(2)), images_of(2)).backward()
    assert not teacher.model.training
    assert all(torch.equal(value, before[name]) for name, value in teacher.model.state_dict().items())
    assert all(p.grad is None for p in teacher.model.parameters())


def test_a_taught_run_that_was_stopped_ends_as_if_it_never_was(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    teacher = teacher_at(tmp_path / "teacher", 96)
    whole = train(told(faces, tmp_path / "whole", teacher, steps=6))
    monkeypatch.setattr(loop, "SAVE_SECONDS", -1.0)
    config = told(faces, tmp_path / "broken", teacher, steps=6)
    save_state = loop.save_state

    def stop(*given: Any) -> None:
        save_state(*given)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(loop, "save_state", stop)
        with pytest.raises(KeyboardInterrupt):
            train(config)
    broken = train(replace(config, resume=True))
    assert all(torch.equal(a, b) for a, b in zip(weights(whole).values(), weights(broken).values(), strict=True))
    teacher_at(teacher, 96, seed=2)
    with pytest.raises(ValueError, match="has other weights than when"):
        train(replace(config, resume=True))


@pytest.mark.parametrize(
    ("card", "options", "message"),
    [
        ({"labels": "projected"}, {}, "learned labels projected, the student learns 2d"),
        ({"crop": "level"}, {}, "learned crop level, the student learns box"),
        ({}, {"crop_margin": 1.5}, "learned crop margin 1.3, the student learns 1.5"),
    ],
)
def test_a_teacher_of_something_else_is_refused(card: dict, options: dict, message: str, tmp_path: Path):
    teacher = teacher_at(tmp_path / "teacher", **card)
    config = Scheduled(tmp_path, tmp_path / "run", teacher=str(teacher), **options)
    with pytest.raises(ValueError, match=message):
        load_teacher(config, SCHEME, "2d", CPU)


def test_bad_teachers_are_one_line_of_the_command(faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    common = ["train", "--data", str(faces), "--out", str(tmp_path / "run"), "--steps", "1", "--in-memory"]
    assert main([*common, "--model", NAME, "--teacher", str(tmp_path / "gone")]) == 2
    assert "no checkpoint" in capsys.readouterr().err.splitlines()[-1]
    assert main([*common, "--model", "one-stage", "--teacher", "fauxface-s"]) == 2
    assert main([*common, "--model", NAME, "--teacher", "fauxface-s", "--teacher-weight", "-1"]) == 2
    assert "--teacher-weight is a number from 0" in capsys.readouterr().err.splitlines()[-1]


def test_lanes():
    clean = Card("a", 1, "b", "2d", 1.3, "clean", "")
    assert lane_of(True, "random", clean) == "clean"
    assert lane_of(True, "random", replace(clean, lane="research")) == "research"
    assert lane_of(True, "hub", clean) == lane_of(False, "random", clean) == "research"
