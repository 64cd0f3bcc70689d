"""Orders, what they hold and are charged, the book of an instrument, and the ledger.

Plain on purpose: a book side is one sorted list, the ledger one dictionary.
"""

from bisect import bisect_right, insort
from collections import defaultdict
from dataclasses import dataclass, field

from tests.model.codec import Header, Message

PPM = 1_000_000
BOUNDS = ("collar_ppm", "slippage_ppm", "band_ppm", "auction_ns", "auction_fee")
TIFS_THAT_MAY_REST = ("gtc", "gtd", "day")


def _never_configured() -> Message:
    how: dict[str, object] = {"matching": "price_time", "reference": "last"}
    bounds = dict.fromkeys(BOUNDS, 0)
    return Message("InstrumentConfigured", instrument=0, version=0, **how, **bounds)


@dataclass(slots=True)
class Touched:
    """From where to where a price has been; empty while both are 0."""

    low: int = 0
    high: int = 0

    def add(self, price: int) -> None:
        """The price has been here."""
        self.low = min(self.low, price) if self.high else price
        self.high = max(self.high, price)

    def clear(self) -> None:
        """Whoever looks at prices has seen all of it."""
        self.low = self.high = 0


def _untouched() -> dict[str, Touched]:
    return {"last": Touched(), "mark": Touched()}


@dataclass(slots=True)
class Uncross:
    """An auction that is being carried out: its price, what is left to trade, what follows."""

    price: int
    left: int
    then: str
    reason: str


@dataclass(eq=False, slots=True)
class Instrument:
    """An instrument with its rules (its `InstrumentCreate`), its book and its prices.

    `config` is its last `InstrumentConfigured`. A touched range is for stops, the same since
    trailing orders were last looked at is for those.
    """

    id: int
    rules: Message
    tick_lot_minor: int
    last_trade_id: int = 0
    book: dict[str, list["Order"]] = field(default_factory=lambda: {"buy": [], "sell": []})
    config: Message = field(default_factory=_never_configured)
    last_price: int = 0
    mark: int = 0
    touched: dict[str, Touched] = field(default_factory=_untouched)
    touched_for_trailing: dict[str, Touched] = field(default_factory=_untouched)
    state: str = "open"
    # When the state ends by itself; start and end of the next call; 0 for never.
    until_ns: int = 0
    schedule: tuple[int, int] = (0, 0)
    # Of an auction: whether its schedule began it, whether its book changed since the last
    # indication, and what is left to do of its uncross.
    is_scheduled: bool = False
    is_changed: bool = False
    uncross: "Uncross | None" = None

    def notional(self, price: int, qty: int) -> int:
        """What so many lots are worth at a price, in quote minor units."""
        return price * qty * self.tick_lot_minor

    def reference(self) -> int:
        """What prices are measured against, in ticks; 0 where there is nothing yet."""
        bid, ask = self.first("buy"), self.first("sell")
        by_mid = self.config.reference == "mid" and self.state != "auction"
        if by_mid and bid is not None and ask is not None:
            return (bid.rests_at + ask.rests_at) // 2
        if self.config.reference == "mark":
            return self.mark or self.last_price
        return self.last_price or self.mark

    def price(self, which: str) -> int:
        """The last price or the mark, 0 before the first."""
        return self.last_price if which == "last" else self.mark

    def set_price(self, which: str, price: int) -> None:
        """The last price or the mark is now this."""
        if price != self.price(which):
            self.touched[which].add(price)
            self.touched_for_trailing[which].add(price)
        if which == "last":
            self.last_price = price
        else:
            self.mark = price

    def first(self, side: str) -> "Order | None":
        """The oldest order at the best price of a side."""
        return self.book[side][0] if self.book[side] else None

    def level(self, side: str, price: int) -> list["Order"]:
        """The orders at a price, oldest first."""
        return [order for order in self.book[side] if order.rests_at == price]

    def rest(self, order: "Order", price: int) -> None:
        """Put an order behind all of a price."""
        order.rests_at = price
        sign = -1 if order.side == "buy" else 1
        insort(self.book[order.side], order, key=lambda o: sign * o.rests_at)

    def remove(self, order: "Order") -> None:
        """Take an order off the book."""
        self.book[order.side].remove(order)
        order.rests_at = 0


@dataclass(eq=False)
class Order:
    """An order from its acceptance on.

    `placed` is its `OrderPlaceTerms`, whatever command it came with, and `body` that command;
    `qty` and `price` are of now. An order without a price is a market order; a collar price makes
    it a limit order. `rests_at` is where it stands on the book, 0 while it does not.
    """

    id: int
    header: Header
    instrument: Instrument
    placed: Message
    body: Message
    maker_rate: int
    taker_rate: int
    price: int
    trigger_price: int
    expires_ns: int
    state: str = "open"
    filled: int = 0
    charged: int = 0
    traded: int = 0
    fee_parts: int = 0
    held: int = 0
    rests_at: int = 0
    displayed: int = 0
    # Of trailing orders: the best price that they have seen, and whether they only wait to act.
    best: int = 0
    is_due: bool = False
    # A market order in an auction, which ends with it.
    ends_with_auction: bool = False
    # In a list: which leg, and whether it waits for leg 0.
    leg: int = 0
    is_pending: bool = False

    def __post_init__(self) -> None:
        placed, rules = self.placed, self.instrument.rules
        self.account: int = self.header.account
        self.first_seq: int = self.header.seq
        self.qty: int = placed.qty
        self.side: str = placed.side
        self.opposite = "sell" if placed.side == "buy" else "buy"
        self.pays_in: int = rules.base if placed.side == "sell" else rules.quote
        self.by_notional: bool = placed.notional != 0
        self.is_conditional: bool = placed.trigger != "none"
        self.is_trailing: bool = placed.trigger.startswith("trail")
        self.is_pegged: bool = placed.peg != "none"
        self.is_iceberg: bool = placed.display_qty != 0

    def facts(self) -> dict[str, object]:
        """What events say of it; each takes the fields that it has."""
        ids = {"order_id": self.id, "account": self.account, "instrument": self.instrument.id}
        now = {"qty": self.qty, "price": self.price, "filled": self.filled}
        return vars(self.placed) | ids | now | {"remaining": self.remaining, "state": self.state}

    @property
    def is_limit(self) -> bool:
        """Whether it has a price that it does not trade past."""
        return self.price != 0

    @property
    def holds(self) -> bool:
        """Whether it holds what it needs; the others pay fill by fill."""
        return self.is_limit or (self.side == "sell" and not self.by_notional)

    @property
    def may_rest(self) -> bool:
        """Whether what is left of it goes on the book."""
        stays = self.placed.time_in_force in TIFS_THAT_MAY_REST
        return self.is_limit and (stays or self.ends_with_auction)

    @property
    def remaining(self) -> int:
        """Lots left; 0 for an order by notional."""
        return 0 if self.by_notional else self.qty - self.filled

    @property
    def shown(self) -> int:
        """What its level counts of it."""
        return self.displayed if self.is_iceberg else self.remaining

    @property
    def is_spent(self) -> bool:
        """Whether nothing remains of it."""
        return self.placed.notional == self.traded if self.by_notional else self.remaining == 0

    def would_show(self, remaining: int) -> int:
        """What a level would count of it if it came there with so much left."""
        return min(self.placed.display_qty, remaining) if self.is_iceberg else remaining

    def crosses(self, price: int) -> bool:
        """Whether it would trade at this price of the other side."""
        if not self.is_limit:
            return True
        return price <= self.price if self.side == "buy" else price >= self.price

    def charge_with(self, rate: int, notional: int) -> int:
        """What it is charged in all with so much more traded at a rate, rounded up once."""
        return -(-(self.fee_parts + rate * notional) // PPM)

    def cost(self, price: int, qty: int) -> int:
        """What taking so many lots would take from a buyer now, with the charge they add."""
        notional = self.instrument.notional(price, qty)
        return notional + self.charge_with(self.taker_rate, notional) - self.charged

    def affordable(self, price: int, qty: int, available: int) -> int:
        """The most lots, up to `qty`, that so much available pays for or delivers."""
        if self.side == "sell":
            return min(qty, available // int(self.instrument.rules.lot_minor))
        if self.cost(price, qty) <= available:
            return qty
        return bisect_right(range(1, qty + 1), available, key=lambda q: self.cost(price, q))

    def need(self, price: int, remaining: int) -> int:
        """What it must hold to live on at this price with so much left."""
        if self.side == "sell":
            return remaining * int(self.instrument.rules.lot_minor)
        return self.cost(price, remaining)


class Ledger:
    """All money: available and held by (account, asset), fees and net deposits by asset."""

    def __init__(self) -> None:
        self.available: defaultdict[tuple[int, int], int] = defaultdict(int)
        self.held: defaultdict[tuple[int, int], int] = defaultdict(int)
        self.fees: defaultdict[int, int] = defaultdict(int)
        self.external: defaultdict[int, int] = defaultdict(int)
        self._before: dict[tuple[int, int], tuple[int, int]] = {}

    def post(self, asset: int, minor: int, debit: tuple[str, int], credit: tuple[str, int]) -> None:
        """Move money between two of available, held, fees and external. The only way it moves."""
        for (place, account), change in ((debit, -minor), (credit, minor)):
            if place in ("available", "held"):
                key = (account, asset)
                self._before.setdefault(key, (self.available[key], self.held[key]))
                balances = self.available if place == "available" else self.held
                balances[key] += change
                assert balances[key] >= 0, f"{place} of {key} is negative"
            else:
                (self.fees if place == "fees" else self.external)[asset] += change

    def changes(self) -> list[Message]:
        """`BalanceChanged` for what differs since the last call, by account and asset."""
        before, self._before = self._before, {}
        return [
            Message("BalanceChanged", account=key[0], asset=key[1], available=now[0], held=now[1])
            for key, was in sorted(before.items())
            if was != (now := (self.available[key], self.held[key]))
        ]
