"""What scenarios about risk have in common: setting things, and looking at what was refused."""

from tests.model.codec import Message
from tests.model.scenario import Scenario, of

DETAIL = ("code", "field", "unit", "value", "limit")


def set_limit(
    s: Scenario,
    kind: str,
    value: int,
    *,
    scope: tuple[str, int] = ("firm", 0),
    subject: int = 0,
    burst: int = 0,
    key: int = 0,
) -> list[Message]:
    """Set a limit; of everyone unless told."""
    whom: dict[str, object] = {"scope": scope[0], "scope_id": scope[1], "of_kind": kind}
    sums = {"subject": subject, "value": value, "burst": burst}
    return s.send(Message("LimitSet", **whom, **sums), key=key)


def set_state(s: Scenario, state: str, scope: tuple[str, int], *, key: int = 0) -> list[Message]:
    """Set a risk state."""
    command = Message("RiskStateSet", scope=scope[0], scope_id=scope[1], state=state)
    return s.send(command, key=key)


def kill(s: Scenario, *scope: tuple[str, int], key: int = 0) -> list[Message]:
    """Switch a kill switch on; the firm's unless told."""
    kind, which = scope[0] if scope else ("firm", 0)
    return s.send(Message("KillSwitch", scope=kind, scope_id=which), key=key)


def reset(
    s: Scenario, step: int, scope: tuple[str, int] = ("firm", 0), *, key: int = 0
) -> list[Message]:
    """One step of a reset."""
    command = Message("KillReset", scope=scope[0], scope_id=scope[1], step=step)
    return s.send(command, key=key)


def make_group(s: Scenario, *accounts: int) -> tuple[str, int]:
    """A group of these accounts, as a scope."""
    number = len(s.twins.exchange.groups) + 1
    s.send(Message("GroupCreate", name=f"desk-{number}"))
    for account in accounts:
        s.send(Message("AccountConfigure", group=number, trade_group=0), account=account)
    return ("group", number)


def make_key(s: Scenario, account: int) -> int:
    """An admin's key that belongs to an account."""
    number = len(s.twins.exchange.keys) + 1
    body = {"key_id": f"k{number}", "public_key": bytes(32), "permissions": 15}
    s.send(Message("KeyCreate", **body), account=account)
    return number


def refusal(events: list[Message]) -> tuple[object, ...]:
    """Code, field, unit, value and limit of what was refused; empty if nothing was."""
    refused = of(events, "Rejected", *DETAIL)
    return refused[0] if refused else ()
