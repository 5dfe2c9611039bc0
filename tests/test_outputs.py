"""Outputs: nothing of the user's is lost, whatever is named as a command's folder or file, whenever it is killed."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from fake_data import write_face_synthetics, write_ibug
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fauxface import files, inference
from fauxface.cli import main
from fauxface.files import write_text
from fauxface.images import write_image
from fauxface.inference.result import Origin
from fauxface.outputs import MANIFEST, distinct_names, filled_folder, only_writer

posix = pytest.mark.skipif(sys.platform == "win32", reason="links, pipes and signals as POSIX has them")


class Blind:
    """A landmarker that is quick and finds nothing."""

    card = SimpleNamespace(scheme="ibug68")
    origin = Origin("ibug68", None, "Apache-2.0", "clean", "blind", "none")

    def __call__(self, images: list[np.ndarray]) -> list[list]:
        return [[] for _ in images]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, and a landmarker that needs no weights."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(inference.Landmarker, "load", lambda *_, **__: Blind())
    return tmp_path


@pytest.fixture
def nothing_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever loads a model has not refused before the work."""

    def load(*_: object, **__: object) -> None:
        pytest.fail("the model was loaded")

    monkeypatch.setattr(inference.Landmarker, "load", load)


def photo(path: Path) -> Path:
    write_image(path, np.full((40, 50, 3), 90, np.uint8))
    return path


def tree(folder: Path) -> dict[str, bytes | None]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
        if path.name != MANIFEST
    }


def refused(capsys: pytest.CaptureFixture[str], root: Path, *words: object) -> str:
    """The command ends with status 2 and one line, and changes nothing below ``root``; the line."""
    before = tree(root)
    capsys.readouterr()
    assert main([str(word) for word in words]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.startswith("fauxface: error: ") for line in lines] == [True]
    assert tree(root) == before
    return lines[0]


def run(*words: object) -> None:
    assert main([str(word) for word in words]) == 0


# --- folders that hold something of the user's


COMMANDS = {
    "predict": lambda data: ("predict", data / "a.jpg"),
    "audit": lambda data: ("audit", data),
    "evaluate": lambda data: ("evaluate", "fauxface-s", "--data", data),
    "adapt": lambda data: ("adapt", "fauxface-s", "--data", data),
}
"""Commands that fill a folder, without its name."""


@pytest.fixture(params=COMMANDS)
def line(request: pytest.FixtureRequest, here: Path) -> tuple[object, ...]:
    data = write_face_synthetics(here / "data", 2)
    photo(data / "a.jpg")
    return COMMANDS[request.param](data)


@pytest.mark.usefixtures("nothing_is_loaded")
@pytest.mark.parametrize("told", ["predictions.json", "audit.json", "scores.json", "adapter.yaml", "render.yaml"])
def test_a_file_of_ours_by_name_does_not_give_the_folder_away(line, here: Path, capsys, told: str):
    (here / "project" / "photos").mkdir(parents=True)
    (here / "project" / told).write_text("{}")
    (here / "project" / "thesis.txt").write_text("years of work")
    assert "already holds something else" in refused(capsys, here, *line, "--out", "project")


@pytest.mark.usefixtures("nothing_is_loaded")
@pytest.mark.parametrize("out", ["data", ".", "link", "data/../data"])
def test_no_folder_is_written_that_is_the_source_or_above_it(line, here: Path, capsys, out: str):
    (here / "link").symlink_to("data")
    assert "the source" in refused(capsys, here, *line, "--out", out)


@pytest.mark.parametrize("command", ["render", "demo", "study", "train"])
def test_commands_that_go_on_take_no_other_folder_for_their_own(command: str, here: Path, capsys):
    data = write_face_synthetics(here / "faces", 2)
    (here / "mine").mkdir()
    for name in ("render.yaml", "demo.yaml", "study.yaml", "results.csv", "config.yaml", "report.html"):
        (here / "mine" / name).write_text("[1, 2]\n")
    words = {
        "render": ("render", "mine", "--count", 1),
        "demo": ("demo", "--out", "mine", "--quick"),
        "study": ("study", "--data", data, "--test", data, "--out", "mine", "--images", 1, "--seeds", 1),
        "train": ("train", "--data", data, "--out", "mine", "--steps", 1, "--resume"),
    }
    refused(capsys, here, *words[command])


# --- what is the command's own


def test_an_earlier_run_s_folder_is_replaced_until_something_in_it_is_changed(here: Path, capsys):
    photo(here / "in" / "a.jpg"), photo(here / "in" / "b.png")
    run("predict", "in", "--out", "o")
    (here / "in" / "b.png").unlink()
    run("predict", "in", "--out", "o")
    assert tree(here / "o").keys() == {"a.jpg", "predictions.json"}
    (here / "o" / "predictions.json").write_text("corrected by hand")
    assert "predictions.json" in refused(capsys, here, "predict", "in", "--out", "o")


@pytest.mark.parametrize("name", ["notes.txt", ".hidden", "sub/notes.txt", "empty/", "a.jpg/"])
def test_what_was_added_to_an_earlier_run_s_folder_is_named(here: Path, capsys, name: str):
    photo(here / "a.png")
    run("predict", "a.png", "--out", "o")
    added = here / "o" / name
    added.parent.mkdir(exist_ok=True)
    added.mkdir() if name.endswith("/") else added.write_text("mine")
    assert f"something else: {name.split('/')[0]}" in refused(capsys, here, "predict", "a.png", "--out", "o")


def test_another_command_s_folder_and_one_without_a_manifest_are_not_its_own(here: Path, capsys):
    photo(here / "a.png")
    run("predict", "a.png", "--out", "o")
    data = write_face_synthetics(here / "data", 2)
    refused(capsys, here, "audit", data, "--out", "o")
    (here / "o" / MANIFEST).unlink()
    assert "without a manifest" in refused(capsys, here, "predict", "a.png", "--out", "o")


def test_a_manifest_cannot_reach_outside_its_folder(tmp_path: Path):
    (tmp_path / "mine.txt").write_text("mine")
    digest = hashlib.sha256(b"mine").hexdigest()
    (tmp_path / "o").mkdir()
    names = ["../mine.txt", str(tmp_path / "mine.txt")]
    (tmp_path / "o" / MANIFEST).write_text(json.dumps({"command": "x", "files": [[name, digest] for name in names]}))
    with filled_folder(tmp_path / "o", "x") as folder:
        (folder / "a").write_text("a")
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_what_file_systems_and_file_managers_put_there_is_nobody_s(tmp_path: Path):
    (tmp_path / "o" / "lost+found").mkdir(parents=True)
    (tmp_path / "o" / ".DS_Store").touch()
    for text in ("1", "2"):
        with filled_folder(tmp_path / "o", "x") as folder:
            (folder / "a").write_text(text)
    assert tree(tmp_path / "o") == {"lost+found": None, ".DS_Store": b"", "a": b"2"}


def test_a_file_that_changes_during_the_work_is_left_alone(tmp_path: Path):
    with filled_folder(tmp_path / "o", "x") as folder:
        (folder / "a").write_text("first")
    with pytest.raises(FileExistsError, match="changed meanwhile"):  # noqa: PT012, SIM117
        with filled_folder(tmp_path / "o", "x") as folder:
            (folder / "a").write_text("second")
            (tmp_path / "o" / "a").write_text("by hand")
    assert tree(tmp_path / "o") == {"a": b"by hand"}


def test_below_a_source_is_allowed_twice_and_left_out_of_reading(here: Path, capsys):
    write_face_synthetics(here, 2)
    for _ in range(2):
        run("predict", ".")
        assert len(json.loads((here / "predictions" / "predictions.json").read_text())["images"]) == 4
    for _ in range(2):
        run("audit", ".")
        assert "2 pictures" in capsys.readouterr().out
    told = json.loads((here / "audit" / "audit.json").read_text())
    assert not [finding for finding in told["findings"] if "predictions" in finding["file"]]


# --- the folder itself stays what it is


@posix
def test_links_dots_and_folders_that_are_there_are_filled_in_place(here: Path, monkeypatch):
    source = photo(here / "a.jpg")
    (here / "real").mkdir()
    (here / "link").symlink_to("real")
    for name in ("real", "link", "link"):
        before = (here / "real").stat().st_ino
        run("predict", source, "--out", name)
        assert (here / "real").stat().st_ino == before
        assert (here / "link").is_symlink()
    assert tree(here / "real").keys() == {"a.jpg", "predictions.json"}
    (here / "here").mkdir()
    monkeypatch.chdir(here / "here")
    for _ in range(2):
        run("predict", source, "--out", ".")
    assert tree(here / "here").keys() == {"a.jpg", "predictions.json"}


@posix
def test_a_mount_point_is_filled_in_place(here: Path):
    disk = here / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("needs the right to mount a small disk")
    try:
        for _ in range(2):
            run("predict", photo(here / "a.jpg"), "--out", "disk")
        assert tree(disk).keys() == {"a.jpg", "predictions.json"}
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.mark.usefixtures("nothing_is_loaded")
def test_what_may_not_be_written_is_refused_before_the_work(here: Path, capsys, monkeypatch):
    source = photo(here / "a.jpg")
    (here / "locked").mkdir()
    may = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != here / "locked" and may(path, mode))
    for words in (["--out", here / "locked"], ["--out", here / "locked/new"], ["--json", here / "locked/f.json"]):
        assert "no permission to write" in refused(capsys, here, "predict", source, *words)
    (here / "file").touch()
    for words in (["--out", "file"], ["--out", "file/new"], ["--json", "file/f.json"]):
        assert "is a file" in refused(capsys, here, "predict", source, *words)


def test_an_error_in_the_work_leaves_all_as_it_was(tmp_path: Path):
    with pytest.raises(ZeroDivisionError):  # noqa: PT012, SIM117
        with filled_folder(tmp_path / "new" / "o", "x") as folder:
            (folder / "a").write_text("half")
            raise ZeroDivisionError
    assert tree(tmp_path) == {}


# --- files


@pytest.mark.usefixtures("nothing_is_loaded")
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("in/a.jpg", "one of the inputs"),
        ("link.json", "one of the inputs"),
        ("in/b.json", "labels of b.png"),
        ("in/b_ldmks.txt", "labels of b.png"),
        ("in/coco.json", "something else and is next to the inputs"),
        ("in", "is a folder"),
        ("o/a.jpg", "another file that is written"),
    ],
)
def test_json_is_never_written_over_an_input_a_label_or_a_folder(here: Path, capsys, name: str, says: str):
    photo(here / "in" / "a.jpg"), photo(here / "in" / "b.png")
    (here / "in" / "b.json").write_text('{"shapes": []}')
    (here / "in" / "b_ldmks.txt").write_text("1 2\n")
    (here / "in" / "coco.json").write_text('{"annotations": []}')
    (here / "link.json").symlink_to("in/a.jpg")
    assert says in refused(capsys, here, "predict", "in", "--out", "o", "--json", name)


@pytest.mark.usefixtures("nothing_is_loaded")
def test_scores_are_never_written_over_labels(here: Path, capsys):
    renders, photos = write_face_synthetics(here / "faces", 2), write_ibug(here / "ibug", 2)
    for file in (renders / "000001.json", renders / "000001_seg.png", next(photos.rglob("*.pts"))):
        line = ("evaluate", "fauxface-s", "--data", file.parent, "--json", file)
        assert "--json" in refused(capsys, here, *line)


def test_an_onnx_file_is_not_written_over_a_folder(here: Path, capsys):
    (here / "a.onnx").mkdir()
    assert "is a folder" in refused(capsys, here, "export", "fauxface-s", "--out", "a.onnx")


def test_json_beside_its_photograph_is_written_again(here: Path):
    photo(here / "a.jpg")
    for _ in range(2):
        run("predict", "a.jpg", "--json", "a.json")
    assert json.loads((here / "a.json").read_text())


def test_json_inside_out_is_one_of_the_run_s_files(here: Path):
    photo(here / "a.jpg")
    for _ in range(2):
        run("predict", "a.jpg", "--out", "o", "--json", "o/sub/mine.json")
        assert json.loads((here / "o/sub/mine.json").read_text())
    run("predict", "a.jpg", "--out", "o")
    assert tree(here / "o").keys() == {"a.jpg", "predictions.json"}


@posix
@pytest.mark.parametrize("name", ["-", "/dev/stdout"])
def test_json_to_standard_output_is_all_that_is_there(here: Path, capfd, name: str):
    photo(here / "a.jpg")
    run("predict", "a.jpg", "--out", "o", "--json", name)
    said = capfd.readouterr()
    [row] = json.loads(said.out)["images"]
    assert (row["image"], row["faces"]) == ("a.jpg", [])
    assert "a.jpg: 0 faces" in said.err
    assert not (here / "-").exists()


@posix
def test_devices_and_pipes_are_written_into_and_links_followed(here: Path):
    photo(here / "a.jpg")
    run("predict", "a.jpg", "--json", "/dev/null")
    assert Path("/dev/null").is_char_device()
    os.mkfifo(here / "pipe")
    reader = subprocess.Popen(["cat", "pipe"], stdout=subprocess.PIPE, cwd=here)
    run("predict", "a.jpg", "--json", "pipe")
    assert json.loads(reader.communicate(timeout=60)[0])
    assert (here / "pipe").is_fifo()
    (here / "real.json").touch()
    (here / "real.json").chmod(0o600)
    (here / "link.json").symlink_to("real.json")
    (here / "new.json").symlink_to("made.json")
    for name in ("link.json", "new.json"):
        run("predict", "a.jpg", "--json", name)
        assert (here / name).is_symlink()
        assert json.loads((here / name).read_text())
    assert (here / "real.json").stat().st_mode & 0o777 == 0o600
    assert not [name for name in tree(here) if ".fauxface-" in name]


def test_a_file_in_a_folder_that_may_not_be_written_is_written_into(tmp_path: Path, monkeypatch):
    (tmp_path / "f.json").write_text("a longer text than the new one")
    (tmp_path / "link").hardlink_to(tmp_path / "f.json")
    may = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path and may(path, mode))
    write_text(tmp_path / "f.json", "new")
    assert tree(tmp_path) == {"f.json": b"new", "link": b"new"}


# --- names


def test_photographs_of_one_stem_get_a_drawing_each(here: Path):
    for name in ("a.jpg", "a.png", "a.JPG", "b.png"):
        photo(here / "in" / name)
    run("predict", "in", "--out", "o")
    assert len(tree(here / "o")) == len(tree(here / "in")) + 1
    assert "b.png" in tree(here / "o")


PARTS = ("", "s/", "S/"), ("a", "A", "aa", "a.b", "a.jpg", "ß", "ss", "é", "e\u0301"), (".jpg", ".JPG", ".png", ".bmp")
NAMES = st.tuples(*map(st.sampled_from, PARTS)).map("".join)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sets(NAMES, min_size=1, max_size=12))
def test_names_are_distinct_whatever_the_case_and_follow_from_the_names_alone(names: set[str]):
    root = Path("root")
    sources = [root / name for name in sorted(names)]
    suffixes = [".jpg" if path.suffix.lower() == ".jpg" else ".png" for path in sources]
    found = distinct_names(sources, suffixes, root)
    assert len({folded(name) for name in found}) == len(sources)
    assert found == distinct_names(sources, suffixes, root)
    for path, suffix, name in zip(sources, suffixes, found, strict=True):
        assert Path(name).parent == path.parent.relative_to(root)
        assert Path(name).name.startswith(path.stem)
        assert name.endswith(suffix)
    plain = [
        path.relative_to(root).with_suffix(suffix).as_posix() for path, suffix in zip(sources, suffixes, strict=True)
    ]
    alike = [folded(name) for name in plain]
    for wanted, fold, name in zip(plain, alike, found, strict=True):
        if alike.count(fold) == 1:
            assert name == wanted


def folded(name: str) -> str:
    """The name as a file system sees it that tells neither case nor composed accents apart."""
    return unicodedata.normalize("NFD", name.casefold())


# --- killed, told to end, two at a time


def python(code: str, *words: object) -> subprocess.Popen[str]:
    """A process of its own that runs that code, its words in ``sys.argv``."""
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def said_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    told = process.stdout.readline()
    assert told == "ready\n", told + process.communicate()[1]


KILLED = """
    import os, sys
    from pathlib import Path
    from fauxface import files, outputs
    out, left = Path(sys.argv[1]), int(sys.argv[2])
    def step(call):
        def counted(*words, **options):
            global left
            left -= 1
            if left < 0:
                os._exit(9)  # nothing is cleared up, as after kill -9
            return call(*words, **options)
        return counted
    Path.replace, Path.unlink, Path.mkdir = step(Path.replace), step(Path.unlink), step(Path.mkdir)
    with outputs.filled_folder(out, "x") as folder:
        for name in ("a", "c", "d"):
            files.write_text(folder / name, "new")
"""


@posix
def test_killed_at_any_moment_the_old_files_or_the_new_are_there_and_the_next_run_ends_well(tmp_path: Path):
    out, mine = tmp_path / "o", tmp_path / "mine.txt"
    mine.write_text("mine")
    for moment in range(100):
        with filled_folder(out, "x") as folder:
            for name in ("a", "b", "c"):
                write_text(folder / name, "old")
        process = python(KILLED, out, moment)
        said = process.communicate(timeout=60)[1]
        there = {name: data for name, data in tree(out).items() if not name.startswith(".")}
        assert set(there) >= {"a", "c"}, moment
        assert set(there.values()) <= {b"old", b"new"}, moment
        if process.returncode == 0:
            assert tree(out) == {"a": b"new", "c": b"new", "d": b"new"}
            break
        assert process.returncode == 9, said
    else:
        pytest.fail("it never ends")
    assert moment > 8
    with filled_folder(out, "x") as folder:
        write_text(folder / "a", "last")
    assert tree(tmp_path) == {"mine.txt": b"mine", "o": None, "o/a": b"last"}


HOLDING = """
    import sys, time
    from pathlib import Path
    from fauxface import files, outputs
    place = Path(sys.argv[1])
    with outputs.only_writer(place, "fauxface train"), files.atomic_path(place / "a.txt") as temporary:
        temporary.write_text("half")
        print("ready", flush=True)
        time.sleep(600)
"""


@posix
def test_a_folder_has_one_writer_and_a_killed_one_s_leftovers_are_swept(tmp_path: Path):
    process = python(HOLDING, tmp_path / "run")
    try:
        said_ready(process)
        held = set(tree(tmp_path / "run"))
        assert any("tmp" in name for name in held)
        with (
            pytest.raises(BlockingIOError, match="another fauxface train is at work"),
            only_writer(tmp_path / "run", "fauxface train"),
        ):
            pass
        files.sweep(tmp_path / "run")
        assert set(tree(tmp_path / "run")) == held  # its owner lives
    finally:
        process.kill()
        process.communicate()
    assert set(tree(tmp_path / "run")) == held
    (tmp_path / "run" / ".fauxface-tmp-notes.txt").write_text("a user's, for all we know")
    with only_writer(tmp_path / "run", "fauxface train"):
        pass
    assert set(tree(tmp_path / "run")) == {".fauxface-tmp-notes.txt"}


SMALL = ("--model", "mobilenetv3small-coordinates", "--steps", 1, "--batch", 2, "--threads", 1, "--input-size", 64)


@pytest.mark.parametrize("command", ["train", "study", "render", "demo", "predict"])
def test_a_second_run_in_a_folder_is_refused_while_the_first_is_at_work(command: str, here: Path, capsys):
    data = write_face_synthetics(here / "faces", 4)
    study = ("--models", SMALL[1], "--images", 2, "--policies", "none", "--seeds", 1)
    words = {
        "train": ("train", "--data", data, "--out", "run", *SMALL),
        "study": ("study", "--data", data, "--test", data, "--out", "run", *study),
        "render": ("render", "run", "--count", 1, "--size", 64),
        "demo": ("demo", "--out", "run", "--quick"),
        "predict": ("predict", data / "000000.png", "--out", "run"),
    }
    with only_writer(here / "run", f"fauxface {command}"):
        assert f"another fauxface {command} is at work" in refused(capsys, here, *words[command])
    assert not (here / "run").exists()


TOLD_TO_END = """
    import sys, time
    from pathlib import Path
    from fauxface import cli, files, outputs
    def pack(out: Path) -> None:
        with outputs.filled_folder(out, "pack") as folder, files.atomic_path(out.with_name("f.json")) as temporary:
            (folder / "a").write_text("half")
            temporary.write_text("half")
            print("ready", flush=True)
            time.sleep(600)
    pack.__doc__ = "Wait."
    cli.COMMANDS["pack"] = pack
    sys.exit(cli.main(["pack", "--out", sys.argv[1]]))
"""


@posix
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_told_to_end_a_command_leaves_nothing(tmp_path: Path, number: int, status: int):
    process = python(TOLD_TO_END, tmp_path / "o")
    try:
        said_ready(process)
        process.send_signal(number)
        said = process.communicate(timeout=60)[1]
    finally:
        process.kill()
    assert process.returncode == status, said
    assert len(said.splitlines()) == 1
    assert tree(tmp_path) == {}


WORKING = """
    import sys, time
    from functools import partial
    from pathlib import Path
    from fauxface import cli, files, jobs

    def work(folder, job):
        with files.atomic_path(folder / f"{job}.txt") as temporary:
            temporary.write_text("half")
            (folder / f"begun-{job}").touch()
            time.sleep(600)

    def pack(out: Path) -> None:
        jobs.run_jobs(partial(work, out), range(20), workers=2, shown=False)

    if __name__ == "__main__":
        pack.__doc__ = "Wait."
        cli.COMMANDS["pack"] = pack
        sys.exit(cli.main(["pack", "--out", sys.argv[1]]))
"""


@posix
def test_told_to_end_a_command_ends_its_workers_in_the_middle_of_their_jobs(tmp_path: Path):
    (tmp_path / "working.py").write_text(textwrap.dedent(WORKING))
    (tmp_path / "o").mkdir()
    command = [sys.executable, str(tmp_path / "working.py"), str(tmp_path / "o")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: len(list((tmp_path / "o").glob("begun-*"))) == 2)
        process.terminate()
        said = process.communicate(timeout=120)[1]
    finally:
        process.kill()
    assert process.returncode == 143, said
    assert said == "fauxface: told to end\n"
    assert sorted(name.split("-")[0] for name in tree(tmp_path / "o")) == ["begun", "begun"]


def wait_until(holds: Callable[[], bool]) -> None:
    for _ in range(1200):
        if holds():
            return
        time.sleep(0.1)
    pytest.fail("it never comes about")


def test_the_cache_s_folder_is_found_again_after_a_kill_between_the_renames(tmp_path: Path):
    folder = tmp_path / "pack"
    (tmp_path / ".pack.old").mkdir()
    (tmp_path / ".pack.old" / "a").write_text("old")
    (tmp_path / ".pack.new").mkdir()
    with pytest.raises(ZeroDivisionError), files.atomic_folder(folder):
        raise ZeroDivisionError
    assert (folder / "a").read_text() == "old"
    with files.atomic_folder(folder) as new:
        (new / "a").write_text("new")
    assert (folder / "a").read_text() == "new"
    assert {path.name for path in tmp_path.iterdir()} == {"pack"}
