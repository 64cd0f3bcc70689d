"""`coulisse orders`: the open orders."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from coulisse.cli.options import AsJson, KeyFile, Url
from coulisse.cli.runner import connect, run
from coulisse.cli.tables import Layout, show_table
from coulisse.domain.money import as_text
from coulisse.domain.orders import Order

NUMBERS = ("price", "trigger_price", "qty", "filled")
LAYOUT = Layout(
    ("order_id", "symbol", "side", "type", *NUMBERS, "state", "client_order_id"),
    frozenset(NUMBERS),
    spare=("client_order_id", "type", "state"),
)


def orders(
    symbol: str | None = typer.Argument(None, help="Only in this instrument."),
    as_json: AsJson = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """List the account's open orders."""
    run(_orders(symbol, as_json, url, key_file))


async def _orders(
    symbol: str | None, as_json: bool, url: str | None, key_file: Path | None
) -> None:
    async with await connect(url, key_file) as client:
        found = await client.open_orders(symbol)
    if as_json:
        for order in found:
            typer.echo(json.dumps(_as_json(order)))
        return
    if not found:
        typer.echo("no open orders")
        return
    show_table(LAYOUT, [_as_json(order) for order in found])


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
