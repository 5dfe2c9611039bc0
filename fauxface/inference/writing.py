"""Outputs of a prediction: the folder of drawings, the JSON, and JSON Lines."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from fauxface.files import is_standard_output
from fauxface.inference.result import Item, Origin, open_lines, open_result
from fauxface.inference.sources import Sources
from fauxface.outputs import check_file, check_folder, filled_folder, in_folder

RESULT = "predictions.json"
"""The JSON in a folder of drawings."""


@dataclass(frozen=True)
class Targets:
    """Places to write to; None for those that are not wanted.

    Attributes:
        out: folder for drawings, tables and ``predictions.json``, which appear as a whole or not at all. It may be new,
            empty, or wholly from an earlier run, which is replaced.
        json: file for the JSON, which appears once it is complete.
        jsonl: file or stream for JSON Lines, a line as soon as an image is done.
    """

    out: Path | None = None
    json: Path | None = None
    jsonl: Path | None = None

    def check(self, found: Sources) -> None:
        """Refuse, in one line, outputs that would overwrite files of the user; see `fauxface.outputs`."""
        if self.json is not None and self.jsonl is not None:
            standard = is_standard_output(self.json) and is_standard_output(self.jsonl)
            if standard or os.path.realpath(self.json) == os.path.realpath(self.jsonl):
                raise ValueError(f"--json and --jsonl both name {'standard output' if standard else self.json}")
        if self.out is not None:
            check_folder(self.out, "predict", found.named)
        names = [path for name in found.drawings().values() for path in _beside(Path(name))]
        for option, file in (("--json", self.json), ("--jsonl", self.jsonl)):
            if file is not None:
                check_file(file, option, found.inputs, self.out, [str(name) for name in names])


@dataclass
class Outputs:
    """Open outputs.

    Attributes:
        origin: what finds the faces.
        folder: the folder to write drawings to; None for none.
        names: each source's drawing below that folder; `Sources.drawings`.
        sinks: takers of each image's item of the JSON.
        streams: whether somebody waits for each item, so that images are not to be looked at many at a time.
    """

    origin: Origin
    folder: Path | None
    names: dict[Path, str]
    sinks: list[Callable[[Item], None]]
    streams: bool = False

    def drawing(self, source: Path) -> Path | None:
        """The file for a source's drawing; None if none is wanted."""
        return None if self.folder is None else self.folder / self.names[source]

    def add(self, item: Item) -> None:
        """Write the item of an image."""
        for sink in self.sinks:
            sink(item)


@contextmanager
def open_outputs(found: Sources, origin: Origin, targets: Targets) -> Iterator[Outputs]:
    """Open the outputs; after an error only complete lines of ``jsonl`` stay. Errors as `Targets.check`."""
    targets.check(found)
    with ExitStack() as stack:
        folder = None
        if targets.out is not None:
            folder = stack.enter_context(filled_folder(targets.out, "predict", found.named))
        files = [folder / RESULT] if folder is not None else []
        files += [in_folder(targets.json, targets.out, folder)] if targets.json is not None else []
        sinks = [stack.enter_context(open_result(file, origin)) for file in files]
        if targets.jsonl is not None:
            sinks.append(stack.enter_context(open_lines(in_folder(targets.jsonl, targets.out, folder), origin)))
        yield Outputs(origin, folder, found.drawings(), sinks, targets.jsonl is not None)


def _beside(drawing: Path) -> list[Path]:
    """A drawing, and the tables beside it if it is a video."""
    suffixes = (".mp4", ".csv", ".parquet") if drawing.suffix in (".mp4", ".csv") else (drawing.suffix,)
    return [drawing.with_suffix(suffix) for suffix in suffixes]
