"""Output files and folders that users name. The one rule: a command replaces nothing but its own earlier output.

An output folder is new, empty, or holds only files of an earlier run of the same command, as listed in the manifest
that each run leaves. It is neither the source nor a folder above it. An output file never replaces an input or a label.
Both are checked before the work starts. One process at a time writes to a folder.
"""

from __future__ import annotations

import contextlib
import errno
import json
import mmap
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

from fauxface.files import is_held, is_standard_output, is_stream, remove_lock, sweep, take_lock, write_text
from fauxface.hashing import file_hash

MANIFEST = ".fauxface-manifest"
"""The file in each output folder with the command, and with name and SHA-256 of every file that it wrote."""
MARKS = ("Faces found by Fauxface", "ROOT fauxface_head")
"""Words in files for other programs by which they are known again; the second where a format has no comments."""
STAGING, LOCK = ".fauxface-staging", ".fauxface-lock"
_OURS = ".fauxface-"  # start of the names of these helper files
_SYSTEM_FILES = {"lost+found", ".DS_Store", "Thumbs.db", "desktop.ini"}  # made by file systems and file managers
_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)
_PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")

Owned = dict[str, set[str]]
"""Path below the folder, with ``/`` as separator → SHA-256 of the content that earlier runs wrote there."""


class Terminated(KeyboardInterrupt):
    """The process received SIGTERM and cleans up as after Ctrl-C."""


# --- folders


def check_folder(out: Path, command: str, sources: Iterable[Path] = ()) -> None:
    """Refuse a folder that ``command`` must not fill, before its work; change nothing.

    ValueError for a folder that is or contains a source; FileExistsError, with its name, for a file that the command
    did not write; PermissionError for a read-only folder.
    """
    if out.exists() and not out.is_dir():
        raise FileExistsError(f"{out} is a file, not a folder for the output of {command}")
    for source in sources:
        if _is_above(out, source):
            relation = "is" if out.samefile(source) else "contains"
            raise ValueError(f"--out {out} {relation} the source {source}: write to another folder")
    if (found := _foreign(out, command)) is not None:
        old = "" if (out / MANIFEST).is_file() else " (output of early versions, without a manifest, counts as yours)"
        raise FileExistsError(
            f"{out} already holds something else: {found} is not from an earlier `fauxface {command}`, or was changed "
            f"since{old}; choose an empty or new folder"
        )
    _check_writable(out)


@contextmanager
def filled_folder(out: Path, command: str, sources: Iterable[Path] = ()) -> Iterator[Path]:
    """A folder to fill; on success its files are moved into ``out`` and replace the output of an earlier run.

    ``out`` itself stays (it may be a link, a mount point, ``.``): each file is moved into it complete, and until the
    last one is there the manifest lists old and new. After an error ``out`` is as before, or absent. Errors of
    `check_folder`; BlockingIOError if another process writes there.
    """
    check_folder(out, command, sources)
    with only_writer(out, f"fauxface {command}"):
        staging = out / STAGING
        shutil.rmtree(staging, ignore_errors=True)  # from a killed run, as this process holds the lock
        staging.mkdir()
        try:
            yield staging
            _move_in(staging, out, command)
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def is_output(folder: Path) -> bool:
    """True for a folder that a command filled or is filling; readers of folders above skip it."""
    return (folder / MANIFEST).is_file() or (folder / STAGING).is_dir()


def in_folder(path: Path, out: Path | None, staging: Path | None) -> Path:
    """The path to write now for ``path``: the one in ``staging`` if ``path`` is below ``out``, otherwise ``path``."""
    if out is None or staging is None or is_standard_output(path):
        return path
    try:
        return staging / _real(path).relative_to(out.resolve())
    except ValueError:
        return path


@contextmanager
def only_writer(folder: Path, what: str) -> Iterator[None]:
    """Lock a folder, made if absent, for this process alone; if it stays empty it is removed again.

    The lock ends with the process. BlockingIOError, in one line, while another process holds it.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = _lock(folder, what)
        try:
            sweep(folder)
            yield
        finally:
            remove_lock(lock, folder / LOCK)
    finally:
        with suppress(OSError):  # not empty
            for path in made:
                path.rmdir()


def empty_or_new(folder: Path, what: str, but: Sequence[str] = ()) -> None:
    """Raise a FileExistsError with the first name found unless ``folder`` is new or empty apart from ``but``."""
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is a file, not a folder for {what}")
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if found := [name for name in names if name not in but and not _ignored(Path(name))]:
        raise FileExistsError(
            f"{folder} already holds something else: {found[0]}; choose an empty or new folder for {what}"
        )


def _foreign(out: Path, command: str) -> str | None:
    """Path below ``out`` of the first file or folder that ``command`` did not write, None if there is none."""
    if not out.is_dir():
        return None
    owned = _owned(out, command)
    folders = {str(parent) for name in owned for parent in Path(name).parents}
    for root, below, names in os.walk(out):
        inside = Path(root).relative_to(out)
        below[:] = sorted(name for name in below if not _ignored(inside / name))
        for name in sorted([*below, *names]):
            path, relative = Path(root, name), inside / name
            if _ignored(relative):
                continue
            if path.is_symlink() or (not path.is_dir() and not _is_owned(out, relative.as_posix(), owned)):
                return str(relative)
            if path.is_dir() and str(relative) not in folders:
                return f"{relative}{os.sep}"
    return None


def _ignored(name: Path) -> bool:
    return name.name in _SYSTEM_FILES or (len(name.parts) == 1 and name.name.startswith(_OURS))


def _is_owned(out: Path, name: str, owned: Owned) -> bool:
    return name in owned and _hash(out / name) in owned[name]


def _owned(out: Path, command: str) -> Owned:
    """Files that the manifest lists, if ``command`` wrote it; names that lead outside the folder are dropped."""
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


def _write_manifest(out: Path, command: str, *runs: Owned) -> None:
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
            raise FileExistsError(f"{path} was changed meanwhile and is left as it is; nothing was written")
    _write_manifest(out, command, old, new)  # so that after a kill from here on every file is still listed
    for name in new:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (staging / name).replace(out / name)
    for name in sorted(old.keys() - new.keys()):
        (out / name).unlink(missing_ok=True)
        with suppress(OSError):  # not empty
            for parent in Path(name).parents[:-1]:
                (out / parent).rmdir()
    _write_manifest(out, command, new)


def _is_above(out: Path, source: Path) -> bool:
    """True if ``out`` is the source or a folder above it, under any name."""
    if not (out.exists() and source.exists()):
        return False
    real = source.resolve()
    return any(out.samefile(path) for path in (real, *real.parents))


def _check_writable(folder: Path) -> None:
    """Raise an OSError with the path unless files can be made in ``folder``, which may be new."""
    present = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not present.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "it is a file, not a folder", str(present))
    if not os.access(present, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, "no permission to write there", str(present))


def _lock(folder: Path, what: str) -> IO[bytes] | None:
    path = folder / LOCK
    while True:
        try:
            lock = take_lock(path, wait=False)
        except OSError as error:
            if error.errno in _NO_LOCKS:  # a file system without locks
                path.unlink(missing_ok=True)
                return None
            raise
        if lock is None:
            raise BlockingIOError(f"{folder}: another {what} is at work in it; wait until it ends, or stop it")
        if is_held(lock, path):
            return lock
        lock.close()  # its holder removed the file meanwhile


# --- files


def check_file(
    path: Path,
    option: str,
    inputs: Iterable[Path] = (),
    out: Path | None = None,
    names: Iterable[str] = (),
    own: bool = False,
) -> None:
    """Refuse, before the work, an output file that is an input, an image's label, a folder, or cannot be written.

    In a folder with inputs only a file of an earlier run, recognised by its content, is replaced: others may be labels.
    The file may be in the run's folder ``out``, but not under one of the ``names`` that the run writes there itself.
    With ``own`` that holds in every folder, as for other programs' files. ValueError or OSError, in one line, with
    ``option`` (``--json``) or the path.
    """
    if is_stream(path):
        return
    if out is not None and in_folder(path, out, out) in [out / name for name in names]:
        raise ValueError(f"{option} {path} is the name of another file that is written to {out}; choose another name")
    if path.is_dir():
        raise ValueError(f"{option} {path} is a folder, not a file")
    target = _real(path)
    if path.is_file():
        _check_replaced(path, target, option, list(inputs), own)
        if os.access(target, os.W_OK):
            return
    _check_writable(target.parent)


def _check_replaced(path: Path, target: Path, option: str, inputs: Sequence[Path], own: bool = False) -> None:
    if any(source.exists() and source.samefile(path) for source in inputs):
        raise ValueError(f"{option} {path} is one of the inputs; write to another file")
    if not target.stat().st_size or _is_ours(target):
        return
    if (picture := _labelled(target)) is not None:
        raise ValueError(f"{option} {path} looks like the labels of {picture.name} next to it; write to another file")
    if own:
        raise ValueError(f"{option} {path} holds something else that Fauxface did not write; choose another name")
    if target.parent in {source.resolve().parent for source in inputs}:
        raise ValueError(f"{option} {path} holds something else and is next to the inputs; write to another file")


@contextmanager
def kept_for(path: Path | None) -> Iterator[None]:
    """Send everything that is printed meanwhile to standard error if ``path`` is standard output."""
    with contextlib.redirect_stdout(sys.stderr) if is_standard_output(path) else contextlib.nullcontext():
        yield


def distinct_names(sources: Sequence[Path], suffixes: Sequence[str], root: Path) -> list[str]:
    """A distinct output name below ``root`` for each source, with the suffix at the same position in ``suffixes``.

    Names differ in more than the case of letters, which some file systems ignore. A name is the source's stem; where
    several sources share it, the first keeps it, and the others get their full name before the suffix, with a number if
    that is taken too.
    """
    plain = [path.relative_to(root).with_suffix("").as_posix() for path in sources]
    wanted = Counter(_folded(name + suffix) for name, suffix in zip(plain, suffixes, strict=True))
    names, taken = [""] * len(sources), set[str]()
    unique_first = sorted(range(len(sources)), key=lambda i: wanted[_folded(plain[i] + suffixes[i])] > 1)
    for i in unique_first:
        whole = sources[i].relative_to(root).as_posix()
        tries = chain((plain[i], whole), (f"{whole}-{number}" for number in count(2)))
        names[i] = next(name for name in (each + suffixes[i] for each in tries) if _folded(name) not in taken)
        taken.add(_folded(names[i]))
    return names


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _real(path: Path) -> Path:
    """The path with all symbolic links followed."""
    return Path(os.path.realpath(path))


def _labelled(path: Path) -> Path | None:
    """The image with the same name next to a file, of which it may be the labels; None if there is none."""
    stem = path.stem.removesuffix("_ldmks").removesuffix("_seg")
    pictures = (path.with_name(stem + suffix) for suffix in (*_PICTURES, *(s.upper() for s in _PICTURES)))
    return next((picture for picture in pictures if picture.is_file()), None)


def _is_ours(path: Path) -> bool:
    """True for a file that Fauxface wrote: faces as from ``predict``, scores, or faces for another program.

    False for a render's labels.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
        if any(whole.find(mark.encode()) >= 0 for mark in MARKS):
            return True
        head = whole[:4096]
    ours = b'"nme"' in head or b'"schema": "fauxface-predictions/' in head
    return ours or (b'"image"' in head and b'"faces"' in head and b'"generator"' not in head)


# --- the end of a process


def heed_termination(error: type[BaseException] = Terminated) -> None:
    """Let SIGTERM end this process with ``error``, as Ctrl-C does; a second one cannot interrupt the clean-up."""

    def end(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise error

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, end)
