"""`coulisse admin kill-switch`: stop the firm, a group or an account."""

from __future__ import annotations

from coulisse.cli.admin.asking import RequestId, Whom, ask, whom_of
from coulisse.cli.options import AsJson, KeyFile, Url


def kill_switch(
    whom: Whom,
    request_id: RequestId = None,
    as_json: AsJson = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Cancel all orders of WHOM and take no more until it is reset."""
    scope, name = whom_of(whom)
    ask(
        lambda admin: admin.kill(scope, scope_id=name, request_id=request_id),
        f"{whom}: the kill switch is on", as_json, url, key_file,
    )  # fmt: skip
