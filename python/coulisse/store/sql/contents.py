"""What a store holds, read back by SQL: its checkpoint and the hash of all rows, at one moment."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import sqlalchemy as sa

from coulisse.projections.content import ContentHash
from coulisse.projections.tables import tables
from coulisse.store.errors import StoreDown
from coulisse.store.files import require_file
from coulisse.store.sql import statements
from coulisse.store.sql.address import Address
from coulisse.store.sql.migrate import engine_for
from coulisse.store.sql.writer import Checkpoint

ROWS_AT_A_TIME = 5_000


@contextlib.contextmanager
def at_one_moment(address: Address) -> Iterator[sa.Connection]:
    """Give a connection that sees the store as it is now, whatever is written meanwhile.

    Raises `StoreDown`.
    """
    if address.backend == "sqlite":
        require_file(address.target, "store rebuild")
    engine = engine_for(address)
    options = {"isolation_level": "REPEATABLE READ"} if address.backend == "postgresql" else {}
    try:
        with engine.connect().execution_options(**options) as connection:
            if address.backend == "sqlite":
                # Python's driver begins a transaction with the first write alone.
                connection.exec_driver_sql("BEGIN")
            yield connection
    except sa.exc.DBAPIError as error:
        raise StoreDown(f"{address}: {' '.join(str(error.orig).split())}") from None
    finally:
        engine.dispose()


def checkpoint(connection: sa.Connection) -> Checkpoint:
    """Return how far the store has come."""
    _, seq, chain = connection.exec_driver_sql(statements.CHECKPOINT).one()
    return Checkpoint(seq, bytes.fromhex(chain))


def read_content(address: Address) -> tuple[Checkpoint, ContentHash]:
    """Return the checkpoint and the hash of all rows. Raises `StoreDown`. Cost: reads every row."""
    content = ContentHash()
    with at_one_moment(address) as connection:
        place = checkpoint(connection)
        streaming = connection.execution_options(yield_per=ROWS_AT_A_TIME)
        for name, table in tables().items():
            select = f"SELECT {statements.quoted(table.names)} FROM {name}"
            for row in streaming.exec_driver_sql(select):
                content.add(name, tuple(row))
    return place, content
