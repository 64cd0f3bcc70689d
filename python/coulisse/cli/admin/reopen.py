"""`coulisse admin open`: let an instrument trade."""

from __future__ import annotations

from coulisse.cli.admin.asking import Asked, Symbol, asking


@asking
def reopen(
    symbol: Symbol,
) -> Asked:
    """Take everything in SYMBOL again; an auction is uncrossed first."""
    return (
        lambda client, once: client.admin.set_state(symbol, "open", request_id=once),
        f"{symbol}: open",
    )
