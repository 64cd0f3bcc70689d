"""The gate: each limit and each code, its value and its bound, in the core and in the model."""

import pytest

from tests.model.codec import Message
from tests.model.orders import DAY_NS
from tests.model.risk_scenario import (
    make_group,
    make_key,
    refusal,
    set_limit,
    set_state,
)
from tests.model.scenario import ANN, BOB, BTC, CYD, USD, Scenario, an_exchange, kinds, of

SECOND_NS = 10**9
MINOR_MAX = 10**32
USED = ("scope", "of_kind", "used", "limit", "level")


def trade(s: Scenario, buyer: int, seller: int, qty: int, price: int) -> list[Message]:
    s.place(seller, "sell", qty, price)
    return s.place(buyer, "buy", qty, price)


# Setting limits.


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({"scope": "instrument", "scope_id": 1}, ("INVALID_COMBINATION", "scope", "number", 3, 0)),
        ({"scope_id": 1}, ("INVALID_COMBINATION", "scope_id", "number", 1, 0)),
        ({"scope": "group", "scope_id": 1}, ("UNKNOWN_GROUP", "scope_id", "number", 1, 0)),
        ({"scope": "account", "scope_id": 0}, ("UNKNOWN_ACCOUNT", "scope_id", "number", 0, 0)),
        ({"subject": 2}, ("UNKNOWN_INSTRUMENT", "subject", "number", 2, 0)),
        (
            {"of_kind": "drawdown", "subject": 3},
            ("UNKNOWN_ASSET", "subject", "number", 3, 0),
        ),
        ({"of_kind": "order_rate"}, ("INVALID_COMBINATION", "subject", "number", 1, 0)),
        (
            {"value": MINOR_MAX + 1, "burst": 1},
            ("AMOUNT_OUT_OF_RANGE", "limit", "number", MINOR_MAX + 1, MINOR_MAX),
        ),
        (
            {"of_kind": "message_rate", "subject": 0, "value": 0},
            ("AMOUNT_OUT_OF_RANGE", "limit", "number", 0, 10**9),
        ),
        (
            {"of_kind": "order_rate", "subject": 0, "value": 10**9 + 1},
            ("AMOUNT_OUT_OF_RANGE", "limit", "number", 10**9 + 1, 10**9),
        ),
        (
            {"of_kind": "order_rate", "subject": 0, "value": 1},
            ("AMOUNT_OUT_OF_RANGE", "burst", "number", 0, 1),
        ),
        (
            {"of_kind": "duplicate_window", "subject": 0, "value": DAY_NS + 1},
            ("AMOUNT_OUT_OF_RANGE", "limit", "ns", DAY_NS + 1, DAY_NS),
        ),
        ({"burst": 1}, ("INVALID_COMBINATION", "burst", "number", 1, 0)),
        ({"burst": 1, "value": -1}, ("INVALID_COMBINATION", "burst", "number", 1, 0)),
    ],
)
def test_a_limit_that_means_nothing_is_refused(
    fields: dict[str, object], detail: tuple[object, ...]
) -> None:
    s = an_exchange()
    good = {"scope": "firm", "scope_id": 0, "of_kind": "position", "subject": 1, "value": 5}
    assert refusal(s.send(Message("LimitSet", **good | {"burst": 0} | fields))) == detail


def test_a_rate_is_taken_away_without_a_burst() -> None:
    s = an_exchange()
    set_limit(s, "order_rate", 1, burst=1)
    events = set_limit(s, "order_rate", -1)
    assert of(events, "LimitChanged", "value", "burst", "version") == [(-1, 0, 2)]
    assert not refusal(s.place(ANN, "buy", 1, 100))


def test_nobody_loosens_a_limit_that_binds_the_own_account() -> None:
    s = an_exchange()
    group, anns, bobs = make_group(s, ANN, CYD), make_key(s, ANN), make_key(s, BOB)
    for scope in (("account", ANN), group):
        set_limit(s, "open_orders", 5, scope=scope)
        for value in (6, -1, -9):
            refused = set_limit(s, "open_orders", value, scope=scope, key=anns)
            assert refusal(refused) == ("LIMIT_BINDS_ASKER", "limit", "number", value, 5)
        assert not refusal(set_limit(s, "open_orders", 4, scope=scope, key=anns))
        assert not refusal(set_limit(s, "open_orders", 6, scope=scope, key=bobs))
    set_limit(s, "open_orders", 5)
    assert not refusal(set_limit(s, "open_orders", 6, key=anns))


def test_a_larger_burst_is_looser_and_so_is_a_shorter_window() -> None:
    s = an_exchange()
    anns, own = make_key(s, ANN), ("account", ANN)
    set_limit(s, "order_rate", 7, burst=3, scope=own)
    refused = set_limit(s, "order_rate", 7, burst=4, scope=own, key=anns)
    assert refusal(refused) == ("LIMIT_BINDS_ASKER", "limit", "number", 7, 7)
    assert not refusal(set_limit(s, "order_rate", 6, burst=9, scope=own, key=anns))
    set_limit(s, "duplicate_window", 100, scope=own)
    refused = set_limit(s, "duplicate_window", 99, scope=own, key=anns)
    assert refusal(refused) == ("LIMIT_BINDS_ASKER", "limit", "number", 99, 100)
    assert not refusal(set_limit(s, "duplicate_window", 101, scope=own, key=anns))


# The steps of the gate.


def test_the_firm_is_looked_at_before_group_and_account() -> None:
    s = an_exchange()
    group = make_group(s, ANN)
    for scope, limit in ((("account", ANN), 1), (group, 2), (("firm", 0), 3)):
        set_limit(s, "order_qty", limit, scope=scope, subject=1)
        refused = refusal(s.place(ANN, "buy", 4, 100))
        assert refused == ("RISK_ORDER_QTY", "qty", "lots", 4, limit)
    assert refusal(s.place(BOB, "buy", 3, 100)) == ()


def test_halted_stops_all_and_reducing_what_does_not_reduce() -> None:
    s = an_exchange()
    trade(s, ANN, BOB, 5, 100)
    numbers = {"firm": 0, "account": 2, "instrument": 3}
    for kind, which in (("firm", 0), ("account", ANN), ("instrument", 1)):
        set_state(s, "reducing", (kind, which))
        refused = refusal(s.place(ANN, "sell", 1, 100))
        assert refused == ("RISK_REDUCING", "scope", "number", numbers[kind], 0)
        assert not refusal(s.terms(ANN, "sell", 1, 100, reduce_only=True))
        set_state(s, "halted", (kind, which))
        refused = refusal(s.terms(ANN, "sell", 1, 100, reduce_only=True))
        assert refused == ("RISK_HALTED", "scope", "number", numbers[kind], 0)
        set_state(s, "active", (kind, which))
    assert not refusal(s.place(ANN, "sell", 1, 100))


def test_halted_anywhere_is_said_before_reducing() -> None:
    s = an_exchange()
    set_state(s, "reducing", ("firm", 0))
    set_state(s, "halted", ("instrument", 1))
    assert refusal(s.place(ANN, "buy", 1, 100)) == ("RISK_HALTED", "scope", "number", 3, 0)


def test_cancels_pass_where_everything_is_halted() -> None:
    s = an_exchange()
    s.place(ANN, "buy", 2, 100)
    set_state(s, "halted", ("firm", 0))
    assert refusal(s.amend(ANN, 1, qty=1)) == ("RISK_HALTED", "scope", "number", 0, 0)
    assert kinds(s.cancel(ANN, 1))[0] == "OrderClosed"


def test_nobody_lifts_a_state_that_binds_the_own_account() -> None:
    s = an_exchange()
    anns, own = make_key(s, ANN), ("account", ANN)
    set_state(s, "halted", own)
    for state, number in (("reducing", 1), ("active", 0)):
        refused = refusal(set_state(s, state, own, key=anns))
        assert refused == ("LIMIT_BINDS_ASKER", "state", "number", number, 2)
    assert kinds(set_state(s, "halted", own, key=anns)) == ["RiskStateChanged"]
    assert kinds(set_state(s, "active", own, key=make_key(s, BOB))) == ["RiskStateChanged"]


def test_the_days_loss_is_measured_at_the_reference() -> None:
    s = an_exchange()
    trade(s, ANN, BOB, 10, 100)
    set_limit(s, "daily_loss", 50, scope=("account", ANN), subject=USD)
    trade(s, CYD, BOB, 1, 96)
    assert not refusal(s.place(ANN, "buy", 1, 90))
    trade(s, CYD, BOB, 1, 95)
    refused = refusal(s.place(ANN, "buy", 1, 90))
    assert refused == ("RISK_DAILY_LOSS", "limit", "quote_minor", 50, 50)
    assert not refusal(s.terms(ANN, "sell", 1, 200, reduce_only=True))


def test_a_new_day_begins_with_what_the_last_fill_left() -> None:
    s = an_exchange()
    set_limit(s, "daily_loss", 50, scope=("account", ANN), subject=USD)
    trade(s, ANN, BOB, 10, 100)
    trade(s, ANN, BOB, 1, 95)
    trade(s, CYD, BOB, 1, 90)
    assert refusal(s.place(ANN, "buy", 1, 90))[3:] == (105, 50)
    s.now_ns = DAY_NS
    # The last that is known of the day before is the loss of 50 at its last fill.
    assert refusal(s.place(ANN, "buy", 1, 90))[3:] == (55, 50)
    trade(s, CYD, BOB, 1, 95)
    assert not refusal(s.place(ANN, "buy", 1, 90))


def test_the_drawdown_is_measured_from_the_best_fill() -> None:
    s = an_exchange()
    set_limit(s, "drawdown", 50, scope=("account", ANN), subject=USD)
    trade(s, ANN, BOB, 10, 100)
    trade(s, ANN, BOB, 1, 110)
    trade(s, CYD, BOB, 1, 106)
    assert not refusal(s.place(ANN, "buy", 1, 90))
    s.now_ns = DAY_NS
    trade(s, CYD, BOB, 1, 105)
    refused = refusal(s.place(ANN, "buy", 1, 90))
    assert refused == ("RISK_DRAWDOWN", "limit", "quote_minor", 55, 50)


def test_the_nearest_loss_limit_is_the_accounts_bound() -> None:
    s = an_exchange()
    trade(s, ANN, BOB, 10, 100)
    trade(s, CYD, BOB, 1, 90)
    group = make_group(s, ANN)
    set_limit(s, "daily_loss", 10, subject=USD)
    assert refusal(s.place(ANN, "buy", 1, 90))[3:] == (100, 10)
    set_limit(s, "daily_loss", 20, subject=USD, scope=group)
    assert refusal(s.place(ANN, "buy", 1, 90))[3:] == (100, 20)
    set_limit(s, "daily_loss", 101, subject=USD, scope=("account", ANN))
    assert not refusal(s.place(ANN, "buy", 1, 90))


def test_a_refused_message_still_costs_a_token() -> None:
    s = an_exchange()
    set_limit(s, "message_rate", 2, burst=2)
    set_limit(s, "order_qty", 5, subject=1)
    for _ in range(2):
        assert refusal(s.place(ANN, "buy", 6, 100))[0] == "RISK_ORDER_QTY"
    refused = refusal(s.place(ANN, "buy", 6, 100))
    assert refused == ("RISK_MESSAGE_RATE", "limit", "number", 2, 2)
    s.now_ns = SECOND_NS // 2 - 1
    assert refusal(s.place(ANN, "buy", 6, 100))[0] == "RISK_MESSAGE_RATE"
    s.now_ns += 1
    assert refusal(s.place(ANN, "buy", 6, 100))[0] == "RISK_ORDER_QTY"


def test_what_is_refused_before_the_rates_costs_no_token() -> None:
    s = an_exchange()
    set_limit(s, "message_rate", 1, burst=1)
    set_state(s, "halted", ("account", ANN))
    s.place(ANN, "buy", 1, 100)
    s.place(ANN, "buy", 1, -5)
    assert not refusal(s.place(BOB, "buy", 1, 100))


def test_who_is_over_the_own_rate_does_not_use_up_the_firms() -> None:
    s = an_exchange()
    set_limit(s, "message_rate", 1, burst=2)
    set_limit(s, "message_rate", 1, burst=1, scope=("account", ANN))
    assert not refusal(s.place(ANN, "buy", 1, 100))
    refused = refusal(s.place(ANN, "buy", 1, 100))
    assert refused == ("RISK_MESSAGE_RATE", "limit", "number", 1, 1)
    assert not refusal(s.place(BOB, "buy", 1, 100))


def test_an_order_token_is_taken_when_the_order_is_accepted() -> None:
    s = an_exchange()
    set_limit(s, "order_rate", 1, burst=1)
    assert refusal(s.place(ANN, "buy", 1_000_000, 100))[0] == "INSUFFICIENT_BALANCE"
    assert not refusal(s.place(ANN, "buy", 1, 100))
    refused = refusal(s.place(BOB, "buy", 1, 100))
    assert refused == ("RISK_ORDER_RATE", "limit", "number", 1, 1)
    assert kinds(s.amend(ANN, 1, qty=2))[0] == "OrderAmended"
    s.now_ns = SECOND_NS
    assert not refusal(s.place(BOB, "buy", 1, 100))


def test_the_same_order_again_within_the_window_is_refused() -> None:
    s = an_exchange()
    set_limit(s, "duplicate_window", 500)
    set_limit(s, "duplicate_window", 100, scope=("account", ANN))
    s.place(ANN, "buy", 1, 100)
    s.now_ns = 99
    refused = refusal(s.place(ANN, "buy", 1, 100, client_order_id="b", tif="ioc"))
    assert refused == ("RISK_DUPLICATE_ORDER", "qty", "ns", 99, 100)
    assert not refusal(s.place(BOB, "buy", 1, 100))
    s.now_ns = 100
    assert not refusal(s.place(ANN, "buy", 1, 100))
    assert refusal(s.place(ANN, "buy", 1, 100))[3:] == (0, 100)
    assert not refusal(s.place(ANN, "buy", 2, 100))
    assert not refusal(s.place(ANN, "buy", 1, 100))


def test_a_window_of_zero_is_none() -> None:
    s = an_exchange()
    set_limit(s, "duplicate_window", 500)
    set_limit(s, "duplicate_window", 0, scope=("account", ANN))
    s.place(ANN, "buy", 1, 100)
    assert refusal(s.place(ANN, "buy", 1, 100))[3:] == (0, 500)


def test_an_order_placed_while_no_window_binds_is_not_remembered() -> None:
    s = an_exchange()
    s.place(ANN, "buy", 1, 100)
    set_limit(s, "duplicate_window", 500)
    assert not refusal(s.place(ANN, "buy", 1, 100))
    set_limit(s, "duplicate_window", -1)
    s.place(ANN, "buy", 1, 100)
    set_limit(s, "duplicate_window", 500)
    assert not refusal(s.place(ANN, "buy", 1, 100))


def test_order_notional_is_at_the_limit_or_the_reference() -> None:
    s = an_exchange()
    set_limit(s, "order_notional", 1_000, subject=USD)
    refused = refusal(s.place(ANN, "buy", 10, 101))
    assert refused == ("RISK_ORDER_NOTIONAL", "notional", "quote_minor", 1_010, 1_000)
    refused = refusal(s.place(ANN, "buy", 0, tif="ioc", notional=1_001))
    assert refused == ("RISK_ORDER_NOTIONAL", "notional", "quote_minor", 1_001, 1_000)
    assert not refusal(s.place(ANN, "buy", 999, tif="ioc"))
    s.mark(200)
    refused = refusal(s.place(ANN, "buy", 6, tif="ioc"))
    assert refused == ("RISK_ORDER_NOTIONAL", "notional", "quote_minor", 1_200, 1_000)


def test_an_amend_is_measured_by_what_remains() -> None:
    s = an_exchange()
    s.place(ANN, "buy", 10, 100)
    s.place(BOB, "sell", 6, 100)
    set_limit(s, "order_qty", 5, subject=1)
    assert kinds(s.amend(ANN, 1, qty=11))[0] == "OrderAmended"
    refused = refusal(s.amend(ANN, 1, qty=12))
    assert refused == ("RISK_ORDER_QTY", "qty", "lots", 6, 5)


def test_a_limit_outside_the_collar_is_refused_with_the_bound_it_passes() -> None:
    s = an_exchange()
    s.configure(collar_ppm=55_000)
    refused = refusal(s.place(ANN, "buy", 1, 100))
    assert refused == ("NO_REFERENCE", "price", "ticks", 100, 0)
    s.mark(110)
    assert not refusal(s.place(ANN, "buy", 1, 104))
    assert refusal(s.place(ANN, "buy", 1, 103)) == ("RISK_PRICE_COLLAR", "price", "ticks", 103, 104)
    assert not refusal(s.place(ANN, "sell", 1, 116))
    assert refusal(s.amend(ANN, 1, price=117)) == ("RISK_PRICE_COLLAR", "price", "ticks", 117, 116)


def test_an_amend_of_the_qty_is_held_to_the_collar_of_now() -> None:
    s = an_exchange()
    s.place(ANN, "buy", 2, 100)
    s.configure(collar_ppm=10_000)
    s.mark(200)
    refused = refusal(s.amend(ANN, 1, qty=1))
    assert refused == ("RISK_PRICE_COLLAR", "price", "ticks", 100, 198)


def test_a_market_order_slips_no_further_than_its_bound() -> None:
    s = an_exchange()
    s.configure(slippage_ppm=50_000)
    refused = refusal(s.place(ANN, "buy", 1, tif="ioc"))
    assert refused == ("NO_REFERENCE", "type", "number", 1, 0)
    s.mark(100)
    s.place(ANN, "sell", 1, 105)
    s.place(ANN, "sell", 1, 106)
    killed = s.place(BOB, "buy", 2, tif="fok")
    assert of(killed, "OrderClosed", "reason") == [("fill_or_kill",)]
    events = s.place(BOB, "buy", 2, tif="ioc")
    assert of(events, "Traded", "price") == [(105,)]
    closed = of(events, "OrderClosed", "state", "reason", "remaining")
    assert closed[-1] == ("expired", "slippage", 1)


def test_open_orders_are_counted_over_all_that_are_bound_together() -> None:
    s = an_exchange()
    set_limit(s, "open_orders", 2)
    s.place(ANN, "buy", 1, 90)
    s.place(BOB, "buy", 1, 90)
    refused = refusal(s.place(CYD, "buy", 1, 90))
    assert refused == ("TOO_MANY_OPEN_ORDERS", "count", "number", 2, 2)
    assert not refusal(s.place(CYD, "buy", 1, 90, tif="ioc"))
    assert kinds(s.amend(ANN, 1, price=91))[0] == "OrderAmended"


def test_the_position_limit_counts_what_is_open_on_the_orders_side() -> None:
    s = an_exchange()
    trade(s, ANN, BOB, 3, 100)
    set_limit(s, "position", 5, scope=("account", ANN), subject=1)
    s.place(ANN, "buy", 1, 90)
    refused = refusal(s.place(ANN, "buy", 2, 90))
    assert refused == ("RISK_POSITION", "qty", "lots", 6, 5)
    assert not refusal(s.place(ANN, "sell", 8, 110))
    refused = refusal(s.place(ANN, "sell", 1, 110))
    assert refused == ("RISK_POSITION", "qty", "lots", 6, 5)
    assert kinds(s.amend(ANN, 3, qty=2))[0] == "OrderAmended"
    assert not refusal(s.terms(ANN, "sell", 3, 110, reduce_only=True))


def test_the_firms_position_nets_its_accounts() -> None:
    s = an_exchange()
    trade(s, ANN, BOB, 50, 100)
    set_limit(s, "position", 5, subject=1)
    assert not refusal(s.place(ANN, "buy", 5, 90))
    refused = refusal(s.place(CYD, "buy", 0, tif="ioc", notional=199))
    assert refused == ("RISK_POSITION", "qty", "lots", 6, 5)


def test_gross_adds_long_short_and_all_that_is_open() -> None:
    s = an_exchange()
    trade(s, ANN, BOB, 3, 100)
    set_limit(s, "gross_notional", 1_000, subject=USD)
    s.place(ANN, "buy", 1, 50)
    s.place(BOB, "sell", 2, 300)
    refused = refusal(s.place(CYD, "buy", 2, 7))
    assert refused == ("RISK_GROSS_NOTIONAL", "notional", "quote_minor", 1_100, 1_000)
    assert not refusal(s.place(CYD, "buy", 1, 7))


def test_without_a_reference_gross_is_at_the_orders_own_price() -> None:
    s = an_exchange()
    set_limit(s, "gross_notional", 1_000, subject=USD)
    s.place(ANN, "buy", 10, 50)
    refused = refusal(s.place(BOB, "buy", 1, 92))
    assert refused == ("RISK_GROSS_NOTIONAL", "notional", "quote_minor", 11 * 92, 1_000)


def test_net_is_the_worse_of_both_sides() -> None:
    s = an_exchange()
    trade(s, ANN, BOB, 3, 100)
    set_limit(s, "net_notional", 500, scope=("account", ANN), subject=USD)
    s.place(ANN, "buy", 1, 50)
    refused = refusal(s.place(ANN, "buy", 2, 50))
    assert refused == ("RISK_NET_NOTIONAL", "notional", "quote_minor", 600, 500)
    assert not refusal(s.place(ANN, "sell", 8, 200))
    refused = refusal(s.place(ANN, "sell", 1, 200))
    assert refused == ("RISK_NET_NOTIONAL", "notional", "quote_minor", 600, 500)


def a_dear_instrument(s: Scenario) -> None:
    """Instrument 2, at a mark of which a million lots are worth more than is counted."""
    s.send(Message("AssetCreate", name="ETH", scale=0))
    rules = {"tick_minor": 10**12, "lot_minor": 1, "min_qty": 1, "max_qty": 1 << 53}
    free = {"min_notional": 0, "maker_fee": 0, "taker_fee": 0}
    ids = {"symbol": "ETH-USD", "base": 3, "quote": USD}
    s.send(Message("InstrumentCreate", **ids, **rules, **free))
    s.send(Message("MarkSet", instrument=2, price=1 << 53))
    s.send(Message("Deposit", asset=USD, amount=10**30), account=ANN)


def test_a_mark_beyond_all_reason_is_cut() -> None:
    s = an_exchange()
    a_dear_instrument(s)
    set_limit(s, "gross_notional", 5, subject=USD)
    refused = refusal(s.place(ANN, "buy", 10, 1, instrument=2))
    assert refused == ("RISK_GROSS_NOTIONAL", "notional", "quote_minor", 10 * 2**53 * 10**12, 5)
    refused = refusal(s.place(ANN, "buy", 10**6, 1, instrument=2))
    assert refused == ("RISK_GROSS_NOTIONAL", "notional", "quote_minor", 10**33, 5)


@pytest.mark.parametrize("kind", ["gross_notional", "net_notional"])
def test_an_amended_order_is_taken_out_before_what_is_open_is_cut(kind: str) -> None:
    s = an_exchange()
    a_dear_instrument(s)
    for _ in range(2):
        s.place(ANN, "buy", 10**6, 1, instrument=2)
    set_limit(s, kind, 5, subject=USD)
    code = f"RISK_{kind.upper()}"
    refused = refusal(s.place(ANN, "buy", 10**6, 1, instrument=2))
    assert refused == (code, "notional", "quote_minor", 2 * 10**33, 5)
    assert refusal(s.amend(ANN, 2, qty=10**6 + 1)) == refused
    s.cancel(ANN, 1)
    assert refusal(s.amend(ANN, 2, qty=10**6 + 1))[3:] == (10**33, 5)


# The order of the checks.


def test_the_gate_stands_before_post_only_and_funds_but_after_the_price() -> None:
    s = an_exchange()
    s.place(ANN, "sell", 1, 100)
    set_limit(s, "order_qty", 5, subject=1)
    assert refusal(s.place(BOB, "buy", 6, 100, post_only=True))[0] == "RISK_ORDER_QTY"
    assert refusal(s.place(BOB, "buy", 10**7, 2**53 + 1))[0] == "PRICE_OUT_OF_RANGE"
    assert refusal(s.place(BOB, "buy", 10**9, 100))[0] == "RISK_ORDER_QTY"
    assert refusal(s.terms(BOB, "buy", 6, 100, reduce_only=True))[0] == "REDUCE_ONLY"


# The use of limits.


def test_use_is_said_when_a_mark_is_passed_and_when_it_comes_back() -> None:
    s = an_exchange()
    set_limit(s, "open_orders", 5, scope=("account", ANN))
    for _ in range(3):
        assert not of(s.place(ANN, "buy", 1, 90), "LimitUsed", *USED)
    said = of(s.place(ANN, "buy", 1, 90), "LimitUsed", *USED)
    assert said == [("account", "open_orders", 4, 5, 80)]
    said = of(s.place(ANN, "buy", 1, 90), "LimitUsed", *USED)
    assert said == [("account", "open_orders", 5, 5, 100)]
    said = of(s.cancel_all(ANN), "LimitUsed", *USED)
    assert said == [("account", "open_orders", 0, 5, 0)]


def test_use_is_said_by_scope_and_kind_before_the_balances() -> None:
    s = an_exchange()
    set_limit(s, "position", 2, scope=("account", ANN), subject=1)
    set_limit(s, "net_notional", 180, subject=USD)
    set_limit(s, "open_orders", 1)
    events = s.place(ANN, "buy", 2, 90)
    assert of(events, "LimitUsed", *USED) == [
        ("firm", "open_orders", 1, 1, 100),
        ("account", "position", 2, 2, 100),
    ]
    assert kinds(events)[-3:] == ["LimitUsed", "LimitUsed", "BalanceChanged"]
    # Now there is a reference, and the bids have a worth.
    s.place(BOB, "sell", 1, 90)
    events = s.place(BOB, "buy", 1, 80, tif="ioc")
    assert not of(events, "LimitUsed", *USED)


def test_a_loss_is_said_only_of_limits_of_the_account() -> None:
    s = an_exchange(taker_fee=100_000)
    set_limit(s, "daily_loss", 10, subject=USD)
    set_limit(s, "daily_loss", 100, scope=("account", ANN), subject=USD)
    said = of(trade(s, ANN, BOB, 8, 100), "LimitUsed", *USED)
    assert said == [("account", "daily_loss", 80, 100, 80)]


def test_a_limit_of_zero_is_used_up_by_anything() -> None:
    s = an_exchange()
    set_limit(s, "position", 0, scope=("account", BOB), subject=1)
    set_limit(s, "open_orders", 0, scope=("account", BOB))
    assert refusal(s.place(BOB, "buy", 1, 90)) == ("TOO_MANY_OPEN_ORDERS", "count", "number", 0, 0)
    set_limit(s, "open_orders", -1, scope=("account", BOB))
    assert refusal(s.place(BOB, "buy", 1, 90)) == ("RISK_POSITION", "qty", "lots", 1, 0)
    set_limit(s, "position", -1, scope=("account", BOB), subject=1)
    s.place(BOB, "buy", 2, 90)
    set_limit(s, "position", 0, scope=("account", BOB), subject=1)
    said = of(s.place(ANN, "sell", 1, 90), "LimitUsed", *USED)
    assert said == [("account", "position", 2, 0, 100)]


def test_a_limit_that_is_set_again_begins_unsaid() -> None:
    s = an_exchange()
    own = ("account", ANN)
    set_limit(s, "open_orders", 1, scope=own)
    s.place(ANN, "buy", 1, 90)
    set_limit(s, "open_orders", 1, scope=own)
    said = of(s.amend(ANN, 1, price=91), "LimitUsed", *USED)
    assert said == [("account", "open_orders", 1, 1, 100)]


def test_a_limit_of_another_asset_is_not_looked_at() -> None:
    s = an_exchange()
    set_limit(s, "gross_notional", 0, subject=BTC)
    set_limit(s, "order_notional", 0, subject=BTC)
    assert not refusal(s.place(ANN, "buy", 1, 90))
