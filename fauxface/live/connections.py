"""How the page's server treats connections: few, with short headers, that do not dawdle."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import h11
import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from fauxface.live.protocol import Limits

_HEADER_BYTES = 16 << 10


class PromptProtocol(H11Protocol):
    """HTTP whose connections are closed when no whole request has come in ``seconds``, or too many are open."""

    def __init__(self, *args: Any, limits: Limits, **more: Any) -> None:
        super().__init__(*args, **more)
        self._limits = limits
        self._late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Start the time that the client has for its request."""
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections:
            transport.abort()
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take what came; the time goes on until a request is whole."""
        super().data_received(data)
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._rest()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Hand over to the WebSocket's protocol, which has a time of its own for its handshake."""
        self._rest()
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        """Start the time for the next request."""
        super().on_response_complete()
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the time."""
        self._rest()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._rest()
        self._late = self.loop.call_later(self._limits.request_seconds, self.transport.abort)

    def _rest(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


def server_config(app: Starlette, limits: Limits) -> uvicorn.Config:
    """uvicorn's configuration for the page's app."""
    return uvicorn.Config(
        app,
        http=partial(PromptProtocol, limits=limits),  # pyright: ignore[reportArgumentType]
        log_level="error",
        lifespan="off",
        ws_max_size=limits.frame_bytes,
        ws_max_queue=4,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=2,
        h11_max_incomplete_event_size=_HEADER_BYTES,
        server_header=False,
    )
