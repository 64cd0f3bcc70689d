"""The branch `[risk]`: limits of the risk gate that a node sets by itself.

Without it there are none: an order is bound by its instrument's filters and by what its account
has.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from coulisse.config.values import NotNegative, Part, PlainName
from coulisse.domain.symbols import is_asset_name, split_symbol, wire_symbol

BY_SYMBOL = frozenset({"order_qty", "position"})
BY_ASSET = frozenset({"order_notional", "gross_notional", "net_notional", "daily_loss", "drawdown"})
RATES = frozenset({"order_rate", "message_rate"})
BURST_MAX = 2**32 - 1

Kind = Literal[
    "order_qty",
    "order_notional",
    "open_orders",
    "conditional_orders",
    "position",
    "gross_notional",
    "net_notional",
    "order_rate",
    "message_rate",
    "duplicate_window",
    "daily_loss",
    "drawdown",
]


class LimitConfig(Part):
    """One limit. It becomes a command in the log, once; later the log and its operators have it."""

    scope: Literal["firm", "account"] = "firm"
    """All accounts together, or each of the file by itself."""
    account: PlainName | None = None
    """The one account that it binds, where not all of the file."""
    kind: Kind
    """What it bounds, as in `limit.set`."""
    subject: str | None = None
    """The symbol, or the quote asset, where the kind is about one."""
    limit: NotNegative
    """A quantity, an amount, a count, a number per second, or microseconds."""
    burst: int | None = None
    """Rates only: how many at once."""

    @model_validator(mode="after")
    def _is_sound(self) -> LimitConfig:
        if self.account is not None and self.scope != "account":
            raise ValueError(f"{self.about}: an account is named, and the scope is {self.scope}")
        subject = self.subject or ""
        if self.kind in BY_SYMBOL:
            split_symbol(subject)
        elif self.kind in BY_ASSET and not is_asset_name(subject):
            raise ValueError(f"{self.about}: the subject is a quote asset, not {subject!r}")
        elif self.kind not in BY_ASSET and subject:
            raise ValueError(f"{self.about}: {self.kind} is about nothing, not about {subject}")
        if self.kind in RATES:
            if self.burst is None or not 1 <= self.burst <= BURST_MAX:
                raise ValueError(f"{self.about}: a rate needs a burst of 1 to {BURST_MAX}")
        elif self.burst is not None:
            raise ValueError(f"{self.about}: only a rate has a burst")
        if self.kind not in BY_SYMBOL | BY_ASSET and self.limit != self.limit.to_integral_value():
            raise ValueError(f"{self.about}: {self.limit} is no whole number")
        return self

    @property
    def about(self) -> str:
        """The limit in a few words."""
        return " ".join(filter(None, (self.scope, self.account, self.kind, self.subject)))

    @property
    def symbol(self) -> str:
        """The subject as a symbol of the wire."""
        return wire_symbol(self.subject or "")


class WithdrawalCapConfig(Part):
    """What an account may withdraw without a second person. A command in the log, once."""

    asset: str
    """Of which asset."""
    cap: NotNegative
    """How much in one day (UTC)."""

    @model_validator(mode="after")
    def _is_sound(self) -> WithdrawalCapConfig:
        if not is_asset_name(self.asset):
            raise ValueError(f"{self.asset!r} is no asset")
        return self


LIMIT_EXAMPLES = (
    {"kind": "gross_notional", "subject": "USD", "limit": "10000000"},
    {"scope": "account", "kind": "order_rate", "limit": "100", "burst": 200},
)


class RiskConfig(Part):
    """What binds orders beside their instruments' filters."""

    limits: Annotated[tuple[LimitConfig, ...], Field(examples=[LIMIT_EXAMPLES])] = ()
    """Limits of the firm and of accounts, in force from the first start that finds them."""
    withdrawal_caps: Annotated[
        tuple[WithdrawalCapConfig, ...], Field(examples=[({"asset": "USD", "cap": "10000"},)])
    ] = ()
    """Set by the first start that finds them; without one, all of an asset takes two persons."""

    @model_validator(mode="after")
    def _set_each_once(self) -> RiskConfig:
        about = [limit.about for limit in self.limits]
        twice = [one for one in about if about.count(one) > 1]
        if twice:
            raise ValueError(f"limits: {twice[0]} stands there twice")
        assets = [one.asset for one in self.withdrawal_caps]
        again = [one for one in assets if assets.count(one) > 1]
        if again:
            raise ValueError(f"withdrawal_caps: {again[0]} stands there twice")
        return self
