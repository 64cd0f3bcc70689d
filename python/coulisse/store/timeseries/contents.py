"""All rows of the time series, for comparisons."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from coulisse.projections.content import Cell
from coulisse.projections.tables import Table, series_tables
from coulisse.store.errors import StoreDown
from coulisse.store.files import reading, require_file
from coulisse.store.sql import statements
from coulisse.store.sql.writer import Checkpoint
from coulisse.store.timeseries.address import SeriesAddress

Rows = Iterator[tuple[str, tuple[Cell, ...]]]


@contextmanager
def all_rows(address: SeriesAddress) -> Iterator[tuple[Checkpoint, Rows]]:
    """Give the checkpoint and every row with its table's name. Raises `StoreDown`.

    Of SQLite it is one moment. QuestDB knows none over several tables: nothing may be written
    meanwhile.
    """
    if address.backend == "sqlite":
        require_file(address.file, "series rebuild")
        with reading(address.file) as connection:
            _, seq, chain = connection.execute(statements.CHECKPOINT).fetchone()
            yield Checkpoint(seq, bytes.fromhex(chain)), _rows(connection, "")
        return
    import psycopg

    from coulisse.store.timeseries import questdb_sql as sql

    try:
        with closing(sql.connect(address)) as connection:
            row = connection.execute(sql.READ_CHECKPOINT.encode()).fetchone()
            if row is None:
                raise StoreDown(f"{address}: nothing was written yet")
            place = Checkpoint(int(str(row[2])), bytes.fromhex(str(row[3])))
            yield place, _rows(connection, "LONG")
    except psycopg.Error as error:
        raise StoreDown(sql.said(error)) from None


def _rows(connection: Any, time_type: str) -> Rows:  # noqa: ANN401  # of either driver
    for name, table in series_tables().items():
        for row in connection.execute(_select(table, time_type)):
            yield name, tuple(row)


def _select(table: Table, time_type: str) -> str:
    columns = [
        f'CAST("{name}" AS {time_type})' if time_type and name == "ts" else f'"{name}"'
        for name in table.names
    ]
    return f"SELECT {', '.join(columns)} FROM {table.name}"
