"""Groups, configuration and prices in the reference exchange (section 8 of the rules)."""

import re
from collections.abc import Sequence

from tests.model.codec import Header, Message
from tests.model.orders import PRICE_TICKS_MAX, Reject, require
from tests.model.terms import AHEAD_NS_MAX
from tests.model.timers import Timers

GROUPS_MAX = 65_536
BOUND_PPM_MAX = 1_000_000


class Configuring(Timers):
    """Who belongs together, and how instruments are traded."""

    def __init__(self) -> None:
        super().__init__()
        self.groups: list[str] = []

    def _group_create(self, header: Header, c: Message) -> None:
        require(re.fullmatch("[a-z0-9_-]{1,32}", c.name), "INVALID_NAME name")
        self._require_free("name", self.groups, c.name)
        self._require_room(self.groups, GROUPS_MAX)
        self.groups.append(c.name)
        self.emit("GroupCreated", group=len(self.groups), name=c.name)

    def _account_configure(self, header: Header, c: Message) -> None:
        require(c.group <= len(self.groups), "UNKNOWN_GROUP group number", c.group)
        self.memberships[header.account - 1] = (c.group, c.trade_group)
        self.emit("AccountConfigured", **vars(c) | {"account": header.account})

    def _instrument_configure(self, header: Header, c: Message) -> None:
        instrument = self._instrument(c.instrument)
        least_ns, most_fee = 1 if c.band_ppm else 0, instrument.rules.taker_fee
        for name, value, least, most in (
            ("collar", c.collar_ppm, 0, BOUND_PPM_MAX),
            ("slippage", c.slippage_ppm, 0, BOUND_PPM_MAX),
            ("band", c.band_ppm, 0, BOUND_PPM_MAX),
            ("auction_time", c.auction_ns, least_ns, AHEAD_NS_MAX),
            ("auction_fee", c.auction_fee, 0, most_fee),
        ):
            require(least <= value <= most, f"INVALID_INSTRUMENT {name} number", value, most)
        version = instrument.config.version + 1
        instrument.config = Message(**vars(c) | {"kind": "InstrumentConfigured"}, version=version)
        self.emit("InstrumentConfigured", **vars(instrument.config))

    def _mark_set(self, header: Header, c: Message) -> None:
        instrument = self._instrument(c.instrument)
        allowed = 1 <= c.price <= PRICE_TICKS_MAX
        require(allowed, "PRICE_OUT_OF_RANGE price ticks", c.price, PRICE_TICKS_MAX)
        instrument.set_price("mark", c.price)
        self.emit("MarkChanged", instrument=instrument.id, price=c.price)

    def _require_free(self, field: str, taken: list[str], name: str) -> None:
        if name in taken:
            raise Reject(f"ALREADY_EXISTS {field} number", taken.index(name) + 1, 0)

    def _require_room(self, table: Sequence[object], most: int) -> None:
        require(len(table) < most, "TABLE_FULL count number", most, most)
