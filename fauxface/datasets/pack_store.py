"""Storage of packs: list them, lock them, and remove the least recently used when they take too much space.

Each pack is a folder NAME-KEY with a ``pack.json``. Two locks guard it, files in ``.locks`` next to it: *build*, held
by the process that adds to it, and *use*, shared by all that read it. Both end with their process, even if it is
killed.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

import numpy as np

from fauxface.console import log
from fauxface.files import cache_folder, take_lock
from fauxface.names import printable
from fauxface.parsing import read_json_object, whole

INFO = "pack.json"
LIMIT_VARIABLE = "FAUXFACE_PACKS_GIB"
LIMIT = 64.0
"""GiB that all packs in the cache folder may take together, unless the environment variable sets another limit."""
_NAME = re.compile(r".*-[0-9a-f]{16}")
_GONE = re.compile(r"\.gone-\d+-" + _NAME.pattern)
_GIB = 1 << 30


@dataclass(frozen=True)
class PackInfo:
    """A pack on the disk.

    Attributes:
        folder: its folder.
        data: the images' folder when it was begun.
        size: side of the crops without border, pixels.
        crop: kind of crop, margin and border, in words.
        packed: number of crops in it.
        count: faces of the data set.
        bytes: space on the disk.
        used: time of the last use, seconds since 1970.
    """

    folder: Path
    data: Path
    size: int
    crop: str
    packed: int
    count: int
    bytes: int
    used: float

    def line(self) -> str:
        """A description in one line."""
        when = datetime.fromtimestamp(self.used).strftime("%Y-%m-%d %H:%M")
        return (
            f"{self.folder.name}  {gib(self.bytes)}, {self.packed} of {self.count} faces of {printable(self.data)}, "
            f"{self.size} px, {self.crop}, last used {when}"
        )


def packs_folder() -> Path:
    """Folder of packs in the user's cache."""
    return cache_folder() / "packs"


def gib(count: float) -> str:
    """A number of bytes in MiB or GiB, for messages."""
    return f"{count / _GIB:.1f} GiB" if count >= _GIB else f"{count / 2**20:.{0 if count > 10 << 20 else 1}f} MiB"


def list_packs(root: Path) -> list[PackInfo]:
    """The packs in a folder, the most recently used first."""
    found = [info for path in _folders(root) if (info := _info(path))]
    return sorted(found, key=lambda info: -info.used)


def remove_pack(folder: Path) -> bool:
    """Remove a pack; False if it is being built or read."""
    root, name = folder.parent, folder.name
    build = take_lock(_lock(root, name, "build"), wait=False)
    use = take_lock(_lock(root, name, "use"), wait=False) if build else None
    try:
        if use is None:
            return False
        # renamed first, so that the rest after a kill is recognised and removed later
        gone = folder.with_name(f".gone-{os.getpid()}-{name}")
        try:
            folder.rename(gone)
        except FileNotFoundError:
            return True
        except PermissionError:  # Windows: a process is reading it
            return False
        shutil.rmtree(gone, ignore_errors=True)
        return True
    finally:
        for handle in (use, build):
            if handle:
                handle.close()


def hold(folder: Path) -> IO[bytes]:
    """Hold a shared lock that prevents removal of a pack until the returned handle is closed."""
    handle = take_lock(_lock(folder.parent, folder.name, "use"), shared=True)
    assert handle is not None
    return handle


@contextmanager
def building(folder: Path) -> Iterator[None]:
    """Lock a pack for adding crops, after waiting for another process that does so; its folder exists then."""
    path = _lock(folder.parent, folder.name, "build")
    handle = take_lock(path, wait=False)
    if handle is None:
        log.info(f"waiting for another process that is packing {folder.name}")
        handle = take_lock(path)
    assert handle is not None
    try:
        folder.mkdir(exist_ok=True)
        yield
    finally:
        handle.close()


def make_room(folder: Path, needed: int) -> None:
    """Remove packs, the least recently used first, until ``needed`` more bytes in ``folder`` stay within the limit.

    Only packs in the user's cache are removed. ValueError, in one line, if the disk does not have enough space left.
    """
    root = folder.parent
    for left in root.glob(".gone-*"):
        if _GONE.fullmatch(left.name):
            shutil.rmtree(left, ignore_errors=True)
    if root == packs_folder():
        packs = list_packs(root)
        total, limit = sum(pack.bytes for pack in packs) + needed, _limit()
        for pack in reversed(packs):
            if total <= limit and needed <= shutil.disk_usage(root).free:
                break
            if pack.folder != folder and remove_pack(pack.folder):
                total -= pack.bytes
    free = shutil.disk_usage(root).free
    if needed > free:
        raise ValueError(
            f"the crops take {gib(needed)} in {root}, where {gib(free)} are free: set FAUXFACE_CACHE to a folder on "
            "another disk, or keep the crops in memory with --in-memory"
        )


def _limit() -> float:
    text = os.environ.get(LIMIT_VARIABLE, str(LIMIT))
    try:
        limit = float(text)
    except ValueError:
        limit = -1
    if not limit >= 0:
        raise ValueError(f"{LIMIT_VARIABLE} must be a number of GiB, not '{text}'")
    return limit * _GIB


def _lock(root: Path, name: str, kind: str) -> Path:
    return root / ".locks" / f"{name}.{kind}"


def _folders(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    return [path for path in sorted(root.iterdir()) if _NAME.fullmatch(path.name) and (path / INFO).is_file()]


def _info(folder: Path) -> PackInfo | None:
    """The description of a pack; None if it is gone or has no valid ``pack.json``."""
    try:
        record = read_json_object(folder / INFO)
        packed = 0
        for path in folder.glob("[0-9]*.npz"):
            try:
                with np.load(path) as labels:
                    packed += int(np.count_nonzero(labels["state"]))
            except Exception:  # damaged files may raise anything; they are not counted
                continue
        # missing crops are holes in the file, which take no space
        sizes = [_taken(path) for path in folder.iterdir()]
        size, count = whole(record["size"], "size"), whole(record["count"], "count")
        crop = f"{record['crop']} × {record['crop_margin']:g} + {record['padding']} px"
        when = (folder / INFO).stat().st_mtime
        return PackInfo(folder, Path(record["data"]), size, crop, packed, count, sum(sizes), when)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _taken(path: Path) -> int:
    stat = path.stat()
    return getattr(stat, "st_blocks", -(-stat.st_size // 512)) * 512
