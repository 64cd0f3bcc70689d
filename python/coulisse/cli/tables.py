"""Tables for people: as wide as the terminal, and never with a number cut.

What does not fit loses its least important columns, and those in which nothing stands; what does
not fit even then is told row by row, a line for each column. Where the output is no terminal, there
is no width.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import typer

from coulisse.cli.span import when

GAP: Final = "  "
Row = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a table."""

    columns: tuple[str, ...]
    numbers: frozenset[str]
    """Those that stand to the right."""
    spare: tuple[str, ...] = ()
    """What may go where there is no room, the least important first."""


def show_table(layout: Layout, rows: Sequence[Row]) -> None:
    """Print rows below the names of their columns."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    typer.echo("\n".join(lines_of(layout, rows, width)))


async def show_history(
    layout: Layout, entries: AsyncIterator[Mapping[str, object]], none: str, *, as_json: bool
) -> None:
    """Print entries as they come, as JSON, or all of them as a table; `none` where there is none.

    Their `time` is in µs since 1970.
    """
    rows: list[Row] = []
    async for entry in entries:
        if as_json:
            typer.echo(json.dumps(entry))
        else:
            cells = {name: entry[name] for name in layout.columns}
            cells["time"] = when(int(str(entry["time"])))
            rows.append({name: None if cell is None else str(cell) for name, cell in cells.items()})
    if rows:
        show_table(layout, rows)
    elif not as_json:
        typer.echo(none)


def lines_of(layout: Layout, rows: Sequence[Row], width: int | None) -> list[str]:
    """Return the lines of a table that has room for so many characters."""
    columns = _that_fit(layout, rows, width)
    if columns is None:
        return _row_by_row(layout.columns, rows)
    widths = {name: _width(name, rows) for name in columns}
    head: Row = {name: name.replace("_", " ") for name in columns}
    lines = []
    for row in (head, *rows):
        cells = (
            text.rjust(widths[name]) if name in layout.numbers else text.ljust(widths[name])
            for name, text in ((name, row[name] or "") for name in columns)
        )
        lines.append(GAP.join(cells).rstrip())
    return lines


def _that_fit(layout: Layout, rows: Sequence[Row], width: int | None) -> list[str] | None:
    """Return the columns that there is room for; None where all that matter have none."""
    columns = list(layout.columns)
    empty = [name for name in columns if not any(row[name] for row in rows)]
    for leaving in (None, *empty, *layout.spare):
        if leaving in columns:
            columns.remove(leaving)
        needed = sum(_width(name, rows) for name in columns) + len(GAP) * (len(columns) - 1)
        if width is None or needed <= width:
            return columns
    return None


def _row_by_row(columns: Sequence[str], rows: Sequence[Row]) -> list[str]:
    lines = []
    for row in rows:
        lines += [f"{name.replace('_', ' ')}: {row[name]}" for name in columns if row[name]]
        lines.append("")
    return lines[:-1]


def _width(name: str, rows: Sequence[Row]) -> int:
    return max(len(name), *(len(row[name] or "") for row in rows)) if rows else len(name)
