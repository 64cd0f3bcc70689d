"""`coulisse ticker`: best prices and the last 24 hours."""

from __future__ import annotations

import dataclasses
import json
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from coulisse.cli.options import AsJson, KeyFile, Url
from coulisse.cli.runner import connect, run
from coulisse.cli.tables import Layout, Row, show_table
from coulisse.domain.market import Ticker
from coulisse.domain.money import as_text

NUMBERS = ("bid", "ask", "last", "open", "high", "low", "volume")
LAYOUT = Layout(("symbol", *NUMBERS), frozenset(NUMBERS))
Symbols = Annotated[
    list[str] | None,
    typer.Argument(help="The instruments, as BTC-USD; all where none is named."),
]


def ticker(
    symbols: Symbols = None,
    follow: bool = typer.Option(False, "--follow", "-f", help="Go on with what changes."),
    as_json: AsJson = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Show best prices and what was traded in the last 24 hours. Needs no key."""
    run(_ticker(symbols or [], follow, as_json, url, key_file))


async def _ticker(
    symbols: list[str], follow: bool, as_json: bool, url: str | None, key_file: Path | None
) -> None:
    async with await connect(url, key_file) as client:
        listed = [] if symbols else await (await client.instruments()).image()
        names = symbols or sorted(instrument.symbol for instrument in listed)
        if not names:
            return
        feed = await client.ticker(*names)
        first = [await anext(feed) for _ in names]
        if not as_json:
            show_table(LAYOUT, [_row(one) for one in first])
        for state in first if as_json else []:
            _print(state)
        if follow:
            async for state in feed:
                _print(state) if as_json else typer.echo(_line(state))


def _print(state: Ticker) -> None:
    shown = dataclasses.asdict(state)
    shown["time"] = shown.pop("time_us")
    typer.echo(json.dumps(shown, default=as_text))


def _text(number: Decimal | None) -> str:
    return "" if number is None else as_text(number)


def _row(one: Ticker) -> Row:
    return {"symbol": one.symbol, **{name: _text(getattr(one, name)) for name in NUMBERS}}


def _line(one: Ticker) -> str:
    return f"{one.symbol}  {_text(one.bid)} / {_text(one.ask)}  last {_text(one.last)}"
