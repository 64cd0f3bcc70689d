"""Icebergs, smallest quantities and self-trade prevention (section 11 of the rules)."""

import pytest

from tests.model.codec import Message
from tests.model.scenario import ANN, BOB, CYD, an_exchange, kinds, of


def test_a_level_counts_only_what_an_iceberg_shows() -> None:
    s = an_exchange()
    events = s.terms(ANN, "sell", 10, 100, display_qty=3)
    assert of(events, "OrderRested", "remaining") == [(10,)]
    assert of(events, "LevelChanged", "qty", "order_count") == [(3, 1)]


def test_an_iceberg_shows_its_next_part_behind_all_of_its_level() -> None:
    s = an_exchange()
    s.terms(ANN, "sell", 7, 100, display_qty=3)
    s.place(BOB, "sell", 2, 100)
    events = s.place(CYD, "buy", 6, 100)
    assert of(events, "Traded", "maker_order_id", "qty") == [(1, 3), (2, 2), (1, 1)]
    assert of(events, "OrderRefreshed", "displayed", "remaining") == [(3, 4)]
    assert of(events, "LevelChanged", "qty", "order_count") == [(2, 1)]


def test_the_last_part_of_an_iceberg_is_what_is_left() -> None:
    s = an_exchange()
    s.terms(ANN, "sell", 7, 100, display_qty=3)
    events = s.place(CYD, "buy", 6, 100)
    assert of(events, "OrderRefreshed", "displayed", "remaining") == [(3, 4), (1, 1)]


def test_an_iceberg_amended_down_shows_no_more_than_remains() -> None:
    s = an_exchange()
    s.terms(ANN, "sell", 7, 100, display_qty=3)
    amended = s.amend(ANN, 1, qty=2)
    assert of(amended, "OrderAmended", "kept_priority") == [(True,)]
    assert of(amended, "LevelChanged", "qty") == [(2,)]


def test_fill_or_kill_counts_the_parts_of_an_iceberg_as_fills() -> None:
    s = an_exchange(fills_per_command_max=3)
    s.terms(ANN, "sell", 10, 100, display_qty=3)
    killed = s.place(BOB, "buy", 9, 100, tif="fok")
    assert of(killed, "OrderClosed", "reason") == [("fill_or_kill",)]
    s.amend(ANN, 1, qty=9)
    filled = s.place(BOB, "buy", 9, 100, tif="fok")
    assert of(filled, "Traded", "qty") == [(3,), (3,), (3,)]


def test_fill_or_kill_counts_all_that_a_level_hides_once_it_needs_any_of_it() -> None:
    s = an_exchange(fills_per_command_max=5)
    for _ in range(2):
        s.terms(ANN, "sell", 3, 100, display_qty=1)
    killed = s.place(BOB, "buy", 3, 100, tif="fok")
    assert of(killed, "OrderClosed", "reason") == [("fill_or_kill",)]
    filled = s.place(BOB, "buy", 2, 100, tif="fok")
    assert of(filled, "Traded", "maker_order_id") == [(1,), (2,)]


def test_an_order_with_a_smallest_quantity_takes_at_least_that_or_nothing() -> None:
    s = an_exchange()
    s.place(ANN, "sell", 3, 100)
    refused = s.terms(BOB, "buy", 9, 100, tif="ioc", min_qty=4)
    assert of(refused, "OrderClosed", "reason", "filled") == [("min_qty", 0)]
    taken = s.terms(BOB, "buy", 9, 100, tif="ioc", min_qty=3)
    assert of(taken, "OrderClosed", "reason", "filled")[-1] == ("immediate_or_cancel", 3)


def test_expire_taker_ends_the_arriving_order_before_its_own() -> None:
    s = an_exchange()
    s.place(BOB, "sell", 1, 99)
    s.place(ANN, "sell", 1, 100)
    events = s.terms(ANN, "buy", 5, 100, self_trade="expire_taker")
    assert of(events, "Traded", "maker_order_id") == [(1,)]
    closed = of(events, "OrderClosed", "order_id", "state", "reason", "remaining")[-1]
    assert closed == (3, "expired", "self_trade", 4)


def test_expire_maker_passes_over_the_own_order_and_says_its_level_once() -> None:
    s = an_exchange()
    s.place(ANN, "sell", 1, 100)
    s.place(BOB, "sell", 1, 100)
    events = s.terms(ANN, "buy", 2, 100, self_trade="expire_maker")
    assert kinds(events)[:3] == ["OrderAccepted", "OrderTermsSet", "OrderClosed"]
    assert of(events, "Traded", "maker_order_id") == [(2,)]
    assert of(events, "LevelChanged", "side", "qty") == [("sell", 0), ("buy", 1)]


def test_expire_both_ends_both() -> None:
    s = an_exchange()
    s.place(ANN, "sell", 1, 100)
    events = s.terms(ANN, "buy", 2, 100, self_trade="expire_both")
    assert of(events, "OrderClosed", "order_id", "reason") == [(1, "self_trade"), (2, "self_trade")]


def test_decrement_takes_the_smaller_quantity_from_both_without_a_trade() -> None:
    s = an_exchange()
    s.place(ANN, "sell", 2, 100)
    events = s.terms(ANN, "buy", 5, 100, self_trade="decrement")
    assert "Traded" not in kinds(events)
    assert of(events, "OrderDecremented", "order_id", "by", "qty", "remaining") == [
        *((1, 2, 0, 0), (2, 2, 3, 3))
    ]
    assert of(events, "OrderRested", "remaining") == [(3,)]
    assert s.balance(ANN, 1) == (1_000_000 - 300, 300)


def test_a_decremented_taker_with_nothing_left_ends_for_self_trade() -> None:
    s = an_exchange()
    s.place(ANN, "sell", 5, 100)
    events = s.terms(ANN, "buy", 2, 100, self_trade="decrement")
    closed = of(events, "OrderClosed", "order_id", "state", "reason", "filled", "remaining")
    assert closed == [(2, "expired", "self_trade", 0, 0)]
    assert of(events, "LevelChanged", "qty") == [(3,)]


def test_accounts_of_one_trade_group_are_one_owner_and_group_zero_is_none() -> None:
    s = an_exchange()
    s.place(ANN, "sell", 1, 100)
    events = s.terms(BOB, "buy", 1, 100, self_trade="expire_taker")
    assert of(events, "Traded", "qty") == [(1,)]
    for account in (ANN, BOB):
        s.send(Message("AccountConfigure", group=0, trade_group=7), account=account)
    s.place(ANN, "sell", 1, 100)
    events = s.terms(BOB, "buy", 1, 100, self_trade="expire_taker")
    assert of(events, "OrderClosed", "reason") == [("self_trade",)]


def test_the_makers_mode_does_not_matter() -> None:
    s = an_exchange()
    s.terms(ANN, "sell", 1, 100, self_trade="expire_both")
    assert of(s.place(ANN, "buy", 1, 100), "Traded", "qty") == [(1,)]


@pytest.mark.parametrize(("mode", "reason"), [("expire_maker", "filled"), ("decrement", "killed")])
def test_fill_or_kill_passes_over_own_orders_only_where_they_expire(mode: str, reason: str) -> None:
    s = an_exchange()
    s.place(ANN, "sell", 5, 100)
    s.place(BOB, "sell", 2, 100)
    events = s.terms(ANN, "buy", 2, 100, tif="fok", self_trade=mode)
    last = of(events, "OrderClosed", "order_id", "reason")[-1]
    assert last == (3, {"filled": "filled", "killed": "fill_or_kill"}[reason])


def test_a_market_fill_or_kill_pays_before_anything_is_given_back() -> None:
    s = an_exchange()
    s.send(Message("Withdraw", asset=1, amount=1_000_000 - 150), account=ANN)
    s.place(ANN, "sell", 1, 100)
    s.place(BOB, "sell", 1, 100)
    killed = s.place(ANN, "buy", 2, tif="fok")
    assert of(killed, "OrderClosed", "reason") == [("insufficient_balance",)]
