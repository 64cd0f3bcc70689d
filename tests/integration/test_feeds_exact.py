"""What feeds deliver is what the log says, at every seq.

Clients on bare sockets, with nothing of the product's own client in them, keep books from images
and deltas while random commands run. The truth is the twin's (`tests/session/twin.py`): it knows
which command has which seq, and so each book after each command, and what each account was told.
"""

import asyncio
import random
import socket
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from coulisse import _core
from tests.model.codec import Message
from tests.session.followers import (
    BookFollower,
    ChannelFollower,
    Client,
    Levels,
    price_text,
    qty_text,
)
from tests.session.twin import Life, begin, random_command
from tests.session.worlds import private_key

SPREAD_TICKS = 90
SILENCE_S = 30.0
"""No message at all for so long is a fault; that all of them take long is a busy machine."""
PUBLISH_INTERVAL_S = 0.1
"""As a node does."""
PUBLICATIONS_PER_WORD = 50
"""A node counts time in publications, ten a second. These tests publish far faster, so their
clients say often that they are there."""
KEY_ID = "alice-feeds"


def closed_by_the_node(core: _core.Core) -> dict[str, int]:
    """Return how many sessions it ended, by reason."""
    closed = core.metrics()["gateway_sessions_closed_total"]
    assert isinstance(closed, dict)
    return closed


class Conn(_core.Conn, asyncio.BufferedProtocol):
    """A connection whose transport keeps little, so that a slow reader is soon known as one."""

    __slots__ = ()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        transport.set_write_buffer_limits(high=4_096)
        super().connection_made(transport)


@dataclass(slots=True)
class Venue:
    """A life with a listening socket."""

    life: Life
    port: int
    moved: asyncio.Event
    readers: asyncio.TaskGroup
    clients: list[Client] = field(default_factory=list)
    published: int = 0

    async def client(
        self, key_id: str | None = None, buffer_bytes: int | None = None, deflate: bool = False
    ) -> Client:
        """Connect a client that reads."""
        client = Client(self.port, self.moved, deflate)
        self.clients.append(client)
        await self.connect(client, key_id, buffer_bytes)
        return client

    async def connect(
        self, client: Client, key_id: str | None = None, buffer_bytes: int | None = None
    ) -> None:
        """Connect it, for the first time or again."""
        await client.connect(key_id, buffer_bytes)
        self.readers.create_task(client.read())

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait for something that a message brings about."""
        while not reached():
            self.moved.clear()
            async with asyncio.timeout(SILENCE_S):
                await self.moved.wait()

    async def publish(self) -> None:
        """Publish, however little time has passed since the last time."""
        self.published += 1
        if self.published % PUBLICATIONS_PER_WORD == 0:
            for client in self.clients:
                await client.say_i_am_here()
        self.life.core.publish()
        await self.life.tick()

    def check_all_are_here(self) -> None:
        """Nobody was ended for silence: that would look like a feed that stands still."""
        assert closed_by_the_node(self.life.core)["silent"] == 0

    async def publish_until(self, reached: Callable[[], bool]) -> None:
        """Publish as a node does, again and again: who was too slow for one gets the next."""
        silent_s = 0.0
        while not reached():
            self.check_all_are_here()
            assert silent_s < SILENCE_S, "nobody is told anything more"
            self.life.core.publish()
            self.moved.clear()
            await asyncio.sleep(PUBLISH_INTERVAL_S)
            silent_s = 0.0 if self.moved.is_set() else silent_s + PUBLISH_INTERVAL_S

    async def flow(self, rng: random.Random, serials: Iterable[int]) -> None:
        """Send random commands; publish at random moments."""
        for serial in serials:
            random_command(rng, self.life, serial, SPREAD_TICKS)
            if rng.random() < 0.7:
                await self.life.tick()
            if rng.random() < 0.4:
                await self.publish()
        await self.life.all_told()


async def _listen(core: _core.Core) -> tuple[asyncio.Server, int]:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
    listening.bind(("127.0.0.1", 0))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Conn(core), sock=listening)
    return server, listening.getsockname()[1]


def books_of(events: dict[int, list[Message]]) -> dict[int, tuple[Levels, Levels]]:
    """The whole book after every seq."""
    sides: dict[str, dict[int, int]] = {"buy": {}, "sell": {}}
    books = {}
    for seq in sorted(events):
        for event in events[seq]:
            if event.kind == "LevelChanged":
                side = sides[event.side]
                side.pop(event.price, None)
                if event.qty:
                    side[event.price] = event.qty
        bids = [(price_text(p), qty_text(q)) for p, q in sorted(sides["buy"].items(), reverse=True)]
        asks = [(price_text(p), qty_text(q)) for p, q in sorted(sides["sell"].items())]
        books[seq] = (bids, asks)
    return books


def _touched(events: dict[int, list[Message]], kinds: set[str]) -> list[int]:
    """The seqs that told alice (account 1) something of these kinds."""
    return [
        seq
        for seq in sorted(events)
        if any(event.kind in kinds and event.account == 1 for event in events[seq])
    ]


async def run_venue(act: Callable[[Venue], Any], deflate: bool = False) -> None:
    life = await begin(_core.SimDisk())
    life.core.set_rules(deflate=deflate)
    public = private_key(KEY_ID).public_key().public_bytes_raw()
    key = Message("KeyCreate", key_id=KEY_ID, public_key=public, permissions=3)
    life.submit(key, account=1)
    await life.all_told()
    server, port = await _listen(life.core)
    async with asyncio.TaskGroup() as readers:
        venue = Venue(life, port, asyncio.Event(), readers)
        try:
            await act(venue)
            venue.check_all_are_here()
        finally:
            # Else those of one test that failed would be found, and counted, by another.
            for client in venue.clients:
                await client.drop()
    server.close()
    life.end()


async def _finish_books(venue: Venue, clients: list[Client]) -> None:
    """Publish the last state, wait until everyone has it, and look back at every seq."""
    life = venue.life
    life.check_state()
    books = books_of(life.ledger.events)
    last_bids, last_asks = books[max(books)]

    def at_the_end(client: Client) -> bool:
        book = client.book()
        return book.levels() == (last_bids[: book.depth or None], last_asks[: book.depth or None])

    await venue.publish_until(lambda: all(at_the_end(client) for client in clients))
    for client in clients:
        book = client.book()
        for seq, bids, asks in book.seen:
            true_bids, true_asks = books[seq]
            assert bids == true_bids[: book.depth or None], f"depth {book.depth} at {seq}"
            assert asks == true_asks[: book.depth or None], f"depth {book.depth} at {seq}"


def test_a_follower_catches_a_gap_a_wrong_checksum_and_a_level_that_was_never_there() -> None:
    level = ["100.00", "0.00001"]
    crc = zlib.crc32(b"100.00:0.00001")
    image = {"type": "image", "seq": 5, "bids": [level], "asks": [], "crc": crc}
    delta = {"type": "delta", "prev": 5, "seq": 7, "bids": [], "asks": [], "crc": crc}
    whole = BookFollower(10)
    whole.take(image)
    whole.take(delta)
    for spoilt in (
        delta | {"prev": 4},
        delta | {"seq": 5},
        delta | {"crc": crc ^ 1},
        delta | {"bids": [["100.00", "0.00002"]]},
        delta | {"bids": [["99.00", "0"]]},
    ):
        follower = BookFollower(10)
        follower.take(image)
        with pytest.raises((AssertionError, KeyError)):
            follower.take(spoilt)
    channel = ChannelFollower()
    channel.take({"type": "image", "seq": 5, "items": []})
    with pytest.raises(AssertionError):
        channel.take({"type": "delta", "prev": 4, "seq": 7, "items": []})


async def test_books_at_every_depth_equal_the_log_at_every_seq_across_two_reconnects() -> None:
    async def act(venue: Venue) -> None:
        clients = []
        for depth in (1, 10, 50, 0):
            client = await venue.client()
            client.followers["book"] = BookFollower(depth)
            await client.subscribe(1, "book", symbols=["BTC-USD"], depth=depth)
            clients.append(client)
        rng = random.Random(11)
        for part in range(3):
            await venue.flow(rng, range(part * 1_500, part * 1_500 + 1_500))
            if part == 2:
                break
            for client in clients:
                await client.drop()
                await venue.connect(client)
                book = client.book()
                params = {"symbols": ["BTC-USD"], "depth": book.depth, "from_seq": book.seq}
                await client.subscribe(2 + part, "book", **params)
        await _finish_books(venue, clients)
        for client in clients:
            book = client.book()
            assert book.images >= 3, "one for each connection"
            assert book.deltas >= 500, (book.depth, book.deltas)
        deepest = [max(len(bids), len(asks)) for _, bids, asks in clients[1].book().seen]
        assert max(deepest) == 10, "there was more than was shown"

    await run_venue(act)


async def test_a_reader_that_pauses_gets_an_image_and_costs_the_others_nothing() -> None:
    async def act(venue: Venue) -> None:
        quick, slow = await venue.client(), await venue.client(buffer_bytes=4_096)
        for client in (quick, slow):
            client.followers["book"] = BookFollower(50)
            await client.subscribe(1, "book", symbols=["BTC-USD"], depth=50)
        rng = random.Random(12)
        await venue.flow(rng, range(200))
        await venue.publish_until(lambda: slow.book().deltas > 0)
        slow.pause()
        before = slow.book().images
        await venue.flow(rng, range(200, 1_200))
        slow.resume()
        await venue.flow(rng, range(1_200, 1_300))
        await _finish_books(venue, [quick, slow])
        assert slow.book().images > before, "what it missed came as one image"
        assert slow.book().deltas < quick.book().deltas
        assert closed_by_the_node(venue.life.core)["slow"] == 0

    await run_venue(act)


async def test_books_are_the_logs_for_who_has_them_compressed_and_who_has_not() -> None:
    async def act(venue: Venue) -> None:
        plain, packed = await venue.client(), await venue.client(deflate=True)
        late = await venue.client(deflate=True)
        slow = await venue.client(buffer_bytes=4_096, deflate=True)
        for client in (plain, packed, slow):
            client.followers["book"] = BookFollower(50)
            await client.subscribe(1, "book", symbols=["BTC-USD"], depth=50)
        rng = random.Random(15)
        await venue.flow(rng, range(300))
        await venue.publish_until(lambda: slow.book().deltas > 0)
        slow.pause()
        before = slow.book().images
        late.followers["book"] = BookFollower(50)
        await late.subscribe(1, "book", symbols=["BTC-USD"], depth=50)
        await venue.flow(rng, range(300, 1_300))
        slow.resume()
        await venue.flow(rng, range(1_300, 1_400))
        await _finish_books(venue, [plain, packed, late, slow])
        assert slow.book().images > before, "what it missed came as one image"
        packing = [packed, late, slow]
        assert all(client.packed_texts for client in packing) and not plain.packed_texts
        assert len(packed.packed_texts) > 10
        packs = venue.life.core.metrics()["deflate_packed_messages_total"]
        assert isinstance(packs, int)
        came = [text for client in packing for text in client.packed_texts]
        images = sum(client.book().images for client in packing)
        assert packs <= len(set(came)) + images, "once for all of them"

    await run_venue(act, deflate=True)


async def test_private_channels_fold_to_what_queries_say_and_name_every_seq_once() -> None:
    kinds = {
        "orders": {"OrderAccepted", "OrderFilled", "OrderRested", "OrderAmended", "OrderClosed"},
        "fills": {"OrderFilled"},
        "balances": {"BalanceChanged"},
    }

    async def act(venue: Venue) -> None:
        client = await venue.client(KEY_ID)
        rng = random.Random(13)
        for part in range(3):
            for number, name in enumerate(kinds, start=1):
                client.followers.setdefault(name, ChannelFollower())
                await client.subscribe(number, name)
            await venue.until(
                lambda part=part: all(  # type: ignore[misc]
                    len(client.channel(name).spans) == part + 1 for name in kinds
                )
            )
            await venue.flow(rng, range(part * 400, part * 400 + 400))
            client.replies.pop(9, None)
            await client.send(b'{"id":9,"op":"ping"}')
            await venue.until(lambda: 9 in client.replies)
            if part < 2:
                await client.drop()
                await venue.connect(client, KEY_ID)
        await client.send(b'{"id":10,"op":"orders.open"}')
        await client.send(b'{"id":11,"op":"balances.get"}')
        await venue.until(lambda: 11 in client.replies)
        venue.life.check_state()
        for name, of_kinds in kinds.items():
            _check_spans(client.channel(name), _touched(venue.life.ledger.events, of_kinds))
        _check_orders(client)
        _check_balances(client)
        _check_fills(client, venue.life.ledger.events)

    await run_venue(act)


def _check_spans(channel: ChannelFollower, touched: list[int]) -> None:
    """Each image stands at the channel's last seq, and its deltas name all that follow."""
    assert len(channel.spans) == 3
    for image_seq, seqs in channel.spans:
        assert len(seqs) > 20, "it said something"
        assert image_seq == max((seq for seq in touched if seq < seqs[0]), default=0)
        assert seqs == [seq for seq in touched if image_seq < seq <= seqs[-1]]
    assert channel.seq == touched[-1]


def _check_orders(client: Client) -> None:
    channel = client.channel("orders")
    folded = {item["order_id"]: dict(item) for item in channel.image}
    for _, item in channel.items:
        order = folded.setdefault(item["order_id"], {})
        if item["event"] == "closed":
            del folded[item["order_id"]]
            continue
        if item["event"] == "accepted":
            order |= {"filled": qty_text(0), "remaining": item["qty"], "state": "open"}
        order |= {
            key: value for key, value in item.items() if key not in ("event", "kept_priority")
        }
    told = {order["order_id"]: order for order in client.replies[10]["result"]["orders"]}
    assert told, "there are open orders to compare"
    assert folded == told


def _check_balances(client: Client) -> None:
    channel = client.channel("balances")
    folded = {item["asset"]: item for item in channel.image}
    folded |= {item["asset"]: item for _, item in channel.items}
    told = {item["asset"]: item for item in client.replies[11]["result"]["balances"]}
    assert folded == told


def _check_fills(client: Client, events: dict[int, list[Message]]) -> None:
    channel = client.channel("fills")
    image_seq, _ = channel.spans[-1]
    wanted = [
        (seq, str(event.order_id), str(event.trade_id), event.role, qty_text(event.qty))
        for seq in sorted(events)
        for event in events[seq]
        if seq > image_seq and event.kind == "OrderFilled" and event.account == 1
    ]
    got = [
        (seq, item["order_id"], item["trade_id"], item["role"], item["qty"])
        for seq, item in channel.items
    ]
    assert got == wanted


async def test_trades_are_never_left_out_and_chain_across_two_reconnects() -> None:
    async def act(venue: Venue) -> None:
        client = await venue.client()
        client.followers["trades"] = ChannelFollower()
        channel = client.channel("trades")
        rng = random.Random(14)
        told: dict[str, int] = {}
        for part in range(3):
            await client.subscribe(part, "trades", symbols=["BTC-USD"])
            await venue.until(lambda part=part: len(channel.spans) == part + 1)  # type: ignore[misc]
            told |= {item["trade_id"]: item["seq"] for item in channel.image}
            await venue.flow(rng, range(part * 300, part * 300 + 300))
            venue.life.core.publish()
            await client.send(b'{"id":9,"op":"ping"}')
            client.replies.pop(9, None)
            await venue.until(lambda: 9 in client.replies)
            told |= {item["trade_id"]: item["seq"] for _, item in channel.items}
            if part < 2:
                await client.drop()
                await venue.connect(client)
        venue.life.check_state()
        events = venue.life.ledger.events
        wanted = {
            str(event.trade_id): seq
            for seq in sorted(events)
            for event in events[seq]
            if event.kind == "Traded"
        }
        assert len(wanted) > 100
        assert told == wanted

    await run_venue(act)
