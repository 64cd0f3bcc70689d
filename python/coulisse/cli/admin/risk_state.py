"""`coulisse admin risk-state`: what is left to somebody."""

from __future__ import annotations

from typing import Annotated

import typer

from coulisse.cli.admin.asking import Asked, asking, whom_of

Subject = Annotated[
    str, typer.Argument(help="firm, group:NAME, account:NAME or instrument:SYMBOL.")
]


@asking
def risk_state(
    whom: Subject,
    state: Annotated[
        str,
        typer.Argument(
            help="active: all; reducing: what makes positions smaller; halted: cancels."
        ),
    ],
) -> Asked:
    """Set what is left to WHOM."""
    scope, name = whom_of(whom)
    return (
        lambda client, once: client.admin.set_risk_state(
            scope, state, scope_id=name, request_id=once
        ),
        f"{whom}: {state}",
    )
