"""What a process shows to clients: its listeners, the door, HTTP beside the WebSockets.

The node has one, and so has each of its gateway workers.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import cast

from coulisse import _core
from coulisse.config import GatewayConfig
from coulisse.domain.outcomes import Rejected
from coulisse.gateway.door import Door
from coulisse.gateway.http import HttpSide
from coulisse.gateway.listener import Listener
from coulisse.gateway.plain import PlainHub
from coulisse.gateway.protocol import conn_types
from coulisse.gateway.rest import Site, build_app
from coulisse.telemetry.audit import AuditFile

AUDIT_INTERVAL_S = 0.25
"""How often what was noted is written down."""


class Conns:
    """Makes the connections of a listener, once the core is there."""

    def __init__(self) -> None:
        """Make none yet."""
        self._new: type[_core.Conn] | None = None
        self._again: type[_core.Conn] | None = None
        self._core: _core.Core | None = None

    def open(self, core: _core.Core, http: HttpSide, hub: PlainHub, door: Door) -> None:
        """Make connections of `core` from now on."""
        self._core = core
        side = http.returning_to(self.again, door.leave)
        self._new, self._again = conn_types(side, hub, door)

    def __call__(self) -> asyncio.BaseProtocol:
        """Make one for what was accepted."""
        assert self._new is not None and self._core is not None, "nobody listens before"
        return cast(asyncio.BaseProtocol, self._new(self._core))

    def again(self) -> asyncio.BaseProtocol:
        """Take back what HTTP has served."""
        assert self._again is not None and self._core is not None, "nobody listens before"
        return cast(asyncio.BaseProtocol, self._again(self._core))


class Front:
    """The listeners of a process over one core."""

    def __init__(
        self,
        core: _core.Core,
        gateway: GatewayConfig,
        site: Site,
        spawn: Callable[[Awaitable[None]], object],
        audit: AuditFile,
    ) -> None:
        """Serve `core` and `site`; `spawn` runs what has to be awaited."""
        self.listeners: list[Listener] = []
        self.door = Door(gateway.connections_max, gateway.connections_per_address_max)
        self._core = core
        self._spawn = spawn
        self._hubs: list[PlainHub] = []
        self._closed = asyncio.Event()
        self._audit = audit
        self._http = HttpSide(build_app(site))

    async def listen(self, listener: Listener, hub: PlainHub, conns: Conns) -> None:
        """Accept connections; the door pauses the listener and opens it again."""
        conns.open(self._core, self._http, hub, self.door)
        self.door.attach(listener.pause, lambda: self._spawn(listener.listen()))
        hub.start(self._spawn)
        if not self.listeners:
            self._spawn(self._write_audit())
        if listener.tls is not None:
            self._spawn(listener.tls.follow(self._closed))
        await listener.listen()
        self.listeners.append(listener)
        self._hubs.append(hub)

    def close_listeners(self) -> None:
        """Accept no more; who is there goes on."""
        for listener in self.listeners:
            listener.close()

    def close(self) -> None:
        """Accept no more, and serve no more events."""
        self._closed.set()
        self.close_listeners()
        for hub in self._hubs:
            hub.stop()

    async def stop(self) -> None:
        """Let the HTTP requests under way finish, for a bounded time."""
        await self._http.stop()
        self._take_audit()

    async def _write_audit(self) -> None:
        """Write down who logs on and what operators do, until the listeners are closed."""
        while not self._closed.is_set():
            self._take_audit()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(AUDIT_INTERVAL_S):
                    await self._closed.wait()

    def _take_audit(self) -> None:
        self._audit.write(*self._core.take_audit())


async def no_plain_events(event: str, data: dict[str, object]) -> Rejected | None:
    """Refuse the frames of `/ws` on a node that runs no program of a team's own."""
    message = f"nobody handles {event!r} here; the native protocol is at /v1/ws"
    return Rejected("UNKNOWN_OP", message, "not_sent", "event", event)
