"""Tables for people: whatever the width, no number is cut."""

from __future__ import annotations

import pytest

from coulisse.cli.orders import OPEN
from coulisse.cli.tables import Row, lines_of

ORDERS: list[Row] = [
    {
        "order_id": "9007199254740991",
        "symbol": "DOGE-USDT",
        "side": "sell",
        "type": "take_profit_limit",
        "price": "60000.12345678",
        "trigger_price": "59999.00000001",
        "qty": "1000000.00000001",
        "filled": "999999.12345678",
        "state": "waiting",
        "client_order_id": "a-client-order-id-of-thirty-two-c",
    },
    {
        "order_id": "1",
        "symbol": "BTC-USD",
        "side": "buy",
        "type": "limit",
        "price": "1.00",
        "trigger_price": None,
        "qty": "0.1",
        "filled": "0.0",
        "state": "open",
        "client_order_id": None,
    },
]
NUMBERS = [row[name] for row in ORDERS for name in (*OPEN.numbers, "order_id") if row[name]]


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 120, 160, 200, None])
def test_no_number_is_cut_at_any_width(width: int | None) -> None:
    lines = lines_of(OPEN, ORDERS, width)
    words = " ".join(lines).split()
    assert [number for number in NUMBERS if number not in words] == []
    if width is not None and width >= len("trigger price: 59999.00000001"):
        too_long = [line for line in lines if len(line) > width and "client order" not in line]
        assert too_long == []


def test_the_least_important_columns_go_first_and_all_come_back_with_room() -> None:
    wide = lines_of(OPEN, ORDERS, None)
    assert wide[0].split("  ")[0] == "order id" and "client order id" in wide[0]
    assert len(wide) == 3
    without_id = lines_of(OPEN, ORDERS, len(wide[1]) - 1)
    assert "client order id" not in without_id[0] and "take_profit_limit" in without_id[1]
    without_both = lines_of(OPEN, ORDERS, len(without_id[1]) - 1)
    assert "take_profit_limit" not in without_both[1] and "waiting" in without_both[1]


def test_a_column_in_which_nothing_stands_goes_before_any_other() -> None:
    narrow = lines_of(OPEN, ORDERS[1:], 70)
    assert "trigger price" not in narrow[0] and "type" in narrow[0]


def test_numbers_stand_to_the_right_and_rows_that_do_not_fit_are_told_line_by_line() -> None:
    lines = lines_of(OPEN, ORDERS, None)
    end = lines[1].index("60000.12345678") + len("60000.12345678")
    assert lines[2][:end].endswith(" 1.00")
    told = lines_of(OPEN, ORDERS, 40)
    assert told[0] == "order id: 9007199254740991" and "" in told
