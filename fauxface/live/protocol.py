"""The protocol between page and server, in little-endian bytes; ``page/protocol.js`` is the page's side.

Page → server, a header of 16 bytes: kind u8 (1 frame, 2 request for a frame), flags u8 (1 smoothing, 2 play again),
u16 unused, sequence u32, seconds f64 (the page's clock when the frame was taken). A frame's JPEG follows its header.

Server → page, a header of 16 bytes: kind u8 (3 faces, 4 faces and picture), number of faces u8, points per face N u16,
sequence u32, milliseconds f32 (computing time of the server), seconds f32 (time in the clip). Then for each face:
id i32 (−1 for none), score f32, box 4×f32, yaw, pitch, roll f32 in degrees (NaN if unknown), reliable f32 (1 or 0),
points N×2 f32 in the picture's pixels, visibility N×f32. With kind 4 the JPEG follows. Hello, error and ended are JSON
texts.
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
_HEADER = struct.Struct("<BBHId")
_ANSWER = struct.Struct("<BBHIff")
_FACE = struct.Struct("<if4f3ff")
_JPEG_QUALITY = 88


class InvalidMessageError(ValueError):
    """An invalid message, with the reason in one line."""


@dataclass(frozen=True)
class Limits:
    """Limits on clients of the page's server.

    Attributes:
        frame_bytes: longest message; a longer one closes the connection.
        frame_side: longest side of a frame, pixels.
        frames_per_second: most frames of one client to process; if more arrive, the newest is taken.
        messages_per_second: most messages of one client; more close the connection.
        errors: number of invalid messages in a row that closes the connection.
        clients: most clients at a time.
        connections: most connections at a time, including those without a request yet.
        request_seconds: time limit for a connection's complete request.
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
class PageMessage:
    """A message of the page: kind, flags, number, time in seconds, and a frame's JPEG."""

    kind: int
    smooth: bool
    again: bool
    sequence: int
    seconds: float
    jpeg: bytes

    def packed(self) -> bytes:
        """The message's bytes."""
        flags = SMOOTH * self.smooth | AGAIN * self.again
        return _HEADER.pack(self.kind, flags, 0, self.sequence, self.seconds) + self.jpeg


def parse_page_message(message: bytes) -> PageMessage:
    """The message that the page sent; InvalidMessageError for anything else."""
    if len(message) < _HEADER.size:
        raise InvalidMessageError(f"a message of {len(message)} bytes is too short")
    kind, flags, _, sequence, seconds = _HEADER.unpack_from(message)
    if kind not in (FRAME, READY):
        raise InvalidMessageError(f"unknown kind of message: {kind}")
    if not math.isfinite(seconds) or abs(seconds) > 1e10:
        raise InvalidMessageError("the time stamp is not a valid time")
    return PageMessage(kind, bool(flags & SMOOTH), bool(flags & AGAIN), sequence, seconds, message[_HEADER.size :])


def decode_jpeg(data: bytes, max_side: int) -> np.ndarray:
    """The picture H×W×3 uint8 RGB of a JPEG; InvalidMessageError for other data, or for a wrong size."""
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as header:
            width, height = header.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise InvalidMessageError("the frame is not a JPEG") from None
    if max(width, height) > max_side:
        raise InvalidMessageError(f"the frame is {width}×{height} px; at most {max_side} px are accepted")
    if min(width, height) < 16:
        raise InvalidMessageError(f"the frame is {width}×{height} px, which is too small")
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if picture is None:
        raise InvalidMessageError("the frame's JPEG cannot be decoded")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def encode_jpeg(image: np.ndarray) -> bytes:
    """An image H×W×3 uint8 RGB as JPEG."""
    done, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    assert done
    return data.tobytes()


def pack_answer(faces: list[Face], sequence: int, milliseconds: float, seconds: float = 0, jpeg: bytes = b"") -> bytes:
    """The message with a frame's faces and, with ``jpeg``, its picture."""
    faces = faces[:255]
    count = len(faces[0].landmarks) if faces else 0
    parts = [_ANSWER.pack(PICTURE if jpeg else FACES, len(faces), count, sequence, milliseconds, seconds)]
    for face in faces:
        pose = face.pose
        angles = (pose.yaw, pose.pitch, pose.roll) if pose is not None else (math.nan,) * 3
        number = -1 if face.id is None else face.id
        parts.append(_FACE.pack(number, float(np.mean(face.scores)), *map(float, face.box), *angles, face.reliable))
        parts.append(face.landmarks.astype("<f4").tobytes())
        seen = np.ones(count) if face.visibility is None else face.visibility
        parts.append(np.asarray(seen).astype("<f4").tobytes())
    return b"".join([*parts, jpeg])
