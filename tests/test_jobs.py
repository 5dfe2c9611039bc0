"""Lists of jobs: all done, errors raised, a killed worker named."""

import os
import signal
from functools import partial
from pathlib import Path

import pytest

from fauxface.jobs import ONE_THREAD, run_jobs


def touch(folder: Path, job: int) -> None:
    (folder / str(job)).write_text(os.environ["OMP_NUM_THREADS"])


def fail(folder: Path, job: int) -> None:
    if job == 3:
        raise ValueError("job 3 is impossible")
    touch(folder, job)


def die(job: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("workers", [1, 2])
def test_every_job_is_done_once_by_workers_with_one_thread(tmp_path: Path, workers: int):
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    run_jobs(partial(touch, tmp_path), range(7), workers)
    assert sorted(int(p.name) for p in tmp_path.iterdir()) == list(range(7))
    assert {p.read_text() for p in tmp_path.iterdir()} == {"1"}
    assert {name: os.environ.get(name) for name in ONE_THREAD} == before


def test_an_error_ends_the_list_and_is_raised(tmp_path: Path):
    with pytest.raises(ValueError, match="job 3 is impossible"):
        run_jobs(partial(fail, tmp_path), range(100), 1)
    assert len(list(tmp_path.iterdir())) < 10


def test_a_killed_worker_is_told_in_one_line():
    with pytest.raises(ChildProcessError, match="a worker process was killed"):
        run_jobs(die, [1], 1)


def test_nothing_to_do_is_nothing_done():
    run_jobs(die, [])


def test_negative_workers_are_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="--workers"):
        run_jobs(partial(touch, tmp_path), [1], -1)
