"""Audit of a folder: all cores check its pictures; one page and one JSON file are written."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import cv2
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from fauxface.audit.annotated import look_at_samples
from fauxface.audit.config import AuditConfig
from fauxface.audit.duplicates import near_pairs
from fauxface.audit.pictures import look_at
from fauxface.audit.records import Audit, Finding, PictureRecord
from fauxface.audit.report import figures_of, page
from fauxface.console import progress_console
from fauxface.datasets import FaceDataset, face_synthetics, open_dataset
from fauxface.datasets.base import list_files
from fauxface.files import write_text
from fauxface.names import label
from fauxface.outputs import check_folder, filled_folder
from fauxface.ranges import Workers, in_range

RESULT, REPORT = "audit.json", "report.html"
_ENDINGS = ("_seg.png", "_ldmks.txt", ".json")


def audit(folder: Path, out: Path, workers: Workers = 0, format: str = "auto", split: str | None = None) -> Audit:
    """Check every picture of a folder, by keywords; see `run_audit`.

    Args:
        folder: a data set of any known format, or wide frames with lists of faces.
        out: folder for the report: new, empty, or only an earlier audit's, which is replaced; it may lie in ``folder``.
        workers: threads; 0 uses one for each core.
        format: format of the data; ``auto`` recognises it.
        split: an official part of the data; None is all.
    """
    return run_audit(AuditConfig(folder, out, format, split, workers))


@in_range
def run_audit(config: AuditConfig) -> Audit:
    """Check every picture of a folder and its subfolders, and write ``report.html`` and ``audit.json``.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: it has no labelled faces, a number is out of range, or the report would go to the data or above it.
        FileExistsError: the report's folder holds something else.
    """
    folder, out = config.data, config.out
    check_folder(out, "audit", [folder])
    result = look_through(folder, config.workers, config.format, config.split)
    with filled_folder(out, "audit", [folder]) as temporary:
        write_text(temporary / RESULT, figures_of(result))
        page(result).save(temporary / REPORT)
    return result


@in_range
def look_through(folder: Path, workers: Workers = 0, format: str = "auto", split: str | None = None) -> Audit:
    """Check every picture and write nothing; arguments and errors as `audit`."""
    files = list_files(folder)
    sources = find_pictures(files) if format in ("auto", face_synthetics.NAME) and split is None else []
    workers = workers or min(os.cpu_count() or 1, 32)
    if not sources:
        return _annotated(open_dataset(folder, format, split), folder, workers)
    present = {ending: {f.name for f in files if f.name.endswith(ending)} for ending in _ENDINGS}
    expected = frozenset(ending for ending in _ENDINGS if present[ending])
    pictures = list(_looked_at(sources, folder, expected, workers))
    findings = [finding for picture in pictures for finding in picture.findings]
    findings += [*_odd_sizes(pictures, folder), *_copies(pictures, folder)]
    known = set(sources)
    findings += [
        Finding(str(f.relative_to(folder)), "stray", "labels without a picture")
        for f in files
        if f.name.endswith(("_seg.png", "_ldmks.txt")) and _picture_of(f) not in known
    ]
    return Audit(folder, pictures, sorted(findings, key=lambda f: (f.file, f.kind)), _notes(pictures))


def _annotated(dataset: FaceDataset, folder: Path, workers: int) -> Audit:
    """Audit of a data set whose pictures have no label files of their own."""
    pictures = look_at_samples(dataset, folder, workers)
    findings = [finding for picture in pictures for finding in picture.findings] + [*_copies(pictures, folder)]
    notes = [f"format {dataset.format}, points {dataset.scheme}, labels {dataset.labels}", *dataset.notes]
    return Audit(folder, pictures, sorted(findings, key=lambda f: (f.file, f.kind)), [*notes, *_notes(pictures)])


def find_pictures(files: list[Path]) -> list[Path]:
    """Pictures among the files: those with labels, and numbered ones in a folder where others have labels."""
    labels = [f for f in files if f.name.endswith("_ldmks.txt") or (f.suffix == ".json" and f.stem.isdecimal())]
    folders = {f.parent for f in labels}
    named = {f for f in files if f.suffix == ".png" and f.stem.isdecimal() and f.parent in folders}
    return sorted(named | {_picture_of(f) for f in labels})


def _picture_of(labels: Path) -> Path:
    stem = labels.stem.removesuffix("_ldmks").removesuffix("_seg")
    return labels.with_name(f"{stem}.png")


def _looked_at(sources: list[Path], root: Path, expected: frozenset[str], workers: int) -> Iterator[PictureRecord]:
    cv2.setNumThreads(1)  # the threads are ours
    console = progress_console()
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
    """Findings for pictures whose size differs from that of at least 90 % of all."""
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
