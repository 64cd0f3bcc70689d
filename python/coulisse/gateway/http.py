"""HTTP beside the WebSockets: uvicorn's protocol object on the same transport.

A connection starts as a `Conn` of ours. When its request is not one that Rust serves, the
transport is given to uvicorn for that request, with the bytes read so far; after the response the
transport comes back: the next request on it, an upgrade for instance, is seen by Rust again.
uvicorn's server is not used: the node binds, drives and stops by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPReceiveMessage, Message, Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from coulisse.gateway.request_ids import with_request_ids

STOP_TIMEOUT_S = 5.0
"""How long requests under way may take when the node stops."""
KEEP_ALIVE_S = 30
BODY_TIMEOUT_S = 10.0
"""How long a request's body may take: whoever sends it by drops holds a place that others want."""
REQUESTS_MAX = 1_024
"""Requests that may be under way at one time; more are answered with 503."""


Leave = Callable[[asyncio.BaseTransport | None], None]


def _nobody_counts(transport: asyncio.BaseTransport | None) -> None:
    pass


def whole_first(app: ASGIApp) -> ASGIApp:
    """Return `app`, whose answers wait for the end of their requests.

    Else the next request on the connection could begin in the read that ends a body, and uvicorn
    would take it for its own, whoever's it is. Bytes of a query that are no ASCII are made question
    marks: Litestar takes them for UTF-8, also where it tells of the fault that they are.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        is_whole = False
        if scope["type"] == ScopeType.HTTP and not scope["query_string"].isascii():
            text = scope["query_string"].decode("ascii", "replace")
            scope["query_string"] = text.encode("ascii", "replace")

        async def noted() -> HTTPReceiveMessage:
            nonlocal is_whole
            message = cast("HTTPReceiveMessage", await receive())
            is_whole = is_whole or not message.get("more_body", False)
            return message

        async def in_turn(message: Message) -> None:
            while not is_whole:
                await noted()
            await send(message)

        await app(scope, noted, in_turn)

    return answer


class HttpSide:
    """Serves one ASGI application on transports that others hand over."""

    def __init__(self, app: ASGIApp, *, body_timeout_s: float = BODY_TIMEOUT_S) -> None:
        """Serve `app`; a request must be whole in time."""
        self._body_timeout_s = body_timeout_s
        self._config = Config(
            whole_first(with_request_ids(app)),
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            limit_concurrency=REQUESTS_MAX,
        )
        self._config.load()
        self._state = ServerState()
        self._new_conn: Callable[[], asyncio.BaseProtocol] | None = None
        self._leave: Leave = _nobody_counts

    def returning_to(
        self, new_conn: Callable[[], asyncio.BaseProtocol], leave: Leave = _nobody_counts
    ) -> HttpSide:
        """Return a side that shares all with this one and gives transports back to `new_conn`.

        `leave` is told of a transport that ends here.
        """
        side = object.__new__(HttpSide)
        side._config, side._state, side._new_conn = self._config, self._state, new_conn
        side._leave, side._body_timeout_s = leave, self._body_timeout_s
        return side

    def take_over(self, transport: asyncio.Transport, data: bytes) -> None:
        """Serve the request that begins with `data` on `transport`."""
        protocol = _ReturningHttp(self._config, self._state, self._new_conn, self._leave)
        protocol.body_timeout_s = self._body_timeout_s
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        protocol.data_received(data)

    async def stop(self) -> None:
        """Let the requests under way finish, for a bounded time, then close the connections."""
        for protocol in list(self._state.connections):
            protocol.shutdown()
        tasks = list(self._state.tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_TIMEOUT_S)


class _ReturningHttp(HttpToolsProtocol):
    """uvicorn's protocol, which gives the transport back when a response is complete."""

    def __init__(
        self,
        config: Config,
        state: ServerState,
        new_conn: Callable[[], asyncio.BaseProtocol] | None,
        leave: Leave,
    ) -> None:
        super().__init__(config, state, {})
        self._leave = leave
        self._new_conn = new_conn
        self.body_timeout_s = BODY_TIMEOUT_S
        self._in_message = False
        self._deadline: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave(self.transport)
        self._end_deadline()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._in_message = True
        self._end_deadline()
        self._deadline = self.loop.call_later(self.body_timeout_s, self.transport.close)
        super().on_message_begin()

    def on_message_complete(self) -> None:
        self._in_message = False
        self._end_deadline()
        super().on_message_complete()

    def _end_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _unsupported_upgrade_warning(self) -> None:
        # An upgrade that comes this far asked for a path without sockets: its answer is a 404, and
        # no library that could be installed would change that.
        pass

    def on_response_complete(self) -> None:
        # What the client has pipelined behind this request is uvicorn's to answer: the bytes are
        # in its parser already.
        busy = bool(self.pipeline) or self._in_message
        super().on_response_complete()
        if busy or self._new_conn is None or self.transport.is_closing():
            return
        self._unset_keepalive_if_required()
        self.connections.discard(self)
        conn = self._new_conn()
        self.transport.set_protocol(conn)
        conn.connection_made(self.transport)
