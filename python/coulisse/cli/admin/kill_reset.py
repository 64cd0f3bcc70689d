"""`coulisse admin kill-reset`: let them trade again, in two steps by two keys."""

from __future__ import annotations

from typing import Annotated

import typer

from coulisse.cli.admin.asking import RequestId, Whom, ask, whom_of
from coulisse.cli.options import AsJson, KeyFile, Url


def kill_reset(
    whom: Whom,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Step 2: do what another key asked for.")
    ] = False,
    request_id: RequestId = None,
    as_json: AsJson = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Reset the kill switch of WHOM: ask for it, then confirm with another key."""
    scope, name = whom_of(whom)
    step = 2 if confirm else 1
    said = "the kill switch is off" if confirm else "reset asked for: confirm it with another key"
    ask(
        lambda admin: admin.reset_kill(scope, step, scope_id=name, request_id=request_id),
        f"{whom}: {said}", as_json, url, key_file,
    )  # fmt: skip
