"""`coulisse admin risk-state`: what is left to somebody."""

from __future__ import annotations

from typing import Annotated

import typer

from coulisse.cli.admin.asking import RequestId, ask, whom_of
from coulisse.cli.options import AsJson, KeyFile, Url

Subject = Annotated[
    str, typer.Argument(help="firm, group:NAME, account:NAME or instrument:SYMBOL.")
]


def risk_state(
    whom: Subject,
    state: Annotated[
        str,
        typer.Argument(
            help="active: all; reducing: what makes positions smaller; halted: cancels."
        ),
    ],
    request_id: RequestId = None,
    as_json: AsJson = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Set what is left to WHOM."""
    scope, name = whom_of(whom)
    ask(
        lambda admin: admin.set_risk_state(scope, state, scope_id=name, request_id=request_id),
        f"{whom}: {state}", as_json, url, key_file,
    )  # fmt: skip
