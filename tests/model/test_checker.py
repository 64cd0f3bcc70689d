"""The comparison itself: a spoilt reference exchange in the place of the core must be found."""

from bisect import insort_left

import pytest

from tests.model.book import Instrument, Order
from tests.model.codec import Message
from tests.model.differential import Coverage, first_difference, replay, run_world, shrink
from tests.model.exchange import ReferenceExchange
from tests.model.stand_in import StandIn
from tests.model.traffic import traffic

SEEDS = range(20)


class NewestFirst(ReferenceExchange):
    def _finish(self, order: Order, stop: str) -> None:
        super()._finish(order, stop)
        side = order.instrument.book[order.side]
        if order in side:
            side.remove(order)
            sign = -1 if order.side == "buy" else 1
            insort_left(side, order, key=lambda o: sign * o.rests_at)


class FeesRoundedPerFill(ReferenceExchange):
    def _trade(self, taker: Order, maker: Order, qty: int) -> None:
        for order in (taker, maker):
            order.charged = order.charge_with(0, 0)
        super()._trade(taker, maker, qty)
        self.ledger.fees[1] += 1


class ForgetsNoClosedId(ReferenceExchange):
    @property
    def limits(self) -> Message:
        return Message(**vars(super().limits) | {"closed_ids_per_account_max": 1_000})


class HoldsNothingBack(ReferenceExchange):
    def _hold(self, order: Order, minor: int) -> None:
        super()._hold(order, min(minor, order.held) if order.filled else minor)


class CountsSeqWrong(ReferenceExchange):
    def _close(self, order: Order, state: str, reason: str, *, says_level: bool = True) -> None:
        super()._close(order, state, reason, says_level=says_level)
        order.first_seq += 1


class RefreshesInPlace(ReferenceExchange):
    def _show_next_part(self, order: Order) -> None:
        if order.is_iceberg and order.displayed == 0:
            order.displayed = order.would_show(order.remaining)
            shown = {"price": order.rests_at, "displayed": order.displayed}
            self.emit("OrderRefreshed", order, **shown)


class LooksAtTheLastPriceOnly(ReferenceExchange):
    def _trigger_next(self, instrument: Instrument) -> bool:
        for which, seen in instrument.touched.items():
            seen.low = seen.high = instrument.price(which) if seen.high else 0
        return super()._trigger_next(instrument)


class PegsStay(ReferenceExchange):
    def _follow(self, instrument: Instrument) -> None:
        pass


class LegsHoldTwice(ReferenceExchange):
    def _need(self, order: Order) -> int:
        return super()._need(order) + (1 if self._other(order) else 0)


class SharesByAge(ReferenceExchange):
    def _is_shared(self, order: Order, price: int) -> bool:
        return False


class AuctionsCostTheMakersRate(ReferenceExchange):
    def _trade_in_auction(self, bid: Order, ask: Order, qty: int, price: int) -> None:
        bid.taker_rate, ask.taker_rate = bid.maker_rate, ask.maker_rate
        super()._trade_in_auction(bid, ask, qty, price)


class TicksCloseTheYoungestFirst(ReferenceExchange):
    def _due_expiries(self) -> list[tuple[int, int]]:
        return super()._due_expiries()[::-1]


@pytest.mark.parametrize(
    "spoilt",
    [
        *(NewestFirst, FeesRoundedPerFill, ForgetsNoClosedId, HoldsNothingBack, CountsSeqWrong),
        *(RefreshesInPlace, LooksAtTheLastPriceOnly, PegsStay, LegsHoldTwice, SharesByAge),
        *(AuctionsCostTheMakersRate, TicksCloseTheYoungestFirst),
    ],
)
def test_a_spoilt_exchange_is_told_from_the_reference(spoilt: type[ReferenceExchange]) -> None:
    difference = first_difference(lambda: StandIn(spoilt()), SEEDS, 600)
    assert difference
    assert "the core failed" not in difference


def test_an_unspoilt_exchange_is_not() -> None:
    seen = Coverage()
    for seed in SEEDS:
        run_world(StandIn, seed, 600, invariants_every=1, seen=seen)
    assert seen.commands == 600 * len(SEEDS)


def test_a_failing_sequence_is_made_short_and_still_fails() -> None:
    def make() -> StandIn:
        return StandIn(NewestFirst())

    source, exchange, sent = traffic(1), ReferenceExchange(), []
    for _ in range(600):
        sent.append(source.next(exchange))
        exchange.apply(*sent[-1])
    fewer, difference = shrink(make, sent, replay(make, sent))
    assert difference
    assert replay(make, fewer) == difference
    assert len(fewer) < 30
