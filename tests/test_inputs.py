"""Inputs of every kind that are too large, damaged, hostile or odd: read, or refused in one line."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import yaml
from fake_data import write_face_synthetics, write_ibug
from PIL import Image

from fauxface import images, parsing
from fauxface.datasets import BadSample, open_dataset, open_pack, pack
from fauxface.images import is_readable, read_image, read_picture, sort_out
from fauxface.models.backbones import create_backbone
from fauxface.models.registry import check_options

BOMB = "\n - &x0 [y, y, y, y, y, y, y, y, y]" + "".join(
    f"\n - &x{i} [" + ", ".join([f"*x{i - 1}"] * 9) + "]" for i in range(1, 9)
)
"""A list whose last item has 9⁹ leaves."""


def gradient(height: int, width: int) -> np.ndarray:
    """H×W×3 uint8: red grows to the right, green downwards."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([columns * 255 / (width - 1), rows * 255 / (height - 1), 0 * rows], 2).round().astype(np.uint8)


def refused(function, *args: object, match: str = "") -> str:
    """The one short line that a call is refused with."""
    with pytest.raises((ValueError, OSError), match=match) as caught:
        function(*args)
    line = str(caught.value)
    assert "\n" not in line
    names = sum(len(str(part)) for part in args if isinstance(part, Path))
    assert len(line) < 250 + names
    return line


# --- pictures


def test_only_promised_formats_are_opened(tmp_path: Path):
    (tmp_path / "loop.png").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n{} loop\n")
    Image.new("RGB", (20, 20)).save(tmp_path / "a.ppm")
    (tmp_path / "a.ppm").rename(tmp_path / "a.jpg")
    for name in ("loop.png", "a.jpg"):
        refused(read_image, tmp_path / name, match="not an image that can be read")
        assert not is_readable(tmp_path / name)


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes with names")
def test_pipes_sockets_devices_and_folders_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        monkeypatch.chdir(tmp_path)  # a socket's path must be short
        server.bind("s.jpg")
    (tmp_path / "device.jpg").symlink_to("/dev/zero")
    kinds = {"pipe.jpg": "a pipe", "folder.jpg": "a folder", "s.jpg": "a socket", "device.jpg": "a device"}
    for name, kind in kinds.items():
        refused(read_image, tmp_path / name, match=f"{kind}, not a file")
        refused(parsing.read_text, tmp_path / name, match=f"{kind}, not a file")
    assert sort_out(list(tmp_path.iterdir()))[0] == []


def test_pictures_beyond_the_limits_are_refused_before_they_are_decoded(tmp_path: Path):
    Image.new("L", (images.MAX_SIDE + 1, 1)).save(tmp_path / "thin.png")
    refused(read_image, tmp_path / "thin.png", match=r"65501×1 px are too large")
    head = bytearray((tmp_path / "thin.png").read_bytes())
    for size, name in ((60_000, "bomb.png"), (15_000, "large.png")):  # as an IHDR may claim, with its checksum
        head[16:24] = size.to_bytes(4, "big") * 2
        head[29:33] = zlib.crc32(bytes(head[12:29])).to_bytes(4, "big")
        (tmp_path / name).write_bytes(head)
    refused(read_image, tmp_path / "bomb.png", match="too large: at most 65,500 px a side and 250 million")
    refused(read_image, tmp_path / "large.png", match="cannot be read")  # may be so large, but is cut off


@pytest.mark.parametrize("kind", ["jpg", "png", "bmp", "tif", "webp", "avif", "gif"])
def test_large_pictures_are_reduced_by_a_whole_factor(kind: str, tmp_path: Path):
    whole = gradient(301, 400)
    Image.fromarray(whole).save(tmp_path / f"a.{kind}")
    full = read_picture(tmp_path / f"a.{kind}", 301 * 400)
    assert (full.scale, full.image.shape) == (1, (301, 400, 3))
    found = read_picture(tmp_path / f"a.{kind}", 301 * 400 // 4)
    factor = found.scale
    assert factor in (2, 3, 4)
    assert found.image.shape == (-(-301 // factor), -(-400 // factor), 3)
    # pixel u of the small one lies at (u + 0.5) · factor − 0.5 of the whole: the gradient tells
    u = np.array([5, 20, 60])
    wanted = ((u + 0.5) * factor - 0.5) * 255 / 399
    np.testing.assert_allclose(found.image[40, u, 0], wanted, atol=16 if kind == "gif" else 4)


def test_reduced_pictures_are_turned_and_of_any_mode(tmp_path: Path):
    grey = gradient(80, 120)[..., 0].astype(np.uint16) * 257
    Image.fromarray(grey).save(tmp_path / "deep.png")
    clear = np.dstack([gradient(80, 120), np.full((80, 120), 0, np.uint8)])
    Image.fromarray(clear, "RGBA").save(tmp_path / "clear.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(gradient(80, 120)).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    assert abs(int(read_picture(tmp_path / "deep.png", 2400).image[10, 30, 0]) - 130) < 4
    assert (read_picture(tmp_path / "clear.png", 2400).image == 255).all()
    turned = read_picture(tmp_path / "turned.jpg", 2400).image
    assert turned.shape == (60, 40, 3)
    assert turned[5, 20, 0] < 40  # red, which grew to the right, grows downwards
    assert turned[55, 20, 0] > 215


def test_heic_is_read_where_its_library_is(tmp_path: Path):
    heif = pytest.importorskip("pillow_heif")
    heif.from_pillow(Image.fromarray(gradient(64, 96))).save(tmp_path / "a.HEIC")
    np.testing.assert_allclose(read_image(tmp_path / "a.HEIC").astype(int), gradient(64, 96), atol=24)


def test_a_folder_says_what_it_leaves_out(tmp_path: Path):
    for name in ("a.jfif", "b.JPE", "c.webp", "d.Jpeg", "e.TIF"):
        kind = {"c": "WEBP", "e": "TIFF"}.get(name[0], "JPEG")
        Image.fromarray(gradient(20, 30)).save(tmp_path / name, kind)
    for name in ("notes.txt", "more.TXT", "README", ".hidden"):
        (tmp_path / name).write_text("x")
    (tmp_path / "sub").mkdir()
    kept, line = sort_out([path for path in tmp_path.iterdir() if path.is_file()])
    assert [path.name for path in kept] == ["a.jfif", "b.JPE", "c.webp", "d.Jpeg", "e.TIF"]
    assert all(read_image(path).shape == (20, 30, 3) for path in kept)
    assert line == "left out 3 files that are no picture: 2 .txt, 1 no suffix"


# --- structures


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a:" + BOMB, "values"),
        ("a: " + "[" * 3000 + "]" * 3000, "levels deep"),
        ("a: &x [*x]", "inside the value that it stands for"),
        ("1: 2", "a name that is not text"),
        ("? [a, b]\n: 2", "unhashable"),
        ("a: 1\na: 2", "twice"),
        ("a: " + "9" * 400, "400 digits"),
        ("a: !!python/object/apply:os.getcwd []", "tag"),
        ("a: !!int x", "YAML"),
        ("a: [" + "x, " * 50_000 + "]", "values"),
        ("\x07", "special characters"),
        ("a: b: c", "not allowed here"),
        ('a: "\\udfff"', "half a character"),
    ],
)
def test_yaml_is_bounded(text: str, why: str):
    assert len(refused(parsing.parse_yaml, text, match=why)) < 200


def test_yaml_gives_the_kinds_of_json():
    assert parsing.parse_yaml("a: 2001-01-01\nb: &x [1, 2.5]\nc: *x\nd: no") == {
        **{"a": "2001-01-01", "b": [1, 2.5], "c": [1, 2.5], "d": False}
    }
    assert parsing.parse_yaml("") is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[" * 3000, "levels deep"),
        ('{"a":' * 3000, "levels deep"),
        ("9" * 400, "400 digits"),
        ('{"a": 1, "a": 2}', "twice"),
        ("{'a': 1}", "not valid JSON"),
        ("", "not valid JSON"),
        ('["\\ud800"]', "half a character"),
        ('["' + '\\"' * 300_000 + "[{" * 100, "not valid JSON"),
    ],
)
def test_json_is_bounded(text: str, why: str):
    assert len(refused(parsing.parse_json, text, match=why)) < 200
    assert parsing.parse_json('{"a": "' + "[" * 100 + '", "b": [NaN]}')["a"] == "[" * 100


def test_files_have_a_limit(tmp_path: Path):
    path = tmp_path / "a.json"
    with path.open("wb") as file:
        file.truncate(10 << 30)  # a hole, which takes no room
    refused(parsing.read_json, path, match="10240 MiB are too much")
    refused(parsing.read_yaml, path, match="too much")
    path.write_bytes(b"\xff\xfe")
    refused(parsing.read_json, path, match="not UTF-8")
    path.write_bytes(b"\xef\xbb\xbf[1]")  # Windows' editors begin so
    assert parsing.read_json(path) == [1]


def test_values_in_messages_are_short():
    bomb = ["x"] * 9
    for _ in range(9):
        bomb = [bomb] * 9
    for value in (bomb, "x" * 10**6, {i: i for i in range(1000)}, 10**3000, "a\nb" * 100):
        assert len(parsing.shown(value)) <= 80
        assert "\n" not in parsing.shown(value)


def test_numbers_are_finite_and_of_their_kind():
    assert parsing.numbers([[1, 2.5]], "x").tolist() == [[1, 2.5]]
    for value in ([["1", "2"]], [[1], [2, 3]], [10**30], None, {"a": 1}, [None]):
        refused(parsing.numbers, value, "x", match="x is not an array of numbers")
    for value in (True, float("nan"), "1e999", [], "x" * 1000, 11):
        refused(parsing.number, value, "x", 0, 10, match="x is a number from 0 to 10")
    for value in (1.5, "1.5", True, -1, "9" * 50, None):
        refused(parsing.whole, value, "x", match="x is a whole number")


def test_tables_are_checked(tmp_path: Path):
    path = tmp_path / "a.csv"
    for text, why in (
        ("a,c\n1,2\n", "lacks the column b"),
        ("a,b\n1\n", "line 2 has 1 values, not 2"),
        ("a,b\n1,2,3\n", "line 2 has 3 values"),
        ("a,b,a\n1,2,3\n", "twice"),
        ('a,b\n"1,2\n', "is not CSV"),
        ("", "lacks the column a, b"),
    ):
        path.write_text(text)
        refused(parsing.read_csv, path, ("a", "b"), match=why)
    path.write_text("a,b\n1," + "2" * 10**6 + "\n")
    assert len(parsing.read_csv(path, ("a",))[0]["b"]) == 10**6


# --- labels


def test_pts_are_parsed_in_linear_time(tmp_path: Path):
    data = write_ibug(tmp_path / "data", 1)
    for text in ("{" * 3_000_000, "{" + "1 2\n" * 700_000 + "}", "{" + " " * 5_000_000 + "}"):
        (data / "face_0000.pts").write_text(text)
        with pytest.raises(BadSample):
            open_dataset(data)[0]


@pytest.mark.parametrize("number", ["9" * 400, "1e400", "NaN", "1e7", '"7"', "null", "[1]", "-1e300"])
def test_a_number_that_is_none_of_a_picture_is_a_bad_sample(number: str, tmp_path: Path):
    from fauxface.audit.pictures import look_at
    from fauxface.datasets.frames import read_frame

    data = write_face_synthetics(tmp_path / "data", 2)
    path = data / "000001.json"
    first = str(json.loads(path.read_text())["landmarks_2d"][0][0])
    path.write_text(path.read_text().replace(first, number))
    dataset = open_dataset(data)
    assert dataset.labels == "2d"  # a broken file does not change the convention
    refused(dataset.__getitem__, 1, match=r"000001\.json")
    refused(read_frame, data / "000001.png", match=r"000001\.json")
    assert dataset[0].labels == "2d"
    record = look_at(data / "000001.png", data, frozenset())
    assert [finding.kind for finding in record.findings] == ["unreadable"]


@pytest.mark.parametrize(
    "change",
    [
        {"identity": {"worn": 5}},
        {"camera": {}},
        {"camera": {"matrix": [[1]]}},
        {"head_pose": {"yaw": "x", "pitch": 0, "roll": 0}},
        {"faces": [7]},
        {"faces": [{"landmarks_2d": [[1, 2]]}]},
        {"landmarks_3d": [[1, 2]]},
        {"visibility": "all"},
        {"landmarks_2d": [[i * 900.0, 5.0] for i in range(70)]},
    ],
)
def test_the_audit_goes_on_after_labels_of_the_wrong_kind(change: dict, tmp_path: Path):
    from fauxface.audit.pictures import look_at

    data = write_face_synthetics(tmp_path, 1)
    path = data / "000000.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    found = look_at(data / "000000.png", data, frozenset({"_seg.png"})).findings
    assert [finding.kind for finding in found] == ["unreadable"]


# --- cards, models


def test_a_cards_options_are_those_of_its_model():
    check_options("mobilenetv3small-pip", {"stride": 32, "neighbours": 10, "visibility": True})
    check_options("resnet18-coordinates", {"loss": "gaussian"})
    for name, options in (
        ("resnet18-pip", {"pretrained": True}),
        ("resnet18-pip", {"pretrained": False}),
        ("resnet18-pip", {"name": "x"}),
        ("resnet18-pip", {"stride": True}),
        ("resnet18-pip", {"stride": 33}),
        ("resnet18-pip", {"neighbours": 1.5}),
        ("resnet18-coordinates", {"visibility": 1}),
        ("resnet18-coordinates", {"loss": ["l1"]}),
        ("one-stage", {"visibility": True}),
        ("nothing", {"a": 1}),
    ):
        refused(check_options, name, options, match="option")


@pytest.mark.parametrize("name", ["hf-hub:timm/resnet18", "hf_hub:a/b", "local-dir:/tmp", "resnet18.hf-hub:a", "a b"])
def test_backbones_are_names_and_no_addresses(name: str):
    refused(create_backbone, name, 64, match="unknown backbone")


def test_weights_that_say_odd_things_of_themselves(tmp_path: Path):
    import safetensors.torch

    from fauxface.checkpoint import card_of, load_network, save_checkpoint
    from fauxface.models import build_model

    model = build_model("mobilenetv3small-pip", 64, "ibug68")
    save_checkpoint(tmp_path, model, card_of(model, "2d", 1.3, "clean"))
    for said in (
        "[]",
        "7",
        "{",
        '"x"',
        "[" * 500,
        '{"input_size": ' + "9" * 500 + "}",
        '{"model": "' + "y" * 900 + '"}',
    ):
        weights = safetensors.torch.load_file(tmp_path / "model.safetensors")
        safetensors.torch.save_file(weights, tmp_path / "model.safetensors", {"card": said})
        refused(load_network, tmp_path)
    card = yaml.safe_load((tmp_path / "model.yaml").read_text())
    for change in (
        {"options": {"pretrained": True}},
        {"model": "hf-hub:timm/resnet18-pip"},
        {"model": ["x"] * 9999},
        {"input_size": 100_000},
        {"input_size": True},
        {"crop_margin": float("nan")},
        {"scheme": {"a": 1}},
        {"normalisation": 7},
    ):
        (tmp_path / "model.yaml").write_text(yaml.safe_dump(card | change))
        refused(load_network, tmp_path)


def test_another_programs_onnx_is_refused(tmp_path: Path):
    import onnx
    from onnx import TensorProto, helper

    from fauxface.inference.onnx_model import OnnxModel

    def saved(inputs: dict, outputs: dict) -> Path:
        nodes = [helper.make_node("ConstantOfShape", ["n"], [name]) for name in outputs]
        ends = [[helper.make_tensor_value_info(n, *told) for n, told in side.items()] for side in (inputs, outputs)]
        shape = helper.make_tensor("n", TensorProto.INT64, [3], [1, 68, 2])
        graph = helper.make_graph(nodes, "g", *ends, initializer=[shape])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        for key, value in (("scheme", "ibug68"), ("input_size", "64")):
            entry = model.metadata_props.add()
            entry.key, entry.value = key, value
        onnx.save(model, str(tmp_path / "m.onnx"))
        return tmp_path / "m.onnx"

    image, number = (TensorProto.UINT8, ["b", 64, 64, 3]), TensorProto.FLOAT
    good = {"landmarks": (number, [1, 68, 2]), "scores": (number, [1, 68])}
    for inputs, outputs in (
        ({"x": image}, good),
        ({"image": (number, ["b", 64, 64, 3])}, good),
        ({"image": (TensorProto.UINT8, ["b", 96, 96, 3])}, good),
        ({"image": image, "y": image}, good),
        ({"image": image}, good | {"landmarks": (number, [1, 70, 2])}),
        ({"image": image}, good | {"extra": (number, [1, 68])}),
    ):
        refused(OnnxModel, saved(inputs, outputs), 1, match="not a model")


# --- states, caches


def test_a_resume_state_of_another_kind_is_refused_or_passed_over(tmp_path: Path):
    import torch

    from fauxface.training.loop import Done
    from fauxface.training.state import load_state, save_state

    save_state(tmp_path, 1, {"a": torch.zeros(2)}, {"x": 1})
    saved = load_state(tmp_path)
    assert saved is not None
    refused(Done.of, saved[1], tmp_path, match="the saved state")
    for text in ("[]", "{", "7", "", "\0" * 50):
        (tmp_path / "step-000000002.json").write_text(text)
        assert load_state(tmp_path) is not None, "the generation before is taken"


@pytest.mark.parametrize("damage", ["empty", "half", "zeros", "text"])
@pytest.mark.parametrize("name", ["pack.json", "00000.npz", "00000.npy"])
def test_a_damaged_pack_is_made_anew_and_named(
    damage: str, name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    data = open_dataset(write_face_synthetics(tmp_path / "data", 3))
    wanted = pack(data, 48).images
    open_pack(data, 48, folder=tmp_path / "packs")
    path = next((tmp_path / "packs").glob(f"*-*/{name}"))
    whole = path.read_bytes()
    path.write_bytes(
        {"empty": b"", "half": whole[: len(whole) // 2], "zeros": bytes(len(whole)), "text": b"x" * 99}[damage]
    )
    assert (open_pack(data, 48, folder=tmp_path / "packs").images[slice(0, 3)] == wanted).all()
    assert f"{name} is damaged" in caplog.text


@pytest.mark.parametrize("place", [0, 8, 60, 200, 300])
def test_damaged_predictions_are_made_anew_and_named(place: int, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    from fauxface.evaluation.predictions import _read, _write

    path, points, scores = tmp_path / "p.safetensors", np.arange(24.0).reshape(2, 6, 2), np.ones((2, 6))
    _write(path, points, scores)
    found = _read(path, points.shape)
    assert found is not None
    assert (found[0] == points).all()
    whole = path.read_bytes()
    for damaged in (whole[:place], whole[:place] + bytes(len(whole) - place)):
        path.write_bytes(damaged)
        assert _read(path, points.shape) is None
        assert f"{path} is damaged" in caplog.text
        caplog.clear()


# --- videos


def movie(path: Path, count: int = 8, sound: bool = False, **stream_says: object) -> Path:
    """A grey clip of 64×48 px, 10 frames a second, that grows lighter; perhaps with a tone."""
    av = pytest.importorskip("av")
    codec = {".wmv": "wmv2", ".ogv": "mpeg4", ".gif": "gif"}.get(path.suffix, "mpeg4")
    form = {".wmv": "asf", ".dat": "matroska"}.get(path.suffix)
    with av.open(str(path), "w", format=form) as container:
        stream = container.add_stream(codec, rate=10)
        stream.width, stream.height = 64, 48
        stream.pix_fmt = "rgb8" if codec == "gif" else "yuv420p"
        for name, value in stream_says.items():
            setattr(stream.codec_context, name, value)
        tone = container.add_stream("aac", rate=44100, layout="mono") if sound else None
        for i in range(count):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 10 * i, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
            if tone is not None:
                wave = np.sin(np.arange(4410) / 10).astype(np.float32)[None] / 4
                samples = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
                samples.sample_rate, samples.pts = 44100, 4410 * i
                container.mux(tone.encode(samples))
        container.mux(stream.encode())
        if tone is not None:
            container.mux(tone.encode())
    return path


@pytest.mark.parametrize("name", ["clip.wmv", "clip.MKV", "clip.dat", "clip", "moving.gif"])
def test_videos_are_what_can_be_opened_as_one(name: str, tmp_path: Path):
    from fauxface.inference.video import VideoReader, is_video

    made = movie(tmp_path / {"clip": "clip.dat"}.get(name, name))
    path = made.rename(tmp_path / name)
    assert is_video(path)
    with VideoReader(path) as reader:
        assert len(list(reader)) == 8


def test_what_is_no_video(tmp_path: Path):
    from fauxface.inference.video import is_video

    Image.fromarray(gradient(20, 30)).save(tmp_path / "still.gif")
    Image.fromarray(gradient(20, 30)).save(tmp_path / "a.unknown", "PNG")
    (tmp_path / "words.txt").write_text("no video")
    (tmp_path / "list.m3u8").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n")
    for name in ("still.gif", "a.unknown", "words.txt", "list.m3u8"):
        assert not is_video(tmp_path / name)


def test_pixels_that_are_not_square_are_made_so(tmp_path: Path):
    from fractions import Fraction

    from fauxface.inference.video import VideoReader

    for ratio, shape in ((Fraction(3, 2), (48, 96, 3)), (Fraction(1, 2), (96, 64, 3))):
        path = movie(tmp_path / "wide.mkv", sample_aspect_ratio=ratio)
        with VideoReader(path) as reader:
            assert next(iter(reader)).image.shape == shape


def test_a_video_that_is_cut_off_says_so(tmp_path: Path):
    from fauxface.inference.video import VideoReader, write_video

    path = tmp_path / "clip.mp4"
    rng = np.random.default_rng(0)
    with write_video(path, 10) as video:
        for i in range(50):
            video.write(rng.integers(0, 256, (64, 64, 3), np.uint8), i / 10)
    with VideoReader(path) as reader:
        assert len(list(reader)) == 50
        assert reader.cut_short == ""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with VideoReader(path) as reader:
        assert 5 < len(list(reader)) < 45
        assert reader.cut_short.startswith("cut off after ")
        assert reader.cut_short.endswith(" of 5.0 s")


def test_a_clips_sound_is_kept(tmp_path: Path):
    av = pytest.importorskip("av")
    from fauxface.inference.video import write_video

    clip = movie(tmp_path / "clip.mkv", 20, sound=True)
    with write_video(tmp_path / "out.mp4", 10, clip) as video:
        assert video.sound_lost == []
        for i in range(20):
            video.write(np.zeros((48, 64, 3), np.uint8), i / 10)
    with av.open(str(tmp_path / "out.mp4")) as found:
        assert {stream.type for stream in found.streams} == {"video", "audio"}
        samples = [frame.to_ndarray() for frame in found.decode(audio=0)]
        assert 1.8 < sum(part.shape[1] for part in samples) / 44100 < 2.2
        assert max(np.abs(part).max() for part in samples) > 0.1


# --- from outside


def test_huge_pictures_take_little_memory(tmp_path: Path):
    """A picture of 13,300² px is read for `predict` in far less than twice its pixels."""
    Image.new("RGB", (13_300, 13_300), (90, 120, 90)).save(tmp_path / "big.png", compress_level=1)
    code = (
        "from pathlib import Path; from fauxface.images import read_picture\n"
        f"found = read_picture(Path({str(tmp_path / 'big.png')!r}), 64_000_000)\n"
        "print(found.image.shape, found.scale, sep='; ')\n"
        "status = Path('/proc/self/status')\n"  # ru_maxrss would count this process's memory, too
        "print(status.read_text().split('VmHWM:')[1].split()[0] if status.exists() else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found, kilobytes = done.stdout.splitlines()
    assert found == "(6650, 6650, 3); 2"
    assert int(kilobytes) < 1_300_000
