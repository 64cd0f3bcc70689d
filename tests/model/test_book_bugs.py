"""Faults that order books are known for, each by name: priority, prices, levels, closing."""

from tests.model.codec import Header, Message
from tests.model.scenario import ANN, BOB, CYD, an_exchange, kinds, of


def test_a_fill_is_at_the_makers_price() -> None:
    s = an_exchange()
    s.place(ANN, "sell", 5, 100)
    assert of(s.place(BOB, "buy", 5, 110), "Traded", "price", "qty") == [(100, 5)]
    assert s.balance(BOB, 1) == (1_000_000 - 500, 0)


def test_a_marketable_limit_does_not_trade_past_its_limit() -> None:
    s = an_exchange()
    for price in (100, 101, 102):
        s.place(ANN, "sell", 1, price)
    events = s.place(BOB, "buy", 3, 101)
    assert of(events, "Traded", "price") == [(100,), (101,)]
    assert of(events, "OrderRested", "price", "remaining") == [(101, 1)]


def test_events_of_a_placement_come_in_their_order() -> None:
    s = an_exchange()
    s.place(ANN, "sell", 2, 100)
    assert kinds(s.place(BOB, "buy", 3, 100)) == [
        *("OrderAccepted", "Traded", "OrderFilled", "OrderFilled", "OrderClosed", "LevelChanged"),
        *("OrderRested", "LevelChanged", *["PositionChanged"] * 2, *["BalanceChanged"] * 4),
    ]


def test_the_oldest_order_of_a_level_is_filled_first() -> None:
    s = an_exchange()
    for account in (ANN, BOB, CYD):
        s.place(account, "sell", 1, 100)
    events = s.place(ANN, "buy", 3, 100)
    assert of(events, "Traded", "maker_order_id") == [(1,), (2,), (3,)]


def test_a_cancel_in_a_level_keeps_the_order_of_the_others() -> None:
    s = an_exchange()
    for _ in range(4):
        s.place(ANN, "sell", 1, 100)
    s.cancel(ANN, 1)
    events = s.place(BOB, "buy", 3, 100)
    assert of(events, "Traded", "maker_order_id") == [(2,), (3,), (4,)]


def test_the_survivor_of_a_level_of_two_is_still_filled() -> None:
    s = an_exchange()
    s.place(ANN, "buy", 1, 100)
    s.place(ANN, "buy", 2, 100)
    cancelled = s.cancel(ANN, 1)
    assert of(cancelled, "LevelChanged", "qty", "order_count") == [(2, 1)]
    assert of(s.place(BOB, "sell", 2, 100), "Traded", "maker_order_id", "qty") == [(2, 2)]


def test_a_cancel_finds_the_order_on_its_own_side() -> None:
    s = an_exchange()
    s.place(ANN, "buy", 1, 99)
    s.place(ANN, "sell", 2, 101)
    level = of(s.cancel(ANN, 2), "LevelChanged", "side", "price", "qty", "order_count")
    assert level == [("sell", 101, 0, 0)]


def test_a_cancelled_order_cannot_be_cancelled_again() -> None:
    s = an_exchange()
    s.place(ANN, "buy", 1, 99)
    s.cancel(ANN, 1)
    reject = of(s.cancel(ANN, 1), "Rejected", "code", "field", "unit", "value")
    assert reject == [("ORDER_NOT_FOUND", "order_id", "number", 1)]


def test_another_accounts_order_is_not_found() -> None:
    s = an_exchange()
    s.place(ANN, "buy", 1, 99)
    assert of(s.cancel(BOB, 1), "Rejected", "code") == [("ORDER_NOT_FOUND",)]
    assert of(s.amend(BOB, 1, qty=2), "Rejected", "code") == [("ORDER_NOT_FOUND",)]


def test_a_duplicate_placement_adds_nothing_to_the_level() -> None:
    s = an_exchange()
    s.place(ANN, "sell", 2, 100, client_order_id="a")
    again = s.place(ANN, "sell", 2, 100, client_order_id="a")
    assert kinds(again) == ["OrderDuplicate"]
    assert of(s.place(BOB, "buy", 5, 100), "Traded", "qty") == [(2,)]


def test_no_fill_has_zero_lots_when_a_taker_ends_with_its_maker() -> None:
    s = an_exchange()
    s.place(ANN, "sell", 2, 100)
    s.place(ANN, "sell", 2, 100)
    events = s.place(BOB, "buy", 2, 100)
    assert of(events, "Traded", "qty") == [(2,)]
    assert of(events, "LevelChanged", "qty", "order_count") == [(2, 1)]


def test_the_best_price_moves_on_when_its_level_empties() -> None:
    s = an_exchange()
    s.place(ANN, "sell", 1, 100)
    s.place(ANN, "sell", 1, 105)
    s.place(BOB, "buy", 1, 100)
    assert kinds(s.place(BOB, "buy", 1, 104, post_only=True))[1] == "OrderRested"
    assert of(s.place(CYD, "buy", 1, 110), "Traded", "price") == [(105,)]


def test_each_level_traded_on_changes_once() -> None:
    s = an_exchange()
    for price in (100, 100, 101):
        s.place(ANN, "sell", 1, price)
    levels = of(s.place(BOB, "buy", 3, 101), "LevelChanged", "price", "qty", "order_count")
    assert levels == [(100, 0, 0), (101, 0, 0)]


def test_the_place_of_a_cancelled_order_is_free_again() -> None:
    s = an_exchange(live_orders_max=2)
    for order_id in range(1, 50):
        s.place(ANN, "buy", 1, 100)
        s.cancel(ANN, order_id)
    s.place(ANN, "buy", 1, 100)
    s.place(ANN, "buy", 1, 100)
    reject = of(s.place(ANN, "buy", 1, 100), "Rejected", "code", "field", "value", "limit")
    assert reject == [("TABLE_FULL", "count", 2, 2)]


def test_prices_far_apart_all_rest_and_trade() -> None:
    s = an_exchange()
    prices = (1 << 53, 1 << 40, 1_000_000, 4_097, 1)
    for price in prices:
        s.place(ANN, "sell", 1, price)
    events = s.place(BOB, "buy", 2, 5_000)
    assert of(events, "Traded", "price") == [(1,), (4_097,)]
    assert of(s.cancel_all(ANN), "OrderClosed", "order_id") == [(1,), (2,), (3,)]


def test_an_empty_side_has_no_best_price_of_zero() -> None:
    s = an_exchange()
    assert kinds(s.place(ANN, "sell", 1, 1, post_only=True))[1] == "OrderRested"
    s.cancel(ANN, 1)
    closed = of(s.place(ANN, "sell", 1, tif="ioc"), "OrderClosed", "state", "reason", "remaining")
    assert closed == [("expired", "no_liquidity", 1)]
    closed = of(s.place(ANN, "buy", 1, tif="ioc"), "OrderClosed", "state", "reason", "remaining")
    assert closed == [("expired", "no_liquidity", 1)]


def test_less_qty_keeps_the_place_in_the_queue() -> None:
    s = an_exchange()
    s.place(ANN, "sell", 5, 100)
    s.place(BOB, "sell", 5, 100)
    amended = s.amend(ANN, 1, qty=3)
    assert of(amended, "OrderAmended", "qty", "remaining", "kept_priority") == [(3, 3, True)]
    assert of(amended, "LevelChanged", "qty", "order_count") == [(8, 2)]
    assert s.balance(ANN, 2) == (1_000 - 3, 3)
    assert of(s.place(CYD, "buy", 4, 100), "Traded", "maker_order_id", "qty") == [(1, 3), (2, 1)]


def test_more_qty_loses_the_place_in_the_queue() -> None:
    s = an_exchange()
    s.place(ANN, "sell", 5, 100)
    s.place(BOB, "sell", 5, 100)
    amended = s.amend(ANN, 1, qty=6)
    assert kinds(amended)[:4] == ["OrderAmended", "LevelChanged", "OrderRested", "LevelChanged"]
    assert of(amended, "OrderAmended", "kept_priority") == [(False,)]
    assert of(amended, "LevelChanged", "qty", "order_count") == [(5, 1), (11, 2)]
    assert of(s.place(CYD, "buy", 6, 100), "Traded", "maker_order_id", "qty") == [(2, 5), (1, 1)]


def test_a_new_price_loses_the_place_even_there_and_back() -> None:
    s = an_exchange()
    s.place(ANN, "sell", 5, 100)
    s.place(BOB, "sell", 5, 100)
    s.amend(ANN, 1, price=101)
    s.amend(ANN, 1, price=100)
    assert of(s.place(CYD, "buy", 5, 100), "Traded", "maker_order_id") == [(2,)]


def test_an_amend_that_changes_nothing_says_only_that() -> None:
    s = an_exchange()
    s.place(ANN, "sell", 5, 100)
    s.place(BOB, "sell", 5, 100)
    amended = s.amend(ANN, 1, qty=5, price=100)
    assert kinds(amended) == ["OrderAmended"]
    assert of(amended, "OrderAmended", "kept_priority") == [(True,)]
    assert of(s.place(CYD, "buy", 5, 100), "Traded", "maker_order_id") == [(1,)]


def test_an_amend_across_the_book_trades_as_a_taker() -> None:
    s = an_exchange()
    s.place(ANN, "sell", 2, 100)
    s.place(BOB, "buy", 5, 90)
    events = s.amend(BOB, 2, price=105)
    fills = of(events, "OrderFilled", "order_id", "role", "price", "remaining")
    assert fills == [(1, "maker", 100, 0), (2, "taker", 100, 3)]
    levels = of(events, "LevelChanged", "side", "price", "qty")
    assert levels == [("buy", 90, 0), ("sell", 100, 0), ("buy", 105, 3)]


def test_an_amend_to_what_is_filled_closes_the_order() -> None:
    s = an_exchange()
    s.place(ANN, "sell", 5, 100)
    s.place(BOB, "buy", 2, 100)
    closed = of(s.amend(ANN, 1, qty=2), "OrderClosed", "state", "reason", "filled", "remaining")
    assert closed == [("cancelled", "amended_to_filled", 2, 3)]
    assert s.balance(ANN, 2) == (1_000 - 2, 0)


def test_cancel_all_goes_by_order_id_and_counts() -> None:
    s = an_exchange()
    for price in (90, 95, 85):
        s.place(ANN, "buy", 1, price)
    s.place(BOB, "buy", 1, 95)
    events = s.cancel_all(ANN)
    assert of(events, "OrderClosed", "order_id") == [(1,), (2,), (3,)]
    assert of(events, "LevelChanged", "price", "qty") == [(90, 0), (95, 1), (85, 0)]
    assert kinds(events)[-2:] == ["OrdersCancelled", "BalanceChanged"]
    assert of(s.cancel_all(ANN), "OrdersCancelled", "count") == [(0,)]


def test_a_post_only_order_that_would_trade_is_refused() -> None:
    s = an_exchange()
    s.place(ANN, "sell", 1, 100)
    refused = s.place(BOB, "buy", 1, 100, post_only=True)
    assert of(refused, "Rejected", "code", "field", "unit", "value", "limit") == [
        ("POST_ONLY_WOULD_TRADE", "price", "ticks", 100, 100)
    ]
    s.place(BOB, "buy", 1, 99, post_only=True)
    refused = s.amend(BOB, 2, price=101)
    assert of(refused, "Rejected", "code", "value", "limit") == [
        ("POST_ONLY_WOULD_TRADE", 101, 100)
    ]


def test_fill_or_kill_is_all_or_nothing() -> None:
    s = an_exchange()
    s.place(ANN, "sell", 2, 100)
    s.place(ANN, "sell", 2, 103)
    killed = s.place(BOB, "buy", 3, 102, tif="fok")
    assert kinds(killed) == ["OrderAccepted", "OrderClosed"]
    assert of(killed, "OrderClosed", "reason", "filled") == [("fill_or_kill", 0)]
    filled = s.place(BOB, "buy", 3, 103, tif="fok")
    assert of(filled, "Traded", "price", "qty") == [(100, 2), (103, 1)]


def test_fill_or_kill_counts_the_fills_it_would_take() -> None:
    s = an_exchange(fills_per_command_max=2)
    for _ in range(3):
        s.place(ANN, "sell", 1, 100)
    killed = s.place(BOB, "buy", 3, 100, tif="fok")
    assert of(killed, "OrderClosed", "reason") == [("fill_or_kill",)]


def test_a_stop_that_a_stop_makes_due_acts_in_the_same_command() -> None:
    s = an_exchange()
    s.trade(100)
    for price in (101, 102, 103, 104):
        s.place(CYD, "sell", 1, price)
    for price in (103, 102, 101):
        s.terms(BOB, "buy", 1, 110, trigger="stop", trigger_price=price)
    events = s.place(ANN, "buy", 1, 101)
    assert of(events, "OrderTriggered", "trigger_price") == [(101,), (102,), (103,)]
    assert of(events, "Traded", "price") == [(101,), (102,), (103,), (104,)]


def test_a_command_makes_only_so_many_fills() -> None:
    s = an_exchange(fills_per_command_max=2)
    for _ in range(3):
        s.place(ANN, "sell", 1, 100)
    events = s.place(BOB, "buy", 5, 100)
    closed = of(events, "OrderClosed", "order_id", "state", "reason", "remaining")
    assert closed[-1] == (4, "expired", "fill_limit", 3)
    assert s.balance(BOB, 1) == (1_000_000 - 200, 0)


def test_a_level_takes_no_more_lots_than_it_can_count() -> None:
    s = an_exchange(live_orders_max=2_000, open_orders_per_account_max=2_000)
    most = 1 << 53
    s.send(Message("Deposit", asset=2, amount=most * 1_024), account=ANN)
    ask: dict[str, object] = {"side": "sell", "order_type": "limit", "time_in_force": "gtc"}
    ask |= {"qty": most, "price": 1, "post_only": False, "notional": 0, "client_order_id": ""}
    for seq in range(s.twins.exchange.last_seq + 1, s.twins.exchange.last_seq + 1_024):
        header = Header(seq, incarnation=1, account=ANN)
        s.twins.step(header, Message("OrderPlace", instrument=1, **ask))
    refused = of(s.place(ANN, "sell", most, 1), "Rejected", "code", "field", "value", "limit")
    assert refused == [("QTY_ABOVE_MAX", "qty", most, most - 1)]
    assert kinds(s.place(ANN, "sell", most - 1, 1))[1] == "OrderRested"
    s.place(ANN, "sell", 2, 2)
    refused = of(s.amend(ANN, 1_025, price=1), "Rejected", "code", "value", "limit")
    assert refused == [("QTY_ABOVE_MAX", 2, 0)]
