"""`coulisse admin halt`: stop an instrument."""

from __future__ import annotations

from typing import Annotated

import typer

from coulisse.cli.admin.asking import RequestId, Symbol, ask
from coulisse.cli.options import AsJson, KeyFile, Url
from coulisse.cli.runner import fail


def halt(
    symbol: Symbol,
    cancels: Annotated[bool, typer.Option("--cancel-only", help="Still take cancels.")] = False,
    auction: Annotated[bool, typer.Option("--auction", help="Collect orders instead.")] = False,
    request_id: RequestId = None,
    as_json: AsJson = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Stop trading in SYMBOL; its orders stay."""
    if cancels and auction:
        fail("say --cancel-only or --auction, not both")
    state = "cancel_only" if cancels else "auction" if auction else "halted"
    ask(
        lambda admin: admin.set_state(symbol, state, request_id=request_id),
        f"{symbol}: {state}", as_json, url, key_file,
    )  # fmt: skip
