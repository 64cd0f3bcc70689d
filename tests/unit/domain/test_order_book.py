"""The order book for people."""

from __future__ import annotations

import doctest
from decimal import Decimal

import pytest

import coulisse.domain.order_book
from coulisse import CoulisseError, OrderBook
from coulisse.domain.errors import Refused


@pytest.fixture
def book() -> OrderBook:
    return OrderBook("BTC/USD")


def test_the_examples_in_its_docstring_are_true() -> None:
    assert doctest.testmod(coulisse.domain.order_book).attempted > 2
    assert doctest.testmod(coulisse.domain.order_book).failed == 0


def test_both_spellings_of_a_symbol_make_the_same_book() -> None:
    assert OrderBook("BTC/USD").symbol == OrderBook("BTC-USD").symbol == "BTC-USD"


def test_a_crossing_order_trades_at_the_resting_price_with_the_oldest_first(
    book: OrderBook,
) -> None:
    assert book.add("old", "sell", "0.5", "60000") == []
    assert book.add("new", "sell", "0.5", "60000") == []
    trades = book.add("taker", "buy", "0.7", "60010")
    assert [(t.maker_order_id, t.taker_order_id, t.price, t.qty) for t in trades] == [
        ("old", "taker", Decimal("60000"), Decimal("0.5")),
        ("new", "taker", Decimal("60000"), Decimal("0.2")),
    ]
    assert [trade.trade_id for trade in trades] == [1, 2]
    assert {trade.side for trade in trades} == {"buy"}
    assert "old" not in book and "taker" not in book and "new" in book


def test_what_is_left_of_a_limit_order_rests_and_of_the_others_does_not(book: OrderBook) -> None:
    book.add(1, "sell", "1", "100")
    book.add(2, "buy", "3", "100")
    assert book.best_bid == Decimal("100") and book.best_ask is None
    book.add(3, "sell", "5")
    book.add(4, "sell", "5", "90", "ioc")
    book.add(5, "sell", "5", "90", "fok")
    assert list(book) == []


def test_a_fill_or_kill_order_trades_all_or_nothing(book: OrderBook) -> None:
    book.add(1, "sell", "1", "100")
    assert book.add(2, "buy", "2", "100", "fok") == []
    assert len(book) == 1
    assert len(book.add(3, "buy", "1", "100", "fok")) == 1


def test_iteration_gives_bids_first_best_first_oldest_first(book: OrderBook) -> None:
    for order_id, side, price in (
        ("a", "sell", "101"), ("b", "buy", "99"), ("c", "buy", "100"),
        ("d", "sell", "102"), ("e", "buy", "100"),
    ):  # fmt: skip
        book.add(order_id, side, "1", price)
    assert [order.order_id for order in book] == ["c", "e", "b", "a", "d"]


def test_levels_add_up_the_orders_at_a_price_and_stop_at_the_depth(book: OrderBook) -> None:
    book.add(1, "buy", "1", "100")
    book.add(2, "buy", "2", "100")
    book.add(3, "buy", "4", "99")
    assert book.levels("buy", 1) == [(Decimal("100"), Decimal("3"))]
    assert book.levels("buy") == [(Decimal("100"), Decimal("3")), (Decimal("99"), Decimal("4"))]
    assert book.levels("sell", 5) == []


def test_cancel_returns_the_order_as_it_stood(book: OrderBook) -> None:
    book.add(1, "sell", "1", "100")
    book.add(2, "buy", "0.4", "100")
    order = book.cancel(1)
    assert (order.side, order.price, order.state) == ("sell", Decimal("100"), "cancelled")
    assert (order.qty, order.filled, order.remaining) == (
        Decimal(1),
        Decimal("0.4"),
        Decimal("0.6"),
    )
    assert book.best_ask is None


def test_iteration_tells_what_was_asked_for_and_what_is_filled(book: OrderBook) -> None:
    book.add(1, "sell", "1", "100")
    book.add(2, "buy", "0.25", "100")
    book.add(3, "buy", "0.25", "100")
    (order,) = book
    assert (order.qty, order.filled, order.remaining) == (
        Decimal(1),
        Decimal("0.5"),
        Decimal("0.5"),
    )


def test_an_order_id_is_free_again_once_its_order_is_gone(book: OrderBook) -> None:
    book.add(7, "sell", "1", "100")
    with pytest.raises(Refused, match="on the book"):
        book.add(7, "sell", "1", "101")
    book.add(8, "buy", "1", "100")
    book.add(7, "sell", "1", "101")
    assert [order.order_id for order in book] == [7]


def test_what_cannot_be_an_order_is_refused_before_it_reaches_the_book(book: OrderBook) -> None:
    for wrong in (0.1, True, None):
        with pytest.raises(TypeError):
            book.add(1, "buy", wrong, "100")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        book.add(1, "buy", "1", 100.0)  # type: ignore[arg-type]
    for qty, price in (("0", "100"), ("-1", "100"), ("1", "0"), ("1", "-5"), ("NaN", "1")):
        with pytest.raises(ValueError):
            book.add(1, "buy", qty, price)
    with pytest.raises(ValueError, match="side"):
        book.add(1, "long", "1", "100")
    with pytest.raises(ValueError, match="tif"):
        book.add(1, "buy", "1", "100", "day")
    assert list(book) == []


@pytest.mark.parametrize("order_id", [-1, 2**64, ""])
def test_an_order_id_that_names_nothing_is_a_value_error(
    book: OrderBook, order_id: int | str
) -> None:
    with pytest.raises(ValueError, match="order id"):
        book.add(order_id, "buy", "1", "100")
    assert len(book) == 0


@pytest.mark.parametrize("order_id", [1.5, True, None, b"a"])
def test_an_order_id_of_another_type_is_a_type_error(book: OrderBook, order_id: object) -> None:
    with pytest.raises(TypeError, match="order id"):
        book.add(order_id, "buy", "1", "100")  # type: ignore[arg-type]


def test_an_order_without_a_price_cannot_be_good_till_cancelled(book: OrderBook) -> None:
    with pytest.raises(Refused) as refused:
        book.add(1, "buy", "1", tif="gtc")
    assert refused.value.code == "INVALID_COMBINATION"
    assert book.add(1, "buy", "1") == [] == book.add(1, "buy", "1", tif="fok")


def test_numbers_beyond_the_book_are_refused_by_name(book: OrderBook) -> None:
    with pytest.raises(Refused) as qty:
        book.add(1, "buy", 2**64, "100")
    with pytest.raises(Refused) as price:
        book.add(1, "buy", "1", 2**64)
    assert (qty.value.code, price.value.code) == ("QTY_ABOVE_MAX", "PRICE_OUT_OF_RANGE")
    with pytest.raises(ValueError, match="depth"):
        book.levels("buy", -1)
    with pytest.raises(ValueError, match="orders_max"):
        OrderBook("BTC-USD", orders_max=-1)


def test_off_tick_and_off_lot_are_refused_with_their_codes(book: OrderBook) -> None:
    with pytest.raises(Refused) as off_tick:
        book.add(1, "buy", "1", "100.001")
    with pytest.raises(Refused) as off_lot:
        book.add(1, "buy", "0.000000001", "100")
    assert (off_tick.value.code, off_lot.value.code) == ("OFF_TICK", "OFF_LOT")


def test_cancelling_what_is_not_there_is_refused(book: OrderBook) -> None:
    with pytest.raises(CoulisseError, match="no order"):
        book.cancel("nobody")


def test_a_full_book_refuses_the_next_order() -> None:
    book = OrderBook("BTC-USD", orders_max=2)
    book.add(1, "buy", "1", "1")
    book.add(2, "buy", "1", "1")
    with pytest.raises(Refused):
        book.add(3, "buy", "1", "1")
    assert len(book) == 2 and 3 not in book


def test_other_steps_give_other_prices() -> None:
    book = OrderBook("SOL-USD", tick_size="0.05", lot_size=1)
    book.add(1, "buy", 3, "150.05")
    assert book.best_bid == Decimal("150.05")
    with pytest.raises(Refused):
        book.add(2, "buy", 3, "150.02")
