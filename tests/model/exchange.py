"""The slow reference exchange: `docs/internals/core-rules.md` made executable.

One handler per command, in the order of that page: the checks first, each a `require`, then what
cannot fail. Nothing here is fast and nothing is shared with the Rust core.
"""

import re

from tests.model.book import Instrument
from tests.model.codec import Header, Message
from tests.model.fees import FEE_PPM_MAX
from tests.model.keys import FOR_AN_ACCOUNT, REQUESTS, Keys
from tests.model.orders import (
    ASSET_TOTAL_MINOR_MAX,
    NOTIONAL_MINOR_MAX,
    QTY_LOTS_MAX,
    Reject,
    require,
)

ASSET_SCALE_MAX = 18
# An instrument is touched by a command that says one of these of it.
TOUCHING = (
    *("OrderAccepted", "OrderFilled", "OrderRested", "OrderAmended", "OrderClosed"),
    *("OrderTriggered", "OrderDecremented", "LevelChanged", "MarkChanged"),
    *("InstrumentConfigured", "TradingStateChanged"),
)


class ReferenceExchange(Keys):
    """The whole state; `apply` is its only entrance."""

    def __init__(self) -> None:
        super().__init__()
        self.last_seq = 0
        self.nodes: dict[int, int] = {}
        self.requests: dict[tuple[int, int], tuple[int, Message]] = {}

    def apply(self, header: Header, command: Message) -> list[Message]:
        """Apply one record, as it says or as void; return its events."""
        if header.void:
            return self.void(header, command)
        self.events = []
        self._begin(header)
        try:
            self._admit(header, command)
            self._apply_once(header, command)
            self._end()
        except Reject as reject:
            self.events = []
            self._say_reject(reject, getattr(command, "client_order_id", ""))
        self.events += self.ledger.changes()
        self.last_seq = header.seq
        return self.events

    def void(self, header: Header, command: Message) -> list[Message]:
        """Apply a record that is void (section 25); return its one event."""
        client_order_id = getattr(command, "client_order_id", "")
        detail = {"code": "VOIDED", "field": "", "unit": "", "value": 0, "limit": 0}
        self.events = [Message("Rejected", **detail, client_order_id=client_order_id)]
        self.last_seq = header.seq
        return self.events

    def _begin(self, header: Header) -> None:
        self.now_ns = header.time_ns
        self.triggered = self.released = 0
        self._note_references()

    def _end(self) -> None:
        """Sections 18 (bands), 15, 12, 13, 20 and 23, in this order, unless it was refused."""
        self._call_auctions()
        self._release_lists()
        self._trigger_what_is_due()
        touched = {e.instrument for e in self.events if e.kind in TOUCHING}
        for instrument in self.instruments:
            if instrument.id in touched and instrument.state in ("open", "post_only"):
                self._follow(instrument)
        self._say_positions()
        self._say_use()

    def _admit(self, header: Header, command: Message) -> None:
        """Section 1: the checks common to all commands."""
        if self.genesis is None:
            require(command.kind == "Genesis", "GENESIS_MISSING")
        else:
            require(command.kind != "Genesis", "GENESIS_EXISTS")
        starts = command.kind == "NodeStarted"
        incarnation = command.incarnation if starts else header.incarnation
        newest = self.nodes.get(header.node, 0)
        fresh = incarnation > newest if starts else incarnation >= newest
        require(fresh, "STALE_INCARNATION incarnation number", incarnation, newest)
        if header.key != 0:
            require(header.key <= len(self.keys), "UNKNOWN_KEY key_id number", header.key)
            self._permit(header, command)
        if command.kind in FOR_AN_ACCOUNT:
            exists = 1 <= header.account <= len(self.accounts)
            require(exists, "UNKNOWN_ACCOUNT account number", header.account)

    def _apply_once(self, header: Header, command: Message) -> None:
        key = (header.account, header.request_id)
        remembers = command.kind in REQUESTS and header.request_id != 0
        if remembers and key in self.requests:
            first_seq, earlier = self.requests[key]
            require(earlier == command, "REQUEST_ID_CONFLICT request_id number", first_seq)
            self.emit("RequestDuplicate", request_id=header.request_id, first_seq=first_seq)
            return
        name = re.sub(r"(?<=.)([A-Z])", r"_\1", command.kind).lower()
        getattr(self, f"_{name}")(header, command)
        if remembers:
            self.requests[key] = (header.seq, command)
            if len(self.requests) > self.limits.request_ids_max:
                del self.requests[next(iter(self.requests))]

    # Section 2: creating things. Ids count from 1.

    def _genesis(self, header: Header, c: Message) -> None:
        self.genesis = c
        self.emit("GenesisSet", shard=c.shard)

    def _node_started(self, header: Header, c: Message) -> None:
        self.nodes[header.node] = c.incarnation
        self.emit("NodeJoined", node=header.node, incarnation=c.incarnation)

    def _void(self, header: Header, c: Message) -> None:
        most = header.seq - 1
        require(1 <= c.seq <= most, "AMOUNT_OUT_OF_RANGE seq number", c.seq, most)
        instrument = self._instrument(c.instrument) if c.instrument else None
        self.emit("RecordVoided", voided_seq=c.seq, instrument=c.instrument)
        if instrument is not None and instrument.state != "halted":
            self._leave_auction(instrument)
            self._set_state(instrument, "halted", "void")

    def _asset_create(self, header: Header, c: Message) -> None:
        require(re.fullmatch("[A-Z0-9]{2,12}", c.name), "INVALID_NAME name")
        most = ASSET_SCALE_MAX
        require(c.scale <= most, "AMOUNT_OUT_OF_RANGE scale number", c.scale, most)
        self._require_free("name", [asset.name for asset in self.assets], c.name)
        self._require_room(self.assets, self.limits.assets_max)
        self.assets.append(c)
        self.emit("AssetCreated", asset=len(self.assets), name=c.name, scale=c.scale)

    def _instrument_create(self, header: Header, c: Message) -> None:
        for name, asset in (("base", c.base), ("quote", c.quote)):
            self._require_asset(name, asset)
        require(c.base != c.quote, "INVALID_INSTRUMENT quote number", c.quote)
        base, quote = self.assets[c.base - 1], self.assets[c.quote - 1]
        require(c.symbol == f"{base.name}-{quote.name}", "INVALID_NAME symbol")
        taken = [i.rules.symbol.replace("-", "") for i in self.instruments]
        self._require_free("symbol", taken, c.symbol.replace("-", ""))
        value, rest = divmod(c.tick_minor * c.lot_minor, 10**base.scale)
        most_qty, most_notional = QTY_LOTS_MAX, NOTIONAL_MINOR_MAX
        for name, good, limit in (
            ("tick_size", c.tick_minor >= 1, 1),
            ("lot_size", c.lot_minor >= 1, 1),
            ("tick_size", rest == 0 and 1 <= value < 2**63, c.lot_minor),
            ("min_qty", 1 <= c.min_qty <= most_qty, most_qty),
            ("max_qty", c.min_qty <= c.max_qty <= most_qty, most_qty),
            ("min_notional", 0 <= c.min_notional <= most_notional, most_notional),
            ("maker_fee", 0 <= c.maker_fee <= FEE_PPM_MAX, FEE_PPM_MAX),
            ("taker_fee", c.maker_fee <= c.taker_fee <= FEE_PPM_MAX, FEE_PPM_MAX),
        ):
            field = name.replace("_size", "_minor")
            require(good, f"INVALID_INSTRUMENT {name} number", getattr(c, field), limit)
        self._require_room(self.instruments, self.limits.instruments_max)
        instrument = Instrument(len(self.instruments) + 1, c, value)
        self.instruments.append(instrument)
        self.emit("InstrumentCreated", **vars(c) | {"instrument": instrument.id})

    def _account_create(self, header: Header, c: Message) -> None:
        require(re.fullmatch("[a-z0-9_-]{1,32}", c.name), "INVALID_NAME name")
        self._require_free("name", self.accounts, c.name)
        self._require_room(self.accounts, self.limits.accounts_max)
        self.accounts.append(c.name)
        self.memberships.append((0, 0))
        self.emit("AccountCreated", account=len(self.accounts), name=c.name)

    def _deposit(self, header: Header, c: Message) -> None:
        self._require_asset("asset", c.asset)
        total = c.amount - self.ledger.external[c.asset]
        good, most = c.amount >= 1 and total <= ASSET_TOTAL_MINOR_MAX, ASSET_TOTAL_MINOR_MAX
        require(good, "AMOUNT_OUT_OF_RANGE amount asset_minor", c.amount, most)
        self.ledger.post(c.asset, c.amount, ("external", 0), ("available", header.account))
        whose = {"account": header.account, "request_id": header.request_id}
        self.emit("Deposited", **vars(c) | whose)
