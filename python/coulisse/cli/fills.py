"""`coulisse fills`: what the account traded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from coulisse.cli.options import AccountName, AsJson, KeyFile, Url
from coulisse.cli.runner import connect, run
from coulisse.cli.span import LIMIT, From, FromSeq, MinSeq, Most, To, span_of
from coulisse.cli.tables import Layout, show_history
from coulisse.domain.money import as_text
from coulisse.domain.orders import Fill

if TYPE_CHECKING:
    from coulisse.client.history import Span

NUMBERS = ("qty", "price", "fee")
LAYOUT = Layout(
    ("time", "symbol", "side", "role", *NUMBERS, "order_id", "client_order_id", "trade_id"),
    frozenset(NUMBERS),
    spare=("trade_id", "client_order_id", "role"),
)


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
    span = span_of(from_, to, from_seq, min_seq, account)
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
    async with await connect(url, key_file) as client:
        found = client.fills_history(symbol, order_id=order_id, most=most, **span)
        entries = (_as_json(fill) async for fill in found)
        await show_history(LAYOUT, entries, "no fills", as_json=as_json)


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
