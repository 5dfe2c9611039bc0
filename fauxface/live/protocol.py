"""What the page and the server say to each other, in little-endian bytes; ``page/protocol.js`` is the other half.

Page → server, 16 bytes: kind u8 (1 a frame, 2 "send me one"), flags u8 (1 smoothing, 2 play again), u16 nothing,
sequence u32, seconds f64 (the page's clock when the frame was taken); behind a frame's header its JPEG.

Server → page, 16 bytes: kind u8 (3 faces, 4 faces and picture), number of faces u8, points a face N u16, sequence u32,
milliseconds f32 (what the server took), seconds f32 (the clip's time). Then each face: id i32 (−1 for none),
score f32, box 4×f32, yaw, pitch, roll f32 in degrees (NaN where not known), points N×2 f32 in the picture's pixels,
visibility N×f32; behind kind 4's faces the JPEG. Words (hello, error, ended) go as JSON text.
"""

from __future__ import annotations

import io
import math
import struct
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from fauxface.inference.landmarker import Face

FRAME, READY, FACES, PICTURE = 1, 2, 3, 4
SMOOTH, AGAIN = 1, 2
_ASK = struct.Struct("<BBHId")
_ANSWER = struct.Struct("<BBHIff")
_FACE = struct.Struct("<if4f3f")
_JPEG_QUALITY = 88


class RubbishError(ValueError):
    """A message that makes no sense, with the reason in one line."""


@dataclass(frozen=True)
class Limits:
    """What a client may ask for.

    Attributes:
        frame_bytes: a message's length; the connection of a client that sends more is closed.
        frame_side: a frame's longer side, pixels.
        frames_per_second: frames of one client that are looked at; of those that come faster the newest is taken.
        messages_per_second: a client that sends more is shown out.
        errors: so many pieces of rubbish in a row, and a client is shown out.
        clients: at once.
        connections: at once, also of those that have asked for nothing yet.
        request_seconds: how long a connection may take until its request is whole.
    """

    frame_bytes: int = 2 << 20
    frame_side: int = 2048
    frames_per_second: float = 60
    messages_per_second: int = 240
    errors: int = 10
    clients: int = 8
    connections: int = 64
    request_seconds: float = 10


@dataclass(frozen=True)
class Ask:
    """A message of the page: its kind, flags, number, time in seconds, and a frame's JPEG."""

    kind: int
    smooth: bool
    again: bool
    sequence: int
    seconds: float
    jpeg: bytes

    def packed(self) -> bytes:
        """The message's bytes."""
        flags = SMOOTH * self.smooth | AGAIN * self.again
        return _ASK.pack(self.kind, flags, 0, self.sequence, self.seconds) + self.jpeg


def parse_ask(message: bytes) -> Ask:
    """The page's message; RubbishError if it is none."""
    if len(message) < _ASK.size:
        raise RubbishError(f"a message of {len(message)} bytes is too short")
    kind, flags, _, sequence, seconds = _ASK.unpack_from(message)
    if kind not in (FRAME, READY):
        raise RubbishError(f"there is no message of kind {kind}")
    if not math.isfinite(seconds) or abs(seconds) > 1e10:
        raise RubbishError("the time stamp is no time")
    return Ask(kind, bool(flags & SMOOTH), bool(flags & AGAIN), sequence, seconds, message[_ASK.size :])


def decode_jpeg(data: bytes, max_side: int) -> np.ndarray:
    """The picture H×W×3 uint8 RGB; looked at before it is unpacked; RubbishError if it is none."""
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as header:
            width, height = header.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise RubbishError("the frame is no JPEG") from None
    if max(width, height) > max_side:
        raise RubbishError(f"the frame is {width}×{height} px; at most {max_side} px are taken")
    if min(width, height) < 16:
        raise RubbishError(f"the frame is {width}×{height} px; that is too small")
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if picture is None:
        raise RubbishError("the frame's JPEG cannot be read")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def encode_jpeg(image: np.ndarray) -> bytes:
    """An image H×W×3 uint8 RGB as JPEG."""
    done, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    assert done
    return data.tobytes()


def pack_answer(faces: list[Face], sequence: int, milliseconds: float, seconds: float = 0, jpeg: bytes = b"") -> bytes:
    """The faces of a frame, and with ``jpeg`` its picture, as the page reads them."""
    faces = faces[:255]
    count = len(faces[0].landmarks) if faces else 0
    parts = [_ANSWER.pack(PICTURE if jpeg else FACES, len(faces), count, sequence, milliseconds, seconds)]
    for face in faces:
        pose = face.pose
        angles = (pose.yaw, pose.pitch, pose.roll) if pose is not None else (math.nan,) * 3
        number = -1 if face.id is None else face.id
        parts.append(_FACE.pack(number, float(np.mean(face.scores)), *map(float, face.box), *angles))
        parts.append(face.landmarks.astype("<f4").tobytes())
        seen = np.ones(count) if face.visibility is None else face.visibility
        parts.append(np.asarray(seen).astype("<f4").tobytes())
    return b"".join([*parts, jpeg])
