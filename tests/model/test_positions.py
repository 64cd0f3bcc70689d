"""Positions, what they realise, and orders that only reduce, in the core and in the model."""

from tests.model.codec import Message
from tests.model.scenario import ANN, BOB, CYD, Scenario, an_exchange, kinds, of

POSITION = ("account", "qty", "cost", "realised", "fees")
CLOSED = ("order_id", "state", "reason", "filled", "remaining")


def trade(s: Scenario, buyer: int, seller: int, qty: int, price: int) -> list[Message]:
    s.place(seller, "sell", qty, price)
    return s.place(buyer, "buy", qty, price)


def position(events: list[Message], account: int) -> tuple[object, ...]:
    return next(row[1:] for row in of(events, "PositionChanged", *POSITION) if row[0] == account)


def test_a_position_is_said_once_per_command_before_the_balances() -> None:
    s = an_exchange()
    s.place(ANN, "sell", 1, 100)
    s.place(ANN, "sell", 2, 101)
    events = s.place(BOB, "buy", 3, 101)
    rows = of(events, "PositionChanged", *POSITION)
    assert rows == [(ANN, -3, -302, 0, 0), (BOB, 3, 302, 0, 0)]
    assert kinds(events)[-6:] == ["PositionChanged"] * 2 + ["BalanceChanged"] * 4


def test_what_a_close_removes_of_the_cost_is_rounded_toward_zero() -> None:
    s = an_exchange()
    trade(s, ANN, BOB, 2, 100)
    trade(s, ANN, BOB, 1, 101)
    events = trade(s, BOB, ANN, 1, 110)
    assert position(events, ANN) == (2, 201, 10, 0)
    assert position(events, BOB) == (-2, -201, -10, 0)
    events = trade(s, BOB, ANN, 2, 110)
    assert position(events, ANN) == (0, 0, 29, 0)


def test_a_fill_through_zero_closes_with_its_part_and_opens_with_the_rest() -> None:
    s = an_exchange()
    trade(s, ANN, BOB, 2, 100)
    events = trade(s, CYD, ANN, 5, 111)
    assert position(events, ANN) == (-3, -333, 22, 0)
    events = trade(s, ANN, CYD, 4, 110)
    assert position(events, ANN) == (1, 110, 25, 0)


def test_fees_are_kept_apart_from_what_is_realised() -> None:
    s = an_exchange(maker_fee=1_000, taker_fee=10_000)
    trade(s, ANN, BOB, 10, 100)
    events = trade(s, BOB, ANN, 10, 110)
    assert position(events, ANN) == (0, 0, 100, 10 + 2)


def test_a_trade_with_oneself_counts_on_both_sides() -> None:
    s = an_exchange()
    trade(s, ANN, BOB, 3, 100)
    s.place(ANN, "buy", 1, 90)
    events = s.place(ANN, "sell", 1, 90)
    # The maker first: four for 390; then one of them is sold for 90.
    assert of(events, "PositionChanged", *POSITION) == [(ANN, 3, 293, -7, 0)]


def test_a_reduce_only_order_is_no_larger_than_what_it_reduces() -> None:
    s = an_exchange()
    trade(s, ANN, BOB, 3, 100)
    for account, side, qty, capacity in (
        (ANN, "sell", 4, 3),
        (ANN, "buy", 1, 0),
        (BOB, "buy", 4, 3),
    ):
        refused = s.terms(account, side, qty, 100, reduce_only=True)
        detail = of(refused, "Rejected", "code", "field", "unit", "value", "limit")
        assert detail == [("REDUCE_ONLY", "qty", "lots", qty, capacity)]
    events = s.terms(ANN, "sell", 3, 105, reduce_only=True)
    assert kinds(events)[:2] == ["OrderAccepted", "OrderTermsSet"]


def test_a_reduce_only_order_by_notional_is_refused() -> None:
    s = an_exchange()
    trade(s, ANN, BOB, 3, 100)
    refused = s.terms(ANN, "sell", 0, notional=100, reduce_only=True)
    detail = of(refused, "Rejected", "code", "field", "unit", "value")
    assert detail == [("INVALID_COMBINATION", "reduce_only", "number", 1)]


def test_a_reduce_only_taker_ends_when_nothing_is_left_to_reduce() -> None:
    s = an_exchange()
    trade(s, ANN, BOB, 3, 100)
    s.terms(ANN, "sell", 3, 105, reduce_only=True)
    s.place(CYD, "buy", 9, 99)
    events = s.amend(ANN, 3, qty=5, price=99)
    assert of(events, "Traded", "qty") == [(3,)]
    assert of(events, "OrderClosed", *CLOSED) == [(3, "expired", "reduce_only", 3, 2)]


def test_a_reduce_only_order_without_a_counterpart_rests() -> None:
    s = an_exchange()
    trade(s, ANN, BOB, 3, 100)
    s.terms(ANN, "sell", 3, 105, reduce_only=True)
    events = s.amend(ANN, 3, qty=5, price=104)
    assert kinds(events)[-2:] == ["LevelChanged", "BalanceChanged"]


def test_a_reduce_only_maker_that_would_not_reduce_closes_and_counts_as_a_fill() -> None:
    s = an_exchange(fills_per_command_max=1)
    trade(s, ANN, BOB, 3, 100)
    s.terms(ANN, "sell", 3, 105, reduce_only=True)
    trade(s, CYD, ANN, 3, 100)
    s.place(BOB, "sell", 1, 105)
    events = s.place(CYD, "buy", 1, 105)
    assert of(events, "OrderClosed", *CLOSED) == [
        (3, "expired", "reduce_only", 0, 3),
        (7, "expired", "fill_limit", 0, 1),
    ]
    assert of(events, "LevelChanged", "price", "qty", "order_count") == [(105, 1, 1)]


def test_a_reduce_only_maker_fills_no_more_than_it_reduces() -> None:
    s = an_exchange()
    trade(s, ANN, BOB, 3, 100)
    s.terms(ANN, "sell", 3, 105, reduce_only=True)
    trade(s, CYD, ANN, 2, 100)
    events = s.place(CYD, "buy", 3, 105)
    assert of(events, "Traded", "qty", "maker_order_id") == [(1, 3)]
    assert of(events, "OrderClosed", *CLOSED) == [(3, "expired", "reduce_only", 1, 2)]
    assert of(events, "OrderRested", "account", "remaining") == [(CYD, 2)]


def test_a_fill_or_kill_does_not_count_on_reduce_only_makers() -> None:
    s = an_exchange()
    trade(s, ANN, BOB, 3, 100)
    s.terms(ANN, "sell", 3, 105, reduce_only=True)
    events = s.place(CYD, "buy", 1, 105, tif="fok")
    assert of(events, "OrderClosed", *CLOSED) == [(4, "expired", "fill_or_kill", 0, 1)]
