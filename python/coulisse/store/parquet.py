"""Exports as Parquet: the cells of the CSV, each column of its type.

Times are of µs, in UTC; ids and counts whole numbers; money exact decimals of 38 digits, of which
18 stand behind the point. A cell that has nothing to say is null.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Protocol

from coulisse.domain.errors import CoulisseError

ROWS_AT_ONCE: Final = 20_000
TIMES: Final = frozenset({"time", "accepted", "closed", "start"})
WHOLE: Final = frozenset(
    {
        "seq",
        "trade_id",
        "order_id",
        "maker_order_id",
        "taker_order_id",
        "item",
        "trades",
        "last_seq",
    }
)
MONEY: Final = frozenset(
    {
        "price",
        "qty",
        "filled",
        "remaining",
        "notional",
        "fee",
        "amount",
        "open",
        "high",
        "low",
        "close",
    }
)
DIGITS, DECIMALS = 38, 18


class RowWriter(Protocol):
    """Takes rows of text, as a CSV has them."""

    def writerow(self, row: Sequence[str], /) -> object:
        """Take the next row; the first one is the head."""


@contextmanager
def parquet_file(file: Path) -> Iterator[RowWriter]:
    """Give what writes a Parquet file, complete when it is left.

    Raises `CoulisseError`, where a number has more digits too, and `OSError`.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise CoulisseError(
            "Parquet is written by the package pyarrow: pip install 'coulisse[parquet]'"
        ) from None
    writer = _Writer(pyarrow, parquet, file)
    try:
        yield writer
        writer.flush()
    finally:
        writer.close()


class _Writer:
    def __init__(self, arrow: Any, parquet: Any, file: Path) -> None:  # noqa: ANN401  # modules
        self._arrow = arrow
        self._parquet = parquet
        self._file = file
        self._head: Sequence[str] = ()
        self._rows: list[Sequence[str]] = []
        self._schema: Any = None
        self._out: Any = None

    def writerow(self, row: Sequence[str], /) -> None:
        if self._out is None:
            self._head = row
            self._schema = self._arrow.schema([(name, self._type(name)) for name in row])
            self._out = self._parquet.ParquetWriter(str(self._file), self._schema)
            return
        self._rows.append(row)
        if len(self._rows) >= ROWS_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        columns = zip(*self._rows, strict=True) if self._rows else [()] * len(self._head)
        arrays = [
            self._arrow.array([_cell(name, cell) for cell in column], self._type(name))
            for name, column in zip(self._head, columns, strict=True)
        ]
        if self._out is not None:
            self._out.write_batch(self._arrow.record_batch(arrays, schema=self._schema))
        self._rows.clear()

    def close(self) -> None:
        if self._out is not None:
            self._out.close()

    def _type(self, name: str) -> Any:  # noqa: ANN401  # of a library without types
        if name in TIMES:
            return self._arrow.timestamp("us", tz="UTC")
        if name in WHOLE:
            return self._arrow.int64()
        return self._arrow.decimal128(DIGITS, DECIMALS) if name in MONEY else self._arrow.string()


def _cell(name: str, cell: str) -> object:
    if name not in TIMES | WHOLE | MONEY:
        return cell
    if not cell:
        return None
    if name in TIMES:
        return datetime.fromisoformat(cell)
    return int(cell) if name in WHOLE else _money(name, cell)


def _money(name: str, text: str) -> Decimal:
    value = Decimal(text)
    _, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int), "a number is finite"
    if exponent < -DECIMALS or len(digits) + exponent > DIGITS - DECIMALS:
        raise CoulisseError(
            f"{name}: {text} has more than {DIGITS} digits, {DECIMALS} of them behind the point"
        )
    return value
