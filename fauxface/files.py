"""Files that are whole or not there: everything we write goes through here."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


@contextmanager
def atomic_path(path: Path, sync: bool = True) -> Iterator[Path]:
    """A temporary path beside ``path`` (same suffix) to write to; on success it is synced and takes ``path``'s place.

    On any error, a full disk or a kill between, ``path`` is what it was before and nothing half-written bears its name.
    Without ``sync`` that holds for a killed program, but not for a power cut: enough for what a seed makes again.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        if sync:
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except OSError as error:
        if error.filename is None and error.errno is not None:  # a full disk does not say whose
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes, sync: bool = True) -> None:
    """Write ``data`` to ``path``, wholly or not at all."""
    with atomic_path(path, sync) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str, sync: bool = True) -> None:
    """Write ``text`` to ``path`` as UTF-8, wholly or not at all."""
    write_bytes(path, text.encode(), sync)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A temporary folder beside ``path`` to fill; on success it takes ``path``'s place (an old one is removed)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        yield temporary
        temporary.chmod(0o755)
        old = path.with_name(f".{path.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        if path.exists():
            path.rename(old)
        temporary.rename(path)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def take_lock(path: Path, *, shared: bool = False, wait: bool = True) -> IO[bytes] | None:
    """Lock the file at ``path`` (made if need be) until its handle is closed or this process ends, even killed.

    Any number of processes may hold a ``shared`` lock, and nobody else then an exclusive one (Windows has no shared
    ones: there they hold nobody off). None when it is taken and we do not ``wait``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = path.open("ab")
    while True:
        try:
            if sys.platform == "win32":
                handle.seek(0)
                if not shared:
                    msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                how = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)
                fcntl.flock(handle, how)
            return handle
        except (BlockingIOError, PermissionError):
            if not wait:
                handle.close()
                return None
            time.sleep(0.1)


def empty_or_new(folder: Path, what: str) -> None:
    """Make ``folder``, unless it holds something: then FileExistsError, which names it and ``what`` was to go there."""
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is a file, not a folder for {what}")
    if folder.is_dir() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} already holds something else; give {what} an empty or new folder")
    folder.mkdir(parents=True, exist_ok=True)


def cache_folder() -> Path:
    """Where caches live: ``FAUXFACE_CACHE``, else the user's cache folder; never beside the data."""
    base = os.environ.get("FAUXFACE_CACHE")
    if base:
        return Path(base)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fauxface"


def regular_size(path: Path) -> int:
    """The size of a file, bytes; FileNotFoundError; ValueError for anything else than a file: opening may never end."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"{path}: there is no such file") from None
    if stat.S_ISREG(found.st_mode):
        return found.st_size
    kinds = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"))
    kind = next((name for test, name in kinds if test(found.st_mode)), "a device")
    raise ValueError(f"{path}: {kind}, not a file")


def read_bytes(path: Path, limit: int) -> bytes:
    """A file's content; errors of `regular_size`, and ValueError if it is longer than ``limit`` bytes."""
    size = regular_size(path)
    if size > limit:
        raise ValueError(f"{path}: {size / 2**20:.0f} MiB are too much; {limit / 2**20:.0f} MiB is the most")
    with path.open("rb") as file:
        return file.read(limit + 1)[:limit]


def tell_damaged(path: Path) -> None:
    """Say on standard error that a file of the cache is damaged (a full disk, a power cut) and is made anew."""
    print(f"fauxface: {path} is damaged; it is made anew", file=sys.stderr)
