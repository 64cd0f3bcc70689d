"""`coulisse cancel`: one order, or all."""

from __future__ import annotations

from pathlib import Path

import typer

from coulisse.cli.options import AccountName, AsJson, KeyFile, Url
from coulisse.cli.runner import connect, fail, run, show_outcome
from coulisse.domain.outcomes import CancelAllResult, OrderResult, Rejected, Unknown


def cancel(
    order_id: str | None = typer.Argument(None, help="The order, by its id."),
    client_order_id: str | None = typer.Option(
        None, "--client-order-id", help="The order, by the client's id."
    ),
    everything: bool = typer.Option(False, "--all", help="All open orders."),
    symbol: str | None = typer.Option(None, "--symbol", help="With --all: in this instrument."),
    side: str | None = typer.Option(None, "--side", help="With --all: buy or sell orders."),
    account: AccountName = None,
    as_json: AsJson = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Cancel an order, or with --all all of them."""
    named = [order_id is not None, client_order_id is not None, everything]
    if sum(named) != 1:
        fail("name one order, by its id or with --client-order-id, or say --all")
    if order_id is not None and not order_id.isdecimal():
        fail(f"an order id is a number, not {order_id!r}")
    ids = (None if order_id is None else int(order_id), client_order_id)
    run(_cancel(ids, (symbol, side), account, as_json, url, key_file))


async def _cancel(
    ids: tuple[int | None, str | None],
    which: tuple[str | None, str | None],
    account: str | None,
    as_json: bool,
    url: str | None,
    key_file: Path | None,
) -> None:
    outcome: OrderResult | CancelAllResult | Rejected | Unknown
    async with await connect(url, key_file) as client:
        if ids == (None, None):
            outcome = await client.cancel_all(which[0], side=which[1], account=account)
        else:
            outcome = await client.cancel(ids[0], client_order_id=ids[1], account=account)
    match outcome:
        case CancelAllResult(count=count):
            done = f"{count} orders cancelled"
        case OrderResult(order_id=order_id, state=state):
            done = f"order {order_id}: {state}"
        case _:
            done = ""
    show_outcome(outcome, as_json, done)
