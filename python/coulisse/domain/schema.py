"""Commands and events as bytes, by the one schema that the extension carries.

Nothing is spelled out here: fields, numbers and types come from `_core.schema_json()`, so that a
command added in `crates/types` can be sent and an event read without a change to this file.

Layout: fields in order, little-endian, no padding; text is a length byte and ASCII; an enum is
one byte, a reject code two. A list of events is, for each, kind u16, body length u16, body.
"""

from __future__ import annotations

import functools
import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from coulisse import _core

_INTEGERS: Final[Mapping[str, tuple[int, bool]]] = {
    "u8": (1, False), "u16": (2, False), "u32": (4, False), "u64": (8, False),
    "u128": (16, False), "i32": (4, True), "i64": (8, True), "i128": (16, True),
    "seq": (8, False), "account_id": (4, False), "group_id": (4, False), "asset_id": (4, False),
    "instrument_id": (4, False), "key_index": (4, False), "order_id": (8, False),
    "trade_id": (8, False), "request_id": (16, False),
    "price_ticks": (8, True), "qty_lots": (8, True), "amount_minor": (16, True),
    "rate_ppm": (4, True),
}  # fmt: skip
_EVENT_HEAD = struct.Struct("<HH")
Value = int | bool | str | bytes


@dataclass(frozen=True, slots=True)
class Message:
    """One command or event of the schema."""

    number: int
    name: str
    fields: tuple[tuple[str, str], ...]
    """(name, type) in the order of their bytes."""


@dataclass(frozen=True, slots=True)
class Event:
    """One decoded event."""

    name: str
    fields: Mapping[str, Value]

    def __getitem__(self, name: str) -> Value:
        return self.fields[name]

    def whole(self, name: str) -> int:
        """Return a field that is a number."""
        value = self.fields[name]
        assert isinstance(value, int), f"{self.name}.{name} is not a number"
        return value


@dataclass(frozen=True, slots=True)
class Schema:
    """Every message, enum and reject code that this build of the core knows."""

    commands: Mapping[str, Message]
    events: Mapping[int, Message]
    names: Mapping[str, Mapping[int, str]]
    """The values of each enum and of `reject_code`, by number."""
    numbers: Mapping[str, Mapping[str, int]]
    """The same, by name."""
    limits: Mapping[str, int]

    def encode(self, name: str, fields: Mapping[str, Value]) -> tuple[int, bytes]:
        """Return the kind and the body of a command; every field must be given, and no other.

        Raises ValueError for a value that does not fit its field, with the names of both.
        """
        message = self.commands[name]
        wanted = {field for field, _ in message.fields}
        if wanted != set(fields):
            odd = sorted(wanted ^ set(fields))
            raise ValueError(f"{name}: fields missing or unknown: {', '.join(odd)}")
        body = b"".join(self._encoded(field, kind, fields[field]) for field, kind in message.fields)
        return message.number, body

    def decode_events(self, data: bytes) -> Iterator[Event]:
        """Read a list of events."""
        at = 0
        while at < len(data):
            kind, length = _EVENT_HEAD.unpack_from(data, at)
            at += _EVENT_HEAD.size
            yield self._decode(self.events[kind], data[at : at + length])
            at += length

    def _decode(self, message: Message, body: bytes) -> Event:
        fields: dict[str, Value] = {}
        at = 0
        for name, kind in message.fields:
            fields[name], at = self._decode_field(kind, body, at)
        assert at == len(body), f"{message.name} has bytes that the schema does not know"
        return Event(message.name, fields)

    def _encoded(self, field: str, kind: str, value: Value) -> bytes:
        try:
            return self._encode_field(kind, value)
        except OverflowError:
            raise ValueError(f"{field}: {value!r} does not fit") from None

    def _encode_field(self, kind: str, value: Value) -> bytes:
        if kind in _INTEGERS:
            size, signed = _INTEGERS[kind]
            return int(value).to_bytes(size, "little", signed=signed)
        if kind == "bool":
            return bytes([bool(value)])
        if kind == "bytes32":
            assert isinstance(value, bytes) and len(value) == 32, "32 bytes are wanted"
            return value
        if kind == "bytes":
            assert isinstance(value, bytes), "bytes are wanted"
            return bytes([len(value)]) + value
        if kind == "text":
            text = str(value).encode("ascii")
            return bytes([len(text)]) + text
        size = 2 if kind == "reject_code" else 1
        number = self.numbers[kind][value] if isinstance(value, str) else int(value)
        return number.to_bytes(size, "little")

    def _decode_field(self, kind: str, body: bytes, at: int) -> tuple[Value, int]:
        if kind in _INTEGERS:
            size, signed = _INTEGERS[kind]
            return int.from_bytes(body[at : at + size], "little", signed=signed), at + size
        if kind == "bool":
            return body[at] != 0, at + 1
        if kind == "bytes32":
            return body[at : at + 32], at + 32
        if kind == "bytes":
            end = at + 1 + body[at]
            return body[at + 1 : end], end
        if kind == "text":
            end = at + 1 + body[at]
            return body[at + 1 : end].decode("ascii"), end
        size = 2 if kind == "reject_code" else 1
        number = int.from_bytes(body[at : at + size], "little")
        return self.names[kind][number], at + size


@functools.cache
def schema() -> Schema:
    """Return the schema of the extension that is loaded."""
    return parse_schema(_core.schema_json())


def parse_schema(text: str) -> Schema:
    """Read the schema from its JSON."""
    raw = json.loads(text)

    def messages(items: list[dict[str, object]]) -> Iterator[Message]:
        for item in items:
            listed = item["fields"]
            assert isinstance(listed, list), "fields are a list"
            fields = tuple((str(f["name"]), str(f["type"])) for f in listed)
            yield Message(int(str(item["number"])), str(item["name"]), fields)

    names = {
        kind: {int(value["number"]): str(value["name"]) for value in values}
        for kind, values in raw["enums"].items()
    }
    names["reject_code"] = {int(code["number"]): str(code["name"]) for code in raw["rejects"]}
    return Schema(
        commands={message.name: message for message in messages(raw["commands"])},
        events={message.number: message for message in messages(raw["events"])},
        names=names,
        numbers={
            kind: {name: number for number, name in values.items()}
            for kind, values in names.items()
        },
        limits={str(name): int(value) for name, value in raw["limits"].items()},
    )
