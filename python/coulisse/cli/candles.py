"""`coulisse candles`: trades by intervals of time."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import typer

from coulisse.cli.options import AsJson, KeyFile, Url
from coulisse.cli.runner import connect, run
from coulisse.domain.errors import Refused
from coulisse.domain.market import CANDLE_INTERVALS, Candle
from coulisse.domain.money import as_text
from coulisse.domain.outcomes import Rejected

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INTERVAL_HELP = f"How long a candle is: {', '.join(CANDLE_INTERVALS)}."


def candles(
    symbol: str = typer.Argument(help="The instrument, as BTC-USD."),
    interval: str = typer.Option("1m", "--interval", "-i", help=_INTERVAL_HELP),
    limit: int = typer.Option(20, "--limit", min=1, max=60, help="How many at first."),
    follow: bool = typer.Option(False, "--follow", "-f", help="Go on with what changes."),
    as_json: AsJson = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Show the latest candles of an instrument, oldest first, in UTC. Needs no key."""
    run(_candles(symbol, interval, limit, follow, as_json, url, key_file))


async def _candles(
    symbol: str,
    interval: str,
    limit: int,
    follow: bool,
    as_json: bool,
    url: str | None,
    key_file: Path | None,
) -> None:
    if interval not in CANDLE_INTERVALS:
        message = f"--interval {interval}: {_INTERVAL_HELP}"
        raise Refused(Rejected("INVALID_VALUE", message, "not_sent", "interval", interval))
    show = _print if as_json else _show
    async with await connect(url, key_file) as client:
        feed = await client.candles(interval, symbol)
        for candle in (await feed.image())[-limit:]:
            show(candle)
        if follow:
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
