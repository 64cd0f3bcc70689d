"""The simulated market: bounded, seeded, liquid."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest

from coulisse.config import load_config
from coulisse.demo.fair_value import MARKETS, FairValue
from coulisse.demo.market import (
    ACTS_PER_TICK,
    TICK_S,
    trader_accounts,
    trader_names,
)
from coulisse.demo.traders import LEVELS_PER_SIDE, Maker, Momentum, Noise, Steps
from coulisse.domain.outcomes import Rejected

BTC = MARKETS[0]
STEPS = Steps(Decimal("0.01"), Decimal("0.00001"))


def a_maker(seed: int = 1) -> tuple[Maker, FairValue]:
    rng = random.Random(seed)
    fair = FairValue(BTC, rng)
    return Maker("maker-btc-1", fair, STEPS, rng, run=1), fair


@pytest.mark.parametrize("terms", MARKETS, ids=lambda terms: terms.symbol)
@pytest.mark.parametrize("seed", range(3))
def test_the_fair_value_stays_within_its_range_for_hours(terms: object, seed: int) -> None:
    assert terms in MARKETS
    fair = FairValue(terms, random.Random(seed))
    opening = fair.terms.opening_ticks
    seen = [fair.step() for _ in range(100_000)]
    assert all(abs(ticks - opening) * 100 <= opening * 8 for ticks in seen)
    assert max(seen) > opening > min(seen)
    assert len(set(seen)) > 100
    assert all(isinstance(ticks, int) for ticks in seen[:10])


def test_bitcoin_opens_at_60000() -> None:
    assert STEPS.price(BTC.opening_ticks) == "60000.00"


def test_never_more_than_200_requests_a_second() -> None:
    assert 2 * ACTS_PER_TICK / TICK_S <= 200


def test_there_are_some_twenty_traders_with_money_of_both_assets() -> None:
    accounts = trader_accounts(load_config())
    assert len(accounts) == 21 == len({account.name for account in accounts})
    assert all(len(account.deposits) == 2 for account in accounts)
    assert {name.split("-")[0] for name in trader_names(BTC)} == {"maker", "noise", "momentum"}


def test_a_seed_is_a_market() -> None:
    def story(seed: int) -> list[object]:
        maker, fair = a_maker(seed)
        told: list[object] = list(maker.opening())
        for _ in range(200):
            fair.step()
            told.append(maker.act())
        return told

    assert story(1) == story(1) != story(2)


def test_a_makers_opening_is_a_ladder_around_the_fair_value_that_does_not_cross() -> None:
    maker, fair = a_maker()
    cancel, *quotes = maker.opening()
    assert cancel == ("order.cancel_all", {})
    assert len(quotes) == 2 * LEVELS_PER_SIDE
    prices = {"buy": [Decimal(0)], "sell": [Decimal(10**9)]}
    for _, params in quotes:
        prices[str(params["side"])].append(Decimal(str(params["price"])))
        assert params["post_only"] is True
    middle = Decimal(STEPS.price(fair.ticks))
    assert max(prices["buy"]) < middle < min(prices["sell"])


def test_a_quote_that_closed_or_was_refused_is_made_again() -> None:
    maker, _ = a_maker()
    _, *quotes = maker.opening()
    first, second = (str(params["client_order_id"]) for _, params in quotes[:2])
    maker.on_feed({"items": [{"event": "closed", "client_order_id": first}]})
    maker.on_refused(quotes[1][1], Rejected("POST_ONLY_WOULD_TRADE", "m"))
    again = [maker.act() for _ in range(2)]
    assert [request[0][0] for request in again] == ["order.place", "order.place"]
    ids = {str(request[0][1]["client_order_id"]) for request in again}
    assert len(ids) == 2 and not ids & {first, second}


def test_a_moved_fair_value_moves_the_worst_quote_first() -> None:
    maker, fair = a_maker()
    maker.opening()
    fair.ticks += 20_000
    (cancel, cancelled), (place, placed) = maker.act()
    assert (cancel, place) == ("order.cancel", "order.place")
    assert cancelled["client_order_id"] != placed["client_order_id"]


def test_takers_send_orders_that_do_not_rest_for_ever() -> None:
    rng = random.Random(3)
    fair = FairValue(BTC, rng)
    noise, momentum = Noise("n", fair, STEPS, rng), Momentum("m", fair, STEPS, rng)
    assert momentum.act() == []
    fair.trend = 10 * BTC.step_ticks
    ((_, bought),) = momentum.act()
    assert (bought["side"], bought["tif"]) == ("buy", "ioc")
    for _ in range(100):
        ((op, order),) = noise.act()
        assert op == "order.place" and order["tif"] == "ioc"
        assert Decimal(str(order["qty"])) > 0
