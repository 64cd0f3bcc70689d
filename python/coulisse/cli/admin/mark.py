"""`coulisse admin mark`: the mark price of an instrument."""

from __future__ import annotations

from typing import Annotated

import typer

from coulisse.cli.admin.asking import Asked, Symbol, asking


@asking
def mark(
    symbol: Symbol,
    price: Annotated[str, typer.Argument(help="The price, as 60000.00.")],
) -> Asked:
    """Give SYMBOL the mark price PRICE."""
    return (
        lambda client, once: client.admin.set_mark(symbol, price, request_id=once),
        f"{symbol}: mark {price}",
    )
