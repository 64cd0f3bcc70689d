"""Groups, configuration, marks and the reference price, in the core and in the model."""

import pytest

from tests.model.codec import Message
from tests.model.scenario import ANN, BOB, Scenario, an_exchange, kinds, of

PLAIN: dict[str, object] = {
    **{"instrument": 1, "matching": "price_time", "reference": "last", "collar_ppm": 0},
    **{"slippage_ppm": 0, "band_ppm": 0, "auction_ns": 0, "auction_fee": 0},
}
DETAIL = ("code", "field", "unit", "value", "limit")
AHEAD_NS_MAX = 315_360_000_000_000_000


def configure(s: Scenario, **changes: object) -> list[Message]:
    return s.send(Message("InstrumentConfigure", **PLAIN | changes))


def references(s: Scenario) -> list[int]:
    found = []
    for kind in ("last", "mark", "mid"):
        configure(s, reference=kind)
        found.append(s.twins.exchange.instruments[0].reference())
    return found


def test_an_account_is_in_a_group_that_exists() -> None:
    s = an_exchange()
    body = {"group": 1, "trade_group": 7}
    unknown = s.send(Message("AccountConfigure", **body), account=ANN)
    assert of(unknown, "Rejected", *DETAIL) == [("UNKNOWN_GROUP", "group", "number", 1, 0)]
    assert kinds(s.send(Message("GroupCreate", name="desk"))) == ["GroupCreated"]
    taken = s.send(Message("GroupCreate", name="desk"))
    assert of(taken, "Rejected", *DETAIL) == [("ALREADY_EXISTS", "name", "number", 1, 0)]
    assert kinds(s.send(Message("AccountConfigure", **body), account=ANN)) == ["AccountConfigured"]
    assert s.twins.exchange.memberships == [(1, 7), (0, 0), (0, 0)]


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"collar_ppm": 1_000_001, "slippage_ppm": 1_000_001}, ("collar", 1_000_001, 1_000_000)),
        ({"slippage_ppm": 1_000_001, "band_ppm": 2**32 - 1}, ("slippage", 1_000_001, 1_000_000)),
        ({"band_ppm": 2**32 - 1, "auction_ns": -1}, ("band", 2**32 - 1, 1_000_000)),
        ({"band_ppm": 1, "auction_fee": -1}, ("auction_time", 0, AHEAD_NS_MAX)),
        ({"auction_ns": -1}, ("auction_time", -1, AHEAD_NS_MAX)),
        ({"auction_ns": AHEAD_NS_MAX + 1}, ("auction_time", AHEAD_NS_MAX + 1, AHEAD_NS_MAX)),
        ({"auction_fee": -1}, ("auction_fee", -1, 2_500)),
        ({"auction_fee": 2_501}, ("auction_fee", 2_501, 2_500)),
    ],
)
def test_a_configuration_out_of_bounds_is_refused(
    changes: dict[str, object], detail: tuple[str, int, int]
) -> None:
    s = an_exchange(maker_fee=700, taker_fee=2_500)
    field, value, limit = detail
    expected = ("INVALID_INSTRUMENT", field, "number", value, limit)
    assert of(configure(s, **changes), "Rejected", *DETAIL) == [expected]


def test_a_configuration_at_its_bounds_is_counted() -> None:
    s = an_exchange(maker_fee=700, taker_fee=2_500)
    most = dict.fromkeys(("collar_ppm", "slippage_ppm", "band_ppm"), 1_000_000)
    events = configure(s, **most, auction_ns=AHEAD_NS_MAX, auction_fee=2_500)
    assert of(events, "InstrumentConfigured", "version", "band_ppm") == [(1, 1_000_000)]
    assert of(configure(s), "InstrumentConfigured", "version", "band_ppm") == [(2, 0)]
    unknown = configure(s, instrument=2, collar_ppm=2**32 - 1)
    assert of(unknown, "Rejected", "code") == [("UNKNOWN_INSTRUMENT",)]


def test_the_reference_falls_back_where_its_own_kind_has_no_price() -> None:
    s = an_exchange()
    assert references(s) == [0, 0, 0]
    assert kinds(s.send(Message("MarkSet", instrument=1, price=40))) == ["MarkChanged"]
    assert references(s) == [40, 40, 40]
    s.place(ANN, "buy", 5, 50)
    s.place(BOB, "sell", 1, 50)
    assert references(s) == [50, 40, 50]
    s.place(BOB, "sell", 1, 53)
    assert references(s) == [50, 40, 51]


def test_a_mark_is_a_price() -> None:
    s = an_exchange()
    for price in (0, -1, 2**53 + 1):
        refused = s.send(Message("MarkSet", instrument=1, price=price))
        expected = ("PRICE_OUT_OF_RANGE", "price", "ticks", price, 2**53)
        assert of(refused, "Rejected", *DETAIL) == [expected]


def test_a_repeated_request_is_done_once() -> None:
    s = an_exchange()
    configured = Message("InstrumentConfigure", **PLAIN)
    assert kinds(s.send(configured, request_id=5)) == ["InstrumentConfigured"]
    assert kinds(s.send(configured, request_id=5)) == ["RequestDuplicate"]
    assert of(configure(s), "InstrumentConfigured", "version") == [(2,)]


def test_cancel_all_of_one_side_leaves_the_other() -> None:
    s = an_exchange()
    s.place(ANN, "buy", 1, 49)
    s.place(ANN, "sell", 1, 51)
    assert of(s.cancel_all(ANN, side="buy"), "OrderClosed", "order_id") == [(1,)]
    assert of(s.cancel_all(ANN, side="both"), "OrderClosed", "order_id") == [(2,)]
