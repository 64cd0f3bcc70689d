"""`coulisse admin mark`: the mark price of an instrument."""

from __future__ import annotations

from typing import Annotated

import typer

from coulisse.cli.admin.asking import RequestId, Symbol, ask
from coulisse.cli.options import AsJson, KeyFile, Url


def mark(
    symbol: Symbol,
    price: Annotated[str, typer.Argument(help="The price, as 60000.00.")],
    request_id: RequestId = None,
    as_json: AsJson = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Give SYMBOL the mark price PRICE."""
    ask(
        lambda admin: admin.set_mark(symbol, price, request_id=request_id),
        f"{symbol}: mark {price}", as_json, url, key_file,
    )  # fmt: skip
