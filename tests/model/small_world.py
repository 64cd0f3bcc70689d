"""An exhaustive small world: every sequence of a few commands, said alike by core and reference.

Two accounts with the same small purse, one instrument, two prices, two quantities; limit and market
with all times in force, post-only, cancels and amends of whatever is live, and the clock. What a
random test meets by luck is met here because all of it is made.

Depth first: the core is copied before each command, so a prefix is applied once. The reference is
far slower, so its answers are kept by its state, which its state hash stands for: by the rules that
hash is over the whole state. The core gets no such help and applies every sequence.

What is left out, and why nothing is lost by it

- Sequences of full length are begun by A alone. The rules tell accounts apart only by the order in
  which events name them, and the purses are the same: what B begins is what A begins with the names
  exchanged. Shorter sequences are begun by both, so that a core that looks at the id is seen.
  Sides are not taken for mirrors of each other: rounding, fees and holds are not.
- The reference answers a placement for the state in which every live order is a plain one: how long
  a maker stays, and whether it was post-only, is nothing to who meets it (sections 4 and 5 of the
  rules). Were that wrong, the core would differ from it here. Cancels, amends and the clock are
  asked of the state itself, and so is every prefix that goes on.
- Where `merges` is set, and only there, a prefix ends where another of its length came to the same
  state by the core's own state hash.

After each prefix that goes on, the core's state hash is compared, too.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import product
from typing import Protocol, Self

from tests.model.codec import Header, Message, encode_events, encode_record
from tests.model.copying import copy_of
from tests.model.differential import Core, Difference, Record, replay, to_json
from tests.model.exchange import ReferenceExchange
from tests.model.hashes import state_hash
from tests.model.terms import with_terms

A, B = ACCOUNTS = (1, 2)
SIDES = ("buy", "sell")
QUANTITIES = (1, 2)
PRICES = (100, 101)
TIMES_IN_FORCE = ("gtc", "ioc", "fok", "gtd", "day")
USD, BTC = 1, 2
# Enough for three lots, which is one order of each quantity, and not for four.
PURSE = {USD: 320, BTC: 3}
FEES = {"maker_fee": 7_000, "taker_fee": 25_000}
LIMITS = {
    **{"hash_seed": 1, "shard": 0, "assets_max": 2, "instruments_max": 1, "accounts_max": 2},
    **{"keys_max": 1, "live_orders_max": 8, "open_orders_per_account_max": 8},
    **{"fills_per_command_max": 8, "client_order_ids_max": 8},
    **{"closed_ids_per_account_max": 2, "request_ids_max": 2},
}
HOUR_NS = 3_600_000_000_000
# An hour and a half before midnight, and a tick comes an hour later: the first one ends orders
# placed for an hour, the second one those for the day.
START_NS = 24 * HOUR_NS - HOUR_NS * 3 // 2
# How many plain states the reference's answers are kept for.
PLAIN_KEPT_MAX = 4_096


class CopiedCore(Core, Protocol):
    """A core that can be tried out: `coulisse._core.Engine`."""

    def copy(self) -> Self:
        """One of its own in the same state."""


@dataclass(slots=True)
class Place:
    """A state of the reference, and once it was asked, the commands it offers and its answers."""

    exchange: ReferenceExchange
    hours: int
    state: bytes
    commands: list[Record] = field(default_factory=list)
    # The record as bytes, and what it says.
    answers: list[tuple[bytes, bytes]] = field(default_factory=list)
    # Where each command leads.
    after: dict[int, "Place"] = field(default_factory=dict)


@dataclass(slots=True)
class Visited:
    """How many sequences were compared, and to how many states they came, by their length."""

    sequences: Counter[int] = field(default_factory=Counter)
    states: Counter[int] = field(default_factory=Counter)


@dataclass(slots=True)
class SmallWorld:
    """The search for a sequence of at most `length` commands that is not said alike."""

    make_core: Callable[[], CopiedCore]
    length: int
    merges: bool = False
    visited: Visited = field(default_factory=Visited)
    # Every state that was come to; its place, unless it will not be come to again.
    places: dict[tuple[bytes, int], Place | None] = field(default_factory=dict)
    plain: dict[tuple[bytes, int], list[bytes]] = field(default_factory=dict)
    path: list[Record] = field(default_factory=list)

    def explore(self) -> Visited:
        """Compare every sequence. Raises `Difference` with the first that is not said alike."""
        core, exchange = self.make_core(), ReferenceExchange()
        for record in setup():
            if core.apply(encode_record(*record)) != encode_events(exchange.apply(*record)):
                raise Difference("the set-up differs")
        root = Place(exchange, 0, state_hash(exchange))
        self._ask(root)
        for at, (header, _) in enumerate(root.commands):
            self._go_on(core, root, at, self.length - 1 - (header.account == B))
        return self.visited

    def _visit(self, core: CopiedCore, place: Place, left: int) -> None:
        """Compare all that may follow, up to so many commands."""
        self._ask(place)
        if left == 1:
            self._compare_last(core, place)
            return
        for at in range(len(place.answers)):
            self._go_on(core, place, at, left - 1)

    def _compare_last(self, core: CopiedCore, place: Place) -> None:
        for at, (record, said) in enumerate(place.answers):
            if core.copy().apply(record) != said:
                raise self._difference(place, at)
        self.visited.sequences[len(self.path) + 1] += len(place.answers)

    def _go_on(self, core: CopiedCore, place: Place, at: int, left: int) -> None:
        """Compare one command, and what may follow it."""
        record, said = place.answers[at]
        copy, states = core.copy(), len(self.places)
        if copy.apply(record) != said:
            raise self._difference(place, at)
        then = self._after(place, at)
        if copy.state_hash() != then.state:
            raise self._difference(place, at)
        self.path.append(place.commands[at])
        self.visited.sequences[len(self.path)] += 1
        is_new = len(self.places) > states
        self.visited.states[len(self.path)] += is_new
        if left > 0 and (is_new or not self.merges):
            self._visit(copy, then, left)
        self.path.pop()

    def _difference(self, place: Place, at: int) -> Difference:
        records = [*setup(), *self.path, place.commands[at]]
        how = replay(self.make_core, records) or "a copy says something else than the core itself"
        return Difference(f"{how}\n\n{to_json(records)}")

    # What the reference says.

    def _after(self, place: Place, at: int) -> Place:
        """The place that a command leads to."""
        if at in place.after:
            return place.after[at]
        exchange, (header, command) = copy_of(place.exchange), place.commands[at]
        said = encode_events(exchange.apply(header, command))
        assert said == place.answers[at][1], "a placement depends on how long makers stay"
        hours = place.hours + (command.kind == "Tick")
        key = (state_hash(exchange), hours)
        then = self.places.get(key) or Place(exchange, hours, key[0])
        if self.merges:
            self.places[key] = None
        else:
            self.places[key] = place.after[at] = then
        return then

    def _ask(self, place: Place) -> None:
        """Find out what a place offers and what the reference says to it, if it is not known."""
        if place.answers:
            return
        exchange, hours = place.exchange, place.hours
        offered = [*placements(hours), *others(exchange, hours)]
        seq = exchange.last_seq + 1
        place.commands = [(replace(header, seq=seq), command) for header, command in offered]
        placed = self._said_to_placements(place)
        said = placed + answers(exchange, place.commands[len(placed) :])
        records = [encode_record(*record) for record in place.commands]
        place.answers = list(zip(records, said, strict=True))

    def _said_to_placements(self, place: Place) -> list[bytes]:
        plain = copy_of(place.exchange)
        for order in plain.live.values():
            fields = vars(order.placed) | {"time_in_force": "gtc", "post_only": False}
            order.placed = order.body = Message(**fields | {"expire_ns": 0})
            order.expires_ns = 0
        key = (state_hash(plain), place.hours)
        if key not in self.plain:
            if len(self.plain) == PLAIN_KEPT_MAX:
                self.plain.clear()
            count = len(placements(place.hours))
            self.plain[key] = answers(plain, place.commands[:count])
        return self.plain[key]


def answers(exchange: ReferenceExchange, commands: list[Record]) -> list[bytes]:
    """What the reference says to each of these, were it the next."""
    said, copy = [], copy_of(exchange)
    for header, command in commands:
        events = copy.apply(header, command)
        said.append(encode_events(events))
        if events[0].kind != "Rejected":
            # What is refused has changed nothing.
            copy = copy_of(exchange)
    return said


# What may be done.


@cache
def setup() -> list[Record]:
    """The records that make the world."""
    node, commands = Header(0, START_NS, incarnation=1), list[Record]()
    commands.append((replace(node, incarnation=0), Message("Genesis", **LIMITS)))
    commands.append((node, Message("NodeStarted", incarnation=1)))
    for name in ("USD", "BTC"):
        commands.append((node, Message("AssetCreate", name=name, scale=0)))
    steps = {"tick_minor": 1, "lot_minor": 1, "min_qty": 1, "max_qty": 2, "min_notional": 1}
    ids: dict[str, object] = {"symbol": "BTC-USD", "base": BTC, "quote": USD}
    commands.append((node, Message("InstrumentCreate", **ids, **steps, **FEES)))
    for account, name in ((A, "ann"), (B, "bob")):
        commands.append((node, Message("AccountCreate", name=name)))
        for asset, amount in PURSE.items():
            own = replace(node, account=account)
            commands.append((own, Message("Deposit", asset=asset, amount=amount)))
    return [(replace(header, seq=seq), c) for seq, (header, c) in enumerate(commands, start=1)]


@cache
def placements(hours: int) -> list[Record]:
    """Every order that may be placed after so many ticks; the seq is the caller's to set."""
    return [
        (Header(0, now_ns(hours), incarnation=1, account=account), order)
        for account in ACCOUNTS
        for order in orders(now_ns(hours))
    ]


def orders(at_ns: int) -> Iterator[Message]:
    """Every order of one account."""
    for side, qty, tif in product(SIDES, QUANTITIES, TIMES_IN_FORCE):
        yield order(side, qty, 0, tif, at_ns)
        for price in PRICES:
            yield order(side, qty, price, tif, at_ns)
    for side, qty, price in product(SIDES, QUANTITIES, PRICES):
        yield order(side, qty, price, "gtc", at_ns, post_only=True)


def order(
    side: str, qty: int, price: int, tif: str, at_ns: int, *, post_only: bool = False
) -> Message:
    """A limit order or, without a price, a market order."""
    what: dict[str, object] = {"side": side, "order_type": "limit" if price else "market"}
    how: dict[str, object] = {"time_in_force": tif, "post_only": post_only, "qty": qty}
    rest: dict[str, object] = {"instrument": 1, "notional": 0, "client_order_id": ""}
    fields = what | how | rest | {"price": price}
    if tif == "gtd":
        return with_terms(fields | {"expire_ns": at_ns + HOUR_NS})
    return Message("OrderPlace", **fields)


def others(exchange: ReferenceExchange, hours: int) -> Iterator[Record]:
    """Cancels and amends of what is live, and the next tick."""
    node = Header(0, now_ns(hours), incarnation=1)
    for live in exchange.live.values():
        which: dict[str, object] = {"order_id": live.id, "client_order_id": ""}
        for account in ACCOUNTS:
            yield replace(node, account=account), Message("OrderCancel", **which)
        for qty, price in product(QUANTITIES, PRICES):
            own = replace(node, account=live.account)
            yield own, Message("OrderAmend", **which, qty=qty, price=price)
    yield replace(node, time_ns=now_ns(hours + 1)), Message("Tick")


def now_ns(hours: int) -> int:
    """What the log says the time is."""
    return START_NS + hours * HOUR_NS
