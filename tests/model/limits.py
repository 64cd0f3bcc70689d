"""Limits of the risk gate, and who they bind (section 22)."""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.model.codec import ENUMS, Header, Message
from tests.model.fees import Fees
from tests.model.orders import ASSET_TOTAL_MINOR_MAX, DAY_NS, require

RISK_LIMITS_MAX = 1_000_000
RATE_MAX = 10**9
# Buckets count in these: one token.
TOKEN = 10**9
SCOPES = [*ENUMS["scope"].values()]
KINDS = [*ENUMS["limit_kind"].values()]
BY_INSTRUMENT = ("order_qty", "position")
BY_ASSET = ("order_notional", "gross_notional", "net_notional", "daily_loss", "drawdown")
RATES = ("order_rate", "message_rate")

# Scope and its id.
Scope = tuple[str, int]
# Numbers of scope and kind: scope, scope_id, kind, subject. Their order is that of the events.
LimitKey = tuple[int, int, int, int]


@dataclass(slots=True)
class Limit:
    """A limit in force, with a rate's bucket and the mark of its use that was said last."""

    value: int
    burst: int
    tokens: int
    tokens_ns: int
    level: int = 0

    def tokens_at(self, now_ns: int) -> int:
        """What a rate's bucket holds by now."""
        brought = max(0, now_ns - self.tokens_ns) * self.value
        return min(self.burst * TOKEN, self.tokens + brought)


class Limits(Fees):
    """Sets limits and finds them."""

    def __init__(self) -> None:
        super().__init__()
        self.limit_version = 0
        self.risk_limits: dict[LimitKey, Limit] = {}

    def _limit_set(self, header: Header, c: Message) -> None:
        self._require_scope(c)
        self._check_subject(c)
        self._check_value(c)
        key = limit_key((c.scope, c.scope_id), c.of_kind, c.subject)
        present = self.risk_limits.get(key)
        if present is not None and self._binds_asker(header, c):
            what = "LIMIT_BINDS_ASKER limit number"
            require(not is_looser(c, present), what, c.value, present.value)
        if c.value >= 0:
            room = present or len(self.risk_limits) < RISK_LIMITS_MAX
            require(room, "TABLE_FULL limit number", RISK_LIMITS_MAX, RISK_LIMITS_MAX)
            self.risk_limits[key] = Limit(c.value, c.burst, c.burst * TOKEN, self.now_ns)
        else:
            self.risk_limits.pop(key, None)
        self.limit_version += 1
        self.emit("LimitChanged", **vars(c), version=self.limit_version)

    def _require_scope(self, c: Message) -> None:
        """Whom a limit, a risk state or a kill switch is to bind exists."""
        if c.scope == "firm":
            require(c.scope_id == 0, "INVALID_COMBINATION scope_id number", c.scope_id)
        elif c.scope == "group":
            exists = 1 <= c.scope_id <= len(self.groups)
            require(exists, "UNKNOWN_GROUP scope_id number", c.scope_id)
        elif c.scope == "account":
            exists = 1 <= c.scope_id <= len(self.accounts)
            require(exists, "UNKNOWN_ACCOUNT scope_id number", c.scope_id)
        else:
            require(False, "INVALID_COMBINATION scope number", SCOPES.index(c.scope))

    def _check_subject(self, c: Message) -> None:
        if c.of_kind in BY_INSTRUMENT:
            self._instrument(c.subject, "subject")
        elif c.of_kind in BY_ASSET:
            self._require_asset("subject", c.subject)
        else:
            require(c.subject == 0, "INVALID_COMBINATION subject number", c.subject)

    def _check_value(self, c: Message) -> None:
        code, value, most = "AMOUNT_OUT_OF_RANGE", c.value, ASSET_TOTAL_MINOR_MAX
        require(value <= most, f"{code} limit number", value, most)
        if c.of_kind in RATES and value >= 0:
            require(value != 0 and value <= RATE_MAX, f"{code} limit number", value, RATE_MAX)
            require(c.burst >= 1, f"{code} burst number", c.burst, 1)
        if c.of_kind == "duplicate_window":
            require(value <= DAY_NS, f"{code} limit ns", value, DAY_NS)
        if c.of_kind not in RATES:
            require(c.burst == 0, "INVALID_COMBINATION burst number", c.burst)

    def _binds_asker(self, header: Header, c: Message) -> bool:
        """Whether the key's own account is the scope's, or in the scope's group."""
        if header.key == 0:
            return False
        _, account = self.keys[header.key - 1]
        group, _ = self.memberships[account - 1]
        return (c.scope, c.scope_id) in (("account", account), ("group", group))

    def _scopes(self, account: int) -> list[Scope]:
        """Who binds an account, in the order in which they are looked at."""
        group, _ = self.memberships[account - 1]
        of_group = [("group", group)] if group != 0 else []
        return [("firm", 0), *of_group, ("account", account)]

    def _members(self, scope: Scope) -> list[int]:
        """The accounts that are bound together."""
        return [a + 1 for a in range(len(self.accounts)) if scope in self._scopes(a + 1)]

    def _limits_on(self, account: int, kind: str, subject: int = 0) -> list[tuple[Scope, Limit]]:
        """The limits of a kind that bind an account, firm's first."""
        keys = [(scope, limit_key(scope, kind, subject)) for scope in self._scopes(account)]
        return [(scope, self.risk_limits[key]) for scope, key in keys if key in self.risk_limits]

    def _take_tokens(self, limits: Iterable[Limit]) -> None:
        """One token of each bucket, or what it has."""
        for limit in limits:
            limit.tokens = max(0, limit.tokens_at(self.now_ns) - TOKEN)
            limit.tokens_ns = max(limit.tokens_ns, self.now_ns)


def is_looser(c: Message, present: Limit) -> bool:
    """Whether a `LimitSet` allows more than what is in force."""
    if c.of_kind == "duplicate_window":
        return int(c.value) < present.value
    value, burst = int(c.value), int(c.burst)
    return value < 0 or (value, burst) > (present.value, present.burst)


def limit_key(scope: Scope, kind: str, subject: int) -> LimitKey:
    """Where a limit stands among the others."""
    return SCOPES.index(scope[0]), scope[1], KINDS.index(kind), subject
