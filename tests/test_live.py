"""The page's server from outside: what it serves, whom it refuses, what it survives."""

from __future__ import annotations

import http.client
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from clips import number_of
from followers import SCHEME, Brightest, spot
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from fauxface.inference.video import write_video
from fauxface.live.connections import server_config
from fauxface.live.protocol import FACES, FRAME, PICTURE, READY, Limits, PageMessage, decode_jpeg, encode_jpeg
from fauxface.live.server import create_app, serve

ANSWER, FACE = struct.Struct("<BBHIff"), struct.Struct("<if4f3ff")


class Server:
    """A server of its own in a thread, with stand-ins for trackers."""

    def __init__(self, make: Callable[[], Any], limits: Limits, source: Path | None) -> None:
        self.followers: list[Any] = []

        def new() -> Any:
            self.followers.append(make())
            return self.followers[-1]

        app = create_app(new, SCHEME, source, limits=limits)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._server = uvicorn.Server(server_config(app, limits))
        self._thread = threading.Thread(target=self._server.run, args=([self._listener],), daemon=True)
        self._thread.start()

    @property
    def own(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, origin: str | None = None, **more: Any) -> ClientConnection:
        """A client that the server's hello has reached."""
        socket = connect(f"ws://127.0.0.1:{self.port}/live", origin=origin or self.own, max_size=None, **more)
        socket.hello = json.loads(socket.recv(10))
        return socket

    def get(self, path: str, host: str = "") -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", path, headers={"Host": host} if host else {})
        return connection.getresponse()

    def stop(self) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(10)
        self._listener.close()
        assert not self._thread.is_alive()


@contextmanager
def serving(make: Callable[[], Any] = Brightest, source: Path | None = None, **limits: Any) -> Iterator[Server]:
    server = Server(make, Limits(**limits), source)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def frame(sequence: int, x: int = 60, y: int = 50, seconds: float | None = None, **more: Any) -> bytes:
    return PageMessage(
        FRAME, True, False, sequence, sequence / 10 if seconds is None else seconds, encode_jpeg(spot(x, y, **more))
    ).packed()


def faces_of(answer: bytes | str) -> tuple[int, np.ndarray]:
    """Sequence, and landmarks F×70×2."""
    assert isinstance(answer, bytes)
    kind, faces, count, sequence, _, _ = ANSWER.unpack_from(answer)
    assert kind == FACES
    size = FACE.size + 12 * count
    assert len(answer) == ANSWER.size + faces * size
    starts = [ANSWER.size + i * size + FACE.size for i in range(faces)]
    points = [np.frombuffer(answer, "<f4", 2 * count, start).reshape(count, 2) for start in starts]
    return sequence, np.array(points).reshape(faces, count, 2)


def error_of(answer: bytes | str) -> str:
    assert isinstance(answer, str)
    return json.loads(answer)["error"]


def closed_with(client: ClientConnection) -> int:
    """The code that the server closes with, whatever it says before."""
    try:
        while True:
            client.recv(10)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd is not None else 0


def test_the_page_and_its_parts_come_from_this_server_alone(server: Server):
    page = server.get("/")
    assert page.status == 200
    assert page.getheader("Content-Type") == "text/html; charset=utf-8"
    assert "default-src 'none'" in (page.getheader("Content-Security-Policy") or "")
    text = page.read().decode()
    assert "://" not in text  # nobody else's scripts, fonts or pictures
    for name in ("live.js", "style.css"):
        assert name in text
    for name in ("live.js", "view.js", "camera.js", "drawing.js", "protocol.js", "style.css"):
        assert server.get(f"/{name}").status == 200
    for path in ("/nothing", "/../server.py", "/%2e%2e/server.py", "/page/index.html"):
        assert server.get(path).status == 404


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8470", "", "localhost.evil.example", "10.0.0.1"])
def test_a_name_that_is_not_this_machines_is_refused(server: Server, host: str):
    assert server.get("/", host or " ").status in (400, 403)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_its_own_names_are_fine(server: Server, host: str):
    assert server.get("/", f"{host}:{server.port}").status == 200


def test_only_its_own_page_may_connect(server: Server):
    for origin in (
        "http://evil.example",
        f"http://localhost:{server.port + 1}",
        "null",
        f"ftp://127.0.0.1:{server.port}",
    ):
        with pytest.raises(InvalidStatus) as refused:
            server.client(origin)
        assert refused.value.response.status_code == 403
    with pytest.raises(InvalidStatus):  # no page at all
        connect(f"ws://127.0.0.1:{server.port}/live")
    evil = f"evil.example:{server.port}"  # a name of somebody else's that leads here
    raw = socket.create_connection(("127.0.0.1", server.port))
    with pytest.raises(InvalidStatus):
        connect(f"ws://{evil}/live", sock=raw, origin=f"http://{evil}")


def test_a_frame_is_answered_with_its_faces(server: Server):
    with server.client() as client:
        assert client.hello["mode"] == "camera"
        assert len(client.hello["colours"]) == 70
        client.send(frame(3, 60, 50))
        sequence, faces = faces_of(client.recv(10))
        assert sequence == 3
        assert np.allclose(faces[0, 33], [60, 50 + 0.39 * 20], atol=0.6)  # the nose's tip of the stand-in's face
        client.send(PageMessage(FRAME, False, False, 4, 1.0, encode_jpeg(np.zeros((120, 160, 3), np.uint8))).packed())
        assert not len(faces_of(client.recv(10))[1])
        assert server.followers[-1].smoothed == [True, False]


def test_too_long_a_message_ends_the_connection():
    with serving(frame_bytes=20_000) as server, server.client() as client:
        client.send(b"\1" * 20_001)
        assert closed_with(client) == 1009
        with server.client() as other:
            other.send(frame(1))
            assert faces_of(other.recv(10))[0] == 1


def test_too_large_a_picture_is_not_unpacked():
    with serving(frame_side=200) as server, server.client() as client:
        client.send(frame(1, width=201))
        assert "201×120 px; at most 200" in error_of(client.recv(10))
        assert not server.followers[0].seen


RUBBISH = {
    "text": "hello",
    "nothing": b"",
    "short": b"\1\0\0",
    "kind": PageMessage(9, False, False, 1, 1.0, b"").packed(),
    "ready": PageMessage(READY, False, False, 1, 1.0, b"").packed(),
    "time": PageMessage(FRAME, False, False, 1, float("nan"), encode_jpeg(spot(9, 9))).packed(),
    "no picture": PageMessage(FRAME, False, False, 1, 1.0, b"").packed(),
    "noise": PageMessage(FRAME, False, False, 1, 1.0, np.random.default_rng(0).bytes(5000)).packed(),
    "png": PageMessage(FRAME, False, False, 1, 1.0, b"\x89PNG\r\n\x1a\n" + bytes(100)).packed(),
    "tiny": PageMessage(FRAME, False, False, 1, 1.0, encode_jpeg(np.zeros((2, 300, 3), np.uint8))).packed(),
}


@pytest.mark.parametrize("name", RUBBISH)
def test_rubbish_is_answered_and_survived(server: Server, name: str):
    with server.client() as client:
        client.send(RUBBISH[name])
        assert error_of(client.recv(10))
        client.send(frame(2))
        assert faces_of(client.recv(10))[0] == 2


def test_a_picture_that_is_cut_short_hurts_nobody(server: Server):
    with server.client() as client:
        client.send(frame(1)[:-300])
        client.recv(10)  # an error or the part that is there
        client.send(frame(2))
        assert faces_of(client.recv(10))[0] == 2


def test_a_clock_that_runs_backwards_is_rubbish(server: Server):
    with server.client() as client:
        for sequence, seconds in ((1, 5.0), (2, 4.0)):
            client.send(frame(sequence, seconds=seconds))
            answer = client.recv(10)
        assert "time stamp" in error_of(answer)


def test_much_rubbish_ends_the_connection(server: Server):
    with server.client() as client:
        for _ in range(Limits().errors):
            client.send(b"?")
        assert closed_with(client) == 1008


def test_a_flood_ends_the_connection():
    with serving(messages_per_second=30) as server, server.client() as client:
        with suppress(ConnectionClosed):
            for sequence in range(1, 400):
                client.send(frame(sequence))
        assert closed_with(client) == 1008


def test_frames_are_looked_at_no_faster_than_allowed():
    with serving(frames_per_second=10) as server, server.client() as client:
        for sequence in range(1, 61):
            client.send(frame(sequence))
            time.sleep(0.01)
        time.sleep(0.2)
        assert 3 <= len(server.followers[0].seen) <= 12


def test_stale_frames_are_dropped_rather_than_queued():
    with serving(lambda: Brightest(delay=0.4)) as server, server.client() as client:
        for sequence in range(1, 11):
            client.send(frame(sequence))
            time.sleep(0.01)
        assert faces_of(client.recv(10))[0] == 1
        assert faces_of(client.recv(10))[0] == 10  # the newest; those between were never looked at
        assert len(server.followers[0].seen) == 2


def test_clients_have_a_tracker_each_and_do_not_wait_for_each_other():
    makers = iter([Brightest(delay=3), Brightest(), Brightest()])
    with serving(lambda: next(makers), clients=3) as server:
        slow, quick, third = (server.client() for _ in range(3))
        slow.send(frame(1))
        begin = time.monotonic()
        for sequence in range(1, 6):
            quick.send(frame(sequence))
            assert faces_of(quick.recv(10))[0] == sequence
        assert time.monotonic() - begin < 2.5
        assert [len(follower.seen) for follower in server.followers] == [1, 5, 0]
        one_more = connect(f"ws://127.0.0.1:{server.port}/live", origin=server.own)
        assert closed_with(one_more) == 1013
        for client in (slow, quick, third):
            client.close()


def test_a_client_that_vanishes_leaves_room_for_the_next():
    with serving(lambda: Brightest(delay=0.3), clients=1) as server:
        for _ in range(3):
            client = server.client()
            client.send(frame(1))
            time.sleep(0.05)
            # a reset in the middle of the work, no goodbye
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.socket.close()
            time.sleep(0.5)
        with server.client() as client:
            client.send(frame(1))
            assert faces_of(client.recv(10))[0] == 1


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "spot.mp4"
    with write_video(path, 20) as video:
        for i in range(20):
            image = spot(40 + 4 * i, 60)
            for bit in range(10):
                image[:16, 16 * bit : 16 * bit + 16] = 255 * (i >> bit & 1) * 0.7
            video.write(image, i / 20)
    return path


def test_a_clip_is_played_to_the_page(clip: Path):
    with serving(source=clip) as server, server.client() as client:
        assert client.hello["mode"] == "clip"
        assert client.hello["name"] == "spot.mp4"
        numbers, again = [], False
        begin = time.monotonic()
        for sequence in range(1, 100):
            client.send(PageMessage(READY, True, again, sequence, 0.0, b"").packed())
            answer = client.recv(10)
            again = False
            if isinstance(answer, str):
                assert json.loads(answer) == {"ended": True}
                if time.monotonic() - begin > 1.5:
                    break
                again = True  # once more from the start
                continue
            kind, faces, count, number, _, seconds = ANSWER.unpack_from(answer)
            assert (kind, faces, count, number) == (PICTURE, 1, 70, sequence)
            image = decode_jpeg(answer[ANSWER.size + FACE.size + 12 * 70 :], 2048)
            numbers.append(number_of(np.where(image > 100, 255, 0)))
            assert seconds == pytest.approx(numbers[-1] / 20, abs=0.01)
        assert numbers.count(0) == 2
        assert max(numbers) == 19
        assert sorted(numbers[: numbers.index(19) + 1]) == numbers[: numbers.index(19) + 1]


def test_a_clip_that_goes_away_is_told(clip: Path, tmp_path: Path):
    mine = tmp_path / "mine.mp4"
    mine.write_bytes(clip.read_bytes())
    with serving(source=mine) as server:
        mine.unlink()
        with server.client() as client:
            client.send(PageMessage(READY, True, False, 1, 0.0, b"").packed())
            assert "there is no such file" in error_of(client.recv(10))


def test_an_address_that_is_taken_and_a_bad_clip_are_said_in_one_line(tmp_path: Path):
    from types import SimpleNamespace

    card = SimpleNamespace(model="m", input_size=64, licence="l", lane="clean", scheme=SCHEME)
    landmarker: Any = SimpleNamespace(card=card)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=rf"^cannot listen on 127.0.0.1 port {port}: Address already in use; --port"):
            serve(landmarker, port=port)
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"no video at all" * 100)
    with pytest.raises(ValueError, match=r"bad.mp4: not a video"):
        serve(landmarker, bad)


@pytest.mark.slow
def test_memory_stays_flat_over_20000_frames():
    import resource

    with serving(messages_per_second=100_000, frames_per_second=1e6) as server, server.client() as client:
        data = encode_jpeg(spot(60, 50))
        before = 0
        for sequence in range(1, 20_001):
            client.send(PageMessage(FRAME, True, False, sequence, float(sequence), data).packed())
            client.recv(10)
            server.followers[0].forget()
            if sequence == 2000:
                before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kB
