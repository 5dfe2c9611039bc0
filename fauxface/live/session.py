"""One client of the page: its tracker, its newest frame, its answers. Nothing queues: a new frame replaces an old."""

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
    Ask,
    Limits,
    RubbishError,
    decode_jpeg,
    encode_jpeg,
    pack_answer,
    parse_ask,
)
from fauxface.live.sources import Source

_POLICY = 1008  # RFC 6455's code for a client that breaks the rules
T = TypeVar("T")


class Newest(Generic[T]):
    """A place for one thing: a new one takes the old one's place."""

    def __init__(self) -> None:
        self._thing: T | None = None
        self._there = asyncio.Event()
        self.dropped = 0

    def put(self, thing: T) -> None:
        """Leave a thing; one that lies there still is dropped."""
        self.dropped += self._thing is not None
        self._thing = thing
        self._there.set()

    async def take(self, rest: float = 0) -> T:
        """The newest thing, waited for; not before ``rest`` seconds are over."""
        if rest > 0:
            await asyncio.sleep(rest)
        await self._there.wait()
        self._there.clear()
        thing, self._thing = self._thing, None
        assert thing is not None
        return thing


class Session:
    """Serves one client until it leaves, vanishes, or is shown out.

    Args:
        socket: the connection, accepted already.
        follower: this client's tracker.
        pool: runs what computes, so that the connections stay lively.
        limits: what the client may ask for.
        open_source: opens the clip that the server plays to the page; None where the page sends its camera's frames.
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
        self._changing = threading.Lock()  # held when ``_source`` or ``_gone`` changes, never while a file is read
        self._gone = False
        self._newest: Newest[Ask] = Newest()
        self._arrivals: deque[float] = deque(maxlen=limits.messages_per_second)
        self._errors = 0
        self._last_seconds = -math.inf
        self._shift = 0.0

    async def run(self, hello: str) -> None:
        """Say hello, and serve until the client is gone."""
        work = self._answer_frames() if self._open is None else self._play()
        try:
            await _first_of(self._receive(), self._greet_and(hello, work))
        except WebSocketDisconnect:
            pass
        finally:
            self._leave()

    def _leave(self) -> None:
        """Let go of the clip, also of one that another thread is opening for this client just now."""
        with self._changing:
            self._gone, source = True, self._source
        if source is not None:
            # it may have to wait until the last frame is read, and the pool's threads may all be waiting for theirs
            threading.Thread(target=source.close, name="close a clip", daemon=True).start()

    async def _greet_and(self, hello: str, work: Coroutine[Any, Any, None]) -> None:
        await self._socket.send_text(hello)
        await work

    async def _receive(self) -> None:
        """Take messages as they come: the newest counts, rubbish is answered, floods end the connection."""
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            now = time.monotonic()
            full = len(self._arrivals) == self._arrivals.maxlen
            if full and now - self._arrivals[0] < 1:
                await self._socket.close(_POLICY, "too many messages a second")
                return
            self._arrivals.append(now)
            try:
                ask = parse_ask(message.get("bytes") or b"")
                if (ask.kind == READY) != (self._open is not None):
                    raise RubbishError(
                        "the page and the server disagree about whose pictures these are: reload the page"
                    )
                self._newest.put(ask)
            except RubbishError as error:
                if not await self._complain(error):
                    return

    async def _answer_frames(self) -> None:
        """Camera of the page: look at the newest frame, answer, and so on."""
        rest = 0.0
        while True:
            ask = await self._newest.take(rest)
            begin = time.monotonic()
            try:
                answer = await self._compute(self._look, ask)
                self._errors = 0
                await self._socket.send_bytes(answer)
            except RubbishError as error:
                if not await self._complain(error, ask.sequence):
                    return
            rest = 1 / self._limits.frames_per_second - (time.monotonic() - begin)

    async def _play(self) -> None:
        """The server's clip: whenever the page is ready, the frame that is due, with its faces."""
        while True:
            ask = await self._newest.take()
            try:
                answer = await self._compute(self._next_of_clip, ask)
            except (ValueError, OSError) as error:
                await self._tell(error=" ".join(str(error).split()))
                continue
            if answer is None:
                await self._tell(ended=True)
            else:
                await self._socket.send_bytes(answer)

    def _look(self, ask: Ask) -> bytes:
        begin = time.perf_counter()
        assert ask.kind == FRAME
        if ask.seconds <= self._last_seconds:
            raise RubbishError("the time stamp is not after the one before")
        image = decode_jpeg(ask.jpeg, self._limits.frame_side)
        self._last_seconds = ask.seconds
        self._follower.smooth = ask.smooth
        faces = self._follower.update(image, ask.seconds)
        return pack_answer(faces, ask.sequence, 1000 * (time.perf_counter() - begin))

    def _next_of_clip(self, ask: Ask) -> bytes | None:
        assert self._open is not None
        source = self._source
        if source is None or ask.again:
            source = self._reopened()
        frame = None if source is None else source.read()
        if frame is None:
            return None
        begin = time.perf_counter()
        if frame.seconds + self._shift <= self._last_seconds:  # the clip starts again; the tracker's clock goes on
            self._shift = self._last_seconds + 1 - frame.seconds
        self._last_seconds = frame.seconds + self._shift
        self._follower.smooth = ask.smooth
        faces = self._follower.update(frame.image, self._last_seconds)
        jpeg = encode_jpeg(frame.image)
        return pack_answer(faces, ask.sequence, 1000 * (time.perf_counter() - begin), frame.seconds, jpeg)

    def _reopened(self) -> Source | None:
        """The clip from its beginning; None, with the file closed, where the client has gone meanwhile."""
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

    async def _compute(self, work: Callable[[Ask], Any], ask: Ask) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, ask)

    async def _complain(self, error: RubbishError, sequence: int | None = None) -> bool:
        """Say what was wrong; whether the client may stay."""
        self._errors += 1
        if self._errors >= self._limits.errors:
            await self._socket.close(_POLICY, "too much rubbish")
            return False
        await self._tell(error=str(error), sequence=sequence)
        return True

    async def _tell(self, **words: Any) -> None:
        await self._socket.send_text(json.dumps(words))


async def _first_of(*works: Coroutine[Any, Any, None]) -> None:
    """Run them together until one ends; the others are cancelled, and what went wrong is raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
