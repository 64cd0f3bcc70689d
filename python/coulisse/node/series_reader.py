"""Stored candles for REST: read by one thread of their own, so that the loop waits for nothing."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from coulisse.domain.market import CandleCells
from coulisse.gateway.candles import SeriesBehind
from coulisse.store.errors import StoreDown
from coulisse.store.timeseries.address import SeriesAddress, parse_series_address
from coulisse.store.timeseries.reader import open_series_reader

WAITING_MAX: Final = 32
"""Questions that wait for the thread; more are refused."""
ANSWER_S: Final = 5.0


class StoredSeries:
    """The time series as REST asks for them."""

    def __init__(self, address: SeriesAddress) -> None:
        """Prepare to read; nothing is connected before the first question."""
        self._reader = open_series_reader(address)
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="series")
        self._waiting = 0

    async def candles(
        self, symbol: str, interval: str, before_us: int, count: int
    ) -> tuple[int, list[CandleCells]]:
        """Return how far they reach, and the last candles that begin before a time, oldest first.

        Raises `SeriesBehind` where they cannot be read, or not in time.
        """
        if self._waiting >= WAITING_MAX:
            raise SeriesBehind(f"{WAITING_MAX} questions wait for the time series")
        self._waiting += 1
        try:
            async with asyncio.timeout(ANSWER_S):
                return await asyncio.get_running_loop().run_in_executor(
                    self._pool, self._reader.candles, symbol, interval, before_us, count
                )
        except TimeoutError:
            raise SeriesBehind("the time series do not answer in time") from None
        except StoreDown as error:
            raise SeriesBehind(f"the time series cannot be read: {error}") from None
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Read no more; what is being read is not waited for."""
        self._pool.submit(self._reader.close)
        self._pool.shutdown(wait=False)


def stored_series(database: str | None, data_dir: Path) -> StoredSeries | None:
    """Return what reads the time series of a setting; None where there are none."""
    return None if database is None else StoredSeries(parse_series_address(database, data_dir))
