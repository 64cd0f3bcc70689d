"""`coulisse serve`: a node, until a signal."""

from __future__ import annotations

import typer

from coulisse.cli.options import AsJson, ConfigFile, DataDir, Durability, Host, Port, Workers
from coulisse.cli.runner import fail, node_config, run


def serve(
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    durability: Durability = None,
    workers: Workers = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Run a node.

    It prints where it listens and the file with the operator's key, an admin key that opens no
    account of its own money: fund one with `coulisse account deposit`.
    """
    tree = node_config(
        config, host=host, port=port, data_dir=data_dir, durability=durability, workers=workers
    )
    if tree.secrets.read() is None:
        fail(
            "no master key: set COULISSE_SECRETS__MASTER_KEY to what `openssl rand -hex 32` "
            "prints, or secrets.master_key_file to a file that holds it, and keep it: without it "
            "the secrets of HMAC keys cannot be read"
        )
    # Loaded here: the commands that only talk to a node need no web server.
    from coulisse.node.build import Node
    from coulisse.node.supervisor import operator_credentials, ready_of, run_node
    from coulisse.telemetry.logs import set_up_logs

    set_up_logs()

    async def on_start(node: Node) -> None:
        ready = ready_of(node, await operator_credentials(node))
        if as_json:
            typer.echo(ready.to_json())
            return
        typer.echo(f"coulisse serves {ready.http} (page, REST, /docs) and {ready.ws}")
        typer.echo(f"log: {ready.data_dir} ({node.config.log.durability})")
        if ready.credentials is not None:
            typer.echo(f"operator's key: export COULISSE_KEY_FILE={ready.credentials}")

    run(run_node(tree, on_start))
