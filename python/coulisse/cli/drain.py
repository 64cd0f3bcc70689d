"""`coulisse drain`: take a node out of service without cutting anybody off before the time."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import typer

from coulisse.cli.options import AsJson, ConfigFile, DataDir
from coulisse.cli.runner import fail, node_config

MARGIN_S = 60.0
"""How long a node may say nothing while it stops."""


def drain(
    wait: float = typer.Option(
        30.0, "--wait", min=0, max=86_400, help="Seconds that sessions have to leave by themselves."
    ),
    data_dir: DataDir = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Stop a node of this machine gracefully: no new connections, a notice, and the time to go.

    /readyz says 503 at once. Sessions are told `going_away` and trade on until they leave or the
    time is over; then the node answers what is under way and stops, and this command ends with it.
    It asks through the data directory, as the user that the node runs as.
    """
    tree = node_config(config, host=None, port=None, data_dir=data_dir, durability=None)
    from coulisse.log.file import data_dir as directory_of

    directory = directory_of(tree)
    is_over = False
    for line in ask(directory, {"do": "drain", "wait_s": wait}):
        said = json.loads(line)
        if not said["ok"]:
            fail(f"{said['error']['code']}: {said['error']['message']}")
        is_over = bool(said.get("stopping"))
        if as_json:
            typer.echo(line)
        else:
            stops = ": the node stops" if is_over else ""
            typer.echo(f"{said['connections']} connections are open{stops}")
    if not is_over:
        fail("the node was gone before it said that it stops")
    if not as_json:
        typer.echo("the node has stopped")


def ask(directory: Path, request: dict[str, object]) -> Iterator[str]:
    """Ask the node whose data is in `directory`; yield its lines."""
    from coulisse.node.control import SOCKET_NAME, short_path

    asking = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    asking.settimeout(MARGIN_S)
    with contextlib.closing(asking):
        try:
            with short_path(directory) as path:
                asking.connect(str(path))
        except PermissionError:
            fail(f"{directory}: only the user that the node runs as may ask it")
        except OSError:
            fail(f"{directory / SOCKET_NAME}: no node runs there; say which with --data-dir")
        try:
            asking.sendall(json.dumps(request).encode() + b"\n")
            with asking.makefile(encoding="utf-8") as lines:
                yield from (line.rstrip("\n") for line in lines)
        except OSError as error:
            fail(f"the node does not answer: {error}")
