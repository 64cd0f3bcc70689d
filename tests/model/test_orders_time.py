"""Orders and time (section 9 of the rules): expiries, dead man's switches, ticks."""

from tests.model.codec import Message
from tests.model.scenario import ANN, BOB, Scenario, an_exchange, kinds, of
from tests.model.terms import AHEAD_NS_MAX, DAY_NS
from tests.model.timers import TIMERS_PER_TICK_MAX


def cancel_after(s: Scenario, account: int, timeout_ns: int) -> list[Message]:
    return s.send(Message("CancelAfter", timeout_ns=timeout_ns), account=account)


def test_a_gtd_order_expires_in_the_tick_of_its_time_and_not_before() -> None:
    s = an_exchange()
    s.terms(ANN, "buy", 1, 100, tif="gtd", expire_ns=50)
    assert of(s.tick(49), "Ticked", "closed", "more") == [(0, False)]
    events = s.tick(50)
    assert kinds(events) == ["OrderClosed", "LevelChanged", "Ticked", "BalanceChanged"]
    assert of(events, "OrderClosed", "state", "reason") == [("expired", "expiry")]


def test_a_gtd_order_of_now_is_refused_and_so_is_one_of_ten_years_and_a_moment() -> None:
    s = an_exchange()
    s.now_ns = 7
    for expire_ns in (7, 7 + AHEAD_NS_MAX + 1):
        refused = s.terms(ANN, "buy", 1, 100, tif="gtd", expire_ns=expire_ns)
        reject = of(refused, "Rejected", "code", "field", "unit", "value", "limit")
        assert reject == [("TIME_OUT_OF_RANGE", "expire_time", "ns", expire_ns, 7)]
    assert kinds(s.terms(ANN, "buy", 1, 100, tif="gtd", expire_ns=7 + AHEAD_NS_MAX))[:2] == [
        *("OrderAccepted", "OrderTermsSet")
    ]


def test_a_day_order_ends_at_the_next_midnight_and_at_midnight_a_day_later() -> None:
    s = an_exchange()
    s.now_ns = DAY_NS - 1
    assert "OrderTermsSet" not in kinds(s.place(ANN, "buy", 1, 100, tif="day"))
    s.now_ns = DAY_NS
    s.place(ANN, "buy", 1, 101, tif="day")
    assert of(s.tick(DAY_NS), "OrderClosed", "order_id") == [(1,)]
    assert of(s.tick(2 * DAY_NS), "OrderClosed", "order_id") == [(2,)]


def test_expiries_come_by_time_and_then_by_order_id() -> None:
    s = an_exchange()
    for expire_ns in (30, 20, 30):
        s.terms(ANN, "buy", 1, 100, tif="gtd", expire_ns=expire_ns)
    assert of(s.tick(40), "OrderClosed", "order_id") == [(2,), (1,), (3,)]


def test_a_dead_mans_switch_cancels_what_the_account_has_and_is_off_then() -> None:
    s = an_exchange()
    assert of(cancel_after(s, ANN, 10), "CancelAfterSet", "deadline_ns") == [(10,)]
    s.place(ANN, "buy", 1, 100)
    s.place(BOB, "buy", 1, 100)
    events = s.tick(10)
    assert of(events, "OrderClosed", "order_id", "state", "reason") == [
        (1, "cancelled", "dead_man")
    ]
    assert of(events, "CancelAfterSet", "account", "deadline_ns") == [(ANN, 0)]
    assert of(events, "Ticked", "closed", "more") == [(1, False)]
    assert kinds(s.tick(11)) == ["Ticked"]


def test_a_switch_that_is_set_again_counts_from_then_and_zero_clears_it() -> None:
    s = an_exchange()
    s.place(ANN, "buy", 1, 100)
    cancel_after(s, ANN, 10)
    s.now_ns = 5
    cancel_after(s, ANN, 10)
    assert kinds(s.tick(14)) == ["Ticked"]
    cancel_after(s, ANN, 0)
    assert kinds(s.tick(15)) == ["Ticked"]


def test_one_tick_closes_no_more_than_its_bound_and_the_switch_stays_due() -> None:
    s = an_exchange()
    for _ in range(TIMERS_PER_TICK_MAX + 1):
        s.place(ANN, "buy", 1, 100)
    cancel_after(s, ANN, 10)
    first = s.tick(10)
    assert of(first, "Ticked", "closed", "more") == [(TIMERS_PER_TICK_MAX, True)]
    assert "CancelAfterSet" not in kinds(first)
    second = s.tick(10)
    assert of(second, "Ticked", "closed", "more") == [(1, False)]
    assert of(second, "CancelAfterSet", "deadline_ns") == [(0,)]


def test_a_key_writes_no_tick() -> None:
    s = an_exchange()
    body = {"key_id": "root", "public_key": bytes(32), "permissions": 15}
    s.send(Message("KeyCreate", **body), account=ANN)
    refused = s.send(Message("Tick"), key=1)
    assert of(refused, "Rejected", "code", "value", "limit") == [("NOT_PERMITTED", 15, 0)]
