"""`coulisse order buy|sell`: place an order."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coulisse.cli.options import AccountName, AsJson, KeyFile, Url
from coulisse.cli.runner import connect, fail, run, show_outcome
from coulisse.domain.money import as_text
from coulisse.domain.outcomes import OrderResult

app = typer.Typer(help="Place an order.", no_args_is_help=True)

Qty = Annotated[str, typer.Argument(help="How much of the base asset, as 0.01.")]
Symbol = Annotated[str, typer.Argument(help="The instrument, as BTC-USD.")]
Price = Annotated[
    str | None, typer.Argument(help="The limit, as @60000; without it, a market order.")
]
Tif = Annotated[str | None, typer.Option("--tif", help="gtc, ioc or fok.")]
PostOnly = Annotated[bool, typer.Option("--post-only", help="Refuse it if it would trade at once.")]
OwnId = Annotated[
    str | None,
    typer.Option("--client-order-id", help="The same id again never places a second order."),
]


@app.command("buy")
def buy(
    qty: Qty,
    symbol: Symbol,
    price: Price = None,
    tif: Tif = None,
    post_only: PostOnly = False,
    client_order_id: OwnId = None,
    account: AccountName = None,
    as_json: AsJson = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Buy QTY of SYMBOL [@PRICE]."""
    terms = (qty, symbol, price, tif, post_only, client_order_id, account)
    run(_place("buy", terms, as_json, url, key_file))


@app.command("sell")
def sell(
    qty: Qty,
    symbol: Symbol,
    price: Price = None,
    tif: Tif = None,
    post_only: PostOnly = False,
    client_order_id: OwnId = None,
    account: AccountName = None,
    as_json: AsJson = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Sell QTY of SYMBOL [@PRICE]."""
    terms = (qty, symbol, price, tif, post_only, client_order_id, account)
    run(_place("sell", terms, as_json, url, key_file))


Terms = tuple[str, str, str | None, str | None, bool, str | None, str | None]


async def _place(
    side: str, terms: Terms, as_json: bool, url: str | None, key_file: Path | None
) -> None:
    qty, symbol, price, tif, post_only, client_order_id, account = terms
    if price is not None and not price.startswith("@"):
        fail(f"write the price as @{price}")
    async with await connect(url, key_file) as client:
        outcome = await client.place(
            symbol,
            side,
            qty,
            price=None if price is None else price[1:],
            tif=tif,
            post_only=post_only or None,
            client_order_id=client_order_id,
            account=account,
        )
    done = _sentence(outcome, side, qty, symbol) if isinstance(outcome, OrderResult) else ""
    show_outcome(outcome, as_json, done)


def _sentence(order: OrderResult, side: str, qty: str, symbol: str) -> str:
    filled = "" if order.filled is None else f", filled {as_text(order.filled)}"
    again = " (placed before)" if order.duplicate else ""
    return f"order {order.order_id}: {side} {qty} {symbol}: {order.state}{filled}{again}"
