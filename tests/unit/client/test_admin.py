"""What an operator's calls become on the wire, over a link of this test's own."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from coulisse.client.admin import Admin
from coulisse.client.credentials import Credentials
from coulisse.client.link import Link


class Heard(Link):
    """A link that keeps what it is asked."""

    def __init__(self) -> None:
        """Have heard nothing."""
        super().__init__(Credentials("http://h:1"), 1.0)
        self.asked: list[tuple[str, dict[str, object], str | None]] = []

    async def ask(
        self, op: str, params: Mapping[str, object], account: str | None = None
    ) -> dict[str, object]:
        """Keep it."""
        self.asked.append((op, dict(params), account))
        return {"seq": 9}


async def test_an_operators_call_becomes_one_request_with_an_id() -> None:
    link = Heard()
    admin = Admin(link)
    await admin.set_state("BTC/USD", "halted", request_id="a1")
    await admin.set_limit("account", "position", 10, scope_id="alice", subject="BTC-USD")
    await admin.set_limit("firm", "open_orders", None, request_id="a3")
    await admin.configure_account("alice", group="desk", request_id="a4")
    await admin.configure_instrument("BTC-USD", collar="0.05", request_id="a5")
    await admin.schedule_auction("BTC-USD", request_id="a6")
    state, limit, gone, account, instrument, auction = link.asked
    halted = {"request_id": "a1", "symbol": "BTC-USD", "state": "halted"}
    assert state == ("instrument.state", halted, None)
    assert limit[1].pop("request_id")
    named = {"scope": "account", "scope_id": "alice", "kind": "position", "subject": "BTC-USD"}
    assert limit == ("limit.set", named | {"limit": "10"}, None)
    assert gone[1]["limit"] == "none"
    assert account == ("account.configure", {"request_id": "a4", "group": "desk"}, "alice")
    assert instrument[1] == {"request_id": "a5", "symbol": "BTC-USD", "collar": "0.05"}
    assert auction[1] == {"request_id": "a6", "symbol": "BTC-USD"}


async def test_money_of_an_operator_is_no_float() -> None:
    with pytest.raises(TypeError, match="float"):
        await Admin(Heard()).set_mark("BTC-USD", 1.5)  # type: ignore[arg-type]
