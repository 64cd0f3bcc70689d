"""Positions, notices of the risk gate and statuses, as the wire says them."""

from __future__ import annotations

from decimal import Decimal

from coulisse.client.feeds import read_positions, read_risk, read_status
from coulisse.domain.outcomes import (
    OrderResult,
    Rejected,
    list_result_from_wire,
    replace_result_from_wire,
)

PLACED = {"order_id": "50", "client_order_id": "new", "state": "open", "filled": "0.00000"}
ERROR = {"code": "ORDER_NOT_FOUND", "message": "ORDER_NOT_FOUND: no", "state": "rejected"}


def test_a_position_without_quantity_has_no_average_entry() -> None:
    held = {"symbol": "BTC-USD", "qty": "-0.7", "cost": "-41993.00", "avg_entry": "59990.00"}
    flat = {"symbol": "ETH-USD", "qty": "0.000", "cost": "0.00"}
    rest = {"realised": "12.5", "fees": "-0.21"}
    one, two = read_positions({"seq": 9, "items": [held | rest, flat | rest]})
    assert (one.qty, one.avg_entry, one.seq) == (Decimal("-0.7"), Decimal("59990"), 9)
    assert (two.avg_entry, two.fees) == (None, Decimal("-0.21"))


def test_a_notice_of_a_limit_has_its_numbers_and_one_of_a_group_the_rest() -> None:
    used = {
        "event": "limit_used", "scope": "account", "scope_id": "alice", "kind": "position",
        "subject": "BTC-USD", "used": "8.1", "limit": "10", "level": 80,
    }  # fmt: skip
    moved = {"event": "configured", "group": "desk"}
    limit, group = read_risk({"seq": 9, "items": [used, moved]})
    assert (limit.used, limit.limit, limit.level) == (Decimal("8.1"), Decimal(10), 80)
    assert (limit.scope_id, limit.subject, limit.more) == ("alice", "BTC-USD", {})
    assert (group.event, group.scope, group.more) == ("configured", None, {"group": "desk"})


def test_a_status_is_an_image_or_what_changed() -> None:
    image = {"state": "open", "risk_state": "active", "version": 0, "collar": "0.05"}
    halted = {"event": "state_changed", "state": "auction", "reason": "band", "until": 5}
    first, second = read_status({"symbol": "BTC-USD", "seq": 9, "items": [image, halted]})
    assert (first.event, first.mark, first.more["collar"]) == ("image", None, "0.05")
    assert (second.state, second.reason, second.until_us) == ("auction", "band", 5)


def test_each_part_of_a_replacement_is_done_or_refused_by_itself() -> None:
    result = replace_result_from_wire({"cancel": {"error": ERROR}, "place": PLACED, "seq": 9})
    assert isinstance(result.cancel, Rejected) and result.cancel.code == "ORDER_NOT_FOUND"
    assert isinstance(result.place, OrderResult) and result.place.order_id == 50
    again = replace_result_from_wire({"place": PLACED | {"duplicate": True}, "seq": 9})
    assert again.cancel is None
    assert isinstance(again.place, OrderResult) and again.place.duplicate


def test_a_list_has_its_legs_and_a_repeated_one_its_first() -> None:
    legs = [PLACED, {"order_id": "51", "state": "waiting", "filled": "0"}]
    found = list_result_from_wire({"list_id": "50", "orders": legs, "seq": 9})
    assert [leg.state for leg in found.orders] == ["open", "waiting"]
    assert (found.list_id, found.duplicate) == (50, False)
    again = list_result_from_wire(
        {"list_id": "50", "orders": [PLACED], "duplicate": True, "first_seq": 5, "seq": 9}
    )
    assert (again.list_id, again.duplicate, len(again.orders)) == (50, True, 1)
