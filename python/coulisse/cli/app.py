"""The command `coulisse`: puts the subcommands together."""

from __future__ import annotations

import typer

from coulisse import __version__
from coulisse.cli import (
    account,
    admin,
    balances,
    bench,
    book,
    cancel,
    candles,
    demo,
    order,
    orders,
    positions,
    replay,
    serve,
    ticker,
    trades,
)

app = typer.Typer(
    name="coulisse",
    help="A real-time trading backend: matching engine, durable log, WebSocket and REST.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def show_version(wanted: bool) -> None:
    """Print the version and leave, if wanted."""
    if wanted:
        typer.echo(f"coulisse {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: bool = typer.Option(
        False, "--version", callback=show_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """A real-time trading backend: matching engine, durable log, WebSocket and REST."""


app.command("serve")(serve.serve)
app.command("demo")(demo.demo)
app.command("book")(book.book)
app.command("trades")(trades.trades)
app.command("ticker")(ticker.ticker)
app.command("candles")(candles.candles)
app.add_typer(order.app, name="order")
app.command("orders")(orders.orders)
app.command("cancel")(cancel.cancel)
app.command("balances")(balances.balances)
app.command("positions")(positions.positions)
app.add_typer(account.app, name="account")
app.add_typer(admin.app, name="admin")
app.command("replay")(replay.replay)
app.add_typer(bench.app, name="bench")


def main() -> None:
    """Run the command."""
    app()
