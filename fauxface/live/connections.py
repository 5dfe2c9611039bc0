"""Limits on connections to the page's server: their number, header size, and time for a request."""

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


class TimedProtocol(H11Protocol):
    """HTTP that closes a connection without a complete request in ``request_seconds``, or above the limit of number."""

    def __init__(self, *args: Any, limits: Limits, **more: Any) -> None:
        super().__init__(*args, **more)
        self._limits = limits
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Start the time limit for the client's request."""
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections:
            transport.abort()
        self._start_timer()

    def data_received(self, data: bytes) -> None:
        """Take received bytes; the time limit runs until a request is complete."""
        super().data_received(data)
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._stop_timer()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Hand over to the WebSocket's protocol, which has its own time limit for the handshake."""
        self._stop_timer()
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        """Start the time limit for the next request."""
        super().on_response_complete()
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the time limit."""
        self._stop_timer()
        super().connection_lost(exc)

    def _start_timer(self) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(self._limits.request_seconds, self.transport.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def server_config(app: Starlette, limits: Limits) -> uvicorn.Config:
    """Configuration of uvicorn for the page's app."""
    return uvicorn.Config(
        app,
        http=partial(TimedProtocol, limits=limits),  # pyright: ignore[reportArgumentType]
        log_level="error",
        lifespan="off",
        ws_max_size=limits.frame_bytes,
        ws_max_queue=4,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=2,
        h11_max_incomplete_event_size=_HEADER_BYTES,
        server_header=False,
    )
