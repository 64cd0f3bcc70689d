"""`coulisse series`: the time series beside a node: compare them, make them again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coulisse.cli.options import AsJson, ConfigFile, DataDir
from coulisse.cli.runner import fail
from coulisse.cli.store import parsed, progress_of, settings_of, tell_comparison
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
    pruned = f", {report.pruned} older ones are gone" if report.pruned else ""
    tell_comparison(report, f"{report.rows} rows{pruned}", as_json=as_json)


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
    from coulisse.store.timeseries.address import parse_series_address

    tree, directory = settings_of(config, data_dir)
    address = parsed(
        database or tree.with_projector().series_database,
        lambda text: parse_series_address(text, directory),
        "there are no time series: series.database is off, and there is no store",
    )
    return directory, address, tree
