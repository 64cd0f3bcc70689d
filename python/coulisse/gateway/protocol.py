"""The protocol object of one connection: Rust does the work, Python only passes things on.

`Conn` keeps no state of its own (empty slots): a connection costs what its Rust part costs. What
it calls is closed over by the class, which is therefore made once per listener.
"""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

from coulisse import _core

WRITE_HIGH_WATER_BYTES = 65_536
"""What may wait in the transport before the core is told to hold a connection back."""


class Http(Protocol):
    """Takes over connections that are not WebSockets."""

    def take_over(self, transport: asyncio.Transport, data: bytes) -> None:
        """Serve HTTP on `transport`; `data` has been read from it already."""


class Plain(Protocol):
    """Takes what plain WebSocket connections say."""

    def opened(self, conn: _core.Conn) -> None:
        """A connection is open."""

    def message(self, conn: _core.Conn, text: bytes) -> None:
        """It sent a text."""

    def closed(self, conn: _core.Conn) -> None:
        """It is gone."""


class Door(Protocol):
    """Counts connections and keeps their number bounded."""

    def admit(self, transport: asyncio.Transport) -> bool:
        """Tell whether a new connection may stay; answer and close it where it may not."""

    def leave(self, transport: asyncio.BaseTransport | None) -> None:
        """A connection is gone. Idempotent."""


def conn_types(http: Http, plain: Plain, door: Door) -> tuple[type[_core.Conn], type[_core.Conn]]:
    """Return the class of what a listener accepts, and of what HTTP gives back."""

    class Conn(_core.Conn, asyncio.BufferedProtocol):
        """One TCP connection."""

        __slots__ = ()

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            transport.set_write_buffer_limits(high=WRITE_HIGH_WATER_BYTES)
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            door.leave(cast(asyncio.BaseTransport | None, self.transport))
            super().connection_lost(exc)

        def hand_over(self, data: bytes) -> None:
            # uvloop's transports have the methods of asyncio's, but not its class.
            transport = cast(asyncio.Transport | None, self.transport)
            assert transport is not None, "it is given back only after this"
            http.take_over(transport, data)

        def plain_opened(self) -> None:
            plain.opened(self)

        def plain_message(self, text: bytes) -> None:
            plain.message(self, text)

        def plain_closed(self) -> None:
            plain.closed(self)

    class NewConn(Conn):
        """One that was accepted just now."""

        __slots__ = ()

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            if door.admit(transport):
                super().connection_made(transport)

    return NewConn, Conn
