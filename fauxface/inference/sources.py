"""Photographs and videos named on a command line: files, folders, patterns."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fauxface.extras import installed
from fauxface.files import regular_size
from fauxface.images import FORMATS, is_animated, sort_out
from fauxface.inference.video import VIDEO_SUFFIXES, is_video
from fauxface.outputs import distinct_names, is_output


@dataclass
class Sources:
    """Photographs and videos to look at.

    Attributes:
        files: the files in order, none twice.
        videos: those of them that are videos.
        left_out: lines about files that are neither.
        named: the files and folders as they were named.
    """

    files: list[Path] = field(default_factory=list)
    videos: set[Path] = field(default_factory=set)
    left_out: list[str] = field(default_factory=list)
    named: list[Path] = field(default_factory=list)

    def drawings(self) -> dict[Path, str]:
        """Name of each file's drawing below an output folder: its own, with the folders in which the files differ.

        The suffix is .mp4 for videos, .jpg for JPEG photographs, else .png. No name is there twice.
        """
        suffixes = [
            ".mp4" if path in self.videos else ".jpg" if path.suffix.lower() in (".jpg", ".jpeg") else ".png"
            for path in self.files
        ]
        whole = [Path(os.path.abspath(path)) for path in self.files]  # noqa: PTH100  without ..
        root = Path(os.path.commonpath([path.parent for path in whole]))
        return dict(zip(self.files, distinct_names(whole, suffixes, root), strict=True))


def find_sources(names: Sequence[str | Path], recursive: bool = False) -> Sources:
    """The photographs and videos of files, folders (``recursive``: with the folders in them) and patterns.

    A pattern (``*``, ``?``, ``[…]``, ``**``) is a name that no file has. Folders and patterns pass over files that are
    neither, hidden files, and folders that a command filled. ValueError for a folder or a pattern without any;
    FileNotFoundError for a missing file.
    """
    found, seen = Sources(), set[str]()
    for name in map(Path, names):
        for path in _files_of(name, recursive, found):
            if (real := os.path.realpath(path)) not in seen:
                seen.add(real)
                found.files.append(path)
    return found


def _files_of(name: Path, recursive: bool, found: Sources) -> list[Path]:
    """The photographs and videos of one name; videos and files left out are added to ``found``."""
    if name.is_dir():
        found.named.append(name)
        return _sorted_out(list(_listed(name, recursive)), f"{name} holds", found)
    if name.exists():
        found.named.append(name)
        regular_size(name)
        found.videos |= {name} if is_video(name) else set()
        return [name]
    if not glob.has_magic(str(name)):
        raise FileNotFoundError(f"{name}: there is no such file or folder")
    matches = [Path(match) for match in sorted(glob.glob(str(name), recursive=True))]  # noqa: PTH207  absolute or not
    fixed = next(i for i, part in enumerate(name.parts) if glob.has_magic(part))
    matches = [match for match in matches if not _in_output(match, fixed)]
    found.named += matches
    folders = [match for match in matches if match.is_dir()] if recursive else []
    inside = [path for folder in folders for path in _listed(folder, recursive)]
    return _sorted_out([*(match for match in matches if match.is_file()), *inside], f"{name} matches", found)


def _in_output(path: Path, fixed: int) -> bool:
    """True for a folder that a command filled and for what lies in it, beyond the first ``fixed`` parts of the path."""
    parts = path.parts
    return any(is_output(Path(*parts[:end])) for end in range(fixed + 1, len(parts) + 1))


def _listed(folder: Path, recursive: bool) -> Iterator[Path]:
    """The files in a folder; links to folders are not followed."""
    for place, folders, files in os.walk(folder):
        kept = [name for name in folders if not name.startswith(".") and not is_output(Path(place, name))]
        folders[:] = sorted(kept) if recursive else []
        yield from (Path(place, name) for name in sorted(files))


def _sorted_out(files: list[Path], says: str, found: Sources) -> list[Path]:
    """The photographs and videos among these files; ValueError, which begins with ``says``, if there are none."""
    videos = {path for path in files if _is_video_in_a_folder(path)}
    photos, left_out = sort_out([path for path in files if path not in videos])
    found.videos |= videos
    kept = set(photos) | videos
    if not kept:
        kinds = ", ".join(suffixes[0] for suffixes in FORMATS.values())
        raise ValueError(
            f"{says} no photographs or videos ({kinds}, {VIDEO_SUFFIXES[0]}, …): {left_out or 'it is empty'}"
        )
    found.left_out += [left_out] if left_out else []
    return [path for path in files if path in kept]


def _is_video_in_a_folder(path: Path) -> bool:
    """True for the name of a video, and for an animated GIF, where videos can be read; other files are not opened."""
    if path.name.startswith(".") or not installed("av"):
        return False
    suffix = path.suffix.lower()
    return suffix in VIDEO_SUFFIXES or (suffix == ".gif" and is_animated(path))
