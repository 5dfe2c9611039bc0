"""``fauxface live`` and ``fauxface predict clip.mp4`` as a person types them; the window's keys and picture."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from clips import moving_faces, write_clip
from followers import made_face
from websockets.sync.client import connect

from fauxface.checkpoint import card_of, save_checkpoint
from fauxface.cli import main
from fauxface.live.protocol import PICTURE, READY, PageMessage
from fauxface.live.window import Choices, Meter, compose
from fauxface.models import build_model


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained one: it shows that the parts fit together."""
    folder = tmp_path_factory.mktemp("checkpoint")
    model = build_model("mobilenetv3small-coordinates", 64, "face_synthetics70")
    save_checkpoint(folder, model, card_of(model, "2d", 1.3, "clean"))
    return folder


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", moving_faces(10, 1, 320, 240))


def refused(capsys: pytest.CaptureFixture[str], *args: object) -> str:
    assert main([str(arg) for arg in args]) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("fauxface: error: ")]
    assert len(lines) == 1
    return lines[0]


def test_what_cannot_be_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, clip: Path, tmp_path: Path
):
    monkeypatch.setenv("DISPLAY", ":0")
    assert "no camera 0" in refused(capsys, "live", "--camera", 0)
    assert "exclude each other" in refused(capsys, "live", "--camera", 0, "--source", clip)
    assert "leave out --camera" in refused(capsys, "live", "--browser", "--camera", 0)
    assert "there is no such file" in refused(capsys, "live", "--browser", "--source", tmp_path / "none.mp4")
    assert "none.mp4: there is no such file" in refused(capsys, "predict", tmp_path / "none.mp4")
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    if sys.platform == "linux":
        assert "there is no screen" in refused(capsys, "live", "--source", clip)
    (tmp_path / "bad.mp4").write_bytes(b"bad")
    assert "bad.mp4: not a video" in refused(capsys, "predict", tmp_path / "bad.mp4")
    assert "no checkpoint" in refused(capsys, "predict", clip, "--checkpoint", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["bad.mp4"]


def test_a_video_is_predicted(capsys: pytest.CaptureFixture[str], checkpoint: Path, clip: Path, tmp_path: Path):
    out = tmp_path / "drawn"
    args = ["predict", clip, "--checkpoint", checkpoint, "--out", out, "--style", "sketch", "--threads", 1]
    assert main([str(arg) for arg in args]) == 0
    assert capsys.readouterr().out.startswith(f"{clip}: 10 frames, ")
    records = json.loads((out / "predictions.json").read_text())["images"]
    assert [record["frame"] for record in records] == list(range(10))
    assert len(records[0]["faces"]) == 1
    assert (out / "clip.mp4").stat().st_size > 500
    assert (out / "clip.csv").read_text().startswith("frame,seconds,id,")


def test_the_page_is_served_until_interrupted(checkpoint: Path, clip: Path):
    args = ["live", "--browser", "--source", clip, "--checkpoint", checkpoint, "--port", 0, "--threads", 1]
    command = [sys.executable, "-m", "fauxface", *map(str, args)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        # a shell's background jobs, and all that they start, ignore Ctrl-C; a program started by hand does not
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        assert process.stdout is not None
        found = re.match(r"open (http://127\.0\.0\.1:(\d+)/) in a browser", process.stdout.readline())
        assert found, process.communicate(timeout=20)
        with urllib.request.urlopen(found[1], timeout=20) as page:
            assert b"Fauxface" in page.read()
        with connect(f"ws://127.0.0.1:{found[2]}/live", origin=found[1].rstrip("/")) as client:
            assert json.loads(client.recv(20))["mode"] == "clip"
            client.send(PageMessage(READY, True, False, 1, 0.0, b"").packed())
            answer = client.recv(60)
            assert answer[0] == PICTURE
            process.send_signal(signal.SIGINT)
            _, error = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 0, error
    assert "Traceback" not in error


def test_keys_of_the_window():
    choices = Choices()
    for key in "plism":
        assert choices.press(ord(key))
    assert choices == Choices(points=False, lines=False, ids=False, smooth=False, mirror=True)
    assert choices.press(ord("P"))
    assert choices.points
    assert choices.press(-1)
    assert choices.press(ord("x"))
    assert not choices.press(ord("q"))
    assert not choices.press(27)


def test_the_windows_picture():
    image, face = np.full((240, 320, 3), 90, np.uint8), made_face(90, 120, 50)
    plain = Choices(points=True, lines=False, ids=False)
    drawn = np.argwhere((compose(image, [face], plain) != 90).any(2))[:, 1]
    assert drawn.max() < 160
    mirrored = np.argwhere((compose(image, [face], Choices(True, False, False, True, True)) != 90).any(2))[:, 1]
    assert mirrored.mean() == pytest.approx(319 - drawn.mean(), abs=1)
    assert (compose(image, [face], Choices(False, False, False)) == 90).all()
    assert (compose(image, [face], Choices(False, False, True)) != 90).any()
    assert (compose(image, [], plain, "30 fps") != 90).any()
    assert (image == 90).all()
    meter = Meter()
    for i in range(10):
        meter.add(i / 20, 0.01)
    assert str(meter) == "20 fps  10 ms"
