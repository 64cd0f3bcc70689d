"""Far more than a node can do is sent to it: nobody is cut off, everything is answered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from coulisse.config import GatewayConfig
from tests.session.raw_socket import TEXT, RawSocket, frame
from tests.session.worlds import Server, ServerWorld, config_of

UNLIMITED = GatewayConfig(key_rate=0, account_rate=0, address_rate=0)
CONFIG = config_of(1).model_copy(update={"gateway": UNLIMITED})
SOCKETS = 40
EACH = 3_000
"""Requests of each socket: many more than the node takes in one turn of its loop."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    shared = Server(tmp_path_factory.mktemp("server"), CONFIG)
    yield shared
    shared.stop()


def request(number: int) -> bytes:
    """Return every third a cancel, each other one an order that rests."""
    if number % 3 == 2:
        return json.dumps({"id": number, "op": "order.cancel_all"}).encode()
    params = {"symbol": "BTC00-USD", "side": "buy", "qty": "0.00001", "price": "1"}
    text = json.dumps({"id": number, "op": "order.place", "params": params}, separators=(",", ":"))
    return text.encode()


FLOW = b"".join(frame(TEXT, request(number)) for number in range(EACH))


async def flood(socket: RawSocket) -> list[dict[str, object]]:
    """Write all at once, as an open loop does, and read every answer."""

    async def write() -> None:
        socket.writer.write(FLOW)
        await socket.writer.drain()

    async def read() -> list[dict[str, object]]:
        answers: list[dict[str, object]] = []
        while len(answers) < EACH:
            text = await socket.receive()
            assert text is not None, f"cut off after {len(answers)} answers"
            answers.append(json.loads(text))
        return answers

    _, answers = await asyncio.gather(write(), read())
    return answers


async def test_a_flood_is_answered_whole_and_its_cancels_are_done(
    server: Server, tmp_path: Path
) -> None:
    world = ServerWorld(tmp_path, CONFIG, server)
    sockets = []
    for _ in range(SOCKETS):
        socket = await world.session("bob-00", "trader")
        assert isinstance(socket, RawSocket)
        sockets.append(socket)
    async with asyncio.timeout(240):
        everything = await asyncio.gather(*[flood(socket) for socket in sockets])
    for answers in everything:
        # A refusal waits for nothing, so it may overtake an order; each is answered once.
        assert sorted(int(str(answer["id"])) for answer in answers) == list(range(EACH))
        for answer in answers:
            if answer["ok"]:
                continue
            error = answer["error"]
            assert isinstance(error, dict)
            assert error["code"] == "OVERLOADED", answer
            assert int(str(answer["id"])) % 3 != 2, "a cancel was refused"
    quiet = await world.session("alice-00", "trader")
    await quiet.send([b'{"id":1,"op":"order.cancel_all"}'])
    assert json.loads(await quiet.receive() or b"{}")["ok"]
    await world.stop()


async def test_a_peer_that_goes_while_it_waits_is_noticed_and_the_node_stops_at_once(
    tmp_path: Path,
) -> None:
    server = Server(tmp_path / "own", CONFIG)
    world = ServerWorld(tmp_path, CONFIG, server)
    sockets = []
    for _ in range(4):
        socket = await world.session("bob-00", "trader")
        assert isinstance(socket, RawSocket)
        # It takes nothing of what it is told.
        socket.reader.set_exception(ConnectionError("this end has stopped reading"))
        socket.writer.transport.pause_reading()  # type: ignore[attr-defined]
        sockets.append(socket)
    for socket in sockets:
        socket.writer.write(FLOW)
    watcher = await world.session("alice-00", "trader")
    async with asyncio.timeout(60):
        # What the sockets still hold back is what the node does not read.
        while any(_left(socket) == len(FLOW) for socket in sockets):
            await _turn(watcher)
        for socket in sockets[:2]:
            socket.writer.transport.abort()
        while await server_connections(server) > 3 + 1:
            await _turn(watcher)
    await world.stop()
    server.stop()


def _left(socket: RawSocket) -> int:
    return int(socket.writer.transport.get_write_buffer_size())


async def _turn(watcher: object) -> None:
    await watcher.send([b'{"id":1,"op":"ping"}'])  # type: ignore[attr-defined]
    assert await watcher.receive() is not None  # type: ignore[attr-defined]


async def server_connections(server: Server) -> int:
    """Return how many connections the node has, that of this question included."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    body = (await reader.read()).decode()
    writer.close()
    lines = [line for line in body.splitlines() if line.startswith("coulisse_door_connections{")]
    assert lines, body[:2_000]
    return int(float(lines[0].split()[-1]))
