"""A run that is killed twenty times at random moments, while it packs, steps, saves or draws its curves."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fake_data import write_face_synthetics

from fauxface.training import TrainingConfig

KILLS = 20

# A process of its own that has loaded everything, and forks each attempt: so a kill hits the run and not the imports.
ATTEMPTS = """
import json, os, random, shutil, signal, sys, time
from dataclasses import replace
from pathlib import Path
import torch
from fauxface.checkpoint import load_checkpoint
from fauxface.training import TrainingConfig, loop, train
from fauxface.training.state import load_state

torch.set_num_threads(1)
loop.SAVE_SECONDS = loop.SAVE_SECONDS_WITHIN = -1
settings, kills = json.loads(sys.argv[1]), int(sys.argv[2])
config = TrainingConfig(**{**settings, "data": Path(settings["data"]), "out": Path(settings["out"]), "resume": True})
lot = random.Random(int(sys.argv[3]))


def attempt(config):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.environ["FAUXFACE_CACHE"] = str(config.out) + "-cache"
            train(config)
            code = 0
        finally:
            os._exit(code)
    return child


def weights(run):
    return (run / "checkpoint" / "model.safetensors").read_bytes()


began = time.monotonic()
assert os.waitpid(attempt(config), 0)[1] == 0, "the unbroken run failed"
whole = time.monotonic() - began
done, runs, steps = 0, 1, []
broken = replace(config, out=config.out.with_name("broken-1"))
while done < kills:
    child = attempt(broken)
    deadline = time.monotonic() + lot.uniform(0, 0.6 * whole)
    status = None
    while status is None and time.monotonic() < deadline:
        finished, code = os.waitpid(child, os.WNOHANG)
        status = code if finished else None
        time.sleep(0.001)
    if status is None:
        os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        done += 1
        saved = load_state(broken.out / "resume")
        steps.append(saved[1]["step"] if saved else 0)
        if (broken.out / "checkpoint" / "model.yaml").exists():
            load_checkpoint(broken.out)
        continue
    assert status == 0, f"attempt after {done} kills failed: {steps}"
    assert weights(broken.out) == weights(config.out), f"run {runs} ended otherwise: {steps}"
    runs += 1
    whole *= 0.8  # the machine is faster now: kill earlier
    broken = replace(config, out=config.out.with_name(f"broken-{runs}"))
assert os.waitpid(attempt(broken), 0)[1] == 0, f"no end after {steps}"
assert weights(broken.out) == weights(config.out), f"another end after {steps}"
losses = [[line.split(",")[4] for line in (c.out / "log.csv").read_text().splitlines()] for c in (config, broken)]
assert losses[0] == losses[1]
print(json.dumps({"kills": done, "runs": runs, "steps": steps}))
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="attempts are forked")
@pytest.mark.parametrize("kills", [KILLS])
def test_killed_again_and_again_a_run_ends_as_the_unbroken_one(tmp_path: Path, kills: int):
    config = TrainingConfig(
        data=write_face_synthetics(tmp_path / "faces", 42, size=64),
        out=tmp_path / "unbroken",
        model="mobilenetv3small-coordinates",
        augment="strong",
        steps=60,
        batch=8,
        input_size=32,
        threads=1,
        workers=1,
        accelerator="cpu",
    )
    done = subprocess.run(
        [sys.executable, "-c", ATTEMPTS, json.dumps(config.as_dict()), str(kills), "1"],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    print(told)
    assert told["kills"] == kills
    assert max(told["steps"]) > 0
