"""Open a folder of labelled faces, whatever its format."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from fauxface.datasets.base import FaceDataset, Labels, list_files
from fauxface.datasets.formats import format_of, recognise


def open_dataset(
    folder: Path, format: str = "auto", split: str | None = None, labels: Labels | None = None
) -> FaceDataset:
    """The labelled faces in ``folder`` and below it; its notes go to standard error.

    Args:
        folder: where they are.
        format: how they lie there, a name of `fauxface.datasets.formats`; ``auto`` looks.
        split: one of the format's official splits; None is all.
        labels: the convention of labels that come in several; None is ``2d`` where every sample has it, else
            ``projected``.

    FileNotFoundError without such a folder; ValueError, in one line, when it holds no such faces.
    """
    wanted = None if format == "auto" else format_of(format)
    files = list_files(folder)
    if wanted is not None and not wanted.find(files):
        raise ValueError(f"no labelled faces in {folder} (format {wanted.name}: {wanted.sign})")
    dataset = (wanted or recognise(folder, files)).open(folder, files, split, labels)
    for note in dataset.notes:
        Console(stderr=True).print(f"[yellow]{escape(note)}", soft_wrap=True)
    return dataset
