"""The SDK against a living market."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from coulisse import Client, OrderResult
from coulisse.client.credentials import Credentials, load_credentials
from coulisse.domain.errors import ConnectionLost, FeedBroken, Refused
from coulisse.domain.outcomes import CancelAllResult, Rejected, Unknown

from .conftest import Proxy, Server

pytestmark = pytest.mark.timeout(120)


async def connected(demo: Server) -> Client:
    return await Client.connect(demo.http, credentials=demo.credentials)


def through(proxy: Proxy, demo: Server) -> Credentials:
    assert demo.credentials is not None
    own = load_credentials(demo.credentials)
    return Credentials(proxy.url, own.key_id, own.private_key, own.account)


async def test_an_order_lives_from_placing_to_cancel(demo: Server) -> None:
    async with await connected(demo) as client:
        placed = await client.place("BTC/USD", "buy", Decimal("0.02"), price=50_000)
        assert isinstance(placed, OrderResult) and placed.state == "open"
        assert placed.filled == 0 and placed.client_order_id
        amended = await client.amend(placed.order_id, qty="0.01")
        assert isinstance(amended, OrderResult) and amended.state == "open"
        (found,) = [o for o in await client.open_orders() if o.order_id == placed.order_id]
        assert (found.qty, found.price, found.side) == (Decimal("0.01"), Decimal("50000"), "buy")
        cancelled = await client.cancel(client_order_id=placed.client_order_id)
        assert isinstance(cancelled, OrderResult) and cancelled.state == "cancelled"
        assert placed.order_id not in {order.order_id for order in await client.open_orders()}


async def test_a_market_order_fills_and_moves_the_balances(demo: Server) -> None:
    async with await connected(demo) as client:
        before = await client.balances()
        bought = await client.place("ETH-USD", "buy", "0.1")
        assert isinstance(bought, OrderResult)
        assert (bought.state, bought.filled) == ("filled", Decimal("0.1"))
        after = await client.balances()
        assert after["ETH"].total - before["ETH"].total == Decimal("0.1")
        assert after["USD"].total < before["USD"].total


async def test_the_same_id_and_body_is_a_duplicate_and_another_body_a_conflict(
    demo: Server,
) -> None:
    async with await connected(demo) as client:
        order = {"price": "40000", "client_order_id": "sdk-1"}
        first = await client.place("BTC-USD", "buy", "0.01", **order)  # type: ignore[arg-type]
        again = await client.place("BTC-USD", "buy", "0.01", **order)  # type: ignore[arg-type]
        other = await client.place("BTC-USD", "buy", "0.02", **order)  # type: ignore[arg-type]
        assert isinstance(first, OrderResult) and isinstance(again, OrderResult)
        assert again.duplicate and again.order_id == first.order_id
        assert isinstance(other, Rejected) and other.code == "CLIENT_ORDER_ID_CONFLICT"
        await client.cancel(first.order_id)


async def test_orders_are_placed_together_tested_and_listed_over_many_pages(demo: Server) -> None:
    async with await connected(demo) as client:
        await client.cancel_all("SOL-USD")
        order: dict[str, object] = {"symbol": "SOL/USD", "side": "buy", "qty": "0.01", "price": "1"}
        for _ in range(11):
            done = await client.place_batch([order] * 50)
            assert isinstance(done, list)
            assert [one.state for one in done if isinstance(one, OrderResult)] == ["open"] * 50
        mixed = await client.place_batch([order, {**order, "price": "1.0001"}])
        assert isinstance(mixed, list) and isinstance(mixed[0], OrderResult)
        assert isinstance(mixed[1], Rejected) and mixed[1].code == "OFF_TICK"
        # One page has 500.
        listed = await client.open_orders("SOL-USD")
        assert len(listed) == len({order.order_id for order in listed}) == 551
        assert await client.test("SOL-USD", "buy", "0.01", price="1") is None
        poor = await client.test("SOL-USD", "buy", "900000", price="900000")
        assert isinstance(poor, Rejected)
        assert (poor.code, poor.state) == ("INSUFFICIENT_BALANCE", "not_sent")
        ended = await client.cancel_all("SOL-USD")
        assert isinstance(ended, CancelAllResult) and ended.count == 551
        many = await client.place_batch([order] * 51)
        assert isinstance(many, Rejected) and (many.code, many.field) == ("TOO_LARGE", "orders")


async def test_the_latest_fills_are_those_that_were_made(demo: Server) -> None:
    async with await connected(demo) as client:
        bought = await client.place("ETH-USD", "buy", "0.1")
        assert isinstance(bought, OrderResult)
        fills = await client.latest_fills("ETH-USD", most=200)
        own = [fill for fill in fills if fill.order_id == bought.order_id]
        assert sum(fill.qty for fill in own) == Decimal("0.1")
        assert fills[0].order_id == bought.order_id and fills[0].seq == bought.seq
        trades = [(fill.seq, fill.trade_id) for fill in fills]
        assert len(trades) == len(set(trades)) and fills == sorted(
            fills, key=lambda fill: (fill.seq, fill.trade_id), reverse=True
        )


async def test_cancel_all_counts_what_it_ended(demo: Server) -> None:
    async with await connected(demo) as client:
        await client.cancel_all("SOL-USD")
        for price in ("100", "101", "102"):
            await client.place("SOL-USD", "buy", "1", price=price)
        ended = await client.cancel_all("SOL/USD")
        assert isinstance(ended, CancelAllResult) and ended.count == 3


async def test_private_feeds_tell_the_story_of_an_order(demo: Server) -> None:
    async with await connected(demo) as client:
        orders, fills = await client.orders(), await client.fills()
        balances = await client.balance_changes()
        bought = await client.place("BTC-USD", "buy", "0.01")
        assert isinstance(bought, OrderResult)
        async with asyncio.timeout(10):
            story = []
            async for update in orders:
                if update.order_id == bought.order_id:
                    story.append(update.event)
                    if update.event == "closed":
                        break
            fill = await anext(fills)
            while fill.order_id != bought.order_id:
                fill = await anext(fills)
            seen = {(await anext(balances)).asset for _ in range(4)}
        assert story[0] == "accepted" and "filled" in story
        assert (fill.role, fill.side) == ("taker", "buy") and fill.fee > 0
        assert {"BTC", "USD"} <= seen


async def test_trades_are_consecutive(demo: Server) -> None:
    async with await Client.connect(demo.http) as client, asyncio.timeout(60):
        feed = await client.trades("BTC-USD", "ETH-USD", "SOL-USD")
        last: dict[str, int] = {}
        for _ in range(30):
            trade = await anext(feed)
            assert trade.trade_id == last.get(trade.symbol, trade.trade_id - 1) + 1
            last[trade.symbol] = trade.trade_id


async def test_without_a_key_one_can_watch_but_not_trade(demo: Server) -> None:
    async with await Client.connect(demo.http) as client:
        book = await anext(await client.book("BTC-USD"))
        assert book.best_bid is not None and book.best_ask is not None
        refused = await client.place("BTC-USD", "buy", "0.01")
        assert isinstance(refused, Rejected)
        assert (refused.code, refused.state) == ("NOT_LOGGED_ON", "not_sent")
        with pytest.raises(Refused, match="NOT_LOGGED_ON"):
            await client.balances()


async def test_a_float_never_gets_as_far_as_the_wire(demo: Server) -> None:
    async with await connected(demo) as client:
        with pytest.raises(TypeError):
            await client.place("BTC-USD", "buy", 0.01)  # type: ignore[arg-type]


async def test_nobody_there_is_a_lost_connection() -> None:
    with pytest.raises(ConnectionLost):
        await Client.connect("http://127.0.0.1:1")


async def test_an_answer_lost_with_the_connection_is_unknown_and_asking_again_is_safe(
    demo: Server, proxy: Proxy
) -> None:
    async with await Client.connect(credentials=through(proxy, demo)) as client:
        proxy.holds_answers = True
        async with asyncio.TaskGroup() as group:
            placing = group.create_task(
                client.place("BTC-USD", "buy", "0.01", price="41000", client_order_id="lost-1")
            )
            await the_order_rests(demo, "lost-1")
            proxy.cut()
        proxy.holds_answers = False
        lost = placing.result()
        assert isinstance(lost, Unknown) and lost.client_order_id == "lost-1"
        again = await client.place(
            "BTC-USD", "buy", "0.01", price="41000", client_order_id=lost.client_order_id
        )
        assert isinstance(again, OrderResult) and again.duplicate and again.state == "open"
        assert client.reconnect_count == 1
        await client.cancel(client_order_id="lost-1")


async def the_order_rests(demo: Server, client_order_id: str) -> None:
    async with await connected(demo) as other, asyncio.timeout(20):
        async for update in await other.orders():
            if update.client_order_id == client_order_id:
                return


async def test_a_hole_in_the_fills_is_said_and_never_passed_over(
    demo: Server, proxy: Proxy
) -> None:
    async with (
        await Client.connect(credentials=through(proxy, demo)) as client,
        await connected(demo) as other,
    ):
        fills, orders = await client.fills(), await client.orders()
        bought = []
        for cut in (False, True, False, True, False):
            outcome = await other.place("BTC-USD", "buy", "0.001")
            assert isinstance(outcome, OrderResult) and outcome.state == "filled"
            bought.append(outcome.order_id)
            if cut:
                proxy.cut()
        seen: list[int] = []
        async with asyncio.timeout(30):
            try:
                while bought[-1] not in seen:
                    seen.append((await anext(fills)).order_id)
            except FeedBroken as broken:
                assert "were missed" in str(broken)
            else:
                assert [number for number in dict.fromkeys(seen) if number in bought] == bought
            # The orders' feed needs no history: it goes on from what stands now.
            resting = await other.place("BTC-USD", "buy", "0.01", price="30000")
            assert isinstance(resting, OrderResult)
            while (await anext(orders)).order_id != resting.order_id:
                continue
        await other.cancel(resting.order_id)


async def test_trades_go_on_after_a_cut_and_none_comes_twice(demo: Server, proxy: Proxy) -> None:
    async with await Client.connect(proxy.url) as client, asyncio.timeout(60):
        feed = await client.trades("BTC-USD", "ETH-USD", "SOL-USD")
        seen = []
        for cut in (False, True, False, True, False):
            seen += [await anext(feed) for _ in range(3)]
            if cut:
                proxy.cut()
        named = [(trade.symbol, trade.trade_id) for trade in seen]
        assert len(set(named)) == len(named)


async def test_what_is_asked_while_there_is_no_connection_waits_for_it_or_was_not_sent(
    demo: Server, proxy: Proxy
) -> None:
    client = await Client.connect(credentials=through(proxy, demo), request_timeout_s=10)
    async with client:
        proxy.cut()
        assert (await client.balances())["USD"].total > 0
    closed = await client.place("BTC-USD", "buy", "0.01")
    assert isinstance(closed, Rejected) and closed.state == "not_sent"


async def test_feeds_of_one_channel_live_beside_each_other_and_end_one_by_one(
    demo: Server,
) -> None:
    async with await connected(demo) as client, asyncio.timeout(60):
        feeds = [await client.orders(), await client.orders(), await client.orders()]
        placed = [await client.place("BTC-USD", "buy", "0.01", price="30000")]
        feeds[0].close()
        placed.append(await client.place("BTC-USD", "buy", "0.01", price="30000"))
        for feed in feeds[1:]:
            accepted: list[int] = []
            while len(accepted) < len(placed):
                update = await anext(feed)
                if update.event == "accepted":
                    accepted.append(update.order_id)
            assert accepted == [
                order.order_id for order in placed if isinstance(order, OrderResult)
            ]
        await client.cancel_all()


async def test_trades_of_overlapping_instruments_come_to_each_of_their_feeds(
    demo: Server,
) -> None:
    async with await connected(demo) as client, asyncio.timeout(60):
        both, one = await client.trades("BTC-USD", "ETH-USD"), await client.trades("BTC-USD")
        both.close()
        bought = await client.place("BTC-USD", "buy", "0.01")
        assert isinstance(bought, OrderResult)
        seen = [await anext(one)]
        while seen[-1].seq is None or bought.seq is None or seen[-1].seq < bought.seq:
            seen.append(await anext(one))
        ids = [trade.trade_id for trade in seen]
        assert ids == list(range(ids[0], ids[0] + len(ids))), "each once, none left out"


async def test_two_feeds_of_one_book_have_one_depth_and_end_one_by_one(demo: Server) -> None:
    async with await connected(demo) as client, asyncio.timeout(60):
        first, second = await client.book("BTC-USD", 10), await client.book("BTC-USD", 10)
        with pytest.raises(Refused, match="depth 10"):
            await client.book("BTC-USD", 50)
        first.close()
        for _ in range(5):
            book = await anext(second)
        assert len(book.levels("buy")) == 10 and second.resync_count == 0
        second.close()
        deeper = await client.book("BTC-USD", 50)
        assert len((await anext(deeper)).levels("buy")) > 10
