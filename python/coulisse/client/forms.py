"""What requests of the client are made of, and how their results are read."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping

from coulisse.client.session import Reply
from coulisse.domain.money import Number
from coulisse.domain.outcomes import OrderResult, Rejected, Unknown, order_result_from_wire
from coulisse.domain.requests import OrderTerms, place_params
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


def order_outcome(reply: Reply) -> Outcome:
    """Read what became of an order."""
    return reply if isinstance(reply, Rejected | Unknown) else order_result_from_wire(reply)


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
