"""Kill switches: what is dead, how it is swept, and the two steps of a reset."""

from tests.model.codec import Message
from tests.model.risk_scenario import kill, make_group, make_key, refusal, reset, set_limit
from tests.model.scenario import ANN, BOB, CYD, USD, USD_EACH, an_exchange, kinds, of

CLOSED = ("order_id", "state", "reason", "remaining")


def test_a_kill_switch_refuses_what_comes_and_names_the_youngest_order() -> None:
    s = an_exchange(shard=3)
    assert of(kill(s), "KillSwitchSet", "scope", "last_order_id") == [("firm", 0)]
    assert refusal(s.place(ANN, "buy", 1, 90)) == ("KILL_SWITCH_ON", "scope", "number", 0, 0)
    reset(s, 1)
    reset(s, 2)
    s.place(ANN, "buy", 1, 90)
    group = make_group(s, ANN)
    assert of(kill(s, group), "KillSwitchSet", "scope_id", "last_order_id") == [(1, 3 << 44 | 1)]
    assert refusal(s.place(ANN, "buy", 1, 90)) == ("KILL_SWITCH_ON", "scope", "number", 1, 0)
    assert not refusal(s.place(BOB, "buy", 1, 90))


def test_no_command_finds_a_dead_order_and_it_holds_until_it_is_swept() -> None:
    s = an_exchange()
    s.place(ANN, "buy", 1, 90, client_order_id="a")
    kill(s, ("account", ANN))
    for events in (s.cancel(ANN, 1), s.amend(ANN, 1, qty=2)):
        assert refusal(events) == ("ORDER_NOT_FOUND", "order_id", "number", 1, 0)
    by_id = s.send(Message("OrderCancel", order_id=0, client_order_id="a"), account=ANN)
    assert refusal(by_id) == ("ORDER_NOT_FOUND", "client_order_id", "", 0, 0)
    assert of(s.cancel_all(ANN), "OrdersCancelled", "count") == [(0,)]
    assert s.balance(ANN, USD) == (USD_EACH - 90, 90)
    again = s.place(ANN, "buy", 1, 90, client_order_id="a")
    assert of(again, "OrderDuplicate", "order_id", "state") == [(1, "cancelled")]
    swept = s.tick(0)
    assert kinds(swept) == ["OrderClosed", "LevelChanged", "Ticked", "BalanceChanged"]
    assert of(swept, "OrderClosed", *CLOSED) == [(1, "cancelled", "kill_switch", 1)]
    assert of(swept, "Ticked", "closed", "more") == [(1, False)]


def test_a_dead_maker_closes_where_it_would_have_traded_and_counts_as_a_fill() -> None:
    s = an_exchange(fills_per_command_max=2)
    s.place(ANN, "sell", 1, 100)
    s.place(BOB, "sell", 1, 100)
    kill(s, ("account", ANN))
    s.place(BOB, "sell", 1, 100)
    events = s.place(CYD, "buy", 3, 100)
    assert of(events, "Traded", "maker_order_id") == [(2,)]
    assert of(events, "OrderClosed", *CLOSED) == [
        (1, "cancelled", "kill_switch", 1),
        (2, "filled", "filled", 0),
        (4, "expired", "fill_limit", 2),
    ]


def test_a_fill_or_kill_does_not_count_on_the_dead() -> None:
    s = an_exchange()
    s.place(ANN, "sell", 1, 100)
    kill(s, ("account", ANN))
    events = s.place(CYD, "buy", 1, 100, tif="fok")
    assert of(events, "OrderClosed", "reason") == [("fill_or_kill",)]


def test_the_dead_still_stand_on_the_book_but_in_no_limit() -> None:
    s = an_exchange()
    set_limit(s, "open_orders", 1)
    s.place(ANN, "sell", 1, 100)
    kill(s, ("account", ANN))
    refused = refusal(s.place(BOB, "buy", 1, 100, post_only=True))
    assert refused == ("POST_ONLY_WOULD_TRADE", "price", "ticks", 100, 100)
    events = s.place(BOB, "sell", 1, 100)
    assert of(events, "LevelChanged", "qty", "order_count") == [(2, 2)]


def test_who_leaves_the_group_later_leaves_the_dead_behind() -> None:
    s = an_exchange()
    group = make_group(s, ANN, BOB)
    s.place(BOB, "buy", 1, 90)
    s.place(ANN, "buy", 1, 90)
    kill(s, group)
    s.send(Message("AccountConfigure", group=0, trade_group=0), account=ANN)
    s.send(Message("AccountConfigure", group=1, trade_group=0), account=CYD)
    assert not refusal(s.place(ANN, "buy", 1, 90))
    assert refusal(s.place(CYD, "buy", 1, 90))[0] == "KILL_SWITCH_ON"
    reset(s, 1, group)
    reset(s, 2, group)
    # By account, then order.
    swept = s.tick(0)
    assert of(swept, "OrderClosed", "order_id") == [(2,), (1,)]
    assert of(s.cancel_all(ANN), "OrdersCancelled", "count") == [(1,)]


def test_a_tick_closes_256_and_says_that_more_is_due() -> None:
    s = an_exchange()
    for _ in range(300):
        s.place(ANN, "buy", 1, 90)
    kill(s)
    swept = s.tick(0)
    assert of(swept, "Ticked", "closed", "more") == [(256, True)]
    assert of(s.tick(1), "Ticked", "closed", "more") == [(44, False)]
    assert of(s.tick(2), "Ticked", "closed", "more") == [(0, False)]


def test_a_reset_needs_two_steps_by_two_keys() -> None:
    s = an_exchange()
    cyds, bobs, own = make_key(s, CYD), make_key(s, BOB), ("account", ANN)
    off = refusal(reset(s, 1, own, key=cyds))
    assert off == ("KILL_SWITCH_STATE", "step", "number", 1, 0)
    kill(s, own)
    for step in (0, 2, 3):
        refused = refusal(reset(s, step, own, key=cyds))
        assert refused == ("KILL_SWITCH_STATE", "step", "number", step, 0)
    assert kinds(reset(s, 1, own, key=cyds)) == ["KillResetAsked"]
    refused = refusal(reset(s, 2, own, key=cyds))
    assert refused == ("LIMIT_BINDS_ASKER", "step", "number", 2, 0)
    assert kinds(reset(s, 2, own, key=bobs)) == ["KillSwitchReset"]
    assert not refusal(s.place(ANN, "buy", 1, 90))


def test_another_kill_voids_a_reset_that_was_asked_for() -> None:
    s = an_exchange()
    kill(s)
    reset(s, 1)
    kill(s)
    refused = refusal(reset(s, 2))
    assert refused == ("KILL_SWITCH_STATE", "step", "number", 2, 0)


def test_nobody_resets_the_switch_that_binds_the_own_account() -> None:
    s = an_exchange()
    anns, group = make_key(s, ANN), make_group(s, ANN)
    for scope, number in ((("account", ANN), 2), (group, 1)):
        for step in (1, 2, 3):
            refused = refusal(reset(s, step, scope, key=anns))
            assert refused == ("LIMIT_BINDS_ASKER", "scope", "number", number, 0)
    kill(s)
    assert kinds(reset(s, 1, key=anns)) == ["KillResetAsked"]


def test_an_instrument_has_no_kill_switch() -> None:
    s = an_exchange()
    for events in (kill(s, ("instrument", 1)), reset(s, 1, ("instrument", 1))):
        assert refusal(events) == ("INVALID_COMBINATION", "scope", "number", 3, 0)


def test_only_the_node_ticks() -> None:
    s = an_exchange()
    anns = make_key(s, ANN)
    refused = refusal(s.send(Message("Tick"), key=anns))
    assert refused == ("NOT_PERMITTED", "permissions", "number", 15, 0)
