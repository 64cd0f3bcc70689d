"""Pegged orders (section 13 of the rules): where they stand, when they move, when they wait."""

from tests.model.scenario import ANN, BOB, CYD, an_exchange, kinds, of


def test_a_pegged_bid_rests_at_the_best_bid_and_holds_at_its_limit() -> None:
    s = an_exchange()
    s.place(ANN, "buy", 1, 100)
    events = s.terms(CYD, "buy", 2, 120, peg="bid")
    assert of(events, "OrderRested", "price", "remaining") == [(100, 2)]
    assert of(events, "LevelChanged", "price", "qty") == [(100, 3)]
    assert s.balance(CYD, 1)[1] == 240


def test_a_pegged_order_follows_at_the_end_of_the_command_and_goes_behind() -> None:
    s = an_exchange()
    s.place(ANN, "buy", 1, 100)
    s.terms(CYD, "buy", 2, 120, peg="bid")
    events = s.place(ANN, "buy", 1, 103)
    assert kinds(events)[3:6] == ["LevelChanged", "OrderRepriced", "LevelChanged"]
    assert of(events, "OrderRepriced", "order_id", "price") == [(2, 103)]
    fills = of(s.place(BOB, "sell", 2, 100), "Traded", "maker_order_id", "price", "qty")
    assert fills == [(3, 103, 1), (2, 103, 1)]


def test_a_pegged_order_never_follows_another_pegged_order() -> None:
    s = an_exchange()
    s.place(ANN, "buy", 1, 100)
    s.terms(CYD, "buy", 1, 200, peg="bid", peg_offset=1)
    s.terms(CYD, "buy", 1, 200, peg="bid", peg_offset=1)
    levels = of(s.place(BOB, "buy", 1, 90), "OrderRepriced", "price")
    assert levels == []
    assert {o.rests_at for o in s.twins.exchange.live.values() if o.is_pegged} == {101}


def test_a_pegged_order_goes_no_further_than_its_limit_and_never_crosses() -> None:
    s = an_exchange()
    s.place(ANN, "buy", 1, 100)
    s.place(BOB, "sell", 1, 104)
    rested = s.terms(CYD, "buy", 1, 102, peg="bid", peg_offset=9)
    assert of(rested, "OrderRested", "price") == [(102,)]
    rested = s.terms(CYD, "buy", 1, 999, peg="ask")
    assert of(rested, "OrderRested", "price") == [(103,)]
    rested = s.terms(CYD, "sell", 1, 1, peg="bid")
    assert of(rested, "OrderRested", "price") == [(104,)]


def test_the_mid_is_rounded_away_from_the_other_side() -> None:
    s = an_exchange()
    s.place(ANN, "buy", 1, 100)
    s.place(BOB, "sell", 1, 105)
    rested = s.terms(CYD, "buy", 1, 999, peg="mid")
    assert of(rested, "OrderRested", "price") == [(102,)]
    rested = s.terms(CYD, "sell", 1, 1, peg="mid")
    assert of(rested, "OrderRested", "price") == [(103,)]


def test_a_pegged_order_without_anything_to_follow_waits_and_comes_back() -> None:
    s = an_exchange()
    waits = s.terms(CYD, "buy", 1, 999, peg="bid")
    assert of(waits, "OrderRepriced", "price") == [(0,)]
    events = s.place(ANN, "buy", 1, 100)
    assert of(events, "OrderRepriced", "price") == [(100,)]
    events = s.cancel(ANN, 2)
    assert kinds(events)[:4] == ["OrderClosed", "LevelChanged", "LevelChanged", "OrderRepriced"]
    assert of(events, "OrderRepriced", "price") == [(0,)]
    assert kinds(s.cancel(CYD, 1)) == ["OrderClosed", "BalanceChanged"]


def test_a_pegged_order_amended_down_keeps_its_place_and_up_goes_behind() -> None:
    s = an_exchange()
    s.terms(CYD, "buy", 3, 999, peg="bid")
    s.place(ANN, "buy", 1, 100)
    s.terms(BOB, "buy", 3, 999, peg="bid")
    amended = s.amend(CYD, 1, qty=2)
    assert kinds(amended)[:2] == ["OrderAmended", "LevelChanged"]
    assert of(amended, "OrderAmended", "kept_priority", "price") == [(True, 999)]
    amended = s.amend(CYD, 1, qty=4)
    assert kinds(amended)[:4] == ["OrderAmended", "LevelChanged", "OrderRested", "LevelChanged"]
    fills = of(s.place(ANN, "sell", 5, 100), "Traded", "maker_order_id", "qty")
    assert fills == [(2, 1), (3, 3), (1, 1)]


def test_a_pegged_order_stays_where_it_is_while_nothing_but_cancels_is_taken() -> None:
    s = an_exchange()
    s.place(ANN, "buy", 1, 100)
    s.place(ANN, "buy", 1, 99)
    s.terms(CYD, "buy", 1, 999, peg="bid")
    s.state("cancel_only")
    assert "OrderRepriced" not in kinds(s.cancel(ANN, 1))
    assert of(s.state("post_only"), "OrderRepriced", "price") == [(99,)]
