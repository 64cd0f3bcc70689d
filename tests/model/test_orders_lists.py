"""Cancel-replace, mass cancels and lists (sections 14 and 15 of the rules)."""

from tests.model.codec import Message
from tests.model.lists import LEG_FIELDS
from tests.model.scenario import ANN, BOB, CYD, Scenario, an_exchange, kinds, of

Leg = dict[str, object]


def limit(side: str, qty: int, price: int, **more: object) -> Leg:
    return LEG_FIELDS | {"side": side, "qty": qty, "price": price} | more


def stop(side: str, qty: int, trigger: int, price: int = 0, kind: str = "stop") -> Leg:
    how = {"trigger": kind, "trigger_price": trigger}
    if price == 0:
        how |= {"order_type": "market", "time_in_force": "ioc"}
    return limit(side, qty, price) | how


def place_list(
    s: Scenario, account: int, kind: str, *legs: Leg, client_order_id: str = ""
) -> list[Message]:
    all_legs = [*legs, *[dict(LEG_FIELDS)] * (3 - len(legs))]
    fields = {f"{name}_{n}": leg[name] for n, leg in enumerate(all_legs) for name in leg}
    ids: dict[str, object] = {"instrument": 1, "client_order_id": client_order_id}
    return s.send(Message("OrderListPlace", of_kind=kind, **ids, **fields), account=account)


def an_oco(s: Scenario) -> list[Message]:
    """CYD sells 4 at 110, or falls out at 95; the last price is 100."""
    s.trade(100)
    return place_list(s, CYD, "oco", limit("sell", 4, 110), stop("sell", 4, 95, 90))


def rejected(events: list[Message]) -> list[tuple[object, ...]]:
    return of(events, "Rejected", "code", "field", "unit", "value")


def test_a_replace_frees_the_money_of_the_old_order_for_the_new_one() -> None:
    s = an_exchange()
    s.place(ANN, "buy", 10_000, 100)
    events = s.replace(ANN, 1, "buy", 10_000, 99)
    assert kinds(events)[:3] == ["OrderClosed", "LevelChanged", "OrderAccepted"]
    assert of(events, "OrderClosed", "state", "reason") == [("cancelled", "replaced")]
    assert s.balance(ANN, 1) == (10_000, 990_000)


def test_a_replace_of_nothing_is_refused_unless_failure_is_allowed() -> None:
    s = an_exchange()
    assert kinds(s.replace(ANN, 9, "buy", 1, 99)) == ["Rejected"]
    events = s.replace(ANN, 9, "buy", 1, 99, allow_failure=True)
    assert kinds(events)[:2] == ["Rejected", "OrderAccepted"]
    assert rejected(events) == [("ORDER_NOT_FOUND", "order_id", "number", 9)]


def test_what_a_replace_cancelled_stays_cancelled_if_the_new_order_is_refused() -> None:
    s = an_exchange()
    s.place(ANN, "buy", 1, 100)
    events = s.replace(ANN, 1, "buy", 1, 2_000_000)
    assert kinds(events) == ["OrderClosed", "LevelChanged", "Rejected", "BalanceChanged"]
    assert s.balance(ANN, 1) == (1_000_000, 0)


def test_a_replace_that_comes_twice_cancels_once() -> None:
    s = an_exchange()
    s.place(ANN, "buy", 1, 100)
    s.replace(ANN, 1, "buy", 1, 99, client_order_id="b")
    again = s.replace(ANN, 1, "buy", 1, 99, client_order_id="b")
    assert kinds(again) == ["OrderDuplicate"]
    assert of(again, "OrderDuplicate", "order_id", "state") == [(2, "open")]


def test_place_and_place_with_default_terms_are_the_same_order() -> None:
    s = an_exchange()
    s.place(ANN, "buy", 1, 100, client_order_id="a")
    assert kinds(s.terms(ANN, "buy", 1, 100, client_order_id="a")) == ["OrderDuplicate"]
    conflict = s.terms(ANN, "buy", 1, 100, client_order_id="a", self_trade="decrement")
    assert rejected(conflict) == [("CLIENT_ORDER_ID_CONFLICT", "client_order_id", "number", 1)]


def test_a_mass_cancel_of_a_session_takes_what_it_placed_through_this_node() -> None:
    s = an_exchange()
    body = {"instrument": 1, "side": "buy", "order_type": "limit", "time_in_force": "gtc"}
    rest = {"post_only": False, "qty": 1, "price": 9, "notional": 0, "client_order_id": ""}
    for node, session in ((1, 5), (1, 6), (2, 5)):
        command = Message("OrderPlace", **body, **rest)
        s.send(command, account=ANN, node=node, session=session)
    cancel = Message("OrderCancelAll", instrument=0, side="both", session=5)
    events = s.send(cancel, account=ANN)
    assert of(events, "OrderClosed", "order_id") == [(1,)]


def test_a_mass_cancel_takes_waiting_orders_too() -> None:
    s = an_exchange()
    s.terms(ANN, "buy", 1, 9, trigger="stop", trigger_price=9)
    assert kinds(s.cancel_all(ANN))[:2] == ["OrderClosed", "OrdersCancelled"]


def test_a_pair_holds_the_larger_need_and_one_leg_waits() -> None:
    s = an_exchange()
    s.trade(100)
    events = place_list(s, CYD, "oco", limit("buy", 1, 90), stop("buy", 1, 105, 120))
    assert kinds(events) == [
        *("OrderAccepted", "OrderAccepted", "OrderTermsSet", "OrderListPlaced"),
        *("OrderRested", "LevelChanged", "BalanceChanged"),
    ]
    assert of(events, "OrderListPlaced", "list_id", "leg_1", "leg_2") == [(3, 4, 0)]
    assert s.balance(CYD, 1) == (1_000_000 - 120, 120)


def test_a_partial_fill_of_one_leg_cancels_the_other_before_the_takers_next_fill() -> None:
    s = an_exchange()
    an_oco(s)
    s.place(ANN, "sell", 1, 111)
    events = s.place(BOB, "buy", 5, 111)
    assert kinds(events)[1:6] == [
        *("Traded", "OrderFilled", "OrderFilled", "OrderClosed", "OrderClosed")
    ]
    s = an_exchange()
    an_oco(s)
    events = s.place(BOB, "buy", 1, 111)
    assert of(events, "OrderClosed", "order_id", "reason")[0] == (4, "list")
    assert kinds(events)[1:5] == ["Traded", "OrderFilled", "OrderFilled", "OrderClosed"]
    assert s.balance(CYD, 2)[1] == 3


def test_a_triggered_leg_takes_the_other_off_the_book_before_it_is_matched() -> None:
    s = an_exchange()
    an_oco(s)
    s.place(BOB, "buy", 1, 95)
    events = s.place(ANN, "sell", 1, 95)
    at = kinds(events).index("OrderTriggered")
    assert kinds(events)[at : at + 4] == [
        *("OrderTriggered", "OrderClosed", "LevelChanged", "OrderRested")
    ]
    assert s.balance(CYD, 2)[1] == 4


def test_cancelling_one_leg_of_a_pair_cancels_the_other() -> None:
    for first, second in ((3, 4), (4, 3)):
        s = an_exchange()
        an_oco(s)
        closed = of(s.cancel(CYD, first), "OrderClosed", "order_id", "reason")
        assert closed == [(first, "cancel_requested"), (second, "list")]
        assert s.balance(CYD, 2) == (1_000, 0)


def test_a_leg_cannot_be_amended() -> None:
    s = an_exchange()
    an_oco(s)
    for order_id, leg in ((3, 0), (4, 1)):
        refused = s.amend(CYD, order_id, qty=1)
        assert rejected(refused) == [("INVALID_COMBINATION", "legs", "number", leg)]


def test_legs_wait_for_leg_0_hold_nothing_and_act_when_all_of_it_is_filled() -> None:
    s = an_exchange()
    place_list(s, CYD, "oto", limit("buy", 2, 100), limit("sell", 2, 110))
    assert s.balance(CYD, 2) == (1_000, 0)
    assert "OrderRested" not in kinds(s.place(ANN, "sell", 1, 100))
    events = s.place(ANN, "sell", 1, 100)
    assert of(events, "OrderRested", "order_id", "price") == [(2, 110)]
    assert s.balance(CYD, 2) == (1_000, 2)


def test_legs_that_a_list_releases_later_count_for_the_use_of_limits_when_they_rest() -> None:
    s = an_exchange()
    limits = {"scope": "account", "scope_id": CYD, "of_kind": "conditional_orders"}
    s.send(Message("LimitSet", **limits, subject=0, value=1, burst=0))
    legs = (limit("buy", 2, 100), limit("sell", 2, 110), stop("sell", 2, 90))
    place_list(s, CYD, "otoco", *legs)
    s.send(Message("TradingStateSet", instrument=1, state="auction"))
    s.place(ANN, "sell", 2, 100)
    filled = s.send(Message("TradingStateSet", instrument=1, state="post_only"))
    assert "OrderFilled" in kinds(filled) and "OrderRested" not in kinds(filled)
    assert "LimitUsed" not in kinds(filled)
    opened = s.send(Message("TradingStateSet", instrument=1, state="open"))
    assert of(opened, "OrderRested", "order_id") == [(2,)]
    assert of(opened, "LimitUsed", "of_kind", "used", "level") == [("conditional_orders", 1, 100)]


def test_pending_legs_close_with_a_leg_0_that_is_not_filled() -> None:
    s = an_exchange()
    legs = (limit("buy", 2, 100), limit("sell", 2, 110), stop("sell", 2, 90))
    place_list(s, CYD, "otoco", *legs)
    closed = of(s.cancel(CYD, 1), "OrderClosed", "order_id", "state", "reason")
    assert closed == [
        *((1, "cancelled", "cancel_requested"), (2, "cancelled", "list")),
        (3, "cancelled", "list"),
    ]


def test_cancelling_a_pending_leg_of_a_pair_cancels_both_and_leaves_leg_0() -> None:
    s = an_exchange()
    legs = (limit("buy", 2, 100), limit("sell", 2, 110), stop("sell", 2, 90))
    place_list(s, CYD, "otoco", *legs)
    closed = of(s.cancel(CYD, 3), "OrderClosed", "order_id", "reason")
    assert closed == [(3, "cancel_requested"), (2, "list")]
    assert of(s.place(ANN, "sell", 2, 100), "OrderClosed", "order_id") == [(1,), (4,)]


def test_a_released_stop_sees_the_price_that_released_it() -> None:
    s = an_exchange()
    s.place(ANN, "sell", 1, 94)
    legs = (limit("buy", 1, 100), stop("sell", 1, 95, 90))
    events = place_list(s, CYD, "oto", *legs)
    assert of(events, "OrderTriggered", "order_id", "trigger_price") == [(3, 95)]


def test_a_released_leg_that_cannot_be_paid_expires() -> None:
    s = an_exchange()
    place_list(s, CYD, "oto", limit("sell", 1, 100), limit("buy", 1, 2_000_000))
    events = s.place(ANN, "buy", 1, 100)
    closed = of(events, "OrderClosed", "order_id", "state", "reason")
    assert closed[-1] == (2, "expired", "insufficient_balance")


def test_a_released_pair_is_one_cancels_the_other() -> None:
    s = an_exchange()
    legs = (limit("buy", 2, 100), limit("sell", 2, 110), stop("sell", 2, 90))
    place_list(s, CYD, "otoco", *legs)
    s.place(ANN, "sell", 2, 100)
    assert s.balance(CYD, 2) == (1_000, 2)
    events = s.place(BOB, "buy", 1, 110)
    assert of(events, "OrderClosed", "order_id", "reason") == [(3, "list"), (5, "filled")]


def test_legs_that_do_not_fit_are_named() -> None:
    s = an_exchange()
    s.trade(100)
    sell, out = limit("sell", 4, 110), stop("sell", 4, 95)
    for kind, legs, number in (
        ("oco", (sell, out, limit("buy", 0, 1)), 2),
        ("oco", (sell, stop("buy", 4, 105)), 1),
        ("oco", (sell | {"time_in_force": "ioc"}, out), 0),
        ("oco", (sell, sell), 1),
        ("oto", (out, sell), 0),
        ("otoco", (sell, out, out), 1),
        ("oto", (sell, stop("sell", 4, 0, kind="trail_ticks")), 1),
        ("oto", (sell | {"time_in_force": "gtd"}, out), 0),
    ):
        refused = place_list(s, CYD, kind, *legs)
        assert rejected(refused) == [("INVALID_COMBINATION", "legs", "number", number)]


def test_a_list_that_comes_twice_is_a_duplicate_and_its_name_is_leg_0s() -> None:
    s = an_exchange()
    legs = (limit("buy", 2, 100), limit("sell", 2, 110))
    place_list(s, CYD, "oto", *legs, client_order_id="x")
    again = place_list(s, CYD, "oto", *legs, client_order_id="x")
    assert of(again, "OrderDuplicate", "order_id", "state") == [(1, "open")]
    conflict = s.place(CYD, "buy", 2, 100, client_order_id="x")
    assert rejected(conflict) == [("CLIENT_ORDER_ID_CONFLICT", "client_order_id", "number", 1)]
