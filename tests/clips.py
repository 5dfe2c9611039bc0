"""Rendered faces in motion, with the truth: clips for tests of video and live.

Each frame bears its number as a row of black and white squares along the top, so that a picture of it tells which one
it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from fauxface.inference.video import write_video
from fauxface.rendering import Frame, Recipe, render_frame

BITS, SQUARE = 10, 16
CAST = (16, 23, 14)  # of the seed's first faces, those that look most like somebody
CALM = Recipe(yaw=6, pitch=4, roll=3, closed_eyes=0)


@dataclass(frozen=True)
class ClipFrame:
    """A frame H×W×3 uint8 RGB and its faces' landmarks as annotators would click them, F×70×2 image pixels."""

    image: np.ndarray
    landmarks: np.ndarray


@cache
def person(index: int, size: int = 256) -> Frame:
    """A rendered face that looks about straight ahead."""
    return render_frame(20, index, size, CALM)


def moving_faces(
    count: int,
    faces: int = 1,
    width: int = 640,
    height: int = 480,
    rate: float = 30,
    size: int = 256,
    numbered: bool = True,
) -> list[ClipFrame]:
    """``count`` frames of rendered faces that sway, nod and come nearer; the motion repeats every four seconds."""
    return [_frame(t, faces, width, height, rate, size, numbered) for t in range(count)]


def _frame(number: int, faces: int, width: int, height: int, rate: float, size: int, numbered: bool) -> ClipFrame:
    column = np.linspace(70, 120, height, dtype=np.float32)[:, None, None] * np.float32([1.0, 1.04, 1.1])
    image = np.broadcast_to(column, (height, width, 3)).copy()
    landmarks = []
    for i in range(faces):
        frame = person(CAST[i], size)
        t = 2 * np.pi * (number / rate / 4 + 0.37 * i)
        angle = np.radians(4 * np.sin(t))
        scale = 1.1 * height / size * (1 + 0.04 * np.sin(2 * t)) * (1 if faces == 1 else 0.95)
        turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        centre = [width * (i + 0.5) / faces + 0.05 * width * np.sin(t), height - 0.42 * scale * size]
        matrix = np.column_stack([turn, centre - turn @ np.full(2, (size - 1) / 2)])
        alpha = cv2.GaussianBlur((frame.labels > 0).astype(np.float32), (0, 0), 0.8)
        alpha = cv2.warpAffine(alpha, matrix, (width, height))[..., None]
        moved = cv2.warpAffine(frame.image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
        image = image * (1 - alpha) + moved * alpha
        landmarks.append(np.array(frame.meta["landmarks_2d"]) @ turn.T + matrix[:, 2])
    image = np.clip(image + 0.5, 0, 255).astype(np.uint8)
    for bit in range(BITS if numbered else 0):
        image[:SQUARE, bit * SQUARE : (bit + 1) * SQUARE] = 255 * (number >> bit & 1)
    return ClipFrame(image, np.array(landmarks))


def number_of(image: np.ndarray) -> int:
    """The frame's number, read off a picture of it."""
    middle = SQUARE // 2
    return sum(int(image[middle, bit * SQUARE + middle].mean() > 127) << bit for bit in range(BITS))


def write_clip(path: Path, frames: Iterable[ClipFrame], rate: float = 30) -> Path:
    """The frames as a video."""
    with write_video(path, rate) as video:
        for i, frame in enumerate(frames):
            video.write(frame.image, i / rate)
    return path


def write_mjpeg(path: Path, frames: Iterable[ClipFrame]) -> Path:
    """The frames as JPEGs one after the other: what Chromium's fake camera plays, 30 a second, over and over."""
    with path.open("wb") as file:
        for frame in frames:
            done, data = cv2.imencode(".jpg", frame.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
            assert done
            file.write(data.tobytes())
    return path
