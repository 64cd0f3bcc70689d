"""`coulisse config`: what holds, where it comes from, and whether a node could start with it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from coulisse.cli.doctor import tell_findings
from coulisse.cli.options import AsJson, ConfigFile, DataDir, Durability, Host, Port, Workers
from coulisse.cli.runner import fail, node_config
from coulisse.domain.errors import CoulisseError

if TYPE_CHECKING:
    from coulisse.config import Config

app = typer.Typer(help="The settings of a node.", no_args_is_help=True)
FLAGS = {
    "gateway.host": "--host",
    "gateway.port": "--port",
    "gateway.workers": "--workers",
    "log.dir": "--data-dir",
    "log.durability": "--durability",
}
Only = Annotated[
    str | None, typer.Argument(help="Only what begins so, as `gateway` or `gateway.port`.")
]


@app.command("show")
def show(
    only: Only = None,
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    durability: Durability = None,
    workers: Workers = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Print every setting as `coulisse serve` would have it, and where it comes from.

    Secrets are masked.
    """
    given = (host, port, workers, data_dir, durability)
    flags = {
        key: flag for (key, flag), of in zip(FLAGS.items(), given, strict=True) if of is not None
    }
    tree = node_config(
        config, host=host, port=port, data_dir=data_dir, durability=durability, workers=workers
    )
    from coulisse.config.sources import settings_of

    try:
        found = settings_of(tree, config, flags)
    except CoulisseError as error:
        fail(str(error))
        return
    if only is not None:
        found = [one for one in found if f"{one.key}.".startswith(f"{only}.")]
        if not found:
            fail(f"no setting is called {only}; `coulisse config show` lists them all")
    for one in found:
        if as_json:
            typer.echo(json.dumps(asdict(one)))
        else:
            typer.echo(f"{one.key} = {json.dumps(one.value, ensure_ascii=False)}  ({one.source})")


@app.command("check")
def check(data_dir: DataDir = None, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Say whether a node could start with these settings; exit code 1 if not.

    Nothing is connected to: `coulisse doctor` does that.
    """
    tree: Config = node_config(config, host=None, port=None, data_dir=data_dir, durability=None)
    from coulisse.node.checks.settings import check_settings

    tell_findings(check_settings(tree), as_json=as_json)
