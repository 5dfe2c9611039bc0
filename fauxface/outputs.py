"""The one rule for all that a command writes where its user says: nothing is lost that is not the command's own.

A folder is new, empty, or wholly an earlier run's of the same command, told by the manifest that each run leaves; it is
never the source and never above it. A file is never written over an input or a label. Both are looked at before the
work. One process at a time writes to a folder.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import signal
import sys
import threading
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain, count
from pathlib import Path
from types import FrameType
from typing import IO

from fauxface.files import is_standard_output, is_stream, sweep, take_lock, write_text
from fauxface.hashing import file_hash

MANIFEST = ".fauxface-manifest"
"""A file in each folder that a run has filled: the command, and name and SHA-256 of all that it wrote."""
STAGING, LOCK = ".fauxface-staging", ".fauxface-lock"
_OURS = ".fauxface-"  # how the names of our own housekeeping begin
_NOBODYS = {"lost+found", ".DS_Store", "Thumbs.db", "desktop.ini"}  # put there by file systems and file managers
_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)
_PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")

Owned = dict[str, set[str]]
"""File, as its name below the folder with ``/`` between → SHA-256 of what a run of ours wrote there."""


class Terminated(KeyboardInterrupt):
    """The process was told to end (SIGTERM): all is put away as after Ctrl-C."""


# --- folders


def check_folder(out: Path, command: str, sources: Iterable[Path] = ()) -> None:
    """Refuse a folder that ``command`` may not fill, before its work; nothing is changed.

    ValueError for one that holds a source or is one; FileExistsError that names the first thing in it that is not the
    command's own; PermissionError for one that may not be written.
    """
    if out.exists() and not out.is_dir():
        raise FileExistsError(f"{out} is a file, not a folder for what {command} writes")
    for source in sources:
        if _is_above(out, source):
            where = "is" if out.samefile(source) else "holds"
            raise ValueError(f"--out {out} {where} the source itself, {source}: write to another folder")
    if (found := _foreign(out, command)) is not None:
        old = "" if (out / MANIFEST).is_file() else " (folders of versions without a manifest count as yours)"
        raise FileExistsError(
            f"{out} already holds something else: {found} is not from an earlier `fauxface {command}`, or was changed "
            f"since{old}; give it an empty or new folder"
        )
    _check_writable(out)


@contextmanager
def filled_folder(out: Path, command: str, sources: Iterable[Path] = ()) -> Iterator[Path]:
    """A folder to fill; on success its files take their places in ``out``, and what an earlier run left there goes.

    ``out`` stays the folder that it is (a link, a mount point, ``.``): each file is moved, whole, into it, and until
    the last is there the manifest tells of old and new. On an error ``out`` is as it was, or not there. Errors as
    `check_folder`'s; BlockingIOError when another process writes there.
    """
    check_folder(out, command, sources)
    with only_writer(out, f"fauxface {command}"):
        staging = out / STAGING
        shutil.rmtree(staging, ignore_errors=True)  # a killed run's: we hold the lock
        staging.mkdir()
        try:
            yield staging
            _move_in(staging, out, command)
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def is_output(folder: Path) -> bool:
    """Whether a folder is one that a command filled or fills: left out when a folder above it is read."""
    return (folder / MANIFEST).is_file() or (folder / STAGING).is_dir()


def in_folder(path: Path, out: Path | None, staging: Path | None) -> Path:
    """``path``, or where it lies in ``staging`` if it is below ``out``: then it is one of the run's own files."""
    if out is None or staging is None or is_standard_output(path):
        return path
    try:
        return staging / _real(path).relative_to(out.resolve())
    except ValueError:
        return path


@contextmanager
def only_writer(folder: Path, what: str) -> Iterator[None]:
    """Hold the folder for this process, with a lock that ends with it; the folder is made, and goes if it stays empty.

    BlockingIOError, in one line, when another process holds it.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = _lock(folder, what)
        try:
            sweep(folder)
            yield
        finally:
            if lock is not None:
                _unlock(lock, folder / LOCK)
    finally:
        with suppress(OSError):  # it holds something now
            for path in made:
                path.rmdir()


def empty_or_new(folder: Path, what: str, but: Sequence[str] = ()) -> None:
    """FileExistsError, naming the first thing there, unless ``folder`` is new or empty, ``but`` for some names."""
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is a file, not a folder for {what}")
    there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if found := [name for name in there if name not in but and not _ignored(Path(name))]:
        raise FileExistsError(f"{folder} already holds something else: {found[0]}; give {what} an empty or new folder")


def _foreign(out: Path, command: str) -> str | None:
    """The first thing in a folder, by its name below it, that is not ``command``'s own."""
    if not out.is_dir():
        return None
    owned = _owned(out, command)
    folders = {str(parent) for name in owned for parent in Path(name).parents}
    for root, below, names in os.walk(out):
        inside = Path(root).relative_to(out)
        below[:] = sorted(name for name in below if not _ignored(inside / name))
        for name in sorted([*below, *names]):
            path, told = Path(root, name), inside / name
            if _ignored(told):
                continue
            if path.is_symlink() or (not path.is_dir() and not _is_owned(out, told.as_posix(), owned)):
                return str(told)
            if path.is_dir() and str(told) not in folders:
                return f"{told}{os.sep}"
    return None


def _ignored(told: Path) -> bool:
    return told.name in _NOBODYS or (len(told.parts) == 1 and told.name.startswith(_OURS))


def _is_owned(out: Path, name: str, owned: Owned) -> bool:
    return name in owned and _hash(out / name) in owned[name]


def _owned(out: Path, command: str) -> Owned:
    """What the manifest tells of, if it is one of ``command``'s; nothing outside the folder."""
    owned: Owned = {}
    try:
        manifest = json.loads((out / MANIFEST).read_text())  # not parse_json: names need not be Unicode
        if manifest["command"] != command:
            return {}
        for name, digest in manifest["files"]:
            if not Path(name).is_absolute() and ".." not in Path(name).parts:
                owned.setdefault(name, set()).add(digest)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    return owned


def _hash(path: Path) -> str:
    if not path.is_file():  # a pipe, a device
        return ""
    return file_hash(path)


def _note(out: Path, command: str, *runs: Owned) -> None:
    pairs = sorted({(name, digest) for owned in runs for name, digests in owned.items() for digest in digests})
    lines = ",\n".join(json.dumps(pair) for pair in pairs)
    write_text(out / MANIFEST, f'{{"command": {json.dumps(command)}, "files": [\n{lines}\n]}}\n')


def _move_in(staging: Path, out: Path, command: str) -> None:
    old = _owned(out, command)
    new: Owned = {
        path.relative_to(staging).as_posix(): {_hash(path)} for path in sorted(staging.rglob("*")) if path.is_file()
    }
    for name in sorted(old.keys() | new.keys()):
        path = out / name
        if path.is_symlink() or (path.exists() and not _is_owned(out, name, old)):
            raise FileExistsError(f"{path} was changed meanwhile, and is left alone; nothing else was written")
    _note(out, command, old, new)  # killed from here on, all that is there is still told to be ours
    for name in new:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (staging / name).replace(out / name)
    for name in sorted(old.keys() - new.keys()):
        (out / name).unlink(missing_ok=True)
        with suppress(OSError):  # not empty
            for parent in Path(name).parents[:-1]:
                (out / parent).rmdir()
    _note(out, command, new)


def _is_above(out: Path, source: Path) -> bool:
    """Whether ``out`` is the source or above it, by whatever name."""
    if not (out.exists() and source.exists()):
        return False
    real = source.resolve()
    return any(out.samefile(path) for path in (real, *real.parents))


def _check_writable(folder: Path) -> None:
    """PermissionError, or another OSError that names the path, unless files can be made in a folder, new or there."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "it is a file, not a folder", str(there))
    if not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, "it may not be written", str(there))


def _lock(folder: Path, what: str) -> IO[bytes] | None:
    path = folder / LOCK
    while True:
        try:
            lock = take_lock(path, wait=False)
        except OSError as error:
            if error.errno in _NO_LOCKS:  # a file system that has none
                path.unlink(missing_ok=True)
                return None
            raise
        if lock is None:
            raise BlockingIOError(f"{folder}: another {what} is at work in it; wait for its end, or stop it")
        if path.exists() and os.path.samestat(os.fstat(lock.fileno()), path.stat()):
            return lock
        lock.close()  # its holder removed it before we had it


def _unlock(lock: IO[bytes], path: Path) -> None:
    if sys.platform == "win32":
        lock.close()
    with suppress(OSError):
        path.unlink()
    lock.close()


# --- files


def check_file(
    path: Path, option: str, inputs: Iterable[Path] = (), out: Path | None = None, names: Iterable[str] = ()
) -> None:
    """Refuse, before the work, a file to write that is an input, a picture's label, a folder, or cannot be written.

    Beside the inputs nothing is replaced but an earlier run's file, told by what it holds: labels may lie there.
    It may lie in the run's folder ``out``, but not have one of the ``names`` of what else is written there. ValueError
    or OSError, in one line, which names ``option`` (``--json``) or the path.
    """
    if is_stream(path):
        return
    if out is not None and in_folder(path, out, out) in [out / name for name in names]:
        raise ValueError(f"{option} {path} is the name of something else that is written to {out}; take another")
    if path.is_dir():
        raise ValueError(f"{option} {path} is a folder, not a file")
    target = _real(path)
    if path.is_file():
        _check_replaced(path, target, option, list(inputs))
        if os.access(target, os.W_OK):
            return
    _check_writable(target.parent)


def _check_replaced(path: Path, target: Path, option: str, inputs: Sequence[Path]) -> None:
    if any(source.exists() and source.samefile(path) for source in inputs):
        raise ValueError(f"{option} {path} is one of the inputs; write to another file")
    if not target.stat().st_size or _is_ours(target):
        return
    if (picture := _labelled(target)) is not None:
        raise ValueError(f"{option} {path} looks like the labels of {picture.name} beside it; write to another file")
    if target.parent in {source.resolve().parent for source in inputs}:
        raise ValueError(f"{option} {path} holds something else, beside the inputs; write to another file")


@contextmanager
def kept_for(path: Path | None) -> Iterator[None]:
    """Where ``path`` is standard output, all that is printed meanwhile goes to standard error."""
    with contextlib.redirect_stdout(sys.stderr) if is_standard_output(path) else contextlib.nullcontext():
        yield


def distinct_names(sources: Sequence[Path], suffixes: Sequence[str], root: Path) -> list[str]:
    """A name for what is made of each source: its own below ``root``, with the suffix of the same place.

    No two are one, on file systems that do not tell upper from lower case either. The name is the source's stem; where
    several would have it, the first keeps it, and the others have their whole name before the suffix, and a number
    where that is taken too.
    """
    plain = [path.relative_to(root).with_suffix("").as_posix() for path in sources]
    wanted = Counter(_folded(name + suffix) for name, suffix in zip(plain, suffixes, strict=True))
    names, taken = [""] * len(sources), set[str]()
    for i in sorted(range(len(sources)), key=lambda i: wanted[_folded(plain[i] + suffixes[i])] > 1):  # the lone first
        whole = sources[i].relative_to(root).as_posix()
        tries = chain((plain[i], whole), (f"{whole}-{number}" for number in count(2)))
        names[i] = next(name for name in (each + suffixes[i] for each in tries) if _folded(name) not in taken)
        taken.add(_folded(names[i]))
    return names


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _real(path: Path) -> Path:
    """Where a file of that name ends up, after its links."""
    return Path(os.path.realpath(path))


def _labelled(path: Path) -> Path | None:
    """The picture beside a file that it has the name of, and so may be the labels of."""
    stem = path.stem.removesuffix("_ldmks").removesuffix("_seg")
    pictures = (path.with_name(stem + suffix) for suffix in (*_PICTURES, *(s.upper() for s in _PICTURES)))
    return next((picture for picture in pictures if picture.is_file()), None)


def _is_ours(path: Path) -> bool:
    """Whether that is JSON as ``predict`` writes it, of photographs and the faces in them, or scores."""
    with path.open("rb") as file:
        head = file.read(4096)
    return b'"nme"' in head or (b'"image"' in head and b'"faces"' in head and b'"generator"' not in head)


# --- the end of a process


def heed_termination(error: type[BaseException] = Terminated) -> None:
    """Let SIGTERM end this process as Ctrl-C does, with that error; once, so that clearing up is not broken off."""

    def end(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise error

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, end)
