"""`coulisse demo`: a node with a living market on it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import typer

from coulisse.cli.options import AsJson, ConfigFile, DataDir, Durability, Host, Port
from coulisse.cli.runner import node_config, run


def demo(
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    durability: Durability = None,
    config: ConfigFile = None,
    seed: int = typer.Option(1, "--seed", help="The same seed gives the same traders."),
    as_json: AsJson = False,
) -> None:
    """Run a market of three instruments with some twenty simulated traders.

    Its data directory is a fresh temporary one, and gone afterwards, unless --data-dir is given.
    """
    tree = node_config(config, host=host, port=port, data_dir=data_dir, durability=durability)
    # Loaded here: the commands that only talk to a node need no web server.
    from coulisse.demo.run import run_demo, snippet
    from coulisse.node.supervisor import Ready
    from coulisse.telemetry.logs import set_up_logs

    set_up_logs("warning")

    def say(ready: Ready) -> None:
        if as_json:
            typer.echo(ready.to_json())
            return
        typer.echo(
            f"""
Coulisse demo: a living market on this machine

  page         {ready.http}/
  REST         {ready.http}/v1/instruments   {ready.http}/docs
  WebSocket    {ready.ws}
  credentials  {ready.credentials}
  log          {ready.data_dir}

In another terminal:

  {own_name()} book BTC-USD
  {own_name()} order buy 0.01 BTC-USD
  {own_name()} balances

Or from Python; this order fills at once:

{snippet(ready)}
Ctrl-C stops it."""
        )

    run(run_demo(tree, seed=seed, say=say))


def own_name() -> str:
    """Return how this very command is called from where it was started."""
    if shutil.which("coulisse") is not None:
        return "coulisse"
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{sys.executable} -m coulisse"
    return str(called)
