"""The door of a real node: each limit at the limit and one past it, and nobody is harmed."""

from __future__ import annotations

import asyncio
import json
import resource
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest

from coulisse import Client
from coulisse.domain.outcomes import OrderResult, Rejected
from tests.session.raw_socket import RawSocket, dial

from .conftest import COMMAND, Server, Start, environment, launch

CONNECTIONS = 20
FILES = 60
FEW_FILES = ["sh", "-c", 'ulimit -n 160; exec "$@"', "sh", *COMMAND]
SERVE = ("serve", "--port", "0", "--durability", "os", "--data-dir", "data")


def _address(server: Server) -> tuple[str, int]:
    host, port = server.http.removeprefix("http://").split(":")
    return host, int(port)


async def _dial(server: Server) -> RawSocket:
    host, port = _address(server)
    return await dial(host, port, f"{host}:{port}")


async def _answers(peer: RawSocket) -> bool:
    await peer.send([b'{"id":1,"op":"ping"}'])
    while (text := await peer.receive()) is not None:
        if json.loads(text).get("ok"):
            return True
    return False


async def _metric(server: Server, name: str) -> int:
    async with httpx.AsyncClient() as http:
        body = (await http.get(f"{server.http}/metrics")).text
    values = [
        line.split()[1] for line in body.splitlines() if line.startswith((f"{name}{{", f"{name} "))
    ]
    assert values, body
    return int(float(values[0]))


async def test_whoever_is_one_too_many_waits_until_another_has_gone(start: Start) -> None:
    server = start(*SERVE, COULISSE_GATEWAY__CONNECTIONS_MAX=str(CONNECTIONS))
    peers = [await _dial(server) for _ in range(CONNECTIONS)]
    waiting = asyncio.get_running_loop().create_task(_dial(server))
    done, _ = await asyncio.wait([waiting], timeout=0.5)
    assert not done, "nobody is accepted at the limit"
    for peer in peers:
        assert await _answers(peer)
    await peers.pop().close()
    late = await waiting
    assert await _answers(late)
    for peer in peers:
        await peer.close()
    assert await _metric(server, "coulisse_door_pauses_total") >= 1
    assert await _metric(server, "coulisse_door_connections_max") == CONNECTIONS
    await late.close()


async def test_http_and_what_comes_back_from_it_count_once(start: Start) -> None:
    server = start(*SERVE, COULISSE_GATEWAY__CONNECTIONS_MAX="3")
    peer = await _dial(server)
    async with httpx.AsyncClient() as http:
        for _ in range(20):
            assert (await http.get(f"{server.http}/healthz")).status_code == 200
    for _ in range(20):
        async with httpx.AsyncClient() as http:
            assert (await http.get(f"{server.http}/healthz")).status_code == 200
    assert await _metric(server, "coulisse_door_connections") == 2, "this one and the socket"
    assert await _answers(peer)
    await peer.close()


async def test_an_address_has_its_share_of_the_connections_and_no_more(start: Start) -> None:
    server = start(*SERVE, COULISSE_GATEWAY__CONNECTIONS_PER_ADDRESS_MAX="3")
    peers = [await _dial(server) for _ in range(3)]
    reader, writer = await asyncio.open_connection(*_address(server))
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.transport.abort()
    assert answer.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
    assert b"Retry-After: 1\r\n" in answer and b'"code": "OVERLOADED"' in answer
    assert all([await _answers(peer) for peer in peers])
    await peers.pop().close()
    again = await _until_admitted(server)
    for peer in [*peers, again]:
        await peer.close()


async def _until_admitted(server: Server) -> RawSocket:
    """Dial once there is room: the server hears of an end only a moment after it."""
    async with asyncio.timeout(10):
        while not await _is_served(server):
            pass
    return await _dial(server)


async def _is_served(server: Server) -> bool:
    reader, writer = await asyncio.open_connection(*_address(server))
    try:
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return (await reader.read()).startswith(b"HTTP/1.1 200 ")
    except ConnectionError:
        return False
    finally:
        writer.transport.abort()


@pytest.fixture(params=["from the start", "lowered under it"])
def poor(request: pytest.FixtureRequest, start: Start, tmp_path: Path) -> Iterator[Server]:
    """A server that may open few files, and knows it; or that runs out of them."""
    if request.param == "from the start":
        server = launch([*SERVE], environment(tmp_path), tmp_path, FEW_FILES)
    else:
        server = start(*SERVE)
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (FILES, FILES))
    yield server
    server.process.kill()
    server.stop(signal.SIGKILL)


async def test_a_flood_beyond_the_descriptors_harms_no_session_and_no_order(poor: Server) -> None:
    async with await Client.connect(poor.http, credentials=poor.credentials) as client:
        await client.deposit("operator", "USD", "1000")
        flood = await _flood(poor, 400)
        for _ in range(5):
            placed = await client.place("BTC-USD", "buy", "0.001", price="60")
            assert isinstance(placed, OrderResult)
        for writer in flood:
            writer.transport.abort()
        late = await _until_admitted(poor)
        assert await _answers(late)
        await late.close()
    assert await asyncio.to_thread(poor.stop) == 0


async def _flood(server: Server, count: int) -> Sequence[asyncio.StreamWriter]:
    writers = []
    for _ in range(count):
        _, writer = await asyncio.open_connection(*_address(server))
        writers.append(writer)
    return writers


async def test_a_stranger_is_ended_in_time_and_a_session_is_not(start: Start) -> None:
    server = start(*SERVE, COULISSE_GATEWAY__LOGON_TIMEOUT_S="1")
    async with await Client.connect(server.http, credentials=server.credentials) as client:
        stranger = await _dial(server)
        while await stranger.receive() is not None:
            pass
        assert stranger.close_code == 1008
        await stranger.close()
        assert await client.balances() is not None
    assert (
        await _metric(
            server, 'coulisse_gateway_sessions_closed_total{worker="0",reason="stranger"}'
        )
        == 1
    )


async def test_each_order_of_a_batch_counts_against_the_rate(start: Start) -> None:
    server = start(*SERVE, COULISSE_GATEWAY__KEY_RATE="20")
    async with await Client.connect(server.http, credentials=server.credentials) as client:
        order = {"symbol": "BTC-USD", "side": "buy", "qty": "0.001", "price": "60"}
        # 40 at once: the first batch leaves no room for another of its size within a second.
        first = await client.place_batch([order] * 30)
        pong = await client._link.ask("ping", {"quota": True})
        left = pong["quota_left"]
        assert isinstance(left, int) and left < 30
        second = await client.place_batch([order] * 30)
        assert isinstance(first, list) and len(first) == 30
        assert isinstance(second, Rejected)
        assert (second.code, second.field, second.state) == ("RATE_LIMITED", "key", "not_sent")


async def test_a_key_beyond_its_rate_is_refused_and_its_cancels_are_not(start: Start) -> None:
    server = start(*SERVE, COULISSE_GATEWAY__KEY_RATE="20")
    async with await Client.connect(server.http, credentials=server.credentials) as client:
        await client.deposit("operator", "USD", "1000")
        asked = [client.place("BTC-USD", "buy", "0.001", price="60") for _ in range(100)]
        answers = await asyncio.gather(*asked)
        placed = [one for one in answers if isinstance(one, OrderResult)]
        refused = [one for one in answers if isinstance(one, Rejected)]
        assert len(placed) + len(refused) == 100
        assert 20 <= len(placed) < 70, "the burst, and what came back meanwhile"
        assert {one.code for one in refused} == {"RATE_LIMITED"}
        assert {(one.field, one.limit, one.state) for one in refused} == {("key", "20", "not_sent")}
        cancelled = await client.cancel(placed[0].order_id)
        assert isinstance(cancelled, OrderResult)
    assert await _metric(server, "coulisse_gateway_requests_limited_total") == len(refused)


async def test_an_address_beyond_its_rate_gets_429_over_http(start: Start) -> None:
    server = start(
        *SERVE,
        COULISSE_GATEWAY__ADDRESS_RATE="2",
        COULISSE_GATEWAY__TRUSTED_PROXIES='["127.0.0.0/8"]',
    )
    async with httpx.AsyncClient() as http:

        async def ask(forwarded_for: str) -> httpx.Response:
            headers = {"X-Forwarded-For": forwarded_for}
            return await http.get(f"{server.http}/v1/instruments", headers=headers)

        answers = [await ask("203.0.113.7") for _ in range(12)]
        codes = [answer.status_code for answer in answers]
        assert codes[:4] == [200] * 4 and 429 in codes
        refused = answers[codes.index(429)]
        assert int(refused.headers["Retry-After"]) >= 1
        assert refused.json()["error"]["code"] == "RATE_LIMITED"
        assert (await ask("203.0.113.8")).status_code == 200, "whom else the proxy speaks for"
