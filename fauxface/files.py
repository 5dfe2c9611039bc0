"""Files that are whole or not there: everything we write goes through here."""

from __future__ import annotations

import errno
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
"""As the name of a file to write: standard output."""
_PREFIX = ".fauxface-tmp-"
_TEMPORARY = re.compile(re.escape(_PREFIX) + r"[a-z0-9_]{8}(\..*)?")
_swept: set[Path] = set()


@contextmanager
def atomic_path(path: Path, sync: bool = True) -> Iterator[Path]:
    """A temporary path (same suffix) to write to; on success it is synced and takes ``path``'s place.

    On any error, a full disk or a kill between, ``path`` is what it was before and nothing half-written bears its name.
    Without ``sync`` that holds for a killed program, but not for a power cut: enough for what a seed makes again.
    A link stays, and what it points to is replaced. Standard output (``-``), devices, pipes, and a file in a folder
    that may not be written are written into, once all is there.
    """
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    poured = is_stream(path)
    if not poured:
        target.parent.mkdir(parents=True, exist_ok=True)
        poured = target.is_file() and not os.access(target.parent, os.W_OK | os.X_OK)
    folder = Path(tempfile.gettempdir()) if poured else target.parent
    _sweep_once(folder)
    handle, temporary = _make_temporary(folder, path.suffix)
    try:
        yield temporary
        if poured:
            _pour(temporary, path)
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
            _pour(temporary, target)
    except OSError as error:
        if error.filename is None and error.errno is not None:  # a full disk does not say whose
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)
        if handle is not None:
            os.close(handle)


def is_standard_output(path: Path | None) -> bool:
    """Whether a file of that name to write is standard output."""
    names = ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")
    return path is not None and str(path) in names


def is_stream(path: Path) -> bool:
    """Whether that is standard output, a device or a pipe, which is written into and never replaced."""
    if is_standard_output(path) or str(path.parent) in ("/dev", "/dev/fd", "/proc/self/fd"):
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _pour(source: Path, path: Path) -> None:
    """Write a file's content into what is at ``path``."""
    if sys.__stdout__ is not None and is_standard_output(path):
        sys.__stdout__.flush()
    with source.open("rb") as file, os.fdopen(os.dup(1), "wb") if is_standard_output(path) else path.open("wb") as sink:
        shutil.copyfileobj(file, sink)


def _mode_of(path: Path) -> int:
    """The permissions of a file to be replaced, or those of a new one."""
    if path.is_file():
        return stat.S_IMODE(path.stat().st_mode)
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask


def _make_temporary(folder: Path, suffix: str) -> tuple[int | None, Path]:
    """A new temporary file, and a handle whose lock says that its owner lives (None on Windows)."""
    while True:
        handle, name = tempfile.mkstemp(prefix=_PREFIX, suffix=suffix if len(suffix) <= 16 else "", dir=folder)
        if sys.platform == "win32":  # an open file could not be renamed
            os.close(handle)
            return None, Path(name)
        with suppress(OSError):  # a file system without locks, on which nothing is swept either
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return handle, Path(name)
        os.close(handle)  # swept before it was locked


def sweep(folder: Path) -> None:
    """Remove the temporary files that killed programs of ours left in a folder; those of living ones stay."""
    with suppress(OSError):
        for path in sorted(folder.iterdir()):
            if _TEMPORARY.fullmatch(path.name) and path.is_file() and not path.is_symlink():
                with suppress(OSError):
                    _remove_if_dead(path)


def _remove_if_dead(path: Path) -> None:
    if sys.platform == "win32":
        if time.time() - path.stat().st_mtime > 86_400:  # a day: nothing of ours is written for so long
            path.unlink()
        return
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises where its owner lives
        path.unlink()


def _sweep_once(folder: Path) -> None:
    """Sweep a folder that this process has not written to before."""
    if folder not in _swept:
        _swept.add(folder)
        sweep(folder)


def write_bytes(path: Path, data: bytes, sync: bool = True) -> None:
    """Write ``data`` to ``path``, wholly or not at all."""
    with atomic_path(path, sync) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str, sync: bool = True) -> None:
    """Write ``text`` to ``path`` as UTF-8, wholly or not at all."""
    write_bytes(path, text.encode(), sync)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A new folder to fill, which takes the place of ``path``, a folder of the cache, as a whole.

    One process at a time; a kill between leaves the old folder or the new one, at the latest when this is called again.
    Folders that a user names are filled by `fauxface.outputs.filled_folder`.
    """
    new, old = (path.with_name(f".{path.name}.{word}") for word in ("new", "old"))
    lock_file = path.with_name(f".{path.name}.lock")
    lock = take_lock(lock_file)
    while not is_held(lock, lock_file):  # its holder removed it before we had it
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


def is_held(lock: IO[bytes] | None, path: Path) -> bool:
    """Whether ``lock`` is of the file that is at ``path`` now: a holder that ends with `remove_lock` takes it away."""
    return lock is not None and path.exists() and os.path.samestat(os.fstat(lock.fileno()), path.stat())


def remove_lock(lock: IO[bytes] | None, path: Path) -> None:
    """Give a lock back, and remove its file; others see by `is_held` that theirs is of a file that is gone."""
    if lock is None:
        return
    if sys.platform == "win32":
        lock.close()
    with suppress(OSError):
        path.unlink()
    lock.close()


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
