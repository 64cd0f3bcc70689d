"""Positions in the reference exchange, what they are worth, and reduce-only (section 20)."""

from dataclasses import asdict, dataclass

from tests.model.book import Instrument, Order
from tests.model.orders import DAY_NS, Orders

POSITION_LOTS_MAX = 1 << 62
POSITION_MINOR_MAX = 10**34
MARKED_MINOR_MAX = 10**33


@dataclass(slots=True)
class Position:
    """What an account holds of an instrument by its trades."""

    qty: int = 0
    cost: int = 0
    realised: int = 0
    fees: int = 0

    def add(self, sign: int, qty: int, notional: int, fee: int) -> None:
        """Count a fill: a buy with sign 1, a sell with −1."""
        self.fees += fee
        closes = min(qty, abs(self.qty)) if self.qty * sign < 0 else 0
        part = notional * closes // qty
        if closes:
            removed = _toward_zero(self.cost * closes, abs(self.qty))
            self.realised += -sign * part - removed
            self.qty += sign * closes
            self.cost -= removed
        self.qty += sign * (qty - closes)
        self.cost += sign * (notional - part)


@dataclass(slots=True)
class Loss:
    """What the loss of an account in a quote asset is measured from."""

    day: int
    base: int = 0
    last: int = 0
    peak: int = 0


class Positions(Orders):
    """Counts fills; knows what positions are worth and what reduces them."""

    def __init__(self) -> None:
        super().__init__()
        # By account and instrument; those that it ever traded.
        self.positions: dict[tuple[int, int], Position] = {}
        # By account and quote asset.
        self.losses: dict[tuple[int, int], Loss] = {}

    @property
    def today(self) -> int:
        """The day of the command."""
        return self.now_ns // DAY_NS

    def position(self, account: int, instrument: Instrument) -> Position:
        """What an account has of an instrument; nothing if it never traded."""
        return self.positions.get((account, instrument.id), Position())

    def _count_fill(self, order: Order, qty: int, notional: int, fee: int) -> None:
        """A fill of one order becomes part of its account's position."""
        position = self.positions.setdefault((order.account, order.instrument.id), Position())
        position.add(sign_of(order.side), qty, notional, fee)

    def _is_countable(self, order: Order, qty: int, notional: int) -> bool:
        """Whether its account's position has room for such a fill."""
        now = self.position(order.account, order.instrument)
        lots = abs(now.qty + sign_of(order.side) * qty)
        minor = abs(now.cost) + abs(now.realised) + abs(now.fees) + notional
        return lots <= POSITION_LOTS_MAX and minor <= POSITION_MINOR_MAX

    def capacity(self, order: Order) -> int:
        """The most lots that would only make the position smaller."""
        return max(0, -sign_of(order.side) * self.position(order.account, order.instrument).qty)

    def reducible(self, order: Order, qty: int) -> int:
        """As many of these lots as the order may trade: all, or what reduces."""
        return min(qty, self.capacity(order)) if order.placed.reduce_only else qty

    def cannot_reduce(self, order: Order) -> bool:
        """Whether there is nothing that a reduce-only order would make smaller."""
        return bool(order.placed.reduce_only) and self.capacity(order) == 0

    def marked_pnl(self, account: int, asset: int) -> int:
        """What an account has gained in a quote asset, open positions at the reference."""
        pnl = 0
        for (owner, instrument_id), position in self.positions.items():
            instrument = self.instruments[instrument_id - 1]
            if owner != account or instrument.rules.quote != asset:
                continue
            pnl += position.realised - position.fees
            reference = instrument.reference()
            if reference != 0:
                pnl += valued(instrument, reference, position.qty) - position.cost
        return pnl

    def daily_loss(self, account: int, asset: int) -> int:
        """How much less an account has than when the day began; 0 before its first fill."""
        row = self.losses.get((account, asset))
        if row is None:
            return 0
        base = row.base if row.day == self.today else row.last
        return base - self.marked_pnl(account, asset)

    def drawdown(self, account: int, asset: int) -> int:
        """How much less an account has than it had at its best."""
        row = self.losses.get((account, asset))
        return row.peak - self.marked_pnl(account, asset) if row else 0

    def _say_positions(self) -> None:
        """At the end of a command: positions that had a fill, and the rows of their losses."""
        filled = sorted({(e.account, e.instrument) for e in self.said_of("OrderFilled")})
        for account, instrument in filled:
            now = asdict(self.positions[account, instrument])
            self.emit("PositionChanged", account=account, instrument=instrument, **now)
        for key in {(account, self.instruments[i - 1].rules.quote) for account, i in filled}:
            self._note_pnl(*key)

    def _note_pnl(self, account: int, asset: int) -> None:
        row = self.losses.setdefault((account, asset), Loss(self.today))
        if self.today > row.day:
            row.day, row.base = self.today, row.last
        row.last = self.marked_pnl(account, asset)
        row.peak = max(row.peak, row.last)


def sign_of(side: str) -> int:
    """1 for a buy, −1 for a sell."""
    return 1 if side == "buy" else -1


def valued(instrument: Instrument, price: int, lots: int) -> int:
    """What lots are worth where they are not traded; absurd prices are cut."""
    return max(-MARKED_MINOR_MAX, min(instrument.notional(price, lots), MARKED_MINOR_MAX))


def _toward_zero(dividend: int, divisor: int) -> int:
    return dividend // divisor if dividend >= 0 else -(-dividend // divisor)
