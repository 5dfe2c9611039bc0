"""Lists of jobs: all done, errors raised, a killed worker named."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
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


def test_workers_end_with_a_parent_that_was_killed(tmp_path: Path):
    code = (
        "import sys; from functools import partial; from pathlib import Path\n"
        "from fauxface.jobs import run_jobs; from tests.test_jobs import linger\n"
        "if __name__ == '__main__': run_jobs(partial(linger, Path(sys.argv[1])), range(2), 2)"
    )
    root = Path(__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    parent = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=root, env=environment)
    try:
        waited(lambda: len(list(tmp_path.glob("*"))) == 2)
        workers = [int(path.name) for path in tmp_path.iterdir()]
    finally:
        parent.kill()
        parent.wait()
    waited(lambda: not any(alive(worker) for worker in workers))


def linger(folder: Path, job: int) -> None:
    (folder / str(os.getpid())).touch()
    time.sleep(600)


def alive(process: int) -> bool:
    """Whether it runs: not gone, and not dead and waiting for someone to take note."""
    stat = Path(f"/proc/{process}/stat")
    try:
        return stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def waited(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_negative_workers_are_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="--workers"):
        run_jobs(partial(touch, tmp_path), [1], -1)


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_back_with_their_jobs(workers: int):
    kept: dict[int, int] = {}
    run_jobs(square, range(9), workers, keep=kept.__setitem__)
    assert kept == {job: job * job for job in range(9)}


def square(job: int) -> int:
    return job * job


# --- the same on a cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=2, host="127.0.0.1", dashboard_address=None) as running:
        yield running.scheduler_address


def test_a_cluster_does_every_job_and_sends_the_results_back(cluster: str):
    kept: dict[int, int] = {}
    run_jobs(square, range(50), dask=cluster, keep=kept.__setitem__)
    assert kept == {job: job * job for job in range(50)}


def where(job: int) -> tuple[int, int]:
    time.sleep(0.02)
    return os.getpid(), threading.get_ident()


def test_each_worker_process_works_in_one_thread_only(cluster: str):
    places: dict[int, tuple[int, int]] = {}
    run_jobs(where, range(40), dask=cluster, keep=places.__setitem__)
    assert len(set(places.values())) == len({process for process, _ in places.values()}) == 2


def stumble(folder: Path, job: int) -> int:
    """Once, and at one job, the worker is killed."""
    if job == 7 and not (folder / "stumbled").exists():
        (folder / "stumbled").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return job


def test_a_worker_that_dies_costs_no_job(cluster: str, tmp_path: Path):
    kept: dict[int, int] = {}
    run_jobs(partial(stumble, tmp_path), range(30), dask=cluster, keep=kept.__setitem__)
    assert (tmp_path / "stumbled").exists()
    assert kept == {job: job for job in range(30)}


def test_a_job_that_kills_its_workers_is_told_in_one_line(cluster: str):
    with pytest.raises(ChildProcessError, match="one job killed several workers"):
        run_jobs(die, [1], dask=cluster)


def test_an_error_on_the_cluster_ends_the_list_and_is_raised(cluster: str, tmp_path: Path):
    with pytest.raises(ValueError, match="job 3 is impossible"):
        run_jobs(partial(fail, tmp_path), range(1000), dask=cluster)
    assert len(list(tmp_path.iterdir())) < 900  # a worker may begin a second after the other


def slow(folder: Path, job: int) -> None:
    (folder / str(job)).touch()
    time.sleep(0.3)


def test_an_interrupted_list_is_cancelled_on_the_cluster(cluster: str, tmp_path: Path):
    def interrupt(job: int, _: None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_jobs(partial(slow, tmp_path), range(1000), dask=cluster, keep=interrupt)
    time.sleep(0.7)
    begun = len(list(tmp_path.iterdir()))
    time.sleep(0.7)
    assert begun == len(list(tmp_path.iterdir())) < 20


@pytest.mark.parametrize(("address", "error"), [("tcp://127.0.0.1:9", ConnectionError), ("nonsense://x", ValueError)])
def test_a_bad_address_is_one_line(address: str, error: type[Exception], monkeypatch):
    monkeypatch.setattr("fauxface.jobs.CONNECT_SECONDS", 1)
    with pytest.raises(error, match="Dask scheduler") as raised:
        run_jobs(square, [1], dask=address)
    assert "\n" not in str(raised.value)


def test_without_dask_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ValueError, match=r"fauxface\[cluster\]"):
        run_jobs(square, [1], dask="tcp://127.0.0.1:9")
