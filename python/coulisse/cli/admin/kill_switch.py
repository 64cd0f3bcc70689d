"""`coulisse admin kill-switch`: stop the firm, a group or an account."""

from __future__ import annotations

from coulisse.cli.admin.asking import Asked, Whom, asking, whom_of


@asking
def kill_switch(
    whom: Whom,
) -> Asked:
    """Cancel all orders of WHOM and take no more until it is reset."""
    scope, name = whom_of(whom)
    return (
        lambda client, once: client.admin.kill(scope, scope_id=name, request_id=once),
        f"{whom}: the kill switch is on",
    )
