"""Recorded order flow in LOBSTER's format: a message file and an order book file, row by row.

Row i of the book file is the book after message i. Files may be packed with xz.

Source: the read-me of LOBSTER's sample files (lobsterdata).
"""

from __future__ import annotations

import csv
import lzma
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from coulisse.domain.errors import ReplayError

EMPTY_PRICE: Final = 9_999_999_999
"""Stands, positive or negative, where a level is empty."""
ADD, REDUCE, DELETE, EXECUTE, EXECUTE_HIDDEN, HALT = 1, 2, 3, 4, 5, 7
MESSAGE_COLUMNS: Final = 6
KINDS: Final = frozenset({ADD, REDUCE, DELETE, EXECUTE, EXECUTE_HIDDEN, HALT})
Levels = list[tuple[int, int]]
"""(price, qty), best first."""


@dataclass(frozen=True, slots=True)
class Message:
    """One row of the message file."""

    kind: int
    order_id: int
    qty: int
    """In shares."""
    price: int
    """In 1/10,000 dollars."""
    buy: bool
    """The side of the order that rests, or is to rest."""


@dataclass(frozen=True, slots=True)
class Row:
    """One event and the book after it."""

    message: Message
    bids: Levels
    asks: Levels


def read_rows(messages: Path, books: Path, levels: int) -> Iterator[Row]:
    """Yield all rows. Raises `ReplayError` with file and line for what is not LOBSTER."""
    with _open(messages) as message_file, _open(books) as book_file:
        rows = zip(csv.reader(message_file), csv.reader(book_file), strict=True)
        line = 1
        try:
            for message, book in rows:
                yield _row(message, book, levels)
                line += 1
        except (ValueError, IndexError, EOFError, lzma.LZMAError) as error:
            where = f"{messages.name} and {books.name}, line {line}"
            raise ReplayError(f"{where}: {error}") from None


def _open(path: Path) -> TextIO:
    try:
        if path.suffix == ".xz":
            return lzma.open(path, "rt", encoding="ascii", newline="")
        return path.open(encoding="ascii", newline="")
    except OSError as error:
        raise ReplayError(f"{path}: {error.strerror}") from None


def _row(message: list[str], book: list[str], levels: int) -> Row:
    if len(book) != 4 * levels:
        raise ValueError(f"{len(book)} columns of levels, not 4 × {levels}; see --levels")
    if len(message) != MESSAGE_COLUMNS:
        raise ValueError(f"{len(message)} columns of a message, not {MESSAGE_COLUMNS}")
    kind = int(message[1])
    if kind not in KINDS:
        raise ValueError(f"unknown event type {kind}")
    return Row(
        Message(kind, int(message[2]), int(message[3]), int(message[4]), message[5] == "1"),
        bids=_side(book, 2),
        asks=_side(book, 0),
    )


def _side(book: list[str], offset: int) -> Levels:
    pairs = [(int(book[at]), int(book[at + 1])) for at in range(offset, len(book), 4)]
    return [(price, qty) for price, qty in pairs if abs(price) != EMPTY_PRICE]
