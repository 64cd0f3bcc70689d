"""The price that the simulated traders believe in: a walk that is pulled back to where it began.

All in whole ticks and drawn from one seeded generator, so that a seed is a market.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

PULL_DIVISOR = 20_000
"""Each step returns 1/20,000 of the distance to the opening price: half in some 12 minutes."""
RANGE_PERCENT = 8
"""It never leaves this range around the opening price."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the traders need to know of one instrument."""

    symbol: str
    opening_ticks: int
    step_ticks: int
    """Largest change of one step."""
    half_spread_ticks: int
    """Distance of the best quotes from the fair value."""
    level_ticks: int
    """Distance of a maker's quotes from each other."""
    qty_lots: int
    """A usual quantity."""


MARKETS = (
    Terms("BTC-USD", 6_000_000, 150, 150, 250, 4_000),
    Terms("ETH-USD", 300_000, 9, 8, 15, 7_000),
    Terms("SOL-USD", 150_000, 6, 5, 9, 12_000),
)
"""BTC opens at 60000.00, ETH at 3000.00, SOL at 150.000; quantities are worth about 2,000 USD.

The makers of an instrument replace each of their quotes every second or two: a step is so small
that the price then moves by no more than a few of their levels.
"""


class FairValue:
    """The walk of one instrument."""

    def __init__(self, terms: Terms, rng: random.Random) -> None:
        """Begin at the opening price."""
        self.terms = terms
        self.ticks = terms.opening_ticks
        self.trend = 0
        """Sum of the last moves, fading: what momentum traders look at."""
        self._rng = rng
        reach = terms.opening_ticks * RANGE_PERCENT // 100
        self._low, self._high = terms.opening_ticks - reach, terms.opening_ticks + reach

    def step(self) -> int:
        """Move once; return the new value in ticks."""
        noise = self._rng.randint(-self.terms.step_ticks, self.terms.step_ticks)
        before = self.ticks
        self.ticks = min(max(self.ticks + noise + self._pull(), self._low), self._high)
        self.trend = self.trend * 9 // 10 + self.ticks - before
        return self.ticks

    def _pull(self) -> int:
        # A part of a tick becomes a chance of a whole one: rounding would favour one direction.
        distance = self.terms.opening_ticks - self.ticks
        whole, rest = divmod(abs(distance), PULL_DIVISOR)
        ticks = whole + (self._rng.randrange(PULL_DIVISOR) < rest)
        return ticks if distance > 0 else -ticks
