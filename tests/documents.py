"""What the generated documents say of messages and answers, held against real ones."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema_rs

FOLDER = Path(__file__).parents[1] / "docs" / "protocol"


@cache
def _document(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((FOLDER / name).read_text())
    return document


@cache
def _validator(name: str, place: str) -> jsonschema_rs.Validator:
    schema = {"$ref": place, **_document(name)}
    return jsonschema_rs.validator_for(schema)


def _check(name: str, parts: tuple[str, ...], value: object) -> None:
    escaped = (quote(part.replace("~", "~0").replace("/", "~1"), safe="~") for part in parts)
    for error in _validator(name, "#/" + "/".join(escaped)).iter_errors(value):
        raise AssertionError(f"{name} says of {'.'.join(parts)}: {error.message}: {value}")


def assert_documented_message(op: str | None, message: dict[str, Any]) -> None:
    """Hold a message of the socket against the AsyncAPI document; `op` is what it answers."""
    match message:
        case {"ch": "session", "type": kind}:
            name = str(kind)
        case {"ch": channel}:
            name = str(channel)
        case {"ok": False}:
            name = "refusal"
        case _:
            name = f"{op}.reply"
    _check("asyncapi.json", ("components", "messages", name, "payload"), message)


def assert_documented_request(message: dict[str, Any]) -> None:
    """Hold a request that was taken against the AsyncAPI document."""
    parts = ("components", "messages", message["op"], "payload")
    _check("asyncapi.json", parts, message)


def assert_documented_answer(method: str, path: str, status: int, body: object) -> None:
    """Hold an answer of a REST route against the OpenAPI document."""
    parts = ("paths", path, method.lower(), "responses", str(status))
    _check("openapi.json", (*parts, "content", "application/json", "schema"), body)
