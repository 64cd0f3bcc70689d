"""`coulisse export`: rows of the store as a file for other programs."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from coulisse.cli.options import ConfigFile, DataDir
from coulisse.cli.runner import fail
from coulisse.cli.span import From, To, time_ns
from coulisse.cli.store import Database, progress_of, store_of
from coulisse.domain.errors import CoulisseError
from coulisse.domain.market import CANDLE_INTERVALS
from coulisse.store.parquet import RowWriter, parquet_file

FORMATS = ("csv", "parquet")


def export(
    what: Annotated[str, typer.Argument(help="trades, orders, fills, ledger or candles.")],
    from_: From = None,
    to: To = None,
    interval: Annotated[
        str, typer.Option(help="Of candles: 1s, 1m, 5m, 15m, 1h, 4h or 1d.")
    ] = "1m",
    format_: Annotated[
        str, typer.Option("--format", help="csv, or parquet, which needs --out.")
    ] = "csv",
    out: Annotated[Path | None, typer.Option(help="The file [stdout].")] = None,
    data_dir: DataDir = None,
    database: Database = None,
    config: ConfigFile = None,
) -> None:
    """Write rows of the store, in the order of the log, with names and decimals."""
    _, address = store_of(config, data_dir, database)
    # Loaded here: no other command needs SQLAlchemy.
    from coulisse.store.sql.export import NAMES, Wanted
    from coulisse.store.sql.export import export as rows_of

    for option, value, known in (
        ("what", what, NAMES),
        ("--interval", interval, CANDLE_INTERVALS),
        ("--format", format_, FORMATS),
    ):
        if value not in known:
            fail(f"{option} is one of {', '.join(known)}, not {value!r}")
    try:
        begin, end = time_ns("--from", from_, 0), time_ns("--to", to, 2**63 - 1)
        wanted = Wanted(what, begin, end, interval)
        count = -1
        with progress_of("seq") as progress:
            rows = rows_of(address, wanted, progress)
            # No file is made before the store has answered.
            head = next(rows)
            with _target(out, format_) as writer:
                for row in chain((head,), rows):
                    writer.writerow(row)
                    count += 1
    except BrokenPipeError:
        # Whoever read the output has seen enough; the interpreter must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    except OSError as error:
        where = f"{out}: " if out is not None else ""
        fail(f"{where}{os.strerror(error.errno) if error.errno else error}")
        return
    except (CoulisseError, ValueError) as error:
        fail(str(error))
        return
    typer.echo(f"{count} rows", err=True)


@contextmanager
def _target(out: Path | None, format_: str) -> Iterator[RowWriter]:
    """Give what takes the rows. Raises `CoulisseError`, `OSError`."""
    if format_ == "parquet":
        if out is None:
            raise CoulisseError("--format parquet is no text: give it a file with --out")
        with parquet_file(out) as writer:
            yield writer
        return
    with nullcontext(sys.stdout) if out is None else out.open("w", newline="") as file:
        yield csv.writer(file, lineterminator="\n")
