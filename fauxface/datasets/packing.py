"""`fauxface pack`: make a folder's pack before it is needed, list packs, remove them."""

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
    """Pack the faces in ``data`` as training's crops of ``size`` pixels; what there is now, in words.

    ValueError for a number out of range; other errors as `open_dataset` and `open_pack`.
    """
    dataset = open_dataset(data, format, split, labels)
    padding = round(PADDING * size)
    crops = open_pack(dataset, size, framing, padding, skip_bad=skip_bad, workers=workers or None, folder=root)
    lies = next(pack for pack in list_packs(root or packs_folder()))  # the last used
    skipped = f", {len(crops.skipped)} skipped" if crops.skipped else ""
    return f"{len(crops)} faces of {data} packed{skipped}: {gib(lies.bytes)} in {lies.folder}"


def show_packs(root: Path | None = None) -> str:
    """All packs, a line each, and what they take together."""
    packs, root = list_packs(root or packs_folder()), root or packs_folder()
    total = f"{len(packs)} pack{'' if len(packs) == 1 else 's'}, {gib(sum(pack.bytes for pack in packs))}, in {root}"
    return "\n".join([pack.line() for pack in packs] + [total])


def remove_packs(root: Path | None = None, data: Path | None = None) -> str:
    """Remove all packs, or those of the images in ``data``, but for those in use; what was removed, in words."""
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
