"""`coulisse fills`: what the account traded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table

from coulisse.cli.options import AccountName, AsJson, KeyFile, Url
from coulisse.cli.runner import connect, run
from coulisse.cli.span import LIMIT, From, FromSeq, MinSeq, Most, To, span_of, when
from coulisse.domain.money import as_text
from coulisse.domain.orders import Fill

if TYPE_CHECKING:
    from coulisse.client.history import Span

NUMBERS = ("qty", "price", "fee")


def fills(
    symbol: str | None = typer.Argument(None, help="Only in this instrument."),
    order_id: int | None = typer.Option(None, "--order-id", min=1, help="Only of this order."),
    from_: From = None,
    to: To = None,
    from_seq: FromSeq = None,
    min_seq: MinSeq = None,
    limit: Most = LIMIT,
    account: AccountName = None,
    as_json: AsJson = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """List the account's fills, the newest first, as far back as the node's store goes."""
    try:
        span = span_of(from_, to, from_seq, min_seq, account)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    run(_fills(symbol, order_id, limit or None, span, as_json, url, key_file))


async def _fills(
    symbol: str | None,
    order_id: int | None,
    most: int | None,
    span: Span,
    as_json: bool,
    url: str | None,
    key_file: Path | None,
) -> None:
    table = Table(box=None)
    names = ("time", "symbol", "side", "role", *NUMBERS, "order_id", "client_order_id", "trade_id")
    for name in names:
        table.add_column(name.replace("_", " "), justify="right" if name in NUMBERS else "left")
    async with await connect(url, key_file) as client:
        async for fill in client.fills_history(symbol, order_id=order_id, most=most, **span):
            shown = _as_json(fill)
            if as_json:
                typer.echo(json.dumps(shown))
            else:
                cells = {**shown, "time": when(fill.time_us)}
                table.add_row(*(str(cells[name] or "") for name in names))
    if as_json:
        return
    if table.row_count:
        Console().print(table)
    else:
        typer.echo("no fills")


def _as_json(fill: Fill) -> dict[str, object]:
    return {
        "seq": fill.seq,
        "time": fill.time_us,
        "symbol": fill.symbol,
        "order_id": str(fill.order_id),
        "client_order_id": fill.client_order_id,
        "trade_id": str(fill.trade_id),
        "side": fill.side,
        "role": fill.role,
        "price": as_text(fill.price),
        "qty": as_text(fill.qty),
        "fee": as_text(fill.fee),
    }
