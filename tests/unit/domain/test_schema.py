"""Commands and events as bytes."""

from __future__ import annotations

import pytest

from coulisse.domain.schema import parse_schema, schema

TINY = """{
  "commands": [{"number": 7, "name": "Deposit", "doc": "", "fields": [
      {"name": "asset", "type": "asset_id", "doc": ""},
      {"name": "amount", "type": "amount_minor", "doc": ""},
      {"name": "name", "type": "text", "doc": ""},
      {"name": "side", "type": "side", "doc": ""},
      {"name": "key", "type": "bytes32", "doc": ""},
      {"name": "flag", "type": "bool", "doc": ""}]}],
  "events": [{"number": 1, "name": "Rejected", "doc": "", "fields": [
      {"name": "code", "type": "reject_code", "doc": ""},
      {"name": "value", "type": "i128", "doc": ""}]}],
  "rejects": [{"number": 300, "name": "NO", "origin": "core", "doc": ""}],
  "enums": {"side": [{"number": 0, "name": "buy"}, {"number": 1, "name": "sell"}]},
  "limits": {"ORDERS_MAX": 5}
}"""


def test_fields_stand_in_order_little_endian_without_padding() -> None:
    kind, body = parse_schema(TINY).encode(
        "Deposit",
        {
            "asset": 2, "amount": -1, "name": "ab", "side": "sell", "key": bytes(range(32)),
            "flag": True,
        },
    )  # fmt: skip
    assert kind == 7
    assert body == b"\x02\0\0\0" + b"\xff" * 16 + b"\x02ab" + b"\x01" + bytes(range(32)) + b"\x01"


def test_a_missing_and_an_unknown_field_are_named() -> None:
    with pytest.raises(ValueError, match=r"amount.*what"):
        parse_schema(TINY).encode("Deposit", {"asset": 1, "what": 2})


def test_events_read_one_after_another() -> None:
    body = (300).to_bytes(2, "little") + (-5).to_bytes(16, "little", signed=True)
    one = (1).to_bytes(2, "little") + len(body).to_bytes(2, "little") + body
    events = list(parse_schema(TINY).decode_events(one + one))
    assert [event.name for event in events] == ["Rejected", "Rejected"]
    assert events[1]["code"] == "NO" and events[1].whole("value") == -5


def test_the_real_schema_knows_every_type_that_its_messages_use() -> None:
    real = schema()
    for message in (*real.commands.values(), *real.events.values()):
        for name, kind in message.fields:
            assert name and (kind in real.names or not kind.startswith("?")), (message.name, kind)
    assert real.numbers["reject_code"]["INSUFFICIENT_BALANCE"] == 116
    assert real.limits["REQUEST_IDS_MAX"] > 0


def test_every_real_command_can_be_encoded() -> None:
    real = schema()
    sample: dict[str, int | bool | str | bytes] = {
        "bool": False,
        "bytes32": bytes(32),
        "bytes": b"x",
        "text": "x",
    }
    for name, message in real.commands.items():
        fields = {field: sample.get(kind, 0) for field, kind in message.fields}
        number, body = real.encode(name, fields)
        assert number == message.number
        assert len(body) >= len(message.fields) - 1 or not message.fields
