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
BATCH_CANCELS_RESERVED = 1_024
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


async def test_what_exceeds_one_batch_is_refused_and_its_id_is_free_afterwards() -> None:
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
    fitting = BATCH_COMMANDS_MAX - BATCH_CANCELS_RESERVED
    for number in range(fitting):
        session.request(_place(number))
    session.request(_place(900_000))
    for _ in range(BATCH_CANCELS_RESERVED):
        session.request(b'{"id":"c","op":"order.cancel_all"}')
    session.request(b'{"id":"late","op":"order.cancel_all"}')
    async with asyncio.timeout(60):
        await complete.wait()
    refused = [r for r in replies if not r["ok"] and _code(r) == "OVERLOADED"]
    assert [r["id"] for r in refused] == [900_000, "late"]
    assert all(_error(r)["state"] == "not_sent" for r in refused)
    placed = [r for r in replies if isinstance(r["id"], int) and r not in refused]
    assert [r["id"] for r in placed] == list(range(fitting)), "every reply, in order"
    assert core.metrics()["requests_overloaded"] == 2
    complete.clear()
    wanted += 1
    session.request(_place(900_000))
    async with asyncio.timeout(20):
        await complete.wait()
    assert replies[-1]["ok"], replies[-1]
    assert "duplicate" not in json.dumps(replies[-1])
    driver.close()


def _error(reply: dict[str, object]) -> dict[str, object]:
    error = reply["error"]
    assert isinstance(error, dict)
    return error


def _code(reply: dict[str, object]) -> object:
    return _error(reply)["code"]


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
    quick = await world.session("alice-00", "trader")
    slow.reader.set_exception(ConnectionError("this end has stopped reading"))
    slow.writer.transport.pause_reading()  # type: ignore[attr-defined]
    asked = b'{"id":"' + b"x" * 60 + b'","op":"balances.get"}'
    sent = 0
    closed_before = await _slow_closed(server)
    async with asyncio.timeout(60):
        while await _slow_closed(server) == closed_before:
            if not slow.writer.is_closing():
                slow.writer.write(b"".join(_frames(asked, 500)))
                sent += 500
            await quick.send([b'{"id":1,"op":"ping"}'])
            assert await quick.receive() is not None
    assert sent < 100_000, "what it could make the node keep is bounded"
    await world.stop()


def _frames(text: bytes, count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield frame(TEXT, text)


async def _slow_closed(server: Server) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    body = (await reader.read()).decode()
    writer.close()
    lines = [line for line in body.splitlines() if "sessions_slow_closed" in line]
    counts = [line for line in lines if not line.startswith("#")]
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
