"""Recipes: the files in recipes/ are what the commands take, and `train --config FILE` reads a run's settings."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from fake_data import write_face_synthetics

from fauxface import cli
from fauxface.rendering import load_recipe
from fauxface.training import TrainingConfig
from fauxface.training.config_file import read_settings

RECIPES = Path(__file__).parents[1] / "recipes"
OTHER = TrainingConfig(
    data=Path("faces"),
    out=Path("run"),
    images=3,
    samples=9,
    labels="2d",
    resume=True,
    stride=64,
    lr=1e-3,
    precision="32",
    packs=Path("packs"),
    crop="five-points",
)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[TrainingConfig]:
    """The configurations that the command would train with."""
    configs: list[TrainingConfig] = []
    monkeypatch.setattr("fauxface.training.train", configs.append)
    return configs


def recipe(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("path", sorted((RECIPES / "training").iterdir()), ids=lambda path: path.name)
def test_our_training_recipes_can_be_trained(path: Path):
    TrainingConfig(**read_settings(path)).scheduled().check()


@pytest.mark.parametrize("path", sorted((RECIPES / "rendering").iterdir()), ids=lambda path: path.name)
def test_our_rendering_recipes_can_be_read_by_their_earlier_paths_too(path: Path):
    assert load_recipe(path) == load_recipe(RECIPES / path.name) != load_recipe(None)


def test_a_recipe_that_is_nowhere_is_named_as_it_was_given(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=str(tmp_path / "recipes" / "none.yaml")):
        load_recipe(tmp_path / "recipes" / "none.yaml")


@pytest.mark.parametrize("config", [TrainingConfig(Path("faces"), Path("run")), OTHER, OTHER.scheduled()])
def test_what_a_run_writes_can_be_read(config: TrainingConfig, tmp_path: Path):
    settings = read_settings(recipe(tmp_path, yaml.safe_dump(config.as_dict())))
    assert type(config)(**settings) == config


def test_numbers_and_names_as_people_write_them(tmp_path: Path):
    settings = read_settings(recipe(tmp_path, "lr: 1e-3\nema: 0\nprecision: 32\nstride: 64\naugment: none\n"))
    assert settings == {"lr": 1e-3, "ema": 0.0, "precision": "32", "stride": 64, "augment": "none"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("learning_rate: 0.1", "there is no 'learning_rate'; a training recipe knows data, out, model"),
        ("3: 4", "a name that is not text"),
        ("lr: quick", "'lr' is a number, not 'quick'"),
        ("lr: true", "'lr' is a number, not True"),
        ("lr: [1]", r"'lr' is a number, not \[1\]"),
        ("batch: 2.5", "'batch' is a whole number, not 2.5"),
        ("seed: null", "'seed' is a whole number, not None"),
        ("resume: 1", "'resume' is true or false, not 1"),
        ("data: 5", "'data' is a path, not 5"),
        ("loss: l3", "'loss' is one of smooth_l1, l1, l2, wing, gaussian, not 'l3'"),
        ("[1, 2]", "not a mapping of names to values"),
        ("", "not a mapping of names to values"),
        ("a: [", "not readable as YAML"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line_that_names_the_file(
    text: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = recipe(tmp_path, text)
    with pytest.raises(ValueError, match=says) as caught:
        read_settings(path)
    assert str(caught.value).startswith(str(path))
    assert cli.main(["train", "--config", str(path), "--data", "faces", "--out", "run"]) == 2
    assert [str(path) in line for line in capsys.readouterr().err.splitlines()] == [True]


def test_a_file_that_is_not_there(capsys: pytest.CaptureFixture[str]):
    assert cli.main(["train", "--config", "nowhere.yaml"]) == 2
    assert re.fullmatch(r"fauxface: error: nowhere\.yaml: .*no such file.*\n", capsys.readouterr().err, re.IGNORECASE)


def test_the_command_line_comes_before_the_file(tmp_path: Path, trained: list[TrainingConfig]):
    path = recipe(tmp_path, yaml.safe_dump(OTHER.as_dict()))
    assert cli.main(["train", "--config", str(path)]) == 0
    assert cli.main(["train", f"--config={path}", "--out", "elsewhere", "--lr", "0.1", "--no-resume"]) == 0
    assert cli.main(["train", "--config", str(path), "--epochs=4"]) == 0  # one budget in the place of another
    assert trained == [
        OTHER,
        replace(OTHER, out=Path("elsewhere"), lr=0.1, resume=False),
        replace(OTHER, epochs=4, samples=None),
    ]


def test_what_neither_says_is_asked_for(tmp_path: Path, trained: list[TrainingConfig], capsys):
    path = recipe(tmp_path, "model: resnet18-pip")
    with pytest.raises(SystemExit, match="2"):
        cli.main(["train", "--config", str(path), "--data", "faces"])
    assert "--out" in capsys.readouterr().err
    assert cli.main(["train", "--config", str(path), "--data", "faces", "--out", "run"]) == 0
    assert trained == [TrainingConfig(Path("faces"), Path("run"), model="resnet18-pip")]


def test_a_run_of_a_recipe(tmp_path: Path):
    """The run keeps what it was trained with, not the recipe's name: its own config.yaml trains it again."""
    write_face_synthetics(tmp_path / "faces", 6)
    settings = {"data": str(tmp_path / "faces"), "out": str(tmp_path / "run"), "model": "mobilenetv3small-coordinates"}
    path = recipe(tmp_path, yaml.safe_dump(settings | {"input_size": 64, "steps": 2, "batch": 2, "threads": 1}))
    assert cli.main(["train", "--config", str(path)]) == 0
    config = tmp_path / "run" / "config.yaml"
    assert cli.main(["train", "--config", str(config), "--out", str(tmp_path / "again")]) == 0
    first, again = (yaml.safe_load((tmp_path / name / "config.yaml").read_text()) for name in ("run", "again"))
    assert first | {"out": again["out"]} == again
