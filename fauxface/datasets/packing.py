"""The command `fauxface pack`: pack a folder in advance, list packs, remove them."""

from __future__ import annotations

from pathlib import Path

from fauxface.datasets.base import Labels
from fauxface.datasets.opening import open_dataset
from fauxface.datasets.pack_store import gib, list_packs, packs_folder, remove_pack
from fauxface.datasets.packed import PADDING
from fauxface.datasets.packs import open_pack
from fauxface.faces import Framing
from fauxface.ranges import InputSide, Workers, in_range


@in_range
def pack_folder(
    data: Path,
    size: InputSide,
    framing: Framing,
    labels: Labels | None = None,
    root: Path | None = None,
    skip_bad: bool = False,
    workers: Workers = 0,
    format: str = "auto",
    split: str | None = None,
) -> str:
    """Pack the faces in ``data`` as training crops of ``size`` pixels; return a line about the pack.

    ValueError for a number out of range; errors of `open_dataset` and `open_pack`.
    """
    dataset = open_dataset(data, format, split, labels)
    padding = round(PADDING * size)
    crops = open_pack(dataset, size, framing, padding, skip_bad=skip_bad, workers=workers or None, folder=root)
    newest = next(pack for pack in list_packs(root or packs_folder()))  # the most recently used
    skipped = f", {len(crops.skipped)} skipped" if crops.skipped else ""
    return f"{len(crops)} faces of {data} packed{skipped}: {gib(newest.bytes)} in {newest.folder}"


def show_packs(root: Path | None = None) -> str:
    """One line for each pack, and a line with their total size."""
    packs, root = list_packs(root or packs_folder()), root or packs_folder()
    total = f"{len(packs)} pack{'' if len(packs) == 1 else 's'}, {gib(sum(pack.bytes for pack in packs))}, in {root}"
    return "\n".join([pack.line() for pack in packs] + [total])


def remove_packs(root: Path | None = None, data: Path | None = None) -> str:
    """Remove all packs, or those of images in ``data``, except packs in use; return a line about it."""
    removed, freed, busy = 0, 0, 0
    for pack in list_packs(root or packs_folder()):
        if data is not None and not pack.data.is_relative_to(data.absolute()):
            continue
        if remove_pack(pack.folder):
            removed, freed = removed + 1, freed + pack.bytes
        else:
            busy += 1
    left = f"; {busy} in use stay" if busy else ""
    return f"removed {removed} pack{'' if removed == 1 else 's'}, {gib(freed)}{left}"
