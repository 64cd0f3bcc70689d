"""Records that broke a core are void: a reject, and their instrument takes nothing any more."""

import pytest

from tests.model.codec import Message
from tests.model.scenario import ANN, BOB, BTC, USD, Scenario, an_exchange, kinds, of

DETAIL = ("code", "field", "unit", "value", "limit")
NOT_TAKEN = [("TRADING_STATE", "state", "number", 3, 0)]


def void(s: Scenario, seq: int, instrument: int, key: int = 0) -> list[Message]:
    return s.send(Message("Void", seq=seq, instrument=instrument), key=key)


def a_limit(client_order_id: str = "", instrument: int = 1) -> Message:
    how: dict[str, object] = {"side": "buy", "order_type": "limit", "time_in_force": "gtc"}
    sizes = {"qty": 1, "price": 100, "notional": 0, "instrument": instrument}
    ids = {"client_order_id": client_order_id}
    return Message("OrderPlace", **how, **sizes, **ids, post_only=False)


def test_a_void_record_is_a_reject_with_its_client_order_id_and_changes_nothing() -> None:
    s = an_exchange()
    rejected = s.send(a_limit("a1"), account=ANN, void=True)
    assert kinds(rejected) == ["Rejected"]
    assert of(rejected, "Rejected", *DETAIL) == [("VOIDED", "", "", 0, 0)]
    assert of(rejected, "Rejected", "client_order_id") == [("a1",)]
    assert s.balance(ANN, USD) == (1_000_000, 0)
    assert kinds(s.send(a_limit("a1"), account=ANN))[0] == "OrderAccepted"


@pytest.mark.parametrize(
    ("command", "account"),
    [
        (Message("Genesis", **{"hash_seed": 9} | dict.fromkeys(("shard", "assets_max"), 1)), 0),
        (Message("NodeStarted", incarnation=9), 0),
        (Message("Deposit", asset=BTC, amount=5), 99),
        (Message("Void", seq=0, instrument=9), 0),
        (Message("OrderCancel", order_id=7, client_order_id=""), BOB),
    ],
)
def test_no_check_is_made_of_a_void_record(command: Message, account: int) -> None:
    s = an_exchange()
    rest: dict[str, object] = {}
    if command.kind == "Genesis":
        assert s.twins.exchange.genesis is not None
        rest = vars(s.twins.exchange.genesis) | {"hash_seed": 9}
    rejected = s.send(Message(**vars(command) | rest), account=account, request_id=3, void=True)
    assert of(rejected, "Rejected", *DETAIL) == [("VOIDED", "", "", 0, 0)]
    assert s.twins.exchange.nodes == {1: 1} and not s.twins.exchange.requests


def test_a_void_halts_its_instrument_and_no_other() -> None:
    s = an_exchange()
    halves = {"symbol": "USD-BTC", "base": USD, "quote": BTC, "tick_minor": 1, "lot_minor": 1}
    bounds = {"min_qty": 1, "max_qty": 9, "min_notional": 0, "maker_fee": 0, "taker_fee": 0}
    s.send(Message("InstrumentCreate", **halves, **bounds))
    events = void(s, 3, 1)
    assert of(events, "RecordVoided", "voided_seq", "instrument") == [(3, 1)]
    changed = of(events, "TradingStateChanged", "instrument", "state", "reason", "until_ns")
    assert changed == [(1, "halted", "void", 0)]
    assert kinds(void(s, 4, 1)) == ["RecordVoided"]
    assert kinds(void(s, 4, 0)) == ["RecordVoided"]
    assert of(s.send(a_limit(), account=ANN), "Rejected", *DETAIL) == NOT_TAKEN
    assert kinds(s.send(a_limit(instrument=2), account=ANN))[0] == "OrderAccepted"


def test_a_void_names_an_earlier_record_and_an_instrument_that_is_there() -> None:
    s = an_exchange()
    for seq in (0, s.twins.exchange.last_seq + 2, 2**64 - 1):
        own = s.twins.exchange.last_seq + 1
        expected = ("AMOUNT_OUT_OF_RANGE", "seq", "number", seq, own - 1)
        assert of(void(s, seq, 9), "Rejected", *DETAIL) == [expected]
    assert of(void(s, s.twins.exchange.last_seq, 0), "RecordVoided", "instrument") == [(0,)]
    expected = ("UNKNOWN_INSTRUMENT", "symbol", "number", 9, 0)
    assert of(void(s, 1, 9), "Rejected", *DETAIL) == [expected]


def test_no_key_may_void_a_record() -> None:
    s = an_exchange()
    key = {"key_id": "all", "public_key": bytes(32), "permissions": 15}
    s.send(Message("KeyCreate", **key), account=ANN)
    expected = ("NOT_PERMITTED", "permissions", "number", 15, 0)
    assert of(void(s, 1, 1, key=1), "Rejected", *DETAIL) == [expected]


def test_what_rests_in_a_halted_instrument_stays_as_it_is() -> None:
    s = an_exchange()
    s.send(a_limit("kept"), account=ANN)
    void(s, 1, 1)
    assert kinds(s.send(a_limit("kept"), account=ANN)) == ["OrderDuplicate"]
    assert of(s.cancel(ANN, 1), "Rejected", *DETAIL) == NOT_TAKEN
    assert of(s.amend(ANN, 1, qty=1, price=99), "Rejected", *DETAIL) == NOT_TAKEN
    assert of(s.amend(ANN, 1, qty=-1), "Rejected", *DETAIL) == NOT_TAKEN
    assert of(s.amend(ANN, 1), "Rejected", "code") == [("INVALID_COMBINATION",)]
    assert of(s.cancel_all(ANN), "OrdersCancelled", "count") == [(0,)]
    assert s.balance(ANN, USD) == (999_900, 100)


def test_a_call_that_a_void_breaks_off_takes_its_schedule_with_it() -> None:
    s = an_exchange()
    s.trade(100)
    s.send(Message("AuctionSchedule", instrument=1, start_ns=10, end_ns=20))
    s.tick(10)
    void(s, 1, 1)
    s.twins.check_invariants()
    again = s.send(Message("AuctionSchedule", instrument=1, start_ns=30, end_ns=40))
    assert kinds(again) == ["AuctionScheduled"]
    assert of(s.state("open"), "TradingStateChanged", "state") == [("open",)]
    assert of(s.tick(30), "TradingStateChanged", "state", "reason") == [("auction", "schedule")]


def test_market_orders_of_a_call_that_a_void_broke_off_end_before_it_opens() -> None:
    s = an_exchange()
    s.trade(100)
    s.state("auction")
    assert "OrderRested" in kinds(s.place(ANN, "sell", 1, tif="ioc"))
    void(s, 1, 1)
    s.twins.check_invariants()
    events = s.state("open")
    states = of(events, "TradingStateChanged", "state", "reason")
    assert states == [("auction", "command"), ("open", "command")]
    assert of(events, "OrderClosed", "state", "reason") == [("expired", "auction_end")]
    s.twins.check_invariants()
