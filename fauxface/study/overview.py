"""The study's progress: finished, running and waiting cells, and the time left."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table

from fauxface.console import progress_console
from fauxface.parsing import number, read_csv, read_json_object
from fauxface.study.cell import STATE, folder_of
from fauxface.study.config import Cell

SHOWN_WAITING = 4


@dataclass
class Overview:
    """The state of a study's cells.

    Attributes:
        out: the study's folder.
        cells: all cells.
        done: identities of finished cells.
        minutes: identity → minutes, of cells finished now or before.
        at_once: number of cells that run at a time.
    """

    out: Path
    cells: Sequence[Cell]
    done: set[str]
    minutes: dict[str, float]
    at_once: int = 1
    began: float = field(default_factory=time.time)

    def finished(self, cell: Cell) -> None:
        """Mark a cell as done."""
        self.done.add(cell.identity)

    def expected(self, cell: Cell) -> float | None:
        """Expected minutes of a cell: the mean for its model, or else for all; None before any is finished."""
        known = [(other.model, self.minutes[other.identity]) for other in self.cells if other.identity in self.minutes]
        times = [spent for model, spent in known if model == cell.model] or [spent for _, spent in known]
        return sum(times) / len(times) if times else None

    def minutes_left(self) -> float | None:
        """Minutes until all cells are done; None before any is finished."""
        left = 0.0
        for cell in self.cells:
            if cell.identity not in self.done:
                expected = self.expected(cell)
                if expected is None:
                    return None
                left += expected * (1 - self.share(cell))
        return left / self.at_once

    def state(self, cell: Cell) -> str:
        """``done``, ``training``, ``scoring``, ``stopped`` or ``waiting``."""
        if cell.identity in self.done:
            return "done"
        try:
            saved = read_json_object(folder_of(self.out, cell) / STATE)
            # an older file was left by a killed study
            return str(saved["state"]) if number(saved["since"], "since") >= self.began else "stopped"
        except (OSError, ValueError, KeyError):
            return "waiting"

    def share(self, cell: Cell) -> float:
        """Finished share of a cell's training, in [0, 1], by its log."""
        try:
            rows = read_csv(folder_of(self.out, cell) / "run" / "log.csv", ("samples",))
            return min(1.0, float(rows[-1]["samples"]) / cell.samples) if rows and cell.samples else 0.0
        except (OSError, KeyError, ValueError):
            return 0.0

    def summary(self) -> str:
        """One line on cells done and time left."""
        left = self.minutes_left()
        time_left = "not yet known" if left is None else f"about {_duration(left)}"
        return f"{len(self.done)} of {len(self.cells)} cells done; time left {time_left}"

    def __rich__(self) -> Table:
        """A table of running cells with their shares, then of the next ones."""
        table = Table(title=self.summary(), title_justify="left", box=None, pad_edge=False)
        for name in ("cell", "state", "trained"):
            table.add_column(name)
        states = {cell: self.state(cell) for cell in self.cells if cell.identity not in self.done}
        running = [cell for cell, state in states.items() if state in ("training", "scoring")]
        waiting = [cell for cell in states if cell not in running]
        for cell in running:
            table.add_row(cell.name, states[cell], f"{100 * self.share(cell):.0f} %")
        for cell in waiting[:SHOWN_WAITING]:
            table.add_row(cell.name, states[cell], "")
        if len(waiting) > SHOWN_WAITING:
            table.add_row(f"and {len(waiting) - SHOWN_WAITING} more", "waiting", "")
        return table

    @contextlib.contextmanager
    def shown(self) -> Iterator[Console]:
        """Show the table on a terminal's standard error, redrawn every second; elsewhere show only printed lines."""
        console = progress_console()
        if not console.is_terminal:
            yield console
            return
        with Live(get_renderable=self.__rich__, console=console, refresh_per_second=1, transient=True):
            yield console


def _duration(minutes: float) -> str:
    if minutes < 90:
        return f"{minutes:.0f} min" if minutes >= 1 else "a minute"
    return f"{minutes / 60:.1f} h"
