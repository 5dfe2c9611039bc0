"""Open a folder of labelled faces in any format."""

from __future__ import annotations

from pathlib import Path

from fauxface.console import log
from fauxface.datasets.base import FaceDataset, Labels, list_files
from fauxface.datasets.formats import format_of, recognise


def open_dataset(
    folder: Path, format: str = "auto", split: str | None = None, labels: Labels | None = None
) -> FaceDataset:
    """The labelled faces in ``folder`` and below it; the data set's notes are printed to standard error.

    Args:
        folder: a folder of labelled faces.
        format: a name of `fauxface.datasets.formats`; ``auto`` finds it out.
        split: one of the format's official splits; None means all.
        labels: the label convention, if the format has several; None is ``2d`` if every sample has such labels,
            otherwise ``projected``.

    FileNotFoundError if there is no such folder; ValueError, in one line, if it holds no such faces.
    """
    wanted = None if format == "auto" else format_of(format)
    files = list_files(folder)
    if wanted is not None and not wanted.find(files):
        raise ValueError(f"no labelled faces in {folder} (format {wanted.name}: {wanted.sign})")
    dataset = (wanted or recognise(folder, files)).open(folder, files, split, labels)
    for note in dataset.notes:
        log.warning(note)
    return dataset
