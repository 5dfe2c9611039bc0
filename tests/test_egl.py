"""EGL for `make demo` and `make test` on a bare machine: installed where that is allowed, else the line is named."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "tools" / "egl.sh"
LINE = "apt-get install libegl1 libgl1-mesa-dri libgl1"


def machine(
    folder: Path, user: int, sudo: bool, apt: bool = True, works: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run the script on a pretended machine without EGL; ``asked`` gets what apt-get was asked, ``egl`` is EGL."""
    installs = "touch egl" if works else "exit 100"
    commands = {
        "python": "test -e egl",
        "id": f"echo {user}",
        "sudo": '[ "$1" = -n ] && shift; "$@"' if sudo else "exit 1",
        "env": '[ "$1" = DEBIAN_FRONTEND=noninteractive ] && shift; exec "$@"',
        "true": "exit 0",
        "touch": "echo >egl",
        **({"apt-get": f'echo "$*" >>asked\ncase "$1" in install) {installs};; esac'} if apt else {}),
    }
    shell = shutil.which("sh")
    assert shell
    for name, body in commands.items():
        (folder / name).write_text(f"#!{shell}\n{body}\n")
        (folder / name).chmod(0o755)
    return subprocess.run(
        [shell, str(SCRIPT), "python"], cwd=folder, env={"PATH": str(folder)}, capture_output=True, text=True
    )


def test_nothing_happens_where_egl_is(tmp_path: Path):
    (tmp_path / "egl").touch()
    done = machine(tmp_path, 1000, sudo=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize(("user", "sudo"), [(0, False), (1000, True)])
def test_it_is_installed_where_no_password_is_needed(user: int, sudo: bool, tmp_path: Path):
    done = machine(tmp_path, user, sudo)
    assert done.returncode == 0, done.stderr
    assert "rendering needs EGL; installing it" in done.stdout
    assert LINE in done.stdout
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked == ["update -qq", f"install -y -qq {LINE.removeprefix('apt-get install ')}"]


@pytest.mark.parametrize(
    ("user", "options", "line"),
    [
        (1000, {"sudo": False}, f"install it first: sudo {LINE}"),
        (1000, {"sudo": True, "works": False}, f"try it yourself: sudo {LINE}"),
        (0, {"sudo": False, "works": False}, f"try it yourself: {LINE}"),
        (0, {"sudo": False, "apt": False}, f"install it first (on Debian: {LINE})"),
    ],
)
def test_else_the_line_is_named_and_make_stops(user: int, options: dict[str, bool], line: str, tmp_path: Path):
    done = machine(tmp_path, user, **options)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(line)
    if not options.get("works", True):
        return
    assert not (tmp_path / "asked").exists()


def test_make_stops_with_the_script():
    """Both commands that render have it among what they need."""
    rules = (SCRIPT.parents[1] / "Makefile").read_text()
    assert "tools/egl.sh" in rules
    for target in ("demo", "test", "test-slow", "assets"):
        assert f"\n{target}: $(READY) egl\n" in rules
