"""Settings of `fauxface audit`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from fauxface.datasets.formats import FormatName
from fauxface.ranges import Workers


@dataclass(frozen=True)
class AuditConfig:
    """Settings of an audit."""

    data: Annotated[Positional[Path], arg(metavar="DIR")]
    """Folder of labelled faces; its subfolders are searched too."""
    out: Path = Path("audit")
    """Folder for the report. It must be new, empty, or hold only an earlier audit, which is replaced.
    It may lie inside DIR."""
    format: FormatName = "auto"
    """Format of the data; auto recognises it. Other packages can add formats."""
    split: Annotated[str | None, arg(metavar="NAME")] = None
    """Official part of the data; by default all of it."""
    workers: Workers = 0
    """Threads; 0 uses one for each CPU core."""
