"""The commands from outside: what a person types, what it prints, how it ends."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from fake_data import write_face_synthetics, write_ibug
from skimage import data as photographs

from fauxface.checkpoint import read_card
from fauxface.cli import COMMANDS, main
from fauxface.images import read_image, write_image
from fauxface.outputs import MANIFEST

MODEL = "mobilenetv3small-coordinates"


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200", "PYTHONWARNINGS": "ignore", **more}


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it said."""

    returncode: int | None
    stdout: str
    stderr: str


# each command is a process of its own, forked from one that has the rooms imported: three seconds less a command
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["fauxface.inference.run", "fauxface.evaluation.run", "fauxface.training.loop"])


def command(args: list[str], out: Path, limit: int | None, more: dict[str, str]) -> None:
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(out / name, os.O_WRONLY | os.O_CREAT), number)
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
    os.environ.update(environment(**more))
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    status = main(args)
    sys.stdout.flush()
    sys.exit(status)


def fauxface(*args: object, limit: int | None = None, **more: str) -> Done:
    """Run the command; with ``limit`` no file may become longer than so many bytes."""
    with tempfile.TemporaryDirectory() as folder:
        process = SERVER.Process(target=command, args=([str(arg) for arg in args], Path(folder), limit, more))
        process.start()
        process.join(200)
        assert process.exitcode is not None, f"{args} does not end"
        return Done(process.exitcode, *((Path(folder) / name).read_text() for name in ("stdout", "stderr")))


def refused(*args: object, says: str, limit: int | None = None) -> str:
    """Run the command, which must end with status 2 and, as its last words, one line that says why; the line."""
    done = fauxface(*args, limit=limit)
    assert done.returncode == 2, done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("fauxface: error: ")]
    assert len(lines) == 1, done.stderr
    assert done.stderr.splitlines()[-1] == lines[0]
    assert re.search(says, lines[0]), lines[0]
    return lines[0]


def tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faces")
    write_face_synthetics(folder, 8)
    return folder


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, faces: Path) -> Path:
    """A run of a few steps, made by the command itself."""
    run = tmp_path_factory.mktemp("runs") / "run"
    done = fauxface("train", "--data", faces, "--out", run, *SMALL)
    assert done.returncode == 0, done.stderr
    return run


SMALL = ["--model", MODEL, "--input-size", "64", "--steps", "2", "--batch", "4", "--threads", "1"]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    write_image(tmp_path / "astronaut.png", photographs.astronaut())
    return tmp_path / "astronaut.png"


# --- help and arguments


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches_with_examples(command: str):
    done = fauxface(command, "--help")
    assert done.returncode == 0, done.stderr
    assert "Examples:" in done.stdout
    assert f"fauxface {command}" in done.stdout


def test_without_a_command_the_commands_are_listed():
    for done, status in ((fauxface("--help"), 0), (fauxface(), 2)):
        assert done.returncode == status
        assert all(f"  {command} " in done.stdout for command in COMMANDS)
    assert fauxface("--version").stdout.startswith("fauxface ")


@pytest.mark.parametrize(
    "args",
    [
        ["--help"],
        ["train", "--help"],
        ["train", "--data", "x"],
        ["predict"],
        ["render", "x", "--count", "many"],
        ["fly"],
    ],
    ids=" ".join,
)
def test_help_and_refused_arguments_cost_no_torch(args: list[str]):
    code = (
        "import sys\nfrom fauxface.cli import main\n"
        f"try: status = main({args})\nexcept SystemExit as end: status = end.code\n"
        "print([m for m in ('torch', 'timm', 'onnxruntime', 'anny') if m in sys.modules], status, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment())
    assert done.stderr.splitlines()[-1] == f"[] {0 if '--help' in args else 2}", done.stderr


def test_an_unknown_command_is_one_line():
    refused("fly", says="no command 'fly'; there are demo, render, pack, train")


def test_it_runs_as_a_program(tmp_path: Path):
    program = Path(sys.executable).parent / "fauxface"
    calls = {
        (sys.executable, "-m", "fauxface", "fly"): "no command 'fly'; ",
        (str(program), "predict", "gone.png"): "gone.png: ",
    }
    for words, says in calls.items():
        done = subprocess.run(words, capture_output=True, text=True, env=environment(), cwd=tmp_path)
        assert done.returncode == 2
        assert done.stderr.startswith(f"fauxface: error: {says}")
        assert done.stderr.count("\n") == 1


def test_the_traceback_is_shown_on_request(tmp_path: Path):
    done = fauxface("predict", tmp_path / "gone.png", FAUXFACE_DEBUG="1")
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("fauxface: error: ")


@pytest.mark.parametrize(
    ("number", "status", "says"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "told to end")]
)
def test_interrupting_ends_with_one_line_and_nothing_half_written(
    tmp_path: Path, faces: Path, number: int, status: int, says: str
):
    command = [sys.executable, "-m", "fauxface", "train", "--data", faces, "--out", tmp_path / "run", *SMALL]
    command[command.index("--steps") + 1] = "100000"
    process = subprocess.Popen(
        [str(part) for part in command],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env=environment(),
        preexec_fn=heed_interrupts,
    )
    try:
        wait_for(tmp_path / "run" / "config.yaml")
        time.sleep(2)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == status, said
    assert "Traceback" not in said
    assert said.splitlines()[-1] == f"fauxface: {says}"
    assert not [name for name in tree(tmp_path) if ".fauxface-" in name]


def heed_interrupts() -> None:
    """A shell's background jobs, and all that they start, ignore Ctrl-C; a program started by hand does not."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def wait_for(path: Path, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end, f"{path} did not appear"
        time.sleep(0.1)


# --- what they do


def test_train_evaluate_predict_info(checkpoint: Path, faces: Path, photo: Path, tmp_path: Path):
    done = fauxface("evaluate", checkpoint, "--data", faces, "--json", tmp_path / "scores.json")
    assert done.returncode == 0, done.stderr
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["n"] == 8
    assert scores["box"] == "landmarks"
    assert scores["licence"] == "research"  # these are not our renders, for all that the trainer can know

    done = fauxface(
        "predict", photo, "--checkpoint", checkpoint, "--out", tmp_path / "drawn", "--json", tmp_path / "f.json"
    )
    assert done.returncode == 0, done.stderr
    assert "1 face\n" in done.stdout
    found = json.loads((tmp_path / "f.json").read_text())
    assert found["weights"] == {"name": str(checkpoint), "licence": read_card(checkpoint).licence, "lane": "research"}
    [row] = found["images"]
    assert row["image"] == str(photo)
    [face] = row["faces"]
    assert np.shape(face["landmarks"]) == (70, 2)
    assert face["scheme"] == "face_synthetics70"
    assert tree(tmp_path / "drawn") == {MANIFEST, "astronaut.png", "predictions.json"}
    assert (read_image(tmp_path / "drawn" / "astronaut.png") != photographs.astronaut()).any()

    done = fauxface("info", checkpoint)
    assert done.returncode == 0, done.stderr
    for word in (MODEL, "face_synthetics70", "licence", "lane", "own, Apache-2.0 (ours)"):
        assert word in done.stdout


def test_info_shows_versions_and_hardware():
    done = fauxface("info")
    assert done.returncode == 0, done.stderr
    detectors = "detector own         Apache-2.0 (ours)", "detector retinaface  MIT"
    for word in ("fauxface", "torch", "renderer", "processor", *detectors):
        assert word in done.stdout


def test_no_face_is_no_error(checkpoint: Path, tmp_path: Path):
    write_image(tmp_path / "wall.png", np.full((90, 120, 3), 140, np.uint8))
    done = fauxface("predict", tmp_path / "wall.png", "--checkpoint", checkpoint, "--json", tmp_path / "faces.json")
    assert done.returncode == 0, done.stderr
    [row] = json.loads((tmp_path / "faces.json").read_text())["images"]
    assert (row["image"], row["width"], row["height"], row["faces"]) == (str(tmp_path / "wall.png"), 120, 90, [])


# --- bad input: one line, status 2, nothing half-written


def test_missing_and_empty_folders(checkpoint: Path, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    for name, says in (("gone", "gone"), ("empty", "empty")):
        refused("train", "--data", tmp_path / name, "--out", tmp_path / "run", says=says)
        refused("evaluate", checkpoint, "--data", tmp_path / name, says=says)
        refused("predict", tmp_path / name, "--checkpoint", checkpoint, "--out", tmp_path / "out", says=says)
    assert tree(tmp_path) == {"empty"}


def break_truncated(folder: Path) -> str:
    path = folder / "000003.png"
    path.write_bytes(path.read_bytes()[:-2000])
    return r"000003\.png.*truncated"


def break_nan(folder: Path) -> str:
    path = folder / "000003_ldmks.txt"
    path.write_text("nan 3.0\n" + "\n".join(path.read_text().splitlines()[1:]) + "\n")
    for label in folder.glob("*.json"):
        label.unlink()
    return r"000003_ldmks\.txt.*not a finite number"


def break_tiny(folder: Path) -> str:
    write_image(folder / "000003.png", np.zeros((1, 1, 3), np.uint8))
    return r"000003\.png.*1×1"


@pytest.mark.parametrize("damage", [break_truncated, break_nan, break_tiny])
def test_a_bad_sample_is_named_with_the_reason(checkpoint: Path, tmp_path: Path, damage):
    write_face_synthetics(tmp_path / "faces", 6)
    says = damage(tmp_path / "faces")
    refused("evaluate", checkpoint, "--data", tmp_path / "faces", "--json", tmp_path / "scores.json", says=says)
    refused("train", "--data", tmp_path / "faces", "--out", tmp_path / "run", *SMALL, says=says)
    assert not (tmp_path / "scores.json").exists()
    assert not (tmp_path / "run" / "checkpoint").exists()
    done = fauxface("evaluate", checkpoint, "--data", tmp_path / "faces", "--skip-bad")
    assert done.returncode == 0, done.stderr
    assert "skipped 1 of 6" in done.stderr
    assert re.search(says, done.stderr)


def test_a_pts_file_with_67_points(checkpoint: Path, tmp_path: Path):
    write_ibug(tmp_path / "faces", 3)
    path = sorted((tmp_path / "faces").rglob("*.pts"))[1]
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:3], *lines[4:]]) + "\n")
    says = rf"{re.escape(path.name)}.*67 points"
    refused("evaluate", checkpoint, "--data", tmp_path / "faces", "--format", "ibug", says=says)


@pytest.mark.parametrize(
    ("name", "says"), [("short.png", r"short\.png"), ("tiny.png", r"tiny\.png.*1×1"), ("no.jpg", r"no\.jpg")]
)
def test_photographs_that_cannot_be_read(checkpoint: Path, photo: Path, tmp_path: Path, name: str, says: str):
    (tmp_path / "short.png").write_bytes(photo.read_bytes()[:9000])
    write_image(tmp_path / "tiny.png", np.zeros((1, 1, 3), np.uint8))
    (tmp_path / "no.jpg").write_text("no picture")
    refused("predict", tmp_path / name, "--checkpoint", checkpoint, "--out", tmp_path / "out", says=says)
    assert not (tmp_path / "out").exists()


def test_a_checkpoint_whose_card_and_weights_disagree(checkpoint: Path, photo: Path, tmp_path: Path):
    import shutil

    broken = tmp_path / "broken"
    shutil.copytree(checkpoint / "checkpoint", broken)
    card = (broken / "model.yaml").read_text()
    (broken / "model.yaml").write_text(card.replace(MODEL, "resnet18-coordinates"))
    refused("predict", photo, "--checkpoint", broken, "--json", tmp_path / "faces.json", says="broken")
    refused("info", broken, says="broken")
    (broken / "model.safetensors").write_bytes(b"rubbish")
    refused("info", broken, says="broken")
    refused("info", tmp_path / "nowhere", says="nowhere")
    assert not (tmp_path / "faces.json").exists()


def test_output_folders_that_hold_something_else(checkpoint: Path, photo: Path, faces: Path, tmp_path: Path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    refused("render", mine, "--count", 1, says="mine")
    refused("train", "--data", faces, "--out", mine, *SMALL, says="mine")
    refused("train", "--data", faces, "--out", checkpoint, *SMALL, says="--resume")
    refused("evaluate", checkpoint, "--data", faces, "--out", mine, says="mine")
    refused("predict", photo, "--checkpoint", checkpoint, "--out", mine, says="mine")
    refused("demo", "--out", mine, says="mine")
    assert tree(mine) == {"thesis.txt"}


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 64 KiB; without the right to mount one, skipped."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("needs the right to mount a small disk")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_full_disk_leaves_nothing_half_written(checkpoint: Path, photo: Path, faces: Path, full_disk: Path):
    refused("predict", photo, "--checkpoint", checkpoint, "--out", full_disk / "out", says="No space left")
    assert tree(full_disk) == set()
    refused("evaluate", checkpoint, "--data", faces, "--out", full_disk / "figures", says="No space left")
    assert tree(full_disk) == set()
    refused("train", "--data", faces, "--out", full_disk / "run", *SMALL, says="No space left")
    assert not any(path.suffix == ".safetensors" for path in full_disk.rglob("*"))


def test_a_file_that_may_not_grow_leaves_nothing_half_written(
    checkpoint: Path, photo: Path, faces: Path, tmp_path: Path
):
    """The same without any rights: no file may be longer than 20 kB."""
    before = tree(tmp_path)
    refused("predict", photo, "--checkpoint", checkpoint, "--out", tmp_path / "out", says="too large", limit=20_000)
    assert tree(tmp_path) == before
    refused("train", "--data", faces, "--out", tmp_path / "run", *SMALL, says="too large", limit=200_000)
    assert not any(path.suffix == ".safetensors" for path in (tmp_path / "run").rglob("*"))
