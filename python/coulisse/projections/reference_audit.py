"""The audit trail of the reference fold: which events are in it, and their fields as JSON."""

from __future__ import annotations

import functools
import json
from typing import Final

from coulisse.domain.schema import Event, schema

AUDITED: Final = frozenset(
    {
        "GenesisSet", "NodeJoined", "AssetCreated", "InstrumentCreated", "AccountCreated",
        "KeyCreated", "Deposited", "Withdrawn", "GroupCreated", "AccountConfigured",
        "InstrumentConfigured", "TradingStateChanged", "AuctionUncrossed", "AuctionScheduled",
        "LimitChanged", "LimitUsed", "RiskStateChanged", "KillSwitchSet", "KillResetAsked",
        "KillSwitchReset", "FeeTierChanged", "RecordVoided", "KeyIssued", "KeyBound", "KeyRevoked",
        "WithdrawalHeld", "WithdrawalEnded", "WithdrawalCapProposed", "WithdrawalCapChanged",
        "PasswordChanged", "SessionEnded",
    }
)  # fmt: skip
"""Kinds of events that say what was done to the venue, its accounts, keys, limits and money."""
WIDE: Final = frozenset({"i128", "u128", "amount_minor", "request_id"})
"""Types whose values may not fit what others know of JSON's numbers: they are text."""


@functools.cache
def _types() -> dict[str, dict[str, str]]:
    return {message.name: dict(message.fields) for message in schema().events.values()}


def details(event: Event) -> str:
    """Return the fields of an event as JSON, in the order of the schema, without spaces."""
    types = _types()[event.name]
    said: dict[str, object] = {}
    for name, value in event.fields.items():
        if isinstance(value, bytes):
            said[name] = value.hex()
        elif types[name] in WIDE:
            said[name] = str(value)
        else:
            said[name] = value
    return json.dumps(said, separators=(",", ":"))
