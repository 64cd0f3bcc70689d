"""Plain WebSocket connections: named events with a JSON object, for programs of a team's own.

Frames are {"event": name, "data": object} both ways. The frames of one connection are taken in
their order; each connection has a bounded queue, and a frame that does not fit is answered with
OVERLOADED and dropped.

Invariant: whatever a handler does with a frame, the connection's worker goes on with the next one:
a worker is a task of the node, and a task that fails would end the node.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from coulisse import _core
from coulisse.domain.outcomes import Rejected
from coulisse.domain.requests import decode_plain_event, encode_plain_event
from coulisse.telemetry.logs import logger

FRAMES_MAX = 256
"""Frames of one connection that may wait for their handler."""
CONNECTIONS_MAX = 10_000
"""Plain connections of one listener."""
Frame = tuple[str, dict[str, object]]
Handle = Callable[[str, dict[str, object]], Awaitable[Rejected | None]]
Spawn = Callable[[Awaitable[None]], object]


class PlainHub:
    """The plain connections of one listener."""

    def __init__(self, handle: Handle) -> None:
        """Give each frame to `handle`; what it refuses is told to the sender as `error`."""
        self._handle = handle
        self._spawn: Spawn | None = None
        self._queues: dict[_core.Conn, asyncio.Queue[Frame | None]] = {}

    def start(self, spawn: Spawn) -> None:
        """Run the workers of connections as tasks that `spawn` makes and owns."""
        self._spawn = spawn

    def stop(self) -> None:
        """Let every worker end."""
        self._spawn = None
        for queue in self._queues.values():
            _end(queue)
        self._queues.clear()

    def opened(self, conn: _core.Conn) -> None:
        """Take a new connection."""
        if self._spawn is None:
            return
        if len(self._queues) >= CONNECTIONS_MAX:
            conn.send_text(_error("OVERLOADED", f"{CONNECTIONS_MAX} connections are open already"))
            return
        queue: asyncio.Queue[Frame | None] = asyncio.Queue(FRAMES_MAX)
        self._queues[conn] = queue
        self._spawn(self._work(conn, queue))

    def closed(self, conn: _core.Conn) -> None:
        """Forget a connection; what it sent before is still handled."""
        queue = self._queues.pop(conn, None)
        if queue is not None:
            _end(queue)

    def message(self, conn: _core.Conn, text: bytes) -> None:
        """Take one frame."""
        queue = self._queues.get(conn)
        if queue is None:
            return
        try:
            frame = decode_plain_event(text)
        except (ValueError, RecursionError) as error:
            conn.send_text(_error("BAD_JSON", str(error)))
            return
        if queue.full():
            conn.send_text(_error("OVERLOADED", f"{FRAMES_MAX} frames wait already"))
            return
        queue.put_nowait(frame)

    def broadcast(self, event: str, data: object) -> None:
        """Send one frame to every open connection."""
        text = encode_plain_event(event, data)
        for conn in list(self._queues):
            conn.send_text(text)

    async def _work(self, conn: _core.Conn, queue: asyncio.Queue[Frame | None]) -> None:
        while (frame := await queue.get()) is not None:
            try:
                refused = await self._handle(*frame)
            except asyncio.CancelledError:
                worker = asyncio.current_task()
                if worker is not None and worker.cancelling():
                    raise
                # Something that the handler waited for was cancelled, not this worker.
                refused = self._failed(frame[0])
            except Exception:  # noqa: BLE001  # the invariant of this file
                refused = self._failed(frame[0])
            if refused is not None and conn in self._queues:
                conn.send_text(encode_plain_event("error", refused.to_wire()))

    @staticmethod
    def _failed(event: str) -> Rejected:
        """Write down the fault that is being handled; return what the sender is told of it."""
        logger("gateway").exception("handler_failed", event_name=event)
        return Rejected("INTERNAL", f"the handler of {event!r} failed", "unknown")


def _end(queue: asyncio.Queue[Frame | None]) -> None:
    # The end mark must get in: what does not fit before it would only be answered to nobody.
    if queue.full():
        queue.get_nowait()
    queue.put_nowait(None)


def _error(code: str, message: str) -> bytes:
    return encode_plain_event("error", Rejected(code, message, state="not_sent").to_wire())
