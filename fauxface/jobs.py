"""A resumable list of jobs, on the processes of this machine or on a Dask cluster.

A job is a number. The caller passes those that are left, so an interrupted list continues where it stopped. Workers are
new processes with one thread each, so that one per core keeps the machine busy and their number does not change
results. They end with the process that started them, even if it is killed.
"""

from __future__ import annotations

import multiprocessing
import os
import platform
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from fauxface.console import progress_console
from fauxface.extras import install
from fauxface.names import label
from fauxface.outputs import heed_termination
from fauxface.ranges import Workers, in_range

Result = TypeVar("Result")

ONE_THREAD = {
    name: "1"
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "LP_NUM_THREADS")
}
CONNECT_SECONDS = 15
"""Time limit for a scheduler's answer."""
LONELY_SECONDS = 60
"""Time after which the list is abandoned if a cluster has no worker."""


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor() -> str:
    """Name of this machine's processor."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"


@in_range
def run_jobs(
    work: Callable[[int], Result],
    jobs: Sequence[int],
    workers: Workers = 0,
    title: str = "working",
    keep: Callable[[int, Result], None] | None = None,
    dask: str | None = None,
    shown: bool = True,
) -> None:
    """Do ``work(job)`` for every job, in any order, with a progress bar on standard error.

    On a cluster the jobs of a worker that dies are done again by others. Each worker process does one job at a time, in
    the same thread, because an OpenGL context belongs to one thread.

    Args:
        work: a picklable function; an error in it ends the list and is raised here.
        jobs: the jobs that are left.
        workers: processes of this machine; 0 means one per core. Ignored on a cluster.
        title: text before the progress bar.
        keep: called in this process with each finished job and its result.
        dask: address of a Dask scheduler (``tcp://host:8786``), or None for the processes of this machine.
        shown: show a progress bar.

    Raises:
        ChildProcessError: a worker was killed; or, on a cluster, one job killed several, or none is left. Finished jobs
            stay finished.
        ConnectionError: no scheduler answers at ``dask``.
        ValueError: a negative number of workers, a bad address, or Dask is not installed.
    """
    if not jobs:
        return
    done = _on_dask(work, jobs, dask) if dask else _here(work, jobs, min(workers or cores(), len(jobs)))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"))
    columns = (*columns, TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=progress_console(), disable=not shown) as progress:
        bar = progress.add_task(label(title), total=len(jobs), rate="")
        with closing(done):  # ends the workers at once if the caller is interrupted
            for job, result in done:
                if keep is not None:
                    keep(job, result)
                task = progress.tasks[0]
                progress.update(bar, advance=1, rate=f"{task.speed:.1f}/s" if task.speed else "")


def _here(work: Callable[[int], Result], jobs: Sequence[int], workers: int) -> Generator[tuple[int, Result]]:
    """Yield each job and its result as a process of this machine finishes it."""
    queue = iter(jobs)
    with _environment(ONE_THREAD):
        pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=end_with_parent)
        try:
            # a short queue, so that an error ends the list soon
            pending = {pool.submit(_or_leave, work, job): job for job in islice(queue, 2 * workers)}
            while pending:
                for future in wait(pending, return_when=FIRST_COMPLETED).done:
                    yield pending.pop(future), future.result()
                    pending |= {pool.submit(_or_leave, work, job): job for job in islice(queue, 1)}
        except (KeyboardInterrupt, GeneratorExit):
            end_workers()
            raise
        except BrokenProcessPool:
            raise ChildProcessError(
                "a worker process was killed (out of memory?); run the same command again to go on"
            ) from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _or_leave(work: Callable[[int], Result], job: int) -> Result:
    """The result of ``work``; if this worker process is asked to end meanwhile, it does so and takes no other job."""
    try:
        return work(job)
    except SystemExit:  # all is cleaned up; the pool would take it for an error of the job
        os._exit(143)


def end_workers() -> None:
    """Terminate the worker processes that this one started; each cleans up first."""
    for process in multiprocessing.active_children():
        process.terminate()


def end_with_parent() -> None:
    """Make this worker process clean up and end when the one that started it asks for it or is gone.

    Ctrl-C, which a terminal sends to both, is handled by the parent: it ends its workers.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    heed_termination(SystemExit)

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, name="end with parent", daemon=True).start()


def _on_dask(work: Callable[[int], Result], jobs: Sequence[int], address: str) -> Generator[tuple[int, Result]]:
    """Yield each job and its result as a worker of a cluster finishes it; cancel the rest at the end."""
    try:
        import distributed
    except ImportError:
        raise ValueError(f"--dask needs Dask: {install('cluster')}") from None
    try:
        client: Any = distributed.Client(address, timeout=CONNECT_SECONDS)
    except OSError:
        raise ConnectionError(f"no Dask scheduler answers at {address}") from None
    except (ValueError, TypeError) as error:
        raise ValueError(f"{address} is not a Dask scheduler's address, such as tcp://host:8786 ({error})") from None
    queue = iter(jobs)
    pending: dict[Any, int] = {}
    try:
        while True:
            threads = sum(client.nthreads().values())
            # few in flight: results wait on the workers until we fetch them
            room = max(max(2 * threads, 1) - len(pending), 0)
            pending |= {client.submit(_in_one_thread, work, job, pure=False): job for job in islice(queue, room)}
            if not pending:
                return
            try:
                finished: Any = distributed.wait(list(pending), LONELY_SECONDS, return_when="FIRST_COMPLETED")
            except TimeoutError:
                if not client.nthreads():
                    raise ChildProcessError(f"no worker is left at {address}; start some, run this again") from None
                continue
            for future in finished.done:
                try:
                    result = future.result()
                except distributed.KilledWorker as error:
                    raise ChildProcessError(f"one job killed several workers: {error}") from None
                yield pending.pop(future), result
    finally:
        client.cancel(list(pending), force=True)
        client.close()


def _in_one_thread(work: Callable[[int], Result], job: int) -> Result:
    return _THREAD.submit(work, job).result()


_THREAD = ThreadPoolExecutor(1, "fauxface")
"""The thread that does the jobs in a cluster's worker process."""


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Set environment variables for the processes that are started meanwhile."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
