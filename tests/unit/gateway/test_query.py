"""Queries of public routes: what is refused names the parameter, its value, and what is taken."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pytest
from litestar import Litestar, get
from litestar.params import PathParameter, QueryParameter

from coulisse.gateway.query import OneOf, Whole, checked


@get(
    "/{symbol:str}",
    before_request=checked(limit=Whole(1, 1_000), gaps=OneOf(("omit", "flat")), since=Whole(0, 9)),
)
async def route(
    symbol: Annotated[str, PathParameter()],
    limit: Annotated[int, QueryParameter()] = 7,
    gaps: Annotated[str, QueryParameter()] = "omit",
    since: Annotated[int | None, QueryParameter()] = None,
) -> str:
    return json.dumps([symbol, limit, gaps, since])


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app: Any = Litestar([route], openapi_config=None)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://node") as http:
        yield http


async def refused(http: httpx.AsyncClient, query: str) -> dict[str, Any]:
    answer = await http.get(f"/BTC-USD?{query}")
    body: dict[str, Any] = answer.json()
    assert answer.status_code == 400 and body["ok"] is False, answer.text
    assert body["error"]["state"] == "not_sent"
    error: dict[str, Any] = body["error"]
    return error


@pytest.mark.parametrize(
    ("query", "code", "field", "value", "says"),
    [
        ("gaps=foo", "INVALID_VALUE", "gaps", "foo", "gaps foo must be one of: omit, flat"),
        ("limit=abc", "INVALID_VALUE", "limit", "abc",
         "limit abc must be: a whole number from 1 to 1000"),
        ("limit=0", "INVALID_VALUE", "limit", "0", "from 1 to 1000"),
        ("limit=1001", "INVALID_VALUE", "limit", "1001", "from 1 to 1000"),
        ("limit=-1", "INVALID_VALUE", "limit", "-1", "from 1 to 1000"),
        ("limit=007", "INVALID_VALUE", "limit", "007", "from 1 to 1000"),
        ("limit=", "INVALID_VALUE", "limit", "", "from 1 to 1000"),
        ("limit=1e2", "INVALID_VALUE", "limit", "1e2", "from 1 to 1000"),
        ("limit=" + "9" * 80, "INVALID_VALUE", "limit", "9" * 64, "from 1 to 1000"),
        ("since=zzz", "INVALID_VALUE", "since", "zzz", "from 0 to 9"),
        ("limit=5&limit=5", "DUPLICATE_FIELD", "limit", "5", "twice"),
        ("limit=5&gaps=flat&limit=6", "DUPLICATE_FIELD", "limit", "6", "twice"),
        ("limits=5", "UNKNOWN_FIELD", "limits", "5", "limit, gaps, since"),
    ],
)  # fmt: skip
async def test_a_refusal_names_code_field_value_and_what_is_taken(
    client: httpx.AsyncClient, query: str, code: str, field: str, value: str, says: str
) -> None:
    error = await refused(client, query)
    assert (error["code"], error["field"], error["value"]) == (code, field, value)
    assert says in error["message"]


@pytest.mark.parametrize(
    ("query", "result"),
    [
        ("", ["BTC-USD", 7, "omit", None]),
        ("limit=1&gaps=flat", ["BTC-USD", 1, "flat", None]),
        ("since=0&limit=1000", ["BTC-USD", 1_000, "omit", 0]),
    ],
)
async def test_what_is_taken_reaches_the_route(
    client: httpx.AsyncClient, query: str, result: list[object]
) -> None:
    answer = await client.get(f"/BTC-USD?{query}")
    assert (answer.status_code, json.loads(answer.text)) == (200, result)
