"""`coulisse admin key-revoke`: refuse a key for ever."""

from __future__ import annotations

from typing import Annotated

import typer

from coulisse.cli.admin.asking import Asked, asking


@asking
def key_revoke(
    key_id: Annotated[str, typer.Argument(help="The key.")],
) -> Asked:
    """Refuse KEY_ID for ever, and close its sessions."""
    return (
        lambda client, once: client.admin.revoke_key(key_id, request_id=once),
        f"{key_id}: revoked",
    )
