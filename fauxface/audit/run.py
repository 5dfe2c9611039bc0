"""Audit a folder: every picture looked at by all cores, then one page and one JSON file."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from fauxface.audit.duplicates import near_pairs
from fauxface.audit.pictures import look_at
from fauxface.audit.records import FaceRecord, Finding, PictureRecord
from fauxface.datasets.base import list_files
from fauxface.files import atomic_folder, write_text
from fauxface.names import label
from fauxface.ranges import Workers, in_range

RESULT, REPORT = "audit.json", "report.html"
_ENDINGS = ("_seg.png", "_ldmks.txt", ".json")


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Attributes:
        folder: the data set's.
        pictures: every picture, in the order of their names.
        findings: everything wrong, by picture.
        notes: what is worth knowing and no fault.
    """

    folder: Path
    pictures: list[PictureRecord]
    findings: list[Finding]
    notes: list[str]

    @property
    def faces(self) -> list[FaceRecord]:
        """Every face of every picture."""
        return [face for picture in self.pictures for face in picture.faces]

    def summary(self) -> str:
        """A few lines that say how it stands."""
        kinds = Counter(finding.kind for finding in self.findings)
        lines = [f"{len(self.pictures):,} pictures, {len(self.faces):,} faces, {len(self.findings):,} findings"]
        lines += [f"  {kind:<14}{count:>7,}" for kind, count in kinds.most_common()]
        return "\n".join([*lines, *self.notes])


@in_range
def audit(folder: Path, out: Path, workers: Workers = 0) -> Audit:
    """Look at every picture in ``folder`` and below, and write ``report.html`` and ``audit.json`` into ``out``.

    Args:
        folder: a data set in FaceSynthetics' layout, Microsoft's or ours, or wide frames with lists of faces.
        out: folder for the report; new, empty, or an earlier audit's, which is replaced as a whole.
        workers: threads; 0 means one a core.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: it holds no such pictures, or a negative number of workers.
        FileExistsError: ``out`` holds something else.
    """
    from fauxface.audit.report import figures_of, page

    if out.is_dir() and any(out.iterdir()) and not (out / RESULT).is_file():
        raise FileExistsError(f"{out} already holds something else; give the audit an empty or new folder")
    if out.exists() and not out.is_dir():
        raise FileExistsError(f"{out} is a file, not a folder for the audit")
    result = look_through(folder, workers)
    with atomic_folder(out) as temporary:
        write_text(temporary / RESULT, figures_of(result))
        page(result).save(temporary / REPORT)
    return result


@in_range
def look_through(folder: Path, workers: Workers = 0) -> Audit:
    """Look at every picture, and write nothing; errors as `audit`."""
    files = list_files(folder)
    present = {ending: {f.name for f in files if f.name.endswith(ending)} for ending in _ENDINGS}
    sources = find_pictures(files)
    if not sources:
        raise ValueError(f"no labelled faces in {folder} (NNNNNN.png with NNNNNN_ldmks.txt or NNNNNN.json)")
    expected = frozenset(ending for ending in _ENDINGS if present[ending])
    pictures = list(_looked_at(sources, folder, expected, workers or min(os.cpu_count() or 1, 32)))
    findings = [finding for picture in pictures for finding in picture.findings]
    findings += [*_odd_sizes(pictures, folder), *_copies(pictures, folder)]
    known = set(sources)
    findings += [
        Finding(str(f.relative_to(folder)), "stray", "labels without a picture")
        for f in files
        if f.name.endswith(("_seg.png", "_ldmks.txt")) and _picture_of(f) not in known
    ]
    return Audit(folder, pictures, sorted(findings, key=lambda f: (f.file, f.kind)), _notes(pictures))


def find_pictures(files: list[Path]) -> list[Path]:
    """Pictures among the files: with a number for a name and in a folder with labels, and those that have labels."""
    labels = [f for f in files if f.name.endswith("_ldmks.txt") or (f.suffix == ".json" and f.stem.isdecimal())]
    folders = {f.parent for f in labels}
    named = {f for f in files if f.suffix == ".png" and f.stem.isdecimal() and f.parent in folders}
    return sorted(named | {_picture_of(f) for f in labels})


def _picture_of(labels: Path) -> Path:
    stem = labels.stem.removesuffix("_ldmks").removesuffix("_seg")
    return labels.with_name(f"{stem}.png")


def _looked_at(sources: list[Path], root: Path, expected: frozenset[str], workers: int) -> Iterator[PictureRecord]:
    cv2.setNumThreads(1)  # the threads are ours
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    waiting: deque[Future[PictureRecord]] = deque()
    with ThreadPoolExecutor(workers) as pool, Progress(*columns, console=console) as progress:
        task = progress.add_task(label(f"looking at {root}"), total=len(sources))
        try:
            left = iter(sources)
            while True:
                # few at a time: an interrupt is heeded soon
                for path in left:
                    waiting.append(pool.submit(look_at, path, root, expected))
                    if len(waiting) >= 4 * workers:
                        break
                if not waiting:
                    return
                yield waiting.popleft().result()
                progress.advance(task)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _odd_sizes(pictures: list[PictureRecord], folder: Path) -> Iterator[Finding]:
    """Pictures of another size than nearly all others."""
    sizes = Counter(picture.size for picture in pictures if picture.size)
    if not sizes:
        return
    usual, count = sizes.most_common(1)[0]
    if count < 0.9 * sum(sizes.values()):
        return
    for picture in pictures:
        if picture.size and picture.size != usual:
            shown = "{1}×{0}".format(*picture.size), "{1}×{0}".format(*usual)
            yield Finding(_name(picture, folder), "size", f"{shown[0]} px, where nearly all have {shown[1]}")


def _copies(pictures: list[PictureRecord], folder: Path) -> Iterator[Finding]:
    for a, b, bits in near_pairs([picture.fingerprint for picture in pictures]):
        yield Finding(_name(pictures[b], folder), "duplicate", f"looks like {_name(pictures[a], folder)}", float(bits))


def _notes(pictures: list[PictureRecord]) -> list[str]:
    faces = [face for picture in pictures for face in picture.faces]
    if faces and not all(face.pose_told for face in faces):
        return ["the pose is estimated from the points, because the labels do not tell it"]
    return []


def _name(picture: PictureRecord, folder: Path) -> str:
    return str(picture.path.relative_to(folder))
