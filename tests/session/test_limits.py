"""What one session can make the node keep: a full batch, a tick too long, a reader too slow."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from coulisse import _core
from coulisse.domain.schema import schema
from coulisse.engine.driver import Driver
from coulisse.node.seed import seed
from tests.session.raw_socket import TEXT, RawSocket, frame
from tests.session.worlds import Server, ServerWorld, config_of

BATCH_COMMANDS_MAX = 16_384
CONFIG = config_of(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    shared = Server(tmp_path_factory.mktemp("server"), CONFIG)
    yield shared
    shared.stop()


def _place(number: int) -> bytes:
    params = {"symbol": "BTC00-USD", "side": "buy", "qty": "0.00001", "price": "1"}
    params["client_order_id"] = f"c{number}"
    return json.dumps({"id": number, "op": "order.place", "params": params}).encode()


async def test_what_exceeds_one_batch_goes_into_the_next_and_all_is_answered_in_order() -> None:
    core = _core.Core(disk=_core.SimDisk(), segment_bytes=16 << 20)
    driver = Driver(core, schema(), lambda reason: pytest.fail(reason))
    driver.attach(asyncio.get_running_loop())
    await seed(core, driver, CONFIG)
    replies: list[dict[str, object]] = []
    complete = asyncio.Event()
    wanted = BATCH_COMMANDS_MAX + 2

    def take(text: bytes) -> None:
        replies.append(json.loads(text))
        if len(replies) == wanted:
            complete.set()

    session = core.session("alice-00", take)
    most = 0
    for number in range(wanted):
        # Now and then a cancel, or the account would have too many orders.
        cancel = json.dumps({"id": number, "op": "order.cancel_all"}).encode()
        session.request(_place(number) if number % 1_000 else cancel)
        waiting = core.metrics()["gateway_batch_commands"]
        assert isinstance(waiting, int)
        most = max(most, waiting)
    async with asyncio.timeout(60):
        await complete.wait()
    assert [r["id"] for r in replies] == list(range(wanted)), "every reply, in order"
    assert all(r["ok"] for r in replies)
    assert most < BATCH_COMMANDS_MAX, "a batch that is full is taken at once"
    assert core.metrics()["gateway_requests_overloaded_total"] == 0
    driver.close()


async def test_a_read_with_a_thousand_requests_is_answered_in_order(
    server: Server, tmp_path: Path
) -> None:
    world = ServerWorld(tmp_path, CONFIG, server)
    peer = await world.session("bob-00", "trader")
    texts = [json.dumps({"id": n, "op": "order.cancel_all"}).encode() for n in range(3_000)]
    await peer.send(texts)
    for number in range(len(texts)):
        got = json.loads(await peer.receive() or b"{}")
        assert (got["id"], got["ok"]) == (number, True)
    await world.stop()


async def test_a_session_that_does_not_read_is_ended_and_the_others_notice_nothing(
    server: Server, tmp_path: Path
) -> None:
    world = ServerWorld(tmp_path, CONFIG, server)
    slow = await world.session("bob-00", "reader")
    assert isinstance(slow, RawSocket)
    for channel in ("orders", "balances"):
        await slow.send([f'{{"op":"subscribe","params":{{"channel":"{channel}"}}}}'.encode()])
    busy, quick = await world.session("bob-00", "trader"), await world.session("alice-00", "trader")
    slow.reader.set_exception(ConnectionError("this end has stopped reading"))
    slow.writer.transport.pause_reading()  # type: ignore[attr-defined]
    turns = 0
    closed_before = await _slow_closed(server)
    async with asyncio.timeout(60):
        while await _slow_closed(server) == closed_before:
            # Each with an id of its own: what was placed before would be no news.
            asked = [_place(100 * turns + number) for number in range(100)]
            asked.append(b'{"id":1,"op":"order.cancel_all"}')
            await busy.send(asked)
            for _ in asked:
                assert await busy.receive() is not None
            turns += 1
            await quick.send([b'{"id":1,"op":"ping"}'])
            assert await quick.receive() is not None
    assert turns < 200, "what it could make the node keep is bounded"
    await world.stop()


async def test_what_a_session_asks_and_does_not_read_is_bounded_by_what_is_read_of_it(
    server: Server, tmp_path: Path
) -> None:
    world = ServerWorld(tmp_path, CONFIG, server)
    slow = await world.session("bob-00", "reader")
    assert isinstance(slow, RawSocket)
    quick = await world.session("alice-00", "trader")
    closed_before = await _slow_closed(server)
    slow.reader.set_exception(ConnectionError("this end has stopped reading"))
    transport = slow.writer.transport
    transport.pause_reading()  # type: ignore[attr-defined]
    asked = b"".join(_frames(b'{"id":"' + b"x" * 60 + b'","op":"balances.get"}', 500))
    async with asyncio.timeout(60):
        # Much more than the buffers of both kernels and of the node hold.
        slow.writer.write(asked * 400)
        left, turns = transport.get_write_buffer_size() + 1, 0
        while turns < 20:
            now = transport.get_write_buffer_size()
            left, turns = now, turns + 1 if now == left else 0
            await quick.send([b'{"id":1,"op":"ping"}'])
            assert await quick.receive() is not None
            await _slow_closed(server)
    assert left > len(asked) * 200, "the node reads no more of it"
    assert await _slow_closed(server) == closed_before, "it has time to read yet"
    await world.stop()


def _frames(text: bytes, count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield frame(TEXT, text)


async def _slow_closed(server: Server) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    body = (await reader.read()).decode()
    writer.close()
    name = 'coulisse_gateway_sessions_closed_total{worker="0",reason="slow"'
    counts = [line for line in body.splitlines() if line.startswith(name)]
    assert counts, body[:2_000]
    return int(float(counts[0].split()[-1]))


def _threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


async def test_a_core_that_is_dropped_ends_its_thread_and_frees_its_disk() -> None:
    before = _threads()
    disk = _core.SimDisk()
    for incarnation in range(1, 6):
        core = _core.Core(disk=disk, segment_bytes=1 << 16)
        core.attach(asyncio.get_running_loop().call_soon, pytest.fail)
        assert core.recovery["incarnation"] == incarnation
        assert _threads() == before + 1
        core.flush()
        turned = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(turned.set_result, None)
        await turned
        del core
    assert _threads() == before
