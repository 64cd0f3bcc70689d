"""Compressed messages on real nodes: another library, the SDK, workers, and what is refused."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
import websockets
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from coulisse import Client
from coulisse.client import deflate
from coulisse.client.wire import Wire
from tests.session.raw_socket import RawSocket, dial, packed

from .conftest import Server, environment, launch

LIMIT = 65_536


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A demo market in two workers that compresses, for tests that leave it whole."""
    home = tmp_path_factory.mktemp("deflate")
    environ = environment(home, COULISSE_GATEWAY__DEFLATE="true", COULISSE_GATEWAY__WORKERS="2")
    running = launch(["demo", "--port", "0", "--seed", "7"], environ, home)
    yield running
    assert running.stop() == 0


def subscribe(channel: str, **more: object) -> str:
    params = {"channel": channel, "symbols": ["BTC-USD"], **more}
    return json.dumps({"id": 1, "op": "subscribe", "params": params})


async def a_socket(server: Server, deflates: bool = True) -> RawSocket:
    """A bare socket after its hello."""
    url = urlsplit(server.http)
    assert url.hostname is not None and url.port is not None
    peer = await dial(url.hostname, url.port, url.netloc, deflate=deflates)
    assert await peer.receive() is not None
    return peer


async def code_of(peer: RawSocket) -> int | None:
    """How the node ends a connection."""
    while await peer.receive() is not None:
        pass
    await peer.close()
    return peer.close_code


def of_wire(client: Client) -> Wire:
    session = client._link._session
    assert session is not None and session._wire is not None
    return session._wire


async def test_the_websockets_library_reads_a_feed_and_is_read(server: Server) -> None:
    for bits in (None, 9, 15):
        factory = ClientPerMessageDeflateFactory(
            server_max_window_bits=bits, client_max_window_bits=bits or True
        )
        async with (
            websockets.connect(server.ws, compression=None, extensions=[factory]) as peer,
            asyncio.timeout(20),
        ):
            (extension,) = peer.protocol.extensions
            assert extension.name == "permessage-deflate"
            # The library sends everything compressed, this too.
            await peer.send(subscribe("book", depth=50))
            told = [json.loads(await peer.recv()) for _ in range(6)]
            assert [message["ch"] for message in told[2:]] == ["book"] * 4
            assert told[3]["prev"] == told[2]["seq"] and told[5]["prev"] == told[4]["seq"]
            assert told[2]["type"] == "image" and len(told[2]["bids"]) > 10


async def test_the_sdk_has_its_feeds_compressed_where_it_asks(server: Server) -> None:
    connect = Client.connect
    async with (
        await connect(server.http, credentials=server.credentials, deflate=True) as packing,
        await connect(server.http, credentials=server.credentials) as plain,
        asyncio.timeout(30),
    ):
        assert of_wire(packing)._deflates and not of_wire(plain)._deflates
        seen: list[dict[int, object]] = []
        for client in (packing, plain):
            feed = await client.book("BTC-USD", 50)
            seen.append({})
            async for book in feed:
                seen[-1][book.seq] = (book.level_texts("buy"), book.level_texts("sell"))
                if len(seen[-1]) == 20:
                    break
            assert feed.resync_count == 0
        # A request past the client's own threshold goes compressed as well.
        orders = [{"symbol": "BTC-USD", "side": "buy", "qty": "0.01", "price": "1.00"}] * 20
        assert len(json.dumps(orders)) > deflate.PACK_BYTES_MIN
        assert len(await packing.place_batch(orders)) == 20  # type: ignore[arg-type]
        assert len(await plain.open_orders("BTC-USD")) >= 20
        assert await packing.open_orders("BTC-USD") == await plain.open_orders("BTC-USD")
        await packing.cancel_all("BTC-USD")


async def test_a_node_that_does_not_compress_is_read_as_ever(demo: Server) -> None:
    async with (
        await Client.connect(demo.http, credentials=demo.credentials, deflate=True) as client,
        asyncio.timeout(20),
    ):
        assert not of_wire(client)._deflates
        assert (await anext(await client.book("BTC-USD", 10))).best_bid is not None
    url = urlsplit(demo.http)
    peer = await dial(url.hostname or "", url.port or 0, url.netloc)
    await peer.send_packed(packed(b'{"op":"ping"}'))
    assert await code_of(peer) == 1002


async def test_each_limit_holds_at_it_and_one_past_it_and_harms_nobody(server: Server) -> None:
    other = await a_socket(server)
    await other.send([subscribe("book", depth=50).encode()])
    request = b'{"id":7,"op":"ping"' + b" " * (LIMIT - 20) + b"}"
    assert len(request) == LIMIT
    good = await a_socket(server)
    await good.send_packed(packed(request))
    reply = await good.receive()
    assert reply is not None and json.loads(reply)["id"] == 7
    await good.close()
    bomb = packed(bytes(1 << 20))
    assert len(bomb) < 1_100
    garbage = zlib.compress(b"with a header of zlib")
    for payload, code in (
        (packed(request + b" "), 1009),
        (bomb, 1009),
        (packed(bytes(64 << 20)), 1009),
        (garbage, 1007),
        (packed(b'{"op":"ping"}')[:-3], 1007),
        (packed(b'{"op":"ping"}') + b"more", 1007),
        (b"", 1007),
    ):
        peer = await a_socket(server)
        await peer.send_packed(payload)
        assert await code_of(peer) == code, payload[:40]
    assert await other.receive() is not None, "the others go on"
    while len(other.packed_texts) < 5:
        assert await other.receive() is not None
    await other.close()


async def test_what_is_compressed_is_counted_over_all_workers(server: Server) -> None:
    before = server_metric(server, "deflate_connections_opened_total")
    peers = [await a_socket(server) for _ in range(8)]

    async def read(peer: RawSocket) -> None:
        await peer.send([subscribe("book", depth=50).encode()])
        while len(peer.packed_texts) < 3:
            assert await peer.receive() is not None

    await asyncio.gather(*map(read, peers))
    async with asyncio.timeout(20):
        # What workers count is a second or two old.
        while server_metric(server, "deflate_connections_opened_total") < before + 8:
            assert await peers[0].receive() is not None
    shorter = server_metric(server, "deflate_packed_bytes_total")
    assert 0 < shorter < server_metric(server, "deflate_packed_from_bytes_total") / 2
    for peer in peers:
        await peer.close()


def server_metric(server: Server, name: str) -> float:
    body = httpx.get(f"{server.http}/metrics").text
    lines = [line for line in body.splitlines() if line.startswith(f"coulisse_{name}{{")]
    assert len(lines) == 3, "of the core process and of two workers"
    return sum(float(line.split()[1]) for line in lines)
