"""How a figure moves over a long run: where its beginning ends, how steep it is, how sure that is.

A figure of each lap goes in, a median that outliers do not move. Nothing is guessed: where the
warm-up ends is found by the figures themselves, and each slope comes with its interval.

Sources: White, An Effective Truncation Heuristic for Bias Reduction in Simulation Output (1997),
for the warm-up; Sen, Estimates of the Regression Coefficient Based on Kendall's Tau (1968), for the
slope and its interval.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

LAPS_MIN = 4
"""Fewer say nothing of a slope."""
SURE = 1.96
"""Standard deviations on either side of what holds in 95 of 100 runs."""
DRAWS = 1_000
SEED = 42


def settled_at(values: Sequence[float]) -> int:
    """Return how many of the first values belong to the warm-up: half of them at most.

    What is left has the smallest squared standard error of its mean (MSER). A figure that never
    stops growing has half of its values left, which show that it grows.
    """
    best, best_error = 0, math.inf
    for begin in range(len(values) // 2 + 1):
        rest = values[begin:]
        error = statistics.pvariance(rest) / len(rest) if rest else math.inf
        if error < best_error:
            best, best_error = begin, error
    return best


@dataclass(frozen=True, slots=True)
class Slope:
    """How much a figure grows in an hour, and between what this lies in 95 of 100 cases."""

    per_h: float
    low: float
    high: float

    def holds(self, most: float) -> bool | None:
        """Whether it is below `most`; None where that cannot be told."""
        if self.high < most:
            return True
        return False if self.low >= most else None

    def shown(self) -> dict[str, float]:
        """Return the three numbers."""
        named = {"per_h": self.per_h, "low": self.low, "high": self.high}
        return {name: round(value, 3) for name, value in named.items()}


def slope_of(times_s: Sequence[float], values: Sequence[float]) -> Slope | None:
    """Return the median of the slopes of all pairs; None where there are too few values."""
    count = len(values)
    if count < LAPS_MIN:
        return None
    slopes = sorted(
        3_600 * (values[later] - values[earlier]) / (times_s[later] - times_s[earlier])
        for earlier in range(count)
        for later in range(earlier + 1, count)
    )
    # How far in the sorted slopes the ends of the interval are from the middle: Kendall's variance.
    spread = SURE * math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    low = math.floor((len(slopes) - spread) / 2)
    high = math.ceil((len(slopes) + spread) / 2)
    return Slope(statistics.median(slopes), slopes[max(low, 0)], slopes[min(high, len(slopes) - 1)])


@dataclass(frozen=True, slots=True)
class Drift:
    """By how much of itself a figure is higher in the end than in the beginning, in percent."""

    first: float
    last: float
    percent: float
    low: float
    high: float

    def holds(self, most_percent: float) -> bool | None:
        """Whether it is below `most_percent`; None where that cannot be told.

        The figure itself decides where it is small: the interval is wide on a machine that others
        share, and one that lies around nothing at all is no drift.
        """
        if self.percent < most_percent:
            return True
        return False if self.low > 0 else None

    def shown(self) -> dict[str, float]:
        """Return its numbers."""
        return {
            "first": round(self.first, 1), "last": round(self.last, 1),
            "percent": round(self.percent, 1), "low": round(self.low, 1),
            "high": round(self.high, 1),
        }  # fmt: skip


def drift_of(values: Sequence[float]) -> Drift | None:
    """Compare the medians of the last third and the first; None where there are too few values.

    The interval is that of medians drawn again and again from both thirds (a bootstrap).
    """
    third = len(values) // 3
    if third < LAPS_MIN // 2:
        return None
    first, last = list(values[:third]), list(values[-third:])
    dice = random.Random(SEED)

    def drawn(of: list[float]) -> float:
        return statistics.median(dice.choices(of, k=len(of)))

    drifts = sorted(_percent(drawn(first), drawn(last)) for _ in range(DRAWS))
    begin, end = statistics.median(first), statistics.median(last)
    return Drift(
        begin, end, _percent(begin, end), drifts[DRAWS * 25 // 1_000], drifts[DRAWS * 975 // 1_000]
    )


def _percent(first: float, last: float) -> float:
    return 100 * (last / first - 1) if first else 0.0
