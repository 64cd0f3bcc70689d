"""Pages of candles: where the node's own end and stored ones begin, cursors, gaps."""

import pytest

from coulisse.domain.market import CandleCells
from coulisse.gateway.candles import KEPT_MAX, Asked, Gaps, SeriesBehind, page_of

MINUTE_US = 60_000_000


def candle(minute: int) -> CandleCells:
    return minute * MINUTE_US, 10 * minute, minute, minute + 2, minute - 1, minute + 1, 5, 50, 2


class Stored:
    """Candles that a database holds."""

    def __init__(self, candles: list[CandleCells], seq: int = 10**9) -> None:
        self.all = candles
        self.seq = seq
        self.asked = 0

    async def candles(
        self, symbol: str, interval: str, before_us: int, count: int
    ) -> tuple[int, list[CandleCells]]:
        assert (symbol, interval) == ("BTC-USD", "1m")
        self.asked += 1
        return self.seq, [one for one in self.all if one[0] < before_us][-count:]


def asked(count: int, before_us: int | None = None, gaps: Gaps = "omit") -> Asked:
    return Asked("BTC-USD", "1m", count, before_us, gaps)


ALL = [candle(minute) for minute in range(1_000, 1_300) if minute % 7]


async def test_pages_of_every_length_join_to_all_candles_that_there_are() -> None:
    for count in (1, 7, KEPT_MAX - 1, KEPT_MAX, KEPT_MAX + 1, 500):
        # What is stored reaches into what the node keeps, and may be older there.
        outdated = [(*one[:8], 1) for one in ALL[-KEPT_MAX:]]
        stored = Stored([*ALL[:-KEPT_MAX], *outdated])
        found: list[CandleCells] = []
        page, before_us = await page_of(asked(count), ALL[-KEPT_MAX:], stored)
        while True:
            assert len(page) == count or before_us is None
            found = [*page, *found]
            if before_us is None:
                break
            assert before_us == page[0][0]
            page, before_us = await page_of(asked(count, before_us), ALL[-KEPT_MAX:], stored)
        assert found == ALL, count


async def test_a_node_that_keeps_all_there_is_asks_nobody() -> None:
    stored = Stored(ALL)
    few = ALL[-(KEPT_MAX - 1) :]
    assert await page_of(asked(100), few, stored) == (few, None)
    assert await page_of(asked(10), few, stored) == (few[-10:], few[-10][0])
    assert await page_of(asked(10), [], stored) == ([], None)
    assert stored.asked == 0


async def test_without_time_series_there_is_what_the_node_keeps() -> None:
    kept = ALL[-KEPT_MAX:]
    assert await page_of(asked(100), kept, None) == (kept, None)
    assert await page_of(asked(100, kept[3][0]), kept, None) == (kept[:3], None)


async def test_nothing_is_told_of_series_that_have_not_come_so_far() -> None:
    kept = ALL[-KEPT_MAX:]
    exact = Stored(ALL, seq=kept[0][1])
    assert (await page_of(asked(100), kept, exact))[0] == ALL[-100:]
    with pytest.raises(SeriesBehind, match=f"{kept[0][1] - 1}, {kept[0][1]} is needed"):
        await page_of(asked(100), kept, Stored(ALL, seq=kept[0][1] - 1))


async def test_flat_candles_stand_where_nothing_traded_and_pages_join() -> None:
    by_start = {one[0]: one for one in ALL}
    wanted, last = [], ALL[0]
    for minute in range(ALL[0][0] // MINUTE_US, 1_300):
        last = by_start.get(minute * MINUTE_US, last)
        flat = (minute * MINUTE_US, last[1], *(last[5],) * 4, 0, 0, 0)
        wanted.append(by_start.get(minute * MINUTE_US, flat))
    for count in (1, 6, 7, 8, 59, 60, 500):
        found: list[CandleCells] = []
        before_us = None
        while True:
            page, before_us = await page_of(
                asked(count, before_us, "flat"), ALL[-KEPT_MAX:], Stored(ALL[:-KEPT_MAX])
            )
            found = [*page, *found]
            if before_us is None:
                break
        assert found == wanted, count
