"""The command `fauxface pack`: pack a folder in advance, list packs, remove them."""

from __future__ import annotations

from pathlib import Path

from fauxface.datasets.config import PackConfig
from fauxface.datasets.opening import open_dataset
from fauxface.datasets.pack_store import gib, list_packs, packs_folder, remove_pack
from fauxface.datasets.packed import PADDING
from fauxface.datasets.packs import open_pack
from fauxface.ranges import in_range


@in_range
def pack_folder(config: PackConfig) -> str:
    """Pack the faces of a folder as training's crops; returns a line about the pack.

    ValueError for no folder and for a number out of range; other errors as `open_dataset` and `open_pack`.
    """
    if config.data is None:
        raise ValueError("which folder? fauxface pack DIR, or --list, or --remove")
    dataset = open_dataset(config.data, config.format, config.split, config.labels)
    crops = open_pack(
        dataset,
        config.size,
        config.framing,
        round(PADDING * config.size),
        skip_bad=config.skip_bad,
        workers=config.workers or None,
        folder=config.out,
    )
    newest = next(pack for pack in list_packs(config.out or packs_folder()))  # the most recently used
    skipped = f", {len(crops.skipped)} skipped" if crops.skipped else ""
    return f"{len(crops)} faces of {config.data} packed{skipped}: {gib(newest.bytes)} in {newest.folder}"


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
