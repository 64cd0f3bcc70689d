"""One order book in this process: price-time priority, no accounts, no log.

It is the very book of the engine (`crates/book`) with decimals around it: for research, for
tests, for anyone who wants to match orders without running a node.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from coulisse import _core
from coulisse.domain.errors import Refused
from coulisse.domain.money import Number, OffStep, as_text, from_steps, to_decimal, to_steps
from coulisse.domain.orders import Order, OrderKey, Trade
from coulisse.domain.outcomes import Rejected
from coulisse.domain.symbols import split_symbol

ORDERS_MAX = 1_000_000
SIDES = ("buy", "sell")
TIMES_IN_FORCE = ("gtc", "ioc", "fok")
STEPS_MAX = 2**63 - 1
"""Most ticks of a price and lots of a quantity."""
ORDER_ID_MAX = 2**64 - 1


@dataclass(frozen=True, slots=True)
class _Resting:
    """What the core does not know of an order on its book."""

    order_id: OrderKey
    lots: int
    """What was asked for in all."""
    left_lots: int


class OrderBook:
    """An order book.

    ```python
    >>> book = OrderBook("BTC/USD")
    >>> book.add(1, "sell", "0.5", "60000")
    []
    >>> [(trade.price, trade.qty) for trade in book.add(2, "buy", "0.2")]
    [(Decimal('60000.00'), Decimal('0.20000000'))]

    ```
    """

    def __init__(
        self,
        symbol: str,
        *,
        tick_size: Number = "0.01",
        lot_size: Number = "0.00000001",
        orders_max: int = ORDERS_MAX,
    ) -> None:
        """Make an empty book of at most `orders_max` resting orders."""
        self.base, self.quote = split_symbol(symbol)
        self.symbol = f"{self.base}-{self.quote}"
        self.tick_size = _positive("tick_size", tick_size)
        self.lot_size = _positive("lot_size", lot_size)
        if not 0 <= orders_max < 2**32:
            raise ValueError(f"orders_max is 0 to {2**32 - 1}, not {orders_max}")
        self._core = _core.Book(orders_max)
        # The core names orders by numbers; a user may name them by texts as well.
        self._number_of: dict[OrderKey, int] = {}
        self._orders: dict[int, _Resting] = {}
        self._last_number = 0
        self._last_trade_id = 0

    def add(
        self,
        order_id: OrderKey,
        side: str,
        qty: Number,
        price: Number | None = None,
        tif: str | None = None,
    ) -> list[Trade]:
        """Place an order and return its trades, in the order they happened.

        `order_id` is a whole number from 0 or a text, of the caller's choice. `tif` is `gtc` for an
        order with a price; without one it is a market order, which never rests: `ioc`, or `fok`.
        Raises `Refused` for an order id that is on the book already, for numbers that are none of
        the book's and for a full book, ValueError for what is no order at all, TypeError for a
        float.
        """
        _check_order_id(order_id)
        buy = _is_buy(side)
        if tif is None:
            tif = "ioc" if price is None else "gtc"
        if tif not in TIMES_IN_FORCE:
            raise ValueError(f"tif is one of {', '.join(TIMES_IN_FORCE)}, not {tif!r}")
        if price is None and tif == "gtc":
            message = "an order without a price never rests: tif is ioc or fok, not gtc"
            raise _refused("INVALID_COMBINATION", message, "tif")
        lots = self._steps("qty", qty, self.lot_size)
        ticks = None if price is None else self._steps("price", price, self.tick_size)
        if order_id in self._number_of:
            raise _refused("DUPLICATE_ORDER_ID", f"order {order_id!r} is on the book", "order_id")
        self._last_number += 1
        number = self._last_number
        try:
            matches = self._core.add(number, buy, ticks, lots, tif)
        except _core.CoreError as error:
            raise _refused(str(error.args[0]), str(error.args[-1]), None) from None
        trades = [self._traded(order_id, side, *match) for match in matches]
        taken = sum(qty for _, _, qty in matches)
        if ticks is not None and tif == "gtc" and taken < lots:
            self._number_of[order_id] = number
            self._orders[number] = _Resting(order_id, lots, lots - taken)
        return trades

    def cancel(self, order_id: OrderKey) -> Order:
        """Take an order off the book and return it as it stood. Raises `Refused` if unknown."""
        number = self._number_of.pop(order_id, None)
        if number is None:
            raise _refused("ORDER_NOT_FOUND", f"no order {order_id!r} on the book", "order_id")
        buy, ticks, _ = self._core.cancel(number)
        return self._order(self._orders.pop(number), buy, ticks, state="cancelled")

    @property
    def best_bid(self) -> Decimal | None:
        """The highest price that anyone bids."""
        return self._price(self._core.best(True))

    @property
    def best_ask(self) -> Decimal | None:
        """The lowest price that anyone asks."""
        return self._price(self._core.best(False))

    def levels(self, side: str, depth: int = 0) -> list[tuple[Decimal, Decimal]]:
        """Return (price, qty) of the levels of one side, best first; depth 0 is all."""
        if depth < 0:
            raise ValueError(f"depth is 0, for all, or more; not {depth}")
        found = self._core.levels(_is_buy(side), depth)
        return [
            (from_steps(ticks, self.tick_size), from_steps(lots, self.lot_size))
            for ticks, lots in found
        ]

    def __iter__(self) -> Iterator[Order]:
        """Iterate over the resting orders: bids first, best first, oldest first."""
        for number, buy, ticks, _ in self._core.orders():
            yield self._order(self._orders[number], buy, ticks)

    def __len__(self) -> int:
        return len(self._orders)

    def __contains__(self, order_id: object) -> bool:
        return order_id in self._number_of

    def __repr__(self) -> str:
        bid, ask = self.best_bid, self.best_ask
        shown = [as_text(price) if price is not None else "none" for price in (bid, ask)]
        return f"<OrderBook {self.symbol} bid {shown[0]} ask {shown[1]}, {len(self)} orders>"

    def _traded(self, taker: OrderKey, side: str, number: int, ticks: int, lots: int) -> Trade:
        resting = self._orders[number]
        maker = resting.order_id
        if resting.left_lots == lots:
            del self._orders[number], self._number_of[maker]
        else:
            self._orders[number] = replace(resting, left_lots=resting.left_lots - lots)
        self._last_trade_id += 1
        return Trade(
            symbol=self.symbol,
            price=from_steps(ticks, self.tick_size),
            qty=from_steps(lots, self.lot_size),
            side=side,
            trade_id=self._last_trade_id,
            maker_order_id=maker,
            taker_order_id=taker,
        )

    def _order(self, resting: _Resting, buy: bool, ticks: int, state: str = "open") -> Order:
        return Order(
            order_id=resting.order_id,
            symbol=self.symbol,
            side=SIDES[0] if buy else SIDES[1],
            price=from_steps(ticks, self.tick_size),
            qty=from_steps(resting.lots, self.lot_size),
            remaining=from_steps(resting.left_lots, self.lot_size),
            filled=from_steps(resting.lots - resting.left_lots, self.lot_size),
            state=state,
        )

    def _price(self, ticks: int | None) -> Decimal | None:
        return None if ticks is None else from_steps(ticks, self.tick_size)

    def _steps(self, name: str, value: Number, step: Decimal) -> int:
        try:
            steps = to_steps(value, step)
        except OffStep as error:
            code = "OFF_TICK" if name == "price" else "OFF_LOT"
            raise _refused(code, f"{name} {error}", name) from None
        if steps <= 0:
            raise ValueError(f"{name} must be more than zero: {value!r}")
        if steps > STEPS_MAX:
            code = "PRICE_OUT_OF_RANGE" if name == "price" else "QTY_ABOVE_MAX"
            limit = as_text(from_steps(STEPS_MAX, step))
            raise _refused(code, f"{name} {as_text(value)} is above {limit}", name)
        return steps


def _check_order_id(order_id: OrderKey) -> None:
    if isinstance(order_id, bool) or not isinstance(order_id, int | str):
        raise TypeError(f"an order id is an int or a str, not {order_id!r}")
    if order_id == "" or (isinstance(order_id, int) and not 0 <= order_id <= ORDER_ID_MAX):
        raise ValueError(f"an order id is 0 to 2^64 - 1, or a text; not {order_id!r}")


def _is_buy(side: str) -> bool:
    if side not in SIDES:
        raise ValueError(f"side is buy or sell, not {side!r}")
    return side == SIDES[0]


def _positive(name: str, value: Number) -> Decimal:
    number = to_decimal(value)
    if number <= 0:
        raise ValueError(f"{name} must be more than zero: {value!r}")
    return number


def _refused(code: str, message: str, field: str | None) -> Refused:
    return Refused(Rejected(code=code, message=message, field=field))
