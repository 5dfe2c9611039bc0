"""Other packages add methods and schemes by entry points: a fake one is put on the path and used by the commands."""

import subprocess
import sys
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from fake_data import write_face_synthetics

from fauxface.models.losses import LOSSES
from fauxface.training import TrainingConfig

MODULE = """
from dataclasses import replace
from fauxface.landmarks import IBUG68
from fauxface.models.pip import Pip

class Coarse(Pip):
    paper = "nobody's"

NOSE = replace(IBUG68, name="nose68")
LIAR = IBUG68
WORD = "a word"
"""
POINTS = """[fauxface.methods]
coarse = strangers:Coarse
word = strangers:WORD
wrong = strangers:NOSE
broken = strangers_that_are_not_there:Nothing

[fauxface.schemes]
nose68 = strangers:NOSE
liar68 = strangers:LIAR
broken68 = strangers_that_are_not_there:Nothing
"""


@pytest.fixture
def strangers(tmp_path, monkeypatch) -> Path:
    """A distribution as pip would have installed it, on the path of the processes that the test starts."""
    folder = tmp_path / "site"
    about = folder / "strangers-1.0.dist-info"
    about.mkdir(parents=True)
    (folder / "strangers.py").write_text(MODULE)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: strangers\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(POINTS)
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=":")
    monkeypatch.setenv("FAUXFACE_CACHE", str(tmp_path / "cache"))
    return folder


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_method_of_another_package_trains_and_is_loaded_again(strangers, tmp_path):
    data = write_face_synthetics(tmp_path / "faces", 6, size=64)
    options = ["--steps", "2", "--batch", "2", "--input-size", "64", "--accelerator", "cpu", "--threads", "1"]
    model = ["--model", "mobilenetv3small-coarse"]
    command = ["train", "--data", str(data), "--out", str(tmp_path / "run"), *model, *options]
    out = run(
        f"from fauxface.cli import main; assert main({command!r}) == 0;"
        "from fauxface.checkpoint import load_checkpoint;"
        f"model, card = load_checkpoint({str(tmp_path / 'run')!r});"
        "print(type(model).__module__, type(model).__name__, card.model)"
    )
    assert out.split()[-3:] == ["strangers", "Coarse", "mobilenetv3small-coarse"]


def test_a_scheme_of_another_package_is_known(strangers):
    out = run(
        "from fauxface.landmarks import scheme_of; from fauxface.models import build_model;"
        "print(scheme_of('nose68').count, build_model('mobilenetv3small-pip', 64, 'nose68').scheme)"
    )
    assert out.split() == ["68", "nose68"]


ERRORS = {
    "build_model('resnet18-word', 64, 'ibug68')": "'word' of the package strangers (fauxface.methods: strangers:WORD)",
    "build_model('resnet18-wrong', 64, 'ibug68')": "'wrong' of the package strangers",
    "build_model('resnet18-broken', 64, 'ibug68')": "cannot be loaded: No module named 'strangers_that_are_not_there'",
    "build_model('resnet18-guess', 64, 'ibug68')": "<backbone>-pip, <backbone>-broken, <backbone>-coarse",
    "scheme_of('liar68')": "the landmark scheme 'liar68' of another package calls itself 'ibug68'",
    "scheme_of('broken68')": "'broken68' of the package strangers (fauxface.schemes: ",
    "scheme_of('nobody')": "unknown landmark scheme 'nobody'; there are ibug68, ",
    "scheme_of('nothing')": ", broken68, liar68, nose68",
}


def test_what_is_wrong_with_another_package_is_one_line(strangers):
    code = (
        "from fauxface.landmarks import scheme_of\nfrom fauxface.models import build_model\n"
        f"for asked in {list(ERRORS)!r}:\n"
        "    try: eval(asked)\n    except ValueError as error: print(error)\n    else: print('no error')\n"
    )
    lines = run(code).splitlines()
    assert len(lines) == len(ERRORS)
    for line, message in zip(lines, ERRORS.values(), strict=True):
        assert message in line


def test_the_commands_losses_are_the_models():
    assert get_args(get_type_hints(TrainingConfig)["loss"]) == (*LOSSES, "gaussian")
