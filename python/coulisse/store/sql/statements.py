"""The statements that write rows, made from the tables' one list.

They hold names of tables and columns alone, none of which comes from outside.
"""

from __future__ import annotations

from collections.abc import Sequence

from coulisse.projections.tables import Table


def quoted(names: Sequence[str]) -> str:
    """Return names as SQL identifiers, with commas between."""
    return ", ".join(f'"{name}"' for name in names)


def insert(table: Table) -> str:
    """Return the statement that adds a row, or writes over the one with its key."""
    marks = ", ".join("?" * len(table.columns))
    return f"INSERT INTO {table.name} ({quoted(table.names)}) VALUES ({marks}){over(table)}"


def over(table: Table) -> str:
    """Return what an INSERT does where there is a row with that key."""
    if table.growth != "writes":
        return ""
    sets = ", ".join(f'"{name}" = excluded."{name}"' for name in table.changing)
    return f" ON CONFLICT ({quoted(table.key)}) DO UPDATE SET {sets}"


def change(table: Table) -> str:
    """Return the statement that changes a row; its parameters are the row's, numbered from 1."""
    first = len(table.key) + 1
    sets = ", ".join(
        f'"{name}" = coalesce(?{number}, "{name}")'
        for number, name in enumerate(table.changing, first)
    )
    where = " AND ".join(f'"{name}" = ?{number}' for number, name in enumerate(table.key, 1))
    return f"UPDATE {table.name} SET {sets} WHERE {where}"


def stage_name(table: Table) -> str:
    """Return the name of the table's stage, which each connection has of its own."""
    return f"stage_{table.name}"


def stage(table: Table) -> str:
    """Return the statement that makes the stage of a PostgreSQL table whose rows change."""
    columns = quoted(table.change_names if table.growth == "changes" else table.names)
    return (
        f"CREATE TEMPORARY TABLE {stage_name(table)} ON COMMIT DELETE ROWS "
        f"AS SELECT {columns} FROM {table.name} WITH NO DATA"
    )


def from_stage(table: Table) -> str:
    """Return the statement that brings a stage's rows into their table."""
    if table.growth == "writes":
        names = quoted(table.names)
        return (
            f"INSERT INTO {table.name} ({names}) SELECT {names} FROM {stage_name(table)}"
            f"{over(table)}"
        )
    sets = ", ".join(f'"{name}" = coalesce(s."{name}", t."{name}")' for name in table.changing)
    where = " AND ".join(f't."{name}" = s."{name}"' for name in table.key)
    return f"UPDATE {table.name} AS t SET {sets} FROM {stage_name(table)} AS s WHERE {where}"


def copy_in(name: str, columns: Sequence[str]) -> str:
    """Return the statement that takes rows in binary."""
    return f"COPY {name} ({quoted(columns)}) FROM STDIN (FORMAT binary)"


CHECKPOINT = "SELECT genesis, seq, chain FROM checkpoint WHERE id = 1"
CLAIM = "UPDATE checkpoint SET genesis = {0} WHERE id = 1 AND genesis = '' AND seq = 0"
ADVANCE = (
    "UPDATE checkpoint SET seq = {0}, chain = {0} "
    "WHERE id = 1 AND genesis = {0} AND seq = {0} AND chain = {0}"
)
VERSION = "SELECT version_num FROM alembic_version"
