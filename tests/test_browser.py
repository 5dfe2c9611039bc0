"""The page in real Chromium: a fake camera shows rendered faces in motion, and what is drawn is held to the truth."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from chromium import NEEDED, chromium_with
from clips import BITS, SQUARE, ClipFrame, moving_faces, write_clip, write_mjpeg
from followers import SCHEME, made_face
from playwright.sync_api import Browser, Page

from fauxface.checkpoint import find_checkpoint
from fauxface.inference import Face, Landmarker
from fauxface.inference.tracker import Tracker
from fauxface.live.server import create_app

pytestmark = NEEDED

FRAMES, WIDTH, HEIGHT = 60, 640, 480
TOLERANCE = 2.0
"""Picture pixels between a drawn point and the truth, with a follower that answers the truth: one for the dot's own
pixels, one for the screen's rounding."""
SHIPPED_TOLERANCE = 8.0
"""Mean error of the points that the shipped weights draw on moving renders, percent of the distance of the outer eye
corners (its error on held-out renders, and the smoothing's lag in a browser that has a share of one core)."""

# one look at the page: the number that its picture bears, and which pixels of the overlay are drawn on
LOOK = """([bits, square]) => {
  const picture = document.getElementById("picture"), overlay = document.getElementById("overlay");
  const pen = picture.getContext("2d");
  let number = 0;
  for (let bit = 0; bit < bits; bit++) {
    let x = bit * square + square / 2;
    if (window.fauxface.choices.mirror) x = picture.width - 1 - x;
    if (pen.getImageData(x, square / 2, 1, 1).data[1] > 127) number += 1 << bit;
  }
  const pixels = overlay.getContext("2d").getImageData(0, 0, overlay.width, overlay.height).data, drawn = [];
  for (let i = 3; i < pixels.length; i += 4) if (pixels[i] > 120) drawn.push((i - 3) / 4);
  return {number, drawn, width: overlay.width, scale: overlay.width / picture.width,
          faces: window.fauxface.state.answer.faces.length, size: [picture.width, picture.height],
          told: window.fauxface.state.answer.faces.flatMap(face => Array.from(face.points)),
          asked: window.fauxface.state.sequence, meter: document.getElementById("meter").innerText};
}"""


class Truthful:
    """A follower that reads a frame's number off it and answers the truth, so that every other fault shows."""

    def __init__(self, frames: list[ClipFrame]) -> None:
        self.frames, self.smooth, self.smoothed = frames, True, [True]

    shots, note = 1, ""

    def update(self, frame: np.ndarray, seconds: float) -> list[Face]:
        self.smoothed.append(self.smooth)
        middle = SQUARE // 2
        number = sum(int(frame[middle, bit * SQUARE + middle].mean() > 127) << bit for bit in range(BITS))
        return [
            replace(made_face(number=i), landmarks=points)
            for i, points in enumerate(self.frames[number % FRAMES].landmarks)
        ]


@contextmanager
def page_server(make: Callable[[], Any], source: Path | None = None) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(create_app(make, SCHEME, source), log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        server.should_exit = server.force_exit = True
        thread.join(10)
        listener.close()


@pytest.fixture(scope="module")
def frames() -> list[ClipFrame]:
    return moving_faces(FRAMES, 2, WIDTH, HEIGHT)


@pytest.fixture(scope="module")
def browser(frames: list[ClipFrame], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    camera = write_mjpeg(tmp_path_factory.mktemp("camera") / "camera.mjpeg", frames)
    with chromium_with(camera) as running:
        yield running


@contextmanager
def opened(browser: Browser, address: str, ratio: float = 1) -> Iterator[Page]:
    """The page, when it has drawn some frames; nothing may have gone wrong in it."""
    wrong: list[str] = []
    context = browser.new_context(viewport={"width": 1000, "height": 900}, device_scale_factor=ratio)
    page = context.new_page()
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.goto(address)
    wait(page, "window.fauxface.state.ends.length > 5")
    yield page
    context.close()
    assert not wrong


def wait(page: Page, condition: str, seconds: float = 60) -> None:
    """Until the condition holds (Playwright's own wait is not allowed by the page's security policy)."""
    end = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < end, f"never came true: {condition}"
        time.sleep(0.05)


def choose(page: Page, **wanted: bool) -> None:
    for name, on in wanted.items():
        if page.evaluate(f"window.fauxface.choices.{name}") != on:
            page.click(f"label:has(input[name={name}])")


def drawn_points(look: dict[str, Any]) -> np.ndarray:
    """Where the overlay is drawn on, (P, 2) picture pixels."""
    at = np.array(look["drawn"], int)
    return (np.stack([at % look["width"], at // look["width"]], 1) + 0.5) / look["scale"] - 0.5


def off_by(look: dict[str, Any], truth: np.ndarray) -> tuple[float, float]:
    """How far the farthest true point is from anything drawn, and anything drawn from a true point, picture pixels."""
    distances = np.linalg.norm(drawn_points(look)[:, None] - truth.reshape(1, -1, 2), axis=2)
    return float(distances.min(0).max()), float(distances.min(1).max())


def shipped() -> Path | None:
    try:
        return find_checkpoint("fauxface-s")
    except FileNotFoundError:
        return None


@pytest.mark.skipif(shipped() is None, reason="fauxface-s is not shipped yet")
def test_a_user_sees_landmarks_on_rendered_faces(browser: Browser, frames: list[ClipFrame]):
    """All of it, as a user has it: camera, page, server, tracker, the shipped weights, and back."""
    landmarker = Landmarker.load("fauxface-s", threads=1)
    with page_server(lambda: Tracker(landmarker)) as address, opened(browser, address) as page:
        choose(page, points=True, lines=False, ids=False, mirror=False)
        time.sleep(1)
        errors = []
        for _ in range(4):
            time.sleep(0.3)
            look = page.evaluate(LOOK, [BITS, SQUARE])
            assert look["faces"] == 2
            truth = frames[look["number"]].landmarks
            told = np.array(look["told"]).reshape(2, 70, 2)  # the points that are drawn, in the tracker's order
            told = told[np.argsort(told[:, 33, 0])]
            missing, extra = off_by(look, told)
            assert missing <= TOLERANCE
            assert extra <= TOLERANCE + 3
            eyes = np.linalg.norm(truth[:, 36] - truth[:, 45], axis=1)
            errors.append(100 * np.linalg.norm(told - truth, axis=2).mean(1) / eyes)
        assert np.mean(errors) <= SHIPPED_TOLERANCE


@pytest.mark.parametrize("ratio", [1, 2])
def test_the_cameras_faces_are_drawn_where_they_are(browser: Browser, frames: list[ClipFrame], ratio: float):
    with page_server(lambda: Truthful(frames)) as address, opened(browser, address, ratio) as page:
        assert page.evaluate("window.fauxface.choices.mirror")  # a camera is a mirror unless told otherwise
        numbers = set()
        for mirror in (False, True):
            choose(page, points=True, lines=False, ids=False, mirror=mirror)
            for _ in range(3):
                time.sleep(0.2)
                look = page.evaluate(LOOK, [BITS, SQUARE])
                assert look["faces"] == 2
                assert look["size"] == [WIDTH, HEIGHT]
                truth = frames[look["number"]].landmarks.copy()
                if mirror:
                    truth[..., 0] = WIDTH - 1 - truth[..., 0]
                missing, extra = off_by(look, truth)
                assert missing <= TOLERANCE
                assert extra <= TOLERANCE + 3  # a dot's own radius
                numbers.add(look["number"])
        assert len(numbers) > 2  # it moves
        assert "pictures a second" in look["meter"]
        assert "2 faces" in look["meter"]


def test_choices_change_what_is_drawn(browser: Browser, frames: list[ClipFrame]):
    followers: list[Truthful] = []

    def make() -> Truthful:
        followers.append(Truthful(frames))
        return followers[-1]

    with page_server(make) as address, opened(browser, address) as page:
        choose(page, points=False, lines=False, mesh=False, ids=False)
        assert not page.evaluate(LOOK, [BITS, SQUARE])["drawn"]
        amount = {}
        for name in ("points", "lines", "ids"):
            choose(page, points=False, lines=False, ids=False)
            choose(page, **{name: True})
            look = page.evaluate(LOOK, [BITS, SQUARE])
            amount[name] = len(look["drawn"])
            if name == "lines":  # they pass by the points that they join
                missing, _ = off_by(look, frames[look["number"]].landmarks[:, :68] * [-1, 1] + [WIDTH - 1, 0])
                assert missing <= TOLERANCE
        assert min(amount.values()) > 50
        choose(page, mesh=True, points=False, lines=False, ids=False)
        assert page.evaluate(
            "document.getElementById('overlay').getContext('2d').getImageData(0, 0, 900, 600).data.some(v => v)"
        )
        choose(page, smoothing=False)
        time.sleep(1)
        assert followers[0].smoothed[-1] is False
        page.reload()
        wait(page, "window.fauxface.state.ends.length > 2")
        assert page.evaluate("window.fauxface.choices.mesh && !window.fauxface.choices.points")  # it remembers


def test_a_clip_of_the_servers_is_played(browser: Browser, frames: list[ClipFrame], tmp_path: Path):
    clip = write_clip(tmp_path / "clip.mp4", frames)
    with page_server(lambda: Truthful(frames), clip) as address, opened(browser, address) as page:
        assert page.inner_text("#name") == "clip.mp4"
        choose(page, points=True, lines=False, ids=False)
        look = page.evaluate(LOOK, [BITS, SQUARE])
        missing, extra = off_by(look, frames[look["number"]].landmarks)
        assert missing <= TOLERANCE
        assert extra <= TOLERANCE + 3
        page.wait_for_selector("text=The clip has ended")
        page.click("text=Play again")
        before = look["asked"]
        wait(page, f"window.fauxface.state.sequence > {before} + 5 && document.getElementById('notice').hidden")


def test_a_page_outlives_its_server(browser: Browser, frames: list[ClipFrame]):
    with page_server(lambda: Truthful(frames)) as address:
        context = browser.new_context()
        page = context.new_page()
        page.goto(address)
        wait(page, "window.fauxface.state.ends.length > 2")
    page.wait_for_selector("text=No connection to the server")
    context.close()
