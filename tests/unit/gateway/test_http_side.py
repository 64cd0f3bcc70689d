"""HTTP on transports that are handed over: a request by drops is ended, one in time is answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest
from litestar.types import Receive, Scope, Send
from litestar.types.asgi_types import HTTPResponseBodyEvent, HTTPResponseStartEvent

from coulisse.gateway.http import HttpSide

TIMEOUT_S = 1.0
HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n"


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    more = True
    while more:
        message = await receive()
        more = message["type"] == "http.request" and message["more_body"]
    await send(HTTPResponseStartEvent(type="http.response.start", status=200, headers=[]))
    body = HTTPResponseBodyEvent(type="http.response.body", body=b"whole", more_body=False)
    await send(body)


class _HandsOver(asyncio.Protocol):
    def __init__(self, side: HttpSide) -> None:
        self._side = side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._side.take_over(self._transport, data)


@pytest.fixture
async def address() -> AsyncIterator[tuple[str, int]]:
    side = HttpSide(_app, body_timeout_s=TIMEOUT_S)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _HandsOver(side), "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[:2]
    server.close()
    await side.stop()


async def test_a_body_that_comes_by_drops_ends_the_connection(address: tuple[str, int]) -> None:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(HEAD + b"ab")
    async with asyncio.timeout(20):
        assert b"whole" not in await reader.read()
    writer.close()


async def test_a_body_in_time_is_answered_and_its_connection_serves_on(
    address: tuple[str, int],
) -> None:
    reader, writer = await asyncio.open_connection(*address)
    async with asyncio.timeout(20):
        for _ in range(2):
            writer.write(HEAD + b"ab")
            await writer.drain()
            writer.write(b"cd")
            assert b"200 OK" in await reader.readuntil(b"whole\r\n0\r\n\r\n")
    writer.close()
