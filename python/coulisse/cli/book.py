"""`coulisse book`: a live ladder."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path

import typer
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from coulisse.cli.options import AsJson, KeyFile, Url
from coulisse.cli.runner import connect, run
from coulisse.client.local_book import LocalBook
from coulisse.domain.money import as_text

BAR_CHARS = 24
Levels = list[tuple[Decimal, Decimal]]


def book(
    symbol: str = typer.Argument(help="The instrument, as BTC-USD."),
    depth: int = typer.Option(12, "--depth", min=1, max=1000, help="Levels of each side."),
    once: bool = typer.Option(False, "--once", help="Print it once and leave."),
    as_json: AsJson = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Show the book of an instrument, live. Needs no key.

    Where the output is no terminal, it is printed once; with --json, line after line.
    """
    once = once or not (as_json or sys.stdout.isatty())
    run(_book(symbol, depth, once, as_json, url, key_file))


async def _book(
    symbol: str, depth: int, once: bool, as_json: bool, url: str | None, key_file: Path | None
) -> None:
    async with await connect(url, key_file) as client:
        # The smallest feed that has as many levels; 0 is all.
        feed = await client.book(symbol, next((one for one in (1, 10, 50) if one >= depth), 0))
        if as_json:
            async for state in feed:
                typer.echo(json.dumps(_as_json(state, depth)))
                if once:
                    return
        if once:
            from rich import print as show

            show(ladder(await anext(feed), depth))
            return
        with Live(refresh_per_second=10, screen=True) as live:
            async for state in feed:
                live.update(ladder(state, depth))


def ladder(state: LocalBook, depth: int) -> Group:
    """Draw the ladder: asks above, bids below, bars for what rests."""
    bids, asks = state.levels("buy", depth), state.levels("sell", depth)
    most = max((qty for _, qty in (*bids, *asks)), default=Decimal(1))
    table = Table(box=None, padding=(0, 1))
    table.add_column("qty", justify="right")
    table.add_column("price", justify="right")
    table.add_column("", width=BAR_CHARS)
    for price, qty in reversed(asks):
        table.add_row(as_text(qty), Text(as_text(price), "red"), _bar(qty, most, "red"))
    table.add_row("", Text(_spread(state), "dim"), "")
    for price, qty in bids:
        table.add_row(as_text(qty), Text(as_text(price), "green"), _bar(qty, most, "green"))
    head = Text.assemble((state.symbol, "bold"), f"   seq {state.seq}")
    return Group(head, table)


def _bar(qty: Decimal, most: Decimal, style: str) -> Text:
    return Text("▇" * max(1, int(qty * BAR_CHARS / most)), style)


def _spread(state: LocalBook) -> str:
    if state.best_bid is None or state.best_ask is None:
        return "one-sided"
    return f"spread {as_text(state.best_ask - state.best_bid)}"


def _as_json(state: LocalBook, depth: int) -> dict[str, object]:
    return {
        "symbol": state.symbol,
        "seq": state.seq,
        "bids": state.level_texts("buy")[:depth],
        "asks": state.level_texts("sell")[:depth],
        "crc": state.crc,
    }
