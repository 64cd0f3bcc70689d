"""`coulisse candles`: trades by intervals of time."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import typer

from coulisse.cli.options import AsJson, KeyFile, Url
from coulisse.cli.runner import connect, fail, run
from coulisse.cli.span import time_ns
from coulisse.domain.errors import Refused
from coulisse.domain.market import CANDLE_INTERVALS, Candle
from coulisse.domain.money import as_text
from coulisse.domain.outcomes import Rejected

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INTERVAL_HELP = f"How long a candle is: {', '.join(CANDLE_INTERVALS)}."


def candles(
    symbol: str = typer.Argument(help="The instrument, as BTC-USD."),
    interval: str = typer.Option("1m", "--interval", "-i", help=_INTERVAL_HELP),
    limit: int = typer.Option(20, "--limit", min=1, help="How many at first."),
    before: str | None = typer.Option(
        None, "--before", help="Older ones: those that begin before this time, in UTC."
    ),
    flat: bool = typer.Option(
        False, "--flat", help="Show an interval without a trade as a candle of no volume."
    ),
    follow: bool = typer.Option(False, "--follow", "-f", help="Go on with what changes."),
    as_json: AsJson = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Show the latest candles of an instrument, oldest first, in UTC. Needs no key."""
    try:
        before_us = None if before is None else time_ns("--before", before, 0) // 1_000
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if follow and (before is not None or flat):
        fail("what is followed is what changes now: --follow goes with neither --before nor --flat")
    wanted = Wanted(symbol, interval, limit, before_us, "flat" if flat else "omit")
    run(_candles(wanted, follow, as_json, url, key_file))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which candles."""

    symbol: str
    interval: str
    limit: int
    before_us: int | None
    gaps: str


async def _candles(
    wanted: Wanted, follow: bool, as_json: bool, url: str | None, key_file: Path | None
) -> None:
    interval = wanted.interval
    if interval not in CANDLE_INTERVALS:
        message = f"--interval {interval}: {_INTERVAL_HELP}"
        raise Refused(Rejected("INVALID_VALUE", message, "not_sent", "interval", interval))
    show = _print if as_json else _show
    async with await connect(url, key_file) as client:
        if not follow:
            pages = client.candle_history(
                wanted.symbol, interval,
                before_us=wanted.before_us, gaps=wanted.gaps, most=wanted.limit,
            )  # fmt: skip
            for candle in reversed([candle async for candle in pages]):
                show(candle)
            return
        feed = await client.candles(interval, wanted.symbol)
        for candle in (await feed.image())[-wanted.limit :]:
            show(candle)
        async for candle in feed:
            show(candle)


def _print(candle: Candle) -> None:
    shown = dataclasses.asdict(candle)
    shown["start"] = shown.pop("start_us")
    typer.echo(json.dumps(shown, default=as_text))


def _show(candle: Candle) -> None:
    start = _EPOCH + timedelta(microseconds=candle.start_us)
    prices = (candle.open, candle.high, candle.low, candle.close)
    numbers = "  ".join(f"{as_text(price):>12}" for price in prices)
    typer.echo(f"{start:%Y-%m-%d %H:%M:%S}  {numbers}  {as_text(candle.volume):>14}")
