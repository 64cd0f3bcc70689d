"""What the core writes to a socket itself and what its transport writes leave in one order."""

import asyncio
import json
import socket

from coulisse import _core
from coulisse.domain.schema import schema
from coulisse.engine.driver import Driver
from tests.session.raw_socket import TEXT, frame

UPGRADE = (
    b"GET /v1/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class HeldTransport:
    """A transport that writes what it is given only when the test says so."""

    def __init__(self, end: socket.socket, sslcontext: object = None) -> None:
        self.end = end
        self.waiting = b""
        self.calls: list[str] = []
        self._info = {"socket": end, "sslcontext": sslcontext, "peername": ("127.0.0.1", 1)}

    def get_extra_info(self, name: str) -> object:
        return self._info[name]

    def get_write_buffer_size(self) -> int:
        return len(self.waiting)

    def write(self, data: bytes) -> None:
        self.waiting += data

    def pause_reading(self) -> None:
        self.calls.append("pause_reading")

    def resume_reading(self) -> None:
        self.calls.append("resume_reading")

    def close(self) -> None:
        self.calls.append("close")

    def abort(self) -> None:
        self.calls.append("abort")

    def flush(self) -> None:
        """Write what waits, as far as the kernel takes it."""
        self.waiting = self.waiting[self.end.send(self.waiting) :]


class Connection:
    """A connection of a core, whose peer is the test."""

    def __init__(self, core: _core.Core, sslcontext: object = None) -> None:
        ours, self.peer = socket.socketpair()
        ours.setblocking(False)
        self.peer.setblocking(False)
        self.transport = HeldTransport(ours, sslcontext)
        self.conn = _core.Conn(core)
        self.conn.connection_made(self.transport)
        self.asked = 0
        self.got = b""

    async def feed(self, data: bytes) -> None:
        """Send the core something, and let the loop go round."""
        self.conn.get_buffer(-1)[: len(data)] = data
        self.conn.buffer_updated(len(data))
        for _ in range(3):
            await asyncio.sleep(0)

    async def ask(self) -> None:
        """Ask for something small that is answered at once."""
        text = json.dumps({"id": self.asked, "op": "ping"}).encode()
        self.asked += 1
        await self.feed(frame(TEXT, text))

    def read(self, count: int = 1 << 20) -> None:
        """Take what has come."""
        self.got += self.peer.recv(count)

    def ids(self) -> list[int]:
        """Return the ids of all answers, in the order in which they came."""
        rest, ids = self.got.partition(b"\r\n\r\n")[2], []
        while rest:
            size, head = (rest[1], 2) if rest[1] < 126 else (int.from_bytes(rest[2:4], "big"), 4)
            answer = json.loads(rest[head : head + size])
            ids += [answer["id"]] if "id" in answer else []
            rest = rest[head + size :]
        return ids

    def close(self) -> None:
        """End it."""
        self.conn.connection_lost(None)
        self.peer.close()
        self.transport.end.close()


async def a_core() -> tuple[Driver, _core.Core]:
    core = _core.Core(disk=_core.SimDisk())
    driver = Driver(core, schema(), lambda reason: None)
    driver.attach(asyncio.get_running_loop())
    await driver.durable()
    return driver, core


async def test_a_socket_that_fills_and_empties_is_written_to_in_order() -> None:
    driver, core = await a_core()
    one = Connection(core)
    await one.feed(UPGRADE)
    assert one.transport.waiting == b"", "the kernel takes it"
    for _ in range(2):
        while not one.transport.waiting:
            await one.ask()
        one.read(4_096)
        before = one.transport.waiting
        await one.ask()
        assert one.transport.waiting.startswith(before) and one.transport.waiting != before, (
            "there is room again, and others are first"
        )
        one.read()
        one.transport.flush()
        await one.ask()
        assert one.transport.waiting == b"", "straight again"
    one.read()
    assert one.ids() == list(range(one.asked)) and one.asked > 100
    one.close()
    driver.close()


async def test_what_a_transport_encrypts_is_only_written_by_it() -> None:
    driver, core = await a_core()
    one = Connection(core, sslcontext=object())
    await one.feed(UPGRADE)
    await one.ask()
    one.got = one.transport.waiting
    assert one.ids() == [0]
    one.close()
    driver.close()


async def test_a_broken_socket_is_ended_and_what_it_was_sent_is_dropped() -> None:
    driver, core = await a_core()
    one = Connection(core)
    await one.feed(UPGRADE)
    one.peer.close()
    await one.ask()
    await one.ask()
    assert "abort" in one.transport.calls and one.transport.waiting == b""
    one.close()
    driver.close()
