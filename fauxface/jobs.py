"""A resumable list of jobs on the processes of this machine.

A job is a number; the caller says which are left, so that an interrupted list goes on where it stopped. Workers are
fresh processes with one thread each: as many as there are cores are then busy, and results do not depend on how many.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

ONE_THREAD = {
    name: "1"
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "LP_NUM_THREADS")
}


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_jobs(work: Callable[[int], None], jobs: Sequence[int], workers: int = 0, title: str = "working") -> None:
    """Do ``work(job)`` for every job, in any order, with a progress bar on standard error.

    Args:
        work: a picklable function; what it raises ends the list and is raised here.
        jobs: what is left to do.
        workers: processes; 0 means one a core.
        title: what the progress bar says.

    Raises:
        ChildProcessError: a worker was killed; the jobs that it had finished stay done.
        ValueError: a negative number of workers.
    """
    if workers < 0:
        raise ValueError(f"--workers is 0 (one a core) or more, not {workers}")
    if not jobs:
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"))
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        bar = progress.add_task(title, total=len(jobs), rate="")
        for done in _finished(work, jobs, min(workers or cores(), len(jobs))):
            task = progress.tasks[0]
            progress.update(bar, completed=done, rate=f"{task.speed:.1f}/s" if task.speed else "")


def _finished(work: Callable[[int], None], jobs: Iterable[int], workers: int) -> Iterator[int]:
    """Yield how many jobs are done, each time that some are."""
    queue = iter(jobs)
    done = 0
    with _environment(ONE_THREAD):
        pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
        try:
            # few jobs in the queue: an error ends the list soon
            pending = {pool.submit(work, job) for job in islice(queue, 2 * workers)}
            while pending:
                finished, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in finished:
                    future.result()
                    done += 1
                pending |= {pool.submit(work, job) for job in islice(queue, len(finished))}
                yield done
        except BrokenProcessPool:
            raise ChildProcessError(
                "a worker process was killed (out of memory?); run the same command again to go on"
            ) from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


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
