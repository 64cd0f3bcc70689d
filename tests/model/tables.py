"""Tables in memory, to which rows are written as a database's driver does."""

from collections.abc import Mapping
from typing import Any

from coulisse._core import Rows
from coulisse.projections.content import ContentHash
from coulisse.projections.tables import tables

Row = tuple[Any, ...]


class MemoryTables:
    """What a store would hold."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[Row, list[Any]]] = {name: {} for name in tables()}

    def write(self, rows: Rows) -> None:
        """Add, write over or change, as each table says."""
        for name, is_change, count in rows.parts():
            table = tables()[name]
            written = list(rows.tuples(name, is_change))
            assert len(written) == count
            for row in written:
                key = row[: len(table.key)]
                kept = self.rows[name]
                if is_change:
                    places = [table.names.index(column) for column in table.change_names]
                    for place, value in zip(places, row, strict=True):
                        if value is not None:
                            kept[key][place] = value
                else:
                    assert table.growth == "writes" or key not in kept, f"{name}: {key} again"
                    assert None not in row, f"{name}: {key} lacks something"
                    kept[key] = list(row)

    def content(self) -> ContentHash:
        """The hash of all rows."""
        content = ContentHash()
        for name, rows in self.rows.items():
            content.add_all(name, rows.values())
        return content

    def named(self, name: str) -> list[Mapping[str, Any]]:
        """The rows of a table, by column."""
        names = tables()[name].names
        return [dict(zip(names, row, strict=True)) for row in self.rows[name].values()]
