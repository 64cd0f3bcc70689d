"""`coulisse admin password-set`: give a person another password."""

from __future__ import annotations

from typing import Annotated

import typer

from coulisse.cli.admin.asking import ask
from coulisse.cli.options import AsJson, KeyFile, Url
from coulisse.cli.passwords import ask_password


def password_set(
    name: Annotated[str, typer.Argument(help="Whose.")],
    as_json: AsJson = False,
    url: Url = None,
    key_file: KeyFile = None,
) -> None:
    """Set the password of NAME, typed here or read from stdin; all sessions of NAME end."""
    password = ask_password("New password", new=True)
    ask(
        lambda admin: admin.set_password(name, password),
        f"{name}: password set", as_json, url, key_file,
    )  # fmt: skip
