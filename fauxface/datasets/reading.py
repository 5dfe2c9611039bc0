"""Read all samples of a data set in parallel, with a progress bar; list and count those that are skipped."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar

from rich.progress import Progress

from fauxface.console import log, progress_console
from fauxface.datasets.base import BadSample, FaceDataset
from fauxface.faces import FaceSample
from fauxface.names import label

Result = TypeVar("Result")


def map_samples(
    dataset: FaceDataset,
    function: Callable[[FaceSample], Result],
    *,
    skip_bad: bool = False,
    skipped: list[BadSample] | None = None,
    workers: int | None = None,
    description: str = "reading",
) -> Iterator[tuple[int, Result]]:
    """Pairs of index and ``function(sample)`` for every sample, in order, with a few per worker in memory at a time.

    Args:
        dataset: the samples.
        function: called in the readers' threads; decoding and OpenCV run in parallel there.
        skip_bad: leave out samples that cannot be read, add them to ``skipped`` and list them on standard error.
        skipped: receives the errors of samples left out.
        workers: threads; None means one per core, at most eight.
        description: text before the progress bar.

    BadSample at the first sample that cannot be read, unless ``skip_bad``; ValueError if none can be read.
    """
    skipped = [] if skipped is None else skipped
    before = len(skipped)
    with closing(try_samples(dataset, function, workers, description)) as results:
        for index, result in results:
            if not isinstance(result, BadSample):
                yield index, result
            elif skip_bad:
                skipped.append(result)
            else:
                raise result
    tell_skipped(dataset, skipped[before:])


def try_samples(
    dataset: FaceDataset,
    function: Callable[[FaceSample], Result],
    workers: int | None = None,
    description: str = "reading",
) -> Generator[tuple[int, Result | BadSample], None, None]:
    """Like `map_samples`, but an unreadable sample yields its index and the error."""
    workers = workers or min(8, os.cpu_count() or 1)
    console = progress_console()
    waiting: deque[Future[Result]] = deque()
    with (
        ThreadPoolExecutor(workers) as pool,
        Progress(console=console, transient=True, disable=not console.is_terminal) as progress,
    ):
        task = progress.add_task(label(f"{description} {dataset.name}"), total=len(dataset))
        try:
            submitted = 0
            for index in range(len(dataset)):
                while submitted < len(dataset) and len(waiting) < 4 * workers:
                    waiting.append(pool.submit(lambda i: function(dataset[i]), submitted))
                    submitted += 1
                try:
                    result = waiting.popleft().result()
                except BadSample as error:
                    result = error
                yield index, result
                progress.advance(task)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def tell_skipped(dataset: FaceDataset, left_out: Sequence[BadSample]) -> None:
    """Warn of each sample that was left out; ValueError if these are all samples."""
    if left_out:
        log.warning(f"skipped {len(left_out)} of {len(dataset)} samples of {dataset.name}:")
        for error in left_out:
            log.warning(f"  {error}")
    if len(left_out) == len(dataset):
        raise ValueError(f"none of the {len(dataset)} samples of {dataset.name} can be read; the first: {left_out[0]}")


def read_samples(
    dataset: FaceDataset,
    *,
    skip_bad: bool = False,
    skipped: list[BadSample] | None = None,
    workers: int | None = None,
    description: str = "reading",
) -> Iterator[tuple[int, FaceSample]]:
    """Pairs of index and sample, in order; arguments and errors of `map_samples`."""
    return map_samples(
        dataset, lambda sample: sample, skip_bad=skip_bad, skipped=skipped, workers=workers, description=description
    )
