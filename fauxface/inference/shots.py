"""Cuts in edited footage, told from the frames alone: where one shot ends and another begins.

Each frame is compared with the last as a grey thumbnail, block by block, where each block may have moved a little. So
motion of people and camera changes little, and other content changes much. Measured on photographs (thumbnails of
48×36): different pictures differ by 0.43 or more, one picture moved by up to 6 % of its width, with other brightness,
contrast and noise, by 0.29 at most.
"""

from __future__ import annotations

from collections import deque
from enum import Enum, auto

import cv2
import numpy as np

SIZE = (48, 36)
"""Width and height of the thumbnails, px."""
BLOCK, REACH = 6, 3
"""Side of a block, and the farthest that it may move from frame to frame, in thumbnail pixels."""
LEAST, RELATIVE = 0.38, 2.0
"""A cut changes the picture by at least ``LEAST``, and by ``RELATIVE`` times the median of the last changes."""
BLANK = 4.0
"""Standard deviation (grey values) below which a thumbnail shows nothing: black, white, a flash."""
FLASH = 0.15
"""Seconds after which a picture that comes back no longer counts as the same shot."""


class Change(Enum):
    """A frame's relation to the frame before."""

    NONE = auto()
    """The same shot."""
    CUT = auto()
    """Another shot begins."""
    RETURN = auto()
    """After a disturbance of a few frames the shot before it goes on."""


class Shots:
    """The shots of one video, told apart frame by frame.

    Attributes:
        count: shots so far.
    """

    def __init__(self) -> None:
        self.count = 0
        self._last: np.ndarray | None = None
        self._before: tuple[np.ndarray, float] | None = None
        self._recent: deque[float] = deque(maxlen=5)

    def update(self, frame: np.ndarray, seconds: float) -> Change:
        """Compare the next frame H×W×3 uint8 RGB, at ``seconds``, with the last one that shows anything."""
        now = _thumbnail(frame)
        last = self._last
        if last is not None and now.std() < BLANK:
            return Change.NONE  # what comes after it is compared with what was before it
        self._last = now
        if last is None or last.std() < BLANK:
            self.count = max(self.count, 1)
            return Change.NONE
        change, usual = difference(last, now), float(np.median(self._recent or [0.0]))
        before = self._before
        near = change >= LEAST and before is not None and seconds - before[1] <= FLASH
        if near and before is not None and difference(before[0], now) < LEAST:
            self.count -= 1
            self._before = None
            self._recent.clear()
            return Change.RETURN
        self._recent.append(change)
        if change < max(LEAST, RELATIVE * usual):
            return Change.NONE
        self._recent.clear()
        self._recent.append(change)  # if all the next frames change as much, it was a fast pan
        self._before = last, seconds
        self.count += 1
        return Change.CUT


def difference(a: np.ndarray, b: np.ndarray) -> float:
    """How much two thumbnails differ, block by block at the best of small moves; about 0 to 1, whatever the light."""
    a, b = ((part - part.mean()) / (part.std() + BLANK) for part in (a, b))
    width, height = SIZE
    wide = cv2.copyMakeBorder(a, REACH, REACH, REACH, REACH, cv2.BORDER_REPLICATE)
    blocks = (width // BLOCK, height // BLOCK)
    least = np.full(blocks[::-1], np.inf, np.float32)
    for down in range(2 * REACH + 1):
        for right in range(2 * REACH + 1):
            apart = np.abs(wide[down : down + height, right : right + width] - b)
            np.minimum(least, cv2.resize(apart, blocks, interpolation=cv2.INTER_AREA), out=least)
    return float(least.mean())


def _thumbnail(frame: np.ndarray) -> np.ndarray:
    # every k-th pixel of a large frame is enough: areas are averaged after it
    step = max(1, min(frame.shape[0] // (4 * SIZE[1]), frame.shape[1] // (4 * SIZE[0])))
    grey = cv2.cvtColor(np.ascontiguousarray(frame[::step, ::step]), cv2.COLOR_RGB2GRAY)
    return cv2.resize(grey, SIZE, interpolation=cv2.INTER_AREA).astype(np.float32)
