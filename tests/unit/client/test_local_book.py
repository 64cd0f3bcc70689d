"""A client's copy of a book."""

from __future__ import annotations

import zlib
from decimal import Decimal

import pytest

from coulisse.client.local_book import LocalBook
from coulisse.domain.errors import FeedBroken

Levels = list[list[str]]


def crc(bids: Levels, asks: Levels) -> int:
    levels = bids[:10] + asks[:10]
    return zlib.crc32(",".join(f"{price}:{qty}" for price, qty in levels).encode())


def image(seq: int, bids: Levels, asks: Levels) -> dict[str, object]:
    body = {"type": "image", "epoch": 1, "seq": seq, "bids": bids, "asks": asks}
    return {**body, "crc": crc(bids, asks)}


def delta(prev: int, seq: int, bids: Levels, asks: Levels, checksum: int) -> dict[str, object]:
    body = {"type": "delta", "prev": prev, "seq": seq, "bids": bids, "asks": asks}
    return {**body, "crc": checksum}


BIDS = [["99.00", "2"], ["98.00", "1"]]
ASKS = [["101.00", "1.5"]]


@pytest.fixture
def book() -> LocalBook:
    book = LocalBook("BTC-USD")
    book.apply(image(5, BIDS, ASKS))
    return book


def test_an_image_is_the_book(book: LocalBook) -> None:
    assert (book.best_bid, book.best_ask) == (Decimal("99.00"), Decimal("101.00"))
    assert book.levels("buy") == [(Decimal("99"), Decimal(2)), (Decimal("98"), Decimal(1))]
    assert book.levels("buy", 1) == [(Decimal("99"), Decimal(2))]
    assert book.level_texts("sell") == ASKS


def test_the_checksum_is_as_the_protocol_says(book: LocalBook) -> None:
    assert book.crc == zlib.crc32(b"99.00:2,98.00:1,101.00:1.5")


def test_deltas_change_add_and_remove_levels(book: LocalBook) -> None:
    bids, asks = [["99.00", "3"]], [["100.50", "4"], ["101.00", "1.5"]]
    book.apply(delta(5, 8, [["99.00", "3"], ["98.00", "0"]], [["100.50", "4"]], crc(bids, asks)))
    assert book.seq == 8
    assert (book.level_texts("buy"), book.level_texts("sell")) == (bids, asks)


def test_a_missing_delta_is_noticed(book: LocalBook) -> None:
    with pytest.raises(FeedBroken, match="from seq 6, but the book is at 5"):
        book.apply(delta(6, 7, [], [], 0))


def test_a_wrong_level_is_noticed(book: LocalBook) -> None:
    with pytest.raises(FeedBroken, match="checksum"):
        book.apply(delta(5, 6, [["99.00", "2.5"]], [], book.crc))


def test_only_ten_levels_a_side_are_in_the_checksum() -> None:
    bids = [[f"{100 - n}.00", "1"] for n in range(12)]
    book = LocalBook("BTC-USD")
    book.apply(image(1, bids, []))
    assert book.crc == crc(bids[:10], [])


def test_an_empty_book_has_a_checksum_and_no_best() -> None:
    book = LocalBook("BTC-USD")
    book.apply(image(1, [], []))
    assert book.crc == 0 and book.best_bid is None and book.best_ask is None
