"""What is due by the clock happens though nobody sends anything, and before anybody trades past it.

Times are the machine's own: each order lives for some milliseconds, and what waits for its end
waits for what the core says of it.
"""

import asyncio
import json
import time
from typing import Any

from coulisse import _core
from tests.model.codec import Message
from tests.session.market import ALICE, BOB, a_market

SOON_NS = 50_000_000
DUE_IN_A_TICK, TICKS_IN_A_TURN = 256, 16


def an_order(side: str, price: int, *, expire_ns: int = 0, tif: str = "gtd") -> Message:
    how: dict[str, object] = {"side": side, "order_type": "limit", "time_in_force": tif}
    sizes = {"instrument": 1, "qty": 1_000, "price": price, "notional": 0, "post_only": False}
    plain: dict[str, object] = {"self_trade": "none", "trigger": "none", "trigger_on": "last"}
    none = dict.fromkeys(("trigger_price", "trail", "display_qty", "min_qty", "peg_offset"), 0)
    rest = {"peg": "none", "reduce_only": False, "client_order_id": "", "expire_ns": expire_ns}
    return Message("OrderPlaceTerms", **how, **sizes, **plain, **none, **rest)


async def past(at_ns: int) -> None:
    """Turn the loop until the clock is past a time that is near."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    while (left_ns := at_ns + 1 - time.time_ns()) > 0:
        over.clear()
        loop.call_later(left_ns / 1e9, over.set)
        await over.wait()


async def test_an_order_expires_though_nobody_sends_anything() -> None:
    market = await a_market(driven=True)
    expire_ns = time.time_ns() + SOON_NS
    placed = await market.send(an_order("buy", 10_000, expire_ns=expire_ns), ALICE)
    assert placed[0].kind == "OrderAccepted"
    await market.until(lambda: bool(market.ends()))
    assert market.ends() == ["expiry"] and time.time_ns() > expire_ns
    assert json.loads(market.core.book_json("BTC-USD", 5) or b"{}")["bids"] == []
    market.driver.close()
    market.follow()


async def test_a_dead_mans_switch_cancels_though_nobody_sends_anything() -> None:
    market = await a_market(driven=True)
    for price in (10_000, 10_001):
        await market.send(an_order("buy", price, tif="gtc"), ALICE)
    assert (await market.send(Message("CancelAfter", timeout_ns=SOON_NS), ALICE))[0].kind == (
        "CancelAfterSet"
    )
    await market.until(lambda: len(market.ends()) == 2)
    assert market.ends() == ["dead_man"] * 2
    market.driver.close()
    market.follow()


async def test_nothing_trades_in_a_batch_that_is_stamped_after_its_expiry() -> None:
    market = await a_market()
    expire_ns = time.time_ns() + SOON_NS
    await market.send(an_order("sell", 10_000, expire_ns=expire_ns), ALICE)
    await past(expire_ns)
    seq = market.core.seq
    # Two in one batch: who waits for which is not mixed up by what comes in front.
    one = market.post(an_order("buy", 10_000, tif="ioc"), BOB)
    two = market.post(an_order("buy", 9_000, tif="gtc"), BOB)
    await market.until(lambda: bool(market.told[one] and market.told[two]))
    first, second = market.told[one], market.told[two]
    assert [event.kind for event in first] == ["OrderAccepted", "OrderClosed"]
    assert (first[0].price, second[0].price) == (10_000, 9_000)
    assert market.core.seq == seq + 3 and market.ends() == ["expiry"]
    assert not market.core.tick() and market.core.seq == seq + 3
    assert market.follow() <= seq + 3
    market.core.close()


async def test_a_turn_does_so_much_and_the_next_goes_on_and_a_node_that_stops_does_nothing() -> (
    None
):
    market = await a_market()
    in_a_turn = DUE_IN_A_TICK * TICKS_IN_A_TURN
    tickets = [market.post(an_order("buy", 10_000, tif="gtc"), ALICE) for _ in range(in_a_turn + 1)]
    await market.until(lambda: bool(market.told[tickets[-1]]))
    assert not market.core.tick()
    await market.send(Message("CancelAfter", timeout_ns=SOON_NS), ALICE)
    await past(time.time_ns() + SOON_NS)
    seq = market.core.seq
    assert market.core.tick() and market.core.seq == seq + TICKS_IN_A_TURN
    assert market.core.metrics()["engine_orders_live"] == 1
    assert not market.core.tick() and market.core.seq == seq + TICKS_IN_A_TURN + 1
    assert market.core.metrics()["engine_orders_live"] == 0
    expire_ns = time.time_ns() + SOON_NS
    await market.send(an_order("buy", 10_000, expire_ns=expire_ns), ALICE)
    market.core.go_away("the node stops")
    await past(expire_ns)
    assert not market.core.tick() and market.core.metrics()["engine_orders_live"] == 1
    market.core.close()
    assert not market.core.tick()
    # The next start says first that it has started; only then what fell due meanwhile.
    again = _core.Core(disk=market.disk, segment_bytes=1 << 20)
    assert again.metrics()["engine_orders_live"] == 1 and again.seq == again.recovery["records"] + 1
    assert not again.tick() and again.metrics()["engine_orders_live"] == 0
    again.close()
    market.follow()


def status_of(feed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was said of the instrument's status, the image first."""
    said = [message for message in feed if message.get("ch") == "status"]
    return [item for message in said for item in message["items"]]


def an_order_of_a_call(side: str, qty: int, price: int) -> Message:
    order = an_order(side, price, tif="gtc")
    return Message(**vars(order) | {"qty": qty})


async def test_a_call_is_indicated_though_nobody_sends_anything_and_only_while_it_changes() -> None:
    market = await a_market(driven=True)
    subscribe = {"op": "subscribe", "params": {"channel": "status", "symbols": ["BTC-USD"]}}
    market.session.request(json.dumps(subscribe).encode())

    def indicated() -> list[tuple[str, str, str]]:
        said = [s for s in status_of(market.feed) if s.get("event") == "auction_indicated"]
        return [(item.get("price", ""), item["qty"], item["surplus"]) for item in said]

    await market.send(Message("TradingStateSet", instrument=1, state="auction"))
    await market.until(lambda: len(indicated()) == 1)
    await market.send(an_order_of_a_call("buy", 3_000, 10_100), ALICE)
    await market.send(an_order_of_a_call("sell", 1_000, 9_900), BOB)
    await market.until(lambda: indicated()[-1] == ("99.00", "0.01000", "0.02000"))
    # Nothing has changed since: nothing more is written, and the book may rest as it is.
    seq = market.core.seq
    assert not market.core.tick() and market.core.seq == seq
    late: list[dict[str, Any]] = []
    session = market.core.session("bob", lambda text: late.append(json.loads(text)))
    session.request(json.dumps(subscribe).encode())
    await market.driver.durable()
    (image,) = status_of(late)
    assert (image["state"], image["price"], image["qty"]) == ("auction", "99.00", "0.01000")
    assert image["surplus"] == "0.02000"
    await market.send(Message("TradingStateSet", instrument=1, state="open"))
    after: list[dict[str, Any]] = []
    session = market.core.session("bob", lambda text: after.append(json.loads(text)))
    session.request(json.dumps(subscribe).encode())
    await market.driver.durable()
    (image,) = status_of(after)
    assert image["state"] == "open" and "surplus" not in image
    market.driver.close()
    market.follow()


async def test_indications_of_a_busy_call_are_a_while_apart() -> None:
    market = await a_market()
    await market.send(Message("TradingStateSet", instrument=1, state="auction"))
    assert not market.core.tick()
    seq, time_ns = market.core.seq, time.time_ns()
    for price in range(10_000, 10_010):
        await market.send(an_order_of_a_call("buy", 1_000, price), ALICE)
        assert not market.core.tick()
    # Ten orders and no tick, or the machine was slower than the interval between two.
    ticks, spent_ns = market.core.seq - seq - 10, time.time_ns() - time_ns
    assert ticks <= spent_ns // 100_000_000
    await market.send(an_order_of_a_call("buy", 1_000, 10_010), ALICE)
    await past(time.time_ns() + 100_000_000)
    seq = market.core.seq
    assert not market.core.tick() and market.core.seq == seq + 1
    assert not market.core.tick() and market.core.seq == seq + 1
    market.core.close()
    market.follow()
