"""Fauxface as a user's program sees it: its public names, their types, and an import that costs next to nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from skimage import data as photographs

import fauxface
from fauxface.images import write_image

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))
PROGRAM = """\
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fauxface import Face, Landmarker, TrainingConfig, evaluate, read_image, render_dataset, train


def width(face: Face) -> float:
    return float(face.box[2] - face.box[0])


def tour(out: Path) -> dict[str, object]:
    render_dataset(out / "faces", 8, size=64)
    run: Path = train(TrainingConfig(data=out / "faces", out=out / "run", steps=2))
    return evaluate(run, out / "faces").as_json()


image: np.ndarray = read_image(Path("photo.jpg"))
landmarker = Landmarker.load("fauxface-s", threads=1)
faces: list[Face] = landmarker(image)
same: list[Face] = landmarker("photo.jpg")
assert same[0].scheme == faces[0].scheme
many: list[list[Face]] = landmarker(["photo.jpg", Path("photo.jpg"), image])
lazy: Iterator[list[Face]] = landmarker(path for path in (Path("photo.jpg"),))
assert many[0] == many[1] == next(lazy)
print([(width(face) > 0, face.landmarks.shape) for face in faces])
"""
WRONG = """\
import fauxface

fauxface.Landmarker.load(checkpoint=3)
fauxface.train("faces")
fauxface.landmarks_of
"""


def python(code: str, folder: Path) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout


def type_errors(code: str, folder: Path) -> list[tuple[int, str]]:
    """Line (from 1) and rule of what pyright finds wrong with programs that lie outside the project."""
    (folder / "program.py").write_text(code)
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=200)
    found = json.loads(done.stdout)["generalDiagnostics"]
    return [(one["range"]["start"]["line"] + 1, one["rule"]) for one in found if one["severity"] == "error"]


def test_users_programs_have_types(tmp_path: Path):
    for example in EXAMPLES:
        (tmp_path / example.name).write_text(example.read_text())
    assert type_errors(PROGRAM, tmp_path) == []


def test_a_users_mistakes_are_found(tmp_path: Path):
    """Were a public name untyped, or `__getattr__` seen by the type checker, these would pass."""
    assert type_errors(WRONG, tmp_path) == [
        (3, "reportArgumentType"),
        (4, "reportArgumentType"),
        (5, "reportAttributeAccessIssue"),
    ]


def test_a_users_program_runs(tmp_path: Path):
    write_image(tmp_path / "photo.jpg", photographs.astronaut())
    assert python(PROGRAM, tmp_path).strip() == "[(True, (70, 2))]"


def test_the_import_is_light(tmp_path: Path):
    heavy = "[name for name in ('numpy', 'torch', 'cv2', 'PIL', 'yaml', 'tyro') if name in sys.modules]"
    assert python(f"import sys, fauxface; print({heavy})", tmp_path).strip() == "[]"


@pytest.mark.parametrize("name", fauxface.__all__)
def test_every_public_name_is_there_and_explained(name: str):
    assert getattr(fauxface, name).__doc__
    assert name in dir(fauxface)


def test_what_is_not_there_is_an_attribute_error():
    assert not hasattr(fauxface, "landmarks_of")
    assert (Path(fauxface.__file__).parent / "py.typed").is_file()
