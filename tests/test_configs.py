"""One configuration a command: the same dataclass for the command line and the library, its choices the registries'."""

from __future__ import annotations

import ast
import dataclasses
import re
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

import fauxface
from fauxface.cli import COMMANDS, main
from fauxface.datasets import FORMATS
from fauxface.evaluation import EvaluationConfig, adapt, evaluate
from fauxface.inference import DETECTORS, PredictionConfig
from fauxface.rendering import render_dataset
from fauxface.study import StudyConfig
from fauxface.training import TrainingConfig

PACKAGE = Path(fauxface.__file__).parent
POSITIONAL = {
    "sources": ["SOURCE"],
    "checkpoint": ["CHECKPOINT"],
    "out": ["OUT"],
    "data": ["DIR", "[DIR]"],
    "predictions": ["PREDICTIONS.json"],
}
"""Field → its names in the help where it is no option."""
MOST_PARAMETERS = 12
MOST_POSITIONAL = 10


def config_of(command: str) -> Any:
    """The dataclass among a command's parameters, or None."""
    return next((hint for hint in get_type_hints(COMMANDS[command]).values() if dataclasses.is_dataclass(hint)), None)


WITH_CONFIG = [command for command in COMMANDS if config_of(command) is not None]


def help_of(command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """A command's help, on lines long enough for every sentence."""
    monkeypatch.setenv("COLUMNS", "400")
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    assert end.value.code == 0
    return capsys.readouterr().out


def test_the_commands_with_many_options_have_one():
    assert {"render", "pack", "train", "evaluate", "adapt", "study", "predict", "live", "audit"} <= set(WITH_CONFIG)


@pytest.mark.parametrize("command", WITH_CONFIG)
def test_every_field_is_an_option_with_a_sentence(command: str, capsys, monkeypatch):
    lines = [line.strip(" │|") for line in help_of(command, capsys, monkeypatch).splitlines()]
    starts = {line.split(" ")[0]: number for number, line in enumerate(lines) if line}  # options come after examples
    for field in dataclasses.fields(config_of(command)):
        if field.name == "device":  # for programs alone
            assert "--device" not in starts
            continue
        option = field.name.replace("_", "-")  # one that is on can only be turned off
        names = {f"--no-{option}" if field.default is True else f"--{option}", *POSITIONAL.get(field.name, ())}
        (name,) = names & starts.keys()
        sentence = re.split(r"\((?:required|default: )", " ".join(lines[starts[name] :]))[0]
        assert re.search(r"[A-Z][^.]* .*[.)] $", sentence), f"{field.name}: {sentence}"


@pytest.mark.parametrize("command", COMMANDS)
def test_an_option_that_may_be_left_out_looks_like_any_other(command: str, capsys, monkeypatch):
    assert "{None}" not in help_of(command, capsys, monkeypatch)


def test_choices_come_from_the_registries(capsys, monkeypatch):
    from fauxface.models.losses import LOSSES
    from fauxface.models.necks import NeckName

    hints = get_type_hints(TrainingConfig)
    assert set(get_args(hints["loss"])) == {*LOSSES, "gaussian"}
    assert set(get_args(hints["neck"])) == {NeckName, type(None)}
    for name in ("schedule", "accelerator", "labels"):
        assert get_type_hints(StudyConfig)[name] == hints[name], name
    text = help_of("evaluate", capsys, monkeypatch)
    assert "--format {" + ",".join(("auto", *FORMATS)) + "}" in text
    assert "--detector {" + ",".join(DETECTORS) + "}" in text
    assert "--labels {2d,projected}" in text


def test_every_detector_of_the_list_is_known(monkeypatch):
    """The list costs no torch, so it stands away from the function that makes detectors."""
    from fauxface.inference import RetinaFace, load_detector
    from fauxface.inference.detectors import CheckedDetector

    monkeypatch.setattr(CheckedDetector, "load", lambda threads: "checked")
    assert [type(load_detector(name, threads=1)) for name in DETECTORS] == [str, RetinaFace]
    with pytest.raises(ValueError, match=f"unknown detector 'eyes'; there are {', '.join(DETECTORS)}, "):
        load_detector("eyes")


def test_none_can_be_written_and_a_wrong_choice_is_refused(capsys, monkeypatch):
    seen: list[EvaluationConfig] = []

    class Done:
        def table(self) -> str:
            return "done"

    monkeypatch.setattr("fauxface.evaluation.run_evaluation", lambda config: seen.append(config) or Done())
    words = ["evaluate", "run", "--data", "faces", "--threads", "2", "--skip-bad"]
    assert main([*words, "--labels", "None", "--split", "None", "--json", "None"]) == 0
    assert main([*words, "--labels", "2d", "--split", "afw", "--json", "a.json"]) == 0
    plain = EvaluationConfig("run", Path("faces"), threads=2, skip_bad=True)
    assert seen == [plain, dataclasses.replace(plain, labels="2d", split="afw", json=Path("a.json"))]
    with pytest.raises(SystemExit) as end:
        main([*words, "--labels", "3d"])
    assert end.value.code == 2
    assert "'3d'" in capsys.readouterr().err


def test_a_setting_that_is_none_is_a_type_error(tmp_path: Path):
    with pytest.raises(TypeError, match="'boxes'"):
        evaluate("run", tmp_path, boxes="detector")
    with pytest.raises(TypeError, match="'fold'"):
        adapt("run", tmp_path, None, fold=3)
    with pytest.raises(TypeError, match="'label'"):
        render_dataset(tmp_path / "out", 1, label="depth")
    assert list(tmp_path.iterdir()) == []


def test_drawings_go_to_a_folder_unless_json_alone_is_wanted():
    photo = PredictionConfig(("photo.jpg",))
    assert photo.drawings == Path("predictions")
    assert dataclasses.replace(photo, json=Path("-")).drawings is None
    assert dataclasses.replace(photo, jsonl=Path("-")).drawings is None
    assert dataclasses.replace(photo, json=Path("-"), out=Path("o")).drawings == Path("o")


def test_no_function_takes_a_long_list_of_arguments():
    long = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                if len(every) > MOST_PARAMETERS:
                    long.append(f"{path.relative_to(PACKAGE)}: {node.name} has {len(every)} parameters")
            elif isinstance(node, ast.Call) and len(node.args) > MOST_POSITIONAL:
                long.append(f"{path.relative_to(PACKAGE)}:{node.lineno} passes {len(node.args)} by position")
    assert long == []
