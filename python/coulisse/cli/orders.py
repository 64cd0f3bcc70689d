"""`coulisse orders`: the open orders."""

from __future__ import annotations

import json
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from coulisse.cli.options import AsJson, KeyFile, Url
from coulisse.cli.runner import connect, run
from coulisse.domain.money import as_text
from coulisse.domain.orders import Order


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
    table = Table(box=None)
    numbers = ("price", "trigger_price", "qty", "filled")
    names = ("order_id", "symbol", "side", "type", *numbers, "state", "client_order_id")
    for name in names:
        table.add_column(name.replace("_", " "), justify="right" if name in numbers else "left")
    for order in found:
        shown = _as_json(order)
        table.add_row(*(str(shown[name] or "") for name in names))
    Console().print(table)


def _as_json(order: Order) -> dict[str, object]:
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
