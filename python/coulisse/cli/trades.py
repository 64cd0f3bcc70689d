"""`coulisse trades`: the tape."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from coulisse.cli.options import AsJson, KeyFile, Url
from coulisse.cli.runner import connect, run
from coulisse.client.credentials import find_credentials
from coulisse.client.public import get_json
from coulisse.domain.errors import Refused
from coulisse.domain.money import as_text
from coulisse.domain.orders import Trade, trade_from_wire
from coulisse.domain.outcomes import Rejected
from coulisse.domain.symbols import is_symbol, wire_symbol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Symbols = Annotated[
    list[str] | None,
    typer.Argument(help="The instruments, as BTC-USD; all where none is named."),
]


def trades(
    symbols: Symbols = None,
    follow: bool = typer.Option(False, "--follow", "-f", help="Go on with new ones."),
    limit: int = typer.Option(20, "--limit", min=1, max=1000, help="How many at first."),
    as_json: AsJson = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Show the latest trades, oldest first. Needs no key."""
    run(_trades(symbols or [], follow, limit, as_json, url, key_file))


async def _trades(
    symbols: list[str],
    follow: bool,
    limit: int,
    as_json: bool,
    url: str | None,
    key_file: Path | None,
) -> None:
    console = Console(highlight=False)
    http_url = find_credentials(url, key_file).http_url
    names = await _names(http_url, symbols)
    found = [trade for name in names for trade in await _latest(http_url, name, limit)]
    last_ids: dict[str, int] = {}
    for trade in sorted(found, key=lambda trade: (trade.seq or 0, trade.trade_id))[-limit:]:
        _show(console, trade, as_json)
    for trade in found:
        last_ids[trade.symbol] = max(trade.trade_id, last_ids.get(trade.symbol, 0))
    if not follow or not names:
        return
    async with await connect(url, key_file) as client:
        async for trade in await client.trades(*names):
            # The feed begins with the latest trades, which have been printed already.
            if trade.trade_id > last_ids.get(trade.symbol, 0):
                _show(console, trade, as_json)


async def _names(http_url: str, symbols: list[str]) -> list[str]:
    """Return each instrument that is asked for once, all where none is. Raises `Refused`."""
    if not symbols:
        return await _all_symbols(http_url)
    try:
        return list(dict.fromkeys(wire_symbol(symbol) for symbol in symbols))
    except ValueError:
        wrong = next(symbol for symbol in symbols if not is_symbol(symbol))
        raise await _unknown_symbol(http_url, wrong) from None


async def _unknown_symbol(http_url: str, symbol: str) -> Refused:
    known = ", ".join(await _all_symbols(http_url)) or "none"
    message = f"no instrument has the symbol {symbol}; there are: {known}"
    return Refused(Rejected("UNKNOWN_SYMBOL", message, "not_sent", "symbol", symbol))


async def _all_symbols(http_url: str) -> list[str]:
    body = await get_json(http_url, "/v1/instruments", {})
    return [str(item["symbol"]) for item in body["instruments"]]


async def _latest(http_url: str, symbol: str, limit: int) -> list[Trade]:
    try:
        body = await get_json(http_url, f"/v1/trades/{symbol}", {"limit": limit})
    except Refused as error:
        if error.code != "UNKNOWN_SYMBOL":
            raise
        raise await _unknown_symbol(http_url, symbol) from None
    return [trade_from_wire(symbol, item) for item in reversed(body["trades"])]


def _show(console: Console, trade: Trade, as_json: bool) -> None:
    price, qty = as_text(trade.price), as_text(trade.qty)
    if as_json:
        shown = {
            "trade_id": str(trade.trade_id), "symbol": trade.symbol, "price": price, "qty": qty,
            "taker_side": trade.side, "time": trade.time_us, "seq": trade.seq,
        }  # fmt: skip
        typer.echo(json.dumps(shown))
        return
    when = _EPOCH + timedelta(microseconds=trade.time_us or 0)
    style = "green" if trade.side == "buy" else "red"
    line = f"{when:%H:%M:%S.%f}  {trade.symbol:9} {trade.side:4} {qty:>14} @ {price}"
    console.print(Text(line, style), soft_wrap=True)
