"""The programs in examples/, run as a user runs them."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clips import moving_faces, write_clip
from pxr import Gf, Usd, UsdGeom
from skimage import data as photographs
from test_interchange import keys, nodes_of

from fauxface.cli import main
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
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {"photo", "shot", "train_tiny", "video_table"}
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


def test_shot_to_usd_and_nuke(tmp_path: Path):
    """A rendered shot of a head that turns, followed, converted and opened again."""
    run("shot", "shot", "--frames", "3", "--size", "256", folder=tmp_path)
    assert [path.name for path in sorted((tmp_path / "shot").iterdir())] == [f"shot.{n}.exr" for n in range(1001, 1004)]
    assert main(["predict", str(tmp_path / "shot" / "shot.%04d.exr"), "--json", str(tmp_path / "f.json")]) == 0
    items = json.loads((tmp_path / "f.json").read_text())["images"]
    assert [len(item["faces"]) for item in items] == [1] * 3
    yaws = [item["faces"][0]["pose"]["yaw"] for item in items]
    assert abs(yaws[-1] - yaws[0]) > 12
    for kind, name in (("usd", "shot.usdc"), ("nuke", "shot.nk")):
        assert main(["convert", str(tmp_path / "f.json"), "--to", kind, "--out", str(tmp_path / name)]) == 0
    assert difference(items, tmp_path / "shot.usdc", tmp_path / "shot.nk") < 0.01


def difference(items: list[dict[str, Any]], usd: Path, nuke: Path) -> float:
    """Largest difference, pixels, of the landmarks of face 0 in USD's camera and in Nuke's tracks from the JSON."""
    stage, [_, _, rows] = Usd.Stage.Open(str(usd)), nodes_of(nuke)["face0_tracks"]["tracks"]
    points = UsdGeom.Points(stage.GetPrimAtPath("/shot/face0/landmarks")).GetPointsAttr()
    camera, worst = UsdGeom.Camera(stage.GetPrimAtPath("/shot/camera")), 0.0
    for item in items:
        number, width, height = item["frame"], item["width"], item["height"]
        frustum = camera.GetCamera(Usd.TimeCode(number)).frustum
        matrix = frustum.ComputeViewMatrix() * frustum.ComputeProjectionMatrix()
        seen = np.array([matrix.Transform(Gf.Vec3d(point)) for point in points.Get(number)])[:, :2]
        seen = (seen * [1, -1] + 1) / 2 * [width, height] - 0.5
        tracked = np.array([[keys(row[2])[number] - 0.5, height - 0.5 - keys(row[3])[number]] for row in rows])
        for found in (seen, tracked):
            worst = max(worst, float(np.abs(found - item["faces"][0]["landmarks"]).max()))
    return worst


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
