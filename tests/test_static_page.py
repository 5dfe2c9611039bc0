"""The page without a server, in real Chromium with a fake camera: its drawing, points and requests."""

from __future__ import annotations

import base64
import functools
import http.server
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from chromium import NEEDED, chromium_with
from clips import moving_faces, write_mjpeg
from playwright.sync_api import Browser, Page

from fauxface.checkpoint import SHIPPED
from fauxface.cli import main
from fauxface.faces import Framing
from fauxface.inference.crops import landmark_crops
from fauxface.inference.detectors import load_detector
from fauxface.inference.onnx_model import load_onnx
from fauxface.inference.places import place_of
from fauxface.live.static import runtime_folder, write_static

pytestmark = [
    NEEDED,
    pytest.mark.skipif(not (SHIPPED / "fauxface-detector").is_dir(), reason="our detector is not shipped yet"),
    pytest.mark.slow,  # the first run fetches 33 MB with npm
]
SIZES = ((1280, 800), (390, 844))

# the newest picture, and what the page's own detector and landmark network find in it, without its tracker
LOOK = """async () => {
  const { fromRgba } = await import("./pictures.js"), { placeOf } = await import("./crop.js");
  const { state } = window.fauxface, { width, height } = state.shown;
  const rgba = state.shown.getContext("2d").getImageData(0, 0, width, height), picture = fromRgba(rgba);
  const found = await state.finder.detect(picture);
  const places = found.map(({ box, five }) => placeOf(box, five, state.finder.framing));
  const landmarks = await state.finder.landmarks(picture, places);
  let text = "";
  for (let i = 0; i < picture.data.length; i += 8192) {
    text += String.fromCharCode(...picture.data.subarray(i, i + 8192));
  }
  return { width, height, pixels: btoa(text), boxes: found.map(face => face.box),
           scores: found.map(face => face.score), points: landmarks.map(face => [...face.points]) };
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        runtime_folder()
    except OSError as error:
        pytest.skip(str(error))
    return write_static(tmp_path_factory.mktemp("static") / "page", "fauxface-s")


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    camera = write_mjpeg(tmp_path_factory.mktemp("camera") / "camera.mjpeg", moving_faces(60, 2))
    with chromium_with(camera) as running:
        yield running


def wait(page: Page, condition: str, seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < end, f"never came true: {condition}; {page.inner_text('#words')}"
        time.sleep(0.2)


@pytest.mark.parametrize("size", SIZES)
def test_the_page_follows_faces_and_sends_nothing(browser: Browser, address: str, size: tuple[int, int]):
    wrong: list[str] = []
    asked: list[str] = []
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    page = context.new_page()
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
    page.goto(address)
    wait(page, "window.fauxface?.state.sequence > 5")
    before = len(asked)
    assert page.evaluate("window.fauxface.state.answer.faces.length") == 2
    assert page.evaluate("window.fauxface.state.answer.faces.map(face => face.id)") == [0, 1]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if size == SIZES[0]:
        assert page.evaluate("document.getElementById('choices').getBoundingClientRect().bottom < innerHeight")
    wait(page, "document.getElementById('meter').innerText.includes('pictures a second')")
    drawn = "document.getElementById('overlay').getContext('2d').getImageData(0, 0, 900, 600).data.some(v => v)"
    assert page.evaluate(drawn)
    assert len(asked) == before
    assert all(request.startswith((f"GET {address}", "GET data:")) for request in asked)
    if pictures := os.environ.get("FAUXFACE_SCREENSHOTS"):
        page.evaluate("document.getElementById('name').textContent = 'Camera'")
        page.screenshot(path=f"{pictures}/static-{size[0]}.png")
        print(page.inner_text("#meter"))
    page.evaluate("window.fauxface.state.stream.getTracks().forEach(track => track.stop())")
    context.close()
    assert not wrong


def test_its_points_are_those_of_python(browser: Browser, address: str):
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(address)
    wait(page, "window.fauxface?.state.sequence > 1")
    page.evaluate("window.fauxface.state.video.pause()")
    time.sleep(1)
    look = page.evaluate(LOOK)
    context.close()
    pixels = np.frombuffer(base64.b64decode(look["pixels"]), np.uint8).reshape(look["height"], look["width"], 3)
    detections = load_detector("own", 1)(pixels)
    assert len(detections) == len(look["boxes"]) == 2
    assert np.abs(np.array(look["boxes"]) - [one.box for one in detections]).max() < 0.5
    assert look["scores"] == pytest.approx([one.score for one in detections], abs=1e-3)
    places = [place_of(Framing(), one.box, one.points) for one in detections]
    found = landmark_crops(load_onnx("fauxface-s", 1), pixels, places).landmarks
    assert np.abs(np.array(look["points"]).reshape(found.shape) - found).max() < 0.5


def test_the_folder_is_filled_like_other_outputs(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"index.html", "settings.json", "detector.onnx", "landmarks.onnx", "LICENCES.txt"} <= names
    licences = (folder / "LICENCES.txt").read_text()
    assert "MIT" in licences
    assert "Apache License" in licences
    (tmp_path / "letter.txt").write_text("dear")
    assert main(["live", "--static", str(tmp_path)]) == 2
    assert "letter.txt" in capsys.readouterr().err
    assert main(["live", "--static", str(tmp_path / "page"), "--browser"]) == 2
    assert main(["live", "--static", str(tmp_path / "page"), "--checkpoint", "fauxface-detector"]) == 2
    assert main(["live", "--static", str(tmp_path / "page"), "--detector", "retinaface"]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]
