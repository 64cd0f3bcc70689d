"""The tables as SQLAlchemy knows them: for queries, migrations and comparisons.

Loaded only by who asks for one of these: what writes rows needs it not.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import dialect as postgresql

from coulisse.projections.tables import Column, ColumnKind, tables

MINOR_DIGITS: Final = 39
"""Digits of a number of 128 bits."""
INDEXES: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "orders": (("account", "order_id"),),
    "order_events": (("order_id", "seq", "item"),),
    "fills": (("account", "seq", "item"), ("order_id",)),
    "ledger": (("debit", "seq", "item"), ("credit", "seq", "item")),
}
"""What is looked for besides the keys, by table."""
PARTIAL: Final[dict[str, tuple[tuple[str, tuple[str, ...], str], ...]]] = {
    "orders": (
        ("orders_by_client_order_id", ("client_order_id", "account"), "client_order_id <> ''"),
    ),
    "order_events": (("order_events_of_ends", ("account", "seq", "item"), "kind = 'closed'"),),
}
"""Indexes of some rows only: name, columns, which rows."""


class Minor(sa.types.TypeDecorator[int]):
    """A whole number of up to 128 bits: NUMERIC(39,0) in PostgreSQL, decimal digits in SQLite.

    SQLite's own NUMERIC makes large numbers inexact.
    """

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Return the column's type in the database."""
        if isinstance(dialect, postgresql):
            return sa.Numeric(MINOR_DIGITS, 0)
        return sa.Text()

    def process_bind_param(self, value: int | None, dialect: sa.Dialect) -> object:
        """Return what the driver is given."""
        if value is None:
            return None
        return Decimal(value) if isinstance(dialect, postgresql) else str(value)

    def process_result_value(self, value: object, dialect: sa.Dialect) -> int | None:
        """Return the number."""
        return None if value is None else int(str(value))


_TYPES: Final[dict[ColumnKind, sa.types.TypeEngine[Any]]] = {
    "int": sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
    "minor": Minor(),
    "text": sa.Text(),
    "flag": sa.Boolean(),
}


def _column(column: Column, key: tuple[str, ...]) -> sa.Column[Any]:
    return sa.Column(
        column.name,
        _TYPES[column.kind],
        primary_key=column.name in key,
        autoincrement=False,
        nullable=False,
    )


def _partial(name: str, columns: tuple[str, ...], rows: str) -> sa.Index:
    where = sa.text(rows)
    return sa.Index(name, *columns, postgresql_where=where, sqlite_where=where)


def make_metadata() -> sa.MetaData:
    """Return the tables with their indexes."""
    metadata = sa.MetaData()
    for name, table in tables().items():
        sa.Table(
            name,
            metadata,
            *(_column(column, table.key) for column in table.columns),
            *(sa.Index(f"{name}_by_{'_'.join(of)}", *of) for of in INDEXES.get(name, ())),
            *(_partial(*index) for index in PARTIAL.get(name, ())),
            sqlite_with_rowid=False,
        )
    sa.Table(
        "checkpoint",
        metadata,
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("genesis", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
    )
    return metadata


METADATA: Final = make_metadata()
CHECKPOINT: Final = METADATA.tables["checkpoint"]


def table(name: str) -> sa.Table:
    """Return a table."""
    return METADATA.tables[name]
