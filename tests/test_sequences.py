"""Image sequences read as videos, and EXR pictures brought to display."""

from __future__ import annotations

import csv
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest
from followers import ORIGIN, Brightest, made_face, spot
from jsonschema import Draft202012Validator

from fauxface.cli import main
from fauxface.exr import to_display
from fauxface.images import read_image, read_picture, write_image
from fauxface.inference.result import read_schema
from fauxface.inference.sequence import find_sequence
from fauxface.inference.sources import Reading, find_sources
from fauxface.outputs import MANIFEST

SCANLINES = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}


def write_exr(path: Path, linear: np.ndarray, names: str = "RGB", **header: Any) -> Path:
    """A picture H×W×C as EXR, in the type of its numbers."""
    channels = {name: np.ascontiguousarray(linear[..., i]) for i, name in enumerate(names)}
    path.parent.mkdir(parents=True, exist_ok=True)
    OpenEXR.File({**SCANLINES, **header}, channels).write(str(path))
    return path


def to_linear(image: np.ndarray) -> np.ndarray:
    """The inverse of the sRGB curve."""
    value = image / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


@pytest.fixture
def follower(monkeypatch: pytest.MonkeyPatch) -> Brightest:
    class Finder:
        origin = ORIGIN

        def __call__(self, images: list[np.ndarray]) -> list[list[Any]]:
            return [[made_face()] for _ in images]

    found = Brightest()
    monkeypatch.setattr("fauxface.inference.run.Landmarker.load", lambda *_, **__: Finder())
    monkeypatch.setattr("fauxface.inference.predict.Tracker", lambda *_, **__: found.forget() or found)
    return found


@pytest.fixture
def shot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with shot/a.1001.exr … a.1012.exr without 1004 and 1007–1009: a spot that moves."""
    monkeypatch.chdir(tmp_path)
    for number in range(1001, 1013):
        if number not in (1004, 1007, 1008, 1009):
            linear = to_linear(spot(40 + 5 * (number - 1001), 50, 161, 121))
            write_exr(tmp_path / "shot" / f"a.{number}.exr", linear.astype(np.float16))
    return tmp_path


NUMBERS = [1001, 1002, 1003, 1005, 1006, 1010, 1011, 1012]
NAMES = ["shot/a.%04d.exr", "shot/a.%d.exr", "shot/a.####.exr", "shot/a.#.exr", "shot/a.1001-1012#.exr"]


@pytest.mark.parametrize("name", NAMES)
def test_a_sequence_is_followed_as_a_video(shot: Path, follower: Brightest, capsys: Any, name: str):
    assert main(["predict", name, "--out", "out", "--fps", "25", "--smooth", "none"]) == 0
    assert f"{name}: 8 frames, 1 face; missing frames 1004, 1007-1009\n" in capsys.readouterr().out
    table = Path(name).name.replace(".exr", ".csv")
    assert {path.name for path in (shot / "out").iterdir()} - {table.replace(".csv", ".parquet")} == {
        *(f"a.{number}.png" for number in NUMBERS),
        *(table, MANIFEST, "predictions.json"),
    }
    result = json.loads((shot / "out" / "predictions.json").read_text())
    Draft202012Validator(read_schema()).validate(result)
    assert {item["image"] for item in result["images"]} == {name}
    assert [item["frame"] for item in result["images"]] == NUMBERS
    assert [item["seconds"] for item in result["images"]] == [round((n - 1001) / 25, 6) for n in NUMBERS]
    rows = list(csv.DictReader((shot / "out" / table).open()))
    assert [int(row["frame"]) for row in rows] == NUMBERS
    assert [float(row["x33"]) for row in rows] == pytest.approx([40 + 5 * (n - 1001) for n in NUMBERS], abs=0.5)
    assert follower.seen == [(n - 1001) / 25 for n in NUMBERS]
    for number in NUMBERS:  # each face is drawn on its own frame, in the picture's own size
        drawn, before = (read_image(shot / folder) for folder in (f"out/a.{number}.png", f"shot/a.{number}.exr"))
        assert drawn.shape == (121, 161, 3)
        x = 40 + 5 * (number - 1001)
        changed = np.argwhere((drawn != before).any(-1))[:, 1]
        assert (changed.min() + changed.max()) / 2 == pytest.approx(x, abs=4)


def test_offline_smoothing_draws_the_same_frames(shot: Path, follower: Brightest):
    assert main(["predict", "shot/a.####.exr", "--out", "out"]) == 0
    assert set(follower.smoothed) == {False}
    items = json.loads((shot / "out" / "predictions.json").read_text())["images"]
    assert [item["frame"] for item in items] == NUMBERS
    assert len(list((shot / "out").glob("*.png"))) == 8


def test_a_range_has_only_its_frames(shot: Path):
    assert list(find_sequence(Path("shot/a.1003-1006####.exr")).files) == [1003, 1005, 1006]
    assert find_sequence(Path("shot/a.0999-1002#.exr")).gaps == "missing frames 999-1000"
    assert find_sequence(Path("shot/a.1010-1012#.exr")).gaps == ""


def test_numbers_are_written_as_the_pattern_says(tmp_path: Path):
    for name in ("b.1.png", "b.02.png", "b.0003.png", "b.12345.png", "xb.0004.png", "b.0005.png.bak"):
        (tmp_path / name).touch()
    assert list(find_sequence(tmp_path / "b.%04d.png").files) == [3, 12345]
    assert list(find_sequence(tmp_path / "b.##.png").files) == [2, 12345]
    assert list(find_sequence(tmp_path / "b.%d.png").files) == [1, 12345]
    assert list(find_sequence(tmp_path / "b.#.png").files) == [1, 2, 3, 12345]
    (tmp_path / "b.003.png").touch()
    with pytest.raises(ValueError, match=r"b\.0003\.png and b\.003\.png are both frame 3|b\.003\.png and b\.0003"):
        find_sequence(tmp_path / "b.#.png")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("shot/b.%04d.exr", "shot/b.%04d.exr: no file has such a name"),
        ("gone/a.####.exr", "gone/a.####.exr: no file has such a name"),
        ("shot/a.1-9#.exr", "no file has such a name in frames 1-9"),
        ("shot/a.%04d.####.exr", "2 places for the frame's number"),
    ],
)
def test_patterns_without_files_are_one_line(shot: Path, follower: Brightest, capsys: Any, name: str, says: str):
    assert main(["predict", name]) == 2
    error = capsys.readouterr().err
    assert says in error.replace("\\", "/")
    assert len(error.splitlines()) == 1


def test_a_folder_with_sequence(shot: Path, follower: Brightest, capsys: Any):
    for number in range(3):
        write_image(shot / "shot" / f"v2_{number}_x.jpg", spot(50, 50))
    write_image(shot / "shot" / "slate.png", spot(50, 50))
    assert main(["predict", "shot", "--sequence", "--json", "f.json", "--smooth", "live"]) == 0
    said = capsys.readouterr()
    assert "left out 1 without a number in the name: slate.png" in said.err
    items = json.loads((shot / "f.json").read_text())["images"]
    assert [(Path(item["image"]).name, item["frame"]) for item in items] == [
        *(("a.####.exr", number) for number in NUMBERS),
        *(("v2_#_x.jpg", number) for number in range(3)),
    ]
    found = find_sources(["shot"], reading=Reading(sequence=True))
    names = found.drawings()
    assert len(set(names.values())) == len(names) == 8 + 3 + 2
    assert names[Path("shot/v2_1_x.jpg")] == "v2_1_x.jpg"
    assert len(find_sources(["shot"]).videos) == 0  # without it they are photographs


def test_inputs_are_not_overwritten(shot: Path, follower: Brightest, capsys: Any):
    assert main(["predict", "shot/a.####.exr", "--out", "shot"]) == 2
    assert "--out shot contains the source" in capsys.readouterr().err
    assert main(["predict", "shot/a.####.exr", "--json", "shot/a.1002.exr"]) == 2
    assert "is one of the inputs" in capsys.readouterr().err


def test_a_bad_frame_stops_it_or_is_named(shot: Path, follower: Brightest, capsys: Any):
    path = shot / "shot" / "a.1005.exr"
    path.write_bytes(path.read_bytes()[:900])
    assert main(["predict", "shot/a.####.exr", "--out", "out"]) == 2
    assert not (shot / "out").exists()
    assert "a.1005.exr: cannot be read: it is damaged" in capsys.readouterr().err
    assert main(["predict", "shot/a.####.exr", "--out", "out", "--skip-bad"]) == 0
    said = capsys.readouterr()
    assert "7 frames, 1 face, 1 picture that cannot be decoded" in said.out
    assert said.err.count("skipped shot") == 1
    assert not (shot / "out" / "a.1005.png").exists()
    assert (shot / "out" / "a.1006.png").exists()


# --- EXR


@pytest.mark.parametrize("kind", [np.float16, np.float32])
@pytest.mark.parametrize("names", ["RGB", "RGBA"])
def test_half_and_float_are_brought_to_display(tmp_path: Path, kind: type, names: str):
    shown = np.random.default_rng(0).integers(0, 256, (9, 14, 3)).astype(np.uint8)
    linear = np.dstack([to_linear(shown), np.full((9, 14), 0.5)])[..., : len(names)].astype(kind)
    found = read_image(write_exr(tmp_path / "a.exr", linear, names))
    assert np.abs(found.astype(int) - shown).max() <= (1 if kind is np.float16 else 0)
    darker = read_picture(tmp_path / "a.exr", 10**6, exposure=-1).image
    np.testing.assert_array_equal(darker, to_display(linear[..., :3].astype(np.float32) / 2))


def test_the_curve_is_srgbs():
    values = np.array([0, 0.001, 0.0031308, 0.18, 0.5, 1, 7, np.inf, -1, np.nan, -np.inf])
    assert to_display(values).tolist() == [0, 3, 10, 118, 188, 255, 255, 255, 0, 0, 0]
    assert to_display(np.array([0.18, 0.09]), 1).tolist() == [to_display(np.array(0.36)).item(), 118]


def test_the_display_window_counts(tmp_path: Path):
    """A data window that begins outside and ends inside the display window."""
    linear = np.ones((4, 6, 3), np.float32)
    windows = {
        "dataWindow": (np.array([-2, 3], np.int32), np.array([3, 6], np.int32)),
        "displayWindow": (np.array([0, 0], np.int32), np.array([9, 7], np.int32)),
    }
    found = read_image(write_exr(tmp_path / "a.exr", linear, **windows))
    assert found.shape == (8, 10, 3)
    expected = np.zeros((8, 10), np.uint8)
    expected[3:7, :4] = 255
    np.testing.assert_array_equal(found[..., 1], expected)


def test_the_first_part_with_colours_is_read(tmp_path: Path):
    def part(name: str, value: float, channels: str) -> Any:
        return OpenEXR.Part({"name": name}, {c: np.full((4, 5), value, np.float32) for c in channels}, name)

    OpenEXR.File([part("depth", 3, "Z"), part("beauty", 0.18, "RGB"), part("other", 1, "RGB")]).write(
        str(tmp_path / "a.exr")
    )
    assert (read_image(tmp_path / "a.exr") == 118).all()


def deep(path: Path) -> None:
    samples = np.empty((4, 5), object)
    for place in np.ndindex(4, 5):
        samples[place] = np.array([1.0, 2.0], np.float32)
    header = {"type": OpenEXR.deepscanline, "compression": OpenEXR.ZIPS_COMPRESSION}
    OpenEXR.File(header, {name: samples for name in "RGB"}).write(str(path))


def damaged(path: Path) -> None:
    ramp = np.linspace(0, 1, 40 * 50 * 3, dtype=np.float32).reshape(40, 50, 3)  # that zip makes smaller
    data = bytearray(write_exr(path, ramp).read_bytes())
    data[len(data) // 2 : len(data) // 2 + 200] = bytes(200)
    path.write_bytes(data)


def beginning(path: Path) -> None:
    path.write_bytes(b"\x76\x2f\x31\x01" + bytes(40))


BAD: dict[str, tuple[Callable[[Path], Any], str]] = {
    "deep": (deep, "deep data"),
    "damaged": (damaged, "it is damaged"),
    "beginning": (beginning, "it is damaged"),
    "grey": (lambda path: write_exr(path, np.ones((4, 5, 1), np.float32), "Y"), "no channels R, G and B; it has Y"),
    "whole numbers": (lambda path: write_exr(path, np.ones((4, 5, 3), np.uint32)), "whole numbers"),
    "text": (lambda path: path.write_text("text"), "not an image"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_cannot_be_read_is_one_line(tmp_path: Path, capfd: Any, follower: Brightest, kind: str):
    make, says = BAD[kind]
    make(tmp_path / "a.exr")
    capfd.readouterr()
    assert main(["predict", str(tmp_path / "a.exr"), "--json", "-"]) == 2
    said = capfd.readouterr()
    assert says in said.err
    assert len(said.err.splitlines()) == 1  # without the library's own lines
    assert said.out == ""


def test_without_openexr_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_exr(tmp_path / "a.exr", np.ones((20, 20, 3), np.float32))
    monkeypatch.setitem(sys.modules, "OpenEXR", None)
    with pytest.raises(ValueError, match=r"EXR files need OpenEXR: pip install 'fauxface\[sequences\]'"):
        read_image(tmp_path / "a.exr")


def test_large_exr_pictures_are_reduced(tmp_path: Path):
    path = write_exr(tmp_path / "a.exr", np.full((40, 60, 3), 0.18, np.float16))
    found = read_picture(path, 40 * 60 // 4)
    assert (found.image.shape, found.scale, found.size) == ((20, 30, 3), 2, (60, 40))


def test_a_single_exr_is_a_photograph(shot: Path, follower: Brightest, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO, "fauxface"):
        assert main(["predict", "shot", "--out", "out"]) == 0
    assert not caplog.records
    assert (shot / "out" / "a.1001.png").is_file()
    assert "frame" not in json.loads((shot / "out" / "predictions.json").read_text())["images"][0]
