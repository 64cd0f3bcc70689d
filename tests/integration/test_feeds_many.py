"""A thousand clients at once keep exact books of every depth, raw and conflated, and by orders.

Each is a bare socket with a follower that shares nothing with the product. The truth is the twin's:
after each round every book that any of them had is compared with the log's at that seq. Whoever is
cut comes back with `from_seq`.
"""

import contextlib
import random
import resource
from collections.abc import Mapping

import pytest

from tests.integration.test_feeds_exact import Venue, books_of, run_venue
from tests.model.codec import Message
from tests.session.followers import BookFollower, Client
from tests.session.order_follower import OrderFollower, TrueOrders

DEPTHS = (1, 10, 50, 0)
ROUNDS = 3
Hashes = Mapping[int, int]


class Truth:
    """What a book is at each seq, as a hash by depth; `orders`: by orders."""

    def __init__(self) -> None:
        self.levels: dict[int, dict[int, int]] = {depth: {} for depth in DEPTHS}
        self.orders: dict[int, int] = {}

    def learn(self, events: dict[int, list[Message]]) -> None:
        """Fold the log from its beginning."""
        for seq, (bids, asks) in books_of(events).items():
            for depth, known in self.levels.items():
                cut = depth or None
                known[seq] = hash((tuple(bids[:cut]), tuple(asks[:cut])))
        by_order = TrueOrders()
        for seq in sorted(events):
            by_order.take(events[seq])
            self.orders[seq] = hash(by_order.queues())

    def of(self, follower: BookFollower | OrderFollower) -> Hashes:
        """What one follower must have had at each seq."""
        return self.orders if isinstance(follower, OrderFollower) else self.levels[follower.depth]


def _place(number: int) -> tuple[str, dict[str, object], BookFollower | OrderFollower]:
    """What the client of this number follows: one in ten is told each change."""
    depth = DEPTHS[number // 10 % len(DEPTHS)]
    params: dict[str, object] = {"symbols": ["BTC-USD"]}
    if number % 50 == 0:
        return "book_l3", params, OrderFollower()
    params["depth"] = depth
    if number % 10 == 0:
        params["interval"] = "raw"
    return "book", params, BookFollower(depth)


def _follower(client: Client) -> BookFollower | OrderFollower:
    (follower,) = client.followers.values()
    assert isinstance(follower, BookFollower | OrderFollower)
    return follower


def _check(clients: list[Client], truth: Truth, told: set[int]) -> int:
    """Compare what each had at each seq; those in `told` must have had every change."""
    compared = 0
    for number, client in enumerate(clients):
        follower = _follower(client)
        known = truth.of(follower)
        seen = _seen(follower)
        for seq, got in seen:
            assert known[seq] == got, f"client {number} at {seq}"
        if number in told and len(seen) > 1:
            had = dict(seen)
            before = known[seen[0][0]]
            for seq in range(seen[0][0] + 1, seen[-1][0] + 1):
                assert seq in had or known[seq] == before, f"client {number} was not told of {seq}"
                before = known[seq]
        compared += len(seen)
        follower.seen.clear()
    return compared


def _seen(follower: BookFollower | OrderFollower) -> list[tuple[int, int]]:
    """The seqs of a follower, each with the hash of what it had there."""
    if isinstance(follower, OrderFollower):
        return follower.seen
    return [(seq, hash((tuple(bids), tuple(asks)))) for seq, bids, asks in follower.seen]


async def _follow(count: int, commands: int) -> int:
    compared = 0

    async def act(venue: Venue) -> None:
        nonlocal compared
        clients, rng, truth = [], random.Random(count), Truth()
        for number in range(count):
            channel, params, follower = _place(number)
            client = await venue.client()
            client.followers[channel] = follower
            await client.subscribe(1, channel, **params)
            clients.append(client)
        raw = {number for number in range(count) if number % 10 == 0}
        for part in range(ROUNDS):
            await venue.flow(rng, range(part * commands, part * commands + commands))
            await _settle(venue, clients, truth)
            compared += _check(clients, truth, raw)
            if part == ROUNDS - 1:
                break
            # Every third is cut, and what happens meanwhile it is not told.
            cut = range(part, count, 3)
            for number in cut:
                await clients[number].drop()
            await venue.flow(rng, range(-1 - part * 20, -21 - part * 20, -1))
            for number in cut:
                channel, params, _ = _place(number)
                await venue.connect(clients[number])
                seq = _follower(clients[number]).seq
                await clients[number].subscribe(2, channel, **params, from_seq=seq)
                _follower(clients[number]).seen.clear()

    await run_venue(act)
    return compared


async def _settle(venue: Venue, clients: list[Client], truth: Truth) -> None:
    """Publish until everyone has the newest state."""
    venue.life.check_state()
    truth.learn(venue.life.ledger.events)
    last = max(truth.orders)

    def is_there(client: Client) -> bool:
        follower = _follower(client)
        return truth.of(follower)[last] == follower.now()

    waiting = list(clients)

    def all_there() -> bool:
        # Nothing happens meanwhile: whoever is there stays there.
        while waiting and is_there(waiting[-1]):
            waiting.pop()
        return not waiting

    await venue.publish_until(all_there)


def _allow_sockets(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * count + 256
    if soft < wanted:
        with contextlib.suppress(ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))


async def test_a_thousand_clients_keep_exact_books_of_every_kind_across_reconnects() -> None:
    _allow_sockets(1_000)
    assert await _follow(1_000, 60) > 10_000


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(3))
async def test_a_thousand_clients_keep_exact_books_for_long(seed: int) -> None:
    _allow_sockets(1_000)
    assert await _follow(1_000 + seed, 2_000) > 200_000


async def test_a_wrong_book_of_one_client_is_found() -> None:
    follower = BookFollower(1)
    follower.seen = [(1, [("1.00", "0.00001")], [])]
    client = Client(0, None)  # type: ignore[arg-type]
    client.followers["book"] = follower
    truth = Truth()
    truth.levels[1] = {1: hash(((("1.00", "0.00002"),), ()))}
    with pytest.raises(AssertionError, match="client 0 at 1"):
        _check([client], truth, set())
    follower.seen = [(1, [], []), (3, [], [])]
    truth.levels[1] = {1: hash(((), ())), 2: 7, 3: hash(((), ()))}
    with pytest.raises(AssertionError, match="not told of 2"):
        _check([client], truth, {0})
