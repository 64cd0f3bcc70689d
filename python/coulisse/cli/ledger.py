"""`coulisse ledger`: what the account's balances are the sum of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from coulisse.cli.options import AccountName, AsJson, KeyFile, Url
from coulisse.cli.runner import connect, run
from coulisse.cli.span import LIMIT, From, FromSeq, MinSeq, Most, To, span_of
from coulisse.cli.tables import Layout, show_history
from coulisse.domain.history import LedgerEntry
from coulisse.domain.money import as_text

if TYPE_CHECKING:
    from coulisse.client.history import Span

LAYOUT = Layout(
    ("time", "asset", "change", "kind", "symbol", "trade_id", "order_id"),
    frozenset({"change"}),
    spare=("order_id", "trade_id"),
)


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
    span = span_of(from_, to, from_seq, min_seq, account)
    run(_ledger(asset, limit or None, span, as_json, url, key_file))


async def _ledger(
    asset: str | None,
    most: int | None,
    span: Span,
    as_json: bool,
    url: str | None,
    key_file: Path | None,
) -> None:
    async with await connect(url, key_file) as client:
        entries = (_as_json(entry) async for entry in client.ledger(asset, most=most, **span))
        await show_history(LAYOUT, entries, "no entries", as_json=as_json)


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
