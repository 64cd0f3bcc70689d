"""`coulisse admin limit`: a limit of the risk gate."""

from __future__ import annotations

from typing import Annotated

import typer

from coulisse.cli.admin.asking import Asked, Whom, asking, whom_of


@asking
def limit(
    whom: Whom,
    kind: Annotated[
        str,
        typer.Argument(
            help="What it bounds: position, order_qty, order_notional, gross_notional, "
            "net_notional, open_orders, conditional_orders, order_rate, message_rate, "
            "duplicate_window, daily_loss or drawdown."
        ),
    ],
    limit: Annotated[str, typer.Argument(help="The bound, or none to take it away.")],
    about: Annotated[
        str | None, typer.Option("--of", help="The symbol or the asset that it is about.")
    ] = None,
    burst: Annotated[
        int | None, typer.Option("--burst", min=1, help="Of a rate: how many at once.")
    ] = None,
) -> Asked:
    """Set the limit KIND of WHOM to LIMIT."""
    scope, name = whom_of(whom)
    bound = None if limit == "none" else limit
    return (
        lambda client, once: client.admin.set_limit(
            scope, kind, bound, scope_id=name, subject=about, burst=burst, request_id=once
        ),
        f"{whom}: {kind} {about or ''}".rstrip() + f": {limit}",
    )
