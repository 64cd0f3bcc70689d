"""A client's copy of a book by orders."""

from __future__ import annotations

from decimal import Decimal

import pytest

from coulisse.client.local_orders import LocalOrders
from coulisse.domain.errors import FeedBroken

Message = dict[str, object]


def order(number: int, price: str, qty: str) -> Message:
    return {"order_id": str(number), "side": "buy", "price": price, "qty": qty}


def message(prev: int | None, seq: int, *items: Message) -> Message:
    kind: Message = {"type": "image"} if prev is None else {"type": "delta", "prev": prev}
    return {"ch": "book_l3", "symbol": "BTC-USD", **kind, "seq": seq, "items": list(items)}


def a_book() -> LocalOrders:
    book = LocalOrders("BTC-USD")
    book.apply(message(None, 5, order(2, "10", "1"), order(1, "10", "2"), order(3, "9", "4")))
    return book


def test_orders_stand_by_price_and_then_as_they_came() -> None:
    book = a_book()
    book.apply(message(5, 7, {"event": "changed", "order_id": "2", "qty": "0.5"}))
    moved: tuple[Message, ...] = (
        {"event": "removed", "order_id": "2"},
        {"event": "added", **order(2, "10", "0.5")},
    )
    book.apply(message(7, 8, *moved, {"event": "added", **order(4, "11", "1")}))
    assert [one.order_id for one in book.orders("buy")] == [4, 1, 2, 3]
    assert book.levels("buy")[:2] == [(Decimal(11), Decimal(1)), (Decimal(10), Decimal("2.5"))]
    assert book.orders("sell") == [] and book.seq == 8


@pytest.mark.parametrize(
    "spoilt",
    [
        message(4, 7),
        message(5, 7, {"event": "removed", "order_id": "9"}),
        message(5, 7, {"event": "changed", "order_id": "9", "qty": "1"}),
        message(5, 7, {"event": "added", **order(1, "10", "1")}),
    ],
)
def test_a_delta_that_does_not_fit_is_caught(spoilt: Message) -> None:
    with pytest.raises(FeedBroken):
        a_book().apply(spoilt)
