"""Numbers out of range in every command and function, names that a terminal would obey, machines that lack things."""

from __future__ import annotations

import dataclasses
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pytest
import torch
from rich.console import Console
from rich.markup import render as as_rich

from fauxface.cli import COMMANDS, main
from fauxface.jobs import run_jobs
from fauxface.models import build_model
from fauxface.names import label, printable
from fauxface.ranges import Range, Threads, in_range
from fauxface.reports import Page
from fauxface.study import StudyConfig
from fauxface.training.config import TrainingConfig
from fauxface.training.ranks import check_accelerator

NEEDED = {
    "render": ["out", "--count", "1"],
    "train": ["--data", "data", "--out", "out"],
    "evaluate": ["run", "--data", "data"],
    "adapt": ["run", "--data", "data", "--out", "out"],
    "study": ["--data", "data", "--test", "test", "--out", "out"],
    "pack": ["data"],
    "predict": ["photo.jpg"],
    "convert": ["shot.json", "--to", "usd", "--out", "shot.usda"],
    "calibrate": ["run", "--data", "data"],
    "export": ["run", "--out", "out.onnx"],
    "audit": ["data"],
}


def numbers(hint: Any) -> list[tuple[type, Range | None]]:
    """Every int and float in a type hint, with its range."""
    if hint in (int, float):
        return [(hint, None)]
    if get_origin(hint) is Annotated:
        base, *extras = get_args(hint)
        found = [extra for extra in extras if isinstance(extra, Range)]
        return [(kind, found[0] if found else allowed) for kind, allowed in numbers(base)]
    return [found for part in get_args(hint) for found in numbers(part)]


def options() -> list[tuple[str, str, Range | None]]:
    """Command, option, range of every number that a command takes."""
    found = []
    for name, command in COMMANDS.items():
        hints = get_type_hints(command, include_extras=True)
        for hint in list(hints.values()):
            inner = get_args(hint)[0] if get_origin(hint) is Annotated else hint
            if dataclasses.is_dataclass(inner):
                hints |= get_type_hints(inner, include_extras=True)
        for option, hint in hints.items():
            found += [(name, f"--{option.replace('_', '-')}", allowed) for _, allowed in numbers(hint)]
    return found


OPTIONS = options()


def test_every_number_of_every_command_has_a_range():
    assert {name for name, _, _ in OPTIONS} >= {*NEEDED, "demo", "live", "models"}
    assert [(name, option) for name, option, allowed in OPTIONS if allowed is None] == []


@pytest.mark.parametrize(("command", "option", "allowed"), OPTIONS, ids=lambda v: str(v) if isinstance(v, str) else "")
def test_a_number_out_of_range_is_one_line_before_any_work(
    command: str, option: str, allowed: Range, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    bad = ["nan", "inf", "many", str(2**63), str(10**400), "9" * 5000, "1e400"]
    bad += [str(number) for number in (-1, 0) if not allowed.holds(number)]
    for word in bad:
        assert main([command, *NEEDED.get(command, []), f"{option}={word}"]) == 2, word
        told = capsys.readouterr().err
        assert told.count("\n") == 1, told
        assert told.startswith(f"fauxface: error: {option} is {allowed}, not "), told
        assert len(told) < 250
    assert list(tmp_path.iterdir()) == []


def test_both_ways_of_giving_a_number_and_several(capsys: pytest.CaptureFixture[str]):
    for words in (["--threads", "-1"], ["--threads", "x"], ["--threads=x"]):
        assert main(["predict", "photo.jpg", *words]) == 2
        assert "--threads is a whole number from 0 to 1,024, not " in capsys.readouterr().err
    assert main(["study", "--data", "d", "--test", "t", "--out", "o", "--images", "10", "1"]) == 2
    assert "--images is a whole number from 2 to 1,000,000,000, not 1" in capsys.readouterr().err


@pytest.mark.parametrize("value", [-1, 10**400, -(10**400), float("nan"), float("inf"), 2**63, "3", 1.5])
def test_functions_and_configurations_refuse_the_same(value: Any, tmp_path: Path):
    with pytest.raises(ValueError, match="--workers is a whole number from 0 to 1,024, not "):
        run_jobs(abs, [1], workers=value)
    with pytest.raises(ValueError, match="--seed is a whole number"):
        TrainingConfig(data=tmp_path, out=tmp_path, seed=value).scheduled().check()
    with pytest.raises(ValueError, match="--curve is a whole number"):
        StudyConfig(data=tmp_path, test=(tmp_path,), out=tmp_path, curve=(100, value)).check()


def test_ranges_hold_their_bounds():
    half = Range(0, 1, whole=False, open_high=True)
    assert half.holds(0)
    assert half.holds(0.999)
    assert not half.holds(1)
    assert str(half) == "a number from 0 below 1"
    above = Range(0, 10, whole=False, open_low=True)
    assert not above.holds(0)
    assert above.holds(10)

    @in_range
    def takes(name: str, threads: Threads | None = None, *more: Threads) -> str:
        return f"{name}{threads}"

    assert takes("a") == "aNone"
    assert takes("a", 3) == "a3"
    assert inspect.signature(takes).parameters.keys() == {"name", "threads", "more"}
    with pytest.raises(ValueError, match="not a negative number of about 401 digits"):
        takes("a", -(10**400))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
def test_an_accelerator_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    out = tmp_path / "run"
    assert main(["train", "--data", str(tmp_path), "--out", str(out), "--accelerator", "cuda"]) == 2
    assert "--accelerator cuda: torch finds no CUDA GPU here" in capsys.readouterr().err
    assert not out.exists()
    study = ["study", "--data", str(tmp_path), "--test", str(tmp_path), "--out", str(out), "--accelerator", "cuda"]
    assert main(study) == 2
    assert "--accelerator cuda: " in capsys.readouterr().err
    check_accelerator("cpu", 64)


def test_more_gpus_than_there_are(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    check_accelerator("cuda", 2)
    for accelerator in ("cuda", "auto"):
        with pytest.raises(ValueError, match="--devices 3: torch finds only 2"):
            check_accelerator(accelerator, 3)


@pytest.mark.parametrize("method", ["coordinates", "heatmaps"])
def test_a_backbone_that_cannot_take_the_size_names_those_that_it_takes(method: str):
    with pytest.raises(ValueError, match="the backbone vit_tiny_patch16_224 takes crops of 224 px, not of 128 px"):
        build_model(f"vit_tiny_patch16_224-{method}", 128, "ibug68")


NASTY = "a[/b][red]\x1b[31m\n\r\x07\u202e\u2028\udcff<i>&.png"


def test_names_are_shown_and_never_obeyed():
    shown = printable(NASTY)
    assert shown == r"a[/b][red]\x1b[31m\n\r\x07\u202e\u2028\udcff<i>&.png"
    shown.encode()
    assert printable("a\nb\x1b", keep="\n") == "a\nb\\x1b"
    assert printable("Zoë 顔 👩\u200d🔬 σ × ü.png") == "Zoë 顔 👩\u200d🔬 σ × ü.png"
    assert as_rich(label(NASTY)).plain == shown
    assert as_rich(label("a\\[b]")).plain == "a\\[b]"


def test_a_page_shows_names_and_obeys_none(tmp_path: Path):
    page = Page(NASTY, NASTY).table([(NASTY, 1)], header=("file", NASTY))
    page.save(tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    for character in "\x1b\x07\u202e\u2028\r":
        assert character not in text
    assert "<i>" not in text
    assert "\\x1b[31m\n\\r\\x07\\u202e\\u2028\\udcff&lt;i&gt;&amp;.png" in text  # a page's line end is a space


def test_a_progress_bar_takes_any_title(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    run_jobs(abs, [1], workers=1, title=f"rendering into {NASTY}")
    told = capsys.readouterr().err
    assert "[31m\n" not in told
    assert "\x07" not in told
    assert r"a[/b][red]\x1b[31m\n" in told.replace("\n", "") or Console().width < 80


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_messages_about_nasty_names_are_one_line(tmp_path: Path, encoding: str):
    for words in (["predict", NASTY], ["audit", NASTY], ["evaluate", "fauxface-s", "--data", NASTY], ["info", NASTY]):
        code = f"import sys; from fauxface.cli import main; sys.exit(main({words!a}))"
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            cwd=tmp_path,
            env={**_env(), "PYTHONIOENCODING": encoding},
        )
        assert done.returncode == 2, done.stderr
        told = done.stderr.decode(encoding)
        assert told.startswith("fauxface: error: ")
        assert told.count("\n") == 1
        assert "\x1b" not in told
        assert "\x07" not in told


def _env() -> dict[str, str]:
    import os

    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
