"""Ids of HTTP requests: told to the client, and in the log."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from litestar import Litestar, get

from coulisse.gateway.request_ids import with_request_ids
from coulisse.gateway.rest import on_fault
from coulisse.telemetry.logs import logger


@get("/well")
async def well() -> str:
    logger("test").info("asked")
    return "well"


@get("/broken")
async def broken() -> str:
    raise ZeroDivisionError


@pytest.fixture
async def http(written: io.StringIO) -> AsyncIterator[httpx.AsyncClient]:
    app = Litestar(
        [well, broken], exception_handlers={Exception: on_fault}, logging_config=None,
        openapi_config=None,
    )  # fmt: skip
    transport = httpx.ASGITransport(with_request_ids(app))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://node") as client:
        yield client


def ids_in(written: io.StringIO) -> list[object]:
    return [json.loads(line).get("request_id") for line in written.getvalue().splitlines()]


async def test_an_id_that_is_given_is_in_the_answer_and_in_every_line(
    http: httpx.AsyncClient, written: io.StringIO
) -> None:
    for path in ("/well", "/broken"):
        answer = await http.get(path, headers={"X-Request-Id": "desk-7.a_B"})
        assert answer.headers.get_list("X-Request-Id") == ["desk-7.a_B"]
    assert ids_in(written) == ["desk-7.a_B"] * 2
    logger("test").info("later")
    assert ids_in(written)[-1] is None


@pytest.mark.parametrize("given", [None, "", "x" * 65, "two words", '"}{"'])
async def test_one_is_drawn_where_none_is_given_or_it_is_not_plain(
    http: httpx.AsyncClient, written: io.StringIO, given: str | None
) -> None:
    headers = {} if given is None else {"X-Request-Id": given}
    told = [(await http.get("/well", headers=headers)).headers["X-Request-Id"] for _ in range(2)]
    assert told[0] != told[1] and all(len(one) == 16 for one in told)
    assert ids_in(written) == told
