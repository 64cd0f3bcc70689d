"""The comparison itself: a spoilt reference exchange in the place of the core must be found."""

from bisect import insort_left

import pytest

from tests.model.book import Order
from tests.model.codec import Message
from tests.model.differential import Coverage, first_difference, replay, run_world, shrink
from tests.model.exchange import ReferenceExchange
from tests.model.stand_in import StandIn
from tests.model.traffic import traffic

SEEDS = range(6)


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


@pytest.mark.parametrize(
    "spoilt", [NewestFirst, FeesRoundedPerFill, ForgetsNoClosedId, HoldsNothingBack, CountsSeqWrong]
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
