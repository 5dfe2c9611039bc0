"""The page's server: a few files and a WebSocket for each client; by default for this machine only."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import socket as sockets
import sys
import webbrowser
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from fauxface.inference.following import Follower
from fauxface.inference.landmarker import Landmarker
from fauxface.inference.styles import drawing_facts
from fauxface.inference.tracker import Tracker
from fauxface.live.connections import server_config
from fauxface.live.protocol import Limits
from fauxface.live.session import Session
from fauxface.live.sources import Clip
from fauxface.live.window import has_screen

PAGE = Path(__file__).parent / "page"
FILES = {
    "/": ("index.html", "text/html"),
    "/style.css": ("style.css", "text/css"),
    "/live.js": ("live.js", "text/javascript"),
    "/view.js": ("view.js", "text/javascript"),
    "/camera.js": ("camera.js", "text/javascript"),
    "/drawing.js": ("drawing.js", "text/javascript"),
    "/protocol.js": ("protocol.js", "text/javascript"),
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Permissions-Policy": "camera=(self), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
PORT = 8470
_TRY_LATER = 1013  # WebSocket close code
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(:(?P<port>[0-9]{1,5}))?")


def create_app(
    new_follower: Callable[[], Follower],
    scheme: str,
    source: Path | None = None,
    host: str = "127.0.0.1",
    limits: Limits | None = None,
    about: str = "",
) -> Starlette:
    """The page and its WebSocket as a Starlette app.

    Args:
        new_follower: makes a tracker for a client.
        scheme: name of its landmarks' scheme.
        source: a clip for the page to show; without one the page sends frames of its camera.
        host: the address that the server listens on, which decides the host names that it accepts.
        limits: limits on clients.
        about: a line for the page's foot.
    """
    limits = limits or Limits()
    pool = ThreadPoolExecutor(limits.clients, "live")
    sessions: set[Session] = set()
    hello = json.dumps(
        {
            "mode": "camera" if source is None else "clip",
            "name": "" if source is None else source.name,
            "about": about,
            **drawing_facts(scheme),
            "frames_per_second": limits.frames_per_second,
        }
    )

    async def file(request: Request) -> Response:
        if (refusal := _refusal(request.headers, host)) is not None:
            return refusal
        name, kind = FILES[request.url.path]
        return Response((PAGE / name).read_bytes(), 200, HEADERS, f"{kind}; charset=utf-8")

    async def client(socket: WebSocket) -> None:
        if (refusal := _refusal(socket.headers, host) or _refusal_of_page(socket.headers)) is not None:
            if refusal.status_code == 403:
                await socket.close()  # before it is accepted: the client gets 403
            else:
                await socket.send_denial_response(refusal)
            return
        await socket.accept()
        if len(sessions) >= limits.clients:
            await socket.close(_TRY_LATER, "too many clients")
            return
        session = Session(socket, new_follower(), pool, limits, None if source is None else partial(Clip, source))
        sessions.add(session)
        try:
            await session.run(hello)
        finally:
            sessions.discard(session)

    return Starlette(routes=[*(Route(path, file) for path in FILES), WebSocketRoute("/live", client)])


def serve(
    landmarker: Landmarker,
    source: Path | None = None,
    host: str = "127.0.0.1",
    port: int = PORT,
    limits: Limits | None = None,
    announce: Callable[[str], Any] = print,
    new_follower: Callable[[], Follower] | None = None,
) -> None:
    """Serve the page until interrupted; ``announce`` gets its address. ``port`` 0 takes any free port.

    ``new_follower`` makes a client's follower; None makes trackers.

    ValueError or OSError, in one line, for an unreadable clip or an address that is not available.
    """
    limits = limits or Limits()
    if source is not None:
        Clip(source).close()  # an error now rather than at the first client
    card = landmarker.card
    about = f"{card.model}, {card.input_size} px, {card.licence if card.lane == 'clean' else 'research only'}"
    app = create_app(new_follower or partial(Tracker, landmarker), card.scheme, source, host, limits, about)
    with _listen(host, port) as listener:
        name = host if _is_loopback(host) else sockets.gethostname() if host in ("0.0.0.0", "::") else host
        address = f"http://{f'[{name}]' if ':' in name else name}:{listener.getsockname()[1]}/"
        config = server_config(app, limits)
        announce(address)
        if has_screen() and sys.stdout.isatty():
            webbrowser.open(address)
        with suppress(KeyboardInterrupt):  # Ctrl-C stops the server
            uvicorn.Server(config).run([listener])


def _listen(host: str, port: int) -> sockets.socket:
    try:
        family = sockets.AF_INET6 if ":" in host else sockets.AF_INET
        return sockets.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else error
        raise OSError(
            f"cannot listen on {host} port {port}: {reason}; --port takes another port, 0 any free one"
        ) from None


def _host_and_port(text: str, scheme: str = "http") -> tuple[str, int] | None:
    """Host name, in lower case, and port of a Host header or of the end of an Origin; None for any other text."""
    found = _HOST.fullmatch(text)
    if found is None:
        return None
    name, port = found["name"].strip("[]").removesuffix(".").lower(), int(found["port"] or _PORTS.get(scheme, 0))
    if port > 65_535 or (found["name"].startswith("[") and not _is_address(name)):
        return None
    return name, port


def _refusal(headers: Headers, host: str) -> Response | None:
    """The refusal of a request, or None for one that names this machine: against DNS rebinding.

    403 for another name; 400 for a Host header that is not a name, and for several.
    """
    hosts = headers.getlist("host")
    called = _host_and_port(hosts[0]) if len(hosts) == 1 else None
    if called is None:
        return PlainTextResponse("the Host header is not a host name\n", 400, HEADERS)
    if not _accepts_name(called[0], host):
        return PlainTextResponse("this server does not accept that host name\n", 403, HEADERS)
    return None


def _accepts_name(name: str, host: str) -> bool:
    if name == "localhost" or _is_loopback(name):
        return True
    if _is_loopback(host):
        return False
    own = sockets.gethostname().lower()
    return _is_address(name) or name in (host.lower(), own, f"{own}.local")


def _refusal_of_page(headers: Headers) -> Response | None:
    """The refusal of a WebSocket, or None for one opened by a page of this server, by its Origin header."""
    origins = headers.getlist("origin")
    scheme, colon, rest = (origins[0] if len(origins) == 1 else "").partition("://")
    if origins == ["null"] or not origins:  # a page from a file or in a sandbox, or not a browser
        return PlainTextResponse("only the server's page may open this WebSocket\n", 403, HEADERS)
    origin = _host_and_port(rest, scheme) if colon else None
    if origin is None:
        return PlainTextResponse("the Origin header is not an origin\n", 400, HEADERS)
    if scheme not in _PORTS or origin != _host_and_port(headers["host"], scheme):
        return PlainTextResponse("only the server's page may open this WebSocket\n", 403, HEADERS)
    return None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_loopback(name: str) -> bool:
    return name == "localhost" or (_is_address(name) and ipaddress.ip_address(name).is_loopback)
