"""Fee tiers, rebates and the rounding account, in the core and in the model."""

import pytest

from tests.model.codec import Message
from tests.model.orders import DAY_NS
from tests.model.scenario import ANN, BOB, USD, Scenario, an_exchange, kinds, of

FEE = ("role", "fee")
MINOR_MAX = 10**32


def set_tier(s: Scenario, tier: int, threshold: int, maker: int, taker: int) -> list[Message]:
    fees = {"maker_fee": maker, "taker_fee": taker}
    return s.send(Message("FeeTierSet", asset=USD, tier=tier, threshold=threshold, **fees))


def fees(s: Scenario, qty: int, price: int) -> dict[object, object]:
    """What both sides pay where BOB takes from ANN."""
    s.place(ANN, "sell", qty, price)
    return dict(of(s.place(BOB, "buy", qty, price), "OrderFilled", *FEE))  # type: ignore[arg-type]


def house(s: Scenario) -> tuple[int, int]:
    """Fees and rounding; the core has the same, or its state hash would differ."""
    ledger = s.twins.exchange.ledger
    return ledger.fees[USD], ledger.rounding[USD]


@pytest.mark.parametrize(
    ("tier", "threshold", "maker", "taker", "detail"),
    [
        (0, 0, 0, 0, ("tier", "number", 0, 16)),
        (17, -1, 0, 0, ("tier", "number", 17, 16)),
        (1, 0, -100_001, 0, ("maker_fee", "ppm", -100_001, 100_000)),
        (1, 0, 100_001, 100_001, ("maker_fee", "ppm", 100_001, 100_000)),
        (1, 0, -5, -1, ("taker_fee", "ppm", -1, 100_000)),
        (1, 0, 5, 4, ("taker_fee", "ppm", 4, 100_000)),
        (1, MINOR_MAX + 1, 0, 100_001, ("taker_fee", "ppm", 100_001, 100_000)),
        (1, MINOR_MAX + 1, 0, 0, ("threshold", "asset_minor", MINOR_MAX + 1, MINOR_MAX)),
    ],
)
def test_a_tier_out_of_bounds_is_refused(
    tier: int, threshold: int, maker: int, taker: int, detail: tuple[str, str, int, int]
) -> None:
    s = an_exchange()
    refused = of(
        set_tier(s, tier, threshold, maker, taker),
        *("Rejected", "code", "field", "unit", "value", "limit"),
    )
    assert refused == [("AMOUNT_OUT_OF_RANGE", *detail)]


def test_a_tier_that_is_taken_away_says_its_rates_as_they_came() -> None:
    s = an_exchange(taker_fee=5_000)
    set_tier(s, 1, 0, 0, 1_000)
    events = set_tier(s, 1, -7, 123_456, -5)
    assert of(events, "FeeTierChanged", "threshold", "maker_fee", "taker_fee") == [
        (-7, 123_456, -5)
    ]
    assert fees(s, 10, 100) == {"maker": 0, "taker": 5}


def test_a_tier_is_reached_by_what_was_traded_since_the_asset_first_had_one() -> None:
    s = an_exchange(taker_fee=5_000)
    assert fees(s, 10, 100) == {"maker": 0, "taker": 5}
    set_tier(s, 1, 1_000, 0, 1_000)
    assert fees(s, 10, 100) == {"maker": 0, "taker": 5}
    assert fees(s, 10, 100) == {"maker": 0, "taker": 1}


def test_a_trade_with_oneself_counts_twice_toward_a_tier() -> None:
    s = an_exchange(taker_fee=5_000)
    set_tier(s, 1, 2_000, 0, 1_000)
    s.place(ANN, "sell", 10, 100)
    s.place(ANN, "buy", 10, 100)
    s.place(BOB, "sell", 10, 100)
    assert of(s.place(ANN, "buy", 10, 100), "OrderFilled", *FEE) == [("maker", 0), ("taker", 1)]


def test_what_was_traded_30_days_ago_no_longer_counts() -> None:
    s = an_exchange(taker_fee=5_000)
    set_tier(s, 1, 1_000, 0, 1_000)
    fees(s, 10, 100)
    s.now_ns = 30 * DAY_NS - 1
    assert fees(s, 1, 1_000) == {"maker": 0, "taker": 1}
    s.now_ns = 59 * DAY_NS
    assert fees(s, 1, 1_000) == {"maker": 0, "taker": 5}


def test_an_order_keeps_the_rates_of_the_moment_it_was_accepted() -> None:
    s = an_exchange(maker_fee=1_000, taker_fee=5_000)
    s.place(ANN, "sell", 10, 100)
    set_tier(s, 1, 0, 3_000, 4_000)
    events = s.place(BOB, "buy", 10, 100)
    assert of(events, "OrderFilled", *FEE) == [("maker", 1), ("taker", 4)]


def test_the_highest_threshold_decides_then_the_highest_number() -> None:
    s = an_exchange(taker_fee=100)
    set_tier(s, 3, 0, 0, 2_000)
    set_tier(s, 2, 0, 0, 1_000)
    assert fees(s, 10, 100) == {"maker": 0, "taker": 2}
    set_tier(s, 1, 1_000, 0, 9_000)
    assert fees(s, 10, 100) == {"maker": 0, "taker": 9}


def test_a_rebate_is_paid_out_of_what_the_taker_pays() -> None:
    s = an_exchange()
    set_tier(s, 1, 0, -2_000, 5_000)
    assert fees(s, 10, 100) == {"maker": -2, "taker": 5}
    assert s.balance(ANN, USD) == (1_000_000 + 1_000 + 2, 0)
    assert house(s) == (3, 0)


def test_a_rebate_beyond_what_the_taker_pays_is_forfeited() -> None:
    s = an_exchange(taker_fee=1_000)
    set_tier(s, 1, 0, -50_000, 50_000)
    s.place(ANN, "sell", 20, 100)
    set_tier(s, 1, -1, 0, 0)
    fills = of(s.place(BOB, "buy", 10, 100), "OrderFilled", *FEE)
    assert fills == [("maker", -1), ("taker", 1)]
    set_tier(s, 1, 0, 0, 100_000)
    fills = of(s.place(BOB, "buy", 10, 100), "OrderFilled", *FEE)
    assert fills == [("maker", -50), ("taker", 100)]
    assert house(s) == (50, 0)


def test_a_rebate_to_a_buyer_leaves_its_hold_at_its_need() -> None:
    s = an_exchange()
    set_tier(s, 1, 0, -10_000, 10_000)
    s.place(ANN, "buy", 20, 100)
    assert s.balance(ANN, USD) == (1_000_000 - 2_020, 2_020)
    s.place(BOB, "sell", 10, 100)
    # What came back is held for no one: ten lots are left, and their fee as a taker after a rebate.
    assert s.balance(ANN, USD)[1] == 1_010
    assert sum(s.balance(ANN, USD)) == 1_000_000 - 1_000 + 10


def test_what_rounding_up_added_leaves_the_fees_when_the_order_closes() -> None:
    s = an_exchange(maker_fee=1_000, taker_fee=2_500)
    s.place(ANN, "sell", 10, 100)
    s.place(BOB, "buy", 1, 100)
    # The taker is closed: 0.25 was rounded up to 1. The maker, 0.1, is still open.
    assert house(s) == (1, 1)
    assert kinds(s.cancel(ANN, 1))[0] == "OrderClosed"
    assert house(s) == (0, 2)


def test_a_charge_without_a_fraction_leaves_nothing_to_the_rounding_account() -> None:
    s = an_exchange(maker_fee=10_000, taker_fee=20_000)
    fees(s, 10, 100)
    assert house(s) == (30, 0)


def test_the_unknown_asset_has_no_tiers() -> None:
    s = an_exchange()
    tier = {"tier": 1, "threshold": 0, "maker_fee": 0, "taker_fee": 0}
    refused = s.send(Message("FeeTierSet", asset=9, **tier))
    detail = of(refused, "Rejected", "code", "field", "unit", "value")
    assert detail == [("UNKNOWN_ASSET", "asset", "number", 9)]


def test_a_tier_with_a_request_id_is_set_once() -> None:
    s = an_exchange()
    tier = Message("FeeTierSet", asset=USD, tier=1, threshold=0, maker_fee=0, taker_fee=0)
    assert kinds(s.send(tier, request_id=4)) == ["FeeTierChanged"]
    assert kinds(s.send(tier, request_id=4)) == ["RequestDuplicate"]
