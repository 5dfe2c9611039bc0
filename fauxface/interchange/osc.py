"""OSC and VMC from live pictures: each frame's faces as one UDP bundle.

``/fauxface/frame seconds count``, and for each face ``/fauxface/face id x0 y0 x1 y1 …`` (image pixels, 0-based, pixel
centres at whole numbers, y down) and ``/fauxface/head id px py pz qx qy qz qw`` (metres, up axis Y, right-handed, the
camera in the origin looking along −z; the head's x is to the subject's left, z out of the face). VMC, for avatars, is
Unity's: up axis Y, left-handed, metres, with x reversed: ``/VMC/Ext/OK 1``, ``/VMC/Ext/T seconds``,
``/VMC/Ext/Tra/Pos face0 p q`` a face, and ``/VMC/Ext/Bone/Pos Head 0 0 0 q`` for the face followed longest. The rate is
that of the pictures; smoothing is that of the view.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

from fauxface.extras import require
from fauxface.inference.face import Face
from fauxface.inference.following import Follower
from fauxface.interchange.shot import quaternion, to_world


def check_address(address: str) -> tuple[str, int]:
    """Host and port of ``HOST:PORT``; ValueError, in one line, for anything else, and without python-osc."""
    require("interchange", "--osc", "pythonosc")
    host, colon, port = address.rpartition(":")
    if not (colon and host and port.isdecimal() and 0 < int(port) < 65536):
        raise ValueError(f"--osc {address} is not HOST:PORT, such as 127.0.0.1:39539")
    return host.strip("[]"), int(port)


class OscFollower:
    """A follower that sends what another one finds.

    Args:
        follower: finds the faces.
        address: ``HOST:PORT`` of the receiver. ValueError, in one line, for anything else, and without the package
            python-osc.
    """

    def __init__(self, follower: Follower, address: str) -> None:
        host, port = check_address(address)
        from pythonosc.udp_client import UDPClient

        try:
            self._client = UDPClient(host, port)
        except OSError as error:
            raise ValueError(f"--osc {address}: {error.strerror or error}") from None
        self._follower, self.smooth = follower, follower.smooth

    @property
    def shots(self) -> int:
        """The other follower's number of shots."""
        return self._follower.shots

    @property
    def note(self) -> str:
        """The other follower's note."""
        return self._follower.note

    def update(self, frame: np.ndarray, seconds: float) -> list[Face]:
        """The faces of the next frame, as the other follower finds them; they are sent before they are returned."""
        self._follower.smooth = self.smooth
        faces = self._follower.update(frame, seconds)
        with suppress(OSError):  # nobody listens, or the network is gone: pictures go on
            self._client.send(_bundle(faces, seconds))
        return faces


def _bundle(faces: list[Face], seconds: float) -> Any:
    from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
    from pythonosc.osc_message_builder import OscMessageBuilder

    bundle = OscBundleBuilder(IMMEDIATELY)  # pyright: ignore[reportArgumentType]

    def add(address: str, *values: float | str) -> None:
        message = OscMessageBuilder(address)
        for value in values:
            message.add_arg(value)
        bundle.add_content(message.build())  # pyright: ignore[reportArgumentType]

    add("/fauxface/frame", float(seconds), len(faces))
    add("/VMC/Ext/OK", 1)
    add("/VMC/Ext/T", float(seconds))
    for place, face in enumerate(faces):
        number = place if face.id is None else face.id
        add("/fauxface/face", number, *map(float, face.landmarks.ravel()))
        if face.pose is None:
            continue
        head = to_world(face.pose.matrix)
        x, y, z = map(float, head[:3, 3])
        turn = tuple(map(float, quaternion(head[:3, :3])))
        add("/fauxface/head", number, x, y, z, *turn)
        mirrored = (turn[0], -turn[1], -turn[2], turn[3])
        add("/VMC/Ext/Tra/Pos", f"face{number}", -x, y, z, *mirrored)
        if place == 0:
            add("/VMC/Ext/Bone/Pos", "Head", 0.0, 0.0, 0.0, *mirrored)
    return bundle.build()
