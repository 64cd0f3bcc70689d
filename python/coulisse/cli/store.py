"""`coulisse store`: the database beside a node: compare it, make it again, bring it up to date."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from coulisse.cli.options import AsJson, ConfigFile, DataDir
from coulisse.cli.runner import fail, node_config
from coulisse.domain.errors import CoulisseError

if TYPE_CHECKING:
    from coulisse.config import Config
    from coulisse.node.comparison import Comparison
    from coulisse.store.sql.address import Address

EXIT_DIFFERS = 3
Where = TypeVar("Where")

app = typer.Typer(help="The database beside a node.", no_args_is_help=True)

Database = Annotated[
    str | None,
    typer.Option("--database", help="sqlite:///FILE or postgresql://… [as the settings say]."),
]


@app.command("verify")
def verify(
    data_dir: DataDir = None,
    database: Database = None,
    config: ConfigFile = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Compare every row with what the whole journal makes.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare ledger, balances and orders with the core at one seq; exit code 3 if they differ."""
    directory, address = store_of(config, data_dir, database)
    # Loaded here: no other command needs SQLAlchemy.
    from coulisse.node.store_check import verify as compare

    try:
        with progress_of("records") as progress:
            report = compare(address, str(directory), is_deep=deep, progress=progress)
    except CoulisseError as error:
        fail(str(error))
        return
    compared = f"{report.balances} balances, {report.orders} open orders, "
    compared += f"{report.ledger} entries of the ledger"
    rows = f", {report.rows} rows" if deep else ""
    tell_comparison(report, compared + rows, as_json=as_json)


@app.command("rebuild")
def rebuild(
    data_dir: DataDir = None,
    database: Database = None,
    config: ConfigFile = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where one that was stopped had come to.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Empty the store and fill it again from the log. A node that runs fills it itself."""
    directory, address = store_of(config, data_dir, database)
    from coulisse.node.store_rebuild import rebuild as make_again

    try:
        with progress_of("records") as progress:
            done = make_again(address, str(directory), resume=resume, progress=progress)
    except CoulisseError as error:
        fail(str(error))
        return
    said = {"seq": done.seq, "rows": done.rows, "by_node": done.by_node}
    if as_json:
        typer.echo(json.dumps(said))
    elif done.by_node:
        typer.echo(f"the node has filled {address} up to seq {done.seq}")
    else:
        typer.echo(f"{address} is filled up to seq {done.seq}: {done.rows} rows")


@app.command("migrate")
def migrate(
    data_dir: DataDir = None,
    database: Database = None,
    config: ConfigFile = None,
    writer: Annotated[
        str | None, typer.Option(help="A PostgreSQL role that is to fill the tables, and no more.")
    ] = None,
    reader: Annotated[
        str | None, typer.Option(help="A PostgreSQL role that is to read them, and no more.")
    ] = None,
) -> None:
    """Bring the tables to this version, as their owner; give roles what they need."""
    _, address = store_of(config, data_dir, database)
    from coulisse.store.sql.migrate import grant, newest_version
    from coulisse.store.sql.migrate import migrate as bring

    try:
        if (writer or reader) and address.backend != "postgresql":
            raise CoulisseError("SQLite has no roles")
        bring(address)
        if writer or reader:
            grant(address, writer=writer, reader=reader)
    except CoulisseError as error:
        fail(str(error))
    typer.echo(f"{address}: version {newest_version()}")


def tell_comparison(report: Comparison, compared: str, *, as_json: bool) -> None:
    """Say what was compared and what differs; exit if anything does."""
    if as_json:
        typer.echo(json.dumps(asdict(report)))
    else:
        typer.echo(f"at seq {report.seq}: {compared}: {report.differences} differences")
        for line in report.told:
            typer.echo(f"  {line}")
    if report.differences:
        raise typer.Exit(EXIT_DIFFERS)


def store_of(
    config: Path | None, data_dir: Path | None, database: str | None
) -> tuple[Path, Address]:
    """Return the data directory and the store, as flags and settings say."""
    from coulisse.store.sql.address import parse_address

    tree, directory = settings_of(config, data_dir)
    text = database or tree.store.address
    return directory, parsed(
        text,
        lambda text: parse_address(text, directory),
        "there is no store: store.database is off",
    )


def settings_of(config: Path | None, data_dir: Path | None) -> tuple[Config, Path]:
    """Return the settings and the data directory that they mean."""
    tree = node_config(config, host=None, port=None, data_dir=data_dir, durability=None)
    from coulisse.log.file import data_dir as directory_of

    return tree, directory_of(tree)


def parsed(text: str | None, parse: Callable[[str], Where], missing: str) -> Where:
    """Return where a database is; end with `missing`, or with what is wrong about it."""
    if text is None:
        fail(missing)
        raise AssertionError("fail does not return")
    try:
        return parse(text)
    except CoulisseError as error:
        fail(str(error))
        raise


@contextmanager
def progress_of(what: str) -> Iterator[Callable[[int, int], None]]:
    """Give what shows how far something is: a bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what)
        yield lambda done, total: bar.update(task, completed=done, total=total)
