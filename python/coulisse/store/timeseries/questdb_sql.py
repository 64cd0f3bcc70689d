"""The statements of the time series in QuestDB, and how it is connected to for reading.

They hold names of tables and columns alone, none of which comes from outside.
"""

from __future__ import annotations

from typing import Final

import psycopg

from coulisse.projections.tables import Table, series_tables
from coulisse.store.errors import StoreDown
from coulisse.store.timeseries.address import DEFAULT_USER, SeriesAddress

CONNECT_S: Final = 5
CHECKPOINT: Final = "coulisse_checkpoint"
PARTITIONS: Final = {
    "instruments": "YEAR", "quotes_1m": "MONTH", "candles_1m": "MONTH", "candles_5m": "MONTH",
    "candles_15m": "MONTH", "candles_1h": "YEAR", "candles_4h": "YEAR", "candles_1d": "YEAR",
}  # fmt: skip
"""What of a table is a folder of its own, and goes at once; a day where nothing is said."""
TYPES: Final = {"int": "LONG", "minor": "DECIMAL(39,0)", "text": "SYMBOL"}
MAKE_CHECKPOINT: Final = (
    f"CREATE TABLE IF NOT EXISTS {CHECKPOINT} (ts TIMESTAMP, form LONG, genesis VARCHAR, seq LONG, "
    "chain VARCHAR) TIMESTAMP(ts) PARTITION BY YEAR WAL DEDUP UPSERT KEYS(ts)"
)
READ_CHECKPOINT: Final = f"SELECT form, genesis, seq, chain FROM {CHECKPOINT}"
# One row, whose time is always the same, is written over.
MOVE_CHECKPOINT: Final = f"INSERT INTO {CHECKPOINT} VALUES (0, %s, %s, %s, %s)"
STATE: Final = "SELECT name, suspended, writerTxn, sequencerTxn FROM wal_tables()"
PARTITION_LIST: Final = (
    "SELECT name, CAST(maxTimestamp AS LONG) FROM table_partitions('{0}') WHERE NOT active"
)
TOO_LARGE: Final = "inconvertible value"
"""What QuestDB says where a number has more bits than it is cast to."""
COLUMNS: Final = "SELECT \"column\", type, designated, upsertKey FROM table_columns('{0}')"


def create(table: Table) -> str:
    """Return the statement that makes a table."""
    columns = ", ".join(
        f'"{column.name}" {"TIMESTAMP" if column.name == "ts" else TYPES[column.kind]}'
        for column in table.columns
    )
    keys = ", ".join(f'"{name}"' for name in table.key)
    part = PARTITIONS.get(table.name, "DAY")
    return (
        f"CREATE TABLE IF NOT EXISTS {table.name} ({columns}) "
        f"TIMESTAMP(ts) PARTITION BY {part} WAL DEDUP UPSERT KEYS({keys})"
    )


def columns_wanted(table: Table) -> set[tuple[str, str, bool, bool]]:
    """Return name, type, and whether it is the time or of the key, of each column."""
    return {
        (
            column.name,
            "TIMESTAMP" if column.name == "ts" else TYPES[column.kind],
            column.name == "ts",
            column.name in table.key,
        )
        for column in table.columns
    }


def connect(address: SeriesAddress) -> psycopg.Connection[tuple[object, ...]]:
    """Connect for reading, and for what is said in SQL. Raises `StoreDown`."""
    user, password = address.user or DEFAULT_USER[0], address.password or DEFAULT_USER[1]
    try:
        return psycopg.connect(
            host=address.host, port=address.pg_port, user=user, password=password, dbname="qdb",
            autocommit=True, connect_timeout=CONNECT_S, prepare_threshold=None,
            # A host that went without a word is noticed by the kernel.
            keepalives_idle=5, keepalives_interval=2, keepalives_count=3, tcp_user_timeout=10_000,
        )  # fmt: skip
    except psycopg.Error as error:
        raise StoreDown(said(error)) from None


def said(error: Exception) -> str:
    """Return what an error says, in one line."""
    return " ".join(str(error).split())[:300] or type(error).__name__


def make_tables(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Make the tables that are missing."""
    for table in series_tables().values():
        connection.execute(create(table).encode())
    connection.execute(MAKE_CHECKPOINT.encode())
