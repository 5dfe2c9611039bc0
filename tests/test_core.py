"""The light core: what works where no extra is installed, and the line that asks for an extra."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_data import write_face_synthetics, write_ibug
from skimage import data as photographs

import fauxface
from fauxface import extras
from fauxface.checkpoint import SHIPPED, load_checkpoint, parameter_count, read_card, save_checkpoint, stored_weights
from fauxface.cli import COMMANDS
from fauxface.hashing import weights_hash, weights_of
from fauxface.images import write_image
from fauxface.inference import Landmarker
from fauxface.models import MODELS, build_model
from fauxface.models.listing import listed_facts
from fauxface.models.table import describe_all

ABSENT = sorted({module for modules in extras.EXTRAS.values() for module in modules})
"""Every module of an extra."""
PROGRAM = """
import contextlib, io, json, sys, traceback

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from fauxface.cli import main

done = []
for line in json.load(sys.stdin):
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            status = main(line.split())
        except SystemExit as error:
            status = error.code or 0
        except BaseException:
            status = traceback.format_exc()
    done.append([status, out.getvalue(), err.getvalue()])
print(json.dumps(done))
"""
WORK = (
    "predict astronaut.png --out drawn --json faces.json",
    "evaluate fauxface-s --data photos --json scores.json",
    "evaluate fauxface-s --data photos --box detector",
    "info",
    "info fauxface-s",
    "models",
    *(f"{command} --help" for command in COMMANDS),
)
"""Commands of the light core."""
ASK = {
    "demo": "demo",
    "render out --count 1": "render",
    "train --data faces --out run": "train",
    "adapt fauxface-s --data photos --out adapter": "train",
    "study --data faces --test photos --out study": "train",
    "calibrate fauxface-s --data faces": "train",
    "export fauxface-s --out a.onnx": "train",
    "models --input-size 64": "train",
    "predict photos --checkpoint bare --json bare.json": "train",
    "audit faces": "figures",
    "evaluate fauxface-s --data photos --out figures": "figures",
    "live --browser": "live",
    "predict clip.mp4": "live",
    "predict astronaut.png --detector retinaface --json r.json": "retinaface",
    "evaluate fauxface-s --data photos --box detector --detector retinaface": "retinaface",
}
"""Command → the extra that it asks for."""


def python(code: str, folder: Path, lines: object = ()) -> Any:
    """What a program prints, as JSON; it gets ``lines`` as JSON."""
    environment = {**os.environ, "FAUXFACE_CACHE": str(folder / "cache"), "COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(lines),
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("core")
    write_ibug(folder / "photos", 2)
    write_face_synthetics(folder / "faces", 3)
    write_image(folder / "astronaut.png", photographs.astronaut())
    shutil.copy(folder / "astronaut.png", folder / "clip.mp4")
    shutil.copytree(SHIPPED / "fauxface-s", folder / "bare", ignore=shutil.ignore_patterns("*.onnx"))
    return folder


@pytest.fixture(scope="module")
def done(folder: Path) -> dict[str, tuple[int | str, str, str]]:
    """Command → its status, output and error output, where no extra is installed."""
    lines = [*WORK, *ASK]
    found = python(f"ABSENT = {ABSENT}\n{PROGRAM}", folder, lines)
    return {line: tuple(one) for line, one in zip(lines, found, strict=True)}


@pytest.mark.parametrize("line", WORK)
def test_the_core_works_without_any_extra(line: str, done: dict[str, tuple[int | str, str, str]], folder: Path):
    status, out, err = done[line]
    assert status == 0, err
    assert out
    if line.startswith("predict"):
        [photo] = json.loads((folder / "faces.json").read_text())["images"]
        wanted = Landmarker.load("fauxface-s", backend="torch")(photographs.astronaut())
        np.testing.assert_allclose(photo["faces"][0]["landmarks"], wanted[0].landmarks, atol=0.05)
        assert (folder / "drawn" / "astronaut.png").stat().st_size > 10_000
    if "--json scores" in line:
        assert json.loads((folder / "scores.json").read_text())["n"] == 2
    if line == "info":
        assert "torch device         none: it needs torch: pip install 'fauxface[train]'" in out.splitlines()
        missing = "the detector retinaface needs retinaface: pip install 'fauxface[retinaface]'"
        assert f"detector retinaface  none: {missing}" in out.splitlines()


@pytest.mark.parametrize(("line", "extra"), ASK.items())
def test_other_commands_ask_for_their_extra(line: str, extra: str, done: dict[str, tuple[int | str, str, str]]):
    status, out, err = done[line]
    assert (status, out) == (2, "")
    assert re.fullmatch(rf"fauxface: error: .+ needs? .+: pip install 'fauxface\[{extra}\]'\n", err), err


def test_predicting_imports_nothing_heavy(folder: Path):
    """Where all is installed, too; also by a run's checkpoint, once it has been exported."""
    heavy = ("torch", "timm", "anny", "scipy", "onnx", "skimage", "matplotlib", "av", "moderngl", "lightning_fabric")
    code = (
        "import json, sys; from fauxface.cli import main; lines = json.load(sys.stdin); sys.stderr.write(str(lines));"
        "out = sys.stdout; sys.stdout = sys.stderr; status = [main(line.split()) for line in lines];"
        f"out.write(json.dumps([status, [m for m in {heavy} if m in sys.modules]]))"
    )
    assert python(code, folder, ["predict astronaut.png --out d --json a.json"]) == [[0], []]
    first, second = (python(code, folder, [f"predict astronaut.png --checkpoint bare --json {n}.json"]) for n in "bc")
    assert (first[0], second) == ([0], [[0], []])
    assert "torch" in first[1]


def test_extras_are_those_of_the_package():
    project = tomllib.loads((Path(fauxface.__file__).parents[1] / "pyproject.toml").read_text())["project"]
    declared: dict[str, list[str]] = project["optional-dependencies"]
    packages = packages_distributions()

    def brought(extra: str) -> set[str]:
        found: set[str] = set()
        for line in declared[extra]:
            name = re.split(r"[><=]", line)[0]
            inner = re.fullmatch(r"fauxface\[(.+)\]", name)
            found |= set().union(*map(brought, inner[1].split(","))) if inner else {name.lower()}
        return found

    for extra, modules in extras.EXTRAS.items():
        for module in modules:
            # a module that is not installed here is compared by its own name
            names = {name.lower().replace("_", "-") for name in packages.get(module, [module])}
            assert names & brought(extra), f"{module} is in the extra {extra} of fauxface/extras.py alone"
    core = {re.split(r"[><=]", line)[0] for line in project["dependencies"]}
    assert core.isdisjoint(set().union(*map(brought, extras.EXTRAS))), "an extra's package is in the core"
    people = {"docs", "dev", "all"}
    assert declared.keys() - people == extras.EXTRAS.keys()
    assert set().union(*(brought(extra) for extra in extras.EXTRAS)) <= brought("all")


def test_a_library_user_is_told_the_extra():
    code = (
        f"ABSENT = {ABSENT}\n{PROGRAM.partition('done =')[0]}\nimport fauxface\n"
        "try:\n    from fauxface.checkpoint import load_checkpoint\n"
        "except ModuleNotFoundError as error:\n    print(json.dumps([error.name, str(error)]))"
    )
    wanted = "fauxface.checkpoint.load_checkpoint needs torch: pip install 'fauxface[train]'"
    assert python(code, Path()) == ["torch", wanted]


def test_listed_models_are_as_shipped():
    assert listed_facts() == describe_all(), "run: python tools/model_facts.py"


@pytest.mark.parametrize("name", ["mobilenetv2-heatmaps", "mobilenetv3small-pip", "resnet18-coordinates"])
def test_weights_are_told_without_torch(name: str, tmp_path: Path):
    from fauxface.checkpoint import card_of

    assert name in MODELS
    options = {"loss": "gaussian"} if name.endswith("coordinates") else {}
    model = build_model(name, 64, "face_synthetics70", **options)
    save_checkpoint(tmp_path, model, card_of(model, "2d", 1.3, "clean"), half=True)
    rounded = load_checkpoint(tmp_path)[0]
    assert parameter_count(tmp_path) == sum(parameter.numel() for parameter in rounded.parameters())
    assert weights_hash(stored_weights(tmp_path)) == weights_hash(weights_of(rounded))


def test_an_onnx_file_of_another_card_is_refused(tmp_path: Path):
    shutil.copytree(SHIPPED / "fauxface-s", tmp_path / "other")
    card = tmp_path / "other" / "model.yaml"
    card.write_text(card.read_text().replace("crop_margin: 1.3", "crop_margin: 1.6", 1))
    assert read_card(tmp_path / "other").crop_margin == 1.6
    with pytest.raises(
        ValueError, match=r"model\.onnx: not this checkpoint's model: its crop_margin is '?1\.3'?, .*1\.6"
    ):
        Landmarker.load(tmp_path / "other")


def test_the_detector_and_the_landmark_model_are_not_confused_without_torch():
    with pytest.raises(ValueError, match="pass it to --detector"):
        Landmarker.load("fauxface-detector")
    with pytest.raises(ValueError, match="is not a face detector"):
        Landmarker.load("fauxface-s", detector=str(SHIPPED / "fauxface-s"))
