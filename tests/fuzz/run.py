"""Runs readers on damaged inputs, in a process of their own that is watched: for time, for memory, for its life."""

from __future__ import annotations

import contextlib
import hashlib
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from fuzz.mutate import damaged
from fuzz.readers import READERS, Reader

SECONDS = 20.0
"""An input may take so long (on a busy machine), and …"""
MEMORY = 2 << 30
"""… so many bytes more than the process held before."""
LINE = 500
"""Characters of a refusal at most; paths are in it."""
ROUND = 20
"""Inputs of a reader after which it is the next one's turn; a slow reader's are a tenth."""


@dataclass
class Counts:
    """How many inputs there were, and how they went."""

    accepted: int = 0
    refused: int = 0
    faults: int = 0

    def line(self) -> str:
        """``inputs N, accepted A, refused R, faults F``."""
        total = self.accepted + self.refused + self.faults
        return f"inputs {total}, accepted {self.accepted}, refused {self.refused}, faults {self.faults}"


def attempt(reader: Reader, path: Path) -> str | None:
    """Read one input: None if it is accepted, ``refused``, or what the fault is."""
    try:
        reader.read(path)
    except (ValueError, OSError) as error:
        if isinstance(error, UnicodeError):
            return f"{type(error).__name__}: {error}"
        line = str(error)
        return f"a line of {len(line)} characters: {line[:300]}" if len(line) > LINE + len(str(path)) else "refused"
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:300]}\n{traceback.format_exc(limit=-4)}"
    return None


def inputs_of(name: str, whole: bytes, seed: int, first: int) -> Iterator[bytes]:
    """The damaged inputs of a reader from number ``first`` on; they depend on (seed, name, number) alone."""
    reader, number = READERS[name], first
    while True:
        yield damaged(whole, random.Random(f"{seed} {name} {number}"), reader.text)
        number += 1


def worker(connection: Connection, folder: Path) -> None:
    """Serve (name, file): read it and answer as `attempt`; the readers' words go nowhere."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["FAUXFACE_CACHE"] = str(folder / "cache")
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    _warm_up()
    held = int(Path("/proc/self/statm").read_text().split()[0]) * 4096 if Path("/proc/self/statm").exists() else 0
    if held:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (held + MEMORY, held + MEMORY))
    connection.send("ready")
    while (asked := connection.recv()) is not None:
        connection.send(attempt(READERS[asked[0]], asked[1]))


def _warm_up() -> None:
    """Import what readers import, so that the first input is not charged for it."""
    import fauxface.audit.pictures
    import fauxface.evaluation.adapter
    import fauxface.evaluation.predictions
    import fauxface.rendering.dataset
    import fauxface.study.results
    import fauxface.training.loop  # noqa: F401


class Watched:
    """A worker process that is started again when it dies or gives no answer."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=worker, args=(theirs, self._folder), daemon=True)
        self._process.start()
        theirs.close()
        self._connection.recv()

    def read(self, name: str, path: Path) -> str | None:
        """As `attempt`; a crash and no answer are faults."""
        self._connection.send((name, path))
        try:
            if self._connection.poll(SECONDS):
                return self._connection.recv()
            found = f"no answer in {SECONDS:.0f} s"
        except EOFError:
            self._process.join()
            found = f"the process died ({self._process.exitcode})"
        self.close()
        self._start()
        return found

    def close(self) -> None:
        self._process.kill()
        self._process.join()
        self._connection.close()


def fuzz(seed: int, inputs: int | None, seconds: float, keep: Path, only: list[str] | None = None) -> Counts:
    """Fuzz every reader in turn until so many inputs, or seconds, are through; prints faults, and the counts last."""
    names = only or list(READERS)
    counts, began, shown = Counts(), time.monotonic(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fauxface-fuzz-") as temporary:
        folder = Path(temporary)
        wholes = {name: _prepared(READERS[name], folder / f"{zlib.crc32(name.encode()):08x}") for name in names}
        watched = Watched(folder)
        began = time.monotonic()
        try:
            done = dict.fromkeys(names, 0)
            while True:
                for name in names:
                    for _ in range(ROUND // 10 if READERS[name].slow else ROUND):
                        total = counts.accepted + counts.refused + counts.faults
                        over = total >= inputs if inputs is not None else time.monotonic() - began > seconds
                        if over:
                            print(f"{total / (time.monotonic() - began):.0f} inputs/s")
                            print(counts.line())
                            return counts
                        path, whole = wholes[name]
                        data = next(inputs_of(name, whole, seed, done[name]))
                        done[name] += 1
                        path.write_bytes(data)
                        _count(counts, name, watched.read(name, path), data, keep)
                    wholes[name][0].write_bytes(wholes[name][1])
                if time.monotonic() - shown > 10:
                    shown = time.monotonic()
                    print(counts.line(), file=sys.stderr)
        finally:
            watched.close()


def _prepared(reader: Reader, folder: Path) -> tuple[Path, bytes]:
    """The file to damage and what is in it when it is whole, which the reader must accept."""
    folder.mkdir()
    reader.make(folder)
    path = folder / reader.file
    return path, path.read_bytes()


def _count(counts: Counts, name: str, found: str | None, data: bytes, keep: Path) -> None:
    if found is None:
        counts.accepted += 1
    elif found == "refused":
        counts.refused += 1
    else:
        counts.faults += 1
        place = keep / name.replace(" ", "_") / hashlib.sha256(data).hexdigest()[:12]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        print(f"FAULT {name}: {found}\n  kept as {place}", flush=True)


def again(keep: Path) -> int:
    """Read kept inputs once more, each in its reader; the exit status."""
    names = {name.replace(" ", "_"): name for name in READERS}
    kept = sorted(path for path in keep.glob("*/*") if path.parent.name in names)
    faults = 0
    for path in kept:
        name = names[path.parent.name]
        with tempfile.TemporaryDirectory(prefix="fauxface-fuzz-") as temporary:
            folder = Path(temporary)
            target, _ = _prepared(READERS[name], folder / "whole")
            shutil.copyfile(path, target)
            watched = Watched(folder)
            found = watched.read(name, target)
            watched.close()
        if found not in (None, "refused"):
            faults += 1
            print(f"FAULT {name} {path}: {found}")
    print(f"{len(kept)} kept inputs, {faults} faults")
    return 1 if faults else 0
