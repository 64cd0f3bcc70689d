"""What everything about orders stands on: the tables, and how an order holds, rests and closes."""

from collections.abc import Iterable

from tests.model.book import Instrument, Ledger, Order
from tests.model.codec import FIELD_NAMES, Header, Message

QTY_LOTS_MAX = PRICE_TICKS_MAX = 1 << 53
NOTIONAL_MINOR_MAX = 10**30
ASSET_TOTAL_MINOR_MAX = NOTIONAL_MINOR_MAX * 100
I64_MAX, I128_MAX = (1 << 63) - 1, (1 << 127) - 1
SHARD_SHIFT = 44
DAY_NS = 86_400_000_000_000


class Reject(Exception):
    """A command is refused: (what, value, limit). It must not have changed anything."""


def require(good: object, what: str, value: int = 0, limit: int = 0) -> None:
    """Refuse the command unless `good`; `what` is the code, the field and the unit."""
    if not good:
        raise Reject(what, value, limit)


class Orders:
    """The state that orders touch."""

    def __init__(self) -> None:
        self.genesis: Message | None = None
        self.assets: list[Message] = []
        self.accounts: list[str] = []
        self.groups: list[str] = []
        # Group and trade group of each account, in the order of `accounts`.
        self.memberships: list[tuple[int, int]] = []
        # Each key with its account; by its number the highest nonce, and those of its window.
        self.keys: list[tuple[Message, int]] = []
        self.nonces: dict[int, tuple[int, tuple[int, ...]]] = {}
        self.instruments: list[Instrument] = []
        self.ledger = Ledger()
        self.order_count = 0
        self.live: dict[int, Order] = {}
        self.live_ids: dict[tuple[int, str], Order] = {}
        self.closed_ids: dict[tuple[int, str], Order] = {}
        self.events: list[Message] = []
        self.now_ns = 0

    @property
    def limits(self) -> Message:
        """The bounds that genesis set."""
        assert self.genesis is not None
        return self.genesis

    @property
    def youngest_order_id(self) -> int:
        """The last order id that was given; 0 before the first."""
        return self.limits.shard << SHARD_SHIFT | self.order_count if self.order_count else 0

    def emit(self, said: str, order: Order | None = None, /, **fields: object) -> None:
        """Say an event; what it does not say itself is taken from the order."""
        given = order.facts() | fields if order else fields
        self.events.append(Message(said, **{name: given[name] for name in FIELD_NAMES[said]}))

    def said_of(self, *kinds: str) -> Iterable[Message]:
        """The events so far of these kinds."""
        return (event for event in self.events if event.kind in kinds)

    def _say_reject(self, reject: Reject, client_order_id: str) -> None:
        what, value, limit = reject.args
        names = zip(("code", "field", "unit"), (*what.split(), "", ""), strict=False)
        detail = {"value": value, "limit": limit, "client_order_id": client_order_id}
        self.emit("Rejected", **dict(names) | detail)

    def _instrument(self, instrument: int, field: str = "symbol") -> Instrument:
        exists = 1 <= instrument <= len(self.instruments)
        require(exists, f"UNKNOWN_INSTRUMENT {field} number", instrument)
        return self.instruments[instrument - 1]

    def _require_asset(self, field: str, asset: int) -> None:
        exists = 1 <= asset <= len(self.assets)
        require(exists, f"UNKNOWN_ASSET {field} number", asset)

    def _may_trade(self, key: int, instrument: int) -> bool:
        """Whether a key may trade an instrument (section 26)."""
        raise NotImplementedError

    def _find(self, header: Header, order_id: int, client_order_id: str) -> Order:
        """The live order that a command names (section 6); never a dead one."""
        account = header.account
        both, none = order_id and client_order_id, not (order_id or client_order_id)
        require(not both, "INVALID_COMBINATION client_order_id")
        require(not none, "INVALID_COMBINATION order_id")
        if client_order_id:
            order = self.live_ids.get((account, client_order_id))
            if order is None or not self._is_in_reach(header, order):
                raise Reject("ORDER_NOT_FOUND client_order_id", 0, 0)
            return order
        order = self.live.get(order_id)
        own = order is not None and order.account == account
        if order is None or not own or not self._is_in_reach(header, order):
            raise Reject("ORDER_NOT_FOUND order_id number", order_id, 0)
        return order

    def _is_in_reach(self, header: Header, order: Order) -> bool:
        return not order.is_dead and self._may_trade(header.key, order.instrument.id)

    # What a live order holds.

    def _need(self, order: Order) -> int:
        """What it must hold; a pair of a list together holds the larger need."""
        return order.need(order.price, order.remaining)

    def _hold(self, order: Order, minor: int) -> None:
        """Make an order hold so much, from and to what its account has available."""
        available, held = ("available", order.account), ("held", order.account)
        self.ledger.post(order.pays_in, minor - order.held, available, held)
        order.held = minor

    # Where it stands.

    def _say_level(self, instrument: Instrument, side: str, price: int) -> None:
        orders = instrument.level(side, price)
        instrument.is_changed = True
        level = {"instrument": instrument.id, "side": side, "price": price}
        level |= {"qty": sum(order.shown for order in orders), "order_count": len(orders)}
        self.events.append(Message("LevelChanged", **level))

    def _comes_to(self, order: Order, price: int) -> bool:
        """Put an order behind all of a price; False, and closed, if the level cannot count it."""
        shown = order.would_show(order.remaining)
        others = sum(o.shown for o in order.instrument.level(order.side, price))
        if others + shown > I64_MAX:
            self._close(order, "expired", "fill_limit")
            return False
        order.displayed, order.state = shown, "open"
        order.instrument.rest(order, price)
        return True

    def _rest(self, order: Order, price: int) -> None:
        self._hold(order, self._need(order))
        if self._comes_to(order, price):
            self.emit("OrderRested", order, price=price)
            self._say_level(order.instrument, order.side, price)

    def _leave(self, order: Order) -> None:
        """Take an order off its level, if it has one, and say so."""
        price = order.rests_at
        if price != 0:
            order.instrument.remove(order)
            self._say_level(order.instrument, order.side, price)

    def _close(self, order: Order, state: str, reason: str, *, says_level: bool = True) -> None:
        """End an order; in matching, its level is said later."""
        price = order.rests_at
        if price != 0:
            order.instrument.remove(order)
        self._hold(order, 0)
        order.state = state
        del self.live[order.id]
        identity = (order.account, order.placed.client_order_id)
        if order.placed.client_order_id:
            self.closed_ids[identity] = self.live_ids.pop(identity)
            own = [key for key in self.closed_ids if key[0] == order.account]
            if len(own) > self.limits.closed_ids_per_account_max:
                del self.closed_ids[own[0]]
        self.emit("OrderClosed", order, reason=reason)
        if price != 0 and says_level:
            self._say_level(order.instrument, order.side, price)
        self._after_close(order)

    # What others do when something happens to an order.

    def _after_fill(self, order: Order) -> None:
        """Its part of a trade is said and settled."""

    def _after_close(self, order: Order) -> None:
        """It is closed, and that is said."""
