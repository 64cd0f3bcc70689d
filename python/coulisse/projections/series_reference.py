"""The time series in plain Python, from events alone: slow, and readable before the Rust.

Written from the words of their tables, not from `crates/projections`: it keeps every level of every
book, and folds each interval of candles by itself. What the two make of a log must be the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from coulisse.domain.schema import Event
from coulisse.projections.content import Cell
from coulisse.projections.reference import Head
from coulisse.projections.tables import series_tables

SECONDS: Final = {
    "1s": 1, "1m": 60, "5m": 300, "15m": 900, "1h": 3_600, "4h": 14_400, "1d": 86_400,
}  # fmt: skip
MINUTE_US: Final = 60_000_000
Quote = tuple[int, int, int, int]


@dataclass(slots=True)
class _Instrument:
    symbol: str
    levels: dict[str, dict[int, int]] = field(default_factory=lambda: {"buy": {}, "sell": {}})
    quote: Quote = (0, 0, 0, 0)

    def best(self) -> Quote:
        bids, asks = self.levels["buy"], self.levels["sell"]
        bid, ask = max(bids, default=0), min(asks, default=0)
        return bid, bids.get(bid, 0), ask, asks.get(ask, 0)


class SeriesReference:
    """All tables of the time series after some record, by key."""

    def __init__(self) -> None:
        """Begin before the first record."""
        self.tables: dict[str, dict[tuple[Cell, ...], tuple[Cell, ...]]] = {
            name: {} for name in series_tables()
        }
        self._scales: dict[int, int] = {}
        self._instruments: dict[int, _Instrument] = {}

    def rows(self) -> Iterable[tuple[str, tuple[Cell, ...]]]:
        """Return every row with its table."""
        for name, rows in self.tables.items():
            for row in rows.values():
                yield name, row

    def take(self, head: Head, events: list[Event]) -> None:
        """Take a record and what followed from it."""
        time_us = head.time_ns // 1_000
        for event in events:
            e: Mapping[str, Any] = event.fields
            match event.name:
                case "AssetCreated":
                    self._scales[e["asset"]] = e["scale"]
                case "InstrumentCreated":
                    self._instruments[e["instrument"]] = _Instrument(e["symbol"])
                    self._put("instruments", e["symbol"], time_us, head.seq, e["tick_minor"],
                              self._scales[e["quote"]], e["lot_minor"],
                              self._scales[e["base"]])  # fmt: skip
                case "LevelChanged":
                    level = self._instruments[e["instrument"]].levels[e["side"]]
                    level[e["price"]] = e["qty"]
                    if e["qty"] == 0:
                        del level[e["price"]]
                case "Traded":
                    self._trade(self._instruments[e["instrument"]].symbol, time_us, head.seq, e)
                case "MarkChanged":
                    symbol = self._instruments[e["instrument"]].symbol
                    self._put("marks", symbol, time_us, head.seq, e["price"])
        for instrument in self._instruments.values():
            self._quote(instrument, time_us, head.seq)

    def _put(self, table: str, *row: Cell) -> None:
        key = series_tables()[table].key
        self.tables[table][row[: len(key)]] = row

    def _quote(self, instrument: _Instrument, time_us: int, seq: int) -> None:
        best = instrument.best()
        if best != instrument.quote:
            instrument.quote = best
            self._put("quotes", instrument.symbol, time_us, seq, *best)
            minute_us = time_us - time_us % MINUTE_US
            self._put("quotes_1m", instrument.symbol, minute_us, seq, *best)

    def _trade(self, symbol: str, time_us: int, seq: int, e: Mapping[str, Any]) -> None:
        price, qty = e["price"], e["qty"]
        self._put("trades", symbol, time_us, seq, e["trade_id"], price, qty, e["taker_side"])
        for interval, seconds in SECONDS.items():
            table, start_us = f"candles_{interval}", time_us - time_us % (seconds * 1_000_000)
            row: tuple[Any, ...] = (price, price, price, price, qty, price * qty, 1)
            before: tuple[Any, ...] | None = self.tables[table].get((symbol, start_us))
            if before is not None:
                first, high, low, _, lots, notional, trades = before[3:]
                row = (
                    first, max(high, price), min(low, price), price,
                    lots + qty, notional + price * qty, trades + 1,
                )  # fmt: skip
            self._put(table, symbol, start_us, seq, *row)
