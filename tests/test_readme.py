"""The README's commands, run as they stand there, in small sizes."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from fake_data import write_ibug
from skimage import data as photographs

from fauxface.cli import COMMANDS
from fauxface.images import write_image

README = Path(__file__).parents[1] / "README.md"

# What is made small, and why; everything else is run as it is written.
SUBSTITUTIONS: list[tuple[str, str]] = [
    (r"--count 4000 --size 256", "--count 8 --size 96"),  # minutes of rendering
    (r"--count 300 --size 256", "--count 20 --size 96"),
    (r"--samples 400000", "--samples 16 --batch 8 --input-size 64"),  # half an hour of training
    (r"--images 1000 4000", "--images 8 --policies none --seeds 1 --samples 8 --batch 4 --input-size 64"),  # hours
    (r"fauxface demo --out demo", "fauxface demo --quick --out demo"),  # ten minutes
]
# What another test or CI shows: fetching, installing, and the page that stays up until it is stopped.
ELSEWHERE = ("git clone", "make ", "fauxface live")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE)


def commands() -> list[str]:
    lines = [line[2:] for block in blocks("console") for line in block.splitlines() if line.startswith("$ ")]
    return [line for line in lines if not line.startswith(ELSEWHERE)]


def small(text: str) -> str:
    for long, short in SUBSTITUTIONS:
        text = re.sub(long, short, text)
    return text


def test_every_command_is_shown():
    lines = [line for block in blocks("console") for line in block.splitlines()]
    shown = {shlex.split(line)[2] for line in lines if line.startswith("$ fauxface ")}
    assert shown >= COMMANDS.keys()


def test_every_substitution_is_needed():
    text = "\n".join([*commands(), *blocks("python")])
    assert [long for long, _ in SUBSTITUTIONS if not re.search(long, text)] == []


def test_pictures_and_files_that_it_names_are_there():
    names = re.findall(r"\]\(([^)#:]+)\)", README.read_text())
    assert [name for name in names if not (README.parent / name).exists()] == []


def test_the_commands_run(tmp_path: Path):
    write_image(tmp_path / "photo.jpg", photographs.astronaut())
    write_ibug(tmp_path / "300w" / "afw", 4)
    write_ibug(tmp_path / "300w" / "lfpw" / "trainset", 20, seed=1)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1", "FAUXFACE_CACHE": str(tmp_path / "cache")}
    for line in commands():
        words = shlex.split(small(line))
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, env=environment, timeout=400)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    for code in blocks("python"):
        done = subprocess.run(
            [sys.executable, "-c", small(code)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env=environment,
            timeout=100,
        )
        assert done.returncode == 0, f"{code}\n{done.stderr}"
    assert (tmp_path / "demo" / "report.html").is_file()
    assert (tmp_path / "drawn" / "photo.jpg").is_file()


@pytest.mark.parametrize("line", commands())
def test_no_command_names_what_is_not_there(line: str):
    assert shlex.split(line)[0] == "fauxface"
