"""The fold from events to rows in plain Python: slow, and readable before the Rust.

It was written from the words of the tables (docs/operating/store.md), not from
`crates/projections`, and keeps whole rows where that one gathers changes. What the two make of the
same log must be the same; a store is right when its rows are these.

Invariant: each kind of event has a handler here or is named among those without rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from coulisse.domain.schema import Event
from coulisse.projections.content import Cell
from coulisse.projections.reference_audit import AUDITED, details
from coulisse.projections.tables import tables

EXTERNAL: Final = 0
FEES: Final = -1
WITHOUT_ROWS: Final = frozenset(
    {
        "OrderDuplicate", "RequestDuplicate", "OrdersCancelled", "CancelAfterSet",
        "CancelOnDisconnectSet", "LevelChanged", "MarkChanged", "AuctionIndicated", "Ticked",
    }
)  # fmt: skip
"""Kinds of events that leave nothing in any table."""
Fields = Mapping[str, Any]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Head:
    """What stands before the events of a record."""

    seq: int
    time_ns: int
    account: int
    key: int
    node: int


@dataclass(frozen=True, slots=True)
class _At:
    """Where an event stands."""

    head: Head
    item: int

    @property
    def place(self) -> Row:
        return {"seq": self.head.seq, "item": self.item, "time_ns": self.head.time_ns}

    @property
    def now(self) -> Row:
        return {"seq": self.head.seq, "time_ns": self.head.time_ns}


class ReferenceFold:
    """All tables after some record.

    `add(table, cells)` is called for each row that will never change; the others are kept, and
    given by `kept_rows`.
    """

    def __init__(self, add: Callable[[str, tuple[Cell, ...]], None]) -> None:
        """Begin before the first record."""
        self._add_cells = add
        self._kept: dict[str, dict[tuple[int, ...], Row]] = {
            name: {} for name, table in tables().items() if table.growth != "adds"
        }
        self._entry = 0
        self._maker: Fields | None = None

    def take(self, head: Head, events: list[Event]) -> None:
        """Take a record and what followed from it."""
        self._entry = 0
        for item, event in enumerate(events):
            at = _At(head, item)
            if event.name in AUDITED:
                self._audit(at, event)
            if event.name in HANDLERS:
                HANDLERS[event.name](self, at, event.fields)
            else:
                assert event.name in AUDITED | WITHOUT_ROWS, f"no rows are said for {event.name}"

    def kept_rows(self) -> dict[str, list[tuple[Cell, ...]]]:
        """Return the rows of each table whose rows change, as they are now."""
        return {
            name: [tuple(row[column] for column in tables()[name].names) for row in rows.values()]
            for name, rows in self._kept.items()
        }

    def _add(self, table: str, row: Row) -> None:
        spec = tables()[table]
        if spec.growth == "adds":
            self._add_cells(table, tuple(row[column] for column in spec.names))
        else:
            self._kept[table][tuple(row[column] for column in spec.key)] = row

    def _row(self, table: str, *key: int) -> Row:
        return self._kept[table][key]

    def _audit(self, at: _At, event: Event) -> None:
        head = at.head
        who = {"account": head.account, "key_index": head.key, "node": head.node}
        row = {**at.place, "kind": event.name, **who, "details": details(event)}
        self._add("audit", row)

    # What there is.

    def _asset(self, at: _At, e: Fields) -> None:
        row = {"asset": e["asset"], "name": e["name"], "scale": e["scale"], "seq": at.head.seq}
        self._add("assets", row)

    def _instrument(self, at: _At, e: Fields) -> None:
        same = ("instrument", "symbol", "base", "quote", "tick_minor", "lot_minor", "min_qty",
                "max_qty", "min_notional")  # fmt: skip
        fees = {"maker_fee_ppm": e["maker_fee"], "taker_fee_ppm": e["taker_fee"]}
        plain = dict.fromkeys(
            ("version", "collar_ppm", "slippage_ppm", "band_ppm", "auction_ns", "auction_fee_ppm",
             "until_ns", "auction_start_ns", "auction_end_ns"), 0
        )  # fmt: skip
        words = {"matching": "price_time", "reference": "last", "state": "open"}
        where = {"created_seq": at.head.seq, "seq": at.head.seq, "state_reason": "command"}
        row = {**{name: e[name] for name in same}, **fees, **plain, **words, **where}
        self._add("instruments", row)

    def _configured(self, at: _At, e: Fields) -> None:
        same = ("version", "matching", "reference", "collar_ppm", "slippage_ppm", "band_ppm",
                "auction_ns")  # fmt: skip
        said = {name: e[name] for name in same} | {"auction_fee_ppm": e["auction_fee"]}
        self._row("instruments", e["instrument"]).update(said, seq=at.head.seq)

    def _trading_state(self, at: _At, e: Fields) -> None:
        self._row("instruments", e["instrument"]).update(
            state=e["state"], state_reason=e["reason"], until_ns=e["until_ns"], seq=at.head.seq
        )

    def _scheduled(self, at: _At, e: Fields) -> None:
        self._row("instruments", e["instrument"]).update(
            auction_start_ns=e["start_ns"], auction_end_ns=e["end_ns"], seq=at.head.seq
        )

    def _group(self, at: _At, e: Fields) -> None:
        row = {"group_id": e["group"], "name": e["name"], "seq": at.head.seq}
        self._add("account_groups", row)

    def _account(self, at: _At, e: Fields) -> None:
        seq, time_ns = at.head.seq, at.head.time_ns
        row = {"account": e["account"], "name": e["name"], "created_seq": seq}
        self._add(
            "accounts",
            {**row, "created_ns": time_ns, "group_id": 0, "trade_group": 0, "seq": seq},
        )

    def _account_configured(self, at: _At, e: Fields) -> None:
        self._row("accounts", e["account"]).update(
            group_id=e["group"], trade_group=e["trade_group"], seq=at.head.seq
        )

    def _key(self, at: _At, e: Fields) -> None:
        plain = {"scheme": "ed25519", "label": "", "expire_ns": 0, "waits": False}
        said = {**plain, **e}
        seq = at.head.seq
        same = ("key_id", "account", "scheme", "permissions", "label", "expire_ns")
        bound = {"accounts": "", "instruments": "", "networks": ""}
        state = {"state": "waits" if said["waits"] else "active", "created_seq": seq, "seq": seq}
        row = {"key_index": e["key"], **{name: said[name] for name in same}, **bound, **state}
        self._add("keys", row)

    def _key_bound(self, at: _At, e: Fields) -> None:
        bound = {"accounts": _ids(e["accounts"]), "instruments": _ids(e["instruments"])}
        row = self._row("keys", e["key"])
        row.update(bound, networks=e["networks"].hex(), state="active", seq=at.head.seq)

    def _key_revoked(self, at: _At, e: Fields) -> None:
        self._row("keys", e["key"]).update(state="revoked", seq=at.head.seq)

    # Orders.

    def _accepted(self, at: _At, e: Fields) -> None:
        same = ("order_id", "account", "instrument", "side", "order_type", "post_only", "notional",
                "client_order_id", "qty", "price")  # fmt: skip
        seq, time_ns = at.head.seq, at.head.time_ns
        born = {"tif": e["time_in_force"], "accepted_seq": seq, "accepted_ns": time_ns}
        open_ = {"state": "open", "reason": "", "filled": 0, "remaining": e["qty"]}
        row = {**{name: e[name] for name in same}, **born, **open_, **at.now}
        self._add("orders", {**row, "closed_seq": 0, "closed_ns": 0})
        self._step(at, e, "accepted", qty=e["qty"], price=e["price"], remaining=e["qty"])

    def _order(self, at: _At, order_id: int, **said: object) -> None:
        self._row("orders", order_id).update(said, **at.now)

    def _step(self, at: _At, e: Fields, kind: str, **said: object) -> None:
        plain = {"qty": 0, "price": 0, "filled": 0, "remaining": 0, "detail": ""}
        whose = {name: e[name] for name in ("order_id", "account", "instrument")}
        self._add("order_events", {**at.place, **whose, "kind": kind, **plain, **said})

    def _terms(self, at: _At, e: Fields) -> None:
        same = ("order_id", "self_trade", "trigger_on", "trigger_price", "trail", "display_qty",
                "min_qty", "peg", "peg_offset", "reduce_only", "expire_ns")  # fmt: skip
        row = {**{name: e[name] for name in same}, "trigger_type": e["trigger"]}
        self._add("order_terms", {**row, "seq": at.head.seq})
        if e["trigger"] != "none":
            self._order(at, e["order_id"], state="waiting")

    def _list(self, at: _At, e: Fields) -> None:
        same = ("list_id", "account", "instrument", "kind", "leg_1", "leg_2")
        self._add("order_lists", {**{name: e[name] for name in same}, "seq": at.head.seq})
        for leg in (e["leg_1"], e["leg_2"]):
            if leg and e["kind"] != "oco":
                self._order(at, leg, state="waiting")

    def _rested(self, at: _At, e: Fields) -> None:
        self._order(at, e["order_id"], state="open", remaining=e["remaining"])
        self._step(at, e, "rested", price=e["price"], remaining=e["remaining"])

    def _amended(self, at: _At, e: Fields) -> None:
        said = {name: e[name] for name in ("qty", "price", "remaining")}
        self._order(at, e["order_id"], **said)
        kept = "kept_priority" if e["kept_priority"] else "lost_priority"
        self._step(at, e, "amended", **said, detail=kept)

    def _triggered(self, at: _At, e: Fields) -> None:
        self._order(at, e["order_id"], state="open", price=e["price"])
        self._step(at, e, "triggered", price=e["trigger_price"], detail=e["trigger_on"])

    def _refreshed(self, at: _At, e: Fields) -> None:
        self._order(at, e["order_id"], remaining=e["remaining"])
        self._step(at, e, "refreshed", price=e["price"], remaining=e["remaining"])

    def _repriced(self, at: _At, e: Fields) -> None:
        state = "open" if e["price"] else "waiting"
        self._order(at, e["order_id"], state=state, remaining=e["remaining"])
        self._step(at, e, "repriced", price=e["price"], remaining=e["remaining"])

    def _decremented(self, at: _At, e: Fields) -> None:
        said = {name: e[name] for name in ("qty", "remaining")}
        self._order(at, e["order_id"], **said)
        self._step(at, e, "decremented", **said)

    def _closed(self, at: _At, e: Fields) -> None:
        said = {name: e[name] for name in ("filled", "remaining")}
        when = {"closed_seq": at.head.seq, "closed_ns": at.head.time_ns}
        self._order(at, e["order_id"], state=e["state"], reason=e["reason"], **said, **when)
        self._step(at, e, "closed", **said, detail=e["reason"])

    # Trades and money.

    def _traded(self, at: _At, e: Fields) -> None:
        self._add("trades", {**e, **at.now})

    def _filled(self, at: _At, e: Fields) -> None:
        self._add("fills", {**e, **at.place})
        said = {name: e[name] for name in ("filled", "remaining")}
        self._order(at, e["order_id"], state="open", **said)
        if e["role"] == "maker":
            self._maker = e
            return
        maker, self._maker = self._maker, None
        assert maker is not None and maker["trade_id"] == e["trade_id"], "two sides of one trade"
        self._settle(at, maker, e)

    def _settle(self, at: _At, maker: Fields, taker: Fields) -> None:
        instrument = self._row("instruments", taker["instrument"])
        buyer, seller = (taker, maker) if taker["side"] == "buy" else (maker, taker)
        base = taker["qty"] * instrument["lot_minor"]
        quote = instrument["quote"]
        buys, sells = buyer["account"], seller["account"]
        self._enter(at, instrument["base"], sells, buys, base, "trade", seller)
        self._enter(at, quote, buys, sells, taker["notional"], "trade", buyer)
        for fill in (maker, taker):
            if fill["fee"] > 0:
                self._enter(at, quote, fill["account"], FEES, fill["fee"], "fee", fill)
            elif fill["fee"] < 0:
                self._enter(at, quote, FEES, fill["account"], -fill["fee"], "rebate", fill)

    def _enter(
        self,
        at: _At,
        asset: int,
        debit: int,
        credit: int,
        amount: int,
        kind: str,
        fill: Fields | None = None,
    ) -> None:
        about = {name: fill[name] if fill else 0 for name in ("instrument", "trade_id", "order_id")}
        where = {**at.now, "item": self._entry, "asset": asset, "debit": debit, "credit": credit}
        self._add("ledger", {**where, "amount": amount, "kind": kind, **about})
        self._entry += 1

    def _deposited(self, at: _At, e: Fields) -> None:
        self._enter(at, e["asset"], EXTERNAL, e["account"], e["amount"], "deposit")

    def _withdrawn(self, at: _At, e: Fields) -> None:
        self._enter(at, e["asset"], e["account"], EXTERNAL, e["amount"], "withdrawal")

    def _withdrawal_held(self, at: _At, e: Fields) -> None:
        same = ("withdrawal_id", "account", "asset", "amount", "asked_by", "expire_ns")
        asked = {"request_id": str(e["request_id"]), "asked_ns": at.head.time_ns}
        row = {**{name: e[name] for name in same}, **asked, "state": "waits", "ended_by": 0}
        self._add("withdrawals", {**row, **at.now})

    def _withdrawal_ended(self, at: _At, e: Fields) -> None:
        row = self._row("withdrawals", e["withdrawal_id"])
        row.update(state=e["end"], ended_by=e["ended_by"], **at.now)

    def _balance(self, at: _At, e: Fields) -> None:
        self._add("balances", {**e, **at.now})

    def _position(self, at: _At, e: Fields) -> None:
        self._add("positions", {**e, **at.now})

    def _rejected(self, at: _At, e: Fields) -> None:
        who = {"account": at.head.account, "key_index": at.head.key}
        self._add("rejects", {**e, **at.place, **who, "bound": e["limit"]})


def _ids(packed: bytes) -> str:
    ids = (packed[at : at + 4] for at in range(0, len(packed), 4))
    return ",".join(str(int.from_bytes(one, "little")) for one in ids)


HANDLERS: Final[Mapping[str, Callable[[ReferenceFold, _At, Fields], None]]] = {
    "AssetCreated": ReferenceFold._asset,
    "InstrumentCreated": ReferenceFold._instrument,
    "InstrumentConfigured": ReferenceFold._configured,
    "TradingStateChanged": ReferenceFold._trading_state,
    "AuctionScheduled": ReferenceFold._scheduled,
    "GroupCreated": ReferenceFold._group,
    "AccountCreated": ReferenceFold._account,
    "AccountConfigured": ReferenceFold._account_configured,
    "KeyCreated": ReferenceFold._key,
    "KeyIssued": ReferenceFold._key,
    "KeyBound": ReferenceFold._key_bound,
    "KeyRevoked": ReferenceFold._key_revoked,
    "OrderAccepted": ReferenceFold._accepted,
    "OrderTermsSet": ReferenceFold._terms,
    "OrderListPlaced": ReferenceFold._list,
    "OrderRested": ReferenceFold._rested,
    "OrderAmended": ReferenceFold._amended,
    "OrderTriggered": ReferenceFold._triggered,
    "OrderRefreshed": ReferenceFold._refreshed,
    "OrderRepriced": ReferenceFold._repriced,
    "OrderDecremented": ReferenceFold._decremented,
    "OrderClosed": ReferenceFold._closed,
    "Traded": ReferenceFold._traded,
    "OrderFilled": ReferenceFold._filled,
    "Deposited": ReferenceFold._deposited,
    "Withdrawn": ReferenceFold._withdrawn,
    "WithdrawalHeld": ReferenceFold._withdrawal_held,
    "WithdrawalEnded": ReferenceFold._withdrawal_ended,
    "BalanceChanged": ReferenceFold._balance,
    "PositionChanged": ReferenceFold._position,
    "Rejected": ReferenceFold._rejected,
}
