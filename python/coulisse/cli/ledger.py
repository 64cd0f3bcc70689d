"""`coulisse ledger`: what the account's balances are the sum of."""

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
from coulisse.domain.history import LedgerEntry
from coulisse.domain.money import as_text

if TYPE_CHECKING:
    from coulisse.client.history import Span


def ledger(
    asset: str | None = typer.Argument(None, help="Only of this asset, as USD."),
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
    """List deposits, withdrawals, trades and fees of the account, the newest first."""
    try:
        span = span_of(from_, to, from_seq, min_seq, account)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    run(_ledger(asset, limit or None, span, as_json, url, key_file))


async def _ledger(
    asset: str | None,
    most: int | None,
    span: Span,
    as_json: bool,
    url: str | None,
    key_file: Path | None,
) -> None:
    table = Table(box=None)
    names = ("time", "asset", "change", "kind", "symbol", "trade_id", "order_id")
    for name in names:
        table.add_column(name.replace("_", " "), justify="right" if name == "change" else "left")
    async with await connect(url, key_file) as client:
        async for entry in client.ledger(asset, most=most, **span):
            shown = _as_json(entry)
            if as_json:
                typer.echo(json.dumps(shown))
            else:
                cells = {**shown, "time": when(entry.time_us)}
                table.add_row(*(str(cells[name] or "") for name in names))
    if as_json:
        return
    if table.row_count:
        Console().print(table)
    else:
        typer.echo("no entries")


def _as_json(entry: LedgerEntry) -> dict[str, object]:
    return {
        "seq": entry.seq,
        "time": entry.time_us,
        "asset": entry.asset,
        "change": as_text(entry.change),
        "kind": entry.kind,
        "symbol": entry.symbol,
        "trade_id": None if entry.trade_id is None else str(entry.trade_id),
        "order_id": None if entry.order_id is None else str(entry.order_id),
    }
