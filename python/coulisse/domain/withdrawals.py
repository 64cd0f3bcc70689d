"""Withdrawals that wait for a second person, and the caps above which they do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A withdrawal that is pending: what it asks for is held."""

    withdrawal_id: str
    """What it is called by: the seq of the request."""
    account: str
    asset: str
    qty: Decimal
    asked_by: str | None
    """The key that asked; None for the node itself."""
    expire_time_us: int
    """When it ends by itself, in microseconds since the epoch."""


@dataclass(frozen=True, slots=True)
class WithdrawalCap:
    """What an account may withdraw of an asset in one day (UTC) without a second person."""

    asset: str
    cap: Decimal
    version: int
    """How often it was set; 0: never, and the cap is 0."""
    proposed: Decimal | None
    """What it is to be raised to, where somebody asked for that."""
    proposed_by: str | None
    """The key that asked for it."""


def withdrawal_from_wire(item: Mapping[str, object]) -> Withdrawal:
    """Read a row of `withdrawals.get`."""
    return Withdrawal(
        withdrawal_id=str(item["withdrawal_id"]),
        account=str(item["account"]),
        asset=str(item["asset"]),
        qty=Decimal(str(item["qty"])),
        asked_by=_text(item.get("asked_by")),
        expire_time_us=int(str(item["expire_time"])),
    )


def cap_from_wire(item: Mapping[str, object]) -> WithdrawalCap:
    """Read a row of `withdrawal_caps.get`."""
    proposed = _text(item.get("proposed"))
    return WithdrawalCap(
        asset=str(item["asset"]),
        cap=Decimal(str(item["cap"])),
        version=int(str(item["version"])),
        proposed=None if proposed is None else Decimal(proposed),
        proposed_by=_text(item.get("proposed_by")),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
