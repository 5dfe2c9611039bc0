"""Files that are complete or absent: everything the package writes goes through here."""

from __future__ import annotations

import errno
import logging
import os
import re
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


STANDARD_OUTPUT = Path("-")
"""The name ``-``, which stands for standard output where a file to write is asked for."""
_PREFIX = ".fauxface-tmp-"
_TEMPORARY = re.compile(re.escape(_PREFIX) + r"[a-z0-9_]{8}(\..*)?")
_swept: set[Path] = set()


@contextmanager
def atomic_path(path: Path, sync: bool = True) -> Iterator[Path]:
    """A temporary path (same suffix) to write to; on success it is synced and replaces ``path``.

    After an error, a full disk or a kill, ``path`` is as it was before: no half-written file has its name. Without
    ``sync`` this holds for a killed program but not for a power cut, which is enough for files that a seed can make
    again. A symbolic link stays, and its target is replaced. Standard output (``-``), devices, pipes, and files in a
    read-only folder cannot be replaced: the complete content is copied into them at the end.
    """
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    copied = is_stream(path)
    if not copied:
        target.parent.mkdir(parents=True, exist_ok=True)
        copied = target.is_file() and not os.access(target.parent, os.W_OK | os.X_OK)
    folder = Path(tempfile.gettempdir()) if copied else target.parent
    _sweep_once(folder)
    handle, temporary = _make_temporary(folder, path.suffix)
    try:
        yield temporary
        if copied:
            _copy_into(temporary, path)
            return
        if sync:
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
        temporary.chmod(_mode_of(target))
        try:
            temporary.replace(target)
        except OSError as error:
            if error.errno != errno.EBUSY:  # a file that is a mount point cannot be replaced
                raise
            _copy_into(temporary, target)
    except OSError as error:
        if error.filename is None and error.errno is not None:  # errors of a full disk lack the name
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)
        if handle is not None:
            os.close(handle)


def is_standard_output(path: Path | None) -> bool:
    """True for the names of standard output: ``-``, ``/dev/stdout``, …."""
    names = ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")
    return path is not None and str(path) in names


def is_stream(path: Path) -> bool:
    """True for standard output, devices and pipes, which are written into and never replaced."""
    if is_standard_output(path) or str(path.parent) in ("/dev", "/dev/fd", "/proc/self/fd"):
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def open_stream(path: Path) -> IO[str]:
    """A file, pipe, device or standard output (``-``), opened to write text into it bit by bit."""
    if is_standard_output(path):
        if sys.__stdout__ is not None:
            sys.__stdout__.flush()
        return os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    if not is_stream(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("w", encoding="utf-8", newline="\n")


def _copy_into(source: Path, path: Path) -> None:
    """Write a file's content into the file, device or pipe at ``path``."""
    if sys.__stdout__ is not None and is_standard_output(path):
        sys.__stdout__.flush()
    with source.open("rb") as file, os.fdopen(os.dup(1), "wb") if is_standard_output(path) else path.open("wb") as sink:
        shutil.copyfileobj(file, sink)


def _mode_of(path: Path) -> int:
    """Permissions of the file at ``path``, or of a new one."""
    if path.is_file():
        return stat.S_IMODE(path.stat().st_mode)
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask


def _make_temporary(folder: Path, suffix: str) -> tuple[int | None, Path]:
    """A new temporary file, and an open handle with a lock that lasts as long as its owner (None on Windows)."""
    while True:
        handle, name = tempfile.mkstemp(prefix=_PREFIX, suffix=suffix if len(suffix) <= 16 else "", dir=folder)
        if sys.platform == "win32":  # open files cannot be renamed there
            os.close(handle)
            return None, Path(name)
        with suppress(OSError):  # a file system without locks; nothing is swept there either
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return handle, Path(name)
        os.close(handle)  # swept before it was locked


def sweep(folder: Path) -> None:
    """Remove the temporary files that killed Fauxface processes left in a folder; those of running ones stay."""
    with suppress(OSError):
        for path in sorted(folder.iterdir()):
            if _TEMPORARY.fullmatch(path.name) and path.is_file() and not path.is_symlink():
                with suppress(OSError):
                    _remove_if_dead(path)


def _remove_if_dead(path: Path) -> None:
    if sys.platform == "win32":
        if time.time() - path.stat().st_mtime > 86_400:  # a day: no file takes that long to write
            path.unlink()
        return
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises while its owner is running
        path.unlink()


def _sweep_once(folder: Path) -> None:
    """Sweep a folder before this process first writes to it."""
    if folder not in _swept:
        _swept.add(folder)
        sweep(folder)


def write_bytes(path: Path, data: bytes, sync: bool = True) -> None:
    """Write ``data`` to ``path``, completely or not at all."""
    with atomic_path(path, sync) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str, sync: bool = True) -> None:
    """Write ``text`` to ``path`` as UTF-8, completely or not at all."""
    write_bytes(path, text.encode(), sync)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A new folder to fill, which then replaces ``path``, a folder in the cache, as a whole.

    One process at a time. After a kill either the old or the new folder is complete, at the latest once this is called
    again. For folders that a user names see `fauxface.outputs.filled_folder`.
    """
    new, old = (path.with_name(f".{path.name}.{word}") for word in ("new", "old"))
    lock_file = path.with_name(f".{path.name}.lock")
    lock = take_lock(lock_file)
    while not is_held(lock, lock_file):  # its holder removed the file meanwhile
        lock = take_lock(lock_file)
    try:
        if old.exists() and not path.exists():  # killed between the two renames
            old.rename(path)
        for left in (new, old):
            shutil.rmtree(left, ignore_errors=True)
        new.mkdir()
        yield new
        if path.exists():
            path.rename(old)
        new.rename(path)
    finally:
        for left in (new, old):
            if path.exists() or left == new:
                shutil.rmtree(left, ignore_errors=True)
        remove_lock(lock, lock_file)


def take_lock(path: Path, *, shared: bool = False, wait: bool = True) -> IO[bytes] | None:
    """Lock the file at ``path``, made if absent, until the returned handle is closed or this process ends or is killed.

    Any number of processes may hold a ``shared`` lock at once, and while they do, none gets an exclusive one (except on
    Windows, where shared locks have no effect). Without ``wait`` the result is None if the lock is taken.
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


def is_held(lock: IO[bytes] | None, path: Path) -> bool:
    """True if ``lock`` locks the file now at ``path``, which another holder may have removed with `remove_lock`."""
    return lock is not None and path.exists() and os.path.samestat(os.fstat(lock.fileno()), path.stat())


def remove_lock(lock: IO[bytes] | None, path: Path) -> None:
    """Release a lock and remove its file; waiting processes notice it with `is_held`."""
    if lock is None:
        return
    if sys.platform == "win32":
        lock.close()
    with suppress(OSError):
        path.unlink()
    lock.close()


def cache_folder() -> Path:
    """Folder of the caches: ``FAUXFACE_CACHE``, or ``fauxface`` in the user's cache folder; never the data's folder."""
    base = os.environ.get("FAUXFACE_CACHE")
    if base:
        return Path(base)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fauxface"


def regular_size(path: Path) -> int:
    """The size of a file in bytes; FileNotFoundError; ValueError for folders, pipes (which may block) and devices."""
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
        raise ValueError(f"{path}: {size / 2**20:.0f} MiB are too much; at most {limit / 2**20:.0f} MiB are read")
    with path.open("rb") as file:
        return file.read(limit + 1)[:limit]


def tell_damaged(path: Path) -> None:
    """Warn that a file of the cache is damaged (full disk, power cut) and is made again."""
    logging.getLogger("fauxface").warning(f"{path} is damaged; it is made again")
