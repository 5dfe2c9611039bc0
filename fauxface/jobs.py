"""A resumable list of jobs, on the processes of this machine or on a Dask cluster.

A job is a number; the caller says which are left, so that an interrupted list goes on where it stopped. Workers are
fresh processes with one thread each: as many as there are cores are then busy, and results do not depend on how many.
They end with the process that started them, however that ends.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from itertools import islice
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from fauxface.names import label
from fauxface.outputs import heed_termination
from fauxface.ranges import Workers, in_range

Result = TypeVar("Result")

ONE_THREAD = {
    name: "1"
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "LP_NUM_THREADS")
}
CONNECT_SECONDS = 15
"""How long a scheduler may take to answer."""
LONELY_SECONDS = 60
"""How long a cluster may be without any worker before the list is given up."""


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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

    On a cluster a worker that dies costs nothing but its time: others do its jobs again. Each worker process does one
    job at a time, always in the same thread (an OpenGL context belongs to one); more threads of it would only wait.

    Args:
        work: a picklable function; what it raises ends the list and is raised here.
        jobs: what is left to do.
        workers: processes of this machine; 0 means one a core. A cluster has as many as it has.
        title: what the progress bar says.
        keep: is given each job and what ``work`` returned for it, in this process.
        dask: address of a Dask scheduler (``tcp://host:8786``), or None for the processes of this machine.
        shown: whether there is a progress bar.

    Raises:
        ChildProcessError: a worker was killed, or on a cluster several by the same job, or none is left; the jobs that
            were finished stay done.
        ConnectionError: no scheduler answers there.
        ValueError: a negative number of workers, a bad address, or a cluster where Dask is not installed.
    """
    if not jobs:
        return
    done = _on_dask(work, jobs, dask) if dask else _here(work, jobs, min(workers or cores(), len(jobs)))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"))
    columns = (*columns, TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not shown) as progress:
        bar = progress.add_task(label(title), total=len(jobs), rate="")
        with closing(done):  # at once, also where the caller is interrupted
            for job, result in done:
                if keep is not None:
                    keep(job, result)
                task = progress.tasks[0]
                progress.update(bar, advance=1, rate=f"{task.speed:.1f}/s" if task.speed else "")


def _here(work: Callable[[int], Result], jobs: Sequence[int], workers: int) -> Generator[tuple[int, Result]]:
    """Yield each job and its result as it is done by a process of this machine."""
    queue = iter(jobs)
    with _environment(ONE_THREAD):
        pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=end_with_parent)
        try:
            # few jobs in the queue: an error ends the list soon
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
    """What ``work`` returns; told to end meanwhile, this worker process does, and takes no other job."""
    try:
        return work(job)
    except SystemExit:  # all is cleared up; the pool would only note it as this job's error
        os._exit(143)


def end_workers() -> None:
    """Tell the worker processes that this one started to end; each clears up before it does."""
    for process in multiprocessing.active_children():
        process.terminate()


def end_with_parent() -> None:
    """Make this worker process end, cleared up, with the one that started it, or as soon as that is gone.

    Ctrl-C, which a terminal sends to both, is left to the parent: it ends its workers.
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
    """Yield each job and its result as a worker of a cluster has done it; what is under way is cancelled at the end."""
    try:
        import distributed
    except ImportError:
        raise ValueError("--dask needs Dask: pip install 'fauxface[cluster]'") from None
    try:
        client: Any = distributed.Client(address, timeout=CONNECT_SECONDS)
    except OSError:
        raise ConnectionError(f"no Dask scheduler answers at {address}") from None
    except (ValueError, TypeError) as error:
        raise ValueError(f"{address} is no address of a Dask scheduler, such as tcp://host:8786 ({error})") from None
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
                    raise ChildProcessError(f"no worker is left at {address}; start some and run this again") from None
                continue
            for future in finished.done:
                try:
                    result = future.result()
                except distributed.KilledWorker as error:
                    raise ChildProcessError(f"several workers died of one job: {error}") from None
                yield pending.pop(future), result
    finally:
        client.cancel(list(pending), force=True)
        client.close()


def _in_one_thread(work: Callable[[int], Result], job: int) -> Result:
    return _THREAD.submit(work, job).result()


_THREAD = ThreadPoolExecutor(1, "fauxface")
"""The one thread of a cluster's worker process that does jobs; it begins with the first."""


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Environment variables that processes started meanwhile inherit."""
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
