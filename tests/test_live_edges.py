"""Clients that mean ill or vanish: headers of all kinds, dawdlers, floods of connections, garbage, clips left open."""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from starlette.datastructures import Headers
from test_live import Server, frame, serving
from websockets.exceptions import ConnectionClosed

from fauxface.inference.video import write_video
from fauxface.live.protocol import PICTURE, READY, PageMessage
from fauxface.live.server import _host_and_port, _refusal, _refusal_of_page
from fauxface.live.sources import Clip


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(request_seconds=1.0, connections=24) as running:
        yield running


def raw(server: Server, data: bytes, wait: float = 10) -> bytes:
    """What the server answers to these bytes until it closes, or for so long."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=wait) as connection:
        with suppress(OSError):
            connection.sendall(data)
        got = b""
        with suppress(OSError):
            while part := connection.recv(65536):
                got += part
                if b"\r\n\r\n" in got and not got.startswith(b"HTTP/1.1 101"):
                    break
        return got


def status(answer: bytes) -> int:
    return int(answer.split(b" ")[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def until(holds: Callable[[], bool], seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    return holds()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("localhost", ("localhost", 80)),
        ("LocalHost.:8470", ("localhost", 8470)),
        ("127.0.0.1:65535", ("127.0.0.1", 65535)),
        ("[::1]", ("::1", 80)),
        ("[::1]:8470", ("::1", 8470)),
        ("[::ffff:127.0.0.1]:1", ("::ffff:127.0.0.1", 1)),
        ("::1", None),
        ("[::1", None),
        ("[::1]]", None),
        ("[localhost]", None),
        ("[:::::]", None),
        ("localhost:", None),
        ("localhost:65536", None),
        ("localhost:-1", None),
        ("localhost:٣", None),
        ("user@localhost", None),
        ("localhost/x", None),
        ("local host", None),
        ("", None),
        ("a" * 300, None),
    ],
)
def test_a_host_is_a_name_and_a_port_or_nothing(text: str, place: tuple[str, int] | None):
    assert _host_and_port(text) == place


@pytest.mark.parametrize(
    ("host", "answer"),
    [
        (b"localhost", 200),
        (b"[::1]:9", 200),
        (b"evil.example", 403),
        (b"127.0.0.1.evil.example", 403),
        (b"[::1", 400),
        (b"[", 400),
        (b"]:80", 400),
        (b"localhost:http", 400),
        (b"\xff\xfe", 400),
        (b"a@b", 400),
        (b"localhost\r\nHost: evil.example", 400),
    ],
)
def test_a_hostile_host_is_answered(server: Server, host: bytes, answer: int, caplog: pytest.LogCaptureFixture):
    assert status(raw(server, b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")) == answer
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize(
    ("origin", "answer"),
    [
        (b"http://[::1", 400),
        (b"http://[", 400),
        (b"http://a:99999", 400),
        (b"file:///x", 400),
        (b"javascript:alert(1)", 400),
        (b"\xff", 400),
        (b"null", 403),
        (b"http://evil.example", 403),
        (b"http://localhost:1", 403),
        (b"https://localhost:1", 403),
        (b"https://localhost", 101),  # a proxy with TLS before this server
        (b"http://localhost", 101),
        (b"http://LOCALHOST:80", 101),
    ],
)
def test_a_hostile_origin_is_answered(server: Server, origin: bytes, answer: int, caplog: pytest.LogCaptureFixture):
    ask = b"GET /live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nOrigin: " + origin
    ask += b"\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    assert status(raw(server, ask, wait=2)) == answer
    assert not [record for record in caplog.records if record.exc_info]


def test_headers_are_judged_without_a_server():
    own = Headers({"host": "box.lan:8470", "origin": "http://box.lan:8470"})
    assert _refusal(own, "box.lan") is None
    assert _refusal_of_page(own) is None
    away = _refusal(own, "127.0.0.1")
    assert away is not None
    assert away.status_code == 403


def test_huge_headers_and_dawdlers_are_shown_out(server: Server):
    assert status(raw(server, b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * (1 << 20) + b"\r\n\r\n")) in (0, 400)
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as idle:
        begin = time.monotonic()
        with suppress(ConnectionResetError):
            assert idle.recv(1) == b""
        assert time.monotonic() - begin < 15
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as slow:

        def dribble() -> bool:
            try:
                slow.sendall(b"X")
                slow.setblocking(False)
                return slow.recv(1) == b""
            except BlockingIOError:
                return False
            except OSError:
                return True

        slow.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        assert until(dribble, 20)
    body = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\nx"
    assert status(raw(server, body)) in (0, 405)
    assert server.get("/").status == 200


def test_no_more_connections_than_there_may_be(server: Server):
    held = []
    for _ in range(60):
        with suppress(OSError):
            held.append(socket.create_connection(("127.0.0.1", server.port), timeout=10))
    assert until(lambda: len(server._server.server_state.connections) <= 24)  # those beyond are being closed
    for connection in held:
        connection.close()
    assert until(lambda: _answers(server))


def _answers(server: Server) -> bool:
    try:
        return server.get("/").status == 200
    except OSError:
        return False


def test_garbage_on_the_websocket_is_bounded(caplog: pytest.LogCaptureFixture):
    rng = random.Random(0)
    with serving() as server:
        for round in range(12):
            with server.client() as client, suppress(ConnectionClosed, OSError):
                for _ in range(12):
                    size = rng.choice((0, 1, 15, 16, 17, 300))
                    client.send(rng.randbytes(size) if rng.random() < 0.8 else "ä\0" * size)
                if round % 3 == 0:  # no frame of a WebSocket at all
                    client.socket.sendall(rng.randbytes(4000))
                while True:
                    client.recv(5)
        assert until(lambda: not server._server.server_state.connections)
        with server.client() as client:  # others are served as before
            client.send(frame(1))
            assert client.recv(20)
    assert not [record for record in caplog.records if record.exc_info]


def write_clip(path: Path, shades: range) -> Path:
    with write_video(path, 10) as video:
        for number, shade in enumerate(shades):
            video.write(np.full((96, 128, 3), shade, np.uint8), number / 10)
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", range(0, 250, 5))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files in /proc")
def test_clips_of_clients_that_vanish_are_closed(clip: Path):
    def opened() -> int:
        return sum(os.path.realpath(fd) == str(clip.resolve()) for fd in Path("/proc/self/fd").iterdir())

    with serving(source=clip) as server:
        before = threading.active_count()
        for number in range(24):
            client = server.client()
            client.send(PageMessage(READY, True, False, 1, 0.0, b"").packed())
            if number % 3 == 0:
                assert client.recv(20)[0] == PICTURE
            client.socket.shutdown(socket.SHUT_RDWR)  # gone, while its clip is opened or its frame is read
            client.socket.close()
        assert until(lambda: opened() == 0)
        # the pool's threads stay
        assert until(lambda: threading.active_count() <= before + 8 + 1)


def test_nobody_waits_for_a_frame_that_is_due_in_a_week(tmp_path: Path):
    clip = Clip(write_clip(tmp_path / "clip.mp4", range(10, 250, 80)))
    assert clip.read() is not None
    assert clip._start is not None
    clip._start += 7 * 86400
    clip._last_read = time.monotonic()
    reader = threading.Thread(target=clip.read, daemon=True)
    reader.start()
    time.sleep(0.2)
    assert reader.is_alive()
    clip.close()
    reader.join(20)
    assert not reader.is_alive()
