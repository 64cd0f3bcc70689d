"""`coulisse trades`: the tape."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from coulisse.cli.options import AsJson, KeyFile, Url
from coulisse.cli.runner import connect, run
from coulisse.client.credentials import find_credentials
from coulisse.domain.errors import ConnectionLost, Refused
from coulisse.domain.money import as_text
from coulisse.domain.orders import Trade, trade_from_wire
from coulisse.domain.outcomes import rejected_from_wire
from coulisse.domain.symbols import wire_symbol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIMEOUT_S = 10.0


def trades(
    symbol: str = typer.Argument(help="The instrument, as BTC-USD."),
    follow: bool = typer.Option(False, "--follow", "-f", help="Go on with new ones."),
    limit: int = typer.Option(20, "--limit", min=1, max=1000, help="How many at first."),
    as_json: AsJson = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Show the latest trades of an instrument, oldest first. Needs no key."""
    run(_trades(symbol, follow, limit, as_json, url, key_file))


async def _trades(
    symbol: str, follow: bool, limit: int, as_json: bool, url: str | None, key_file: Path | None
) -> None:
    console = Console(highlight=False)
    found = await _latest(find_credentials(url, key_file).http_url, symbol, limit)
    for trade in found:
        _show(console, trade, as_json)
    if not follow:
        return
    last = found[-1].trade_id if found else 0
    async with await connect(url, key_file) as client:
        async for trade in await client.trades(symbol):
            # The feed begins with the latest trades, which have been printed already.
            if trade.trade_id > last:
                _show(console, trade, as_json)


async def _latest(http_url: str, symbol: str, limit: int) -> list[Trade]:
    # Loaded here: it takes a third of the start of every other command.
    import httpx

    name = wire_symbol(symbol)
    try:
        async with httpx.AsyncClient(base_url=http_url, timeout=_TIMEOUT_S) as http:
            answer = await http.get(f"/v1/trades/{name}", params={"limit": limit})
    except httpx.HTTPError as error:
        raise ConnectionLost(f"{http_url}: {error}") from None
    body = msgspec.json.decode(answer.content)
    if answer.status_code != httpx.codes.OK:
        raise Refused(rejected_from_wire(body["error"]))
    return [trade_from_wire(name, item) for item in reversed(body["trades"])]


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
    line = f"{when:%H:%M:%S.%f}  {trade.side:4} {qty:>14} @ {price}"
    console.print(Text(line, style))
