"""`train --logger`: what TensorBoard, MLflow and Weights & Biases are told is what the run's log says."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fake_data import write_face_synthetics

from fauxface.training import TrainingConfig, train
from fauxface.training.log import COLUMNS
from fauxface.training.loggers import TENSORBOARD, check_logger


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> TrainingConfig:
    faces = write_face_synthetics(tmp_path_factory.mktemp("data") / "faces", 20, size=64)
    sizes: dict[str, Any] = {"batch": 8, "input_size": 32, "threads": 1, "workers": 1, "accelerator": "cpu"}
    return TrainingConfig(faces, faces.parent / "run", "mobilenetv3small-coordinates", steps=6, in_memory=True, **sizes)


def rows(run: Path) -> list[dict[str, float]]:
    with (run / "log.csv").open() as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


class Told:
    """A stand-in for mlflow or wandb: it keeps what it is told."""

    def __init__(self) -> None:
        self.values: list[tuple[int, dict[str, float]]] = []
        self.settings: dict[str, Any] = {}
        self.names: dict[str, Any] = {}
        self.open = 0

    @contextmanager
    def begin(self, settings: dict[str, Any] | None = None, **names: Any) -> Iterator[Told]:
        self.names, self.settings = names, settings or {}
        self.open += 1
        yield self
        self.open -= 1

    def log(self, values: dict[str, float], step: int) -> None:
        assert self.open == 1
        self.values.append((step, values))


def stand_in(name: str, told: Told) -> ModuleType:
    module: Any = ModuleType(name)
    module.__spec__ = type(sys.__spec__)(name, None)
    if name == "mlflow":
        module.start_run, module.log_metrics, module.log_params = told.begin, told.log, told.settings.update
    else:
        module.init = lambda config, **names: told.begin(config, **names)
    return module


@pytest.mark.parametrize("name", ["mlflow", "wandb"])
def test_stand_ins_are_told_the_log(name: Any, config: TrainingConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    told = Told()
    monkeypatch.setitem(sys.modules, name, stand_in(name, told))
    run = train(replace(config, out=tmp_path / "run", logger=name))
    expected = [(row.pop("step"), row) for row in rows(run)]
    assert expected
    assert [(step, pytest.approx(values, rel=1e-4)) for step, values in told.values] == expected
    assert (told.open, told.names.get("run_name", told.names.get("name"))) == (0, "run")


def test_tensorboard_shows_the_log_and_a_resumed_run_goes_on(config: TrainingConfig, tmp_path: Path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    began = replace(config, out=tmp_path / "run", logger="tensorboard")
    run = train(began)
    train(replace(began, resume=True))  # finished: nothing is told twice
    shown = EventAccumulator(str(run / TENSORBOARD))
    shown.Reload()
    expected = rows(run)
    for name in set(COLUMNS) - {"step"}:
        events = shown.Scalars(name)
        assert [event.step for event in events] == [row["step"] for row in expected]
        assert [event.value for event in events] == pytest.approx([row[name] for row in expected], rel=1e-4)


def test_a_logger_may_change_when_a_run_is_resumed(config: TrainingConfig, tmp_path: Path):
    run = train(replace(config, out=tmp_path / "run"))
    assert not (run / TENSORBOARD).exists()
    train(replace(config, out=run, logger="tensorboard", resume=True))


@pytest.mark.parametrize("name", ["tensorboard", "mlflow", "wandb"])
def test_a_missing_package_is_one_line_before_the_work(
    name: Any, config: TrainingConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("fauxface.training.loggers.find_spec", lambda _: None)
    with pytest.raises(ValueError, match=rf"^--logger {name} needs a package: pip install {name}$"):
        train(replace(config, out=tmp_path / "run", logger=name))
    assert not (tmp_path / "run").exists()
    check_logger(None)
