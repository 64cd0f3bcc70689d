"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Url = Annotated[
    str | None,
    typer.Option("--url", help="The server, as http://127.0.0.1:8080.", envvar="COULISSE_URL"),
]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file", help="A credentials file (client.toml).", envvar="COULISSE_KEY_FILE"
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]
Host = Annotated[str | None, typer.Option("--host", help="The address to listen on [127.0.0.1].")]
Port = Annotated[
    int | None, typer.Option("--port", min=0, max=65535, help="The port [8080]; 0: a free one.")
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers", min=0, max=64, help="Processes that hold the connections [0: this one does]."
    ),
]
DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Where the log is kept.")]
Durability = Annotated[
    str | None,
    typer.Option(
        "--durability",
        help="fsync [default]: survives a power cut. os: survives the process only, faster.",
    ),
]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="Settings, as coulisse.toml.")]
AccountName = Annotated[
    str | None, typer.Option("--account", help="For which account, where the key may choose.")
]
