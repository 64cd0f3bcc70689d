"""`coulisse series`: the time series beside a node: compare them, make them again."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coulisse.cli.options import AsJson, ConfigFile, DataDir
from coulisse.cli.runner import fail, node_config
from coulisse.cli.store import EXIT_DIFFERS, progress_of
from coulisse.domain.errors import CoulisseError

if TYPE_CHECKING:
    from coulisse.config import Config
    from coulisse.store.timeseries.address import SeriesAddress

app = typer.Typer(help="The time series beside a node.", no_args_is_help=True)

Database = Annotated[
    str | None,
    typer.Option("--database", help="sqlite:///FILE or questdb://… [as the settings say]."),
]


@app.command("verify")
def verify(
    data_dir: DataDir = None,
    database: Database = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Compare every row with what the whole journal makes; exit code 3 if they differ."""
    directory, address, _ = series_of(config, data_dir, database)
    from coulisse.node.series_check import verify as compare

    try:
        with progress_of("records") as progress:
            report = compare(address, str(directory), progress)
    except CoulisseError as error:
        fail(str(error))
        return
    if as_json:
        typer.echo(json.dumps(asdict(report)))
    else:
        pruned = f", {report.pruned} older ones are gone" if report.pruned else ""
        typer.echo(
            f"at seq {report.seq}: {report.rows} rows{pruned}: {report.differences} differences"
        )
        for line in report.told:
            typer.echo(f"  {line}")
    if report.differences:
        raise typer.Exit(EXIT_DIFFERS)


@app.command("rebuild")
def rebuild(
    data_dir: DataDir = None,
    database: Database = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Empty the time series and fill them again from the log. A node may run meanwhile."""
    directory, address, tree = series_of(config, data_dir, database)
    from coulisse.node.series_check import rebuild as make_again
    from coulisse.store.timeseries.writer import Policy

    policy = Policy({str(name): days for name, days in tree.series.keep_days.items()})
    try:
        with progress_of("records") as progress:
            rows = make_again(address, str(directory), policy, progress)
    except CoulisseError as error:
        fail(str(error))
        return
    typer.echo(json.dumps({"rows": rows}) if as_json else f"{address}: {rows} rows")


def series_of(
    config: Path | None, data_dir: Path | None, database: str | None
) -> tuple[Path, SeriesAddress, Config]:
    """Return the data directory, where the time series are, and the settings."""
    tree = node_config(config, host=None, port=None, data_dir=data_dir, durability=None)
    from coulisse.log.file import data_dir as directory_of
    from coulisse.store.timeseries.address import parse_series_address

    directory = directory_of(tree)
    text = database or tree.with_projector().series_database
    if text is None:
        fail("there are no time series: series.database is off, and there is no store")
        raise AssertionError("fail does not return")
    try:
        return directory, parse_series_address(text, directory), tree
    except CoulisseError as error:
        fail(str(error))
        raise
