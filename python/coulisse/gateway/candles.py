"""Pages of candles: the newest as the node keeps them, older ones as they are stored.

A stored candle is older than all that the node keeps of its interval, so it is over and says what
it will always say. Of a database that has not come so far nothing is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from coulisse.domain.market import CANDLE_INTERVALS, CandleCells

KEPT_MAX: Final = 60
"""Candles of one interval that a node keeps."""
PAGE_MAX: Final = 1_000
LENGTHS_US: Final = dict(
    zip(CANDLE_INTERVALS, (n * 1_000_000 for n in (1, 60, 300, 900, 3_600, 14_400, 86_400)),
        strict=True)
)  # fmt: skip
Gaps = Literal["omit", "flat"]
"""What is told of an interval in which nothing traded: nothing, or a candle at the price before."""


class SeriesBehind(Exception):
    """The time series do not reach where the node's own candles begin."""


class StoredCandles(Protocol):
    """Where older candles are read."""

    async def candles(
        self, symbol: str, interval: str, before_us: int, count: int
    ) -> tuple[int, list[CandleCells]]:
        """Return the seq that is stored, and the last `count` candles that begin before that time.

        Oldest first. Raises `SeriesBehind` where nothing can be read.
        """


@dataclass(frozen=True, slots=True)
class Asked:
    """A page."""

    symbol: str
    interval: str
    count: int
    before_us: int | None = None
    gaps: Gaps = "omit"


async def page_of(
    asked: Asked, kept: Sequence[CandleCells], stored: StoredCandles | None
) -> tuple[list[CandleCells], int | None]:
    """Return a page, oldest first, and the time before which the next one's candles begin.

    `kept` are the newest candles, oldest first. Raises `SeriesBehind`.
    """
    # Where gaps are filled, the candle before the first one gives its price.
    count = asked.count if asked.gaps == "omit" else asked.count + 1
    found = [one for one in kept if asked.before_us is None or one[0] < asked.before_us]
    # A node that keeps fewer than it could has them all.
    is_all = stored is None or len(kept) < KEPT_MAX
    if len(found) < count and stored is not None and not is_all:
        before_us = kept[0][0] if asked.before_us is None else min(kept[0][0], asked.before_us)
        seq, older = await stored.candles(
            asked.symbol, asked.interval, before_us, count - len(found)
        )
        if seq < kept[0][1]:
            raise SeriesBehind(f"the time series have come to seq {seq}, {kept[0][1]} is needed")
        is_all = len(older) < count - len(found)
        found = [*older, *found]
    if asked.gaps == "flat" and found:
        return _flat(asked, found, is_all=is_all)
    page = found[-asked.count :]
    more = len(found) > len(page) or (len(page) == asked.count and not is_all)
    return page, page[0][0] if page and more else None


def _flat(
    asked: Asked, found: Sequence[CandleCells], *, is_all: bool
) -> tuple[list[CandleCells], int | None]:
    length_us = LENGTHS_US[asked.interval]
    end_us = found[-1][0]
    if asked.before_us is not None:
        end_us = (asked.before_us - 1) // length_us * length_us
    by_start = {one[0]: one for one in found}
    begin_us = max(found[0][0], end_us - (asked.count - 1) * length_us)
    last = max((one for one in found if one[0] <= begin_us), key=lambda one: one[0])
    page: list[CandleCells] = []
    for start_us in range(begin_us, end_us + 1, length_us):
        last = by_start.get(start_us, last)
        _, seq, _, _, _, close, *_ = last
        flat = (start_us, seq, close, close, close, close, 0, 0, 0)
        page.append(by_start.get(start_us, flat))
    more = begin_us > found[0][0] or not is_all
    return page, begin_us if more else None
