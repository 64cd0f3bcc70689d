"""What everything about orders stands on: the tables; how an order is found, holds, closes."""

from collections.abc import Iterable

from tests.model.book import Instrument, Ledger, Order
from tests.model.codec import FIELD_NAMES, Message

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
        self.keys: list[tuple[Message, int]] = []
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

    def emit(self, said: str, order: Order | None = None, **fields: object) -> None:
        """Say an event; what it does not say itself is taken from the order."""
        given = order.facts() | fields if order else fields
        self.events.append(Message(said, **{name: given[name] for name in FIELD_NAMES[said]}))

    def said_of(self, *kinds: str) -> Iterable[Message]:
        """The events so far of these kinds."""
        return (event for event in self.events if event.kind in kinds)

    def _instrument(self, instrument: int, field: str = "symbol") -> Instrument:
        exists = 1 <= instrument <= len(self.instruments)
        require(exists, f"UNKNOWN_INSTRUMENT {field} number", instrument)
        return self.instruments[instrument - 1]

    def _require_asset(self, field: str, asset: int) -> None:
        exists = 1 <= asset <= len(self.assets)
        require(exists, f"UNKNOWN_ASSET {field} number", asset)

    def _find(self, account: int, order_id: int, client_order_id: str) -> Order:
        """The live order that a command names (section 6); never a dead one."""
        both, none = order_id and client_order_id, not (order_id or client_order_id)
        require(not both, "INVALID_COMBINATION client_order_id")
        require(not none, "INVALID_COMBINATION order_id")
        if client_order_id:
            order = self.live_ids.get((account, client_order_id))
            if order is None or order.is_dead:
                raise Reject("ORDER_NOT_FOUND client_order_id", 0, 0)
            return order
        order = self.live.get(order_id)
        if order is None or order.account != account or order.is_dead:
            raise Reject("ORDER_NOT_FOUND order_id number", order_id, 0)
        return order

    def _hold(self, order: Order, minor: int) -> None:
        """Make an order hold so much, from and to what its account has available."""
        available, held = ("available", order.account), ("held", order.account)
        self.ledger.post(order.pays_in, minor - order.held, available, held)
        order.held = minor

    def _say_level(self, instrument: Instrument, side: str, price: int) -> None:
        resting = [order.remaining for order in instrument.book[side] if order.price == price]
        level = {"instrument": instrument.id, "side": side, "price": price}
        level |= {"qty": sum(resting), "order_count": len(resting)}
        self.events.append(Message("LevelChanged", **level))

    def _close(self, order: Order, state: str, reason: str) -> None:
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
        self._after_close(order)

    def _take_off(self, order: Order, state: str, reason: str) -> None:
        """End an order that rests, and say its level."""
        order.instrument.remove(order)
        self._close(order, state, reason)
        self._say_level(order.instrument, order.side, order.price)

    def _after_close(self, order: Order) -> None:
        """It is closed, and that is said."""
