"""The window: the picture with its faces, and keys that choose what is drawn."""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np

from fauxface.inference.drawing import draw_landmarks, stroke
from fauxface.inference.following import Follower
from fauxface.inference.landmarker import Face
from fauxface.live.sources import Source

TITLE = "Fauxface live"
HELP = "keys: p points, l lines, i ids, s smoothing, m mirror, q or Esc to end"


@dataclass
class Choices:
    """Switches for what the window draws; a key toggles each."""

    points: bool = True
    lines: bool = True
    ids: bool = True
    smooth: bool = True
    mirror: bool = False

    def press(self, key: int) -> bool:
        """Handle a key (number from ``cv2.waitKey``, −1 for none); False if it ends the window."""
        letter = chr(key & 0xFF).lower() if key >= 0 else ""
        if letter in ("q", "\x1b"):
            return False
        for name in ("points", "lines", "ids", "smooth", "mirror"):
            if letter == name[0]:
                setattr(self, name, not getattr(self, name))
        return True


class Meter:
    """Frames a second, and mean milliseconds a frame, over the last 30 frames."""

    def __init__(self) -> None:
        self._ends: deque[float] = deque(maxlen=30)
        self._took: deque[float] = deque(maxlen=30)

    def add(self, end: float, took: float) -> None:
        """Add a frame that was finished at ``end`` and took ``took`` (seconds)."""
        self._ends.append(end)
        self._took.append(took)

    def __str__(self) -> str:
        if len(self._ends) < 2:
            return ""
        rate = (len(self._ends) - 1) / max(self._ends[-1] - self._ends[0], 1e-6)
        return f"{rate:.0f} fps  {1000 * float(np.mean(self._took)):.0f} ms"


def has_screen() -> bool:
    """True if there is a screen for a window."""
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def check_screen() -> None:
    """Raise ValueError without a screen."""
    if not has_screen():
        raise ValueError("there is no screen for a window here; `--browser` shows a page in a browser instead")


def compose(image: np.ndarray, faces: list[Face], choices: Choices, text: str = "") -> np.ndarray:
    """A picture H×W×3 uint8 RGB with its faces, as the window shows it."""
    picture = image[:, ::-1] if choices.mirror else image
    picture = np.ascontiguousarray(picture).copy()
    for face in faces:
        points = face.landmarks.copy()
        if choices.mirror:
            points[:, 0] = image.shape[1] - 1 - points[:, 0]
        if choices.points or choices.lines:
            picture = draw_landmarks(
                picture,
                points,
                face.scheme,
                face.visibility,
                points=choices.points,
                lines=choices.lines,
                reliable=face.reliable,
            )
        if choices.ids and face.id is not None:
            corner = points.min(0) - 3 * stroke(points)
            _write(picture, f"{face.id}", int(corner[0]), int(corner[1]))
    if text:
        _write(picture, text, 12, 24)
    return picture


def show(source: Source, follower: Follower, choices: Choices | None = None) -> int:
    """Show a source with its faces until it ends or the user closes the window; return the number of frames.

    ValueError without a screen.
    """
    check_screen()
    choices = choices or Choices()
    meter, count = Meter(), 0
    os.environ.setdefault("QT_LOGGING_RULES", "default.warning=false")  # hides a warning about missing fonts
    cv2.namedWindow(TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
    try:
        while (frame := source.read()) is not None:
            begin = time.perf_counter()
            follower.smooth = choices.smooth
            faces = follower.update(frame.image, frame.seconds)
            if not count:
                cv2.resizeWindow(TITLE, frame.image.shape[1], frame.image.shape[0])
            picture = compose(frame.image, faces, choices, str(meter))
            cv2.imshow(TITLE, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
            now = time.perf_counter()
            meter.add(now, now - begin)
            count += 1
            if not choices.press(cv2.waitKey(1)) or cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) < 1:
                break
    finally:
        cv2.destroyAllWindows()
    return count


def _write(picture: np.ndarray, text: str, x: int, y: int) -> None:
    for colour, width in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(picture, text, (x, max(y, 12)), cv2.FONT_HERSHEY_SIMPLEX, 0.6, colour, width, cv2.LINE_AA)
