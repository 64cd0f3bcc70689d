"""`coulisse orders`: the open orders, and those that are closed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from coulisse.cli.options import AccountName, AsJson, KeyFile, Url
from coulisse.cli.runner import connect, fail, run
from coulisse.cli.span import LIMIT, From, FromSeq, MinSeq, Most, To, span_of
from coulisse.cli.tables import Layout, show_history, show_table
from coulisse.domain.history import ClosedOrder
from coulisse.domain.money import as_text
from coulisse.domain.orders import Order

if TYPE_CHECKING:
    from coulisse.client.client import Client
    from coulisse.client.history import Span

NUMBERS = ("price", "trigger_price", "qty", "filled")
COLUMNS = ("order_id", "symbol", "side", "type", *NUMBERS, "state")
OPEN = Layout(
    (*COLUMNS, "client_order_id"),
    frozenset(NUMBERS),
    spare=("client_order_id", "type", "state"),
)
CLOSED = Layout(
    ("time", *COLUMNS, "reason", "client_order_id"),
    frozenset(NUMBERS),
    spare=("client_order_id", "reason", "trigger_price", "type"),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which orders."""

    symbol: str | None
    order_id: int | None
    client_order_id: str | None
    most: int | None
    span: Span


def orders(
    symbol: str | None = typer.Argument(None, help="Only in this instrument."),
    history: bool = typer.Option(False, "--history", help="Those that are closed, newest first."),
    order_id: int | None = typer.Option(None, "--order-id", min=1, help="Only this order."),
    client_order_id: str | None = typer.Option(
        None, "--client-order-id", help="Only those with this id of the client's."
    ),
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
    """List the account's open orders; with `--history` the closed ones, by when they closed."""
    span = span_of(from_, to, from_seq, min_seq, account)
    if not history and (span or order_id or client_order_id):
        fail("which of them, and of whom, is asked of those that are closed: --history")
    wanted = Wanted(symbol, order_id, client_order_id, limit or None, span)
    run(
        _closed(wanted, as_json, url, key_file)
        if history
        else _open(symbol, as_json, url, key_file)
    )


async def _open(symbol: str | None, as_json: bool, url: str | None, key_file: Path | None) -> None:
    async with await connect(url, key_file) as client:
        found = await client.open_orders(symbol)
    if as_json:
        for order in found:
            typer.echo(json.dumps(_as_json(order)))
        return
    if not found:
        typer.echo("no open orders")
        return
    show_table(OPEN, [_as_json(order) for order in found])


async def _closed(wanted: Wanted, as_json: bool, url: str | None, key_file: Path | None) -> None:
    async with await connect(url, key_file) as client:
        entries = (_closed_as_json(closed) async for closed in _rows(client, wanted))
        await show_history(CLOSED, entries, "no closed orders", as_json=as_json)


def _closed_as_json(closed: ClosedOrder) -> dict[str, object]:
    return {
        **_as_json(closed.order),
        "reason": closed.order.reason,
        "notional": None if closed.notional is None else as_text(closed.notional),
        "accepted_seq": closed.accepted_seq,
        "accepted_time": closed.accepted_us,
        "seq": closed.seq,
        "time": closed.time_us,
    }


def _rows(client: Client, wanted: Wanted) -> AsyncIterator[ClosedOrder]:
    pages = client.orders_history(
        wanted.symbol,
        order_id=wanted.order_id,
        client_order_id=wanted.client_order_id,
        most=wanted.most,
        **wanted.span,
    )
    return aiter(pages)


def _as_json(order: Order) -> dict[str, str | None]:
    return {
        "order_id": str(order.order_id),
        "client_order_id": order.client_order_id,
        "symbol": order.symbol,
        "side": order.side,
        "type": order.type,
        "price": None if order.price is None else as_text(order.price),
        "trigger_price": None if order.trigger_price is None else as_text(order.trigger_price),
        "qty": as_text(order.qty),
        "filled": as_text(order.filled),
        "remaining": as_text(order.remaining),
        "state": order.state,
    }
