"""Orders, what they hold and are charged, the book of an instrument, and the ledger.

Plain on purpose: a book side is one sorted list, the ledger one dictionary.
"""

from bisect import bisect_right, insort
from collections import defaultdict
from dataclasses import dataclass, field

from tests.model.codec import Message

PPM = 1_000_000
BOUNDS = ("collar_ppm", "slippage_ppm", "band_ppm", "auction_ns", "auction_fee")


def _never_configured() -> Message:
    how: dict[str, object] = {"matching": "price_time", "reference": "last"}
    bounds = dict.fromkeys(BOUNDS, 0)
    return Message("InstrumentConfigured", instrument=0, version=0, **how, **bounds)


@dataclass(eq=False, slots=True)
class Instrument:
    """An instrument with its rules (its `InstrumentCreate`), its book and its prices.

    `config` is its last `InstrumentConfigured`.
    """

    id: int
    rules: Message
    tick_lot_minor: int
    last_trade_id: int = 0
    book: dict[str, list["Order"]] = field(default_factory=lambda: {"buy": [], "sell": []})
    config: Message = field(default_factory=_never_configured)
    last_price: int = 0
    mark: int = 0
    state: str = "open"

    def notional(self, price: int, qty: int) -> int:
        """What so many lots are worth at a price, in quote minor units."""
        return price * qty * self.tick_lot_minor

    def reference(self) -> int:
        """What prices are measured against, in ticks; 0 where there is nothing yet."""
        bid, ask = self.first("buy"), self.first("sell")
        if self.config.reference == "mid" and bid is not None and ask is not None:
            return (bid.price + ask.price) // 2
        if self.config.reference == "mark":
            return self.mark or self.last_price
        return self.last_price or self.mark

    def first(self, side: str) -> "Order | None":
        """The oldest order at the best price of a side."""
        return self.book[side][0] if self.book[side] else None

    def rest(self, order: "Order") -> None:
        """Put an order behind all of its price."""
        insort(self.book[order.side], order, key=lambda o: -o.price if o.side == "buy" else o.price)

    def remove(self, order: "Order") -> None:
        """Take an order off the book."""
        self.book[order.side].remove(order)


@dataclass(eq=False)
class Order:
    """An order from its acceptance on.

    `placed` is its `OrderPlaceTerms`, whichever command it came with; `qty` and `price` are of now.
    """

    id: int
    account: int
    instrument: Instrument
    placed: Message
    first_seq: int
    qty: int
    price: int
    maker_rate: int
    taker_rate: int
    state: str = "open"
    filled: int = 0
    charged: int = 0
    traded: int = 0
    fee_parts: int = 0
    held: int = 0
    # A kill switch has ended it; it is still to be closed.
    is_dead: bool = False
    # The last price that a market order may trade at; 0 for any.
    slips_to: int = 0

    def __post_init__(self) -> None:
        placed, rules = self.placed, self.instrument.rules
        self.side: str = placed.side
        self.opposite = "sell" if placed.side == "buy" else "buy"
        self.pays_in: int = rules.base if placed.side == "sell" else rules.quote
        self.is_limit: bool = placed.order_type == "limit"
        self.may_rest: bool = self.is_limit and placed.time_in_force == "gtc"
        self.is_conditional: bool = placed.trigger != "none"
        self.is_pegged: bool = placed.peg != "none"
        self.by_notional: bool = placed.notional != 0
        # The others pay fill by fill.
        self.holds: bool = self.is_limit or (placed.side == "sell" and placed.notional == 0)

    def facts(self) -> dict[str, object]:
        """What events say of it; each takes the fields that it has."""
        ids = {"order_id": self.id, "account": self.account, "instrument": self.instrument.id}
        now = {"qty": self.qty, "price": self.price, "filled": self.filled}
        return vars(self.placed) | ids | now | {"remaining": self.remaining, "state": self.state}

    @property
    def remaining(self) -> int:
        """Lots left; 0 for an order by notional."""
        return 0 if self.by_notional else self.qty - self.filled

    @property
    def is_spent(self) -> bool:
        """Whether nothing remains of it."""
        return self.placed.notional == self.traded if self.by_notional else self.remaining == 0

    def crosses(self, price: int) -> bool:
        """Whether it would trade at this price of the other side."""
        if not self.is_limit:
            return True
        return price <= self.price if self.side == "buy" else price >= self.price

    def slips_past(self, price: int) -> bool:
        """Whether a trade at this price would be beyond its slippage bound."""
        beyond = price > self.slips_to if self.side == "buy" else price < self.slips_to
        return self.slips_to != 0 and beyond

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
        return max(0, self.cost(price, remaining))


class Ledger:
    """All money: by (account, asset) what is available and held; by asset the houses' accounts."""

    def __init__(self) -> None:
        self.available: defaultdict[tuple[int, int], int] = defaultdict(int)
        self.held: defaultdict[tuple[int, int], int] = defaultdict(int)
        self.fees: defaultdict[int, int] = defaultdict(int)
        self.rounding: defaultdict[int, int] = defaultdict(int)
        self.external: defaultdict[int, int] = defaultdict(int)
        self._before: dict[tuple[int, int], tuple[int, int]] = {}

    def post(self, asset: int, minor: int, debit: tuple[str, int], credit: tuple[str, int]) -> None:
        """Move money between two of these tables, by their names. The only way it moves."""
        for (place, account), change in ((debit, -minor), (credit, minor)):
            if place in ("available", "held"):
                key = (account, asset)
                self._before.setdefault(key, (self.available[key], self.held[key]))
                balances = self.available if place == "available" else self.held
                balances[key] += change
                assert balances[key] >= 0, f"{place} of {key} is negative"
            else:
                houses = {"fees": self.fees, "rounding": self.rounding, "external": self.external}
                houses[place][asset] += change

    def changes(self) -> list[Message]:
        """`BalanceChanged` for what differs since the last call, by account and asset."""
        before, self._before = self._before, {}
        return [
            Message("BalanceChanged", account=key[0], asset=key[1], available=now[0], held=now[1])
            for key, was in sorted(before.items())
            if was != (now := (self.available[key], self.held[key]))
        ]
