"""Tickers and candles, as Python sees them: money as `Decimal`, times in microseconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from coulisse.domain.money import to_decimal
from coulisse.domain.orders import Instrument

CANDLE_INTERVALS: Final = ("1s", "1m", "5m", "15m", "1h", "4h", "1d")
"""How long candles are."""
Item = Mapping[str, object]
CandleCells = tuple[int, int, int, int, int, int, int, int, int]
"""Start in µs, seq, open, high, low, close in ticks, qty in lots, ticks × lots, trades."""


@dataclass(frozen=True, slots=True)
class Ticker:
    """The market of an instrument in short; what there is not yet is None."""

    symbol: str
    seq: int
    bid: Decimal | None = None
    bid_qty: Decimal | None = None
    ask: Decimal | None = None
    ask_qty: Decimal | None = None
    last: Decimal | None = None
    """The price of the last trade."""
    last_qty: Decimal | None = None
    time_us: int | None = None
    """When the last trade was."""
    open: Decimal | None = None
    """Of the last 24 hours, as all that follows."""
    high: Decimal | None = None
    low: Decimal | None = None
    volume: Decimal | None = None
    """What was traded, in the base asset."""
    notional: Decimal | None = None
    """The same in the quote asset."""
    trades: int | None = None


@dataclass(frozen=True, slots=True)
class Candle:
    """The trades of one interval of time. The latest of an interval may change until it ends."""

    symbol: str
    interval: str
    start_us: int
    """When it begins, in microseconds since the epoch."""
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    """What was traded, in the base asset."""
    notional: Decimal
    """The same in the quote asset."""
    trades: int
    seq: int
    """The seq of the last trade in it."""


def _money(item: Item, name: str) -> Decimal:
    return to_decimal(str(item[name]))


def _number(item: Item, name: str) -> Decimal | None:
    value = item.get(name)
    return None if value is None else to_decimal(str(value))


def _whole(item: Item, name: str) -> int | None:
    value = item.get(name)
    return None if value is None else int(str(value))


def ticker_from_wire(message: Item) -> Ticker:
    """Read a message of the `ticker` channel."""
    names = ("bid", "bid_qty", "ask", "ask_qty", "last", "last_qty", "open", "high", "low")
    numbers = {name: _number(message, name) for name in (*names, "volume", "notional")}
    return Ticker(
        symbol=str(message["symbol"]),
        seq=int(str(message["seq"])),
        time_us=_whole(message, "time"),
        trades=_whole(message, "trades"),
        **numbers,
    )


def candle_from_wire(symbol: str, interval: str, item: Item) -> Candle:
    """Read one candle."""
    return Candle(
        symbol=symbol,
        interval=interval,
        start_us=int(str(item["start"])),
        open=_money(item, "open"),
        high=_money(item, "high"),
        low=_money(item, "low"),
        close=_money(item, "close"),
        volume=_money(item, "volume"),
        notional=_money(item, "notional"),
        trades=int(str(item["trades"])),
        seq=int(str(item["seq"])),
    )


def instrument_from_wire(item: Item) -> Instrument:
    """Read one instrument with its rules."""
    return Instrument(
        symbol=str(item["symbol"]),
        base=str(item["base"]),
        quote=str(item["quote"]),
        tick_size=_money(item, "tick_size"),
        lot_size=_money(item, "lot_size"),
        min_qty=_money(item, "min_qty"),
        max_qty=_money(item, "max_qty"),
        min_notional=_money(item, "min_notional"),
        maker_fee=_money(item, "maker_fee"),
        taker_fee=_money(item, "taker_fee"),
    )
