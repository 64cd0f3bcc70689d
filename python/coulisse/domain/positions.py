"""Positions, what binds an account, and the status of instruments: money as `Decimal`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from coulisse.domain.money import to_decimal


@dataclass(frozen=True, slots=True)
class Position:
    """What an account holds of one instrument."""

    symbol: str
    qty: Decimal
    """Net; negative for short."""
    cost: Decimal
    """What it was entered for, in the quote asset; of the sign of `qty`."""
    avg_entry: Decimal | None
    """The same for one unit, rounded down to the decimals of a price; None without a position."""
    realised: Decimal
    """Profit realised so far, before fees."""
    fees: Decimal
    """Fees paid so far, less rebates."""
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class RiskNotice:
    """Something that binds the account has changed; in an image: that it is so now."""

    event: str
    """`limit_used`, `limit_changed`, `state_changed`, `kill_switch_on`, `kill_reset_asked`,
    `kill_switch_off`, `configured` or `cancel_after_set`."""
    scope: str | None = None
    """`firm`, `group` or `account`."""
    scope_id: str | None = None
    """The name of the group or the account."""
    kind: str | None = None
    """What a limit bounds."""
    subject: str | None = None
    """The symbol or the asset that a limit is about."""
    used: Decimal | None = None
    limit: Decimal | None = None
    level: int | None = None
    """The highest mark that the use of a limit reached: 0, 80 or 100 per cent."""
    state: str | None = None
    """`active`, `reducing` or `halted`."""
    more: Mapping[str, object] = field(default_factory=dict)
    """What else was said: groups, versions, deadlines."""
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """How an instrument stands (`event` is `image`), or what changed; the rest is None."""

    symbol: str
    event: str
    state: str | None = None
    """`open`, `cancel_only`, `post_only`, `halted` or `auction`."""
    reason: str | None = None
    until_us: int | None = None
    """When the state ends by itself, in microseconds since the epoch."""
    mark: Decimal | None = None
    risk_state: str | None = None
    price: Decimal | None = None
    """Of an auction: of all its trades, or what it would be now."""
    qty: Decimal | None = None
    """Of an auction: how much trades at that price."""
    surplus: Decimal | None = None
    """Bids less asks that would stay at that price."""
    more: Mapping[str, object] = field(default_factory=dict)
    """The configuration and the schedule, as on the wire."""
    seq: int | None = None


_RISK_KEYS: Final = frozenset(
    {"event", "scope", "scope_id", "kind", "subject", "used", "limit", "level", "state"}
)
_STATUS_KEYS: Final = frozenset(
    {"event", "state", "reason", "until", "mark", "risk_state", "price", "qty", "surplus"}
)
Item = Mapping[str, object]


def _number(item: Item, name: str) -> Decimal | None:
    value = item.get(name)
    return None if value is None else to_decimal(str(value))


def _money(item: Item, name: str) -> Decimal:
    return to_decimal(str(item[name]))


def _whole(item: Item, name: str) -> int | None:
    value = item.get(name)
    return None if value is None else int(str(value))


def _text(item: Item, name: str) -> str | None:
    value = item.get(name)
    return str(value) if value else None


def position_from_wire(item: Item, seq: int | None = None) -> Position:
    """Read one position."""
    return Position(
        symbol=str(item["symbol"]),
        qty=_money(item, "qty"),
        cost=_money(item, "cost"),
        avg_entry=_number(item, "avg_entry"),
        realised=_money(item, "realised"),
        fees=_money(item, "fees"),
        seq=seq,
    )


def risk_notice_from_wire(item: Item, seq: int | None = None) -> RiskNotice:
    """Read one item of the `risk` channel."""
    return RiskNotice(
        event=str(item["event"]),
        scope=_text(item, "scope"),
        scope_id=_text(item, "scope_id"),
        kind=_text(item, "kind"),
        subject=_text(item, "subject"),
        used=_number(item, "used"),
        limit=_number(item, "limit"),
        level=_whole(item, "level"),
        state=_text(item, "state"),
        more={name: value for name, value in item.items() if name not in _RISK_KEYS},
        seq=seq,
    )


def status_from_wire(symbol: str, item: Item, seq: int | None = None) -> StatusUpdate:
    """Read one item of the `status` channel."""
    return StatusUpdate(
        symbol=symbol,
        event=str(item.get("event", "image")),
        state=_text(item, "state"),
        reason=_text(item, "reason"),
        until_us=_whole(item, "until"),
        mark=_number(item, "mark"),
        risk_state=_text(item, "risk_state"),
        price=_number(item, "price"),
        qty=_number(item, "qty"),
        surplus=_number(item, "surplus"),
        more={name: value for name, value in item.items() if name not in _STATUS_KEYS},
        seq=seq,
    )
