"""`coulisse admin password-set`: give a person another password."""

from __future__ import annotations

from typing import Annotated

import typer

from coulisse.cli.admin.asking import Asked, asking_again
from coulisse.cli.passwords import ask_password


@asking_again
def password_set(
    name: Annotated[str, typer.Argument(help="Whose.")],
) -> Asked:
    """Set the password of NAME, typed here or read from stdin; all sessions of NAME end."""
    password = ask_password("New password", new=True)
    return (
        lambda client, once: client.admin.set_password(name, password),
        f"{name}: password set",
    )
