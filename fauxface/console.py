"""Notices and progress bars on standard error, and who turns them off: `--quiet`, `--verbose`, or your own logging.

Rooms tell warnings and notices to ``log`` and never print them. The command line shows them; in a program of your own,
Python shows warnings, and ``logging`` decides the rest.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from fauxface.names import printable

log = logging.getLogger("fauxface")


def progress_console() -> Console:
    """Standard error for progress bars; silent where ``log`` shows no warnings."""
    return Console(stderr=True, quiet=not log.isEnabledFor(logging.WARNING))


@contextmanager
def shown_notices(level: int) -> Iterator[None]:
    """Show notices from this level on, a line each, on standard error, for the time of a command."""
    handler, before = _OnStandardError(), log.level
    log.addHandler(handler)
    log.setLevel(level)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(before)


class _OnStandardError(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        # looked up each time: a progress bar puts itself in between, and is then drawn below the line
        print(printable(record.getMessage(), keep="\n"), file=sys.stderr, flush=True)
