"""`coulisse admin kill-reset`: let them trade again, in two steps by two keys."""

from __future__ import annotations

from typing import Annotated

import typer

from coulisse.cli.admin.asking import Asked, Whom, asking, whom_of


@asking
def kill_reset(
    whom: Whom,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Step 2: do what another key asked for.")
    ] = False,
) -> Asked:
    """Reset the kill switch of WHOM: ask for it, then confirm with another key."""
    scope, name = whom_of(whom)
    step = 2 if confirm else 1
    said = "the kill switch is off" if confirm else "reset asked for: confirm it with another key"
    return (
        lambda client, once: client.admin.reset_kill(scope, step, scope_id=name, request_id=once),
        f"{whom}: {said}",
    )
