"""Trading states, auctions and pro-rata (sections 16 to 19 of the rules)."""

from tests.model.codec import Message
from tests.model.scenario import ANN, BOB, CYD, Scenario, an_exchange, kinds, of


def rejected(events: list[Message]) -> list[tuple[object, ...]]:
    return of(events, "Rejected", "code", "field", "unit", "value")


def schedule(s: Scenario, start_ns: int, end_ns: int) -> list[Message]:
    times = {"start_ns": start_ns, "end_ns": end_ns}
    return s.send(Message("AuctionSchedule", instrument=1, **times))


def test_a_halted_instrument_takes_nothing_and_lets_nothing_go() -> None:
    s = an_exchange()
    s.place(ANN, "buy", 1, 100)
    s.state("halted")
    refusal = [("TRADING_STATE", "state", "number", 3)]
    assert rejected(s.place(ANN, "buy", 1, 100)) == refusal
    assert rejected(s.cancel(ANN, 1)) == refusal
    assert rejected(s.amend(ANN, 1, qty=2)) == refusal
    assert of(s.cancel_all(ANN), "OrdersCancelled", "count") == [(0,)]


def test_post_only_takes_only_what_rests_and_amends_that_do_not_cross() -> None:
    s = an_exchange()
    s.place(ANN, "sell", 1, 105)
    s.place(BOB, "buy", 1, 100)
    s.state("post_only")
    assert rejected(s.place(BOB, "buy", 1, 99)) == [("TRADING_STATE", "state", "number", 2)]
    assert kinds(s.place(BOB, "buy", 1, 99, post_only=True))[0] == "OrderAccepted"
    refused = s.amend(BOB, 2, price=105)
    assert rejected(refused) == [("POST_ONLY_WOULD_TRADE", "price", "ticks", 105)]


def test_a_call_collects_orders_that_cross_and_trades_them_at_one_price() -> None:
    s = an_exchange()
    s.state("auction")
    s.place(ANN, "sell", 3, 95)
    s.place(BOB, "buy", 2, 105)
    s.place(CYD, "buy", 2, 100)
    assert "Traded" not in kinds(s.tick(1))
    events = s.state("open")
    assert of(events, "AuctionUncrossed", "price", "qty") == [(95, 3)]
    assert of(events, "Traded", "price", "qty", "maker_order_id", "taker_order_id") == [
        *((95, 2, 1, 2), (95, 1, 1, 3))
    ]
    assert of(events, "LevelChanged", "side", "price", "qty") == [
        *(("buy", 105, 0), ("buy", 100, 1), ("sell", 95, 0))
    ]
    assert of(events, "TradingStateChanged", "state", "reason") == [("open", "command")]


def test_a_market_order_in_a_call_has_a_collar_price_and_ends_with_it() -> None:
    s = an_exchange()
    s.state("auction")
    refused = s.place(ANN, "buy", 1, tif="ioc")
    assert rejected(refused) == [("NO_REFERENCE", "type", "number", 1)]
    s.mark(100)
    events = s.place(ANN, "buy", 2, tif="ioc")
    assert of(events, "OrderAccepted", "price") == [(0,)]
    assert of(events, "OrderRested", "price") == [(105,)]
    refused = s.amend(ANN, 1, price=99)
    assert rejected(refused) == [("INVALID_COMBINATION", "price", "ticks", 99)]
    events = s.state("open")
    assert of(events, "OrderClosed", "state", "reason") == [("expired", "auction_end")]
    assert s.balance(ANN, 1) == (1_000_000, 0)


def test_an_indication_is_said_when_the_book_has_changed() -> None:
    s = an_exchange()
    s.state("auction")
    s.place(ANN, "sell", 3, 95)
    s.place(BOB, "buy", 5, 95)
    events = s.tick(1)
    assert of(events, "AuctionIndicated", "price", "qty", "surplus") == [(95, 3, 2)]
    assert "AuctionIndicated" not in kinds(s.tick(2))
    s.cancel(ANN, 1)
    assert of(s.tick(3), "AuctionIndicated", "price", "qty", "surplus") == [(0, 0, 0)]


def test_what_an_uncross_changed_before_the_same_tick_indicates_is_not_indicated_again() -> None:
    s = an_exchange(fills_per_command_max=2)
    s.state("auction")
    for _ in range(3):
        s.place(ANN, "sell", 1, 95)
        s.place(BOB, "buy", 1, 105)
    s.send(Message("Void", seq=3, instrument=1), incarnation=1)
    assert "Traded" in kinds(s.state("auction")), "a crossed book is called, and the call ends"
    events = s.tick(1)
    assert "Traded" in kinds(events), "with the fills that the command had no room for"
    assert of(events, "AuctionIndicated", "price", "qty", "surplus") == [(0, 0, 0)]
    assert "AuctionIndicated" not in kinds(s.tick(2))


def test_a_fill_outside_the_band_calls_an_auction_and_the_order_rests_across() -> None:
    s = an_exchange()
    s.trade(100)
    s.configure(band_ppm=50_000, auction_ns=10)
    s.place(ANN, "sell", 1, 105)
    s.place(ANN, "sell", 1, 106)
    events = s.place(BOB, "buy", 3, 110)
    assert of(events, "Traded", "price") == [(105,)]
    assert of(events, "OrderRested", "price", "remaining") == [(110, 2)]
    assert of(events, "TradingStateChanged", "state", "reason", "until_ns") == [
        ("auction", "band", 10)
    ]
    events = s.tick(10)
    assert of(events, "AuctionUncrossed", "price", "qty") == [(106, 1)]
    assert of(events, "TradingStateChanged", "state", "reason") == [("open", "uncrossed")]


def test_a_market_order_stopped_by_the_band_expires() -> None:
    s = an_exchange()
    s.trade(100)
    s.configure(band_ppm=50_000, auction_ns=10)
    s.place(ANN, "sell", 1, 106)
    events = s.place(BOB, "buy", 1, tif="ioc")
    assert of(events, "OrderClosed", "state", "reason") == [("expired", "no_liquidity")]
    assert of(events, "TradingStateChanged", "reason") == [("band",)]


def test_fill_or_kill_does_not_look_past_the_band_and_calls_no_auction() -> None:
    s = an_exchange()
    s.trade(100)
    s.configure(band_ppm=50_000, auction_ns=10)
    s.place(ANN, "sell", 1, 106)
    events = s.place(BOB, "buy", 1, 110, tif="fok")
    assert kinds(events) == ["OrderAccepted", "OrderClosed"]


def test_a_scheduled_call_begins_and_ends_in_ticks_and_happens_once() -> None:
    s = an_exchange()
    schedule(s, 10, 20)
    assert kinds(s.tick(9)) == ["Ticked"]
    events = s.tick(10)
    assert of(events, "TradingStateChanged", "state", "reason", "until_ns") == [
        ("auction", "schedule", 20)
    ]
    events = s.tick(20)
    assert of(events, "TradingStateChanged", "state", "reason") == [("open", "uncrossed")]
    assert kinds(s.tick(30)) == ["Ticked"]


def test_a_halt_drops_a_schedule() -> None:
    s = an_exchange()
    schedule(s, 10, 20)
    s.state("halted")
    events = s.tick(10)
    assert of(events, "AuctionScheduled", "start_ns", "end_ns") == [(0, 0)]


def test_an_uncross_of_many_fills_goes_on_in_the_next_ticks_and_takes_nothing_meanwhile() -> None:
    s = an_exchange(fills_per_command_max=2)
    s.state("auction")
    for _ in range(3):
        s.place(ANN, "sell", 1, 100)
        s.place(BOB, "buy", 1, 100)
    first = s.state("cancel_only")
    assert len(of(first, "Traded", "qty")) == 2
    assert "TradingStateChanged" not in kinds(first)
    refusal = [("TRADING_STATE", "state", "number", 4)]
    assert rejected(s.cancel(ANN, 5)) == refusal
    assert rejected(s.place(ANN, "sell", 1, 100)) == refusal
    second = s.tick(1)
    assert len(of(second, "Traded", "qty")) == 1
    assert of(second, "TradingStateChanged", "state") == [("cancel_only",)]


def test_both_sides_of_an_auction_fill_pay_the_auction_fee_and_no_more_than_their_own() -> None:
    s = an_exchange(maker_fee=1_000, taker_fee=20_000)
    s.configure(auction_fee=10_000)
    s.state("auction")
    s.place(ANN, "sell", 10, 100)
    s.place(BOB, "buy", 10, 100)
    events = s.state("open")
    assert of(events, "OrderFilled", "role", "fee") == [("maker", 10), ("taker", 10)]


def test_the_price_of_an_auction_is_a_stops_price_too() -> None:
    s = an_exchange()
    s.trade(90)
    s.terms(CYD, "buy", 1, 80, trigger="stop", trigger_price=95)
    s.state("auction")
    s.place(ANN, "sell", 1, 100)
    s.place(BOB, "buy", 1, 100)
    events = s.state("open")
    assert of(events, "OrderTriggered", "order_id") == [(3,)]


def test_pro_rata_shares_a_level_by_size_and_the_rest_by_age() -> None:
    s = an_exchange()
    s.configure(matching="pro_rata")
    for qty in (1, 2, 6):
        s.place(ANN, "sell", qty, 100)
    events = s.place(BOB, "buy", 5, 100)
    assert of(events, "Traded", "maker_order_id", "qty") == [(1, 1), (2, 1), (3, 3)]


def test_pro_rata_fills_all_of_a_level_that_is_taken_whole_and_shares_the_next() -> None:
    s = an_exchange()
    s.configure(matching="pro_rata")
    s.place(ANN, "sell", 2, 100)
    s.place(ANN, "sell", 1, 101)
    s.place(ANN, "sell", 9, 101)
    events = s.place(BOB, "buy", 7, 101)
    assert of(events, "Traded", "maker_order_id", "qty") == [(1, 2), (2, 1), (3, 4)]


def test_market_buys_trade_by_price_and_time_in_pro_rata_too() -> None:
    s = an_exchange()
    s.configure(matching="pro_rata")
    for qty in (2, 8):
        s.place(ANN, "sell", qty, 100)
    events = s.place(BOB, "buy", 5, tif="ioc")
    assert of(events, "Traded", "maker_order_id", "qty") == [(1, 2), (2, 3)]


def test_pro_rata_makes_no_more_fills_than_a_command_may() -> None:
    s = an_exchange(fills_per_command_max=2)
    s.configure(matching="pro_rata")
    for _ in range(4):
        s.place(ANN, "sell", 4, 100)
    events = s.place(BOB, "buy", 8, 100)
    assert of(events, "Traded", "maker_order_id", "qty") == [(1, 2), (2, 2)]
    assert of(events, "OrderClosed", "reason") == [("fill_limit",)]
