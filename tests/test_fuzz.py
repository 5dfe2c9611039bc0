"""A small, fixed part of `make fuzz`, and that the fuzzer itself sees faults."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest
from fuzz import readers
from fuzz.readers import READERS, Reader
from fuzz.run import Watched, attempt, fuzz, inputs_of

QUICK = sorted(name for name, reader in READERS.items() if not reader.slow)


@pytest.mark.parametrize("name", QUICK)
def test_damaged_inputs_are_read_or_refused_in_a_line(name: str, tmp_path: Path):
    reader = READERS[name]
    reader.make(tmp_path)
    path = tmp_path / reader.file
    whole = path.read_bytes()
    assert attempt(reader, path) is None, "the whole input must be accepted"
    for number, data in zip(range(15), inputs_of(name, whole, 7, 0), strict=False):
        path.write_bytes(data)
        assert attempt(reader, path) in (None, "refused"), f"input {number} of {name}"


def crash(path: Path) -> object:
    if b"die" in path.read_bytes():
        os.abort()
    if b"wait" in path.read_bytes():
        time.sleep(60)
    raise ValueError("long " * 1000) if b"long" in path.read_bytes() else KeyError("k")


def test_the_fuzzer_sees_what_is_a_fault(tmp_path: Path):
    reader, path = Reader(lambda folder: None, "a", crash), tmp_path / "a"
    path.write_bytes(b"")
    assert (attempt(reader, path) or "").startswith("KeyError")
    path.write_bytes(b"long")
    assert (attempt(reader, path) or "").startswith("a line of 5000 characters")


@pytest.mark.slow
def test_the_fuzzer_ends_with_its_counts_and_sees_a_death(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    counts = fuzz(1, 60, 1e9, tmp_path / "keep", ["pts", "picture png", "log.csv"])
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == counts.line()
    assert re.fullmatch(r"inputs 60, accepted \d+, refused \d+, faults 0", last)
    watched = Watched(tmp_path)
    try:
        watched._process.kill()
        assert "died" in (watched.read("log.csv", tmp_path / "gone") or "")
        assert watched.read("log.csv", tmp_path / "gone") is None  # a new process goes on
    finally:
        watched.close()


def test_every_reader_is_listed_once_and_has_a_whole_input():
    assert len(READERS) > 30
    assert readers.READERS is READERS
