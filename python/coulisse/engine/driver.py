"""The driver: the core on the running loop, and the node's own commands.

The loop's part is small. The core asks by itself for the end of a tick (`call_soon`), one eventfd
says when the durable seq has moved and another when passwords were hashed, and a timer lets it do
what is due and publish the public feeds. All of it happens on the loop's thread.

Invariant: whatever leaves through here was durable first; a fatal fault leaves nothing pending.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from coulisse._core import PUBLICATIONS_PER_S
from coulisse.domain.errors import NodeFailed
from coulisse.domain.schema import Event, Schema, Value
from coulisse.engine.ports import Core, Loop, Session, Timer, WorkersOf

TICKS_PER_PUBLICATION = 2
"""How often the core is asked whether something is due, for each publication of its feeds."""
TICK_INTERVAL_S = 1 / (TICKS_PER_PUBLICATION * PUBLICATIONS_PER_S)
COMMANDS_MAX = 10_000
"""Commands of the node itself that may wait at one time."""


class Driver:
    """One core on one loop."""

    def __init__(self, core: Core, schema: Schema, on_fatal: Callable[[str], None]) -> None:
        """Drive `core`; tell `on_fatal` once if its journal fails."""
        self._core = core
        self._schema = schema
        self._on_fatal = on_fatal
        self._loop: Loop | None = None
        self._timer: Timer | None = None
        self._fd = -1
        self._people_fd = -1
        self._workers_fd = -1
        self._waiting: set[asyncio.Future[None]] = set()
        self._failure: str | None = None
        self._more_is_due = False
        self._ticks = 0

    @property
    def failure(self) -> str | None:
        """Why the core can go on no longer, if it cannot."""
        return self._failure

    def attach(self, loop: Loop) -> None:
        """Start driving on `loop`, which must be the running one."""
        assert self._loop is None, "a core is driven by one loop"
        self._loop = loop
        # uvloop's own set of what it listens to: what has come there goes before the public feeds.
        backend = getattr(loop, "_get_backend_id", None)
        self._core.attach(loop.call_soon, self._fail, None if backend is None else backend())
        self._fd = self._core.eventfd
        loop.add_reader(self._fd, self._core.on_durable)
        self._people_fd = self._core.people_fd
        loop.add_reader(self._people_fd, self._core.on_people)
        self._publish_later(loop)

    def serve_workers(self, core: WorkersOf) -> None:
        """Let gateway workers attach, of the core from now on. Raises `CoreError`."""
        assert self._loop is not None, "they are heard on the loop"
        self._workers_fd = core.serve_workers()
        self._loop.add_reader(self._workers_fd, core.on_workers)

    async def command(
        self,
        name: str,
        fields: Mapping[str, Value],
        *,
        account: int = 0,
        request_id: int = 0,
    ) -> tuple[int, list[Event]]:
        """Submit a command of the node itself; return its seq and events once they are durable.

        Cancelling the wait does not take the command back: it is in the log. Raises `NodeFailed`
        if the journal fails first; then it is not known whether the command will be there.
        """
        kind, body = self._schema.encode(name, fields)
        answer: list[tuple[int, bytes]] = []
        waiting = self._wait_for()

        def done(seq: int, events: bytes) -> None:
            answer.append((seq, events))
            self._release(waiting)

        try:
            self._core.command(kind, body, done, account=account, request_id=request_id)
            await waiting
        finally:
            self._waiting.discard(waiting)
        seq, events = answer[0]
        return seq, list(self._schema.decode_events(events))

    async def durable(self) -> int:
        """Wait until all that is applied now is durable; return its seq. Safe to cancel."""
        seq = self._core.seq
        waiting = self._wait_for()
        try:
            self._core.hold(lambda: self._release(waiting))
            await waiting
        finally:
            self._waiting.discard(waiting)
        return seq

    def session(self, account: str, on_message: Callable[[bytes], None]) -> Session:
        """Open a session inside the process, logged on for `account`."""
        return self._core.session(account, on_message)

    def go_away(self, reason: str) -> None:
        """Announce the stop and refuse new commands. Idempotent."""
        if self._loop is not None and self._failure is None:
            self._core.go_away(reason)

    def announce_end(self, reason: str) -> None:
        """Tell sessions that the node will stop; until it does, nothing is refused."""
        if self._loop is not None and self._failure is None:
            self._core.go_away(reason, is_now=False)

    def close(self) -> None:
        """Flush, sync, seal and close. Idempotent.

        Raises `NodeFailed` if the journal fails at this very last moment; a failure that is known
        already has been told.
        """
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._loop is not None:
            self._loop.remove_reader(self._fd)
            self._loop.remove_reader(self._people_fd)
            if self._workers_fd >= 0:
                self._loop.remove_reader(self._workers_fd)
            self._loop = None
        try:
            self._core.close()
        except RuntimeError as error:
            if self._failure is None:
                self._failure = f"JOURNAL_IO: {error}"
                raise NodeFailed(self._failure) from None

    def _publish_later(self, loop: Loop) -> None:
        self._timer = loop.call_later(TICK_INTERVAL_S, self._publish)

    def _publish(self) -> None:
        if not self._more_is_due:
            self._tick()
        if self._loop is not None and self._failure is None:
            if self._ticks % TICKS_PER_PUBLICATION == 0:
                self._core.publish()
            self._ticks += 1
            self._publish_later(self._loop)

    def _tick(self) -> None:
        """Let the core do what is due; what one turn does not do, the next turns do."""
        self._more_is_due = False
        if self._loop is not None and self._failure is None and self._core.tick():
            self._more_is_due = True
            self._loop.call_soon(self._tick)

    def _wait_for(self) -> asyncio.Future[None]:
        if self._failure is not None:
            raise NodeFailed(self._failure)
        if len(self._waiting) >= COMMANDS_MAX:
            raise NodeFailed(f"{COMMANDS_MAX} commands of the node wait already")
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        return waiting

    @staticmethod
    def _release(waiting: asyncio.Future[None]) -> None:
        if not waiting.done():
            waiting.set_result(None)

    def _fail(self, reason: str) -> None:
        if self._failure is not None:
            return
        self._failure = reason
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_exception(NodeFailed(reason))
        self._on_fatal(reason)
