"""The tables of the store and of the time series, as `crates/projections` defines them."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import Literal

from coulisse import _core

ColumnKind = Literal["int", "minor", "text", "flag"]
Growth = Literal["adds", "writes", "changes"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    name: str
    kind: ColumnKind
    """`minor` has up to 128 bits, `int` 64."""
    doc: str


@dataclass(frozen=True, slots=True)
class Table:
    """One table."""

    name: str
    doc: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    growth: Growth
    """Rows are added and stay, are written over by the next with their key, or change in part."""
    changing: tuple[str, ...]
    """The columns that change, or are written over."""

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(column.name for column in self.columns)

    @property
    def change_names(self) -> tuple[str, ...]:
        """The columns of a row that changes one that exists."""
        return (*self.key, *self.changing)


@functools.cache
def tables() -> dict[str, Table]:
    """Return the store's tables by name, in the order in which they are written."""
    return _read(_core.tables_json())


@functools.cache
def series_tables() -> dict[str, Table]:
    """Return the tables of the time series by name; their first columns are symbol, ts and seq."""
    return _read(_core.tables_json(series=True))


def _read(text: str) -> dict[str, Table]:
    found: dict[str, Table] = {}
    for raw in json.loads(text):
        columns = tuple(Column(**column) for column in raw["columns"])
        names = [column.name for column in columns]
        found[raw["name"]] = Table(
            name=raw["name"],
            doc=raw["doc"],
            columns=columns,
            key=tuple(names[: raw["key"]]),
            growth=raw["growth"],
            changing=tuple(names[raw["fixed"] :]),
        )
    return found
