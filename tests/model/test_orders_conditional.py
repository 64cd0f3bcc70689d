"""Conditional orders (section 12 of the rules): which is due, in which order, and what they do."""

from tests.model.codec import Message
from tests.model.conditional import TRIGGERS_PER_COMMAND_MAX
from tests.model.placing import FOLLOWERS_PER_INSTRUMENT_MAX
from tests.model.scenario import ANN, BOB, CYD, Scenario, an_exchange, kinds, of, order_fields
from tests.model.terms import with_terms


def stop(
    s: Scenario, account: int, side: str, qty: int, trigger: int, price: int = 0, **more: object
) -> list[Message]:
    more = {"trigger": "stop", "trigger_price": trigger} | more
    command = with_terms(order_fields(side, qty, price, str(more.pop("tif", ""))) | more)
    return s.send(command, account=account)


def triggered(events: list[Message]) -> list[tuple[object, ...]]:
    return of(events, "OrderTriggered", "order_id")


def test_a_stop_waits_off_the_book_and_holds_what_it_needs_at_its_limit() -> None:
    s = an_exchange()
    s.trade(100)
    events = stop(s, CYD, "buy", 2, 105, 110)
    assert kinds(events) == ["OrderAccepted", "OrderTermsSet", "BalanceChanged"]
    assert s.balance(CYD, 1) == (1_000_000 - 220, 220)


def test_a_market_stop_holds_at_its_collar_price_and_says_no_price() -> None:
    s = an_exchange()
    s.trade(100)
    events = stop(s, CYD, "buy", 2, 200)
    assert of(events, "OrderAccepted", "order_type", "price") == [("market", 0)]
    assert s.balance(CYD, 1) == (1_000_000 - 2 * 210, 2 * 210)
    s.configure(slippage_ppm=100_000)
    stop(s, CYD, "buy", 1, 200)
    assert s.balance(CYD, 1)[1] == 2 * 210 + 220


def test_a_stop_that_would_act_at_once_is_refused_where_there_is_a_price() -> None:
    s = an_exchange()
    stop(s, ANN, "buy", 1, 1, 100)
    s.trade(100)
    refused = stop(s, ANN, "buy", 1, 100, 100)
    reject = of(refused, "Rejected", "code", "field", "unit", "value", "limit")
    assert reject == [("TRIGGER_WOULD_FIRE", "trigger_price", "ticks", 100, 100)]
    refused = s.terms(ANN, "sell", 1, 100, trigger="take_profit", trigger_price=100)
    assert of(refused, "Rejected", "code") == [("TRIGGER_WOULD_FIRE",)]
    assert kinds(stop(s, ANN, "sell", 1, 99, 99))[0] == "OrderAccepted"


def test_a_trade_at_the_trigger_price_triggers_and_the_order_rests_at_its_limit() -> None:
    s = an_exchange()
    s.trade(100)
    stop(s, CYD, "sell", 2, 98, 97)
    s.place(ANN, "sell", 1, 98)
    events = s.place(BOB, "buy", 1, 98)
    assert of(events, "OrderTriggered", "trigger_on", "trigger_price", "price") == [
        ("last", 98, 97)
    ]
    at = kinds(events).index("OrderTriggered")
    assert kinds(events)[at : at + 3] == ["OrderTriggered", "OrderRested", "LevelChanged"]


def test_stops_that_trigger_each_other_all_act_in_one_command() -> None:
    s = an_exchange()
    s.trade(100)
    for price in (99, 98, 97):
        s.place(BOB, "buy", 1, price)
        stop(s, CYD, "sell", 1, price, 1)
    s.place(BOB, "buy", 1, 96)
    events = s.place(ANN, "sell", 1, 99)
    assert of(events, "Traded", "price") == [(99,), (98,), (97,), (96,)]
    assert len(triggered(events)) == 3


def test_rising_stops_come_before_falling_ones_and_the_nearest_first() -> None:
    s = an_exchange()
    s.trade(100)
    for trigger in (103, 102, 102):
        stop(s, CYD, "buy", 1, trigger, 90)
    for trigger in (97, 98):
        stop(s, CYD, "sell", 1, trigger, 120)
    s.place(BOB, "buy", 1, 103)
    s.place(BOB, "buy", 1, 97)
    events = s.place(ANN, "sell", 2, 97)
    assert triggered(events) == [(4,), (5,), (3,), (7,), (6,)]


def test_the_highest_of_a_command_triggers_even_if_the_last_price_is_lower() -> None:
    s = an_exchange()
    s.trade(100)
    stop(s, CYD, "buy", 1, 103, 90)
    s.place(ANN, "sell", 1, 103)
    s.place(ANN, "sell", 1, 102)
    events = s.place(BOB, "buy", 2, 103)
    assert of(events, "Traded", "price") == [(102,), (103,)]
    assert triggered(events) == [(3,)]


def test_a_stop_on_the_mark_looks_at_nothing_else() -> None:
    s = an_exchange()
    s.mark(100)
    s.trade(100)
    stop(s, CYD, "buy", 1, 105, 90, trigger_on="mark")
    s.place(ANN, "sell", 1, 106)
    assert triggered(s.place(BOB, "buy", 1, 106)) == []
    assert triggered(s.mark(105)) == [(3,)]


def test_a_trailing_stop_needs_a_price_and_follows_the_best_of_it() -> None:
    s = an_exchange()
    refused = s.terms(CYD, "sell", 1, trigger="trail_ticks", trail=5)
    reject = of(refused, "Rejected", "code", "field", "unit", "value")
    assert reject == [("NO_REFERENCE", "trigger", "number", 3)]
    s.trade(100)
    s.terms(CYD, "sell", 1, trigger="trail_ticks", trail=5)
    s.trade(110)
    s.trade(106)
    s.place(ANN, "sell", 1, 105)
    events = s.place(BOB, "buy", 1, 105)
    assert of(events, "OrderTriggered", "trigger_price", "price") == [(105, 91)]


def test_a_trailing_stop_in_basis_points_rounds_its_distance_down() -> None:
    s = an_exchange()
    s.trade(199)
    s.terms(CYD, "sell", 1, trigger="trail_bp", trail=100)
    s.trade(199)
    events = s.mark(1)
    assert triggered(events) == []
    s.place(ANN, "sell", 1, 198)
    events = s.place(BOB, "buy", 1, 198)
    assert of(events, "OrderTriggered", "trigger_price") == [(198,)]


def test_an_old_low_does_not_trigger_a_trailing_stop_that_moved_up_since() -> None:
    s = an_exchange()
    s.trade(100)
    s.terms(CYD, "sell", 1, trigger="trail_ticks", trail=15)
    s.place(ANN, "buy", 1, 90)
    for price in (94, 110, 105):
        s.place(ANN, "sell" if price == 94 else "buy", 1, price)
        events = s.place(BOB, "buy" if price == 94 else "sell", 1, price)
        assert triggered(events) == []
    events = s.mark(7)
    assert triggered(events) == []


def test_a_waiting_order_is_cancelled_and_amended_without_a_level() -> None:
    s = an_exchange()
    s.trade(100)
    stop(s, CYD, "buy", 1, 105, 110)
    amended = s.amend(CYD, 3, qty=2, price=120)
    assert kinds(amended) == ["OrderAmended", "BalanceChanged"]
    assert of(amended, "OrderAmended", "qty", "price", "kept_priority") == [(2, 120, True)]
    assert s.balance(CYD, 1)[1] == 240
    assert kinds(s.cancel(CYD, 3)) == ["OrderClosed", "BalanceChanged"]


def test_a_waiting_market_order_has_no_price_to_amend() -> None:
    s = an_exchange()
    s.trade(100)
    stop(s, CYD, "buy", 1, 105)
    reject = of(s.amend(CYD, 3, price=9), "Rejected", "code", "field", "unit", "value")
    assert reject == [("INVALID_COMBINATION", "price", "ticks", 9)]
    assert of(s.amend(CYD, 3, qty=2), "OrderAmended", "qty") == [(2,)]


def test_a_fill_or_kill_stop_that_cannot_be_filled_closes_when_it_acts() -> None:
    s = an_exchange()
    s.trade(100)
    stop(s, CYD, "buy", 5, 105, tif="fok")
    s.place(ANN, "sell", 2, 105)
    events = s.place(BOB, "buy", 1, 105)
    assert triggered(events) == [(3,)]
    assert of(events, "OrderClosed", "order_id", "reason")[-1] == (3, "fill_or_kill")
    assert s.balance(CYD, 1) == (1_000_000, 0)


def many_stops(s: Scenario, count: int) -> None:
    s.mark(100)
    for _ in range(count):
        stop(s, CYD, "buy", 1, 105, 1, trigger_on="mark")


def test_more_stops_than_one_command_may_trigger_call_an_auction_and_the_rest_acts_after_it() -> (
    None
):
    s = an_exchange(open_orders_per_account_max=900)
    s.configure(auction_ns=50)
    many_stops(s, TRIGGERS_PER_COMMAND_MAX + 1)
    events = s.mark(105)
    assert len(triggered(events)) == TRIGGERS_PER_COMMAND_MAX
    assert of(events, "TradingStateChanged", "state", "reason", "until_ns") == [
        ("auction", "stops", 50)
    ]
    events = s.tick(50)
    assert of(events, "TradingStateChanged", "state", "reason") == [("open", "uncrossed")]
    assert triggered(events) == [(TRIGGERS_PER_COMMAND_MAX + 1,)]


def test_too_many_stops_halt_an_instrument_without_an_auction_time() -> None:
    s = an_exchange(open_orders_per_account_max=900)
    many_stops(s, TRIGGERS_PER_COMMAND_MAX + 1)
    events = s.mark(105)
    assert of(events, "TradingStateChanged", "state", "reason") == [("halted", "stops")]
    assert triggered(s.state("open")) == [(TRIGGERS_PER_COMMAND_MAX + 1,)]


def test_an_instrument_has_so_many_followers_and_no_more() -> None:
    most = FOLLOWERS_PER_INSTRUMENT_MAX
    s = an_exchange(live_orders_max=2_000, open_orders_per_account_max=2_000)
    s.send(Message("Deposit", asset=2, amount=2_000), account=CYD)
    s.mark(100)
    for _ in range(most):
        s.terms(CYD, "sell", 1, trigger="trail_ticks", trail=5, trigger_on="mark")
    refused = s.terms(CYD, "sell", 1, 200, peg="bid")
    reject = of(refused, "Rejected", "code", "field", "unit", "value", "limit")
    assert reject == [("TOO_MANY_FOLLOWERS", "count", "number", most, most)]
