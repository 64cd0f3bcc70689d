"""Requests of the native protocol, built from what a Python user gives.

One place turns `place(symbol="BTC/USD", side="buy", qty=Decimal("0.01"))` or a dict of the same
into the params of `order.place`, for the SDK, for `TradingEngine` and for the simulated traders.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final, Protocol, TypedDict, runtime_checkable

import msgspec

from coulisse.domain.money import Number, as_text
from coulisse.domain.outcomes import OrderResult, Rejected, rejected_from_wire
from coulisse.domain.symbols import wire_symbol

MONEY_FIELDS: Final = (
    "qty", "price", "notional", "trigger_price", "trail", "display_qty", "min_qty", "peg_offset",
)  # fmt: skip
PLACE_FIELDS: Final = (
    "symbol", "side", "type", "tif", "qty", "price", "notional", "post_only", "client_order_id",
    "trigger_price", "trigger_on", "trail", "trail_bp", "display_qty", "min_qty", "peg",
    "peg_offset", "reduce_only", "self_trade", "expire_time",
)  # fmt: skip
LIMIT_TYPES: Final = frozenset({"limit", "stop_limit", "take_profit_limit"})


class OrderTerms(TypedDict, total=False):
    """What an order may say beyond symbol, side and qty; None is as if it were not there."""

    price: Number | None
    """The limit."""
    type: str | None
    """`limit`, `market`, `stop`, `stop_limit`, `take_profit`, `take_profit_limit`,
    `trailing_stop`."""
    tif: str | None
    """`gtc`, `ioc`, `fok`, `gtd`, `day`."""
    notional: Number | None
    post_only: bool | None
    trigger_price: Number | None
    trigger_on: str | None
    """`last` or `mark`."""
    trail: Number | None
    """How far a trailing stop stays behind, as a difference of prices."""
    trail_bp: int | None
    """The same in basis points."""
    display_qty: Number | None
    """How much of an iceberg the book shows."""
    min_qty: Number | None
    peg: str | None
    """`bid`, `ask` or `mid`."""
    peg_offset: Number | None
    reduce_only: bool | None
    self_trade: str | None
    """`none`, `expire_taker`, `expire_maker`, `expire_both`, `decrement`."""
    expire_time: datetime | int | None
    """With `gtd`: an aware time, or microseconds since the epoch."""


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@runtime_checkable
class OrderLike(Protocol):
    """Anything with the attributes of an order to place."""

    @property
    def symbol(self) -> str:
        """The instrument."""

    @property
    def side(self) -> str:
        """`buy` or `sell`."""

    @property
    def qty(self) -> Number:
        """How much."""


def place_params(order: Mapping[str, object]) -> dict[str, object]:
    """Return the params of `order.place`; unknown fields pass, for the core to refuse by name.

    `type` defaults to `limit` where there is a price and to `market` where there is none, `tif` to
    `gtd` where there is an expire time, else to `gtc` for limits and `ioc` for what acts at the
    market. A float is a TypeError.
    """
    params = {name: value for name, value in order.items() if value is not None}
    if isinstance(params.get("symbol"), str):
        params["symbol"] = _symbol_or_as_is(str(params["symbol"]))
    if "expire_time" in params:
        params["expire_time"] = micros(params["expire_time"])
    return leg_params(params)


def leg_params(leg: Mapping[str, object]) -> dict[str, object]:
    """Return an order without its symbol, or a leg of a list, with its defaults."""
    params = {name: value for name, value in leg.items() if value is not None}
    for name in MONEY_FIELDS:
        if name in params:
            params[name] = _money_text(params[name])
    params.setdefault("type", "limit" if "price" in params else "market")
    if "expire_time" in params:
        params.setdefault("tif", "gtd")
    params.setdefault("tif", "gtc" if params["type"] in LIMIT_TYPES else "ioc")
    return params


def micros(when: object) -> object:
    """Return an aware time as microseconds since the epoch; anything else as it is."""
    if not isinstance(when, datetime):
        return when
    if when.tzinfo is None:
        raise ValueError(f"a time needs its zone: {when}")
    return (when - _EPOCH) // timedelta(microseconds=1)


def as_mapping(order: Mapping[str, object] | OrderLike) -> Mapping[str, object]:
    """Return an order given as an object as the mapping it stands for."""
    if isinstance(order, Mapping):
        return order
    named = {name: getattr(order, name, None) for name in (*PLACE_FIELDS, "account")}
    return {name: value for name, value in named.items() if value is not None}


def encode_request(
    number: int, op: str, params: Mapping[str, object], account: str | None = None
) -> bytes:
    """Return one request as the text that goes over the wire."""
    request: dict[str, object] = {"id": number, "op": op, "params": params}
    if account is not None:
        request["account"] = account
    return msgspec.json.encode(request)


def read_reply(message: Mapping[str, object]) -> dict[str, object] | Rejected:
    """Return the result of a reply, or its error."""
    if message.get("ok") is True:
        result = message.get("result", {})
        assert isinstance(result, dict), "a result is an object"
        return result
    error = message.get("error", {})
    assert isinstance(error, dict), "an error is an object"
    return rejected_from_wire(error)


def decode_message(text: bytes) -> dict[str, object]:
    """Read one message of the server."""
    message = msgspec.json.decode(text)
    assert isinstance(message, dict), "the protocol sends objects only"
    return message


def decode_plain_event(text: bytes) -> tuple[str, dict[str, object]]:
    """Read one frame of the plain `/ws`: {"event": name, "data": object}.

    JSON numbers become `Decimal`, so a price may be given as a number without a float in between.
    Raises ValueError for what is not such a frame: duplicate keys, NaN, unknown keys and halves of
    surrogate pairs, which are no text, included.
    """
    frame = json.loads(
        text, parse_float=_decimal, parse_constant=_no_constant, object_pairs_hook=_unique
    )
    # Only an escape can make half a pair: the text itself is UTF-8.
    if b"\\u" in text:
        _check_texts(frame)
    if not isinstance(frame, dict) or not {"event"} <= set(frame) <= {"event", "data"}:
        raise ValueError('a frame is {"event": "…", "data": {…}}')
    event, data = frame["event"], frame.get("data", {})
    if not isinstance(event, str) or not isinstance(data, dict):
        raise ValueError('a frame is {"event": "…", "data": {…}}')
    return event, data


def encode_plain_event(event: str, data: object) -> bytes:
    """Write one frame of the plain `/ws`; results show as on the wire, money as text.

    Half a surrogate pair, which no JSON can carry, shows as its escape. Raises TypeError for what
    has no JSON form, and for nothing else.
    """
    frame = {"event": _text(event), "data": _shown(data)}
    return msgspec.json.encode(frame, enc_hook=_no_form)


def _shown(value: object) -> object:
    # msgspec has a form for dataclasses of its own, which is not the wire's.
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, OrderResult | Rejected):
        return _shown(value.to_wire())
    if isinstance(value, Mapping):
        return {_shown(name): _shown(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(item) for item in value]
    return value


def _text(value: str) -> str:
    return value.encode("utf-8", "backslashreplace").decode()


def _check_texts(value: object) -> None:
    if isinstance(value, str):
        if _text(value) != value:
            raise ValueError("half a surrogate pair is no text")
    elif isinstance(value, dict):
        for name, item in value.items():
            _check_texts(name)
            _check_texts(item)
    elif isinstance(value, list):
        for item in value:
            _check_texts(item)


def _no_form(value: object) -> object:
    raise TypeError(f"no JSON form for {type(value).__name__}")


def _symbol_or_as_is(symbol: str) -> str:
    # A name that is no symbol goes to the core as it is: there it is UNKNOWN_SYMBOL, with the name.
    try:
        return wire_symbol(symbol)
    except ValueError:
        return symbol


def _money_text(value: object) -> object:
    # A text goes as it is, for the core to judge: it knows ticks, lots and limits.
    if isinstance(value, str):
        return value
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return as_text(value)
    raise TypeError(f"money is given as str, int or Decimal, never as {type(value).__name__}")


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError("a number with an exponent beyond all bounds") from None


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not a number")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found
