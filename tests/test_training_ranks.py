"""Training in several processes: the same parameters as in one, clean ends, going on."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch
from fake_data import write_face_synthetics
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from test_jobs import alive
from torch import Tensor, nn

from fauxface.training import TrainingConfig, train
from fauxface.training.ranks import average_statistics, leave


@pytest.fixture(scope="module")
def faces(tmp_path_factory) -> Path:
    return write_face_synthetics(tmp_path_factory.mktemp("data") / "faces", 42, size=64)


@pytest.fixture
def config(faces, tmp_path) -> TrainingConfig:
    return TrainingConfig(
        data=faces,
        out=tmp_path / "two",
        model="mobilenetv3small-coordinates",
        augment="strong",
        steps=20,
        batch=16,
        input_size=32,
        devices=2,
        threads=1,
        workers=1,
        precision="32",
        accelerator="cpu",
    )


def _parameters(run: Path) -> dict[str, Tensor]:
    """The last state's own (not averaged) parameters."""
    tensors = safetensors.torch.load_file(max((run / "resume").glob("step-*.safetensors")))
    statistics = ("running_mean", "running_var", "num_batches_tracked")
    return {n: v for n, v in tensors.items() if n.startswith("model.") and not n.endswith(statistics)}


def test_two_processes_take_the_steps_of_one_that_accumulates(config, tmp_path):
    two = _parameters(train(config))
    one = _parameters(train(replace(config, out=tmp_path / "one", devices=1, accumulate=2)))
    whole = _parameters(train(replace(config, out=tmp_path / "whole", devices=1)))

    def apart(a: dict[str, Tensor], b: dict[str, Tensor]) -> float:
        difference, size = (torch.cat([(a[n] - k * b[n]).flatten() for n in a]).norm() for k in (1, 0))
        return float(difference / size)

    assert two.keys() == one.keys()
    assert apart(two, one) < 1e-4
    assert apart(two, whole) > 1e-3  # batch norm saw halves: the test would notice


def _average(fabric: Fabric) -> list[float]:
    model = nn.BatchNorm2d(2)
    assert model.running_mean is not None
    model.running_mean.fill_(1.0 + 2 * fabric.global_rank)
    average_statistics(fabric, model)
    leave(fabric)
    return model.running_mean.tolist()


def test_statistics_are_averaged_over_processes():
    fabric = Fabric(accelerator="cpu", devices=2, strategy=DDPStrategy(start_method="spawn"))
    assert fabric.launch(_average) == [2.0, 2.0]


def _begun(config: TrainingConfig) -> subprocess.Popen[str]:
    """The configuration's run as a command, its two processes at work."""
    arguments = [
        *("train", "--data", config.data, "--out", config.out, "--model", config.model, "--augment", "strong"),
        *("--steps", config.steps, "--batch", "16", "--input-size", "32", "--devices", "2", "--threads", "1"),
        *("--workers", "1", "--precision", "32", "--accelerator", "cpu"),
    ]
    command = [sys.executable, "-m", "fauxface", *map(str, arguments)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while (len(_workers(process.pid)) < 2 or not config.out.exists()) and time.monotonic() < deadline:
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.1)
    return process


def test_processes_end_with_a_command_that_was_killed(config):
    """Else they would train on for nobody, and write into the run of whoever starts it again."""
    process = _begun(replace(config, steps=100_000))
    workers = _workers(process.pid)
    process.kill()
    process.communicate(timeout=60)
    deadline = time.monotonic() + 60
    while any(alive(worker) for worker in workers):
        assert time.monotonic() < deadline, "a process of a killed training goes on"
        time.sleep(0.1)


def test_a_killed_worker_ends_the_run_cleanly_and_resume_goes_on(config, tmp_path):
    config = replace(config, steps=60)
    process = _begun(config)
    os.kill(_workers(process.pid)[-1], signal.SIGKILL)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "with --resume" in errors.strip().splitlines()[-1]
    assert "Traceback" not in errors

    train(replace(config, resume=True))
    unbroken = train(replace(config, out=tmp_path / "unbroken"))
    resumed, straight = _parameters(config.out), _parameters(unbroken)
    assert all(torch.equal(resumed[name], straight[name]) for name in straight)


def _workers(parent: int) -> list[int]:
    """The training processes that a process started (not multiprocessing's own helper)."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            ppid = int(path.read_text().rsplit(")", 1)[1].split()[1])
            told = path.with_name("cmdline").read_text()
        except OSError:
            continue
        if ppid == parent and "spawn_main" in told:
            found.append(int(path.parent.name))
    return sorted(found)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch": 7}, "--batch 7 cannot be shared evenly among 2"),
        ({"devices": 0}, "--devices is a whole number from 1 "),
        ({"sync_batchnorm": True}, "needs GPUs"),
    ],
)
def test_bad_settings_are_one_clear_line(config, changes, message):
    with pytest.raises(ValueError, match=message):
        train(replace(config, **changes))
