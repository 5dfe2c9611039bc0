"""Videos in and out: every kind of file, the drawn video and the table, and the drawing styles."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

import av
import numpy as np
import pytest
from followers import ORIGIN, SCHEME, Brightest, made_face, spot

from fauxface.inference.predict_video import predict_video, table_columns
from fauxface.inference.styles import SKETCH_COLOURS, STYLES, draw_faces, mesh_edges, point_colours
from fauxface.inference.video import VideoReader, write_video
from fauxface.landmarks import SCHEMES
from fauxface.live.sources import Camera, Clip, to_rgb
from fauxface.outputs import MANIFEST


def read(path: Path, max_side: int = 3840) -> list[np.ndarray]:
    with VideoReader(path, max_side) as frames:
        return [frame.image for frame in frames]


def write(path: Path, codec: str, pixels: str, images: list[np.ndarray], layout: str, rate: int = 10) -> Path:
    """A video of these images, in a codec and pixel format of choice."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = pixels
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format=layout)))
        container.mux(stream.encode(None))
    return path


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Twelve frames of a spot that moves, the times between them uneven."""
    path = tmp_path / "clip.mp4"
    with write_video(path, 10) as video:
        for i in range(12):
            video.write(spot(40 + 5 * i, 50, 161, 121), i / 10 + (0.05 if i > 5 else 0))
    return path


def test_what_is_written_is_read(clip: Path):
    with VideoReader(clip) as reader:
        assert reader.count == 12
        frames = list(reader)
    assert [frame.index for frame in frames] == list(range(12))
    assert frames[5].seconds == pytest.approx(0.5, abs=1e-3)
    assert frames[6].seconds == pytest.approx(0.65, abs=1e-3)
    assert frames[0].image.shape == (122, 162, 3)  # even, as H.264 wants it
    assert np.abs(frames[3].image[:121, :161].astype(int) - spot(55, 50, 161, 121)).mean() < 4


def test_a_video_that_is_not_finished_is_not_there(tmp_path: Path):
    stack = ExitStack()
    stack.enter_context(write_video(tmp_path / "v.mp4", 10)).write(spot(40, 40), 0)
    assert not (tmp_path / "v.mp4").exists()
    assert not stack.__exit__(KeyError, KeyError(), None)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("turn", "corner"), [(90, (0, 1)), (180, (1, 1)), (270, (1, 0))])
def test_a_rotated_video_is_turned_upright(tmp_path: Path, turn: int, corner: tuple[int, int]):
    image = np.zeros((64, 96, 3), np.uint8)
    image[:32, :32] = 255  # at the top left; turned clockwise it goes to the top right
    with write_video(tmp_path / "v.mp4", 10) as video:
        for i in range(3):
            video.write(image, i / 10)
    data = bytearray((tmp_path / "v.mp4").read_bytes())
    at = data.index(b"tkhd") + 44  # the track's matrix, 16.16 fixed point
    cosine, sine = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[turn]
    for place, value in ((0, cosine), (4, sine), (12, -sine), (16, cosine)):
        data[at + place : at + place + 4] = (value * 65536).to_bytes(4, "big", signed=True)
    (tmp_path / "turned.mp4").write_bytes(data)
    upright = read(tmp_path / "turned.mp4")[0]
    assert upright.shape == ((64, 96, 3) if turn == 180 else (96, 64, 3))
    rows, columns = np.array_split(upright, 2), [0, 1]
    brightness = np.array([[np.array_split(row, 2, axis=1)[i].mean() for i in columns] for row in rows])
    assert np.unravel_index(brightness.argmax(), (2, 2)) == corner


def test_greyscale(tmp_path: Path):
    image = spot(40, 40)[..., 0]
    found = read(write(tmp_path / "v.avi", "mjpeg", "yuvj420p", [image] * 2, "gray"))
    found += read(write(tmp_path / "v.mkv", "ffv1", "gray", [image] * 2, "gray"))
    assert len(found) == 4
    for picture in found:
        assert picture.shape == (120, 160, 3)
        assert np.abs(picture - image[..., None].astype(int)).mean() < 3


def test_transparent_is_laid_on_white(tmp_path: Path):
    image = np.dstack([spot(40, 40), np.full((120, 160), 255, np.uint8)])
    image[:, 80:, 3] = 0
    found = read(write(tmp_path / "v.mov", "png", "rgba", [image], "rgba"))[0]
    assert (found[:, 80:] == 255).all()
    assert (found[:, :80] == image[:, :80, :3]).all()


def test_8k_is_scaled_down(tmp_path: Path):
    image = np.full((4320, 7680, 3), 60, np.uint8)
    image[2000:2400, 3600:4000] = 255
    path = write(tmp_path / "v.avi", "mjpeg", "yuvj420p", [image], "rgb24")
    live = Clip(path, sleep=lambda seconds: None)
    frame = live.read()
    assert frame is not None
    assert frame.image.shape == (720, 1280, 3)
    assert frame.scale == 6
    live.close()
    follower = Brightest()
    predict_video(path, follower, ORIGIN, json_file=tmp_path / "v.json")
    assert follower.sizes == [(3840, 2160)]
    nose = np.array(json.loads((tmp_path / "v.json").read_text())["images"][0]["faces"][0]["landmarks"])[[31, 35]].mean(
        0
    )
    assert np.abs(nose - [3799.5, 2199.5 + 2 * 0.34 * 20]).max() < 3  # the video's own pixels


def test_files_that_are_no_videos(tmp_path: Path, clip: Path):
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        VideoReader(tmp_path / "none.mp4")
    for name, content in (("empty.mp4", b""), ("rubbish.mp4", b"rubbish" * 999), ("text.mkv", b"1\n00:00:01,000\n")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=rf"{name}: not a video|{name}: there is no video"):
            VideoReader(tmp_path / name)
    with av.open(str(tmp_path / "sound.wav"), "w") as container:
        sound = container.add_stream("pcm_s16le", rate=8000)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        silence.rate = 8000
        container.mux(sound.encode(silence))
    with pytest.raises(ValueError, match=r"sound.wav: holds no video"):
        VideoReader(tmp_path / "sound.wav")


def test_a_codec_that_nobody_knows(tmp_path: Path, clip: Path):
    data = clip.read_bytes()
    assert data.count(b"avc1") >= 1
    (tmp_path / "odd.mp4").write_bytes(data.replace(b"avc1", b"zq9x").replace(b"avcC", b"zq9C"))
    with pytest.raises(ValueError, match=r"odd.mp4: .*codec|odd.mp4: no frame"):
        read(tmp_path / "odd.mp4")


def test_broken_packets_are_left_out_and_counted(tmp_path: Path):
    path = write(tmp_path / "v.avi", "png", "rgb24", [spot(40, 40)] * 6, "rgb24")
    data = bytearray(path.read_bytes())
    second = data.index(b"\x89PNG", data.index(b"\x89PNG") + 1)
    data[second : second + 60] = bytes(60)
    path.write_bytes(data)
    with VideoReader(path) as reader:
        frames = list(reader)
    assert 4 <= len(frames) <= 5  # a decoder that works on several frames at once may lose the neighbour too
    assert reader.broken >= 1


def test_a_drawn_video_a_table_and_json(clip: Path, tmp_path: Path):
    out = tmp_path / "out"
    found = predict_video(clip, Brightest(), ORIGIN, out, tmp_path / "faces.json")
    assert (found.frames, found.ids, found.most, found.broken) == (12, {7}, 1, 0)
    names = {"clip.mp4", "clip.csv", "predictions.json", MANIFEST}
    assert {path.name for path in out.iterdir()} - {"clip.parquet"} == names
    assert (tmp_path / "faces.json").read_text() == (out / "predictions.json").read_text()
    rows = list(csv.DictReader((out / "clip.csv").open()))
    assert list(rows[0]) == table_columns(SCHEME)
    assert [int(row["frame"]) for row in rows] == list(range(12))
    assert float(rows[6]["seconds"]) == pytest.approx(0.65, abs=1e-3)
    assert [float(row["x33"]) for row in rows] == pytest.approx([40 + 5 * i for i in range(12)], abs=1)
    records = json.loads((out / "predictions.json").read_text())["images"]
    assert records[4]["image"] == str(clip)
    assert records[4]["frame"] == 4
    assert np.allclose(records[4]["faces"][0]["landmarks"][33], [float(rows[4]["x33"]), float(rows[4]["y33"])])
    drawn, before = read(out / "clip.mp4"), read(clip)
    assert len(drawn) == 12
    assert np.abs(drawn[4].astype(int) - before[4]).max() > 100
    if find_spec("pyarrow") is not None:
        from pyarrow import parquet  # pyright: ignore[reportMissingImports]

        table = parquet.read_table(out / "clip.parquet")
        assert table.column_names == table_columns(SCHEME)
        assert table["x33"].to_pylist() == [float(row["x33"]) for row in rows]
    predict_video(clip, Brightest(), ORIGIN, out)  # an earlier prediction is replaced


def test_a_video_without_faces_has_an_empty_table(tmp_path: Path):
    with write_video(tmp_path / "v.mp4", 10) as video:
        for i in range(2):
            video.write(np.zeros((64, 64, 3), np.uint8), i / 10)
    found = predict_video(tmp_path / "v.mp4", Brightest(), ORIGIN, tmp_path / "out")
    assert (found.frames, found.most) == (2, 0)
    assert len((tmp_path / "out" / "v.csv").read_text().splitlines()) == 1
    found = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert [row["faces"] for row in found["images"]] == [[], []]


def test_nothing_half_written_stays(tmp_path: Path):
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"no video")
    with pytest.raises(ValueError, match="not a video"):
        predict_video(bad, Brightest(), ORIGIN, tmp_path / "out", tmp_path / "faces.json")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.mp4"]


def test_drawing_styles():
    image, face = np.full((240, 240, 3), 90, np.uint8), made_face(120, 110, 70)
    pictures = {style: draw_faces(image, [face], style) for style in STYLES}
    assert (image == 90).all()
    assert (pictures["sketch"][0, 0] == 0).all()
    for group, points in (("jaw", 8), ("nose", 28), ("mouth", 51), ("left_eye", 43), ("right_brow", 19)):
        x, y = face.landmarks[points].round().astype(int)
        around = pictures["sketch"][y - 2 : y + 3, x - 2 : x + 3].reshape(-1, 3).astype(int)
        assert np.abs(around - SKETCH_COLOURS[group]).sum(1).min() < 60, group
    between = face.landmarks[[3, 4]].mean(0).round().astype(int)  # on a line, at no point
    touched = {style: (picture[between[1], between[0]] != 90).any() for style, picture in pictures.items()}
    assert touched == {"all": True, "points": False, "lines": True, "sketch": True}
    assert not (draw_faces(image, [], "sketch")).any()
    with pytest.raises(ValueError, match=r"unknown drawing style 'oil'; there are all, points"):
        draw_faces(image, [face], "oil")  # pyright: ignore[reportArgumentType]


def test_the_mesh_joins_every_point():
    edges = mesh_edges(SCHEME)
    assert {i for edge in edges for i in edge} == set(range(70))
    assert all(a < b for a, b in edges)
    assert len(edges) == len(set(edges)) < 3 * 70
    assert mesh_edges("wflw98") == []
    assert {scheme: len(point_colours(scheme)) for scheme in SCHEMES} == {
        "ibug68": 68,
        "face_synthetics70": 70,
        "wflw98": 98,
        "cofw29": 29,
        "five5": 5,
    }


class Clock:
    """A clock that only moves when somebody sleeps or is told to have worked."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_clip_keeps_its_own_pace(clip: Path):
    clock = Clock()
    live = Clip(clip, clock=clock, sleep=clock.sleep)
    start = clock.now
    for i in range(12):
        frame = live.read()
        assert frame is not None
        assert frame.index == i
        assert clock.now - start == pytest.approx(frame.seconds, abs=1e-6)
    assert live.read() is None
    live.close()


def test_late_frames_are_left_out_and_a_pause_is_not_caught_up(clip: Path):
    clock = Clock()
    live = Clip(clip, clock=clock, sleep=clock.sleep)
    seen = []
    while (frame := live.read()) is not None:
        seen.append(frame.index)
        clock.sleep(0.24 if frame.index < 6 else 30)
    live.close()
    assert seen == [0, 2, 4, 6, 7, 8, 9, 10, 11]


class FakeCapture:
    """``cv2.VideoCapture`` as far as ``Camera`` uses it: some pictures, then nothing."""

    def __init__(self, pictures: list[np.ndarray], there: bool = True) -> None:
        self.pictures, self.there, self.released = pictures, there, False

    def isOpened(self) -> bool:  # noqa: N802
        return self.there

    def read(self) -> tuple[bool, np.ndarray | None]:
        return (True, self.pictures.pop(0)) if self.pictures else (False, None)

    def release(self) -> None:
        self.released = True


def test_a_camera_that_is_unplugged_is_told_in_one_line():
    capture = FakeCapture([np.zeros((48, 64, 3), np.uint8)])
    camera = Camera(3, capture=capture)
    with pytest.raises(OSError, match=r"^camera 3 sends no more pictures \(unplugged\?\)$"):
        [camera.read() for _ in range(3)]
    camera.close()
    assert capture.released


def test_no_camera():
    with pytest.raises(OSError, match=r"^no camera 0: .*`--source FILE`"):
        Camera(0, capture=FakeCapture([], there=False))
    with pytest.raises(OSError, match=r"^no camera 97"):
        Camera(97)
    with pytest.raises(ValueError, match="numbered from 0"):
        Camera(-1)


def test_pictures_of_cameras_of_every_kind():
    grey = np.arange(48, dtype=np.uint8).reshape(6, 8)
    assert (to_rgb(grey) == grey[..., None]).all()
    assert (to_rgb(grey[..., None]) == grey[..., None]).all()
    assert (to_rgb(grey.astype(np.uint16) << 8) == grey[..., None]).all()
    blue = np.zeros((6, 8, 4), np.uint8)
    blue[..., 0] = 200
    assert (to_rgb(blue) == [0, 0, 200]).all()
    assert (to_rgb(blue[..., :3]) == [0, 0, 200]).all()


def test_a_video_may_be_left_half_read(clip: Path):
    """Decoder threads that still work when a file is closed must not wait for us, nor we for them."""
    code = (
        "import sys; from pathlib import Path; from fauxface.live.sources import Clip\n"
        "for i in range(20):\n    clip = Clip(Path(sys.argv[1])); clip.close(); del clip\nprint('done')"
    )
    done = subprocess.run([sys.executable, "-c", code, str(clip)], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "done", done.stderr
