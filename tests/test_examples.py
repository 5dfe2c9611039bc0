"""The programs in examples/, run as a user runs them."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
from clips import moving_faces, write_clip
from skimage import data as photographs

from fauxface.images import read_image, write_image

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name: str, *args: object, folder: Path, call: str = "") -> str:
    """The output of an example with these arguments; ``call``: its ``main`` called so instead."""
    code = ["-c", f"from pathlib import Path; import {name}; {name}.{call}"] if call else [EXAMPLES / f"{name}.py"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = os.pathsep.join([str(EXAMPLES), environment.get("PYTHONPATH", "")])
    command = [str(part) for part in (sys.executable, *code, *args)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_tried_here_and_says_how_to_run_it():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {"photo", "train_tiny", "video_table"}
    for path in EXAMPLES.glob("*.py"):
        assert f"Run it: python examples/{path.name} " in path.read_text()


def test_photo(tmp_path: Path):
    photo = photographs.astronaut()
    write_image(tmp_path / "photo.png", photo)
    lines = run("photo", "photo.png", "drawn.png", folder=tmp_path).splitlines()
    assert lines[0].startswith("face 1: 70 points")
    x, y = map(float, lines[3].removeprefix("  tip of the nose: ").split(","))
    assert (x, y) == pytest.approx((220, 130), abs=12)
    changed = (read_image(tmp_path / "drawn.png") != photo).any(-1)
    assert changed[100:200, 170:280].any()
    assert not changed[300:].any()


def test_train_tiny(tmp_path: Path):
    done = run("train_tiny", folder=tmp_path, call="main(Path('out'), count=20, size=64, samples=64)")
    assert done.startswith("mean error: ")
    assert done.endswith(", 2 faces\n")
    assert (tmp_path / "out" / "run" / "checkpoint" / "model.yaml").is_file()


def test_video_table(tmp_path: Path):
    write_clip(tmp_path / "clip.mp4", moving_faces(6, faces=2, width=480, height=270))
    run("video_table", "clip.mp4", "faces.csv", folder=tmp_path)
    with (tmp_path / "faces.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12
    assert {row["id"] for row in rows} == {"0", "1"}
    assert [float(row["seconds"]) for row in rows] == pytest.approx(
        [i / 30 for i in range(6) for _ in range(2)], abs=0.01
    )
    assert all(abs(float(row["yaw"])) < 30 and 0 <= float(row["mouth"]) < 1 for row in rows)
