"""The command `coulisse`: puts the subcommands together."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Mapping
from typing import Final

import typer

from coulisse import __version__

COMMANDS: Final[Mapping[str, str]] = {
    "serve": "coulisse.cli.serve",
    "demo": "coulisse.cli.demo",
    "book": "coulisse.cli.book",
    "trades": "coulisse.cli.trades",
    "ticker": "coulisse.cli.ticker",
    "candles": "coulisse.cli.candles",
    "order": "coulisse.cli.order",
    "orders": "coulisse.cli.orders",
    "fills": "coulisse.cli.fills",
    "ledger": "coulisse.cli.ledger",
    "cancel": "coulisse.cli.cancel",
    "balances": "coulisse.cli.balances",
    "positions": "coulisse.cli.positions",
    "account": "coulisse.cli.account",
    "admin": "coulisse.cli.admin",
    "init": "coulisse.cli.init",
    "config": "coulisse.cli.config",
    "doctor": "coulisse.cli.doctor",
    "status": "coulisse.cli.status",
    "halt": "coulisse.cli.admin.halt",
    "kill-switch": "coulisse.cli.admin.kill_switch",
    "drain": "coulisse.cli.drain",
    "backup": "coulisse.cli.backup",
    "restore": "coulisse.cli.restore",
    "replay": "coulisse.cli.replay",
    "log": "coulisse.cli.log",
    "store": "coulisse.cli.store",
    "series": "coulisse.cli.series",
    "export": "coulisse.cli.export",
    "bench": "coulisse.cli.bench",
}
"""The subcommands and their modules, which have a group, `app`, or a function of that name."""


def show_version(wanted: bool) -> None:
    """Print the version and leave, if wanted."""
    if wanted:
        typer.echo(f"coulisse {__version__}")
        raise typer.Exit


def root(
    version: bool = typer.Option(
        False, "--version", callback=show_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """A real-time trading backend: matching engine, durable log, WebSocket and REST."""


def command(names: Iterable[str]) -> typer.Typer:
    """Return the command with these subcommands."""
    app = typer.Typer(
        name="coulisse",
        help="A real-time trading backend: matching engine, durable log, WebSocket and REST.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(root)
    for name in names:
        module = importlib.import_module(COMMANDS[name])
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name)
        else:
            app.command(name)(getattr(module, name.replace("-", "_")))
    return app


def main() -> None:
    """Run the command.

    Only the subcommand that was asked for is loaded: a node should not hold for months what only
    `coulisse bench` needs.
    """
    asked = sys.argv[1:2]
    command(asked if asked and asked[0] in COMMANDS else COMMANDS)()
