"""`coulisse admin halt`: stop an instrument."""

from __future__ import annotations

from typing import Annotated

import typer

from coulisse.cli.admin.asking import Asked, Symbol, asking
from coulisse.cli.runner import fail


@asking
def halt(
    symbol: Symbol,
    cancels: Annotated[bool, typer.Option("--cancel-only", help="Still take cancels.")] = False,
    auction: Annotated[bool, typer.Option("--auction", help="Collect orders instead.")] = False,
) -> Asked:
    """Stop trading in SYMBOL; its orders stay."""
    if cancels and auction:
        fail("say --cancel-only or --auction, not both")
    state = "cancel_only" if cancels else "auction" if auction else "halted"
    return (
        lambda client, once: client.admin.set_state(symbol, state, request_id=once),
        f"{symbol}: {state}",
    )
