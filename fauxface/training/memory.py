"""Memory of a training run on the CPU."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""Parameters of glibc's ``mallopt``."""
_DEFAULT_TRIM, _DEFAULT_MMAPS = 64 << 20, 65536
"""Their values outside a run; the first is glibc's own for a program that frees blocks of 32 MB."""


@contextmanager
def keep_freed_memory() -> Iterator[None]:
    """While this is open, tensors reuse the memory of freed ones; afterwards the system gets it back.

    Each training step makes and frees the same large tensors. By default glibc asks the system for new pages for each,
    and the system clears them: with that, MobileNetV2 with heatmaps trains at three quarters of its speed (measured on
    a Xeon, one thread). Other C libraries are left as they are.
    """
    libc = ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None
    if libc is None:
        yield
        return
    libc.mallopt(_MMAP_MAX, 0)
    libc.mallopt(_TRIM_THRESHOLD, -1)  # never
    try:
        yield
    finally:
        libc.mallopt(_MMAP_MAX, _DEFAULT_MMAPS)
        libc.mallopt(_TRIM_THRESHOLD, _DEFAULT_TRIM)
        libc.malloc_trim(0)
