"""Photographs, videos and image sequences named on a command line: files, folders, patterns."""

from __future__ import annotations

import glob
import os
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fauxface.extras import installed
from fauxface.files import regular_size
from fauxface.images import FORMATS, is_animated, sort_out
from fauxface.inference.config import check_named
from fauxface.inference.sequence import (
    FPS,
    FrameSequence,
    SequenceReader,
    find_sequence,
    is_pattern,
    sequences_among,
)
from fauxface.inference.video import VIDEO_SUFFIXES, VideoReader, is_video
from fauxface.outputs import distinct_names, is_output


@dataclass(frozen=True)
class Reading:
    """Ways to read pictures.

    Attributes:
        sequence: the numbered photographs of a folder are the frames of a shot.
        fps: frames a second of image sequences.
        exposure: of EXR pictures, stops.
    """

    sequence: bool = False
    fps: float = FPS
    exposure: float = 0.0


@dataclass
class Sources:
    """Photographs and videos to look at.

    Attributes:
        files: the files in order, none twice; an image sequence stands there by its pattern.
        videos: those of them that are videos or image sequences.
        left_out: lines about files that are neither.
        named: the files and folders as they were named.
        sequences: the image sequences by their patterns.
        reading: the ways to read them.
    """

    files: list[Path] = field(default_factory=list)
    videos: set[Path] = field(default_factory=set)
    left_out: list[str] = field(default_factory=list)
    named: list[Path] = field(default_factory=list)
    sequences: dict[Path, FrameSequence] = field(default_factory=dict)
    reading: Reading = Reading()

    @property
    def inputs(self) -> list[Path]:
        """Every file that is read, the frames of sequences among them."""
        return [path for file in self.files for path in self._read_for(file)]

    def open(
        self, source: Path, skip_bad: bool = False, only: Container[int] | None = None
    ) -> VideoReader | SequenceReader:
        """The frames of a video or a sequence (``only``: those of these numbers); errors as `VideoReader`."""
        if (sequence := self.sequences.get(source)) is None:
            return VideoReader(source)
        if only is not None:
            files = {number: path for number, path in sequence.files.items() if number in only}
            sequence = FrameSequence(source, files)
        return SequenceReader(sequence, self.reading.fps, self.reading.exposure, skip_bad)

    def gaps(self, source: Path) -> str:
        """A few words on the missing frames of a sequence; empty for one without gaps and for other sources."""
        return self.sequences[source].gaps if source in self.sequences else ""

    def _read_for(self, file: Path) -> list[Path]:
        sequence = self.sequences.get(file)
        return [file] if sequence is None else list(sequence.files.values())

    def drawings(self) -> dict[Path, str]:
        """Name of each file's drawing below an output folder: its own, with the folders in which the files differ.

        The suffix is .mp4 for videos, .jpg for JPEG photographs, else .png. Each frame of a sequence has a drawing, and
        its pattern has the name of the sequence's table (.csv). No name is there twice.
        """
        suffixes: dict[Path, str] = {}
        for file in self.files:
            suffixes[file] = ".csv" if file in self.sequences else ".mp4" if file in self.videos else _suffix(file)
            if file in self.sequences:
                suffixes |= {path: _suffix(path) for path in self._read_for(file)}
        whole = [Path(os.path.abspath(path)) for path in suffixes]  # noqa: PTH100  without ..
        root = Path(os.path.commonpath([path.parent for path in whole]))
        return dict(zip(suffixes, distinct_names(whole, list(suffixes.values()), root), strict=True))


def _suffix(photo: Path) -> str:
    return ".jpg" if photo.suffix.lower() in (".jpg", ".jpeg") else ".png"


def find_sources(names: Sequence[str | Path], recursive: bool = False, reading: Reading = Reading()) -> Sources:
    """The photographs and videos of files, folders (``recursive``: with the folders in them) and patterns.

    A pattern (``*``, ``?``, ``[…]``, ``**``) is a name that no file has; so is that of an image sequence
    (`fauxface.inference.sequence`). Folders and patterns pass over files that are neither, hidden files, and folders
    that a command filled. ValueError for no name, and for a folder or a pattern without any; FileNotFoundError for a
    missing file.
    """
    check_named(names)
    found, seen = Sources(reading=reading), set[str]()
    for name in map(Path, names):
        paths = _files_of(name, recursive, found)
        for path in _gathered(paths, found) if reading.sequence else paths:
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
    if is_pattern(name):
        sequence = find_sequence(name)
        found.named += sequence.files.values()
        return [_add(sequence, found)]
    if not glob.has_magic(str(name)):
        raise FileNotFoundError(f"{name}: there is no such file or folder")
    matches = [Path(match) for match in sorted(glob.glob(str(name), recursive=True))]  # noqa: PTH207  absolute or not
    fixed = next(i for i, part in enumerate(name.parts) if glob.has_magic(part))
    matches = [match for match in matches if not _in_output(match, fixed)]
    found.named += matches
    if not matches:
        raise ValueError(f"{name}: no file matches")
    if not recursive and all(match.is_dir() for match in matches):
        raise ValueError(f"{name} matches folders only: add --recursive to look into them")
    folders = [match for match in matches if match.is_dir()] if recursive else []
    inside = [path for folder in folders for path in _listed(folder, recursive)]
    return _sorted_out([*(match for match in matches if match.is_file()), *inside], f"{name} matches", found)


def _gathered(files: list[Path], found: Sources) -> list[Path]:
    """The files with the sequences that their photographs make; photographs without a number are left out and told."""
    photos = [path for path in files if path not in found.videos]
    sequences, others = sequences_among(photos)
    if photos and not sequences:
        raise ValueError(f"--sequence: {photos[0]} has no number in its name")
    found.left_out += [f"left out {len(others)} without a number in the name: {others[0].name}"] if others else []
    return [_add(sequence, found) for sequence in sequences] + [path for path in files if path in found.videos]


def _add(sequence: FrameSequence, found: Sources) -> Path:
    found.sequences[sequence.pattern] = sequence
    found.videos.add(sequence.pattern)
    return sequence.pattern


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
            f"{says} no photographs or videos ({kinds}, {VIDEO_SUFFIXES[0]}, …): {left_out or 'no files there'}"
        )
    found.left_out += [left_out] if left_out else []
    return [path for path in files if path in kept]


def _is_video_in_a_folder(path: Path) -> bool:
    """True for the name of a video, and for an animated GIF, where videos can be read; other files are not opened."""
    if path.name.startswith(".") or not installed("av"):
        return False
    suffix = path.suffix.lower()
    return suffix in VIDEO_SUFFIXES or (suffix == ".gif" and is_animated(path))
