"""The engine as a book of named orders: records in, events out, accounts and fees and all.

Every order is a command for one of a hundred funded accounts, so that holds, fees and balances run
as they do in a node. What is known of the book is folded from the engine's events alone, and each
`LevelChanged` is held against that fold: an engine that contradicts itself ends the replay.
"""

from __future__ import annotations

import bisect
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from coulisse import _core
from coulisse.bench.lobster_files import Levels
from coulisse.domain.errors import ReplayError
from coulisse.domain.schema import Value, schema

ACCOUNTS = 100
TAKER = ACCOUNTS + 1
BASE, QUOTE = 1, 2
PRICE_SCALE = 4
MAKER_PPM, TAKER_PPM = 200, 500
FUNDS_MINOR = 10**24
# The fixed part of a body, in front of its texts; see `crates/types/src/event.rs`.
_HEADER = struct.Struct("<IIHHHHQqQIIIIQ16s")
_EVENT_HEAD = struct.Struct("<HH")
_ACCEPTED = struct.Struct("<Q")
_RESTED = struct.Struct("<QIIBqq")
_FILLED = struct.Struct("<QIIQBBqq16s16sqq")
_AMENDED = struct.Struct("<QIIqqq")
_CLOSED = struct.Struct("<Q")
_LEVEL = struct.Struct("<IBqq")
_MAKER = 0


@dataclass(slots=True)
class _Live:
    """An order that rests."""

    key: int
    order_id: int
    total: int
    """What it asked for, fills included."""
    place: tuple[bool, int]


class EngineBook:
    """One instrument in a fresh engine."""

    def __init__(self) -> None:
        """Begin a log: genesis, two assets, one instrument, the funded accounts."""
        self._engine = _core.Engine()
        self._schema = schema()
        self._seq = 0
        self._orders: dict[int, _Live] = {}
        self._order_ids: dict[int, int] = {}
        self._queues: dict[tuple[bool, int], dict[int, int]] = {}
        # Prices ascending, by side; a bid's are read from the end.
        self._prices: dict[bool, list[int]] = {True: [], False: []}
        self._fills: list[tuple[int, int]] = []
        number = {message.name: kind for kind, message in self._schema.events.items()}
        self._readers = {
            number["Rejected"]: self._on_rejected,
            number["OrderFilled"]: self._on_filled,
            number["OrderRested"]: self._on_rested,
            number["OrderAmended"]: self._on_amended,
            number["OrderClosed"]: self._on_closed,
            number["LevelChanged"]: self._on_level,
        }
        self._begin()

    def add(self, key: int, buy: bool, price: int, qty: int) -> None:
        """Let an order rest."""
        order = _place(buy, price, qty, "gtc")
        events = self._send("OrderPlace", order, _account(key))
        (order_id,) = _ACCEPTED.unpack_from(events, _EVENT_HEAD.size)
        self._orders[order_id] = _Live(key, order_id, qty, (buy, price))
        self._order_ids[key] = order_id
        self._read(events)

    def reduce(self, key: int, by: int) -> None:
        """Take `by` off an order, all of it included; it keeps its place."""
        live = self._orders[self._order_ids[key]]
        named: dict[str, Value] = {"order_id": live.order_id, "client_order_id": ""}
        if self._queues[live.place][key] == by:
            self._read(self._send("OrderCancel", named, _account(key)))
            return
        live.total -= by
        amend = {**named, "qty": live.total, "price": 0}
        self._read(self._send("OrderAmend", amend, _account(key)))

    def execute(self, buy: bool, price: int, qty: int) -> list[tuple[int, int]]:
        """Hit the resting side `buy` with an immediate-or-cancel order; return (maker, qty)."""
        self._fills = []
        self._read(self._send("OrderPlace", _place(not buy, price, qty, "ioc"), TAKER))
        return self._fills

    def level_orders(self, buy: bool, price: int) -> list[tuple[int, int]]:
        """Return (order, qty) of one level, oldest first."""
        return list(self._queues.get((buy, price), {}).items())

    def levels(self, buy: bool, depth: int) -> Levels:
        """Return the best levels of a side; depth 0 is all."""
        prices = self._prices[buy]
        best = prices[-depth:][::-1] if buy else prices[: depth or None]
        return [(price, sum(self._queues[buy, price].values())) for price in best]

    def state_hash(self) -> bytes:
        """Return the engine's hash over its whole state, once that has been checked."""
        self._engine.check_invariants()
        return self._engine.state_hash()

    def _begin(self) -> None:
        limits = {
            "assets_max": 2, "instruments_max": 1, "accounts_max": TAKER, "keys_max": 1,
            "live_orders_max": 100_000, "open_orders_per_account_max": 10_000,
            "fills_per_command_max": 10_000, "client_order_ids_max": 1_024,
            "closed_ids_per_account_max": 16, "request_ids_max": 1_024,
        }  # fmt: skip
        self._send("Genesis", {"hash_seed": 1, "shard": 0, **limits}, 0)
        self._send("AssetCreate", {"name": "AMZN", "scale": 0}, 0)
        self._send("AssetCreate", {"name": "USD", "scale": PRICE_SCALE}, 0)
        instrument: dict[str, Value] = {
            "symbol": "AMZN-USD", "base": BASE, "quote": QUOTE, "tick_minor": 1, "lot_minor": 1,
            "min_qty": 1, "max_qty": 10**9, "min_notional": 0,
            "maker_fee": MAKER_PPM, "taker_fee": TAKER_PPM,
        }  # fmt: skip
        self._send("InstrumentCreate", instrument, 0)
        for account in range(1, TAKER + 1):
            self._send("AccountCreate", {"name": f"account-{account}"}, 0)
            for asset in (BASE, QUOTE):
                self._send("Deposit", {"asset": asset, "amount": FUNDS_MINOR}, account)

    def _send(self, name: str, fields: Mapping[str, Value], account: int) -> bytes:
        self._seq += 1
        kind, body = self._schema.encode(name, fields)
        header = _HEADER.pack(
            _HEADER.size + len(body), 0, 0, kind, 1, 0, self._seq, self._seq, self._seq,
            0, account, 0, 0, 0, bytes(16),
        )  # fmt: skip
        events = self._engine.apply(header + body)
        if events[:2] == b"\x01\x00":
            self._on_rejected(events, _EVENT_HEAD.size)
        return events

    def _read(self, events: bytes) -> None:
        at = 0
        while at < len(events):
            kind, length = _EVENT_HEAD.unpack_from(events, at)
            at += _EVENT_HEAD.size
            reader = self._readers.get(kind)
            if reader is not None:
                reader(events, at)
            at += length

    def _on_rejected(self, events: bytes, at: int) -> None:
        event = next(self._schema.decode_events(events))
        raise ReplayError(f"the engine refused record {self._seq}: {dict(event.fields)}")

    def _on_rested(self, events: bytes, at: int) -> None:
        order_id, _, _, side, price, remaining = _RESTED.unpack_from(events, at)
        buy = side == 0
        queue = self._queues.get((buy, price))
        if queue is None:
            queue = self._queues[buy, price] = {}
            bisect.insort(self._prices[buy], price)
        queue[self._orders[order_id].key] = remaining

    def _on_filled(self, events: bytes, at: int) -> None:
        fields = _FILLED.unpack_from(events, at)
        order_id, role, qty, remaining = fields[0], fields[5], fields[7], fields[11]
        if role == _MAKER:
            live = self._orders[order_id]
            self._queues[live.place][live.key] = remaining
            self._fills.append((live.key, qty))

    def _on_amended(self, events: bytes, at: int) -> None:
        order_id, _, _, _, _, remaining = _AMENDED.unpack_from(events, at)
        live = self._orders[order_id]
        self._queues[live.place][live.key] = remaining

    def _on_closed(self, events: bytes, at: int) -> None:
        (order_id,) = _CLOSED.unpack_from(events, at)
        live = self._orders.pop(order_id, None)
        if live is None:
            return
        if self._order_ids.get(live.key) == order_id:
            del self._order_ids[live.key]
        queue = self._queues.get(live.place, {})
        if queue.pop(live.key, None) is not None and not queue:
            buy, price = live.place
            del self._queues[live.place]
            prices = self._prices[buy]
            del prices[bisect.bisect_left(prices, price)]

    def _on_level(self, events: bytes, at: int) -> None:
        _, side, price, qty = _LEVEL.unpack_from(events, at)
        own = sum(self._queues.get((side == 0, price), {}).values())
        if own != qty:
            raise ReplayError(
                f"record {self._seq}: the engine says {qty} at {price}, its events add up to {own}"
            )


def _account(key: int) -> int:
    return key % ACCOUNTS + 1


def _place(buy: bool, price: int, qty: int, tif: str) -> dict[str, Value]:
    return {
        "instrument": 1, "side": "buy" if buy else "sell", "order_type": "limit",
        "time_in_force": tif, "post_only": False, "qty": qty, "price": price, "notional": 0,
        "client_order_id": "",
    }  # fmt: skip
