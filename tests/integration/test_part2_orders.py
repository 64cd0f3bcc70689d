"""Orders with terms through a real server and the SDK: they wait, hide, follow, pair, expire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from coulisse import Client, OrderResult
from coulisse.client.feeds import BookFeed, Feed
from coulisse.client.keys import new_private_key, public_key
from coulisse.client.local_book import LocalBook
from coulisse.domain.errors import Refused
from coulisse.domain.orders import OrderUpdate
from coulisse.domain.outcomes import CancelAllResult, ListResult, Rejected, ReplaceResult

from .conftest import Server, environment, launch

pytestmark = pytest.mark.timeout(120)

FAR_US = 1_999_999_999_000_000
SYMBOLS = tuple(f"A{letter}C-USD" for letter in "ABCDEFGHIJ")
"""One for each test, so that they share a server and no book."""
PRIVATE_KEY = new_private_key()


def configuration() -> str:
    listed = "".join(
        f'[[instruments]]\nsymbol = "{symbol}"\ntick_size = "0.01"\nlot_size = "0.00001"\n'
        for symbol in SYMBOLS
    )
    deposits = ", ".join(f'{symbol.split("-")[0]} = "100"' for symbol in SYMBOLS)
    return f"""{listed}
[[accounts]]
name = "alice"
deposits = {{ USD = "1000000", {deposits} }}
[[accounts.keys]]
key_id = "alice-1"
public_key = "{public_key(PRIVATE_KEY).hex()}"
permissions = ["read", "trade", "admin"]
[[accounts]]
name = "bob"
deposits = {{ USD = "1000000", {deposits} }}
"""


def begin(home: Path) -> Server:
    (home / "coulisse.toml").write_text(configuration())
    arguments = ["serve", "--config", "coulisse.toml", "--data-dir", "data", "--port", "0"]
    return launch(arguments, environment(home), home)


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on which nobody trades but these tests."""
    server = begin(tmp_path_factory.mktemp("quiet"))
    yield server
    assert server.stop() == 0


async def connected(server: Server) -> Client:
    return await Client.connect(server.http, key_id="alice-1", private_key=PRIVATE_KEY)


@pytest.fixture
async def client(quiet: Server) -> AsyncIterator[Client]:
    """Alice; as an operator she may place Bob's orders, too."""
    async with await connected(quiet) as alice:
        yield alice


@pytest.fixture
def symbol(request: pytest.FixtureRequest) -> str:
    """The test's own instrument."""
    stories = [name for name in globals() if name.startswith("test_")]
    return SYMBOLS[stories.index(request.function.__name__)]


def placed(outcome: object, state: str) -> OrderResult:
    assert isinstance(outcome, OrderResult), outcome
    assert outcome.state == state, outcome
    return outcome


async def story(feed: Feed[OrderUpdate], is_last: Callable[[OrderUpdate], bool]) -> list[str]:
    """What happened to Alice's orders up to something, without what was there before."""
    told = []
    async with asyncio.timeout(20):
        async for update in feed:
            if update.event == "image":
                continue
            told.append(update.event)
            if is_last(update):
                return told
    raise AssertionError("the feed ended")


async def a_trade_at(client: Client, symbol: str, price: str) -> None:
    """Bob sells to himself."""
    await client.place(symbol, "buy", "0.001", price=price, account="bob")
    placed(await client.place(symbol, "sell", "0.001", price=price, account="bob"), "filled")


async def test_a_stop_waits_for_the_mark_and_fills(client: Client, symbol: str) -> None:
    orders, fills = await client.orders(), await client.fills()
    status = await client.status(symbol)
    assert (await anext(status)).mark is None
    placed(await client.place(symbol, "buy", "1", price="94", account="bob"), "open")
    asked = {"type": "stop", "trigger_price": "95", "trigger_on": "mark"}
    stop = placed(await client.place(symbol, "sell", "1", **asked), "waiting")  # type: ignore[arg-type]
    (shown,) = await client.open_orders(symbol)
    assert (shown.type, shown.state, shown.trigger_price) == ("stop", "waiting", Decimal(95))
    await client.admin.set_mark(symbol, "96")
    await client.admin.set_mark(symbol, "95")
    told = await story(orders, lambda update: update.state == "filled")
    assert told == ["accepted", "triggered", "filled", "closed"]
    fill = await anext(fills)
    assert (fill.order_id, fill.price, fill.role) == (stop.order_id, Decimal(94), "taker")
    assert [(await anext(status)).mark for _ in range(2)] == [Decimal(96), Decimal(95)]
    assert await client.open_orders(symbol) == []


async def test_a_trailing_stop_follows_and_acts(client: Client, symbol: str) -> None:
    early = await client.place(symbol, "sell", "1", type="trailing_stop", trail="5")
    assert isinstance(early, Rejected) and early.code == "NO_REFERENCE"
    await a_trade_at(client, symbol, "100")
    stop = await client.place(symbol, "sell", "0.1", type="trailing_stop", trail_bp=500)
    order_id = placed(stop, "waiting").order_id
    await a_trade_at(client, symbol, "110")
    await a_trade_at(client, symbol, "104.51")
    assert [order.order_id for order in await client.open_orders(symbol)] == [order_id]
    placed(await client.place(symbol, "buy", "1", price="104", account="bob"), "open")
    await a_trade_at(client, symbol, "104.50")
    assert await client.open_orders(symbol) == []


def image(book: LocalBook) -> list[list[list[str]]]:
    return [book.level_texts(side) for side in ("buy", "sell")]


async def equal_books(
    server: Server, symbol: str, feeds: list[BookFeed[LocalBook]]
) -> list[list[str]]:
    """The asks, once two followers show what the server shows."""
    async with httpx.AsyncClient() as http, asyncio.timeout(20):
        reply = (await http.get(f"{server.http}/v1/book/{symbol}?depth=50")).json()
        for feed in feeds:
            while image(feed.book) != [reply["bids"], reply["asks"]]:
                await anext(feed)
            assert feed.resync_count == 0
    return image(feeds[0].book)[1]


async def test_followers_see_the_part_of_an_iceberg_and_where_a_peg_is(
    quiet: Server, client: Client, symbol: str
) -> None:
    async with await Client.connect(quiet.http) as other:
        feeds = [await client.book(symbol), await other.book(symbol)]
        iceberg = await client.place(symbol, "sell", "5", price="100", display_qty="2")
        placed(iceberg, "open")
        assert await equal_books(quiet, symbol, feeds) == [["100.00", "2.00000"]]
        placed(await client.place(symbol, "buy", "3", price="100", account="bob"), "filled")
        assert await equal_books(quiet, symbol, feeds) == [["100.00", "1.00000"]]
        peg = await client.place(
            symbol, "sell", "1", price="95", peg="ask", peg_offset="-1", account="bob"
        )
        placed(peg, "open")
        shown = await equal_books(quiet, symbol, feeds)
        assert shown == [["99.00", "1.00000"], ["100.00", "1.00000"]]
        placed(await client.place(symbol, "sell", "1", price="98"), "open")
        shown = await equal_books(quiet, symbol, feeds)
        assert [price for price, _ in shown] == ["97.00", "98.00", "100.00"]
        await client.cancel_all(symbol)
        assert await equal_books(quiet, symbol, feeds) == []
        waiting = await client.cancel_all(symbol, account="bob")
        assert isinstance(waiting, CancelAllResult) and waiting.count == 1


async def test_one_of_a_pair_ends_the_other(client: Client, symbol: str) -> None:
    orders = await client.orders()
    pair = await client.place_list(
        "oco",
        symbol,
        [
            {"side": "sell", "qty": "1", "price": "110"},
            {"side": "sell", "qty": "1", "type": "stop", "trigger_price": "90"},
        ],
    )
    assert isinstance(pair, ListResult), pair
    assert [order.state for order in pair.orders] == ["open", "waiting"]
    refused = await client.amend(pair.list_id, qty="2")
    assert isinstance(refused, Rejected) and refused.field == "legs"
    placed(await client.place(symbol, "buy", "0.4", price="110", account="bob"), "filled")
    told = await story(orders, lambda update: update.reason == "list")
    assert told[-2:] == ["filled", "closed"]
    (left,) = await client.open_orders(symbol)
    assert (left.order_id, left.remaining) == (pair.list_id, Decimal("0.6"))


async def test_legs_are_at_work_once_the_first_is_filled(client: Client, symbol: str) -> None:
    legs = await client.place_list(
        "otoco",
        symbol,
        [
            {"side": "buy", "qty": "1", "price": "100"},
            {"side": "sell", "qty": "1", "price": "110"},
            {"side": "sell", "qty": "1", "type": "stop", "trigger_price": "90"},
        ],
    )
    assert isinstance(legs, ListResult), legs
    assert [order.state for order in legs.orders] == ["open", "waiting", "waiting"]
    placed(await client.place(symbol, "sell", "1", price="100", account="bob"), "filled")
    at_work = {order.order_id: order.state for order in await client.open_orders(symbol)}
    _, limit, stop = [order.order_id for order in legs.orders]
    assert at_work == {limit: "open", stop: "waiting"}
    placed(await client.place(symbol, "buy", "1", price="90", account="bob"), "open")
    placed(await client.place(symbol, "sell", "0.5", price="90", account="bob"), "filled")
    assert await client.open_orders(symbol) == []


async def test_a_replacement_says_both_results(client: Client, symbol: str) -> None:
    first = placed(await client.place(symbol, "buy", "1", price="100"), "open")
    both = await client.replace(symbol, "buy", "2", price="101", cancel_order_id=first.order_id)
    assert isinstance(both, ReplaceResult), both
    assert isinstance(both.cancel, OrderResult) and both.cancel.state == "cancelled"
    second = placed(both.place, "open")
    poor = await client.replace(
        symbol, "buy", "100000", price="101", cancel_order_id=second.order_id
    )
    assert isinstance(poor, ReplaceResult) and isinstance(poor.place, Rejected)
    assert poor.place.code == "INSUFFICIENT_BALANCE"
    assert isinstance(poor.cancel, OrderResult) and poor.cancel.state == "cancelled"
    gone = await client.replace(symbol, "buy", "1", price="99", cancel_client_order_id="no-such")
    assert isinstance(gone, Rejected)
    assert (gone.code, gone.field, gone.value) == (
        "ORDER_NOT_FOUND", "cancel_client_order_id", "no-such",
    )  # fmt: skip
    assert await client.open_orders(symbol) == []


async def test_times_in_force_that_end_by_the_clock_are_kept(client: Client, symbol: str) -> None:
    placed(await client.place(symbol, "buy", "1", price="100", expire_time=FAR_US), "open")
    placed(await client.place(symbol, "buy", "1", price="99", tif="day"), "open")
    shown = {order.terms["tif"]: order for order in await client.open_orders(symbol)}
    assert shown["gtd"].terms["expire_time"] == FAR_US
    assert shown.keys() == {"gtd", "day"}
    past = await client.place(symbol, "buy", "1", price="100", expire_time=1)
    assert isinstance(past, Rejected) and past.code == "TIME_OUT_OF_RANGE"
    assert (past.field, past.value) == ("expire_time", "1")


async def test_nobody_trades_with_himself_who_does_not_want_to(client: Client, symbol: str) -> None:
    placed(await client.place(symbol, "buy", "1", price="100"), "open")
    for mode, qty, state, left in (
        ("expire_taker", "1", "expired", "1"),
        ("decrement", "0.4", "expired", "0.6"),
        ("expire_maker", "0.1", "open", None),
    ):
        outcome = placed(
            await client.place(symbol, "sell", qty, price="100", self_trade=mode), state
        )
        assert outcome.filled == 0
        bids = [order for order in await client.open_orders(symbol) if order.side == "buy"]
        assert [order.remaining for order in bids] == ([] if left is None else [Decimal(left)])


async def test_an_operator_asks_once_whatever_it_asks(client: Client, symbol: str) -> None:
    first = await client.admin.set_mark(symbol, "50", request_id="ab" * 16)
    again = await client.admin.set_mark(symbol, "50", request_id="ab" * 16)
    assert again["duplicate"] is True and again["first_seq"] == first["seq"]
    with pytest.raises(Refused) as conflict:
        await client.admin.set_mark(symbol, "51", request_id="ab" * 16)
    refused = conflict.value.rejected
    assert (refused.code, refused.value) == ("REQUEST_ID_CONFLICT", "ab" * 16)
    with pytest.raises(Refused) as unknown:
        await client.admin.set_risk_state("account", "active", scope_id="carol")
    refused = unknown.value.rejected
    assert (refused.field, refused.value) == ("scope_id", "carol")


async def test_a_session_cancels_its_own_orders_and_none_of_before_a_start(tmp_path: Path) -> None:
    symbol = SYMBOLS[-1]
    server = begin(tmp_path)
    async with await connected(server) as one, await connected(server) as two:
        placed(await one.place(symbol, "buy", "1", price="100"), "open")
        stop = await two.place(symbol, "sell", "1", type="stop", trigger_price="90")
        placed(stop, "waiting")
        peg = await one.place(symbol, "sell", "1", price="99", peg="mid")
        placed(peg, "waiting")
        ended = await two.cancel_all(symbol, this_session=True)
        assert isinstance(ended, CancelAllResult) and ended.count == 1
        before = await one.open_orders(symbol)
        assert {order.state for order in before} == {"open", "waiting"}
    assert server.stop() == 0
    server = begin(tmp_path)
    async with await connected(server) as one, await connected(server) as two:
        assert await one.open_orders(symbol) == before
        for session in (one, two):
            ended = await session.cancel_all(symbol, this_session=True)
            assert isinstance(ended, CancelAllResult) and ended.count == 0
    assert server.stop() == 0
