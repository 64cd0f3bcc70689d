"""Requests of the native protocol and frames of the plain one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from coulisse.domain.outcomes import OrderResult, Rejected, Unknown, order_result_from_wire
from coulisse.domain.requests import (
    as_mapping,
    decode_plain_event,
    encode_plain_event,
    encode_request,
    leg_params,
    place_params,
    read_reply,
)


def test_an_order_with_a_price_is_a_limit_order_and_one_without_a_market_order() -> None:
    limit = place_params({"symbol": "BTC/USD", "side": "buy", "qty": "1", "price": 60000})
    assert limit == {
        "symbol": "BTC-USD", "side": "buy", "qty": "1", "price": "60000", "type": "limit",
        "tif": "gtc",
    }  # fmt: skip
    market = place_params({"symbol": "BTC-USD", "side": "buy", "qty": Decimal("1E-2")})
    assert (market["type"], market["tif"], market["qty"]) == ("market", "ioc", "0.01")


@pytest.mark.parametrize("field", ["qty", "price", "notional"])
def test_a_float_in_an_order_is_a_type_error(field: str) -> None:
    with pytest.raises(TypeError, match="float"):
        place_params({"symbol": "BTC-USD", "side": "buy", field: 0.1})


def test_what_the_core_must_refuse_is_passed_on_as_it_is() -> None:
    params = place_params({"symbol": "nonsense", "side": "up", "qty": "NaN", "colour": "red"})
    assert params["symbol"] == "nonsense" and params["colour"] == "red" and params["qty"] == "NaN"


def test_an_order_may_be_an_object() -> None:
    @dataclass
    class Mine:
        symbol: str = "BTC-USD"
        side: str = "sell"
        qty: str = "2"
        account: str | None = None

    assert as_mapping(Mine()) == {"symbol": "BTC-USD", "side": "sell", "qty": "2"}


def test_a_request_names_its_account_only_where_one_is_given() -> None:
    assert json.loads(encode_request(3, "order.cancel_all", {})) == {
        "id": 3, "op": "order.cancel_all", "params": {},
    }  # fmt: skip
    assert json.loads(encode_request(3, "x", {}, "alice"))["account"] == "alice"


def test_a_reply_is_a_result_or_a_reject() -> None:
    assert read_reply({"id": 1, "ok": True, "result": {"seq": 4}}) == {"seq": 4}
    refused = read_reply(
        {"id": 1, "ok": False, "error": {"code": "OFF_TICK", "message": "m", "field": "price",
                                         "value": "1.001", "state": "not_sent"}}
    )  # fmt: skip
    assert refused == Rejected("OFF_TICK", "m", "not_sent", "price", "1.001")


def test_an_order_result_reads_ids_and_numbers_and_shows_them_as_texts() -> None:
    result = order_result_from_wire(
        {"order_id": "88", "state": "open", "filled": "0.10", "seq": 9, "t_log": 5}
    )
    assert result.order_id == 88 and result.filled == Decimal("0.10") and result.ok
    shown = result.to_wire()
    assert shown["order_id"] == "88" and shown["filled"] == "0.10" and shown["t_log"] == 5
    assert "client_order_id" not in shown


def test_a_refused_order_shows_its_error() -> None:
    result = OrderResult("rejected", error=Rejected("INSUFFICIENT_BALANCE", "too poor"))
    assert not result.ok
    assert result.to_wire()["error"] == {
        "code": "INSUFFICIENT_BALANCE", "message": "too poor", "state": "rejected",
    }  # fmt: skip
    assert str(result.error) == "INSUFFICIENT_BALANCE: too poor"
    assert Unknown("a1").state == "unknown"


def test_a_number_in_a_plain_frame_stays_exact() -> None:
    event, data = decode_plain_event(b'{"event":"order","data":{"qty":0.1,"price":60000}}')
    assert event == "order" and data == {"qty": Decimal("0.1"), "price": 60000}


@pytest.mark.parametrize(
    "text",
    [
        b"", b"[]", b"nonsense", b'{"event":1}', b'{"data":{}}', b'{"event":"a","data":[]}',
        b'{"event":"a","more":1}', b'{"event":"a","event":"b"}', b'{"event":"a","data":{"q":NaN}}',
        b'{"event":"a","data":{"q":1,"q":2}}', b"\xff", rb'{"event":"\ud800"}',
        rb'{"event":"a","data":{"\udc00":1}}', rb'{"event":"a","data":{"q":[{"r":"\ud800"}]}}',
        b'{"event":"a","data":{"x":1e99999999999999999999}}',
    ],
)  # fmt: skip
def test_what_is_no_plain_frame_is_a_value_error(text: bytes) -> None:
    with pytest.raises(ValueError):
        decode_plain_event(text)


def test_a_plain_frame_shows_results_as_on_the_wire_and_money_as_text() -> None:
    text = encode_plain_event("e", [OrderResult("open", order_id=3), {"qty": Decimal("0.10")}])
    assert json.loads(text) == {
        "event": "e",
        "data": [{"ok": True, "order_id": "3", "state": "open"}, {"qty": "0.10"}],
    }


def test_half_a_surrogate_pair_shows_as_its_escape() -> None:
    text = encode_plain_event("\ud800", {"\udc00": ["a\ud800", "\U0001f3ad"]})
    assert json.loads(text) == {
        "event": "\\ud800", "data": {"\\udc00": ["a\\ud800", "\U0001f3ad"]},
    }  # fmt: skip
    assert decode_plain_event(rb'{"event":"\ud83c\udfad"}') == ("\U0001f3ad", {})


def test_what_has_no_json_form_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="no JSON form"):
        encode_plain_event("e", object())


def test_an_order_with_terms_has_the_time_in_force_that_its_type_wants() -> None:
    stop = {"symbol": "BTC-USD", "side": "sell", "qty": "1", "trigger_price": Decimal("5E+1")}
    params = place_params({**stop, "type": "stop"})
    assert (params["tif"], params["trigger_price"]) == ("ioc", "50")
    params = place_params({**stop, "type": "stop_limit", "price": 49})
    assert (params["tif"], params["price"]) == ("gtc", "49")


def test_an_expire_time_makes_an_order_gtd_in_microseconds() -> None:
    order = {"symbol": "BTC-USD", "side": "buy", "qty": "1", "price": 1}
    when = datetime(2030, 1, 1, 12, 0, 0, 1, tzinfo=UTC)
    params = place_params({**order, "expire_time": when})
    assert (params["tif"], params["expire_time"]) == ("gtd", 1_893_499_200_000_001)
    assert place_params({**order, "expire_time": 5})["expire_time"] == 5
    with pytest.raises(ValueError, match="zone"):
        place_params({**order, "expire_time": when.replace(tzinfo=None)})


@pytest.mark.parametrize(
    "field", ["trigger_price", "trail", "display_qty", "min_qty", "peg_offset"]
)
def test_a_float_in_a_term_is_a_type_error(field: str) -> None:
    with pytest.raises(TypeError, match="float"):
        place_params({"symbol": "BTC-USD", "side": "buy", "qty": 1, field: 0.1})


def test_a_leg_has_the_defaults_of_an_order_without_its_symbol() -> None:
    assert leg_params({"side": "sell", "qty": 1, "price": None}) == {
        "side": "sell", "qty": "1", "type": "market", "tif": "ioc",
    }  # fmt: skip
