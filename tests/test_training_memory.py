"""Memory that training keeps for its next step, and gives back afterwards."""

from __future__ import annotations

import platform
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from fauxface.training import memory
from fauxface.training.memory import keep_freed_memory

GLIBC = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
SIZE = 64 << 20
"""Bytes of a tensor; glibc maps blocks of this size anew each time, whatever was freed before."""


def faults() -> int:
    """Page faults that twelve large tensors cost, each freed before the next."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(12):
        torch.zeros(SIZE, dtype=torch.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def resident() -> int:
    """Memory of this process, bytes."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) << 10


def main() -> None:
    """Print faults without and with kept memory, and how much stays with the process afterwards."""
    torch.zeros(SIZE, dtype=torch.uint8)
    plain, before = faults(), resident()
    with keep_freed_memory():
        kept = faults()
    print(plain, kept, resident() - before, faults())


@GLIBC
def test_freed_memory_is_used_again_and_given_back_afterwards():
    """In a process of its own: the tests' processes hold other memory."""
    done = subprocess.run([sys.executable, __file__], capture_output=True, text=True, check=True, timeout=120)
    plain, kept, stays, after = map(int, done.stdout.split())
    assert kept < plain / 4
    assert stays < SIZE / 4
    assert after > plain / 2


def test_an_error_gives_it_back_too(monkeypatch: pytest.MonkeyPatch):
    class Library:
        def __init__(self):
            self.calls: list[tuple[int, ...]] = []

        def mallopt(self, *call: int) -> None:
            self.calls.append(call)

        def malloc_trim(self, pad: int) -> None:
            self.calls.append((pad,))

    library = Library()
    monkeypatch.setattr(memory.platform, "libc_ver", lambda: ("glibc", "2.36"))
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: library)
    with pytest.raises(KeyboardInterrupt), keep_freed_memory():
        raise KeyboardInterrupt
    assert library.calls[:2] == [(-4, 0), (-1, -1)]
    assert library.calls[2:] == [(-4, 65536), (-1, 64 << 20), (0,)]


@pytest.mark.parametrize("library", ["", "musl"])
def test_other_c_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch, library: str):
    monkeypatch.setattr(memory.platform, "libc_ver", lambda: (library, ""))
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: pytest.fail("asked for the C library"))
    with keep_freed_memory():
        torch.zeros(8)


if __name__ == "__main__":
    main()
