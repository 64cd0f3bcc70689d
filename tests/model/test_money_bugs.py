"""Faults of money, ids and permissions, each by name: holds, fees, duplicates, stale records."""

from tests.model.codec import Message
from tests.model.scenario import ANN, BOB, CYD, USD_EACH, an_exchange, kinds, of

BALANCE = ("account", "asset", "available", "held")


def test_the_rest_of_a_partly_filled_ioc_is_released() -> None:
    s = an_exchange(taker_fee=1_000)
    s.place(ANN, "sell", 2, 100)
    events = s.place(BOB, "buy", 10, 110, tif="ioc")
    closed = of(events, "OrderClosed", "order_id", "state", "reason", "filled", "remaining")
    assert closed[-1] == (2, "expired", "immediate_or_cancel", 2, 8)
    assert s.balance(BOB, 1) == (USD_EACH - 200 - 1, 0)


def test_a_buy_holds_its_limit_with_the_takers_fee() -> None:
    s = an_exchange(maker_fee=100, taker_fee=2_500)
    events = s.place(ANN, "buy", 10, 100)
    need = 1_000 + 3
    assert of(events, "BalanceChanged", *BALANCE) == [(ANN, 1, USD_EACH - need, need)]
    assert of(s.cancel(ANN, 1), "BalanceChanged", *BALANCE) == [(ANN, 1, USD_EACH, 0)]


def test_fees_of_one_order_are_rounded_up_once_over_all_its_fills() -> None:
    s = an_exchange(maker_fee=0, taker_fee=250)
    for _ in range(3):
        s.place(ANN, "sell", 1, 100)
    fills = of(s.place(BOB, "buy", 3, 100), "OrderFilled", "role", "fee")
    assert [fee for role, fee in fills if role == "taker"] == [1, 0, 0]


def test_maker_and_taker_pay_their_own_rates() -> None:
    s = an_exchange(maker_fee=1_000, taker_fee=5_000)
    s.place(ANN, "sell", 10, 100)
    fills = of(s.place(BOB, "buy", 10, 100), "OrderFilled", "role", "notional", "fee")
    assert fills == [("maker", 1_000, 1), ("taker", 1_000, 5)]
    assert s.balance(ANN, 1) == (USD_EACH + 1_000 - 1, 0)
    assert s.balance(BOB, 1) == (USD_EACH - 1_000 - 5, 0)


def test_a_partly_filled_maker_keeps_only_its_need() -> None:
    s = an_exchange(maker_fee=100, taker_fee=100_000)
    s.place(ANN, "buy", 10, 100)
    s.place(BOB, "sell", 4, 100)
    # Four lots made pay 0.04, rounded up; six are left at 600 and, as if taken, 60.04 − 1.
    assert s.balance(ANN, 1) == (USD_EACH - 401 - 660, 660)


def test_what_a_better_price_saved_is_available_at_once() -> None:
    s = an_exchange()
    s.place(ANN, "sell", 5, 90)
    s.place(BOB, "buy", 10, 100)
    assert s.balance(BOB, 1) == (USD_EACH - 5 * 90 - 5 * 100, 5 * 100)


def test_an_order_beyond_the_balance_never_reaches_the_book() -> None:
    s = an_exchange()
    refused = s.place(ANN, "sell", 1_001, 100)
    detail = of(refused, "Rejected", "code", "field", "unit", "value", "limit")
    assert detail == [("INSUFFICIENT_BALANCE", "available", "base_minor", 1_001, 1_000)]
    refused = s.place(ANN, "buy", 10_001, 100)
    detail = of(refused, "Rejected", "code", "unit", "value", "limit")
    assert detail == [("INSUFFICIENT_BALANCE", "quote_minor", 1_000_100, USD_EACH)]


def test_an_amend_needs_only_the_difference() -> None:
    s = an_exchange()
    s.place(ANN, "buy", 6_000, 100)
    refused = of(s.amend(ANN, 1, qty=10_001), "Rejected", "code", "unit", "value", "limit")
    assert refused == [("INSUFFICIENT_BALANCE", "quote_minor", 400_100, 400_000)]
    assert of(s.amend(ANN, 1, qty=10_000), "BalanceChanged", *BALANCE) == [(ANN, 1, 0, USD_EACH)]


def test_a_market_buy_takes_the_lots_it_can_pay_with_the_fee() -> None:
    s = an_exchange(taker_fee=100_000)
    s.place(ANN, "sell", 10, 100_000)
    events = s.place(BOB, "buy", 10, tif="ioc")
    assert of(events, "Traded", "qty") == [(9,)]
    closed = of(events, "OrderClosed", "state", "reason", "filled", "remaining")
    assert closed == [("expired", "insufficient_balance", 9, 1)]
    assert s.balance(BOB, 1) == (USD_EACH - 990_000, 0)


def test_a_market_fill_or_kill_that_lacks_only_money_says_so() -> None:
    s = an_exchange()
    s.place(ANN, "sell", 20, 100_000)
    killed = s.place(BOB, "buy", 11, tif="fok")
    assert kinds(killed) == ["OrderAccepted", "OrderClosed"]
    assert of(killed, "OrderClosed", "state", "reason") == [("expired", "insufficient_balance")]


def test_a_market_order_by_notional_stops_before_a_lot_too_many() -> None:
    s = an_exchange()
    s.place(ANN, "sell", 3, 100)
    s.place(ANN, "sell", 3, 200)
    events = s.place(BOB, "buy", 0, tif="ioc", notional=650)
    assert of(events, "Traded", "price", "qty") == [(100, 3), (200, 1)]
    closed = of(events, "OrderClosed", "order_id", "state", "reason", "filled", "remaining")
    assert closed[-1] == (3, "filled", "notional_spent", 4, 0)


def test_a_market_order_by_notional_spent_to_the_last_unit_is_filled() -> None:
    s = an_exchange()
    s.place(ANN, "sell", 3, 100)
    events = s.place(BOB, "buy", 0, tif="ioc", notional=300)
    closed = of(events, "OrderClosed", "order_id", "state", "reason")
    assert closed[-1] == (2, "filled", "notional_spent")


def test_a_market_order_by_notional_too_small_for_a_lot_expires() -> None:
    s = an_exchange()
    s.place(ANN, "buy", 3, 100)
    events = s.place(BOB, "sell", 0, tif="ioc", notional=99)
    assert of(events, "OrderClosed", "state", "reason", "filled") == [
        ("expired", "notional_spent", 0)
    ]


def test_an_account_may_trade_with_itself() -> None:
    s = an_exchange(maker_fee=1_000, taker_fee=2_000)
    s.place(ANN, "sell", 10, 100)
    s.place(ANN, "buy", 10, 100)
    assert s.balance(ANN, 1) == (USD_EACH - 3, 0)
    assert s.balance(ANN, 2) == (1_000, 0)


def test_self_trades_stop_before_their_notional_leaves_its_bound() -> None:
    s = an_exchange()
    s.send(Message("AssetCreate", name="ETH", scale=0))
    rules = {"tick_minor": 10**15, "lot_minor": 1, "min_qty": 1, "max_qty": 1 << 53}
    free = {"min_notional": 0, "maker_fee": 0, "taker_fee": 0}
    ids = {"symbol": "ETH-USD", "base": 3, "quote": 1}
    s.send(Message("InstrumentCreate", **ids, **rules, **free))
    s.send(Message("Deposit", asset=1, amount=10**30), account=ANN)
    s.send(Message("Deposit", asset=3, amount=10**13), account=ANN)
    for _ in range(101):
        s.place(ANN, "sell", 10**10, 10**5, instrument=2)
    killed = s.place(ANN, "buy", 101 * 10**10, tif="fok", instrument=2)
    assert of(killed, "OrderClosed", "reason") == [("fill_or_kill",)]
    events = s.place(ANN, "buy", 101 * 10**10, tif="ioc", instrument=2)
    assert of(events, "Traded", "trade_id")[-1] == (100,)
    assert of(events, "OrderClosed", "state", "reason", "remaining")[-1] == (
        ("expired", "fill_limit", 10**10)
    )


def test_a_client_order_id_is_remembered_after_its_order_closed() -> None:
    s = an_exchange()
    s.place(ANN, "sell", 2, 100, client_order_id="a")
    s.place(BOB, "buy", 2, 100)
    again = s.place(ANN, "sell", 2, 100, client_order_id="a")
    assert of(again, "OrderDuplicate", "order_id", "state", "filled") == [(1, "filled", 2)]
    other = s.place(ANN, "sell", 3, 100, client_order_id="a")
    detail = of(other, "Rejected", "code", "field", "value", "client_order_id")
    assert detail == [("CLIENT_ORDER_ID_CONFLICT", "client_order_id", 1, "a")]


def test_a_rejected_order_does_not_consume_its_client_order_id() -> None:
    s = an_exchange()
    s.place(ANN, "sell", 2_000, 100, client_order_id="a")
    assert kinds(s.place(ANN, "sell", 2, 100, client_order_id="a"))[0] == "OrderAccepted"


def test_client_order_ids_of_two_accounts_do_not_meet() -> None:
    s = an_exchange()
    s.place(ANN, "sell", 2, 100, client_order_id="a")
    assert kinds(s.place(BOB, "sell", 2, 100, client_order_id="a"))[0] == "OrderAccepted"


def test_the_oldest_closed_client_order_id_is_forgotten_first() -> None:
    s = an_exchange(closed_ids_per_account_max=1)
    for order_id, client_order_id in ((1, "a"), (2, "b")):
        s.place(ANN, "sell", 2, 100, client_order_id=client_order_id)
        s.cancel(ANN, order_id)
    assert kinds(s.place(ANN, "sell", 2, 100, client_order_id="b")) == ["OrderDuplicate"]
    assert kinds(s.place(ANN, "sell", 2, 100, client_order_id="a"))[0] == "OrderAccepted"


def test_a_full_table_of_live_client_order_ids_refuses_more() -> None:
    s = an_exchange(client_order_ids_max=1)
    s.place(ANN, "sell", 2, 100, client_order_id="a")
    refused = s.place(BOB, "sell", 2, 100, client_order_id="a")
    assert of(refused, "Rejected", "code", "field") == [("TABLE_FULL", "client_order_id")]
    s.cancel(ANN, 1)
    assert kinds(s.place(BOB, "sell", 2, 100, client_order_id="a"))[0] == "OrderAccepted"


def test_a_deposit_sent_twice_is_credited_once() -> None:
    s = an_exchange()
    deposit = Message("Deposit", asset=1, amount=7)
    s.send(deposit, account=CYD, request_id=9)
    again = s.send(deposit, account=CYD, request_id=9)
    assert kinds(again) == ["RequestDuplicate"]
    other = s.send(Message("Deposit", asset=1, amount=8), account=CYD, request_id=9)
    assert of(other, "Rejected", "code", "field") == [("REQUEST_ID_CONFLICT", "request_id")]
    assert s.balance(CYD, 1) == (USD_EACH + 7, 0)


def test_records_of_an_earlier_incarnation_are_void() -> None:
    s = an_exchange()
    s.send(Message("NodeStarted", incarnation=5))
    command = Message("OrderCancelAll", instrument=0, side="both", session=0)
    late = s.send(command, account=ANN, incarnation=4)
    detail = of(late, "Rejected", "code", "field", "unit", "value", "limit")
    assert detail == [("STALE_INCARNATION", "incarnation", "number", 4, 5)]
    same = s.send(Message("NodeStarted", incarnation=5))
    assert of(same, "Rejected", "code", "value", "limit") == [("STALE_INCARNATION", 5, 5)]


def test_a_key_acts_only_within_its_permissions_and_account() -> None:
    s = an_exchange()
    trade = {"key_id": "k", "public_key": bytes(32), "permissions": 2}
    s.send(Message("KeyCreate", **trade), account=ANN)
    cancel_all = Message("OrderCancelAll", instrument=0, side="both", session=0)
    assert kinds(s.send(cancel_all, account=ANN, key=1)) == ["OrdersCancelled"]
    other = s.send(cancel_all, account=BOB, key=1)
    assert of(other, "Rejected", "code", "field", "value", "limit") == [
        ("NOT_PERMITTED", "account", BOB, ANN)
    ]
    withdrawal = s.send(Message("Withdraw", asset=1, amount=1), account=ANN, key=1)
    assert of(withdrawal, "Rejected", "code", "field", "value", "limit") == [
        ("NOT_PERMITTED", "permissions", 2, 4)
    ]
