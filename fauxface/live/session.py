"""One client of the page: its tracker, its newest frame, its answers. Without a queue: new frames replace old ones."""

from __future__ import annotations

import asyncio
import json
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, Generic, TypeVar

from starlette.websockets import WebSocket, WebSocketDisconnect

from fauxface.inference.following import Follower
from fauxface.live.protocol import (
    FRAME,
    READY,
    InvalidMessageError,
    Limits,
    PageMessage,
    decode_jpeg,
    encode_jpeg,
    pack_answer,
    parse_page_message,
)
from fauxface.live.sources import Source
from fauxface.parsing import clipped

_POLICY = 1008  # RFC 6455: the client violates a policy
T = TypeVar("T")


class Newest(Generic[T]):
    """A holder of one item, where a new item replaces the last."""

    def __init__(self) -> None:
        self._item: T | None = None
        self._filled = asyncio.Event()
        self.dropped = 0

    def put(self, item: T) -> None:
        """Hold an item; one that was not taken is dropped."""
        self.dropped += self._item is not None
        self._item = item
        self._filled.set()

    async def take(self, rest: float = 0) -> T:
        """The newest item, as soon as there is one, after ``rest`` seconds at the earliest."""
        if rest > 0:
            await asyncio.sleep(rest)
        await self._filled.wait()
        self._filled.clear()
        item, self._item = self._item, None
        assert item is not None
        return item


class Session:
    """The connection to one client, served until the client leaves or is disconnected.

    Args:
        socket: the accepted connection.
        follower: the client's tracker.
        pool: runs computations, so that connections stay responsive.
        limits: limits on the client.
        open_source: opens the clip that the server sends to the page; None if the page sends frames of its camera.
    """

    def __init__(
        self,
        socket: WebSocket,
        follower: Follower,
        pool: Executor,
        limits: Limits,
        open_source: Callable[[], Source] | None = None,
    ) -> None:
        self._socket, self._follower, self._pool, self._limits = socket, follower, pool, limits
        self._open = open_source
        self._source: Source | None = None
        self._changing = threading.Lock()  # held while ``_source`` or ``_gone`` changes, never while a file is read
        self._gone = False
        self._newest: Newest[PageMessage] = Newest()
        self._arrivals: deque[float] = deque(maxlen=limits.messages_per_second)
        self._errors = 0
        self._last_seconds = -math.inf
        self._shift = 0.0

    async def run(self, hello: str) -> None:
        """Send the hello, and serve until the client is gone."""
        work = self._answer_frames() if self._open is None else self._play()
        try:
            await _first_of(self._receive(), self._greet_and(hello, work))
        except WebSocketDisconnect:
            pass
        finally:
            self._leave()

    def _leave(self) -> None:
        """Close the clip, even one that another thread is opening for this client."""
        with self._changing:
            self._gone, source = True, self._source
        if source is not None:
            # closing may wait for the last frame to be read, and the pool's threads may all be busy
            threading.Thread(target=source.close, name="close a clip", daemon=True).start()

    async def _greet_and(self, hello: str, work: Coroutine[Any, Any, None]) -> None:
        await self._socket.send_text(hello)
        await work

    async def _receive(self) -> None:
        """Receive messages: the newest counts, an invalid one gets an error, a flood closes the connection."""
        while True:
            event = await self._socket.receive()
            if event["type"] == "websocket.disconnect":
                return
            now = time.monotonic()
            full = len(self._arrivals) == self._arrivals.maxlen
            if full and now - self._arrivals[0] < 1:
                await self._socket.close(_POLICY, "too many messages a second")
                return
            self._arrivals.append(now)
            try:
                message = parse_page_message(event.get("bytes") or b"")
                if (message.kind == READY) != (self._open is not None):
                    raise InvalidMessageError("the page and the server are in different modes: reload the page")
                self._newest.put(message)
            except InvalidMessageError as error:
                if not await self._complain(error):
                    return

    async def _answer_frames(self) -> None:
        """Serve the page's camera: find the faces of its newest frame, answer, repeat."""
        rest = 0.0
        while True:
            message = await self._newest.take(rest)
            begin = time.monotonic()
            try:
                answer = await self._compute(self._look, message)
                self._errors = 0
                await self._socket.send_bytes(answer)
            except InvalidMessageError as error:
                if not await self._complain(error, message.sequence):
                    return
            rest = 1 / self._limits.frames_per_second - (time.monotonic() - begin)

    async def _play(self) -> None:
        """Serve the server's clip: at each request of the page, send the frame that is due, with its faces."""
        while True:
            message = await self._newest.take()
            try:
                answer = await self._compute(self._next_of_clip, message)
            except (ValueError, OSError) as error:
                await self._tell(error=clipped(error, 500))
                continue
            if answer is None:
                await self._tell(ended=True)
            else:
                await self._socket.send_bytes(answer)

    def _look(self, message: PageMessage) -> bytes:
        begin = time.perf_counter()
        assert message.kind == FRAME
        if message.seconds <= self._last_seconds:
            raise InvalidMessageError("the time stamp is not later than the last")
        image = decode_jpeg(message.jpeg, self._limits.frame_side)
        self._last_seconds = message.seconds
        self._follower.smooth = message.smooth
        faces = self._follower.update(image, message.seconds)
        return pack_answer(faces, message.sequence, 1000 * (time.perf_counter() - begin))

    def _next_of_clip(self, message: PageMessage) -> bytes | None:
        assert self._open is not None
        source = self._source
        if source is None or message.again:
            source = self._reopened()
        frame = None if source is None else source.read()
        if frame is None:
            return None
        begin = time.perf_counter()
        if frame.seconds + self._shift <= self._last_seconds:  # the clip starts again, but the tracker's time continues
            self._shift = self._last_seconds + 1 - frame.seconds
        self._last_seconds = frame.seconds + self._shift
        self._follower.smooth = message.smooth
        faces = self._follower.update(frame.image, self._last_seconds)
        jpeg = encode_jpeg(frame.image)
        return pack_answer(faces, message.sequence, 1000 * (time.perf_counter() - begin), frame.seconds, jpeg)

    def _reopened(self) -> Source | None:
        """The clip from its beginning; None, with the file closed, if the client left meanwhile."""
        assert self._open is not None
        if self._source is not None:
            self._source.close()
        source = self._open()
        with self._changing:
            if not self._gone:
                self._source = source
                return source
        source.close()
        return None

    async def _compute(self, work: Callable[[PageMessage], Any], message: PageMessage) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, message)

    async def _complain(self, error: InvalidMessageError, sequence: int | None = None) -> bool:
        """Send the error; False if there were too many, and the connection is closed."""
        self._errors += 1
        if self._errors >= self._limits.errors:
            await self._socket.close(_POLICY, "too many invalid messages")
            return False
        await self._tell(error=str(error), sequence=sequence)
        return True

    async def _tell(self, **message: Any) -> None:
        await self._socket.send_text(json.dumps(message))


async def _first_of(*works: Coroutine[Any, Any, None]) -> None:
    """Run all until one ends, cancel the others, and raise the first one's error."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
