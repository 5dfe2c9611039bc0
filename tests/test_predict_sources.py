"""`fauxface predict` with many sources, JSON Lines, and what all commands have: loudness, colours, completion."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clips import moving_faces, write_clip
from followers import ORIGIN, Brightest, made_face
from jsonschema import Draft202012Validator

from fauxface.cli import COMMANDS, main
from fauxface.images import write_image
from fauxface.inference.result import read_schema
from fauxface.inference.sources import find_sources
from fauxface.outputs import MANIFEST

ROOT = Path(__file__).parents[1]
posix = pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell")


class Finder:
    """Stands for a ``Landmarker``; keeps how many images came at a time."""

    origin = ORIGIN

    def __init__(self) -> None:
        self.batches: list[int] = []

    def __call__(self, images: list[np.ndarray]) -> list[list[Any]]:
        self.batches.append(len(images))
        return [[made_face()] for _ in images]


@pytest.fixture
def finder(monkeypatch: pytest.MonkeyPatch) -> Finder:
    found = Finder()
    monkeypatch.setattr("fauxface.inference.run.Landmarker.load", lambda *_, **__: found)
    monkeypatch.setattr("fauxface.inference.predict.Tracker", lambda *_, **__: Brightest())
    return found


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", moving_faces(3, 1, 160, 120))


@pytest.fixture
def here(tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in: a.png, b.jpg, shots/{a.png, notes.txt, clip.mp4, deep/c.png}."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "b.jpg", "shots/a.png", "shots/deep/c.png", "shots/.hidden/d.png"):
        write_image(tmp_path / name, np.zeros((60, 80, 3), np.uint8))
    (tmp_path / "shots" / "notes.txt").write_text("text")
    (tmp_path / "shots" / "clip.mp4").write_bytes(clip.read_bytes())
    return tmp_path


def found(*names: str, recursive: bool = False) -> list[str]:
    return [path.as_posix() for path in find_sources(names, recursive).files]


# --- sources


def test_folders_patterns_and_files(here: Path):
    assert found("b.jpg", "a.png") == ["b.jpg", "a.png"]
    assert found("shots") == ["shots/a.png", "shots/clip.mp4"]
    assert found("shots", recursive=True) == ["shots/a.png", "shots/clip.mp4", "shots/deep/c.png"]
    assert found("*.png") == ["a.png"]
    assert found("**/*.png") == ["a.png", "shots/a.png", "shots/deep/c.png"]
    assert found("[ab].*", "shots/a.png") == ["a.png", "b.jpg", "shots/a.png"]
    assert found("sho*", recursive=True) == found("shots", recursive=True)
    assert found(str(here / "*.jpg")) == [(here / "b.jpg").as_posix()]
    write_image(here / "odd[1].png", np.zeros((20, 20, 3), np.uint8))
    assert found("odd[1].png") == ["odd[1].png"]  # a file of that name goes before the pattern
    assert find_sources(["shots"]).videos == {Path("shots/clip.mp4")}


def test_nothing_is_looked_at_twice(here: Path):
    (here / "link.png").symlink_to("a.png")
    assert found("a.png", "./a.png", str(here / "a.png"), "*.png", "link.png") == ["a.png"]


def test_what_is_left_out_is_told(here: Path):
    assert find_sources(["shots"]).left_out == ["left out 1 file that is no picture: 1 .txt"]
    assert find_sources(["shots/*"]).left_out == ["left out 1 file that is no picture: 1 .txt"]


def test_folders_that_commands_filled_are_passed_over(here: Path, finder: Finder):
    assert main(["predict", ".", "--recursive"]) == 0
    assert (here / "predictions" / MANIFEST).is_file()
    assert found(".", recursive=True) == ["a.png", "b.jpg", "shots/a.png", "shots/clip.mp4", "shots/deep/c.png"]
    assert "predictions" not in " ".join(found("**/*.png", recursive=True))
    assert main(["predict", ".", "--recursive"]) == 0


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ([], "no source: name a photograph"),
        (["gone.png"], "gone.png: there is no such file or folder"),
        (["a.png", "gone*"], "gone*: no file matches"),
        (["dee*"], "dee* matches folders only: add --recursive"),
        (["shots/*.txt"], "left out 1 file that is no picture: 1 .txt"),
        (["shots/.hidden/*"], None),
        (["empty"], "no files there"),
    ],
)
def test_a_source_without_anything_is_one_line(here: Path, capsys: Any, finder: Finder, names: list[str], says: Any):
    (here / "empty").mkdir()
    (here / "deep").mkdir()
    status = main(["predict", *names])
    assert (status, finder.batches) == ((2, []) if says else (0, [1]))
    error = capsys.readouterr().err
    assert len(error.splitlines()) == (1 if says else 0)
    assert (says or "") in error


def test_all_sources_go_into_one_result(here: Path, finder: Finder, capsys: Any):
    assert main(["predict", "shots", "b.jpg", "a.png", "--recursive", "--out", "drawn"]) == 0
    result = json.loads((here / "drawn" / "predictions.json").read_text())
    Draft202012Validator(read_schema()).validate(result)
    images = [(Path(item["image"]).as_posix(), item.get("frame")) for item in result["images"]]
    shots = [("shots/a.png", None), *(("shots/clip.mp4", i) for i in range(3)), ("shots/deep/c.png", None)]
    assert images == [*shots, ("b.jpg", None), ("a.png", None)]
    written = {path.relative_to(here / "drawn").as_posix() for path in (here / "drawn").rglob("*") if path.is_file()}
    drawn = {"a.png", "b.jpg", "shots/a.png", "shots/clip.mp4", "shots/clip.csv", "shots/deep/c.png"}
    assert written - {"shots/clip.parquet"} == {*drawn, MANIFEST, "predictions.json"}
    said = capsys.readouterr()
    assert "shots/clip.mp4: 3 frames" in said.out.replace("\\", "/")
    assert "left out 1 file that is no picture: 1 .txt" in said.err


def test_drawings_never_leave_their_folder(here: Path, finder: Finder, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(here / "shots" / "deep")
    assert main(["predict", "../../a.png", "c.png", "../a.png", "--out", str(here / "o")]) == 0
    names = {path.relative_to(here / "o").as_posix() for path in (here / "o").rglob("*.png")}
    assert names == {"a.png", "shots/a.png", "shots/deep/c.png"}


def test_a_bad_video_stops_it_or_is_named(here: Path, finder: Finder, capsys: Any):
    (here / "shots" / "clip.mp4").write_bytes(b"bad")
    assert main(["predict", "shots", "--out", "o"]) == 2
    assert "clip.mp4: not a video" in capsys.readouterr().err
    assert (finder.batches, (here / "o").exists()) == ([], False)
    assert main(["predict", "shots", "--out", "o", "--skip-bad"]) == 0
    assert "skipped shots" in capsys.readouterr().err
    assert {path.name for path in (here / "o").iterdir()} == {"a.png", MANIFEST, "predictions.json"}


# --- JSON Lines


def test_each_line_stands_alone(here: Path, finder: Finder):
    assert main(["predict", "shots", "a.png", "--jsonl", "new/lines.jsonl"]) == 0
    lines = [json.loads(line) for line in (here / "new" / "lines.jsonl").read_text().splitlines()]
    assert [line.get("frame") for line in lines] == [None, 0, 1, 2, None]
    assert not (here / "predictions").exists()
    validator = Draft202012Validator(read_schema())
    for line in lines:
        head = {name: line.pop(name) for name in ("schema", "weights", "detector")}
        validator.validate({**head, "images": [line]})
    assert main(["predict", "a.png", "--jsonl", "new/lines.jsonl", "--out", "o"]) == 0  # its own earlier output
    assert len((here / "new" / "lines.jsonl").read_text().splitlines()) == 1
    assert (here / "o" / "a.png").is_file()


def test_lines_are_there_as_soon_as_an_image_is_done(here: Path, finder: Finder, monkeypatch: pytest.MonkeyPatch):
    seen: list[int] = []
    call = Finder.__call__

    def look(self: Finder, images: list[np.ndarray]) -> Any:
        seen.append(len((here / "l.jsonl").read_text().splitlines()))
        return call(self, images)

    monkeypatch.setattr(Finder, "__call__", look)
    (here / "z.png").write_text("no picture")
    assert main(["predict", "a.png", "b.jpg", "z.png", "--jsonl", "l.jsonl"]) == 2
    assert seen == [0, 1]
    assert [json.loads(line)["image"] for line in (here / "l.jsonl").read_text().splitlines()] == ["a.png", "b.jpg"]


@posix
def test_lines_on_standard_output_are_alone_there(here: Path, finder: Finder, capfd: Any):
    assert main(["predict", "a.png", "b.jpg", "--jsonl", "-"]) == 0
    said = capfd.readouterr()
    assert [json.loads(line)["image"] for line in said.out.splitlines()] == ["a.png", "b.jpg"]
    assert "a.png: 1 face" in said.err
    assert not (here / "-").exists()


@pytest.mark.parametrize("pair", [("f.json", "./f.json"), ("-", "-"), ("-", "/dev/stdout")])
def test_one_file_is_not_both(here: Path, finder: Finder, capsys: Any, pair: tuple[str, str]):
    assert main(["predict", "a.png", "--json", pair[0], "--jsonl", pair[1]]) == 2
    assert "--json and --jsonl both name" in capsys.readouterr().err


def test_lines_replace_no_input(here: Path, finder: Finder, capsys: Any):
    (here / "a.txt").write_text("mine")
    assert main(["predict", "a.png", "--jsonl", "a.txt"]) == 2
    assert "--jsonl a.txt looks like the labels of a.png" in capsys.readouterr().err
    assert (here / "a.txt").read_text() == "mine"


# --- loudness, colours


def test_quiet_and_verbose(here: Path, finder: Finder, capsys: Any):
    def said(*words: str) -> tuple[str, str]:
        assert main(["predict", "shots", "--json", "f.json", *words]) == 0
        return capsys.readouterr()

    out, err = said()
    assert "shots/a.png: 1 face" in out.replace("\\", "/")
    assert err.splitlines() == ["left out 1 file that is no picture: 1 .txt"]
    assert said("--quiet") == ("", "")
    told = said("--verbose")[1]
    assert "a.png: 1 face" in told
    assert "weights made up: Apache-2.0; detector brightest: none" in told
    assert main(["predict", "gone.png", "--quiet"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert main(["predict", "gone.png", "--verbose"]) == 2
    assert "Traceback" in capsys.readouterr().err
    assert main(["predict", "--quiet", "--verbose"]) == 2
    assert "one at a time" in capsys.readouterr().err


def test_the_library_prints_nothing(here: Path, capsys: Any, caplog: pytest.LogCaptureFixture):
    from fauxface.inference.predict import predict_files

    finder: Any = Finder()
    (here / "bad.png").write_text("no picture")
    with caplog.at_level(logging.INFO, "fauxface"):
        predict_files(["shots/*.png", "shots/*.txt", "bad.png"][::2], finder, json_file=Path("f.json"), skip_bad=True)
    assert capsys.readouterr() == ("", "")
    [record] = caplog.records
    assert (record.name, record.levelname) == ("fauxface", "WARNING")
    assert record.getMessage().startswith("skipped bad.png")
    assert not logging.getLogger("fauxface").handlers


def test_names_in_notices_cannot_control_the_terminal(here: Path, finder: Finder, capsys: Any):
    (here / "x\x1b[31m.png").write_text("no picture")
    assert main(["predict", "a.png", "*.png", "--skip-bad", "--json", "f.json"]) == 0
    error = capsys.readouterr().err
    assert "\\x1b[31m.png" in error
    assert "\x1b" not in error


def on_terminal(*words: str, **more: str) -> str:
    """What a command writes to a terminal."""
    import pty

    parent, child = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", **more}
    process = subprocess.Popen([sys.executable, "-m", "fauxface", *words], stdout=child, stderr=child, env=environment)
    os.close(child)
    said = b""
    try:
        while part := os.read(parent, 4096):
            said += part
    except OSError:  # the end of a terminal, on Linux
        pass
    process.wait(60)
    os.close(parent)
    return said.decode()


@posix
@pytest.mark.parametrize("words", [("predict", "--help"), ("predict", "a.png", "--detector")])
def test_no_color(words: tuple[str, ...]):
    colour = re.compile(r"\x1b\[[0-9;]*(?:3[0-7]|4[0-7]|9[0-7]|10[0-7]|[34]8;)[0-9;]*m")
    assert not colour.search(on_terminal(*words, NO_COLOR="1"))
    environment = {name: value for name, value in os.environ.items() if name == "NO_COLOR"}
    assert environment or colour.search(on_terminal(*words))


# --- completion


@pytest.fixture(scope="module")
def bash(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[str]]:
    """Completions that bash offers for a line, with the script sourced."""
    script = tmp_path_factory.mktemp("completion") / "fauxface.bash"
    command = [sys.executable, "-m", "fauxface", "completion", "bash"]
    script.write_text(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    def complete(line: str) -> list[str]:
        words = line.split(" ")
        code = (
            f"set -e; source {script}; function=$(complete -p fauxface | sed 's/.*-F \\([^ ]*\\).*/\\1/')\n"
            f"COMP_WORDS=({' '.join(repr(word) for word in words)}); COMP_CWORD={len(words) - 1}; COMP_LINE={line!r}\n"
            f"COMP_POINT=${{#COMP_LINE}}; $function fauxface {words[-1]!r} {words[-2]!r} || true\n"
            'printf "%s\\n" "${COMPREPLY[@]}"'
        )
        done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        return [word.strip() for word in done.stdout.splitlines() if word.strip()]

    return complete


@posix
def test_bash_completes_commands_options_and_values(bash: Callable[[str], list[str]]):
    assert set(bash("fauxface ")) >= COMMANDS.keys()
    assert bash("fauxface pre") == ["predict"]
    assert {"--out", "--json", "--jsonl", "--recursive"} <= set(bash("fauxface predict --"))
    assert bash("fauxface predict --jsonl") == ["--jsonl"]
    assert {"points", "lines", "sketch"} <= set(bash("fauxface predict --style "))


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_have_scripts_too(shell: str, capsys: Any):
    with pytest.raises(SystemExit) as end:
        main(["completion", shell])
    assert end.value.code in (0, None)
    script = capsys.readouterr().out
    assert all(name in script for name in COMMANDS)


# --- the page that explains


def test_the_page_lists_exit_codes_and_environment_variables():
    page = (ROOT / "docs" / "commands.md").read_text()
    sources = "\n".join(path.read_text() for path in (ROOT / "fauxface").rglob("*.py"))
    told = set(re.findall(r"^\| `([A-Z_]+)`", page, re.MULTILINE))
    assert set(re.findall(r"\bFAUXFACE_[A-Z_]+\b", sources)) <= told
    codes = set(re.findall(r"^\| (\d+) \|", page, re.MULTILINE))
    assert codes >= set(
        re.findall(r"^\s+return (\d+)(?: if|$)", (ROOT / "fauxface" / "cli.py").read_text(), re.MULTILINE)
    )


def test_the_overview_says_where(capsys: Any):
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert "docs/commands.md" in said
    assert "--quiet" in said
    assert (ROOT / "docs" / "commands.md").is_file()
