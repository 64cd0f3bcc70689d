"""Where a store is, asked again and again on one connection."""

from __future__ import annotations

from collections.abc import Callable

from coulisse.store.errors import StoreDown
from coulisse.store.sql import statements
from coulisse.store.sql.address import Address


class PlaceReader:
    """A connection that reads the checkpoint."""

    def __init__(self, address: Address) -> None:
        """Connect. Raises `StoreDown`."""
        self._fetch, self.close = (
            _sqlite(address.target) if address.backend == "sqlite" else _postgresql(address.target)
        )

    def seq(self) -> int:
        """Return how far the store has come. Raises `StoreDown`."""
        return self._fetch()


def _sqlite(file: str) -> tuple[Callable[[], int], Callable[[], None]]:
    import sqlite3

    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True, check_same_thread=False)

    def fetch() -> int:
        try:
            return int(connection.execute(statements.CHECKPOINT).fetchone()[1])
        except sqlite3.Error as error:
            raise StoreDown(str(error)) from None

    return fetch, connection.close


def _postgresql(url: str) -> tuple[Callable[[], int], Callable[[], None]]:
    import psycopg

    from coulisse.store.sql.postgresql import connect, said

    connection = connect(url)

    def fetch() -> int:
        try:
            row = connection.execute(statements.CHECKPOINT).fetchone()
        except psycopg.Error as error:
            raise StoreDown(said(error)) from None
        assert row is not None, "a migration makes the one row of checkpoint"
        return int(row[1])

    return fetch, connection.close
