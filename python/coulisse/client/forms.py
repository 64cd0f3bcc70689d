"""What requests of the client are made of, and how their results are read."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping

from coulisse.client.session import Reply
from coulisse.domain.money import Number
from coulisse.domain.outcomes import (
    CancelAfterResult,
    CancelAllResult,
    OrderResult,
    Rejected,
    Unknown,
    order_result_from_wire,
)
from coulisse.domain.requests import OrderLike, OrderTerms, as_mapping, place_params
from coulisse.domain.symbols import wire_symbol

Outcome = OrderResult | Rejected | Unknown


def order_params(
    symbol: str,
    side: str,
    qty: Number | None,
    client_order_id: str | None,
    terms: OrderTerms,
) -> dict[str, object]:
    """Return the params of an order; without a client's id it gets one of its own."""
    own_id = client_order_id or secrets.token_hex(10)
    named = {"symbol": symbol, "side": side, "qty": qty, "client_order_id": own_id}
    return place_params({**named, **terms})


def batch_params(order: Mapping[str, object] | OrderLike) -> dict[str, object]:
    """Return the params of one order of a batch; without a client's id it gets one of its own."""
    given = {"client_order_id": secrets.token_hex(10), **as_mapping(order)}
    return place_params(given)


def of_symbol(symbol: str | None) -> dict[str, object]:
    """Return the params that name one instrument, or none."""
    return {} if symbol is None else {"symbol": wire_symbol(symbol)}


def order_outcome(reply: Reply) -> Outcome:
    """Read what became of an order."""
    return reply if isinstance(reply, Rejected | Unknown) else order_result_from_wire(reply)


def cancel_all_outcome(reply: Reply) -> CancelAllResult | Rejected | Unknown:
    """Read what became of the cancelling of all orders."""
    if isinstance(reply, Rejected | Unknown):
        return reply
    return CancelAllResult(int(str(reply["count"])), int(str(reply["seq"])))


def cancel_after_outcome(reply: Reply) -> CancelAfterResult | Rejected | Unknown:
    """Read what became of a dead man's switch."""
    if isinstance(reply, Rejected | Unknown):
        return reply
    deadline = reply.get("deadline")
    return CancelAfterResult(
        None if deadline is None else int(str(deadline)), int(str(reply["seq"]))
    )


def order_ref(order_id: int | None, client_order_id: str | None) -> dict[str, object]:
    """Return the params that name an order."""
    params: dict[str, object] = {}
    if order_id is not None:
        params["order_id"] = str(order_id)
    if client_order_id is not None:
        params["client_order_id"] = client_order_id
    return params


def symbols_of(given: Iterable[str]) -> list[str]:
    """Return the names of instruments as on the wire, each once, as a subscription wants them."""
    return list(dict.fromkeys(wire_symbol(symbol) for symbol in given))


def items_of(result: Mapping[str, object], name: str) -> Iterable[Mapping[str, object]]:
    """Return a list that a result holds."""
    items = result[name]
    assert isinstance(items, list), f"{name} is a list"
    return items
