"""`coulisse admin key-revoke`: refuse a key for ever."""

from __future__ import annotations

from typing import Annotated

import typer

from coulisse.cli.admin.asking import RequestId, ask
from coulisse.cli.options import AsJson, KeyFile, Url


def key_revoke(
    key_id: Annotated[str, typer.Argument(help="The key.")],
    request_id: RequestId = None,
    as_json: AsJson = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Refuse KEY_ID for ever, and close its sessions."""
    ask(
        lambda admin: admin.revoke_key(key_id, request_id=request_id),
        f"{key_id}: revoked", as_json, url, key_file,
    )  # fmt: skip
